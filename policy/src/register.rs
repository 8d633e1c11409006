//! What decides how a register may be asked: its kind, legal basis and sensitivity.

use std::fmt;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A register's short name in the federation, for example `kreft`: 1 to 32 of `a-z`, `0-9` and
/// `-`, beginning with a letter and not ending with `-`, so that it is also a DNS label. It stands
/// in certificates, configuration and logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterId(Arc<str>);

/// The string is not a register id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a register id is 1 to 32 of a-z, 0-9 and -, beginning with a letter, not ending with -")]
pub struct ParseRegisterIdError;

impl RegisterId {
    /// Reads a register id.
    pub fn parse(text: &str) -> Result<Self, ParseRegisterIdError> {
        let well_formed = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(ParseRegisterIdError)
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegisterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// On what ground a register holds people's data (*rettslig grunnlag*). It decides what a missing
/// setting means, see [`crate::decide`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalBasis {
    /// By statute, without consent (*helseregisterloven* § 11).
    Mandatory,
    /// By statute, with a right of reservation for parts.
    MandatoryWithReservation,
    /// Without consent, with a right of reservation.
    Reservation,
    /// With consent.
    Consent,
    /// Identities replaced by pseudonyms, without consent.
    Pseudonymous,
    /// No direct identifiers at all (*helseregisterloven* § 9).
    Deidentified,
}

/// What sort of register it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterKind {
    /// A central health register.
    Central,
    /// A national medical quality register.
    Quality,
    /// A population-based health survey.
    Survey,
    /// A biobank.
    Biobank,
}

/// What a decision needs to know of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Its id in the federation.
    pub id: RegisterId,
    /// What sort of register it is.
    pub kind: RegisterKind,
    /// On what ground it holds data.
    pub legal_basis: LegalBasis,
    /// Whether being in it is itself a health fact (HIV, eating disorders).
    pub membership_is_sensitive: bool,
}
