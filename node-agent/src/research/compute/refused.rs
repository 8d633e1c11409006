//! Why a query is not counted: exactly for the register, coarsely for the gateway.

use std::time::Duration;

use innsyn_policy::{DenyReason, NotCountedReason, OutsidePermit, UseDecision};
use innsyn_proto::data_permit::ReadDataPermitError;
use innsyn_proto::query::QueryError;
use innsyn_proto::receipt::{RefusalGround, SettingsAge};
use innsyn_proto::wire::node::v1::Refusal;

use super::super::steward::StewardRefusal;
use super::overlap::OverlapError;
use crate::engine::EngineError;

/// Exactly why a query is not counted. No variant's text has a person in it, but that of a query's
/// fault is the asker's own and stays out of logs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the gateway has asked more than its cap")]
    OverCap,
    #[error("{waiting_max} queries wait already")]
    Busy { waiting_max: usize },
    #[error("the register publishes nothing for research now")]
    NothingPublished,
    #[error("nobody may be counted: no settings allow it, or they cannot be read now")]
    NobodyIncluded,
    #[error("nobody may be counted: people's settings are too old to rely on ({})", age(.0))]
    SettingsTooOld(SettingsAge),
    #[error("the query's `{}` is not what the register's catalogue allows", .0.place)]
    Query(Box<QueryError>),
    #[error(
        "the query is not the one that the gateway named: it may use a field that this agent does \
         not know; a newer agent may"
    )]
    OtherName,
    #[error(transparent)]
    Permit(#[from] ReadDataPermitError),
    #[error(transparent)]
    OutsidePermit(#[from] OutsidePermit),
    #[error(transparent)]
    Steward(#[from] StewardRefusal),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Overlap(#[from] OverlapError),
    #[error("the query needed more than {} s; allow it more, or ask less", .0.as_secs())]
    TooSlow(Duration),
    #[error("the gateway's deadline passed")]
    PastDeadline,
    #[error("the engine failed on this query")]
    EngineEnded,
    #[error("nobody waited for the answer any more")]
    Cancelled,
    #[error("people changed their settings while the query ran; ask again")]
    SettingsChanged,
}

impl Refused {
    /// As the log of use keeps it.
    pub(super) const fn decision(&self) -> UseDecision {
        use NotCountedReason as N;
        UseDecision::NotCounted(match self {
            Self::OverCap | Self::Busy { .. } => return UseDecision::OverCap,
            Self::OutsidePermit(field) => return UseDecision::OutsidePermit(*field),
            Self::Query(_) | Self::OtherName | Self::Engine(EngineError::Plan(_)) => N::Query,
            Self::Permit(_) => N::Permit,
            Self::Steward(StewardRefusal::Stopped) => N::Stopped,
            Self::Steward(_) => N::Steward,
            Self::Engine(EngineError::Memory { .. } | EngineError::TooManyCells(_))
            | Self::Overlap(OverlapError::TooLarge)
            | Self::TooSlow(_)
            | Self::PastDeadline => N::TooLarge,
            Self::Cancelled
            | Self::Engine(EngineError::Cancelled)
            | Self::Overlap(OverlapError::Cancelled) => N::Cancelled,
            Self::SettingsChanged => N::SettingsChanged,
            Self::SettingsTooOld(_) => return UseDecision::Denied(DenyReason::SettingsStale),
            Self::NothingPublished
            | Self::NobodyIncluded
            | Self::EngineEnded
            // It is the register's own files that do not tell.
            | Self::Overlap(_)
            | Self::Engine(
                EngineError::OtherSnapshot
                | EngineError::Unreadable { .. }
                | EngineError::Column { .. }
                | EngineError::Database { .. },
            ) => return UseDecision::SourceUnavailable,
        })
    }

    /// As the gateway is told.
    pub(super) const fn told(&self) -> Refusal {
        if matches!(self, Self::Steward(StewardRefusal::NotDecided)) {
            return Refusal::Held;
        }
        if matches!(self, Self::Overlap(_)) {
            return Refusal::Overlap;
        }
        match self.decision() {
            UseDecision::OverCap | UseDecision::OutsidePermit(OutsidePermit::Budget) => {
                Refusal::OverBudget
            }
            UseDecision::OutsidePermit(OutsidePermit::Validity)
            | UseDecision::NotCounted(NotCountedReason::Permit) => Refusal::Permit,
            UseDecision::OutsidePermit(_) => Refusal::OutsidePermit,
            UseDecision::NotCounted(NotCountedReason::Query) => Refusal::Query,
            UseDecision::NotCounted(NotCountedReason::Steward | NotCountedReason::Stopped) => {
                Refusal::Steward
            }
            UseDecision::NotCounted(NotCountedReason::TooLarge | NotCountedReason::Cancelled) => {
                Refusal::TooLarge
            }
            UseDecision::Denied(DenyReason::SettingsStale) => Refusal::SettingsTooOld,
            UseDecision::NotCounted(NotCountedReason::SettingsChanged)
            | UseDecision::SourceUnavailable
            | UseDecision::Answered
            | UseDecision::Withheld(_)
            | UseDecision::Denied(_) => Refusal::DataUnavailable,
        }
    }

    /// What the register signs of it; `None` where the ground is among its data, or where it is
    /// no decision.
    pub(super) const fn signed(&self) -> Option<RefusalGround> {
        if let Self::SettingsTooOld(age) = self {
            return Some(RefusalGround::SettingsTooOld(*age));
        }
        match self.told() {
            Refusal::Steward => Some(RefusalGround::Steward),
            Refusal::Permit => Some(RefusalGround::Permit),
            Refusal::OutsidePermit => Some(RefusalGround::OutsidePermit),
            _ => None,
        }
    }

    /// A stable name of the ground, for the record and for logs.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::OverCap => "over_cap",
            Self::Busy { .. } => "busy",
            Self::NothingPublished => "nothing_published",
            Self::NobodyIncluded => "nobody_included",
            Self::Query(_) => "query",
            Self::OtherName => "query_name",
            Self::Permit(_) => "permit",
            Self::OutsidePermit(field) => field.label(),
            Self::Steward(StewardRefusal::Stopped) => "stopped",
            Self::Steward(StewardRefusal::NotDecided) => "held",
            Self::Steward(_) => "steward",
            Self::Engine(error) => error.code(),
            Self::Overlap(_) => "overlap",
            Self::TooSlow(_) => "too_slow",
            Self::PastDeadline => "past_deadline",
            Self::EngineEnded => "engine_ended",
            Self::Cancelled => "cancelled",
            Self::SettingsChanged => "settings_changed",
            Self::SettingsTooOld(_) => "settings_too_old",
        }
    }
}

/// The age in words.
fn age(age: &SettingsAge) -> String {
    age.age_s.map_or_else(
        || "not known to be whole since the start".to_owned(),
        |age| format!("known to be whole {age} s ago"),
    )
}
