//! The demo's words and lines.

use innsyn_proto::wire::citizen::v1::Registration;
use innsyn_proto::wire::types::v1::{Outcome, Reason, Register};

use super::{print, words};
use crate::registers::Registers;

#[test]
fn every_outcome_has_words_once() {
    for number in 1..=7 {
        let outcome = Outcome::try_from(number).expect("a number of the protocol");
        let with = words::OUTCOMES.iter().filter(|it| it.outcome == outcome);
        assert_eq!(with.count(), 1, "{outcome:?}");
    }
    assert!(Outcome::try_from(8).is_err(), "a new outcome needs words");
}

#[test]
fn every_reason_has_words() {
    let reasons = (1..).map_while(|number| Reason::try_from(number).ok());
    for reason in reasons {
        assert!(words::reason(reason).is_some(), "{reason:?}");
    }
}

#[test]
fn every_line_fits_in_80_columns() {
    let registers = Registers::norwegian_and(15).expect("the list is good");
    for (position, register) in registers.iter().enumerate() {
        for number in 1..=7 {
            for reason in (0..).map_while(|number| Reason::try_from(number).ok()) {
                let registration = Registration {
                    register: Some(Register {
                        name: register.name.clone(),
                        ..Register::default()
                    }),
                    outcome: number,
                    reason: reason.into(),
                    // No register gives a date with a reason.
                    registered_since: (reason == Reason::Unspecified)
                        .then(|| "2011-08-21".to_owned()),
                    ..Registration::default()
                };
                let line = print::line(position + 1, &registration, 12_345);
                let columns = line.chars().count();
                assert!(
                    columns <= 80 || is_impossible(&registration),
                    "{columns}: {line}"
                );
            }
        }
    }
}

/// Reasons belong to three outcomes, each to one of them.
fn is_impossible(registration: &Registration) -> bool {
    use Reason as R;
    match (registration.outcome(), registration.reason()) {
        (_, R::Unspecified) => false,
        (Outcome::Withheld, reason) => {
            !matches!(reason, R::AreaNotCovered | R::SensitiveFromTwelve)
        }
        (Outcome::CannotBeAsked, reason) => !matches!(reason, R::Deidentified | R::Pseudonymous),
        (Outcome::NoAnswer, reason) => (reason as i32) < R::Timeout as i32,
        _ => true,
    }
}
