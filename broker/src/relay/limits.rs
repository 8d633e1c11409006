//! A bound on how fast connections come.

use std::time::Duration;

use tokio::time::Instant;

/// How much of an average may come at once.
const BURST: Duration = Duration::from_secs(1);

/// Lets so many pass per second, and a second's worth at once. Told the time.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// When everything let pass so far would have passed at an even pace.
    paid_until: Instant,
}

impl Pace {
    pub(super) fn new(per_second_max: u32, now: Instant) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second_max.max(1),
            paid_until: now,
        }
    }

    /// Lets one pass, after the time returned.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        self.paid_until = self.paid_until.max(now) + self.interval;
        self.paid_until.saturating_duration_since(now + BURST)
    }
}
