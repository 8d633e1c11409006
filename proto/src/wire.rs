//! The messages as they are on the wire, generated from the .proto files.
//!
//! The generated code is kept in `proto/generated`, so that whoever builds Innsyn builds no
//! compiler of .proto files first. A test generates it again and compares; with `REGENERATE=1` in
//! the environment it writes what has changed.

use std::fmt;

#[cfg(test)]
mod generated;

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
        include!("../generated/innsyn.types.v1.rs");
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
        include!("../generated/innsyn.citizen.v1.rs");
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
        include!("../generated/innsyn.node.v1.rs");
    }
}

/// What waits at a relay.
pub mod relay {
    #[allow(
        missing_debug_implementations,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        include!("../generated/innsyn.relay.v1.rs");
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
        include!("../generated/innsyn.research.v1.rs");
    }
}

/// The compiled descriptors of all services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("../generated/descriptors.bin");

/// These messages hold national ids, themselves or in a permit; what they print tells nothing of
/// them.
macro_rules! print_nothing_of {
    ($($message:ty),+ $(,)?) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($message), "(***)"))
            }
        }
    )+};
}

print_nothing_of! {
    node::v1::Question,
    node::v1::ComputeRequest,
    node::v1::ListSettingsRequest,
    node::v1::ListSettingsResponse,
    citizen::v1::ChangeSettingRequest,
    citizen::v1::ListSettingsRequest,
    citizen::v1::ListSettingsResponse,
    node::v1::ListUsesRequest,
    node::v1::ShownUse,
    node::v1::CountedUse,
    node::v1::ListUsesResponse,
    citizen::v1::ListRegistrationsRequest,
    citizen::v1::ListUsesRequest,
    citizen::v1::ListUsesResponse,
    citizen::v1::RegisterUses,
    citizen::v1::UsesProof,
    citizen::v1::Use,
    research::v1::RunRequest,
    research::v1::LedgerRequest,
    types::v1::CaseAttachment,
    types::v1::CaseStep,
    node::v1::CaseWords,
    node::v1::Notice,
    citizen::v1::OpenCaseRequest,
    citizen::v1::AddMessageRequest,
    citizen::v1::AppealCaseRequest,
    citizen::v1::ListCasesRequest,
    citizen::v1::GetCaseRequest,
    node::v1::ShowInsightRequest,
    node::v1::ShowInsightResponse,
    citizen::v1::GetInsightRequest,
    citizen::v1::GetInsightResponse,
    citizen::v1::RegisterInsight,
    types::v1::InsightTable,
    types::v1::InsightRow,
    types::v1::SaidOnPaper,
    citizen::v1::FindMessageRequest,
}
