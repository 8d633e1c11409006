//! What the log counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The counts at one moment, since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UseLogMetrics {
    /// Entries made safe.
    pub entries: u64,
    /// Commits, each with one sync.
    pub commits: u64,
    /// Bytes written to segments.
    pub bytes: u64,
    /// How long the last commit took.
    pub last_commit: Duration,
    /// Entries that wait for a commit or are in one.
    pub queued_entries: usize,
}

/// The counters behind [`UseLogMetrics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    entries: AtomicU64,
    commits: AtomicU64,
    bytes: AtomicU64,
    last_commit_micros: AtomicU64,
}

impl Counters {
    pub(super) fn committed(&self, entries: usize, bytes: usize, took: Duration) {
        self.entries.fetch_add(entries as u64, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_commit_micros.store(micros, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, queued_entries: usize) -> UseLogMetrics {
        UseLogMetrics {
            entries: self.entries.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            last_commit: Duration::from_micros(self.last_commit_micros.load(Ordering::Relaxed)),
            queued_entries,
        }
    }
}
