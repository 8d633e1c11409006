use std::time::Duration;

use super::*;

fn clerk(name: &str) -> ClerkName {
    ClerkName::parse(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_micros(at.as_microsecond())
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn entered() -> EnteredPaper {
    EnteredPaper {
        entered_by: clerk("kari"),
        entered_at: at("2026-03-01T09:00:00Z"),
        ended: None,
    }
}

#[test]
fn a_second_clerk_confirms_and_the_first_cannot() {
    let paper = entered();
    let soon = paper.entered_at.plus(Duration::from_mins(1));

    assert_eq!(paper.may_confirm(&clerk("ola"), soon), Ok(()));
    assert_eq!(
        paper.may_confirm(&clerk("kari"), soon),
        Err(PaperError::SameClerk)
    );
    assert_eq!(paper.may_withdraw(soon), Ok(()));
}

#[test]
fn what_nobody_confirms_lapses_after_a_fortnight() {
    let paper = entered();
    let last = at("2026-03-15T08:59:59.999999Z");
    let lapsed = at("2026-03-15T09:00:00Z");

    assert!(paper.waits_at(last) && !paper.waits_at(lapsed));
    assert_eq!(paper.may_confirm(&clerk("ola"), last), Ok(()));
    for may in [
        paper.may_confirm(&clerk("ola"), lapsed),
        paper.may_withdraw(lapsed),
    ] {
        assert_eq!(may, Err(PaperError::Lapsed));
    }
}

#[test]
fn a_paper_ends_once() {
    for (end, error) in [
        (PaperEnd::Confirmed, PaperError::ConfirmedBefore),
        (PaperEnd::Withdrawn, PaperError::WithdrawnBefore),
    ] {
        let paper = EnteredPaper {
            ended: Some(end),
            ..entered()
        };
        let now = paper.entered_at;
        assert!(!paper.waits_at(now));
        assert_eq!(paper.may_confirm(&clerk("ola"), now), Err(error));
        assert_eq!(paper.may_withdraw(now), Err(error));
    }
}

/// What was said over a gateway has the moment as its sequence.
#[test]
fn the_later_day_wins_and_within_a_day_the_no_does() {
    let now = at("2026-03-20T12:00:00Z");
    let on_tenth = at("2026-03-10T15:00:00Z").as_micros();
    let sequence = |dated, says_no| paper_sequence(day(dated), says_no, now).unwrap();

    for says_no in [true, false] {
        assert!(sequence("2026-03-09", says_no) < on_tenth, "entered late");
        assert!(sequence("2026-03-11", says_no) > on_tenth);
    }
    assert!(sequence("2026-03-10", true) > on_tenth);
    assert!(sequence("2026-03-10", false) < on_tenth);
    // The day is Norway's: it begins at 23:00 UTC in winter.
    assert_eq!(
        sequence("2026-03-10", false),
        at("2026-03-09T23:00:00Z").as_micros()
    );
    assert_eq!(
        sequence("2026-03-10", true),
        at("2026-03-10T22:59:59.999999Z").as_micros()
    );
}

#[test]
fn a_paper_of_today_takes_nothing_back_that_is_said_after_it() {
    let now = at("2026-03-20T12:00:00Z");
    assert_eq!(
        paper_sequence(day("2026-03-20"), true, now),
        Ok(now.as_micros())
    );
    assert_eq!(
        paper_sequence(day("2026-03-21"), true, now),
        Err(PaperError::DatedAhead)
    );
}

#[test]
fn a_clerk_is_called_by_no_national_id() {
    for name in ["kari.nordmann", "ola@fhi.no", "k_2-1"] {
        assert_eq!(ClerkName::parse(name).unwrap().as_str(), name);
    }
    let long = "k".repeat(CLERK_BYTES_MAX + 1);
    for name in ["", "Kari", "kari nordmann", "a+b", "x01018012345", &long] {
        assert_eq!(ClerkName::parse(name), Err(ParseClerkNameError), "{name}");
    }
}
