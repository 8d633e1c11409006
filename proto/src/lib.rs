//! Everything that two Innsyn processes must agree on.

pub mod case_receipt;
pub mod clock;
pub mod convert;
pub mod data_permit;
pub mod dialog;
pub mod head;
pub mod identity;
mod lines;
pub mod mandate;
pub mod padding;
pub mod query;
pub mod receipt;
pub mod sealing;
pub mod setting;
pub mod telemetry;
pub mod tls;
pub mod tunnel;
pub mod uselog;
pub mod wire;
pub mod witnessing;
