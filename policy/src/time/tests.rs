//! Days in Norway, and clocks that are told.

use std::time::Duration;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::{Clock, ManualClock, Timestamp};

#[test]
fn a_day_in_norway_begins_at_22_or_23_utc() {
    for (day, utc) in [
        (date(2026, 1, 15), "2026-01-14T23:00:00Z"),
        (date(2026, 7, 15), "2026-07-14T22:00:00Z"),
        // The days on which the clocks change begin by the time that still holds.
        (date(2026, 3, 29), "2026-03-28T23:00:00Z"),
        (date(2026, 3, 30), "2026-03-29T22:00:00Z"),
        (date(2026, 10, 25), "2026-10-24T22:00:00Z"),
        (date(2026, 10, 26), "2026-10-25T23:00:00Z"),
        // Before 1980 Norway had no summer time for some years.
        (date(1975, 7, 15), "1975-07-14T23:00:00Z"),
    ] {
        assert_eq!(
            Timestamp::start_of_day_in_norway(day),
            Some(at(utc)),
            "{day}"
        );
        assert_eq!(at(utc).date_in_norway(), Some(day));
        let just_before = at(utc).minus(Duration::from_micros(1));
        assert_eq!(just_before.date_in_norway(), Some(day.yesterday().unwrap()));
    }
}

#[test]
fn times_outside_the_calendar_are_no_day() {
    assert_eq!(Timestamp::from_micros(i64::MAX).date_in_norway(), None);
    assert_eq!(Timestamp::from_micros(i64::MIN).date_in_norway(), None);
}

#[test]
fn arithmetic_on_times_saturates() {
    let (last, first) = (
        Timestamp::from_micros(i64::MAX),
        Timestamp::from_micros(i64::MIN),
    );
    assert_eq!(Timestamp::from_seconds(i64::MAX), last);
    assert_eq!(Timestamp::from_seconds(i64::MIN), first);
    assert_eq!(last.plus(Duration::from_micros(1)), last);
    assert_eq!(first.minus(Duration::MAX), first);
    assert_eq!(Timestamp::from_seconds(0).plus(Duration::MAX), last);
}

#[test]
fn seconds_are_rounded_down_before_1970_too() {
    assert_eq!(Timestamp::from_micros(1_999_999).as_seconds(), 1);
    assert_eq!(Timestamp::from_micros(-1).as_seconds(), -1);
}

#[test]
fn a_manual_clock_moves_only_when_told() {
    let clock = ManualClock::new(Timestamp::from_seconds(10));
    assert_eq!(clock.now(), Timestamp::from_seconds(10));
    clock.advance(Duration::from_secs(5));
    assert_eq!(clock.now(), Timestamp::from_seconds(15));
    clock.set(Timestamp::from_seconds(1));
    assert_eq!(clock.now(), Timestamp::from_seconds(1));
    clock.advance(Duration::MAX);
    assert_eq!(clock.now(), Timestamp::from_micros(i64::MAX));
}

proptest! {
    #[test]
    fn any_time_has_a_day_or_none(micros in any::<i64>()) {
        let _ = Timestamp::from_micros(micros).date_in_norway();
    }

    #[test]
    fn a_day_begins_on_itself(days in 0_i32..365 * 200) {
        let day: Date = date(1900, 1, 1) + jiff::Span::new().days(days);
        let start = Timestamp::start_of_day_in_norway(day).unwrap();
        prop_assert_eq!(start.date_in_norway(), Some(day));
    }
}

fn at(utc: &str) -> Timestamp {
    let at: jiff::Timestamp = utc.parse().unwrap();
    Timestamp::from_micros(at.as_microsecond())
}
