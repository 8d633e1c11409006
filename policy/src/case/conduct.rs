//! Who may read and take part in a person's dialogs at a register.
//!
//! A representation's areas are of insight: they let its holder read the person's cases, and ask
//! for insight, at the registers that they cover. To have data corrected, deleted or blocked, or to
//! reserve, is more than to look: a guardian or proxy needs [`Area::Dialogs`](crate::Area::Dialogs)
//! beside, which holds where the insight does. ASSUMED, as the catalogue of areas of Helsenorge
//! names none for it. A parent acts for a child as long as it may look, which ends for sensitive
//! registers at twelve and for all at sixteen.

use super::{CaseKind, Party};
use crate::caller::Representation;
use crate::decision::{DenyReason, Request, represents, withheld};
use crate::outcome::WithheldReason;
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register};
use crate::time::Timestamp;
use crate::use_record::UseDecision;

/// What somebody wants to do in a person's dialogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduct {
    /// Read what was said and decided.
    Read,
    /// Open a case of this kind, write in it or appeal.
    Act(CaseKind),
}

/// Why it may not be done, as the log of use has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotConducted {
    /// The rules say no.
    #[error(transparent)]
    Denied(#[from] DenyReason),
    /// Not for this caller at this register.
    #[error("the representation does not cover this at this register")]
    Withheld(WithheldReason),
}

impl From<NotConducted> for UseDecision {
    fn from(not: NotConducted) -> Self {
        match not {
            NotConducted::Denied(reason) => Self::Denied(reason),
            NotConducted::Withheld(reason) => Self::Withheld(reason),
        }
    }
}

/// Whether the caller of `request` may do this in the subject's dialogs at `register`, and as whom.
///
/// No setting of the person stands in the way: settings are of others' use of their data.
pub fn may_conduct(
    request: &Request,
    register: &Register,
    conduct: Conduct,
    now: Timestamp,
) -> Result<Party, NotConducted> {
    if register.legal_basis == LegalBasis::Deidentified {
        return Err(DenyReason::HoldsNoIdentities.into());
    }
    if request.purpose != Purpose::OwnInsight {
        return Err(DenyReason::RepresentationNotForPurpose.into());
    }
    represents(request, now)?;
    if let Some(reason) = withheld(&request.representation, register, now) {
        return Err(NotConducted::Withheld(reason));
    }
    match (&request.representation, conduct) {
        (Representation::Own, _) => Ok(Party::Person),
        (Representation::Parent { .. }, _)
        | (_, Conduct::Read | Conduct::Act(CaseKind::Insight)) => Ok(Party::Representative),
        (
            Representation::Guardian { areas, .. } | Representation::PowerOfAttorney { areas, .. },
            Conduct::Act(_),
        ) if areas.let_act() => Ok(Party::Representative),
        _ => Err(NotConducted::Withheld(WithheldReason::AreaNotCovered)),
    }
}
