//! The federated query broker: relay, citizen gateway, research gateway, certificates.

pub mod catalog;
pub mod config;
pub mod dev;
pub mod enrolment;
mod flight;
pub mod gateway;
pub mod metrics;
pub mod program;
pub mod relay;
mod relay_status;
pub mod research;
mod run;
mod shutdown;

pub use run::{GatewayParts, open_research_parts, run, run_gateway, run_research_gateway};
