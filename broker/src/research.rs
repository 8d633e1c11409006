//! What becomes of a researcher's question between the registers' answers and the table that leaves.
//!
//! [`merge`] adds up what the registers sent, [`grid`] makes quantiles and survival curves of
//! counts, [`coverage`] accounts for every register, and [`desk`] decides what may leave. All of
//! it is arithmetic: nothing here knows a socket, a store or a clock.

pub mod coverage;
pub mod desk;
pub mod grid;
pub mod merge;
pub mod sql;
