//! Recomputes a log from its segments and holds everything else against it.
//!
//! The segments are the log. The file of hashes and the signed heads are written only after the
//! segment's sync, so that they are witnesses: neither ever knows of an entry that was not
//! safe. Opening a log and verifying one both come here, and read the same rules; this module
//! changes nothing.

use std::io;

use innsyn_proto::head::{HeadError, HeadKey, LogHash, SignedHead};
use tlog_tiles::{stored_hash_count, stored_hash_index};

use super::disk::Disk;
use super::entry::{ENTRY_BYTES, Entry, ReadEntryError};
use super::frame::{self, Read};
use super::hash::leaf_hash;
use super::index::{Index, is_answered_query};
use super::places::Mark;
use super::tree::Tree;

/// The stored hashes, in the order of `tlog_tiles::stored_hash_index`.
pub(super) const HASHES: &str = "hashes";
/// The last head that was signed.
pub(super) const HEAD: &str = "head";
/// The last head that a gateway countersigned.
pub(super) const COUNTERSIGNED: &str = "countersigned";
/// The length of a hash in bytes.
pub(super) const HASH_BYTES: usize = 32;

/// What is wrong with a log, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, byte {offset}{}: {check}", entry.map_or_else(String::new, |n| format!(", entry {n}")))]
pub struct Fault {
    /// In which file of the log's folder; `given head` for a head from elsewhere.
    pub file: String,
    /// The first byte of what does not check.
    pub offset: u64,
    /// The first entry that is concerned, counted from zero, where that is known.
    pub entry: Option<u64>,
    /// What does not hold.
    pub check: Check,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Check {
    /// A frame's header has a wrong magic, count or checksum.
    #[error("the frame's header does not check")]
    Header,
    /// A complete frame's checksum is wrong.
    #[error("the frame's checksum does not match its content")]
    Checksum,
    /// A frame does not continue the one before.
    #[error("the frame says that {stated} entries come before it, there are {before}")]
    Size {
        /// What it says.
        stated: u64,
        /// What is there.
        before: u64,
    },
    /// The root that a frame states is not that of the entries.
    #[error("the frame's root is not that of the entries")]
    Root,
    /// An entry cannot be read.
    #[error("the entry cannot be read: {0}")]
    Entry(ReadEntryError),
    /// An entry has another place than the one that follows in its person's chain.
    #[error("the entry does not continue the entries about its person")]
    Chain,
    /// A frame is unfinished, and the log goes on in another file.
    #[error("the file ends inside a frame, and the log goes on in another file")]
    Unfinished,
    /// A segment file is not there.
    #[error("the file is missing, and later ones are there")]
    Missing,
    /// A stored hash is not that of the entries.
    #[error("the stored hash is not that of the entries")]
    Hash,
    /// Hashes that had been made safe are not there.
    #[error("the file is shorter than it was when the head of {head} entries was signed")]
    HashesShort {
        /// The head's size.
        head: u64,
    },
    /// Entries that had been made safe are not there.
    #[error("the log ends here with {has} entries, but `{witness}` knows of more")]
    Shortened {
        /// Entries that are there.
        has: u64,
        /// The file that knows of more.
        witness: String,
    },
    /// A head cannot be read or its signature does not verify.
    #[error("the head is not good: {0}")]
    Head(HeadError),
    /// The entries do not have the root that a head states.
    #[error("the entries are not those under the head of {size} entries")]
    HeadRoot {
        /// The head's size.
        size: u64,
    },
    /// A head that should be countersigned is not, or by a key that is not known.
    #[error("a countersignature is missing or by a key that is not configured")]
    Countersignature,
    /// The countersigned head should be no newer than the log's own.
    #[error("the log's own head is older than the countersigned one")]
    HeadOlder,
}

/// Why a log could not be looked through.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Something is wrong with it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A file could not be read.
    #[error("`{file}` cannot be read")]
    Io {
        /// Which file.
        file: String,
        /// Why not.
        source: io::Error,
    },
}

/// A head, and where it was found.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pub(super) file: &'static str,
    pub(super) head: SignedHead,
}

/// A log that holds, except for what a crash may have left.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// The tree over all entries.
    pub(super) tree: Tree,
    /// Where they are found.
    pub(super) index: Index,
    /// The number of the last segment; none in a new log.
    pub(super) segment: Option<u32>,
    /// The end of the last whole frame in it, in bytes.
    pub(super) end: u64,
    /// Where the last frame of the last segment begins.
    pub(super) last_frame: Option<u64>,
    /// Bytes of an unfinished frame after it.
    pub(super) torn_bytes: u64,
    /// How many frames there are.
    pub(super) frames: u64,
    /// The first stored hash that is missing or wrong; none if all are there.
    pub(super) bad_hash: Option<BadHash>,
}

