//! Who may change a person's settings at a register.
//!
//! Oneself; a parent as long as it may look, which ends for sensitive registers at twelve and for
//! all at sixteen; and a guardian or proxy whose mandate names [`Area::Settings`](crate::Area::Settings)
//! beside the insight that it covers. ASSUMED, as the catalogue of areas of Helsenorge names none for
//! it. A mandate counts only as its issuer has signed it: between these two people, for this time, not
//! taken back.

use crate::caller::{Areas, Representation, Validity};
use crate::case::NotConducted;
use crate::decision::{DenyReason, Request, represents, withheld};
use crate::outcome::WithheldReason;
use crate::person::NationalId;
use crate::register::{LegalBasis, Register};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// What makes somebody act for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MandateKind {
    /// A guardian (*verge*).
    Guardian,
    /// A power of attorney (*fullmakt*).
    PowerOfAttorney,
}

/// A mandate whose issuer's signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// What it is.
    pub kind: MandateKind,
    /// Whose data it is about.
    pub giver: NationalId,
    /// Who may act.
    pub holder: NationalId,
    /// What it covers.
    pub areas: Areas,
    /// When it holds.
    pub validity: Validity,
    /// Whether it was taken back.
    pub is_revoked: bool,
}

impl Mandate {
    /// The representation that it is for `by` acting for `subject` by a mandate of `kind`.
    pub fn representation(
        &self,
        kind: MandateKind,
        subject: &NationalId,
        by: &NationalId,
    ) -> Result<Representation, DenyReason> {
        if self.giver != *subject || self.holder != *by {
            return Err(DenyReason::RepresentationOfOthers);
        }
        if self.kind != kind {
            return Err(DenyReason::RepresentationUnproven);
        }
        if self.is_revoked {
            return Err(DenyReason::RepresentationRevoked);
        }
        let (areas, validity) = (self.areas.clone(), self.validity);
        Ok(match kind {
            MandateKind::Guardian => Representation::Guardian { areas, validity },
            MandateKind::PowerOfAttorney => Representation::PowerOfAttorney { areas, validity },
        })
    }
}

/// Whether the caller of `request` may change the subject's settings at `register`, as of `now`.
pub fn may_change_settings(
    request: &Request,
    register: &Register,
    now: Timestamp,
) -> Result<(), NotConducted> {
    if register.legal_basis == LegalBasis::Deidentified {
        return Err(DenyReason::HoldsNoIdentities.into());
    }
    represents(request, now)?;
    if let Some(reason) = withheld(&request.representation, register, now) {
        return Err(NotConducted::Withheld(reason));
    }
    match &request.representation {
        Representation::Own | Representation::Parent { .. } => Ok(()),
        Representation::Guardian { areas, .. } | Representation::PowerOfAttorney { areas, .. }
            if areas.let_set() =>
        {
            Ok(())
        }
        _ => Err(NotConducted::Withheld(WithheldReason::AreaNotCovered)),
    }
}
