//! What a register's data are counted for by researchers.
//!
//! In reading order: [`compute`] counts for research gateways, and [`steward`] says which queries
//! the register answers.

pub mod compute;
pub mod steward;