/// A stored hash that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadHash {
    /// Its place in the file, in hashes.
    pub(super) index: u64,
    /// The entry with which it was stored.
    pub(super) entry: u64,
    /// Whether something else stands in its place, rather than nothing or zeros.
    pub(super) wrong: bool,
}

/// The name of the segment file with this number.
pub(super) fn segment_name(number: u32) -> String {
    format!("{number:08}.seg")
}

/// The segments' numbers in order. A gap is a fault.
pub(super) fn segments(disk: &impl Disk) -> Result<Vec<u32>, AuditError> {
    let names = disk.names().map_err(io_error("folder"))?;
    let mut numbers: Vec<u32> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".seg")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    for (expected, number) in (0..).zip(&numbers) {
        if *number != expected {
            return Err(fault(&segment_name(expected), 0, None, Check::Missing));
        }
    }
    Ok(numbers)
}

/// Whether nothing has ever been logged here, so that keys may be made for it.
pub fn is_new(disk: &impl Disk) -> Result<bool, AuditError> {
    for number in segments(disk)? {
        let name = segment_name(number);
        if disk.len(&name).map_err(io_error(&name))? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The file's content; none where there is no such file.
pub(super) fn read_if_there(disk: &impl Disk, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
    match disk.read(name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(name)(error)),
    }
}

/// The head stored in `file`, with the log's signature checked.
pub(super) fn stored_head(
    disk: &impl Disk,
    file: &'static str,
    log: &HeadKey,
) -> Result<Option<Witness>, AuditError> {
    let Some(note) = read_if_there(disk, file)? else {
        return Ok(None);
    };
    match SignedHead::read(&note, log) {
        Ok(head) => Ok(Some(Witness { file, head })),
        Err(error) => Err(fault(file, 0, None, Check::Head(error))),
    }
}

/// Sees each entry with its number, in their order.
pub(super) type Each<'a> = &'a mut dyn FnMut(u64, &Entry);

/// Recomputes the log and holds `witnesses` and the hashes against it; `each` sees every entry.
///
/// The witnesses must have been read before: a log that is being written only grows.
pub(super) fn audit(
    disk: &impl Disk,
    witnesses: &[Witness],
    each: Each<'_>,
) -> Result<Audit, AuditError> {
    let hashes_len = match disk.len(HASHES) {
        Ok(len) => len,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(io_error(HASHES)(error)),
    };
    let numbers = segments(disk)?;
    let mut audit = Audit::default();
    for number in &numbers {
        let is_last = numbers.last() == Some(number);
        audit.segment(disk, *number, is_last, hashes_len, witnesses, each)?;
    }
    audit.hold_against(hashes_len, witnesses)?;
    Ok(audit)
}

impl Audit {
    /// Takes the frames of one segment in.
    fn segment(
        &mut self,
        disk: &impl Disk,
        number: u32,
        is_last: bool,
        hashes_len: u64,
        witnesses: &[Witness],
        each: Each<'_>,
    ) -> Result<(), AuditError> {
        let name = segment_name(number);
        let bytes = disk.read(&name).map_err(io_error(&name))?;
        let mut at = 0;
        self.segment = Some(number);
        self.last_frame = None;
        loop {
            let size = self.tree.size();
            let broken = |entry, check| Err(fault(&name, at as u64, entry, check));
            match frame::read(&bytes, at) {
                Read::Frame(frame) if frame.size_before != size => {
                    let stated = frame.size_before;
                    return broken(
                        Some(size),
                        Check::Size {
                            stated,
                            before: size,
                        },
                    );
                }
                Read::Frame(frame) => {
                    let taken = self.frame(disk, &frame, hashes_len, witnesses, each);
                    if let Err((entry, check)) = taken {
                        return broken(blame(disk, size, frame.entries).or(entry), check);
                    }
                    self.index.places.frame(Mark {
                        entry: size,
                        segment: number,
                        offset: at as u64,
                    });
                    self.last_frame = Some(at as u64);
                    self.frames += 1;
                    at += frame.len;
                }
                Read::End => break,
                Read::Torn if is_last => {
                    self.torn_bytes = (bytes.len() - at) as u64;
                    break;
                }
                Read::Torn => return broken(Some(size), Check::Unfinished),
                Read::BrokenHeader => return broken(Some(size), Check::Header),
                Read::BrokenFrame(entries) => {
                    let entry = blame(disk, size, entries).unwrap_or(size);
                    return broken(Some(entry), Check::Checksum);
                }
            }
        }
        self.end = at as u64;
        Ok(())
    }

    /// Takes the entries of one frame in.
    fn frame(
        &mut self,
        disk: &impl Disk,
        frame: &frame::Frame<'_>,
        hashes_len: u64,
        witnesses: &[Witness],
        each: Each<'_>,
    ) -> Result<(), (Option<u64>, Check)> {
        let first = self.tree.size();
        let mut other_than_head = None;
        let mut broken_chain = None;
        let mut hashes = Vec::with_capacity(frame.entries.len() * 2 * HASH_BYTES);
        for entry in frame.entries {
            let number = self.tree.size();
            let read =
                Entry::from_bytes(entry).map_err(|error| (Some(number), Check::Entry(error)))?;
            each(number, &read);
            if self.index.chains.take(number, &read).is_err() {
                broken_chain.get_or_insert(number);
            }
            if is_answered_query(&read) {
                self.index.queries.push(number);
            }
            self.tree
                .push(leaf_hash(entry), |hash| hashes.extend_from_slice(&hash.0));
            for Witness { head, .. } in witnesses {
                if head.size() == self.tree.size() && head.root() != self.tree.root() {
                    other_than_head = Some(head.size());
                }
            }
        }
        if self.tree.root() != frame.root {
            return Err((Some(first), Check::Root));
        }
        if self.bad_hash.is_none() {
            self.bad_hash = bad_hash(disk, first, &hashes, hashes_len);
        }
        if let Some(size) = other_than_head {
            let wrong = self.bad_hash.filter(|bad| bad.wrong);
            return Err((wrong.map(|bad| bad.entry), Check::HeadRoot { size }));
        }
        // Last: where the bytes were changed, that is what is wrong.
        match broken_chain {
            Some(number) => Err((Some(number), Check::Chain)),
            None => Ok(()),
        }
    }

    /// Nothing that is written after a sync may know of more than there is.
    fn hold_against(&self, hashes_len: u64, witnesses: &[Witness]) -> Result<(), AuditError> {
        let has = self.tree.size();
        let mut witness = witnesses
            .iter()
            .find(|witness| witness.head.size() > has)
            .map(|witness| witness.file);
        if hashes_len > stored_hash_count(has) * HASH_BYTES as u64 {
            witness = witness.or(Some(HASHES));
        }
        if let Some(witness) = witness {
            let file = segment_name(self.segment.unwrap_or_default());
            let witness = witness.to_owned();
            return Err(fault(
                &file,
                self.end,
                Some(has),
                Check::Shortened { has, witness },
            ));
        }
        Ok(())
    }
}

/// The first of `hashes`, which are stored from entry `first` on, that the file does not hold.
fn bad_hash(disk: &impl Disk, first: u64, hashes: &[u8], hashes_len: u64) -> Option<BadHash> {
    let begin = stored_hash_index(0, first);
    let there = hashes_len.saturating_sub(begin * HASH_BYTES as u64);
    let mut stored = vec![
        0;
        hashes
            .len()
            .min(usize::try_from(there).unwrap_or(usize::MAX))
    ];
    // What cannot be read is as good as missing.
    if disk
        .read_at(HASHES, begin * HASH_BYTES as u64, &mut stored)
        .is_err()
    {
        stored.clear();
    }
    let (stored, _) = stored.as_chunks::<HASH_BYTES>();
    let (hashes, _) = hashes.as_chunks::<HASH_BYTES>();
    let differs = |n: &usize| stored.get(*n) != hashes.get(*n);
    let bad = (0..hashes.len()).find(differs)?;
    let index = begin + bad as u64;
    let (level, n) = tlog_tiles::split_stored_hash_index(index);
    Some(BadHash {
        index,
        entry: ((n + 1) << level) - 1,
        wrong: stored.get(bad).is_some_and(|hash| *hash != [0; HASH_BYTES]),
    })
}

/// The first of `entries`, which stand from `first` on, whose hash is not the stored one.
fn blame(disk: &impl Disk, first: u64, entries: &[[u8; ENTRY_BYTES]]) -> Option<u64> {
    let stored = |number: u64| -> Option<LogHash> {
        let mut hash = [0; HASH_BYTES];
        let offset = stored_hash_index(0, number) * HASH_BYTES as u64;
        disk.read_at(HASHES, offset, &mut hash).ok()?;
        Some(hash)
    };
    (first..)
        .zip(entries)
        .find(|(number, entry)| stored(*number).is_some_and(|hash| hash != leaf_hash(entry).0))
        .map(|(number, _)| number)
}

/// A fault as an error.
pub(super) fn fault(file: &str, offset: u64, entry: Option<u64>, check: Check) -> AuditError {
    AuditError::Fault(Fault {
        file: file.to_owned(),
        offset,
        entry,
        check,
    })
}

/// Says which file an I/O error is about.
pub(super) fn io_error(file: &str) -> impl Fn(io::Error) -> AuditError + '_ {
    move |source| AuditError::Io {
        file: file.to_owned(),
        source,
    }
}
