//! Reading dates and times as sources write them.
//!
//! `2019-03-01`, `2019-03-01T14:00:00` (or with a space) and `2019-03-01T13:00:00Z` (or with an
//! offset) are understood. What has no zone is Norwegian time.

use innsyn_policy::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The length of `YYYY-MM-DD`.
const DATE_LENGTH: usize = 10;

/// The day in Norway that `text` speaks of; `None` if it is no date or time.
pub(crate) fn day(text: &str) -> Option<Date> {
    if text.len() == DATE_LENGTH {
        return text.parse().ok();
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(instant) => Timestamp::from_micros(instant.as_microsecond()).date_in_norway(),
        Err(_) => text.parse::<DateTime>().ok().map(DateTime::date),
    }
}

/// The moment that `text` speaks of; a date alone is its midnight in Norway.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if text.len() == DATE_LENGTH {
        return Timestamp::start_of_day_in_norway(text.parse().ok()?);
    }
    let local = || {
        let norway = TimeZone::get("Europe/Oslo").ok()?;
        let local = text.parse::<DateTime>().ok()?.to_zoned(norway).ok()?;
        Some(local.timestamp())
    };
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(local)?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}
