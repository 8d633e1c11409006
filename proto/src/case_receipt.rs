//! What a register signs of each step of a case.
//!
//! A C2SP signed note (<https://c2sp.org/signed-note>) by the key that signs the heads of the
//! register's log of use, as a [research receipt](crate::receipt) is. Its text is these lines, in
//! this order, and nothing else:
//!
//! ```text
//! innsyn case receipt 1
//! register: kreft
//! case: <the case's name, 32 of 0-9 and a-f>
//! step: 1
//! act: open
//! kind: correction
//! state: received
//! due: 2027-02-15
//! content: <SHA-256 over the message, see [`content_digest`]>
//! use-log-leaf: <the hash of the step's entry in the log of use>
//! at: 2027-01-15T08:00:04Z
//! ```
//!
//! `state` and `due` are those after the step: the first receipt says by when the register owes an
//! answer. Whoever has a receipt can show that the register had the message, and when.
//!
//! What holds:
//!
//! - **One receipt, one text.** What is not written as above is not read.
//! - **A case's receipt is no other's**: heads and research receipts begin otherwise.
//! - **No person, and nothing of what was said**: `content` covers the message's random id, so that
//!   short messages cannot be guessed from it by who does not have that.

use std::fmt;

use innsyn_policy::{Act, CaseKind, CaseState, RegisterId, Timestamp, Verdict};
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::head::{self, HeadError, HeadKey, HeadSigner, LogHash};
use crate::receipt::ReceiptError;

mod lines;
#[cfg(test)]
mod tests;

/// Names a case at its register: 16 random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId(pub [u8; 16]);

/// Names a message: 16 random bytes, made by whoever says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a case is named by 32 of 0-9 and a-f")]
pub struct ParseCaseIdError;

/// One step of a case, as the register signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReceipt {
    /// The register.
    pub register: RegisterId,
    /// The case.
    pub case: CaseId,
    /// The step's number, from 1.
    pub step: u32,
    /// What was done; of an answer, `state` says which.
    pub act: Act,
    /// What is asked for in the case.
    pub kind: CaseKind,
    /// How the case stands after it.
    pub state: CaseState,
    /// The last day on which an answer is in time.
    pub due: Date,
    /// The digest of what was said.
    pub content: [u8; 32],
    /// The hash of the step's entry in the register's log of use.
    pub use_log_leaf: LogHash,
    /// When, in whole seconds.
    pub at: Timestamp,
}

/// A file that goes with a message, as its digest covers it.
#[derive(Clone, Copy)]
pub struct AttachedFile<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

impl fmt::Debug for AttachedFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachedFile(***)")
    }
}

/// SHA-256 over the message's id, and then over each of text, and every attachment's name, media
/// type and content: its length in eight bytes, the first the most significant, and itself.
pub fn content_digest<'a>(
    message: MessageId,
    text: &str,
    attachments: impl IntoIterator<Item = AttachedFile<'a>>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(message.0);
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(text.as_bytes());
    for file in attachments {
        add(file.name.as_bytes());
        add(file.media_type.as_bytes());
        add(file.content);
    }
    hash.finalize().into()
}

impl CaseId {
    /// Reads a case's name.
    pub fn parse(text: &str) -> Result<Self, ParseCaseIdError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseCaseIdError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl CaseReceipt {
    /// The receipt as it travels, signed by the log of use of its register.
    pub fn sign(&self, signer: &HeadSigner) -> Result<String, HeadError> {
        signer.sign_text(&self.text())
    }

    /// Reads a receipt **without checking who signed it**.
    pub fn read_unchecked(note: &str) -> Result<Self, ReceiptError> {
        let text = head::text_of(note)?;
        let receipt = Self::of_text(&text)?;
        // Whatever the reading was lenient about.
        if receipt.text() == text {
            Ok(receipt)
        } else {
            Err(ReceiptError::More)
        }
    }

    /// Reads a receipt that was signed with `key`.
    pub fn read(note: &str, key: &HeadKey) -> Result<Self, ReceiptError> {
        head::check_signed(note, key)?;
        Self::read_unchecked(note)
    }

    fn act_of(name: &str, state: CaseState) -> Option<Act> {
        Some(match (name, state) {
            ("answer", CaseState::Answered(verdict)) => Act::Answer(verdict),
            ("answer", _) => return None,
            (name, _) => Act::ALL.into_iter().find(|act| act.name() == name)?,
        })
    }

    fn state_of(name: &str) -> Option<CaseState> {
        let answered = Verdict::ALL.map(CaseState::Answered);
        [
            CaseState::Received,
            CaseState::InProgress,
            CaseState::Appealed,
        ]
        .into_iter()
        .chain(answered)
        .find(|state| state.name() == name)
    }
}
