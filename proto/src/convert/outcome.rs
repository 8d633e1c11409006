//! Outcomes and their reasons.

use innsyn_policy::{
    CannotBeAskedReason as Cannot, NoAnswerReason as Silent, Outcome, Presence,
    WithheldReason as Withheld,
};

use crate::wire::types::v1 as wire;

/// An answer names no outcome, or one that is not an agent's to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer's outcome and reason do not belong together")]
pub struct ReadOutcomeError;

/// The wire's words for an outcome.
pub const fn outcome_to_wire(outcome: &Outcome) -> (wire::Outcome, wire::Reason) {
    match outcome {
        Outcome::Registered(_) => (wire::Outcome::Registered, wire::Reason::Unspecified),
        Outcome::NotRegistered => (wire::Outcome::NotRegistered, wire::Reason::Unspecified),
        Outcome::Deleted(_) => (wire::Outcome::Deleted, wire::Reason::Unspecified),
        Outcome::Withheld(reason) => (wire::Outcome::Withheld, withheld_to_wire(*reason)),
        Outcome::CannotBeAsked(reason) => (wire::Outcome::CannotBeAsked, cannot_to_wire(*reason)),
        Outcome::NoAnswer(reason) => (wire::Outcome::NoAnswer, silent_to_wire(*reason)),
        Outcome::NotConnected => (wire::Outcome::NotConnected, wire::Reason::Unspecified),
    }
}

/// The outcome that a node's answer names. `CANNOT_BE_ASKED` and `NOT_CONNECTED` are refused:
/// they come from the catalogue, never from a node.
pub fn outcome_from_node(
    outcome: wire::Outcome,
    reason: wire::Reason,
    presence: Presence,
) -> Result<Outcome, ReadOutcomeError> {
    let unreasoned = reason == wire::Reason::Unspecified;
    match outcome {
        wire::Outcome::Registered if unreasoned => Ok(Outcome::Registered(presence)),
        wire::Outcome::NotRegistered if unreasoned => Ok(Outcome::NotRegistered),
        wire::Outcome::Deleted if unreasoned => Ok(Outcome::Deleted(presence)),
        wire::Outcome::Withheld => withheld_from_wire(reason)
            .map(Outcome::Withheld)
            .ok_or(ReadOutcomeError),
        wire::Outcome::NoAnswer => silent_from_wire(reason)
            .map(Outcome::NoAnswer)
            .ok_or(ReadOutcomeError),
        _ => Err(ReadOutcomeError),
    }
}

const fn withheld_to_wire(reason: Withheld) -> wire::Reason {
    match reason {
        Withheld::AreaNotCovered => wire::Reason::AreaNotCovered,
        Withheld::SensitiveFromTwelve => wire::Reason::SensitiveFromTwelve,
    }
}

const fn withheld_from_wire(reason: wire::Reason) -> Option<Withheld> {
    match reason {
        wire::Reason::AreaNotCovered => Some(Withheld::AreaNotCovered),
        wire::Reason::SensitiveFromTwelve => Some(Withheld::SensitiveFromTwelve),
        _ => None,
    }
}

const fn cannot_to_wire(reason: Cannot) -> wire::Reason {
    match reason {
        Cannot::Deidentified => wire::Reason::Deidentified,
        Cannot::Pseudonymous => wire::Reason::Pseudonymous,
    }
}

const fn silent_to_wire(reason: Silent) -> wire::Reason {
    match reason {
        Silent::Timeout => wire::Reason::Timeout,
        Silent::Unresponsive => wire::Reason::Unresponsive,
        Silent::Down => wire::Reason::Down,
        Silent::RelayDown => wire::Reason::RelayDown,
        Silent::LogUnavailable => wire::Reason::LogUnavailable,
        Silent::OverCap => wire::Reason::OverCap,
        Silent::Refused => wire::Reason::Refused,
        Silent::SourceUnavailable => wire::Reason::SourceUnavailable,
        Silent::InvalidAnswer => wire::Reason::InvalidAnswer,
        Silent::Overloaded => wire::Reason::Overloaded,
    }
}

/// Only the reasons that a node itself can have.
const fn silent_from_wire(reason: wire::Reason) -> Option<Silent> {
    match reason {
        wire::Reason::LogUnavailable => Some(Silent::LogUnavailable),
        wire::Reason::OverCap => Some(Silent::OverCap),
        wire::Reason::Refused => Some(Silent::Refused),
        wire::Reason::SourceUnavailable => Some(Silent::SourceUnavailable),
        wire::Reason::Overloaded => Some(Silent::Overloaded),
        _ => None,
    }
}
