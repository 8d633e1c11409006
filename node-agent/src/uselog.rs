//! The register's log of use: what is answered is logged first.
//!
//! Every use of people's data, refused ones too, becomes one [`Entry`] of 128 bytes in a
//! segment file and one leaf of an RFC 6962 tree. [`UseLog::append`] resolves when its entries
//! are safe on the disk, and whoever answers waits for that. Heads of the tree are signed, so
//! that a gateway can countersign them and nobody can change or drop an entry under a
//! countersigned head unnoticed.
//!
//! ```text
//!   append ──queue──▶ one thread ──one write, one fdatasync──▶ 00000000.seg   the log
//!                         │                                    hashes         of all its nodes
//!                         └──at most 1 s or 4,096 entries on──▶ head          signed
//!                            gateway's signature ─────────────▶ countersigned
//! ```
//!
//! What holds:
//!
//! - **Nothing is acknowledged before it is safe**, and what was appended is written even if
//!   nobody waits any more.
//! - **A log that cannot be written says so** at once to every append and in
//!   [`UseLog::status`]; see `writer` for which failures pass.
//! - **Opening repairs only what a crash can have left**; see `frame` for how that is told from
//!   damage. [`verify()`] repairs nothing.
//! - **No person in clear**, see [`Entry`].
//! - **Each person's entries are a chain** that they can check to be whole, see `chains`; it is
//!   also how they are found.
//!
//! The register itself could keep two logs and show one; that is found only by witnesses, which
//! do not stand yet.

mod audit;
mod chains;
pub mod counted;
mod disk;
mod entry;
mod frame;
mod gather;
mod hash;
mod index;
mod keys;
mod metrics;
mod places;
mod reader;
mod sim_disk;
mod tree;
mod verify;
mod worker;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use innsyn_policy::{Timestamp, UseRecord};
use innsyn_proto::case_receipt::CaseReceipt;
use innsyn_proto::head::{HeadError, HeadKey, HeadSigner, LogHash, SignedHead, WitnessKey};
use innsyn_proto::receipt::{Receipt, RefusalReceipt};
use innsyn_proto::uselog::receipt::ReadingReceipt;
use innsyn_proto::witnessing::{AddCheckpoint, Refused, look_at};
use rand::rngs::StdRng;
use tokio::sync::{Semaphore, oneshot, watch};

pub use audit::{AuditError, Check, Fault, is_new};
pub use disk::{Disk, FsDisk, ReadDisk};
pub use entry::{ChainPlace, ENTRY_BYTES, Entry, EntrySubject, ReadEntryError, Tag, Tagger};
pub use frame::FRAME_ENTRIES_MAX;
pub use innsyn_proto::head::origin;
pub use keys::{KeyError, KeyFiles, LogKeys};
pub use metrics::UseLogMetrics;
pub use reader::{LogReader, PlacedEntry, ReadLogError};
pub use sim_disk::{NoSync, SimDisk};
pub use verify::{Report, verify, verify_each};
pub use worker::{HEAD_ENTRIES_MAX, HEAD_WITHIN};

use gather::Gather;
use metrics::Counters;
use worker::{Append, Job, Worker};
use writer::Writer;

use crate::subjects::MarkKey;

/// How a log is written.
#[derive(Debug, Clone)]
pub struct UseLogConfig {
    /// A segment is left for the next when it has this many bytes.
    pub segment_bytes_max: u64,
    /// The longest that a commit waits for company; zero means never.
    pub linger_max: Duration,
    /// How many entries may wait for a commit; at least one frame's.
    pub queue_entries_max: usize,
    /// The witnesses whose countersignatures are kept.
    pub countersigners: Vec<WitnessKey>,
}

impl Default for UseLogConfig {
    fn default() -> Self {
        Self {
            segment_bytes_max: 64 << 20,
            linger_max: Duration::from_millis(2),
            queue_entries_max: 4 * FRAME_ENTRIES_MAX,
            countersigners: Vec::new(),
        }
    }
}

/// Whether the log can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStatus {
    /// It can.
    Ready,
    /// It cannot, and the agent answers nothing.
    Unavailable(LogUnavailableError),
}

/// Why the log cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogUnavailableError {
    /// It goes on by itself when there is room again.
    #[error("the disk of the log of use is full")]
    DiskFull,
    /// The agent must be started again, on a disk that works.
    #[error("the log of use cannot be written: could not {operation} `{file}`: {kind}")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// With which file of the log's folder.
        file: String,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The disk does not keep up.
    #[error("the log of use is busy: more than {queue_entries_max} entries would wait")]
    Busy {
        /// The queue's bound.
        queue_entries_max: usize,
    },
    /// The agent is shutting down.
    #[error("the log of use is closed")]
    Closed,
}

