//! Why a register's share of a table is missing, and what that makes of the register.

use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1 as node;

use super::super::agents::CallError;
use super::super::coverage::RegisterOutcome;
use super::super::overlap::ToldError;
use super::super::part::PartError;
use super::super::receipts::ReceiptMismatchError;
use super::super::said_no::SaidNo;

/// Why a register's share is missing.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPart {
    #[error("the register refused")]
    Refused(SaidNo),
    #[error("the agent gave nothing")]
    Call(#[from] CallError),
    #[error("the agent's call ended early")]
    Ended,
    #[error("the answer is not understood")]
    NotUnderstood,
    #[error("the answer does not fit the question")]
    Part(#[from] PartError),
    #[error("the receipt does not fit the answer")]
    Receipt(#[from] ReceiptMismatchError),
    #[error("the answer cannot be compared with earlier ones")]
    Overlaps(#[from] ToldError),
}

impl NoPart {
    /// Whether all that is wrong is that nobody can say whether the table may join earlier ones.
    pub(super) const fn is_of_the_audit(&self) -> bool {
        match self {
            Self::Refused(said) => matches!(said.refusal, node::Refusal::Overlap),
            other => matches!(other, Self::Overlaps(_)),
        }
    }

    /// What the register said, if it refused.
    pub(super) fn said(self) -> Option<SaidNo> {
        match self {
            Self::Refused(said) => Some(said),
            _ => None,
        }
    }

    /// What became of `register`, which is told to the log.
    pub(super) fn outcome(&self, register: &RegisterId) -> RegisterOutcome {
        match self {
            Self::Refused(said) if said.refusal == node::Refusal::Held => {
                tracing::info!(node.id = %register, "register waits for its steward");
                RegisterOutcome::Held
            }
            Self::Refused(said) => {
                let reason = said.refusal.as_str_name();
                tracing::info!(node.id = %register, reason, "register refused");
                RegisterOutcome::Refused
            }
            Self::Call(error) if error.is_not_served() => {
                tracing::info!(node.id = %register, reason = "NOT_SERVED", "register refused");
                RegisterOutcome::Refused
            }
            Self::NotUnderstood | Self::Part(_) | Self::Receipt(_) | Self::Overlaps(_) => {
                tracing::error!(
                    node.id = %register,
                    error = self as &dyn std::error::Error,
                    "part not understood"
                );
                RegisterOutcome::Silent
            }
            Self::Call(_) | Self::Ended => {
                tracing::info!(
                    node.id = %register,
                    error = self as &dyn std::error::Error,
                    "register silent"
                );
                RegisterOutcome::Silent
            }
        }
    }
}
