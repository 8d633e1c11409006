//! Who wins where the two differ.

use std::collections::HashMap;

use innsyn_policy::{DefinitionId, NationalId, SettingKind, Timestamp};

use super::super::comparing::{compare, differ, settle, strictest};
use super::super::wire::PvkSetting;
use crate::settings::kept::Said;
use crate::test_ids::person;

const NO: SettingKind = SettingKind::Reservation;
const YES: SettingKind = SettingKind::Consent;

fn theirs(who: usize, sequence: i64, active: bool) -> PvkSetting {
    PvkSetting {
        person: person(who),
        definition: DefinitionId::from_bytes([1; 16]),
        active,
        sequence,
        changed_at: Timestamp::from_seconds(sequence),
        until: None,
    }
}

fn ours(sequence: i64, active: bool) -> Said {
    Said {
        definition: DefinitionId::from_bytes([1; 16]),
        sequence,
        active,
        since: Timestamp::from_seconds(sequence),
        until: None,
    }
}

fn listed(all: &[PvkSetting]) -> HashMap<NationalId, PvkSetting> {
    all.iter().map(|it| (it.person, it.clone())).collect()
}

#[test]
fn who_is_not_on_the_list_is_asked_about_and_nobody_is_loosened_by_absence() {
    let on_list = listed(&[theirs(1, 1, true), theirs(2, 3, true), theirs(3, 5, true)]);
    let here = HashMap::from([
        (person(1), ours(1, true)),  // the same
        (person(2), ours(2, false)), // later there
        (person(4), ours(7, true)),  // here alone
        (person(5), ours(7, false)), // taken back here, and not on the list
    ]);
    let difference = compare(&on_list, &here);
    let mut take: Vec<_> = difference.take.iter().map(|it| it.sequence).collect();
    take.sort_unstable();
    assert_eq!(take, [3, 5]);
    assert_eq!(difference.ask, [person(4)]);
}

#[test]
fn the_answer_about_one_who_was_asked_about_decides_by_its_sequence_or_by_strictness() {
    let who = person(1);
    let taken = |kind, said: &Said, theirs: Option<PvkSetting>| {
        settle(kind, &who, said, theirs).map(|it| (it.sequence, it.active))
    };
    // Later there: it goes to the rule, be it a yes or a no.
    assert_eq!(
        taken(NO, &ours(4, true), Some(theirs(1, 5, false))),
        Some((5, false))
    );
    assert_eq!(
        taken(YES, &ours(4, true), Some(theirs(1, 5, false))),
        Some((5, false))
    );
    // Gone back there: a no stands at the sequence that is here, and a yes does not.
    assert_eq!(
        taken(YES, &ours(4, true), Some(theirs(1, 2, false))),
        Some((4, false))
    );
    assert_eq!(taken(NO, &ours(4, true), Some(theirs(1, 2, false))), None);
    // Forgotten there.
    assert_eq!(taken(YES, &ours(4, true), None), Some((4, false)));
    assert_eq!(taken(NO, &ours(4, true), None), None);
}

#[test]
fn of_two_that_differ_the_stricter_one_is_taken() {
    let who = person(1);
    for (kind, said, there, taken) in [
        (
            NO,
            ours(4, false),
            Some(theirs(1, 5, true)),
            Some((5, true)),
        ),
        (
            NO,
            ours(4, false),
            Some(theirs(1, 2, true)),
            Some((4, true)),
        ),
        (NO, ours(4, true), Some(theirs(1, 9, false)), None),
        (NO, ours(4, true), None, None),
        (
            YES,
            ours(4, true),
            Some(theirs(1, 9, false)),
            Some((9, false)),
        ),
        (YES, ours(4, true), None, Some((4, false))),
        (YES, ours(4, false), Some(theirs(1, 9, true)), None),
    ] {
        assert!(differ(&said, there.as_ref()), "{kind:?}");
        let stricter = strictest(kind, &who, &said, there);
        assert_eq!(
            stricter.map(|it| (it.sequence, it.active)),
            taken,
            "{kind:?}"
        );
    }
}

#[test]
fn a_yes_that_ends_sooner_and_a_no_that_ends_later_are_stricter() {
    let until = |seconds: Option<i64>, setting: PvkSetting| PvkSetting {
        until: seconds.map(Timestamp::from_seconds),
        ..setting
    };
    let said = Said {
        until: Some(Timestamp::from_seconds(100)),
        ..ours(4, true)
    };
    for (kind, seconds, is_taken) in [
        (YES, Some(50), true),
        (YES, Some(150), false),
        (YES, None, false),
        (NO, Some(50), false),
        (NO, Some(150), true),
        (NO, None, true),
    ] {
        let there = until(seconds, theirs(1, 4, true));
        assert!(differ(&said, Some(&there)));
        let stricter = strictest(kind, &person(1), &said, Some(there));
        assert_eq!(stricter.is_some(), is_taken, "{kind:?} {seconds:?}");
    }
}
