//! What a register says, and signs, of how it counted its part of a table; and of why it counted
//! none ([`RefusalReceipt`]).
//!
//! A receipt is a C2SP signed note (<https://c2sp.org/signed-note>) by the key that signs the heads
//! of the register's log of use. Its text is these lines, in this order, and nothing else:
//!
//! ```text
//! innsyn receipt 1
//! register: kreft
//! query: <the query's name, 64 of 0-9 and a-f>
//! permit: helsedata.no/2026-017
//! permit-digest: <SHA-256 of what the issuer signed>
//! snapshot: <the data that were counted>
//! purpose: research
//! settings-read: 2027-01-15T08:00:00Z
//! settings-age-s: 3
//! smallest-cell: 5
//! rounding-base: 3
//! steward-rule: 2
//! steward-approved: no
//! persons-excluded-about: 120
//! use-log-leaf: <the hash of the entry in the log of use>
//! at: 2027-01-15T08:00:04Z
//! ```
//!
//! `settings-read` names the version of what people have said about the use of their data: when
//! the register read it last because it had changed; `settings-age-s` tells how many seconds
//! before the count it was last seen to be still the same. A hash of the settings would also show
//! that a reservation came and was taken back. The smallest cell and the rounding are those under
//! which the register let its part go; `steward-approved: yes` means that the rule said `ask` and
//! the steward approved this query by hand.
//!
//! What holds:
//!
//! - **One receipt, one text.** What is not written as above is not read.
//! - **A receipt is no head, and no head a receipt**: the first line of a head is its log's name.
//! - **No person.** How many were left out is told to the nearest multiple of ten only, of the
//!   whole register and never of the query's population: it is the same in every receipt over the
//!   same settings, so no two queries can be held against each other by it. Who knows of all the
//!   other persons of a register what they have said, and sees the number change, can still tell
//!   that somebody has spoken.

use std::fmt;

use innsyn_policy::{PermitId, Purpose, RegisterId, Timestamp};

use crate::head::{self, HeadError, HeadKey, HeadSigner, LogHash};
use crate::lines::LineError;
use crate::query::QueryName;

mod lines;
mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::{RefusalGround, RefusalReceipt, SettingsAge};

/// How a register counted its part of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The register.
    pub register: RegisterId,
    /// The query.
    pub query: QueryName,
    /// The data permit.
    pub permit: PermitId,
    /// The digest of what the permit's issuer signed.
    pub permit_digest: [u8; 32],
    /// The data that were counted.
    pub snapshot: [u8; 32],
    /// What for.
    pub purpose: Purpose,
    /// When people's settings were read, in whole seconds.
    pub settings_read_at: Timestamp,
    /// How long before the count they were last seen to be still the same, in seconds.
    pub settings_age_s: u64,
    /// Cells of fewer persons must be hidden.
    pub smallest_cell: u32,
    /// Counts must be rounded to multiples of this.
    pub rounding_base: u32,
    /// What let the query through.
    pub steward: StewardsWord,
    /// How many registered persons could not be counted for this purpose, whatever was asked.
    pub persons_excluded: PersonsAbout,
    /// The hash of the entry in the register's log of use.
    pub use_log_leaf: LogHash,
    /// When the part left, in whole seconds.
    pub at: Timestamp,
}

/// What let a query through at a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StewardsWord {
    /// The number of the steward's rule, from 1.
    pub rule: u32,
    /// Whether it said `ask`, and the steward approved the query by hand.
    pub approved: bool,
}

/// A number of persons to the nearest multiple of [`PersonsAbout::BASE`]; the exact one is
/// forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PersonsAbout(u64);

/// Why a text is no receipt, or not one of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a note, or signed by another key.
    #[error("the receipt's signature: {0}")]
    Note(#[from] HeadError),
    /// A line is not what it should be.
    #[error("the receipt cannot be read: {0}")]
    Line(#[from] LineError),
    /// There is more than a receipt has.
    #[error("the receipt has lines that a receipt does not have")]
    More,
}

impl PersonsAbout {
    /// To multiples of what persons are counted here.
    pub const BASE: u64 = 10;

    /// About `persons`.
    pub const fn of(persons: u64) -> Self {
        let up = persons.saturating_add(Self::BASE / 2);
        Self(up - up % Self::BASE)
    }

    /// The multiple that is nearest.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads a number that was rounded so.
    const fn read(rounded: u64) -> Option<Self> {
        if rounded.is_multiple_of(Self::BASE) {
            Some(Self(rounded))
        } else {
            None
        }
    }
}

impl Receipt {
    /// The receipt as it travels, signed by the log of use of its register.
    pub fn sign(&self, signer: &HeadSigner) -> Result<String, HeadError> {
        signer.sign_text(&self.text())
    }

    /// Reads a receipt **without checking who signed it**.
    pub fn read_unchecked(note: &str) -> Result<Self, ReceiptError> {
        read_exactly(note, Self::of_text, Self::text)
    }

    /// Reads a receipt that was signed with `key`.
    pub fn read(note: &str, key: &HeadKey) -> Result<Self, ReceiptError> {
        head::check_signed(note, key)?;
        Self::read_unchecked(note)
    }
}

/// What `of_text` reads in the note, if `text` writes it so and not otherwise.
fn read_exactly<T>(
    note: &str,
    of_text: impl FnOnce(&str) -> Result<T, ReceiptError>,
    text: impl FnOnce(&T) -> String,
) -> Result<T, ReceiptError> {
    let said = head::text_of(note)?;
    let receipt = of_text(&said)?;
    // Whatever the reading was lenient about.
    if text(&receipt) == said {
        Ok(receipt)
    } else {
        Err(ReceiptError::More)
    }
}

impl fmt::Display for PersonsAbout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
