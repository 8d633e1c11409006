//! When something is said there, and when not again.

use innsyn_policy::{DefinitionId, Organisation, Timestamp};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};

use super::super::forwarding::{LATER, Step, step};
use super::super::wire::PvkSetting;
use crate::settings::forwarding::Forward;
use crate::test_ids::person;

/// When it was said here.
const SAID: Timestamp = Timestamp::from_seconds(1_000);

fn forward(stood: Option<i64>, own: Option<i64>) -> Forward {
    Forward {
        number: 1,
        change: Change {
            id: ChangeId([1; 16]),
            definition: DefinitionId::from_bytes([1; 16]),
            text_version: 1,
            person: person(1),
            by: person(1),
            organisation: Organisation::parse("helsenorge").unwrap(),
            acted_as: ActedAs::Own,
            sequence: SAID.as_micros(),
            active: true,
            until: None,
        },
        stood,
        own,
    }
}

fn theirs(sequence: i64, active: bool, changed_at: Timestamp) -> PvkSetting {
    PvkSetting {
        person: person(1),
        definition: DefinitionId::from_bytes([1; 16]),
        active,
        sequence,
        changed_at,
        until: None,
    }
}

#[test]
fn what_does_not_stand_there_is_said_and_what_does_is_not() {
    let earlier = SAID.minus(LATER);
    assert_eq!(step(&forward(None, None), None), Step::Say);
    let other = theirs(3, false, earlier);
    assert_eq!(step(&forward(None, None), Some(&other)), Step::Say);
    let same = theirs(3, true, earlier);
    assert_eq!(step(&forward(None, None), Some(&same)), Step::Done);
}

#[test]
fn a_try_whose_answer_was_lost_is_not_made_again() {
    // It was taken, and then somebody said otherwise there.
    let moved = theirs(5, false, SAID);
    assert_eq!(step(&forward(Some(3), None), Some(&moved)), Step::Done);
    // It was not taken.
    let still = theirs(3, false, SAID);
    assert_eq!(step(&forward(Some(3), None), Some(&still)), Step::Say);
}

#[test]
fn a_later_word_there_stands_unless_it_is_our_own() {
    let much_later = SAID.plus(LATER).plus(std::time::Duration::from_secs(1));
    let later = theirs(4, false, much_later);
    assert_eq!(step(&forward(None, None), Some(&later)), Step::Done);
    assert_eq!(step(&forward(None, Some(4)), Some(&later)), Step::Say);
    // Clocks differ.
    let hardly = theirs(4, false, SAID.plus(LATER));
    assert_eq!(step(&forward(None, None), Some(&hardly)), Step::Say);
}
