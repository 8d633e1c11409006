//! Everything that two Innsyn processes must agree on.

pub mod clock;
pub mod convert;
pub mod wire;
