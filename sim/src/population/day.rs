//! Days as numbers, because the generator does arithmetic on hundreds of millions of them.

use std::num::NonZeroU32;

use jiff::ToSpan as _;
use jiff::civil::Date;

/// Days since 1900-01-01, never before it. Stored plus one, so that `Option<Day>` is no larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NonZeroU32);

const DAY_ZERO: Date = jiff::civil::date(1900, 1, 1);
/// Days from then to 1970-01-01.
const EPOCH_DAYS: i32 = 25_567;

impl Day {
    /// The day `days` after 1900-01-01.
    pub const fn new(days: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(days))
    }

    /// The number of `date`; days before 1900 become 1900-01-01.
    pub fn of(date: Date) -> Self {
        let days = date.since(DAY_ZERO).map_or(0, |span| span.get_days());
        Self::new(u32::try_from(days).unwrap_or(0))
    }

    /// 1 January of `year`.
    pub fn first_of(year: i16) -> Self {
        Date::new(year, 1, 1).map_or(Self::new(0), Self::of)
    }

    /// The calendar date.
    pub fn date(self) -> Date {
        DAY_ZERO
            .checked_add(i64::from(self.number()).days())
            .unwrap_or(Date::MAX)
    }

    /// Days since 1900-01-01.
    pub const fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// Days since 1970-01-01, as Parquet counts them.
    pub const fn since_epoch(self) -> i32 {
        self.number().cast_signed() - EPOCH_DAYS
    }

    /// `days` later.
    #[must_use]
    pub const fn plus_days(self, days: u32) -> Self {
        Self::new(self.number().saturating_add(days))
    }

    /// `days` earlier, not before 1900.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self::new(self.number().saturating_sub(days))
    }

    /// About `years` later: a year of 365.25 days, which is near enough for a life story.
    #[must_use]
    pub const fn plus_years(self, years: u32) -> Self {
        self.plus_days(years * 1461 / 4)
    }
}
