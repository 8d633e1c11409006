//! From what was checked to what a person is told, by a gateway and by whoever checks again.

use innsyn_policy::{QuestionId, UseKind};

use super::checked::{Checked, Witnessed};
use super::reading::Told;
use super::{Entry, leaf_hash};
use crate::convert::purpose_to_wire;
use crate::wire::citizen::v1 as citizen;
use crate::wire::node::v1 as node;

mod words;

/// Writes what `pages` show, of which `checked` holds, into `uses`.
pub fn tell(uses: &mut citizen::RegisterUses, pages: &[node::ListUsesResponse], checked: &Checked) {
    let askers = pages.iter().flat_map(|page| &page.uses);
    let mut held_back: Option<(u32, i64)> = None;
    for (shown, asker) in checked.entries.iter().zip(askers) {
        match &shown.told {
            Told::Entry(bytes) => {
                // INVARIANT: the chain was checked, so every entry that is told can be read.
                let Ok(entry) = Entry::from_bytes(bytes) else {
                    continue;
                };
                let paper = asker.paper.clone();
                let kind_words = match &paper {
                    Some(_) => words::on_paper(),
                    None => words::kind(entry.kind()),
                };
                uses.uses.push(citizen::Use {
                    by: by(asker.asker()).into(),
                    number: shown.number,
                    kind_words: Some(kind_words),
                    paper,
                    ..one(&entry, shown.position, leaf_hash(bytes))
                });
            }
            Told::HeldBack { until, .. } => {
                let (many, last) = held_back.unwrap_or((0, i64::MIN));
                held_back = Some((many + 1, last.max(until.as_seconds())));
            }
        }
    }
    let told = pages.iter().flat_map(|page| &page.counted);
    for ((counted, entry), told) in checked.counted.iter().zip(told) {
        uses.uses.push(citizen::Use {
            by: citizen::UsedBy::Other.into(),
            permit: told.permit.clone(),
            project: told.project.clone(),
            persons_counted: counted.membership.persons,
            ..one(entry, counted.position, leaf_hash(&counted.bytes))
        });
    }
    uses.uses
        .sort_by_key(|told| std::cmp::Reverse(told.position));
    uses.held_back = held_back.map(|(uses, until)| citizen::HeldBackUses {
        uses,
        until: instant(until.saturating_mul(1_000_000)),
    });
    uses.truncated = pages.last().is_some_and(|page| page.continued.is_some());
    uses.queries_untold = pages.iter().map(|page| page.queries_untold).sum();
    uses.receipt = first_receipt(pages);
    uses.verified = Some(citizen::Verified {
        log_entries: checked.head.size(),
        chained: checked.entries.len() as u64,
        newest: checked.entries.first().map_or(0, |shown| shown.number),
        continues_receipt: checked.continues_receipt,
        witnessed_entries: checked.witnessed_entries(),
        witnesses: checked.witnesses.iter().map(witness).collect(),
        disputed_by: checked.disputed_by.clone(),
    });
}

fn witness(witness: &Witnessed) -> citizen::Witness {
    citizen::Witness {
        name: witness.name.clone(),
        entries: witness.entries,
        at: instant(witness.at.as_micros()),
    }
}

fn first_receipt(pages: &[node::ListUsesResponse]) -> String {
    let first = pages.first();
    first.map_or_else(String::new, |page| page.receipt.clone())
}

fn one(entry: &Entry, position: u64, leaf: [u8; 32]) -> citizen::Use {
    let QuestionId(question) = entry.question;
    let (decision, reason) = words::decision_code(entry.decision);
    citizen::Use {
        at: instant(entry.at.as_micros()),
        kind: kind(entry.kind()).into(),
        organisation: entry.organisation.as_str().to_owned(),
        purpose: purpose_to_wire(entry.purpose).into(),
        kind_words: Some(words::kind(entry.kind())),
        purpose_words: Some(words::purpose(entry.purpose)),
        basis_words: Some(words::basis(entry.kind(), entry.purpose)),
        decision_words: Some(words::decision(entry.decision)),
        decision: decision.to_owned(),
        decision_reason: reason.to_owned(),
        question_id: question.to_vec(),
        position,
        leaf: leaf.to_vec(),
        ..citizen::Use::default()
    }
}

const fn by(asker: node::Asker) -> citizen::UsedBy {
    match asker {
        node::Asker::Oneself => citizen::UsedBy::Oneself,
        node::Asker::You => citizen::UsedBy::You,
        node::Asker::Register => citizen::UsedBy::Register,
        node::Asker::Unspecified | node::Asker::Other => citizen::UsedBy::Other,
    }
}

const fn kind(kind: UseKind) -> citizen::UseKind {
    match kind {
        UseKind::Listing => citizen::UseKind::Listing,
        UseKind::Query => citizen::UseKind::Research,
        UseKind::LogReading => citizen::UseKind::LogReading,
        UseKind::SettingChange => citizen::UseKind::SettingChange,
        UseKind::Dialog => citizen::UseKind::Dialog,
        UseKind::Insight => citizen::UseKind::Insight,
    }
}

/// A moment in RFC 3339.
fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |at| at.to_string())
}
