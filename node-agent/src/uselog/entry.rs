//! One entry: 128 bytes, the same for every use.
//!
//! ```text
//!    0  format version, 1        16  question id          80  salt, random
//!    1  kind                     32  subject's tag        96  commitment
//!    2  decision                 48  caller's tag        128
//!    3  reason of the decision   64  organisation, ASCII,
//!    4  purpose                      padded with zeros
//!    5  reserve, zero
//!    8  time, microseconds since 1970, little-endian
//! ```
//!
//! A use of one person's data has their tag and 32 zeros for the commitment; a query has 16 zeros
//! for the tag
//! and commits to the persons whom it counted (see [`counted`](super::counted)).
//!
//! What holds:
//!
//! - **No person in clear.** A person is a tag: the eleven digits and a constant, one for
//!   subjects and another for callers, encrypted as one block of AES-256 (FIPS 197) under the
//!   register's tag key. Different constants hide one's own access, which would otherwise show
//!   as two equal tags. Who has the key can tell whose a tag is, as with any keyed name for one
//!   of so few ids; the key is therefore kept outside the log.
//! - **The hash gives nothing away.** The salt makes the entry's hash, which leaves the
//!   register, impossible to guess from what is known of the use, and lets retention erase an
//!   entry one day while its hash stays.
//! - **Every code is a number that never changes**, see [`codes`](super::codes).

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use bytes::BufMut as _;
use innsyn_policy::{
    NationalId, Organisation, PersonUse, Purpose, QuestionId, Timestamp, UseDecision, UseKind,
    UseRecord, UseSubject,
};

use super::codes;
use crate::subjects::MarkKey;

/// The length of every entry, in bytes.
pub const ENTRY_BYTES: usize = 128;
/// The format that this program writes.
const VERSION: u8 = 1;
/// After the subject's and the caller's digits, so that their tags differ.
const SUBJECT_PAD: [u8; 5] = *b"subj1";
const CALLER_PAD: [u8; 5] = *b"call1";

/// A keyed stand-in for a national id: the same for the same person in this log only.
pub type Tag = [u8; 16];

/// Whose data an entry is of, which also says what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntrySubject {
    /// One person's, as a tag.
    Person(Tag, PersonUse),
    /// Those of the persons whom a query counted, as a commitment.
    Counted([u8; 32]),
}

/// What the log tells of a use: everything but who the people are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// The question it belongs to.
    pub question: QuestionId,
    /// Whose data, and so what was done.
    pub subject: EntrySubject,
    /// Who asked, as a tag.
    pub caller: Tag,
    /// Through which organisation.
    pub organisation: Organisation,
    /// For what purpose.
    pub purpose: Purpose,
    /// How it was decided.
    pub decision: UseDecision,
    /// Random, so that the entry's hash cannot be guessed.
    pub salt: [u8; 16],
}

/// Why 128 bytes are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadEntryError {
    /// Written by a newer program, or not an entry.
    #[error("format version {0} is not known")]
    Version(u8),
    /// A code without a meaning here.
    #[error("the {field} has no meaning")]
    Code {
        /// Which code.
        field: &'static str,
    },
    /// The organisation is not printable ASCII padded with zeros.
    #[error("the organisation is not text")]
    Organisation,
    /// The reserve is in use.
    #[error("the reserve is not zero")]
    Reserve,
}

impl Entry {
    /// The entry of `record`.
    pub fn new(record: &UseRecord, tags: &Tagger, salt: [u8; 16]) -> Self {
        Self {
            at: record.at,
            question: record.question,
            subject: match &record.subject {
                UseSubject::Person(id, done) => EntrySubject::Person(tags.subject(id), *done),
                UseSubject::Counted(commitment) => EntrySubject::Counted(*commitment),
            },
            caller: tags.caller(&record.caller),
            organisation: record.organisation,
            purpose: record.purpose,
            decision: record.decision,
            salt,
        }
    }

