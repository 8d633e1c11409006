//! What names a data permit.

use std::fmt;
use std::sync::Arc;

/// The longest issuer or number, in bytes.
const PART_BYTES_MAX: usize = 64;

/// Names a data permit: its issuer and the issuer's own number, as in `helsedata.no/2026-017`.
/// Both are 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_` and `-`. It stands in ledgers, logs and
/// receipts in clear, so eleven digits in a row are refused: they look like a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermitId {
    issuer: Arc<str>,
    number: Arc<str>,
}

/// The issuer or the number cannot name a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a permit's issuer and number are 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-` each, without \
     eleven digits in a row"
)]
pub struct ParsePermitIdError;

impl PermitId {
    /// The id of the permit `number` by `issuer`.
    pub fn new(issuer: &str, number: &str) -> Result<Self, ParsePermitIdError> {
        if is_part(issuer) && is_part(number) {
            Ok(Self {
                issuer: issuer.into(),
                number: number.into(),
            })
        } else {
            Err(ParsePermitIdError)
        }
    }

    /// Who issued the permit.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer's own number of it.
    pub fn number(&self) -> &str {
        &self.number
    }
}

impl fmt::Display for PermitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.issuer, self.number)
    }
}

fn is_part(text: &str) -> bool {
    (1..=PART_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        && !super::is_like_a_person(text)
}
