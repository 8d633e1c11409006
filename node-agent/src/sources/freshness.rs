//! How long what people have said may be relied on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use innsyn_policy::{Settings, Timestamp};

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

    /// `settings`, as far as they may be relied on at `now`. Reading again does not mend a table
    /// that cannot be read, so that graver thing is said first.
    pub(crate) fn relied_on<'a>(&self, settings: Settings<'a>, now: Timestamp) -> Settings<'a> {
        let is_stale = now > self.seen_at().plus(self.settings_max_age);
        match settings {
            Settings::Known(_) if is_stale => Settings::Stale,
            other => other,
        }
    }
}
