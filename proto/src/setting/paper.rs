//! What clerks sign of something that a person says on paper.
//!
//! Each clerk has a key of their own, so that a name is not just a string that anybody can type.
//! The first signs what the paper says, the second that it says so. Both are C2SP signed notes
//! (<https://c2sp.org/signed-note>):
//!
//! ```text
//! innsyn paper 1                               innsyn paper word 1
//! register: kreft                              register: kreft
//! person: <11 digits>                          paper: <SHA-256 of the other note, 64 of 0-9, a-f>
//! definition: 3f2504e0-4f89-11d3-9a0c-03…      word: confirm
//! text-version: 2                              at: 1800000000000000
//! active: yes
//! dated: 2026-11-20
//! archive: 2026/1234-5
//! reason: kan ikke bruke nettjenester
//! at: 1800000000000000
//! ```
//!
//! They stay at the register. What the person is shown of them is a [`PaperUse`], and the id of the
//! question in the log of use is made of that: whoever changes a word of it shows something that the
//! entry does not name.

use std::fmt;

use bytes::Bytes;
use innsyn_policy::{
    ClerkName, DefinitionId, NationalId, ParseClerkNameError, QuestionId, RegisterId, Timestamp,
};
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::head::{self, HeadError, HeadKey, HeadSigner};
use crate::lines::LineError;
use crate::wire::types::v1 as wire;

mod lines;
#[cfg(test)]
mod tests;

/// What the key of a clerk is called, before their name.
const KEY_PREFIX: &str = "innsyn://clerk/";
/// The longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 300;
/// The longest archive reference, in bytes.
pub const ARCHIVE_BYTES_MAX: usize = 64;

/// The public key of a clerk.
#[derive(Debug, Clone)]
pub struct ClerkKey {
    name: ClerkName,
    key: HeadKey,
    public: String,
}

/// The secret key of a clerk.
#[derive(Debug, Clone)]
pub struct ClerkSigner {
    name: ClerkName,
    signer: HeadSigner,
}

/// Why a key is not a clerk's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClerkKeyError {
    /// Not a key.
    #[error(transparent)]
    Key(#[from] HeadError),
    /// Called otherwise.
    #[error("a clerk's key is called `innsyn://clerk/NAME`")]
    Prefix,
    /// Called by no clerk's name.
    #[error(transparent)]
    Name(#[from] ParseClerkNameError),
}

/// What a paper says, as the first clerk enters it.
#[derive(Clone, PartialEq, Eq)]
pub struct Paper {
    /// The register that has the paper.
    pub register: RegisterId,
    /// Who says it.
    pub person: NationalId,
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// The version of its text.
    pub text_version: u32,
    /// Whether the consent, reservation or block stands from now on.
    pub active: bool,
    /// The date on the paper.
    pub dated: Date,
    /// Where the paper is kept: 1 to 64 bytes of one line.
    pub archive: String,
    /// Why it is entered for the person: 1 to 300 bytes of one line.
    pub reason: String,
    /// When it was entered.
    pub at: Timestamp,
}

/// What a clerk says of a paper that was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperWord {
    /// The register that has the paper.
    pub register: RegisterId,
    /// The [`digest`] of the note that was entered.
    pub paper: [u8; 32],
    /// What is said.
    pub said: PaperSaid,
    /// When.
    pub at: Timestamp,
}

/// A word about a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperSaid {
    /// The paper says what was entered.
    Confirm,
    /// It is taken back.
    Withdraw,
}

/// What the person is shown of a setting that came from paper.
#[derive(Clone, PartialEq, Eq)]
pub struct PaperUse {
    /// Who entered it.
    pub entered_by: ClerkName,
    /// Who confirmed it.
    pub confirmed_by: ClerkName,
    /// The date on the paper.
    pub dated: Date,
    /// Where the paper is kept.
    pub archive: String,
    /// Why it was entered.
    pub reason: String,
    /// SHA-256 over both signed notes.
    pub signed_digest: [u8; 32],
}

/// Why a note is none of a clerk of this register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperNoteError {
    /// Not a note, or its signature does not verify.
    #[error("the signature: {0}")]
    Note(#[from] HeadError),
    /// No clerk who is known here signed it.
    #[error("it is signed by no clerk who is named in the agent's configuration")]
    NoClerk,
    /// A line is not what it should be.
    #[error(transparent)]
    Line(#[from] LineError),
    /// There is more than there should be, or it is written otherwise.
    #[error("it is not written as this program writes it")]
    More,
    /// It is for another register.
    #[error("it is for another register")]
    OtherRegister,
}

impl ClerkKey {
    /// Reads a public key: `innsyn://clerk/NAME+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, ClerkKeyError> {
        let key = HeadKey::parse(text)?;
        let name = key.name().strip_prefix(KEY_PREFIX);
        let name = ClerkName::parse(name.ok_or(ClerkKeyError::Prefix)?)?;
        // Base64 may contain `+` itself: the key is all that follows the second one.
        let public = text.trim().splitn(3, '+').nth(2).unwrap_or_default();
        Ok(Self {
            name,
            public: public.to_owned(),
            key,
        })
    }

    /// Whose it is.
    pub const fn name(&self) -> &ClerkName {
        &self.name
    }

    /// The key without its name: equal where one key is given to two.
    pub fn public(&self) -> &str {
        &self.public
    }
}

