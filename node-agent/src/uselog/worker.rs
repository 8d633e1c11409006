//! The thread that owns the log: gathers appends, commits them, signs heads in time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use innsyn_policy::UseRecord;
use innsyn_proto::head::{LogHash, SignedHead};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::disk::Disk;
use super::frame::FRAME_ENTRIES_MAX;
use super::gather::Gather;
use super::metrics::Counters;
use super::writer::Writer;
use super::{CountersignError, LogStatus, LogUnavailableError, ProveError};

/// A head is signed at most this long after the first commit that is not under one.
pub const HEAD_WITHIN: Duration = Duration::from_secs(1);
/// A head is signed when this many entries are not under one.
pub const HEAD_ENTRIES_MAX: u64 = 4096;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Append(Append),
    Consistency {
        from: u64,
        to: u64,
        reply: oneshot::Sender<Result<Vec<LogHash>, ProveError>>,
    },
    AddCountersigned {
        note: Vec<u8>,
        reply: oneshot::Sender<Result<(), CountersignError>>,
    },
    SignHead {
        reply: oneshot::Sender<Result<Option<SignedHead>, LogUnavailableError>>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// Records that want to be safe, with their room in the queue.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) records: Vec<UseRecord>,
    pub(super) room: OwnedSemaphorePermit,
    pub(super) reply: oneshot::Sender<Result<Vec<LogHash>, LogUnavailableError>>,
}

/// The thread's own state.
#[derive(Debug)]
pub(super) struct Worker<D> {
    pub(super) writer: Writer<D>,
    pub(super) jobs: Receiver<Job>,
    /// Jobs that were received while a commit was gathered; bounded as the queue is.
    pub(super) backlog: VecDeque<Job>,
    pub(super) gather: Gather,
    pub(super) counters: Arc<Counters>,
    pub(super) status: watch::Sender<LogStatus>,
    pub(super) heads: watch::Sender<Option<SignedHead>>,
    pub(super) countersigned: watch::Sender<Option<SignedHead>>,
    /// When the first entry that is not under a signed head became safe.
    pub(super) unsigned_since: Option<Instant>,
}

impl<D: Disk> Worker<D> {
    /// Works until everybody has gone or the log is closed.
    pub(super) fn run(mut self) {
        let mut closing = None;
        loop {
            match self.next_job() {
                Ok(Job::Append(first)) => self.append(first),
                Ok(Job::Consistency { from, to, reply }) => {
                    // Who asked may have gone; then nobody needs the answer.
                    let _ = reply.send(self.writer.consistency(from, to));
                }
                Ok(Job::AddCountersigned { note, reply }) => {
                    let added = self.writer.add_countersigned(&note);
                    self.countersigned
                        .send_replace(self.writer.heads().1.cloned());
                    let _ = reply.send(added);
                }
                Ok(Job::SignHead { reply }) => {
                    self.sign_head();
                    let signed = self.writer.state().clone();
                    let _ = reply.send(signed.map(|()| self.writer.heads().0.cloned()));
                }
                Ok(Job::Close { reply }) => {
                    closing = Some(reply);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.is_head_due() {
                self.sign_head();
            }
        }
        self.sign_head();
        self.status
            .send_replace(LogStatus::Unavailable(LogUnavailableError::Closed));
        tracing::info!(uselog.entries = self.writer.size(), "log of use closed");
        // The files are let go before anybody is told.
        drop(self.writer);
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    /// The next job, or a timeout when a head is due.
    fn next_job(&mut self) -> Result<Job, RecvTimeoutError> {
        if let Some(job) = self.backlog.pop_front() {
            return Ok(job);
        }
        match self.unsigned_since {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => self
                .jobs
                .recv_timeout(HEAD_WITHIN.saturating_sub(since.elapsed())),
        }
    }

    /// Commits `first` and what comes with it.
    fn append(&mut self, first: Append) {
        let batch = self.gather(first);
        let entries: usize = batch.iter().map(|append| append.records.len()).sum();
        let begin = Instant::now();
        let committed = self
            .writer
            .commit(batch.iter().flat_map(|append| &append.records));
        let took = begin.elapsed();
        self.receive_waiting();
        let waiting = self
            .backlog
            .iter()
            .filter(|job| matches!(job, Job::Append(_)));
        self.gather.committed(batch.len(), waiting.count(), took);
        self.publish_status();
        match committed {
            Ok(hashes) => {
                self.counters
                    .committed(entries, self.writer.frame_len(), took);
                self.unsigned_since.get_or_insert(begin);
                let mut hashes = hashes.into_iter();
                for Append {
                    records,
                    room,
                    reply,
                } in batch
                {
                    drop(room);
                    // Who asked may have gone; the entries are there all the same.
                    let _ = reply.send(Ok(hashes.by_ref().take(records.len()).collect()));
                }
            }
            Err(error) => {
                for Append { room, reply, .. } in batch {
                    drop(room);
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// `first` and the appends that fit beside it and are there, or worth waiting for.
    fn gather(&mut self, first: Append) -> Vec<Append> {
        let begin = Instant::now();
        let mut entries = first.records.len();
        let mut batch = vec![first];
        loop {
            let left = self
                .gather
                .linger(batch.len())
                .saturating_sub(begin.elapsed());
            let job = match self.backlog.pop_front() {
                Some(job) => Ok(job),
                None if left.is_zero() => self.jobs.try_recv().map_err(|_| ()),
                None => self.jobs.recv_timeout(left).map_err(|_| ()),
            };
            match job {
                Ok(Job::Append(append)) if entries + append.records.len() <= FRAME_ENTRIES_MAX => {
                    entries += append.records.len();
                    batch.push(append);
                }
                Ok(other) => {
                    self.backlog.push_front(other);
                    return batch;
                }
                Err(()) => return batch,
            }
        }
    }

    /// Takes in what has come, so that it can be counted.
    fn receive_waiting(&mut self) {
        self.backlog.extend(self.jobs.try_iter());
    }

    fn is_head_due(&self) -> bool {
        self.writer.unsigned() >= HEAD_ENTRIES_MAX
            || self
                .unsigned_since
                .is_some_and(|since| since.elapsed() >= HEAD_WITHIN)
    }

    fn sign_head(&mut self) {
        // After a failure that lasts, nothing comes that a head could be tried for again.
        self.unsigned_since = None;
        match self.writer.sign_head() {
            Ok(Some(head)) => {
                self.heads.send_replace(Some(head));
            }
            Err(LogUnavailableError::DiskFull) => self.unsigned_since = Some(Instant::now()),
            Ok(None) | Err(_) => {}
        }
        self.publish_status();
    }

    fn publish_status(&self) {
        let now = match self.writer.state() {
            Ok(()) => LogStatus::Ready,
            Err(error) => LogStatus::Unavailable(error.clone()),
        };
        self.status.send_if_modified(|status| {
            let changed = *status != now;
            if changed {
                match &now {
                    LogStatus::Ready => tracing::info!("log of use can be written again"),
                    LogStatus::Unavailable(error) => {
                        tracing::error!(%error, "log of use cannot be written");
                    }
                }
                *status = now;
            }
            changed
        });
    }
}
