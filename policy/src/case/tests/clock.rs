//! One calendar month, by dates in Norway.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::{Deadline, Standing};
use crate::time::Timestamp;

/// A moment by the clocks of Norway.
fn norway(text: &str) -> Timestamp {
    let civil: jiff::civil::DateTime = text.parse().unwrap();
    let at = civil
        .to_zoned(TimeZone::get("Europe/Oslo").unwrap())
        .unwrap();
    Timestamp::from_micros(at.timestamp().as_microsecond())
}

fn due(received: &str) -> String {
    let deadline = Deadline::from_receipt(norway(received)).unwrap();
    deadline.due().to_string()
}

#[test]
fn a_month_ends_on_the_same_day_of_the_next_or_on_its_last() {
    for (received, expected) in [
        ("2027-01-15T08:00", "2027-02-15"),
        ("2027-01-31T12:00", "2027-02-28"),
        ("2028-01-31T12:00", "2028-02-29"),
        ("2027-01-29T00:00", "2027-02-28"),
        ("2028-01-29T23:59", "2028-02-29"),
        ("2027-02-28T12:00", "2027-03-28"),
        ("2027-03-31T12:00", "2027-04-30"),
        ("2027-12-31T23:59", "2028-01-31"),
    ] {
        assert_eq!(due(received), expected, "{received}");
    }
}

#[test]
fn the_day_is_that_of_norway_not_of_greenwich() {
    // 23:30 in Greenwich on the 30th is half past midnight on the 31st in Norway.
    let at = |text: &str| {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    };
    let deadline = Deadline::from_receipt(at("2027-01-30T23:30:00Z")).unwrap();
    assert_eq!(deadline.due().to_string(), "2027-02-28");
    assert_eq!(
        deadline.standing(at("2027-02-28T22:59:59Z")),
        Standing::InTime
    );
    assert_eq!(
        deadline.standing(at("2027-02-28T23:00:00Z")),
        Standing::Overdue
    );
    // In summer the day ends an hour earlier by Greenwich.
    let deadline = Deadline::from_receipt(at("2027-06-15T10:00:00Z")).unwrap();
    assert_eq!(
        deadline.standing(at("2027-07-15T21:59:59Z")),
        Standing::InTime
    );
    assert_eq!(
        deadline.standing(at("2027-07-15T22:00:00Z")),
        Standing::Overdue
    );
}

#[test]
fn an_extension_makes_three_months_of_it() {
    for (received, expected) in [
        ("2027-01-31T12:00", "2027-04-30"),
        ("2027-11-30T12:00", "2028-02-29"),
        ("2027-05-15T12:00", "2027-08-15"),
    ] {
        let extended = Deadline::from_receipt(norway(received))
            .unwrap()
            .extended()
            .unwrap();
        assert!(extended.is_extended());
        assert_eq!(extended.due().to_string(), expected, "{received}");
    }
}

fn days() -> impl Strategy<Value = Date> {
    (1950_i16..2150, 1_i8..=12, 1_i8..=31).prop_filter_map("a day", |(year, month, day)| {
        Date::new(year, month, day).ok()
    })
}

fn at(day: Date, minute: i32) -> Timestamp {
    let time = Time::midnight();
    let start = day
        .to_datetime(time)
        .to_zoned(TimeZone::get("Europe/Oslo").unwrap())
        .unwrap();
    Timestamp::from_micros(start.timestamp().as_microsecond() + i64::from(minute) * 60_000_000)
}

proptest! {
    #[test]
    fn the_clock_is_one_of_dates(received in days(), minute in 0..(23 * 60), later in 0_i64..200) {
        let deadline = Deadline::from_receipt(at(received, minute)).unwrap();
        // The hour of the day makes no difference.
        prop_assert_eq!(Some(deadline), Deadline::from_receipt(at(received, 0)));
        let due = deadline.due();
        // The next month, on the same day, or on its last where it has no such day.
        let next = received.first_of_month().checked_add(jiff::Span::new().months(1)).unwrap();
        prop_assert_eq!((due.year(), due.month()), (next.year(), next.month()));
        prop_assert_eq!(due.day(), received.day().min(next.days_in_month()));
        prop_assert!(deadline.target() <= due);
        let length = (due - received).get_days();
        prop_assert!((28..=31).contains(&length));
        prop_assert_eq!((deadline.target() - received).get_days(), length.min(30));

        let extended = deadline.extended().unwrap();
        prop_assert!(extended.due() > due);
        prop_assert_eq!(extended.due().day(), received.day().min(extended.due().days_in_month()));

        // Never less overdue with time, and overdue exactly from the day after.
        let moment = |days: i64| {
            let day = received.checked_add(jiff::Span::new().days(days)).unwrap();
            at(day, minute)
        };
        let (now, then) = (deadline.standing(moment(later)), deadline.standing(moment(later + 1)));
        prop_assert!(now <= then);
        prop_assert_eq!(now == Standing::Overdue, later > i64::from(length));
        prop_assert!(extended.standing(moment(later)) <= now);
        prop_assert_eq!(
            deadline.standing(deadline.ends().unwrap()),
            Standing::Overdue
        );
    }
}
