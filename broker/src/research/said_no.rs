//! What a register said with its no, as far as a researcher is told.
//!
//! Told are grounds that say nothing of anybody in the register's data. Of all others it is only
//! told that the register refused; its own log has the rest.

use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use wire::RefusalReason as Reason;

/// A register's no.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SaidNo {
    /// As the register told it.
    pub(super) refusal: node::Refusal,
    /// What it has signed of it, if it has.
    pub(super) receipt: Option<wire::Receipt>,
}

/// A register whose part is missing, and why if it has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) register: RegisterId,
    pub(crate) reason: Reason,
}

impl SaidNo {
    /// Why, as it is told.
    pub(super) const fn reason(&self) -> Reason {
        match self.refusal {
            node::Refusal::SettingsTooOld => Reason::SettingsTooOld,
            node::Refusal::Steward => Reason::Steward,
            node::Refusal::Permit => Reason::DataPermit,
            node::Refusal::OutsidePermit => Reason::OutsideDataPermit,
            _ => Reason::Unspecified,
        }
    }
}

/// The stable word for a reason; `None` where none is told.
pub(crate) const fn label(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::SettingsTooOld => Some("settings_too_old"),
        Reason::Steward => Some("steward"),
        Reason::DataPermit => Some("data_permit"),
        Reason::OutsideDataPermit => Some("outside_data_permit"),
        Reason::Unspecified => None,
    }
}

/// The reason as a sentence's end; `None` where none is told.
pub(super) const fn words(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::SettingsTooOld => {
            Some("what people there have said about the use of their data is too old to rely on")
        }
        Reason::Steward => Some("its steward says no"),
        Reason::DataPermit => Some("it does not accept the data permit"),
        Reason::OutsideDataPermit => Some("it reads the query as outside the data permit"),
        Reason::Unspecified => None,
    }
}
