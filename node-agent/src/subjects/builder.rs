//! Building the index from rows in any order.

use std::sync::Arc;

use super::entry::{Entry, Facts, Membership};
use super::{SubjectKey, Subjects, Tag};

/// The most people one index holds.
pub const PERSONS_MAX: usize = 200_000_000;

/// The most entries that there is ever room for: people, and half as many rows again.
pub(super) const ENTRIES_MAX: usize = PERSONS_MAX / 2 * 3;
/// Room for this many entries at first.
const ENTRIES_AT_FIRST: usize = 4_096;
/// A bucket of the directory holds this many entries at least, on average: four bytes for it
/// are then half a byte a person at most.
const ENTRIES_PER_BUCKET_MIN: usize = 8;

/// The source has more people than an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {PERSONS_MAX} people in one register")]
pub struct TooManyPersonsError;

/// Collects rows and makes [`Subjects`] of them.
///
/// Rows about the same person are merged while they come, so memory follows people and not
/// rows: at most 36 bytes for each person found so far, and the old 24 beside them for the moment
/// in which the space grows. Closing gaps in the numbers takes six for a moment.
#[derive(Debug)]
pub struct SubjectsBuilder {
    key: Arc<SubjectKey>,
    entries: Vec<Entry>,
    duplicates: u64,
}

impl SubjectsBuilder {
    /// Nobody yet; tags come from `key`.
    pub fn new(key: Arc<SubjectKey>) -> Self {
        Self {
            key,
            entries: Vec::with_capacity(ENTRIES_AT_FIRST),
            duplicates: 0,
        }
    }

    /// The key that tags are made with.
    pub fn key(&self) -> &SubjectKey {
        &self.key
    }

    /// Adds what one row says of the person with `tag`.
    pub fn push(&mut self, tag: Tag, membership: Membership) -> Result<(), TooManyPersonsError> {
        if self.entries.len() == self.entries.capacity() {
            self.make_room()?;
        }
        // INVARIANT: numbers are the places of first rows; at most `ENTRIES_MAX`.
        let number = u32::try_from(self.entries.len()).map_err(|_| TooManyPersonsError)?;
        self.entries.push(Entry {
            tag,
            facts: Facts::new(membership, number),
        });
        Ok(())
    }

    /// The index, and how many rows were about somebody who already had one.
    pub fn finish(mut self) -> (Subjects, u64) {
        self.merge();
        let entries = self.entries.into_boxed_slice();
        let bucket_bits = (entries.len() / ENTRIES_PER_BUCKET_MIN).max(1).ilog2();
        let (starts, window) = directory(&entries, bucket_bits);
        let subjects = Subjects {
            key: self.key,
            entries,
            starts,
            bucket_bits,
            window,
        };
        (subjects, self.duplicates)
    }

    /// How many entries there is room for.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.entries.capacity()
    }

    /// Merges first; only if that frees less than a third does the space grow.
    fn make_room(&mut self) -> Result<(), TooManyPersonsError> {
        self.merge();
        let persons = self.entries.len();
        if persons >= PERSONS_MAX {
            return Err(TooManyPersonsError);
        }
        if persons > self.entries.capacity() / 3 * 2 {
            self.entries.reserve_exact(persons / 2);
        }
        Ok(())
    }

    fn merge(&mut self) {
        self.entries.sort_unstable_by_key(|entry| entry.tag);
        let rows = self.entries.len();
        self.entries.dedup_by(|next, kept| {
            let same = next.tag == kept.tag;
            if same {
                kept.facts = kept.facts.merge(next.facts);
            }
            same
        });
        if self.entries.len() < rows {
            self.duplicates += (rows - self.entries.len()) as u64;
            self.close_gaps(rows);
        }
    }

    /// Numbers the people `0..` in the order of their first rows, which are numbered `0..rows`, so
    /// that the next row's number is how many there are.
    fn close_gaps(&mut self, rows: usize) {
        let mut numbers = vec![0_u32; rows];
        for entry in &self.entries {
            if let Some(is_first) = numbers.get_mut(entry.facts.number() as usize) {
                *is_first = 1;
            }
        }
        let mut before = 0;
        for number in &mut numbers {
            let is_first = std::mem::replace(number, before);
            before += is_first;
        }
        for entry in &mut self.entries {
            let number = numbers.get(entry.facts.number() as usize);
            entry.facts = entry.facts.numbered(number.copied().unwrap_or_default());
        }
    }
}

/// Where each bucket's window begins in the sorted `entries`, and the window that holds even the
/// largest bucket. A window that would reach beyond the end begins earlier.
fn directory(entries: &[Entry], bucket_bits: u32) -> (Box<[u32]>, usize) {
    let mut starts = Vec::with_capacity(1 << bucket_bits);
    let (mut rest, mut before, mut window) = (entries, 0, 0);
    for bucket in 0..1_usize << bucket_bits {
        starts.push(before);
        let size = rest.partition_point(|entry| entry.tag.bucket(bucket_bits) <= bucket);
        rest = rest.get(size..).unwrap_or_default();
        before += size;
        window = window.max(size);
    }
    let last = entries.len() - window;
    let starts = starts.into_iter().map(|start| {
        // PERSONS_MAX fits in 32 bits.
        u32::try_from(start.min(last)).unwrap_or(u32::MAX)
    });
    (starts.collect(), window)
}