    /// The entry as it is stored.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let (decision, reason) = codes::of_decision(self.decision);
        let (kind, tag, commitment) = match self.subject {
            EntrySubject::Person(tag, done) => (done.into(), tag, [0; 32]),
            EntrySubject::Counted(commitment) => (UseKind::Query, [0; 16], commitment),
        };
        let mut bytes = [0; ENTRY_BYTES];
        let mut rest = bytes.as_mut_slice();
        let head = [
            VERSION,
            codes::of_kind(kind),
            decision,
            reason,
            codes::of_purpose(self.purpose),
            0,
            0,
            0,
        ];
        rest.put_slice(&head);
        rest.put_i64_le(self.at.as_micros());
        rest.put_slice(&self.question.0);
        rest.put_slice(&tag);
        rest.put_slice(&self.caller);
        rest.put_slice(self.organisation.padded());
        rest.put_slice(&self.salt);
        rest.put_slice(&commitment);
        bytes
    }

    /// Reads an entry.
    pub fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Result<Self, ReadEntryError> {
        let code = |field| ReadEntryError::Code { field };
        let mut rest = bytes.as_slice();
        let [version, kind, decision, reason, purpose, a, b, c] = take(&mut rest);
        let at = i64::from_le_bytes(take(&mut rest));
        let question = QuestionId(take(&mut rest));
        let tag: Tag = take(&mut rest);
        let caller = take(&mut rest);
        let organisation: [u8; 16] = take(&mut rest);
        let salt = take(&mut rest);
        let commitment: [u8; 32] = take(&mut rest);
        if version != VERSION {
            return Err(ReadEntryError::Version(version));
        }
        let of_person = |done| (EntrySubject::Person(tag, done), commitment.as_slice());
        let (subject, unused) = match codes::kind(kind).ok_or(code("kind"))? {
            UseKind::Listing => of_person(PersonUse::Listing),
            UseKind::LogReading => of_person(PersonUse::LogReading),
            UseKind::SettingChange => of_person(PersonUse::SettingChange),
            UseKind::Dialog => of_person(PersonUse::Dialog),
            UseKind::Query => (EntrySubject::Counted(commitment), tag.as_slice()),
        };
        if [a, b, c].iter().chain(unused).any(|byte| *byte != 0) {
            return Err(ReadEntryError::Reserve);
        }
        Ok(Self {
            at: Timestamp::from_micros(at),
            question,
            subject,
            caller,
            organisation: organisation_of(&organisation).ok_or(ReadEntryError::Organisation)?,
            purpose: codes::purpose(purpose).ok_or(code("purpose"))?,
            decision: codes::decision(decision, reason).ok_or(code("decision"))?,
            salt,
        })
    }
}

/// Makes tags of national ids.
#[derive(Clone)]
pub struct Tagger(Aes256);

impl std::fmt::Debug for Tagger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tagger(***)")
    }
}

impl Tagger {
    /// Makes tags under `key`, which never leaves the register.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(&Array::from(*key)))
    }

    /// The tag of a person whose data were used.
    pub fn subject(&self, id: &NationalId) -> Tag {
        self.tag(id, SUBJECT_PAD)
    }

    /// The tag of a person who asked.
    pub fn caller(&self, id: &NationalId) -> Tag {
        self.tag(id, CALLER_PAD)
    }

    /// A key for research's marks, made of this one so that it stands nowhere else. No tag begins
    /// like it: a tag is made of digits.
    pub(super) fn mark_key(&self) -> MarkKey {
        let mut key = [0; 32];
        for (half, label) in key
            .chunks_mut(16)
            .zip([b"research marks/1", b"research marks/2"])
        {
            let mut block = Array::from(*label);
            self.0.encrypt_block(&mut block);
            half.copy_from_slice(&block);
        }
        MarkKey::new(&key)
    }

    fn tag(&self, id: &NationalId, pad: [u8; 5]) -> Tag {
        let mut block = [0; 16];
        let mut rest = block.as_mut_slice();
        rest.put_slice(id.expose());
        rest.put_slice(&pad);
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        block.into()
    }
}

fn organisation_of(padded: &[u8; 16]) -> Option<Organisation> {
    let text = std::str::from_utf8(padded).ok()?;
    Organisation::parse(text.trim_end_matches('\0')).ok()
}

/// The first `N` bytes of `rest`, which moves on.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk() {
        Some((field, tail)) => {
            *rest = tail;
            *field
        }
        None => [0; N],
    }
}
