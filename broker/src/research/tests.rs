//! The research gateway as a researcher sees it: gRPC over TLS, a relay, the tunnel, and agents
//! at its other end that count what they are told.

mod admission;
pub(crate) mod agent;
mod kept;
mod ledger;
mod outcomes;
mod overlaps;
mod public;
pub(crate) mod queries;
mod sql;
mod tables;
pub(crate) mod world;
