//! What stands on one page.

use std::collections::HashMap;
use std::sync::Arc;

use innsyn_policy::{NationalId, QuestionId, Timestamp, UseKind};
use innsyn_proto::convert::{membership_to_wire, path_to_wire};
use innsyn_proto::setting::paper::PaperUse;
use innsyn_proto::uselog::leaf_hash;
use innsyn_proto::wire::node::v1 as wire;
use prost::Message as _;

use super::delay::{Delay, held_back};
use crate::research::compute::{CountedRecords, ToldOfQuery};
use crate::uselog::{EntrySubject, LogReader, PlacedEntry, ReadLogError, Tag};

/// Entries about the person on one page.
pub(super) const USES_MAX: usize = 48;
/// Settings from paper on one page.
const PAPERS_MAX: usize = 16;
/// Queries that counted the person on one page.
const COUNTED_MAX: usize = 16;
/// Queries that are looked at for one page.
const LOOKED_AT_MAX: usize = 64;
/// The size of nearly every page, in bytes.
const PAGE_STEP_BYTES: usize = 96 << 10;
/// The least padding: so that its length always takes three bytes.
const PADDING_BYTES_MIN: usize = 1 << 14;
/// The tag and the length of the padding.
const PADDING_HEAD_BYTES: usize = 4;

/// For whom a page is made, and of what.
pub(super) struct Showing {
    pub(super) reader: LogReader,
    pub(super) subject: NationalId,
    /// The subject's tag, as subject and as who asks.
    pub(super) tag: Tag,
    pub(super) own: Tag,
    /// The tag of who asks now.
    pub(super) caller: Tag,
    pub(super) question: QuestionId,
    pub(super) since: Timestamp,
    pub(super) down_to: u64,
    pub(super) now: Timestamp,
    pub(super) delays: Arc<[Delay]>,
    pub(super) counted: Option<Arc<CountedRecords>>,
    /// What there is of settings that came from paper.
    pub(super) papers: HashMap<QuestionId, PaperUse>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// At the newest entry of the log of so many.
    Newest { entries: u64 },
    /// Where the one before ended.
    Continued(wire::Continued),
}

impl Showing {
    /// The page from `from` on, without its head. Blocks on files.
    pub(super) fn page(&self, from: From) -> Result<wire::ListUsesResponse, ReadLogError> {
        let mut page = wire::ListUsesResponse::default();
        let mut next = match from {
            From::Newest { entries } => wire::Continued {
                reading: 0,
                entries,
                next_use: self.reader.newest(&self.tag),
                queries_before: self.counted.as_ref().map(|_| entries),
            },
            From::Continued(continued) => continued,
        };
        self.show_uses(&mut page, &mut next)?;
        self.show_counted(&mut page, &mut next)?;
        let goes_on = next.next_use.is_some() || next.queries_before.is_some();
        page.continued = goes_on.then_some(next);
        Ok(page)
    }

    fn show_uses(
        &self,
        page: &mut wire::ListUsesResponse,
        next: &mut wire::Continued,
    ) -> Result<(), ReadLogError> {
        while let Some(position) = next.next_use {
            let placed = self.reader.about(&self.tag, position)?;
            if position >= next.entries {
                // It came after the head was signed.
                next.next_use = placed.before;
                continue;
            }
            if placed.entry.at < self.since && placed.number <= self.down_to {
                next.next_use = None;
                return Ok(());
            }
            let papers = page.uses.iter().filter(|shown| shown.paper.is_some());
            if page.uses.len() >= USES_MAX || papers.count() >= PAPERS_MAX {
                return Ok(());
            }
            next.next_use = placed.before;
            let entry = &placed.entry;
            if entry.kind() == UseKind::LogReading && entry.question == self.question {
                next.reading = position;
            }
            page.uses.push(self.shown(&placed, next.entries)?);
        }
        Ok(())
    }

    fn shown(&self, placed: &PlacedEntry, entries: u64) -> Result<wire::ShownUse, ReadLogError> {
        let inclusion = self.reader.inclusion(placed.position, entries)?;
        let is_change = placed.entry.kind() == UseKind::SettingChange;
        let paper = is_change.then(|| self.papers.get(&placed.entry.question));
        let paper = paper.flatten();
        let asker = match placed.entry.caller {
            _ if paper.is_some() => wire::Asker::Register,
            caller if caller == self.own => wire::Asker::Oneself,
            caller if caller == self.caller => wire::Asker::You,
            _ => wire::Asker::Other,
        };
        // What they did themselves, people know.
        let until = (asker == wire::Asker::Other)
            .then(|| held_back(&self.delays, &placed.entry, self.now))
            .flatten();
        let (told, asker) = match until {
            None => (
                wire::shown_use::Told::Entry(placed.bytes.to_vec().into()),
                asker,
            ),
            Some(until) => {
                let held_back = wire::HeldBack {
                    leaf: leaf_hash(&placed.bytes).to_vec().into(),
                    until: until.as_seconds(),
                };
                (
                    wire::shown_use::Told::HeldBack(held_back),
                    wire::Asker::Unspecified,
                )
            }
        };
        Ok(wire::ShownUse {
            position: placed.position,
            number: placed.number,
            told: Some(told),
            inclusion: Some(path_to_wire(&inclusion)),
            asker: asker.into(),
            paper: paper.map(PaperUse::to_wire),
        })
    }

    fn show_counted(
        &self,
        page: &mut wire::ListUsesResponse,
        next: &mut wire::Continued,
    ) -> Result<(), ReadLogError> {
        let (Some(records), Some(before)) = (&self.counted, next.queries_before) else {
            next.queries_before = None;
            return Ok(());
        };
        let queries = self.reader.queries_before(before, LOOKED_AT_MAX);
        next.queries_before = match queries.last() {
            // There may be more before these.
            Some(last) if queries.len() == LOOKED_AT_MAX => Some(*last),
            _ => None,
        };
        let mut person = records.person(&self.subject);
        for position in queries {
            if page.counted.len() >= COUNTED_MAX {
                next.queries_before = Some(position + 1);
                return Ok(());
            }
            let (bytes, entry) = self.reader.entry(position)?;
            let EntrySubject::Counted(commitment) = entry.subject else {
                continue;
            };
            if entry.at < self.since {
                next.queries_before = None;
                return Ok(());
            }
            match person.tell(&commitment) {
                ToldOfQuery::NotCounted => {}
                ToldOfQuery::Untold => page.queries_untold += 1,
                ToldOfQuery::Counted(opened) => {
                    let inclusion = self.reader.inclusion(position, next.entries)?;
                    page.counted.push(wire::CountedUse {
                        position,
                        entry: bytes.to_vec().into(),
                        inclusion: Some(path_to_wire(&inclusion)),
                        query_name: opened.what.query.to_vec().into(),
                        permit_digest: opened.what.permit.to_vec().into(),
                        snapshot: opened.what.snapshot.to_vec().into(),
                        persons_root: opened.root.to_vec().into(),
                        membership: Some(membership_to_wire(&opened.membership)),
                        permit: opened.permit,
                        project: opened.project,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Brings `page` to the size of all.
pub(super) fn pad(page: &mut wire::ListUsesResponse) {
    page.padding = bytes::Bytes::new();
    let bare = page.encoded_len() + PADDING_HEAD_BYTES;
    let padded = (bare + PADDING_BYTES_MIN).next_multiple_of(PAGE_STEP_BYTES);
    page.padding = vec![0; padded - bare].into();
}
