//! How long what people have said may be relied on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use innsyn_policy::Timestamp;

/// When the source was last seen to say still the same, shared by all who rely on one load of it.
#[derive(Debug, Clone)]
pub(crate) struct Freshness {
    /// In microseconds.
    seen_at: Arc<AtomicI64>,
    settings_max_age: Duration,
}

impl Freshness {
    pub(super) fn new(seen_at: Timestamp, settings_max_age: Duration) -> Self {
        Self {
            seen_at: Arc::new(AtomicI64::new(seen_at.as_micros())),
            settings_max_age,
        }
    }

    /// At `now` the source says still the same.
    pub(super) fn seen(&self, now: Timestamp) {
        self.seen_at.store(now.as_micros(), Ordering::Relaxed);
    }

    pub(crate) fn seen_at(&self) -> Timestamp {
        Timestamp::from_micros(self.seen_at.load(Ordering::Relaxed))
    }

    /// Whether what was read may be relied on at `now`.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now <= self.seen_at().plus(self.settings_max_age)
    }
}
