//! Writes the log: the one owner of its files. It knows no threads and no time.
//!
//! What holds:
//!
//! - **What [`Writer::commit`] returns is safe**: one write, one sync, and only then hashes,
//!   heads and the answer.
//! - **A failed sync is final.** After one, the page cache may show what the disk never got, and
//!   a second sync would say yes to it. The log stays unavailable until the agent is started
//!   again; then the last frame, the only one in doubt, is written and synced once more before
//!   anything comes after it.
//! - **A full disk is not final.** A write that did not fit is cut off again, that is synced, and
//!   the next commit tries anew; until one succeeds, the log is unavailable.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use innsyn_policy::UseRecord;
use innsyn_proto::head::{HeadKey, LogHash, SignedHead};
use rand::Rng as _;
use rand::rngs::StdRng;
use tlog_tiles::{stored_hash_count, stored_hash_index};

use super::audit::{
    self, Audit, AuditError, COUNTERSIGNED, HASH_BYTES, HASHES, HEAD, io_error, segment_name,
    stored_head,
};
use super::disk::{Disk, ReadDisk};
use super::frame::{self, Read};
use super::hash::leaf_hash;
use super::index::{Grown, Index, is_answered_query};
use super::keys::LogKeys;
use super::places::Mark;
use super::reader::{LogReader, StoredHashes};
use super::tree::Tree;
use super::{CountersignError, LogUnavailableError, ProveError, UseLogConfig};

/// The log and everything that is needed to write it.
#[derive(Debug)]
pub(super) struct Writer<D> {
    disk: D,
    config: UseLogConfig,
    keys: LogKeys,
    public: HeadKey,
    salts: StdRng,
    tree: Tree,
    /// Grown here alone; others read it.
    index: Arc<RwLock<Index>>,
    reader: Arc<dyn ReadDisk>,
    /// The segment that is written, its file and where the next frame goes.
    segment: u32,
    segment_file: String,
    end: u64,
    /// Hashes of safe entries that are not in the file yet, and where they go.
    hashes: Vec<u8>,
    hashes_end: u64,
    head: Option<SignedHead>,
    countersigned: Option<SignedHead>,
    /// Kept for its space.
    buffer: Vec<u8>,
    /// Whether and why the log cannot be written.
    state: Result<(), LogUnavailableError>,
}

impl<D: Disk> Writer<D> {
    /// Opens the log: checks all of it, and mends what a crash may have left and nothing else.
    pub(super) fn open(
        mut disk: D,
        config: UseLogConfig,
        keys: LogKeys,
        salts: StdRng,
    ) -> Result<Self, AuditError> {
        let public = keys
            .signer
            .public()
            .map_err(|error| audit::fault(HEAD, 0, None, audit::Check::Head(error)))?;
        let head = stored_head(&disk, HEAD, &public)?;
        let countersigned = stored_head(&disk, COUNTERSIGNED, &public)?;
        let witnesses: Vec<_> = head.iter().chain(&countersigned).cloned().collect();
        let audit = audit::audit(&disk, &witnesses, &mut |_, _| {})?;
        mend(&mut disk, &audit)?;
        let segment = audit.segment.unwrap_or_default();
        Ok(Self {
            segment,
            segment_file: segment_name(segment),
            end: audit.end,
            hashes: Vec::new(),
            hashes_end: stored_hash_count(audit.tree.size()) * HASH_BYTES as u64,
            head: head.map(|witness| witness.head),
            countersigned: countersigned.map(|witness| witness.head),
            buffer: Vec::new(),
            state: Ok(()),
            tree: audit.tree,
            index: Arc::new(RwLock::new(audit.index)),
            reader: disk.reader(),
            disk,
            config,
            keys,
            public,
            salts,
        })
    }

