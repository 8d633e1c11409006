//! The research gateway as a researcher sees it: gRPC over TLS, a relay, the tunnel, and agents
//! at its other end that count what they are told.

mod admission;
mod agent;
mod kept;
mod ledger;
mod outcomes;
mod overlaps;
mod public;
pub(in crate::research) mod queries;
mod receipts;
mod tables;
mod world;
