//! What is counted for researchers: [`data`] makes what the register publishes ready for it.

pub mod data;

pub use data::{Publisher, ResearchData};