    /// Makes `records`, at most [`frame::FRAME_ENTRIES_MAX`] of them, safe as one frame, and
    /// returns their entries' hashes in order.
    pub(super) fn commit<'a>(
        &mut self,
        records: impl Iterator<Item = &'a UseRecord>,
    ) -> Result<Vec<LogHash>, LogUnavailableError> {
        if let Err(error @ LogUnavailableError::Failed { .. }) = &self.state {
            return Err(error.clone());
        }
        self.flush_hashes()?;
        self.roll()?;

        let mut tree = self.tree.clone();
        let mut leaves = Vec::with_capacity(records.size_hint().0);
        let mut grown = Grown::default();
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        frame::begin(&mut self.buffer);
        for record in records {
            let position = tree.size();
            let mut salt = [0; 16];
            self.salts.fill_bytes(&mut salt);
            let entry = self.keys.tagger.entry(record, salt, |tag| {
                index.chains.next(&mut grown.ends, tag, position)
            });
            if is_answered_query(&entry) {
                grown.queries.push(position);
            }
            let entry = entry.to_bytes();
            let leaf = leaf_hash(&entry);
            self.buffer.extend_from_slice(&entry);
            tree.push(leaf, |hash| self.hashes.extend_from_slice(&hash.0));
            leaves.push(leaf.0);
        }
        drop(index);
        let mark = Mark {
            entry: self.tree.size(),
            segment: self.segment,
            offset: self.end,
        };
        frame::finish(&mut self.buffer, self.tree.size(), &tree.root());
        if let Err(error) = self.write_frame() {
            self.hashes.clear();
            return Err(error);
        }
        self.index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .commit(grown, mark);
        self.tree = tree;
        self.end += self.buffer.len() as u64;
        self.state = Ok(());
        // The entries are safe whatever becomes of their hashes; the next commit tells.
        let _ = self.flush_hashes();
        Ok(leaves)
    }

    /// Signs the head of the log if it has grown since the last one.
    pub(super) fn sign_head(&mut self) -> Result<Option<SignedHead>, LogUnavailableError> {
        if self.unsigned() == 0 {
            return Ok(None);
        }
        if let Err(error @ LogUnavailableError::Failed { .. }) = &self.state {
            return Err(error.clone());
        }
        self.flush_hashes()?;
        self.disk
            .sync(HASHES)
            .map_err(|error| self.failed("sync", HASHES, &error))?;
        let head = SignedHead::sign(self.tree.size(), self.tree.root(), &self.keys.signer)
            .map_err(|error| self.failed("sign", HEAD, &io::Error::other(error)))?;
        self.replace(HEAD, head.note())?;
        self.head = Some(head.clone());
        Ok(Some(head))
    }

    /// Checks that `note` is a head of this log with a gateway's countersignature, and keeps it.
    pub(super) fn add_countersigned(&mut self, note: &[u8]) -> Result<(), CountersignError> {
        let read = SignedHead::read_countersigned(note, &self.public, &self.config.countersigners)?;
        let head = read.head;
        if read.by.is_empty() {
            return Err(CountersignError::NotCountersigned);
        }
        let size = head.size();
        let is_ours = self.head.as_ref().is_some_and(|own| size <= own.size())
            && self.root_at(size).is_ok_and(|root| root == head.root());
        if !is_ours {
            return Err(CountersignError::NotOurs { size });
        }
        if self
            .countersigned
            .as_ref()
            .is_some_and(|kept| kept.size() > size)
        {
            return Ok(());
        }
        self.replace(COUNTERSIGNED, head.note())?;
        self.countersigned = Some(head);
        Ok(())
    }

    /// The proof that the log of `to` entries continues that of `from`.
    pub(super) fn consistency(&mut self, from: u64, to: u64) -> Result<Vec<LogHash>, ProveError> {
        let size = self.tree.size();
        if from > to || to > size {
            return Err(ProveError::OutOfRange { from, to, size });
        }
        if from == 0 || from == to {
            return Ok(Vec::new());
        }
        self.flush_hashes()?;
        let proof = tlog_tiles::prove_tree(to, from, &StoredHashes(&*self.reader))
            .map_err(|_| ProveError::HashesUnreadable)?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    /// Reads the log beside this.
    pub(super) fn reader(&self) -> LogReader {
        LogReader::new(Arc::clone(&self.reader), Arc::clone(&self.index))
    }

    /// Whether and why the log cannot be written.
    pub(super) const fn state(&self) -> &Result<(), LogUnavailableError> {
        &self.state
    }

    /// How many entries there are.
    pub(super) const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// How many entries are not under a signed head.
    pub(super) fn unsigned(&self) -> u64 {
        self.tree.size() - self.head.as_ref().map_or(0, SignedHead::size)
    }

    /// The last signed and the last countersigned head.
    pub(super) const fn heads(&self) -> (Option<&SignedHead>, Option<&SignedHead>) {
        (self.head.as_ref(), self.countersigned.as_ref())
    }

    /// The length of the last frame in bytes.
    pub(super) const fn frame_len(&self) -> usize {
        self.buffer.len()
    }

    fn root_at(&mut self, size: u64) -> Result<LogHash, ProveError> {
        self.flush_hashes()?;
        tlog_tiles::tree_hash(size, &StoredHashes(&*self.reader))
            .map(|root| root.0)
            .map_err(|_| ProveError::HashesUnreadable)
    }

    /// Writes and syncs the frame in the buffer.
    fn write_frame(&mut self) -> Result<(), LogUnavailableError> {
        let written = self
            .disk
            .write_at(&self.segment_file, self.end, &self.buffer);
        if let Err(error) = written {
            // What was written of it has to be gone, safely, before anything else comes there.
            let cut = self
                .disk
                .truncate(&self.segment_file, self.end)
                .and_then(|()| self.disk.sync(&self.segment_file));
            let file = self.segment_file.clone();
            return Err(match cut {
                Ok(()) => self.failed("write", &file, &error),
                Err(error) => self.failed_for_good("cut", &file, &error),
            });
        }
        self.disk.sync(&self.segment_file).map_err(|error| {
            let file = self.segment_file.clone();
            self.failed_for_good("sync", &file, &error)
        })
    }

    /// Begins the next segment if this one is full.
    fn roll(&mut self) -> Result<(), LogUnavailableError> {
        if self.end < self.config.segment_bytes_max {
            return Ok(());
        }
        let next = self.segment.saturating_add(1);
        let file = segment_name(next);
        self.disk
            .create(&file)
            .and_then(|()| self.disk.sync_folder())
            .map_err(|error| self.failed("make", &file, &error))?;
        (self.segment, self.segment_file, self.end) = (next, file, 0);
        Ok(())
    }

    /// Writes the hashes that wait.
    fn flush_hashes(&mut self) -> Result<(), LogUnavailableError> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        self.disk
            .write_at(HASHES, self.hashes_end, &self.hashes)
            .map_err(|error| self.failed("write", HASHES, &error))?;
        self.hashes_end += self.hashes.len() as u64;
        self.hashes.clear();
        Ok(())
    }

    /// Puts a whole file in the place of another, safely.
    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), LogUnavailableError> {
        let unfinished = format!("{name}.unfinished");
        let disk = &mut self.disk;
        disk.create(&unfinished)
            .and_then(|()| disk.write_at(&unfinished, 0, content))
            .and_then(|()| disk.sync(&unfinished))
            .and_then(|()| disk.rename(&unfinished, name))
            .and_then(|()| disk.sync_folder())
            .map_err(|error| self.failed("replace", name, &error))
    }

    /// The log cannot be written; for good unless the disk is merely full.
    fn failed(
        &mut self,
        operation: &'static str,
        file: &str,
        error: &io::Error,
    ) -> LogUnavailableError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                self.state = Err(LogUnavailableError::DiskFull);
                LogUnavailableError::DiskFull
            }
            _ => self.failed_for_good(operation, file, error),
        }
    }

    fn failed_for_good(
        &mut self,
        operation: &'static str,
        file: &str,
        error: &io::Error,
    ) -> LogUnavailableError {
        let unavailable = LogUnavailableError::Failed {
            operation,
            file: file.to_owned(),
            kind: error.kind(),
        };
        self.state = Err(unavailable.clone());
        unavailable
    }
}

