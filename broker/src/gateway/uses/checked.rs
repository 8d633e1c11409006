//! Checks what one register shows of its log.
//!
//! The checks themselves are `innsyn_proto::uselog::reading`; here is what this gateway holds the
//! register to: the head and the key that it keeps as a witness, the signatures of other witnesses,
//! and the receipt that the person brought.

use innsyn_policy::{QuestionId, RegisterId, UseKind};
use innsyn_proto::convert::{
    ReadUsesError, UsesHead, counted_from_wire, shown_from_wire, uses_head_from_wire,
};
use innsyn_proto::head::{HeadError, HeadKey, SignedHead, origin};
use innsyn_proto::setting::paper::PaperUse;
use innsyn_proto::uselog::Entry;
use innsyn_proto::uselog::reading::{
    CountedEntry, ShownEntry, UsesFault, check_chain, check_counted, check_inclusion,
    check_receipt, check_witnessed,
};
use innsyn_proto::uselog::receipt::{ReadingReceipt, ReadingReceiptError};
use innsyn_proto::wire::node::v1 as node;

use super::pages::Pages;

#[cfg(test)]
mod tests;

/// What a register is held to.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) register: RegisterId,
    /// The key and the last head that this gateway keeps of its log.
    pub(super) kept: Option<(String, SignedHead)>,
    /// The person's receipt of an earlier reading, as it was read and as it was given.
    pub(super) receipt: Option<(ReadingReceipt, String)>,
}

/// What was found to hold.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) head: SignedHead,
    pub(super) entries: Vec<ShownEntry>,
    pub(super) counted: Vec<(CountedEntry, Entry)>,
    pub(super) continues_receipt: bool,
    pub(super) witnessed_entries: u64,
    pub(super) witnesses: Vec<String>,
}

/// Why what a register shows is not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    /// A page is malformed.
    #[error("what the register shows cannot be read: {0}")]
    Read(#[from] ReadUsesError),
    /// The log signs with a key that is not the one kept, or is another log.
    #[error("the log is signed with another key than before, or is another register's")]
    OtherKey,
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
    /// The mechanism that found it, as `innsyn_proto::uselog::reading` calls it.
    pub(super) const fn mechanism(&self) -> &'static str {
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
            Self::Witnessed(_) | Self::Fault(F::Witness(_) | F::NotWitnessed) => "witness",
            Self::Fault(F::NotCounted { .. }) => "research",
            Self::Paper { .. } => "paper",
        }
    }
}

impl Held {
    /// The first page's request.
    pub(super) fn request(&self, question: node::Question, since: i64) -> node::ListUsesRequest {
        let receipt = self.receipt.as_ref().map(|(receipt, _)| receipt);
        node::ListUsesRequest {
            question: Some(question),
            since,
            down_to: receipt.map_or(0, |receipt| receipt.newest),
            known_sizes: vec![
                self.kept.as_ref().map_or(0, |(_, head)| head.size()),
                receipt.map_or(0, |receipt| receipt.entries),
            ],
            continued: None,
        }
    }
}

/// Checks all of `pages`, the answer to the question `id`; `witnesses` are the keys of those whose
/// signatures count.
pub(super) fn check(
    pages: &Pages,
    against: &Held,
    id: QuestionId,
    witnesses: &[HeadKey],
) -> Result<Checked, CheckError> {
    let first = pages.pages.first().ok_or(UsesFault::Nothing)?;
    let shown = uses_head_from_wire(first)?;
    let head = &shown.head;
    let known_key = against
        .kept
        .as_ref()
        .is_none_or(|(key, _)| *key == first.log_key);
    if !known_key || head.origin() != origin(&against.register) {
        return Err(CheckError::OtherKey);
    }
    let proof = |n: usize| shown.known.get(n).map_or(&[][..], Vec::as_slice);
    let mut witnessed_entries = 0;
    if let Some((_, kept)) = &against.kept {
        check_witnessed(kept, head, proof(0))?;
        witnessed_entries = kept.size().min(head.size());
    }
    let by_others = check_witnesses(&shown, witnesses)?;
    let (others_entries, names) = by_others.unwrap_or_default();

    let uses = pages.pages.iter().flat_map(|page| &page.uses);
    let entries: Vec<_> = uses.map(shown_from_wire).collect::<Result<_, _>>()?;
    check_inclusion(head, &entries)?;
    for shown in pages.pages.iter().flat_map(|page| &page.uses) {
        check_paper(shown)?;
    }
    let person = check_chain(&entries, id)?;
    if let Some((_, note)) = &against.receipt {
        let receipt = ReadingReceipt::read(note, &shown.log_key)?;
        check_receipt(&receipt, head, proof(1), &person, &entries)?;
    }
    let counted = pages.pages.iter().flat_map(|page| &page.counted);
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
        witnessed_entries: witnessed_entries.max(others_entries),
        witnesses: names,
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

/// The size of the head that witnesses have signed, and their names; none where none has.
fn check_witnesses(
    shown: &UsesHead,
    witnesses: &[HeadKey],
) -> Result<Option<(u64, Vec<String>)>, CheckError> {
    let Some((note, proof)) = &shown.witnessed else {
        return Ok(None);
    };
    let read = SignedHead::read_countersigned(note, &shown.log_key, witnesses)
        .map_err(CheckError::Witnessed)?;
    if read.by.is_empty() {
        return Ok(None);
    }
    check_witnessed(&read.head, &shown.head, proof)?;
    Ok(Some((read.head.size().min(shown.head.size()), read.by)))
}
