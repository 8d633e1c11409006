//! What a register is.

use innsyn_policy::{LegalBasis, RegisterKind};

use crate::wire::types::v1 as wire;

/// The wire's word for a kind of register.
pub const fn kind_to_wire(kind: RegisterKind) -> wire::RegisterKind {
    match kind {
        RegisterKind::Central => wire::RegisterKind::Central,
        RegisterKind::Quality => wire::RegisterKind::Quality,
        RegisterKind::Survey => wire::RegisterKind::Survey,
        RegisterKind::Biobank => wire::RegisterKind::Biobank,
    }
}

/// The kind of register that the wire names; `None` if it names none.
pub const fn kind_from_wire(kind: wire::RegisterKind) -> Option<RegisterKind> {
    match kind {
        wire::RegisterKind::Unspecified => None,
        wire::RegisterKind::Central => Some(RegisterKind::Central),
        wire::RegisterKind::Quality => Some(RegisterKind::Quality),
        wire::RegisterKind::Survey => Some(RegisterKind::Survey),
        wire::RegisterKind::Biobank => Some(RegisterKind::Biobank),
    }
}

/// The wire's word for a legal basis.
pub const fn legal_basis_to_wire(basis: LegalBasis) -> wire::LegalBasis {
    match basis {
        LegalBasis::Mandatory => wire::LegalBasis::Mandatory,
        LegalBasis::MandatoryWithReservation => wire::LegalBasis::MandatoryWithReservation,
        LegalBasis::Reservation => wire::LegalBasis::Reservation,
        LegalBasis::Consent => wire::LegalBasis::Consent,
        LegalBasis::Pseudonymous => wire::LegalBasis::Pseudonymous,
        LegalBasis::Deidentified => wire::LegalBasis::Deidentified,
    }
}
