//! What a register says, and signs, of a query that it refused to count.
//!
//! ```text
//! innsyn refusal 1
//! register: kreft
//! query: <the query's name, 64 of 0-9 and a-f>
//! permit: helsedata.no/2026-017
//! permit-digest: <SHA-256 of what the issuer signed>
//! snapshot: <the data that would have been counted>
//! purpose: research
//! refused: settings-too-old
//! settings-read: 2027-01-15T08:00:00Z
//! settings-age-s: 3605
//! use-log-leaf: <the hash of the entry in the log of use>
//! at: 2027-01-15T09:00:05Z
//! ```
//!
//! The two lines about settings stand only where these are too old, and mean what they do in a
//! receipt of a part. `settings-age-s: unknown` is of a register that has not known them to be whole
//! since its agent started.
//!
//! What holds:
//!
//! - **No ground that is among the data.** Only what follows from query, permit, steward and clock
//!   is signed, so that nobody can tell from a signed refusal who is in a register or has said what.
//! - **One receipt, one text**, and none is a receipt of a part.

use std::fmt::Display;

use innsyn_policy::{PermitId, Purpose, RegisterId, Timestamp};

use super::lines::{permit_id, purpose};
use super::{ReceiptError, read_exactly};
use crate::head::{self, HeadError, HeadKey, HeadSigner, LogHash};
use crate::lines::{LineError, Lines, digest, second, second_text};
use crate::query::QueryName;

/// What a refusal begins with; no log of use is called so, and no receipt of a part.
const FIRST: &str = "innsyn refusal 1";
/// The age of settings that were never whole.
const UNKNOWN: &str = "unknown";

/// Why a register did not count a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalReceipt {
    /// The register.
    pub register: RegisterId,
    /// The query.
    pub query: QueryName,
    /// The data permit.
    pub permit: PermitId,
    /// The digest of what the permit's issuer signed.
    pub permit_digest: [u8; 32],
    /// The data that would have been counted.
    pub snapshot: [u8; 32],
    /// What for.
    pub purpose: Purpose,
    /// Why not.
    pub ground: RefusalGround,
    /// The hash of the entry in the register's log of use.
    pub use_log_leaf: LogHash,
    /// When it was refused, in whole seconds.
    pub at: Timestamp,
}

/// A ground of a refusal that says nothing of anybody in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalGround {
    /// What people have said about the use of their data is too old to be relied on.
    SettingsTooOld(SettingsAge),
    /// The steward's rules, the steward, or the kill switch.
    Steward,
    /// The data permit is not valid now.
    Permit,
    /// The query is outside the data permit.
    OutsidePermit,
}

/// How old a register's settings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsAge {
    /// When they were read, in whole seconds.
    pub read_at: Timestamp,
    /// How long before the refusal they were last seen to be still the same and whole, in seconds;
    /// `None` where they have not been since the agent started.
    pub age_s: Option<u64>,
}

impl RefusalGround {
    const fn name(self) -> &'static str {
        match self {
            Self::SettingsTooOld(_) => "settings-too-old",
            Self::Steward => "steward",
            Self::Permit => "permit",
            Self::OutsidePermit => "outside-permit",
        }
    }

    /// Reads the lines that say it.
    fn read(lines: &mut Lines<'_>) -> Result<Self, LineError> {
        let bare = lines.read("refused", |name| match name {
            "settings-too-old" => Some(None),
            "steward" => Some(Some(Self::Steward)),
            "permit" => Some(Some(Self::Permit)),
            "outside-permit" => Some(Some(Self::OutsidePermit)),
            _ => None,
        })?;
        if let Some(bare) = bare {
            return Ok(bare);
        }
        Ok(Self::SettingsTooOld(SettingsAge {
            read_at: lines.read("settings-read", second)?,
            age_s: lines.read("settings-age-s", |age| match age {
                UNKNOWN => Some(None),
                age => age.parse().ok().map(Some),
            })?,
        }))
    }
}

impl RefusalReceipt {
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

    /// The text that is signed.
    pub(super) fn text(&self) -> String {
        let settings = match self.ground {
            RefusalGround::SettingsTooOld(SettingsAge { read_at, age_s }) => format!(
                "settings-read: {}\nsettings-age-s: {}\n",
                second_text(read_at),
                age_s.map_or_else(|| UNKNOWN.to_owned(), |age| age.to_string()),
            ),
            _ => String::new(),
        };
        let lines = |lines: &[(&str, &dyn Display)]| {
            let lines = lines
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"));
            lines.collect::<String>()
        };
        let what = lines(&[
            ("register", &self.register),
            ("query", &self.query),
            ("permit", &self.permit),
            ("permit-digest", &hex::encode(self.permit_digest)),
            ("snapshot", &hex::encode(self.snapshot)),
            ("purpose", &self.purpose.name()),
            ("refused", &self.ground.name()),
        ]);
        let where_and_when = lines(&[
            ("use-log-leaf", &hex::encode(self.use_log_leaf)),
            ("at", &second_text(self.at)),
        ]);
        format!("{FIRST}\n{what}{settings}{where_and_when}")
    }

    /// What `text` says.
    fn of_text(text: &str) -> Result<Self, ReceiptError> {
        let mut lines = Lines::after(FIRST, text)?;
        let receipt = Self {
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            query: lines.parsed("query")?,
            permit: lines.read("permit", permit_id)?,
            permit_digest: lines.read("permit-digest", digest)?,
            snapshot: lines.read("snapshot", digest)?,
            purpose: lines.read("purpose", purpose)?,
            ground: RefusalGround::read(&mut lines)?,
            use_log_leaf: lines.read("use-log-leaf", digest)?,
            at: lines.read("at", second)?,
        };
        if lines.are_read() {
            Ok(receipt)
        } else {
            Err(ReceiptError::More)
        }
    }
}
