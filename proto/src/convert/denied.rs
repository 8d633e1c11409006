//! The stable words of why somebody may not ask.

use innsyn_policy::DenyReason;

/// The stable word of a representation's fault: the caller's client issued it and may know.
pub const fn denied_word(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::AssuranceTooLow => "ASSURANCE_TOO_LOW",
        DenyReason::NotOneself => "REPRESENTATION_MISSING",
        DenyReason::RepresentsOneself => "REPRESENTS_ONESELF",
        DenyReason::ChildBirthDateMissing => "CHILD_BIRTH_DATE_MISSING",
        DenyReason::ChildNotUnder16 => "CHILD_NOT_UNDER_16",
        DenyReason::RepresentationNotYetValid => "REPRESENTATION_NOT_YET_VALID",
        DenyReason::RepresentationExpired => "REPRESENTATION_EXPIRED",
        DenyReason::RepresentationCoversNothing => "REPRESENTATION_COVERS_NOTHING",
        DenyReason::RepresentationUnproven => "REPRESENTATION_UNPROVEN",
        DenyReason::RepresentationRevoked => "REPRESENTATION_REVOKED",
        DenyReason::RepresentationOfOthers => "REPRESENTATION_OF_OTHERS",
        // The other reasons are a register's, about a person; none of them leaves here.
        _ => "DENIED",
    }
}
