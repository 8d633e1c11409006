//! Checks all that one register shows of its log to one person.
//!
//! The checks themselves are in [`reading`](super::reading); here is what the register is held to:
//! the head and the key that whoever checks keeps as a witness, what other witnesses have seen and
//! signed, and the receipt that the person brought. A gateway checks so for all whom it tells, and
//! whoever is given the pages as they came can check again.

use std::collections::BTreeMap;

use innsyn_policy::{QuestionId, RegisterId, Timestamp, UseKind};

use crate::convert::{
    ReadUsesError, UsesHead, counted_from_wire, shown_from_wire, uses_head_from_wire,
};
use crate::head::{HeadError, SignedHead, WitnessKey, origin};
use crate::setting::paper::PaperUse;
use crate::uselog::Entry;
use crate::uselog::reading::{
    CountedEntry, ShownEntry, UsesFault, check_chain, check_counted, check_inclusion,
    check_receipt, check_witnessed,
};
use crate::uselog::receipt::{ReadingReceipt, ReadingReceiptError};
use crate::wire::node::v1 as node;

#[cfg(test)]
mod tests;

/// A head of a log that a witness has seen.
#[derive(Debug, Clone)]
pub struct SeenByOther {
    /// The witness's key.
    pub key: WitnessKey,
    /// The head, signed by its log; with the witness's countersignature where it has given one.
    pub head: SignedHead,
}

/// What another witness said last of a log, beside the head that it has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts {
    /// It has lately seen another log of the same name, with another key.
    pub other_key: bool,
    /// It says that this is not the log that it knows.
    pub disputed: bool,
}

/// What a register is held to.
#[derive(Debug, Clone)]
pub struct Held {
    /// The register.
    pub register: RegisterId,
    /// The key and the last head that whoever checks keeps of its log.
    pub kept: Option<(String, SignedHead)>,
    /// What other witnesses have seen of it.
    pub others: Vec<SeenByOther>,
    /// What they said beside, by their names.
    pub doubts: BTreeMap<String, Doubts>,
    /// The person's receipt of an earlier reading, as it was read and as it was given.
    pub receipt: Option<(ReadingReceipt, String)>,
}

/// Who has signed a head that the log continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The name of the witness's key.
    pub name: String,
    /// How many entries the last head had that it signed.
    pub entries: u64,
    /// When it did.
    pub at: Timestamp,
}

/// What was found to hold.
#[derive(Debug)]
pub struct Checked {
    /// The head that all was shown under.
    pub head: SignedHead,
    /// The person's entries, newest first.
    pub entries: Vec<ShownEntry>,
    /// The queries that counted the person.
    pub counted: Vec<(CountedEntry, Entry)>,
    /// Whether there was a receipt, which is continued.
    pub continues_receipt: bool,
    /// Who has signed heads that the log continues, by name.
    pub witnesses: Vec<Witnessed>,
    /// Witnesses that say that this is not the log that they know, without showing it.
    pub disputed_by: Vec<String>,
}

impl Checked {
    /// Up to how many entries the log is what witnesses have signed.
    pub fn witnessed_entries(&self) -> u64 {
        let entries = self.witnesses.iter().map(|witness| witness.entries);
        entries.max().unwrap_or(0).min(self.head.size())
    }
}

