//! An invented Norway: people, registers, a federation of processes, load.
//!
//! In reading order: [`population`], `health` and [`registers`] invent the [`country`]; [`truth`]
//! says what is right from its files alone; [`sts`] makes citizens' and researchers' tokens, and
//! [`permit`] a researcher's data permit; [`helseid`] and [`pvk`] stand in for the nation's own; [`world`] puts a federation on the disk and
//! [`processes`] start it; [`caller`] and [`researcher`] ask it; [`demo`], [`load`] and [`bench`] use it. [`scan`] looks for what nobody
//! may keep.

pub mod bench;
pub mod caller;
pub mod country;
pub mod demo;
pub mod faults;
mod health;
pub mod helseid;
pub mod load;
pub mod loopback;
pub mod permit;
pub mod population;
pub mod processes;
pub mod program;
pub mod pvk;
pub mod registers;
pub mod researcher;
pub mod scan;
pub mod sts;
pub mod truth;
pub mod verify_uses;
pub mod world;
