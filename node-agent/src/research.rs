//! What a register's data are counted for by researchers.
//!
//! In reading order: [`data`] makes what the register publishes ready to be counted, [`steward`]
//! says which queries the register answers, and [`compute`] counts for research gateways.

pub mod compute;
pub mod data;
pub mod steward;

pub use data::{Publisher, ResearchData};
