//! Checks what a register shows of its log to one person.
//!
//! ```text
//!   inclusion   each entry shown stands in the log of the head shown           nothing is made up
//!   chain       the entries have gapless numbers, and each names the position   nothing is left out
//!               of the one before; the reading itself is among them
//!   receipt     the head continues the one of an earlier receipt, and the       nothing has gone
//!               chain leads to the receipt's number at its position             since
//!   witnesses   the head continues one that others have signed                  everybody is shown
//!                                                                               the same log
//! ```
//!
//! Pure: no key of the register is needed, no clock is read, and no file. Each check finds what the
//! others cannot; the attack suite in `tests` shows which attacks come through without each.
//!
//! What is held back for now has its number, its position, its proof and a date, but not its
//! content: it keeps its place in the chain, and what comes after it must name its position.

use innsyn_policy::{QuestionId, Timestamp, UseDecision, UseKind};
use tlog_tiles::Hash;

use super::counted::{CountedFor, Membership};
use super::receipt::ReadingReceipt;
use super::{ENTRY_BYTES, Entry, EntrySubject, ReadEntryError, Tag, leaf_hash};
use crate::head::{HeadError, LogHash, SignedHead, check_continues};

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownEntry {
    /// Its position in the log.
    pub position: u64,
    /// Its number among those about the person.
    pub number: u64,
    /// What is told of it.
    pub told: Told,
    /// The hashes beside the way to the root, the leaf's neighbour first.
    pub inclusion: Vec<LogHash>,
}

/// What is told of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// All of it.
    Entry(Box<[u8; ENTRY_BYTES]>),
    /// Its hash, and when it will be told.
    HeldBack {
        /// The entry's hash.
        leaf: LogHash,
        /// Until when the rest is held back.
        until: Timestamp,
    },
}

/// The entry of a query that counted the person, opened for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedEntry {
    /// Its position in the log.
    pub position: u64,
    /// The entry.
    pub bytes: Box<[u8; ENTRY_BYTES]>,
    /// The hashes beside the way to the root of the log.
    pub inclusion: Vec<LogHash>,
    /// What the query was.
    pub what: CountedFor,
    /// The root over the persons counted.
    pub root: LogHash,
    /// That the person is among them.
    pub membership: Membership,
}

/// What is wrong with what a register shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsesFault {
    /// An entry does not stand in the log of the head.
    #[error("entry number {number} does not stand in the log that was shown")]
    NotInLog {
        /// Its number.
        number: u64,
    },
    /// Something shown is no entry.
    #[error("what is shown as entry number {number} is none: {error}")]
    NoEntry {
        /// Its number.
        number: u64,
        /// Why not.
        error: ReadEntryError,
    },
    /// Nothing is shown, though the reading itself must be.
    #[error("no entries are shown, not even that of this reading")]
    Nothing,
    /// The reading itself is not among the entries.
    #[error("this reading itself is not among the entries")]
    ReadingMissing,
    /// A number is missing, told twice or out of order.
    #[error("entry number {expected} is missing: number {number} stands in its place")]
    Gap {
        /// The number that stands there.
        number: u64,
        /// The one that should.
        expected: u64,
    },
    /// An entry says another number than it is shown with, or names another before it.
    #[error("entry number {number} does not lead to the one that is shown before it")]
    Chain {
        /// Its number.
        number: u64,
    },
    /// Entries about two persons.
    #[error("entry number {number} is about somebody else")]
    OtherPerson {
        /// Its number.
        number: u64,
    },
    /// The receipt is of another register or person.
    #[error("the receipt is of another register or person")]
    OtherReceipt,
    /// The head does not continue that of the receipt.
    #[error("the log does not continue the one that the receipt is of: {0}")]
    Receipt(HeadError),
    /// The entries do not lead to the newest one of the receipt.
    #[error(
        "the receipt knows of {receipt} entries about the person, and the newest of these is not \
         where it was"
    )]
    ReceiptNumber {
        /// How many it knows of.
        receipt: u64,
    },
    /// The head does not continue one that a witness has signed.
    #[error("the log does not continue the one that the witnesses know: {0}")]
    Witness(HeadError),
    /// A query is shown that does not count the person, or is not in the log.
    #[error("what is shown as a query at {position} is not one that counted the person")]
    NotCounted {
        /// Its position.
        position: u64,
    },
    /// No witness that is known here has signed a head.
    #[error("no witness has signed a head of this log")]
    NotWitnessed,
}

/// Checks that each of `entries` stands in the log of `head`.
pub fn check_inclusion(head: &SignedHead, entries: &[ShownEntry]) -> Result<(), UsesFault> {
    for entry in entries {
        let leaf = match &entry.told {
            Told::Entry(bytes) => leaf_hash(bytes),
            Told::HeldBack { leaf, .. } => *leaf,
        };
        if !is_included(head, entry.position, &leaf, &entry.inclusion) {
            let number = entry.number;
            return Err(UsesFault::NotInLog { number });
        }
    }
    Ok(())
}

