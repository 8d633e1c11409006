//! Everything that two Innsyn processes must agree on.

pub mod clock;
pub mod head;
pub mod wire;
