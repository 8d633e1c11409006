//! Reads entries and makes proofs, beside the thread that writes.
//!
//! Everything here reads only what is safe, and blocks on files: call it where that is allowed. A
//! person's entries are found by following their chain back from its end, one read for each.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use innsyn_proto::head::LogHash;
use tlog_tiles::{Hash, HashReader};

use super::audit::{HASH_BYTES, HASHES, segment_name};
use super::disk::ReadDisk;
use super::entry::{ENTRY_BYTES, Entry, EntrySubject, ReadEntryError, Tag};
use super::frame;
use super::index::Index;
use super::places::Mark;

/// Reads a log that is being written.
#[derive(Debug, Clone)]
pub struct LogReader {
    disk: Arc<dyn ReadDisk>,
    index: Arc<RwLock<Index>>,
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedEntry {
    /// Its position in the log.
    pub position: u64,
    /// Its number among those about its person.
    pub number: u64,
    /// The position of the one before.
    pub before: Option<u64>,
    /// Its bytes.
    pub bytes: [u8; ENTRY_BYTES],
    /// What they say.
    pub entry: Entry,
}

/// Why something cannot be read from the log.
#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    /// A file cannot be read.
    #[error("the log of use cannot be read")]
    Io(#[from] io::Error),
    /// There is no entry at this position, or none about the person.
    #[error("there is no such entry at {0}")]
    NoEntry(u64),
    /// What stands there is not an entry.
    #[error("entry {0} cannot be read: {1}")]
    Entry(u64, ReadEntryError),
    /// No proof leads there.
    #[error("the stored hashes give no proof")]
    Proof,
}

impl LogReader {
    pub(super) fn new(disk: Arc<dyn ReadDisk>, index: Arc<RwLock<Index>>) -> Self {
        Self { disk, index }
    }

    /// The position of the newest entry about the person with `tag` in the log as it is now.
    pub fn newest(&self, tag: &Tag) -> Option<u64> {
        self.index().chains.last(tag).map(|last| last.position)
    }

    /// The positions of the last `most` answered queries before `before`, newest first.
    pub fn queries_before(&self, before: u64, most: usize) -> Vec<u64> {
        let index = self.index();
        let end = index.queries.partition_point(|position| *position < before);
        let earlier = index.queries.get(..end).unwrap_or_default();
        earlier.iter().rev().take(most).copied().collect()
    }

    /// The entry at `position`, if it is about the person with `tag`.
    pub fn about(&self, tag: &Tag, position: u64) -> Result<PlacedEntry, ReadLogError> {
        let (bytes, entry) = self.entry(position)?;
        let place = match entry.subject {
            EntrySubject::Person(of, _, place) if of == *tag => place,
            _ => return Err(ReadLogError::NoEntry(position)),
        };
        let (number, before) = match place {
            Some(place) => (place.number, place.before),
            None => self.unchained(tag, position)?,
        };
        Ok(PlacedEntry {
            position,
            number,
            before,
            bytes,
            entry,
        })
    }

    /// The number of an entry without a place, and the position of the one before.
    fn unchained(&self, tag: &Tag, position: u64) -> Result<(u64, Option<u64>), ReadLogError> {
        let index = self.index();
        let positions = index.chains.unchained(tag);
        let at = positions
            .binary_search(&position)
            .map_err(|_| ReadLogError::NoEntry(position))?;
        let before = at.checked_sub(1).and_then(|at| positions.get(at));
        Ok((at as u64 + 1, before.copied()))
    }

    /// The bytes at `position`, and what they say.
    pub fn entry(&self, position: u64) -> Result<([u8; ENTRY_BYTES], Entry), ReadLogError> {
        let mark = self.index().places.before(position);
        let mark = mark.ok_or(ReadLogError::NoEntry(position))?;
        let bytes = self.bytes(mark, position)?;
        let entry =
            Entry::from_bytes(&bytes).map_err(|error| ReadLogError::Entry(position, error))?;
        Ok((bytes, entry))
    }

    /// Goes from the frame at `mark` to the one with `position`, by headers.
    fn bytes(&self, mark: Mark, position: u64) -> Result<[u8; ENTRY_BYTES], ReadLogError> {
        let file = segment_name(mark.segment);
        let there = self.disk.len_of(&file)?.saturating_sub(mark.offset);
        let len = usize::try_from(there.min(frame::LOOK_UP_BYTES)).unwrap_or_default();
        let mut headers = vec![0; len];
        self.disk.fill(&file, mark.offset, &mut headers)?;
        let mut at = 0;
        loop {
            let header = frame::read_header_at(&headers, at).ok_or(ReadLogError::NoEntry(position));
            let (entries, first) = header?;
            let within = position.checked_sub(first);
            match within.and_then(|within| usize::try_from(within).ok()) {
                Some(within) if within < entries => {
                    let begin = at + frame::entry_offset(within);
                    let mut bytes = [0; ENTRY_BYTES];
                    match headers.get(begin..begin + ENTRY_BYTES) {
                        Some(read) => bytes.copy_from_slice(read),
                        None => self
                            .disk
                            .fill(&file, mark.offset + begin as u64, &mut bytes)?,
                    }
                    return Ok(bytes);
                }
                Some(_) => at += frame::len(entries),
                None => return Err(ReadLogError::NoEntry(position)),
            }
        }
    }

    /// The proof that the entry at `position` is in the log of `size` entries.
    pub fn inclusion(&self, position: u64, size: u64) -> Result<Vec<LogHash>, ReadLogError> {
        let proof = tlog_tiles::prove_record(size, position, &self.hashes());
        proof
            .map(|hashes| hashes.into_iter().map(|hash| hash.0).collect())
            .map_err(|_| ReadLogError::Proof)
    }

    /// The proof that the log of `to` entries continues that of `from`; empty where none is needed.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<LogHash>, ReadLogError> {
        if from == 0 || from == to {
            return Ok(Vec::new());
        }
        let proof = tlog_tiles::prove_tree(to, from, &self.hashes());
        proof
            .map(|hashes| hashes.into_iter().map(|hash| hash.0).collect())
            .map_err(|_| ReadLogError::Proof)
    }

    fn hashes(&self) -> StoredHashes<'_> {
        StoredHashes(&*self.disk)
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads stored hashes for proofs.
pub(super) struct StoredHashes<'a>(pub(super) &'a dyn ReadDisk);

impl HashReader for StoredHashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let mut hash = [0; HASH_BYTES];
            self.0
                .fill(HASHES, index * HASH_BYTES as u64, &mut hash)
                .map(|()| Hash(hash))
                .map_err(|error| tlog_tiles::Error::InvalidInput(error.to_string()))
        };
        indexes.iter().map(read).collect()
    }
}