impl ClerkSigner {
    /// The key of `name` made from 32 secret, random bytes.
    pub fn from_seed(name: ClerkName, seed: [u8; 32]) -> Result<Self, ClerkKeyError> {
        let signer = HeadSigner::from_seed(&format!("{KEY_PREFIX}{name}"), seed)?;
        Ok(Self { name, signer })
    }

    /// Whose it is.
    pub const fn name(&self) -> &ClerkName {
        &self.name
    }

    /// The public key, as it stands in the agent's configuration.
    pub fn public_text(&self) -> &str {
        self.signer.public_text()
    }
}

impl Paper {
    /// The note as it is kept, signed by who enters it.
    pub fn sign(&self, clerk: &ClerkSigner) -> Result<String, HeadError> {
        clerk.signer.sign_text(&self.text())
    }

    /// Reads a paper of `register` and says which of `clerks` entered it.
    pub fn read<'a>(
        note: &str,
        clerks: &'a [ClerkKey],
        register: &RegisterId,
    ) -> Result<(Self, &'a ClerkName), PaperNoteError> {
        let (text, clerk) = signed_by(note, clerks)?;
        let paper = Self::of_text(&text)?;
        if paper.text() != text {
            return Err(PaperNoteError::More);
        }
        if paper.register != *register {
            return Err(PaperNoteError::OtherRegister);
        }
        Ok((paper, clerk))
    }
}

impl PaperWord {
    /// The note as it is kept, signed by who says it.
    pub fn sign(&self, clerk: &ClerkSigner) -> Result<String, HeadError> {
        clerk.signer.sign_text(&self.text())
    }

    /// Reads a word at `register` and says which of `clerks` said it.
    pub fn read<'a>(
        note: &str,
        clerks: &'a [ClerkKey],
        register: &RegisterId,
    ) -> Result<(Self, &'a ClerkName), PaperNoteError> {
        let (text, clerk) = signed_by(note, clerks)?;
        let word = Self::of_text(&text)?;
        if word.text() != text {
            return Err(PaperNoteError::More);
        }
        if word.register != *register {
            return Err(PaperNoteError::OtherRegister);
        }
        Ok((word, clerk))
    }
}

impl PaperUse {
    /// The id of the question that the setting's entry in the log of use has.
    pub fn question(&self) -> QuestionId {
        let hash: [u8; 32] = Sha256::digest(self.text()).into();
        let (id, _) = hash.split_first_chunk().unwrap_or((&[0; 16], &[]));
        QuestionId(*id)
    }

    /// As it travels.
    pub fn to_wire(&self) -> wire::SaidOnPaper {
        wire::SaidOnPaper {
            entered_by: self.entered_by.to_string(),
            confirmed_by: self.confirmed_by.to_string(),
            dated: self.dated.to_string(),
            archive: self.archive.clone(),
            reason: self.reason.clone(),
            signed_digest: self.signed_digest.to_vec(),
        }
    }

    /// As it came; `None` where it is none.
    pub fn from_wire(paper: &wire::SaidOnPaper) -> Option<Self> {
        Some(Self {
            entered_by: ClerkName::parse(&paper.entered_by).ok()?,
            confirmed_by: ClerkName::parse(&paper.confirmed_by).ok()?,
            dated: paper.dated.parse().ok()?,
            archive: line(&paper.archive, ARCHIVE_BYTES_MAX)?,
            reason: line(&paper.reason, REASON_BYTES_MAX)?,
            signed_digest: paper.signed_digest.as_slice().try_into().ok()?,
        })
    }

    /// As it is kept, sealed, beside the setting.
    pub fn to_bytes(&self) -> Bytes {
        self.text().into()
    }

    /// As it was kept.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::of_text(str::from_utf8(bytes).ok()?).ok()
    }
}

/// What a note is called in a word about it.
pub fn digest(note: &str) -> [u8; 32] {
    Sha256::digest(note).into()
}

/// `text`, if it is one line of 1 to `max` bytes.
pub fn line(text: &str, max: usize) -> Option<String> {
    let is_line = (1..=max).contains(&text.len())
        && text == text.trim()
        && !text.chars().any(char::is_control);
    is_line.then(|| text.to_owned())
}

/// The text of `note` and which of `clerks` signed it.
fn signed_by<'a>(
    note: &str,
    clerks: &'a [ClerkKey],
) -> Result<(String, &'a ClerkName), PaperNoteError> {
    let text = head::text_of(note)?;
    for clerk in clerks {
        match head::check_signed(note, &clerk.key) {
            Ok(()) => return Ok((text, &clerk.name)),
            Err(HeadError::Unsigned) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PaperNoteError::NoClerk)
}

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paper(***)")
    }
}

impl fmt::Debug for PaperUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaperUse(***)")
    }
}
