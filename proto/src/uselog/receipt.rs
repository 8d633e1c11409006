//! What a register signs of what it showed a person of its log, and stores nowhere.
//!
//! A C2SP signed note (<https://c2sp.org/signed-note>) by the key that signs the heads of the log.
//! Its text is these lines, in this order, and nothing else:
//!
//! ```text
//! innsyn uses 1
//! register: kreft
//! person: <the person's tag in this log, 32 of 0-9 and a-f>
//! entries: 48213
//! root: <the root over them, 64 of 0-9 and a-f>
//! newest: 17
//! position: 48212
//! at: 2027-01-15T08:00:04Z
//! ```
//!
//! `entries` and `root` are the head that was shown; `newest` is the number of the newest entry
//! about the person under it, and `position` where that stands. Whoever keeps this file can hold the
//! register to all of it at the next reading (see [`reading`](super::reading)).
//!
//! What holds:
//!
//! - **One receipt, one text.** What is not written as above is not read.
//! - **A receipt is no head, and no head a receipt**: the first line of a head is its log's name.
//! - **No person.** The tag names somebody only to who has the register's key.

use std::fmt;

use innsyn_policy::{RegisterId, Timestamp};

use super::Tag;
use crate::head::{self, HeadError, HeadKey, HeadSigner, LogHash};

/// What it begins with; no log of use is called so.
const FIRST: &str = "innsyn uses 1";

/// What was shown of a log to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadingReceipt {
    /// The register.
    pub register: RegisterId,
    /// The person's tag.
    pub person: Tag,
    /// How many entries the log had.
    pub entries: u64,
    /// The root over them.
    pub root: LogHash,
    /// The number of the newest entry about the person.
    pub newest: u64,
    /// Its position.
    pub position: u64,
    /// When, in whole seconds.
    pub at: Timestamp,
}

/// Why a text is no receipt, or not one of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadingReceiptError {
    /// Not a note, or signed by another key.
    #[error("the receipt's signature: {0}")]
    Note(#[from] HeadError),
    /// It is not written as a receipt is.
    #[error("the receipt is not written as one of this program is")]
    Text,
}

impl ReadingReceipt {
    /// The receipt as it travels, signed by the log.
    pub fn sign(&self, signer: &HeadSigner) -> Result<String, HeadError> {
        signer.sign_text(&self.text())
    }

    /// Reads a receipt that was signed with `key`.
    pub fn read(note: &str, key: &HeadKey) -> Result<Self, ReadingReceiptError> {
        head::check_signed(note, key)?;
        Self::read_unchecked(note)
    }

    /// Reads a receipt **without checking who signed it**.
    pub fn read_unchecked(note: &str) -> Result<Self, ReadingReceiptError> {
        let text = head::text_of(note)?;
        let receipt = Self::of_text(&text).ok_or(ReadingReceiptError::Text)?;
        // Whatever the reading was lenient about.
        (receipt.text() == text)
            .then_some(receipt)
            .ok_or(ReadingReceiptError::Text)
    }

    fn text(&self) -> String {
        let Self {
            register,
            entries,
            newest,
            position,
            ..
        } = self;
        let (person, root) = (hex::encode(self.person), hex::encode(self.root));
        let at = jiff::Timestamp::from_second(self.at.as_seconds())
            .map_or_else(|_| String::new(), |at| at.to_string());
        format!(
            "{FIRST}\nregister: {register}\nperson: {person}\nentries: {entries}\nroot: {root}\n\
             newest: {newest}\nposition: {position}\nat: {at}\n"
        )
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(FIRST)?.strip_prefix('\n')?.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let (mut person, mut root) = ([0; 16], [0; 32]);
        let register = RegisterId::parse(value("register")?).ok()?;
        hex::decode_to_slice(value("person")?, &mut person).ok()?;
        let entries = value("entries")?.parse().ok()?;
        hex::decode_to_slice(value("root")?, &mut root).ok()?;
        let newest = value("newest")?.parse().ok()?;
        let position = value("position")?.parse().ok()?;
        let at: jiff::Timestamp = value("at")?.parse().ok()?;
        Some(Self {
            register,
            person,
            entries,
            root,
            newest,
            position,
            at: Timestamp::from_seconds(at.as_second()),
        })
    }
}

impl fmt::Debug for ReadingReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadingReceipt")
            .field("register", &self.register)
            .field("entries", &self.entries)
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}
