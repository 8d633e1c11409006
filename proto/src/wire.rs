//! The messages as they are on the wire, generated from the .proto files.

use std::fmt;

/// Words that every service shares.
pub mod types {
    #[allow(
        missing_debug_implementations,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("innsyn.types.v1");
    }
}

/// What helsenorge and the portal ask on behalf of a citizen.
pub mod citizen {
    #[allow(
        missing_debug_implementations,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("innsyn.citizen.v1");
    }
}

/// What a gateway asks a register's agent.
pub mod node {
    #[allow(
        missing_debug_implementations,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("innsyn.node.v1");
    }
}

/// What a researcher asks, and what can be asked.
pub mod research {
    #[allow(
        missing_debug_implementations,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        tonic::include_proto!("innsyn.research.v1");
    }
}

/// The compiled descriptors of all services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

// Both messages hold national ids; what they print tells nothing of them.
impl fmt::Debug for node::v1::Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(***)")
    }
}

impl fmt::Debug for citizen::v1::ListRegistrationsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListRegistrationsRequest(***)")
    }
}
