//! What a query is called: in the ledger, in permits' records, in logs of use.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Stands before the encoding, so that no other hash is ever taken for a query's name.
const DOMAIN: &[u8] = b"innsyn.research.v1.Query\n";

/// SHA-256 over a prefix and the encoding of a query's normal form. Written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryName([u8; 32]);

/// The string is not the name of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a query is 64 of 0-9 and a-f")]
pub struct ParseQueryNameError;

impl QueryName {
    /// The name of the query whose normal form is encoded as `encoding`.
    pub(super) fn of(encoding: &[u8]) -> Self {
        Self(
            Sha256::new()
                .chain_update(DOMAIN)
                .chain_update(encoding)
                .finalize()
                .into(),
        )
    }

    /// A name that was stored or sent as its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for QueryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for QueryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueryName({self})")
    }
}

impl FromStr for QueryName {
    type Err = ParseQueryNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseQueryNameError)?;
        let name = Self(bytes);
        // Upper case would be a second way to write it.
        if name.to_string() == text {
            Ok(name)
        } else {
            Err(ParseQueryNameError)
        }
    }
}
