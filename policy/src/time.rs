//! Points in time, and who may say what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

#[cfg(test)]
mod tests;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `micros` microseconds after (before, if negative) 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time `seconds` seconds after 1970-01-01T00:00:00Z; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time plus `duration`; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// This time minus `duration`; saturates.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// Midnight at the beginning of `date` in Norway (Europe/Oslo).
    pub fn start_of_day_in_norway(date: Date) -> Option<Self> {
        let start = date.to_zoned(norway()?).ok()?.start_of_day().ok()?;
        Some(Self(start.timestamp().as_microsecond()))
    }

    /// The calendar day in Norway (Europe/Oslo) at this time.
    pub fn date_in_norway(self) -> Option<Date> {
        let at = jiff::Timestamp::from_microsecond(self.0).ok()?;
        Some(at.to_zoned(norway()?).date())
    }
}

/// The time zone that Norwegian law counts days in. The table is part of the program.
fn norway() -> Option<TimeZone> {
    TimeZone::get("Europe/Oslo").ok()
}

/// Says what time it is. Taken as a parameter everywhere, so that a test or the simulator owns
/// time; the real one lives with the programs, because this crate reads no clock.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward by `duration`; saturates.
    pub fn advance(&self, duration: Duration) {
        let later = |now| Some(Timestamp(now).plus(duration).0);
        // The closure always gives a time, so that there is no failure to look at.
        let _ = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
    }

    /// Sets the clock to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