/// Cuts an unfinished frame, makes sure of the last whole one and completes the hashes.
fn mend(disk: &mut impl Disk, audit: &Audit) -> Result<(), AuditError> {
    let segment = segment_name(audit.segment.unwrap_or_default());
    if audit.segment.is_none() {
        disk.create(&segment)
            .and_then(|()| disk.sync_folder())
            .map_err(io_error(&segment))?;
    }
    if audit.torn_bytes > 0 {
        tracing::warn!(
            uselog.file = segment,
            uselog.offset = audit.end,
            uselog.bytes = audit.torn_bytes,
            "an unfinished commit was cut off"
        );
        disk.truncate(&segment, audit.end)
            .map_err(io_error(&segment))?;
    }
    if let Some(begin) = audit.last_frame {
        // Its sync may have failed, and then only the page cache has it.
        let len = usize::try_from(audit.end - begin).unwrap_or_default();
        let mut frame = vec![0; len];
        disk.read_at(&segment, begin, &mut frame)
            .and_then(|()| disk.write_at(&segment, begin, &frame))
            .map_err(io_error(&segment))?;
    }
    disk.sync(&segment).map_err(io_error(&segment))?;
    mend_hashes(disk, audit)
}

/// Writes the hashes from the first bad one on anew.
fn mend_hashes(disk: &mut impl Disk, audit: &Audit) -> Result<(), AuditError> {
    let is_there = disk.len(HASHES).is_ok();
    if !is_there {
        disk.create(HASHES)
            .and_then(|()| disk.sync_folder())
            .map_err(io_error(HASHES))?;
    }
    let Some(bad) = audit.bad_hash else {
        return Ok(());
    };
    tracing::warn!(
        uselog.entry = bad.entry,
        uselog.wrong = bad.wrong,
        "stored hashes are made anew from the segments"
    );
    let mut tree = Tree::default();
    for number in audit::segments(disk)? {
        let name = segment_name(number);
        let bytes = disk.read(&name).map_err(io_error(&name))?;
        let mut at = 0;
        while let Read::Frame(frame) = frame::read(&bytes, at) {
            let begin = stored_hash_index(0, tree.size());
            let mut hashes = Vec::new();
            for entry in frame.entries {
                tree.push(leaf_hash(entry), |hash| hashes.extend_from_slice(&hash.0));
            }
            if tree.size() > bad.entry {
                disk.write_at(HASHES, begin * HASH_BYTES as u64, &hashes)
                    .map_err(io_error(HASHES))?;
            }
            at += frame.len;
        }
    }
    disk.sync(HASHES).map_err(io_error(HASHES))
}