/// Why there is no consistency proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// There are no such heads.
    #[error("no proof leads from {from} to {to} entries in a log of {size}")]
    OutOfRange {
        /// The earlier size.
        from: u64,
        /// The later size.
        to: u64,
        /// The log's size.
        size: u64,
    },
    /// The file of hashes cannot be read.
    #[error("the stored hashes cannot be read")]
    HashesUnreadable,
    /// The log cannot be used.
    #[error(transparent)]
    Unavailable(#[from] LogUnavailableError),
}

/// Why a countersigned head is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountersignError {
    /// The note is not good.
    #[error("the countersigned head is not good: {0}")]
    Head(#[from] HeadError),
    /// No configured gateway has signed it.
    #[error("the head has no countersignature by a configured gateway")]
    NotCountersigned,
    /// This log never had that head.
    #[error("this log never had that head of {size} entries")]
    NotOurs {
        /// The head's size.
        size: u64,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Unavailable(#[from] LogUnavailableError),
}

/// Why a log is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// It does not hold, or cannot be read. Look at it with `uselog verify`.
    #[error("the log of use cannot be opened")]
    Audit(#[from] AuditError),
    /// The system gives no thread.
    #[error("no thread for the log of use")]
    Thread(#[source] io::Error),
}

/// A log of use that is open for writing. Dropping it signs a last head in the background;
/// [`UseLog::close`] waits for that.
#[derive(Debug)]
pub struct UseLog {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    queue_entries_max: usize,
    status: watch::Receiver<LogStatus>,
    heads: watch::Receiver<Option<SignedHead>>,
    countersigned: watch::Receiver<Option<SignedHead>>,
    counters: Arc<Counters>,
    reader: LogReader,
    signer: HeadSigner,
    tagger: Tagger,
}

impl UseLog {
    /// Opens the log on `disk`, checks all of it and starts its thread. Reads the whole log, so
    /// call it where blocking is allowed.
    ///
    /// `salts` must be seeded from the system's randomness, except in tests.
    pub fn open(
        config: UseLogConfig,
        keys: LogKeys,
        disk: impl Disk,
        salts: StdRng,
    ) -> Result<Self, OpenLogError> {
        let queue_entries_max = config.queue_entries_max.max(FRAME_ENTRIES_MAX);
        let gather = Gather::new(config.linger_max);
        let signer = keys.signer.clone();
        let tagger = keys.tagger().clone();
        let writer = Writer::open(disk, config, keys, salts)?;
        let reader = writer.reader();
        let (jobs, receiver) = mpsc::channel();
        let (status_tx, status) = watch::channel(LogStatus::Ready);
        let (heads_tx, heads) = watch::channel(writer.heads().0.cloned());
        let (countersigned_tx, countersigned) = watch::channel(writer.heads().1.cloned());
        let counters = Arc::new(Counters::default());
        tracing::info!(uselog.entries = writer.size(), "log of use open");
        let worker = Worker {
            unsigned_since: (writer.unsigned() > 0).then(tokio::time::Instant::now),
            writer,
            jobs: receiver,
            backlog: VecDeque::new(),
            gather,
            counters: Arc::clone(&counters),
            status: status_tx,
            heads: heads_tx,
            countersigned: countersigned_tx,
        };
        std::thread::Builder::new()
            .name("uselog".to_owned())
            .spawn(move || worker.run())
            .map_err(OpenLogError::Thread)?;
        Ok(Self {
            jobs,
            room: Arc::new(Semaphore::new(queue_entries_max)),
            queue_entries_max,
            status,
            heads,
            countersigned,
            counters,
            reader,
            signer,
            tagger,
        })
    }

    /// The key by which research tells people again: it lives as long as the log's own.
    pub fn mark_key(&self) -> MarkKey {
        self.tagger.mark_key()
    }

    /// Reads the log beside its thread.
    pub fn reader(&self) -> LogReader {
        self.reader.clone()
    }

    /// Makes the tags by which people are found in this log.
    pub const fn tagger(&self) -> &Tagger {
        &self.tagger
    }

    /// Signs the head of the log as it is now, unless that is signed, and returns it; none of a log
    /// without entries.
    pub async fn sign_head(&self) -> Result<Option<SignedHead>, LogUnavailableError> {
        self.ask(|reply| Job::SignHead { reply }).await?
    }

    /// The key that verifies this log's heads, in the note format.
    pub fn public_key(&self) -> &str {
        self.signer.public_text()
    }

    /// `receipt`, signed with the key that signs this log's heads.
    pub fn sign(&self, receipt: &Receipt) -> Result<String, HeadError> {
        receipt.sign(&self.signer)
    }

    /// What became of a query that was refused, signed likewise.
    pub fn sign_refusal(&self, receipt: &RefusalReceipt) -> Result<String, HeadError> {
        receipt.sign(&self.signer)
    }

    /// What was shown of this log, signed with the key that signs its heads.
    pub fn sign_reading(&self, receipt: &ReadingReceipt) -> Result<String, HeadError> {
        receipt.sign(&self.signer)
    }

    /// A case's receipt, signed likewise.
    pub fn sign_case(&self, receipt: &CaseReceipt) -> Result<String, HeadError> {
        receipt.sign(&self.signer)
    }

    /// Looks, as a witness, at a head of another register's log; see
    /// [`look_at`](innsyn_proto::witnessing::look_at).
    pub fn countersign_other(
        &self,
        asked: &AddCheckpoint,
        log: &HeadKey,
        seen: Option<&SignedHead>,
        at: Timestamp,
    ) -> Result<SignedHead, Refused> {
        look_at(asked, log, seen, &self.signer, at)
    }

    /// The key by which this log's holder is known as a witness.
    pub fn witness_key(&self) -> Result<WitnessKey, HeadError> {
        self.signer.witness()
    }

    /// Writes `records` and resolves when they are safe, with their entries' hashes in order.
    ///
    /// Dropping the future does not take the records back. More than [`FRAME_ENTRIES_MAX`]
    /// records are written in several commits; then an error may leave the first of them in the
    /// log.
    pub async fn append(
        &self,
        mut records: Vec<UseRecord>,
    ) -> Result<Vec<LogHash>, LogUnavailableError> {
        let mut hashes = Vec::new();
        while records.len() > FRAME_ENTRIES_MAX {
            let rest = records.split_off(FRAME_ENTRIES_MAX);
            hashes.extend(self.append_frame(records).await?);
            records = rest;
        }
        if !records.is_empty() {
            hashes.extend(self.append_frame(records).await?);
        }
        Ok(hashes)
    }

    async fn append_frame(
        &self,
        records: Vec<UseRecord>,
    ) -> Result<Vec<LogHash>, LogUnavailableError> {
        let entries = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(entries)
            .map_err(|_| LogUnavailableError::Busy {
                queue_entries_max: self.queue_entries_max,
            })?;
        self.ask(|reply| {
            Job::Append(Append {
                records,
                room,
                reply,
            })
        })
        .await?
    }

    /// The last signed head, and every later one.
    pub fn heads(&self) -> watch::Receiver<Option<SignedHead>> {
        self.heads.clone()
    }

    /// The last countersigned head, and every later one.
    pub fn countersigned(&self) -> watch::Receiver<Option<SignedHead>> {
        self.countersigned.clone()
    }

    /// Whether the log can be written, and every change of that.
    pub fn status(&self) -> watch::Receiver<LogStatus> {
        self.status.clone()
    }

    /// What the log has counted.
    pub fn metrics(&self) -> UseLogMetrics {
        let free = self.room.available_permits();
        self.counters
            .snapshot(self.queue_entries_max.saturating_sub(free))
    }

    /// The proof that the log of `to` entries continues that of `from`; empty where none is
    /// needed.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Vec<LogHash>, ProveError> {
        self.ask(|reply| Job::Consistency { from, to, reply })
            .await?
    }

    /// Checks that `note` is a head of this log countersigned by a configured gateway, and keeps
    /// it.
    pub async fn add_countersigned(&self, note: Vec<u8>) -> Result<(), CountersignError> {
        self.ask(|reply| Job::AddCountersigned { note, reply })
            .await?
    }

    /// Writes what waits, signs the last head and lets the files go. Whatever comes later fails.
    pub async fn close(&self) {
        // Already closed is closed.
        let _ = self.ask(|reply| Job::Close { reply }).await;
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job,
    ) -> Result<T, LogUnavailableError> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(job(reply))
            .map_err(|_| LogUnavailableError::Closed)?;
        answer.await.map_err(|_| LogUnavailableError::Closed)
    }
}
