//! Days as Parquet has them, and months as the catalogue has them, both counted from 1 January
//! 1970 in the proleptic Gregorian calendar.

use std::ops::RangeInclusive;

/// No day; no real day is so long ago.
pub(super) const NO_DAY: i32 = i32::MIN;
/// No month.
pub(super) const NO_MONTH: i32 = i32::MIN;

/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH: i64 = 719_468;
/// Days in 400 years.
const ERA: i64 = 146_097;

/// The month that `day` is in; none of no day.
///
/// Howard Hinnant's `civil_from_days`, with years that begin in March.
pub(super) fn month_of(day: i32) -> i32 {
    if day == NO_DAY {
        return NO_MONTH;
    }
    let day = i64::from(day) + EPOCH;
    let (era, day) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let months = (era * 400 + year) * 12 + month_from_march + 2 - 1_970 * 12;
    // A day is an `i32`, so its month is one.
    i32::try_from(months).unwrap_or(NO_MONTH)
}

/// The first day of `month`.
fn first_day_of(month: i64) -> i64 {
    let from_march = month + 1_970 * 12 - 2;
    let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * ERA + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 - EPOCH
}

/// The days of the months `[from, until)`; an absent end is open. `NO_DAY` is never among them.
pub(super) fn days_of(from: Option<i32>, until: Option<i32>) -> RangeInclusive<i32> {
    let clamped = |day: i64| {
        let day = day.clamp(i64::from(NO_DAY) + 1, i64::from(i32::MAX));
        i32::try_from(day).unwrap_or(i32::MAX)
    };
    let first = from.map_or(NO_DAY + 1, |month| clamped(first_day_of(month.into())));
    let last = until.map_or(i32::MAX, |month| clamped(first_day_of(month.into()) - 1));
    first..=last
}

/// The first month of the period of `months` months that `month` is in; none of no month.
pub(super) fn period_of(month: i32, months: i32) -> i32 {
    if month == NO_MONTH {
        return NO_MONTH;
    }
    month - month.rem_euclid(months)
}