/// Whether the entry with hash `leaf` stands at `position` of the log of `head`.
pub fn is_included(
    head: &SignedHead,
    position: u64,
    leaf: &LogHash,
    inclusion: &[LogHash],
) -> bool {
    let proof = inclusion.iter().map(|hash| Hash(*hash)).collect();
    let (root, leaf) = (Hash(head.root()), Hash(*leaf));
    tlog_tiles::check_record(&proof, head.size(), root, position, leaf).is_ok()
}

/// Checks that `entries`, newest first, are a person's without a gap, from one at least as new as
/// that of the reading `question` on. Returns the person's tag.
pub fn check_chain(entries: &[ShownEntry], question: QuestionId) -> Result<Tag, UsesFault> {
    let first = entries.first().ok_or(UsesFault::Nothing)?;
    let mut expected = first.number;
    let mut position_before = Some(first.position);
    let mut lowest = None;
    let mut person = None;
    let mut reading_seen = false;
    for shown in entries {
        let number = shown.number;
        if number != expected || number == 0 {
            return Err(UsesFault::Gap { number, expected });
        }
        let is_older = lowest.is_none_or(|lowest| shown.position < lowest);
        if position_before.is_some_and(|position| position != shown.position) || !is_older {
            return Err(UsesFault::Chain { number });
        }
        lowest = Some(shown.position);
        expected = number - 1;
        // Known again at the next entry that is told.
        position_before = None;
        let Told::Entry(bytes) = &shown.told else {
            continue;
        };
        let entry =
            Entry::from_bytes(bytes).map_err(|error| UsesFault::NoEntry { number, error })?;
        let EntrySubject::Person(tag, _, place) = entry.subject else {
            return Err(UsesFault::OtherPerson { number });
        };
        if *person.get_or_insert(tag) != tag {
            return Err(UsesFault::OtherPerson { number });
        }
        if let Some(place) = place {
            if place.number != number {
                return Err(UsesFault::Chain { number });
            }
            position_before = place.before;
        }
        reading_seen |= entry.kind() == UseKind::LogReading
            && entry.question == question
            && entry.decision == UseDecision::Answered;
    }
    match person {
        Some(person) if reading_seen => Ok(person),
        _ => Err(UsesFault::ReadingMissing),
    }
}

/// Checks that the query of `counted` is in the log of `head` and counted the person; returns its
/// entry. That the number in the snapshot is the person's is the register's word.
pub fn check_counted(head: &SignedHead, counted: &CountedEntry) -> Result<Entry, UsesFault> {
    let position = counted.position;
    let fault = UsesFault::NotCounted { position };
    let leaf = leaf_hash(&counted.bytes);
    if !is_included(head, position, &leaf, &counted.inclusion) {
        return Err(fault);
    }
    let entry = Entry::from_bytes(&counted.bytes).map_err(|_| fault)?;
    match entry.subject {
        EntrySubject::Counted(commitment)
            if counted
                .membership
                .holds(&counted.root, &counted.what, &commitment) =>
        {
            Ok(entry)
        }
        _ => Err(fault),
    }
}

/// The position of the entry with `number`, as the chain of `entries` says it; `None` where they do
/// not reach it.
fn position_of(entries: &[ShownEntry], number: u64) -> Option<u64> {
    if let Some(shown) = entries.iter().find(|shown| shown.number == number) {
        return Some(shown.position);
    }
    let after = entries.iter().find(|shown| shown.number == number + 1)?;
    let Told::Entry(bytes) = &after.told else {
        return None;
    };
    match Entry::from_bytes(bytes).ok()?.subject {
        EntrySubject::Person(_, _, place) => place?.before,
        EntrySubject::Counted(_) => None,
    }
}

/// Checks that the log of `head`, and in it the chain of `entries`, continue what `receipt` is of;
/// `proof` leads from its head to `head`, and `person` is the tag in the entries.
pub fn check_receipt(
    receipt: &ReadingReceipt,
    head: &SignedHead,
    proof: &[LogHash],
    person: &Tag,
    entries: &[ShownEntry],
) -> Result<(), UsesFault> {
    if receipt.person != *person || crate::head::origin(&receipt.register) != head.origin() {
        return Err(UsesFault::OtherReceipt);
    }
    head.continues(receipt.entries, receipt.root, proof)
        .map_err(UsesFault::Receipt)?;
    if position_of(entries, receipt.newest) == Some(receipt.position) {
        Ok(())
    } else {
        let receipt = receipt.newest;
        Err(UsesFault::ReceiptNumber { receipt })
    }
}

/// Checks that `head` continues `witnessed`, a head that witnesses have signed; `proof` leads from
/// it to `head`. A witness may know of more than is shown only where it is the same log: then the
/// proof leads the other way.
pub fn check_witnessed(
    witnessed: &SignedHead,
    head: &SignedHead,
    proof: &[LogHash],
) -> Result<(), UsesFault> {
    let (earlier, later) = if witnessed.size() <= head.size() {
        (witnessed, head)
    } else {
        (head, witnessed)
    };
    check_continues(later, earlier, proof).map_err(UsesFault::Witness)
}