/// Why what a register shows is not told.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A page is malformed.
    #[error("what the register shows cannot be read: {0}")]
    Read(#[from] ReadUsesError),
    /// The log signs with a key that is not the one kept, or is another log.
    #[error("the log is signed with another key than before, or is another register's")]
    OtherKey,
    /// Most witnesses have lately seen another log of the register.
    #[error("{0} witnesses have lately seen another log of this register, signed with another key")]
    TwoLogs(usize),
    /// The note of the witnesses is not good.
    #[error("the head that witnesses are said to have signed is not good: {0}")]
    Witnessed(HeadError),
    /// The receipt was not signed by this log.
    #[error("the receipt was not given by this register: {0}")]
    Receipt(#[from] ReadingReceiptError),
    /// What is told of a setting from paper is not what its entry commits to.
    #[error("what is told of the paper of entry number {number} is not what the entry names")]
    Paper {
        /// The entry's number.
        number: u64,
    },
    /// A check fails.
    #[error(transparent)]
    Fault(#[from] UsesFault),
}

impl CheckError {
    /// The mechanism that found it, as [`reading`](super::reading) calls it.
    pub const fn mechanism(&self) -> &'static str {
        use UsesFault as F;
        match self {
            Self::Read(_) | Self::Fault(F::NoEntry { .. }) => "form",
            Self::OtherKey => "key",
            Self::Fault(F::NotInLog { .. }) => "inclusion",
            Self::Fault(
                F::Nothing
                | F::ReadingMissing
                | F::Gap { .. }
                | F::Chain { .. }
                | F::OtherPerson { .. },
            ) => "chain",
            Self::Receipt(_)
            | Self::Fault(F::OtherReceipt | F::Receipt(_) | F::ReceiptNumber { .. }) => "receipt",
            Self::TwoLogs(_)
            | Self::Witnessed(_)
            | Self::Fault(F::Witness(_) | F::NotWitnessed) => "witness",
            Self::Fault(F::NotCounted { .. }) => "research",
            Self::Paper { .. } => "paper",
        }
    }
}

impl Held {
    fn disputed_by(&self) -> Vec<String> {
        let doubts = self.doubts.iter();
        doubts
            .filter(|(_, said)| said.disputed || said.other_key)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The first page's request.
    pub fn request(&self, question: node::Question, since: i64) -> node::ListUsesRequest {
        let receipt = self.receipt.as_ref().map(|(receipt, _)| receipt);
        let others = self.others.iter().map(|other| other.head.size());
        let known_sizes = [
            self.kept.as_ref().map_or(0, |(_, head)| head.size()),
            receipt.map_or(0, |receipt| receipt.entries),
        ];
        node::ListUsesRequest {
            question: Some(question),
            since,
            down_to: receipt.map_or(0, |receipt| receipt.newest),
            known_sizes: known_sizes.into_iter().chain(others).collect(),
            continued: None,
        }
    }
}

/// Checks all of `pages`, the answer to the question `id`; `witnesses` are the keys of those whose
/// signatures count.
pub fn check(
    pages: &[node::ListUsesResponse],
    against: &Held,
    id: QuestionId,
    witnesses: &[WitnessKey],
) -> Result<Checked, CheckError> {
    let first = pages.first().ok_or(UsesFault::Nothing)?;
    let shown = uses_head_from_wire(first)?;
    let head = &shown.head;
    let known_key = against
        .kept
        .as_ref()
        .is_none_or(|(key, _)| *key == first.log_key);
    if !known_key || head.origin() != origin(&against.register) {
        return Err(CheckError::OtherKey);
    }
    let signed = check_witnesses(&shown, against, witnesses)?;

    let uses = pages.iter().flat_map(|page| &page.uses);
    let entries: Vec<_> = uses.map(shown_from_wire).collect::<Result<_, _>>()?;
    check_inclusion(head, &entries)?;
    for shown in pages.iter().flat_map(|page| &page.uses) {
        check_paper(shown)?;
    }
    let person = check_chain(&entries, id)?;
    if let Some((_, note)) = &against.receipt {
        let receipt = ReadingReceipt::read(note, &shown.log_key)?;
        check_receipt(&receipt, head, shown.proof(1), &person, &entries)?;
    }
    let counted = pages.iter().flat_map(|page| &page.counted);
    let counted = counted.map(|counted| {
        let counted = counted_from_wire(counted)?;
        let entry = check_counted(head, &counted)?;
        Ok::<_, CheckError>((counted, entry))
    });
    let counted = counted.collect::<Result<_, _>>()?;
    Ok(Checked {
        entries,
        counted,
        continues_receipt: against.receipt.is_some(),
        witnesses: signed,
        disputed_by: against.disputed_by(),
        head: shown.head,
    })
}

/// Checks that the entry names what is told of the paper that it came from, if that is told.
fn check_paper(shown: &node::ShownUse) -> Result<(), CheckError> {
    let Some(paper) = &shown.paper else {
        return Ok(());
    };
    let entry = match &shown.told {
        Some(node::shown_use::Told::Entry(bytes)) => (&**bytes).try_into().ok(),
        _ => None,
    };
    let entry = entry.and_then(|bytes| Entry::from_bytes(bytes).ok());
    let question = PaperUse::from_wire(paper).map(|told| told.question());
    match (entry, question) {
        (Some(entry), Some(question))
            if entry.question == question && entry.kind() == UseKind::SettingChange =>
        {
            Ok(())
        }
        _ => Err(CheckError::Paper {
            number: shown.number,
        }),
    }
}

/// Checks that the log continues what every witness has seen; gives who of `witnesses` has signed.
fn check_witnesses(
    shown: &UsesHead,
    against: &Held,
    witnesses: &[WitnessKey],
) -> Result<Vec<Witnessed>, CheckError> {
    let other_keys = against
        .doubts
        .values()
        .filter(|said| said.other_key)
        .count();
    // One that lies must not hide a register's log from everybody.
    if 2 * other_keys > against.doubts.len() {
        return Err(CheckError::TwoLogs(other_keys));
    }
    let mut signed = Vec::new();
    if let Some((_, kept)) = &against.kept {
        check_witnessed(kept, &shown.head, shown.proof(0))?;
        signed.push((kept.note(), witnesses));
    }
    for (place, other) in against.others.iter().enumerate() {
        check_witnessed(&other.head, &shown.head, shown.proof(2 + place))?;
        signed.push((other.head.note(), std::slice::from_ref(&other.key)));
    }
    if let Some((note, proof)) = &shown.witnessed {
        let head = SignedHead::read(note, &shown.log_key).map_err(CheckError::Witnessed)?;
        check_witnessed(&head, &shown.head, proof)?;
        signed.push((note, witnesses));
    }
    let mut by_name: BTreeMap<String, Witnessed> = BTreeMap::new();
    for (note, keys) in signed {
        let read = SignedHead::read_countersigned(note, &shown.log_key, keys);
        let read = read.map_err(CheckError::Witnessed)?;
        for (name, at) in read.by {
            let entries = read.head.size();
            let last = by_name.get(&name).map_or(0, |witness| witness.entries);
            if entries >= last {
                by_name.insert(name.clone(), Witnessed { name, entries, at });
            }
        }
    }
    Ok(by_name.into_values().collect())
}
