//! One entry: 128 bytes, the same for every use.
//!
//! ```text
//!    0  format version, 1 or 2   16  question id          80  salt, random
//!    1  kind                     32  subject's tag        96  commitment, or place in the
//!    2  decision                 48  caller's tag             person's chain
//!    3  reason of the decision   64  organisation, ASCII, 128
//!    4  purpose                      padded with zeros
//!    5  reserve, zero
//!    8  time, microseconds since 1970, little-endian
//!
//!   place in the chain:  96  number, 8 bytes little-endian, from 1
//!                       104  entry before, 8 bytes little-endian; all ones if there is none
//!                       112  reserve, zero
//! ```
//!
//! A query has 16 zeros for the tag and commits to the persons whom it counted (see
//! [`counted`](super::counted)); its version is 1. A use of one person's data has their tag and,
//! from version 2 on, its place among the entries about them (see [`ChainPlace`]); in version 1 it
//! has 32 zeros instead.
//!
//! What holds:
//!
//! - **No person in clear.** A person is a tag, which only the register's key can tell. The same
//!   person has one tag as a subject and another as a caller, so that one's own access does not
//!   show as two equal tags.
//! - **The hash gives nothing away.** The salt makes the entry's hash, which leaves the
//!   register, impossible to guess from what is known of the use, and lets retention erase an
//!   entry one day while its hash stays.
//! - **Every code is a number that never changes**, see [`codes`](super::codes).

use bytes::BufMut as _;
use innsyn_policy::{
    Organisation, PersonUse, Purpose, QuestionId, Timestamp, UseDecision, UseKind,
};

use super::codes;

/// The length of every entry, in bytes.
pub const ENTRY_BYTES: usize = 128;
/// The format of a query, and of what was written about persons before they had chains.
const UNCHAINED: u8 = 1;
/// The format of a use of one person's data.
const CHAINED: u8 = 2;
/// Stands for the entry before a person's first.
const NONE_BEFORE: u64 = u64::MAX;

/// A keyed stand-in for a national id: the same for the same person in this log only.
pub type Tag = [u8; 16];

/// Where an entry stands among the entries about one person in this log.
///
/// The number leaves no room for an entry that is kept back, and the position names one entry for
/// good: a log has one at a position, under every head that continues one in which it had it. So
/// whoever holds a head and a person's newest entry holds all entries about them, each by the one
/// after it, and needs no key to see that none is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPlace {
    /// How many entries about the person there are up to this one.
    pub number: u64,
    /// The position in the log of the entry before; none for the first.
    pub before: Option<u64>,
}

/// Whose data an entry is of, which also says what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntrySubject {
    /// One person's, as a tag. In an entry from before there were chains, it has no place in one.
    Person(Tag, PersonUse, Option<ChainPlace>),
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
    /// The place in the chain is none.
    #[error("the place in the person's chain is not one")]
    Place,
}

impl Entry {
    /// What was done.
    pub fn kind(&self) -> UseKind {
        match self.subject {
            EntrySubject::Person(_, done, _) => done.into(),
            EntrySubject::Counted(_) => UseKind::Query,
        }
    }

    /// The entry as it is stored.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let (decision, reason) = codes::of_decision(self.decision);
        let (version, tag, rest_of_it) = match self.subject {
            EntrySubject::Person(tag, _, Some(place)) => (CHAINED, tag, place.to_bytes()),
            EntrySubject::Person(tag, _, None) => (UNCHAINED, tag, [0; 32]),
            EntrySubject::Counted(commitment) => (UNCHAINED, [0; 16], commitment),
        };
        let mut bytes = [0; ENTRY_BYTES];
        let mut rest = bytes.as_mut_slice();
        let head = [
            version,
            codes::of_kind(self.kind()),
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
        rest.put_slice(&rest_of_it);
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
        let last: [u8; 32] = take(&mut rest);
        let done = match codes::kind(kind).ok_or(code("kind"))? {
            UseKind::Listing => Some(PersonUse::Listing),
            UseKind::LogReading => Some(PersonUse::LogReading),
            UseKind::SettingChange => Some(PersonUse::SettingChange),
            UseKind::Dialog => Some(PersonUse::Dialog),
            UseKind::Insight => Some(PersonUse::Insight),
            UseKind::Query => None,
        };
        let (subject, unused) = match (version, done) {
            (UNCHAINED, None) => (EntrySubject::Counted(last), tag.as_slice()),
            (UNCHAINED, Some(done)) => (EntrySubject::Person(tag, done, None), last.as_slice()),
            (CHAINED, Some(done)) => {
                let place = ChainPlace::from_bytes(&last)?;
                (EntrySubject::Person(tag, done, Some(place)), [].as_slice())
            }
            _ => return Err(ReadEntryError::Version(version)),
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

impl ChainPlace {
    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let mut rest = bytes.as_mut_slice();
        rest.put_u64_le(self.number);
        rest.put_u64_le(self.before.unwrap_or(NONE_BEFORE));
        bytes
    }

    fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ReadEntryError> {
        let mut rest = bytes.as_slice();
        let number = u64::from_le_bytes(take(&mut rest));
        let before = u64::from_le_bytes(take(&mut rest));
        let place = Self {
            number,
            before: (before != NONE_BEFORE).then_some(before),
        };
        if rest.iter().any(|byte| *byte != 0) {
            return Err(ReadEntryError::Reserve);
        }
        // The first, and only the first, has none before it.
        if number == 0 || (number == 1) != place.before.is_none() {
            return Err(ReadEntryError::Place);
        }
        Ok(place)
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
