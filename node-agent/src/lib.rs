//! innsyn-agent

pub mod uselog;
