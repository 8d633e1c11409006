//! That the truth, read from the files, is what the generator remembers.

use indicatif::ProgressBar;
use innsyn_policy::Outcome as O;

use super::*;
use crate::country::{Country, Found as People, Story};
use crate::population::PopulationSpec;
use crate::registers::{Listing, Status};

/// 21 November 2026, noon in Norway.
const NOW: Timestamp = Timestamp::from_seconds(1_795_258_800);

struct World {
    _folder: tempfile::TempDir,
    country: Country,
    truth: Truth,
}

fn world(persons: u32, seed: u64) -> World {
    let folder = tempfile::tempdir().unwrap();
    let country = Country::invent(PopulationSpec::new(persons, seed), 2).unwrap();
    country
        .write(folder.path(), &ProgressBar::hidden())
        .unwrap();
    let people: Vec<Person> = (0..persons).filter_map(|n| country.person(n)).collect();
    World {
        truth: Truth::read(folder.path(), &people).unwrap(),
        _folder: folder,
        country,
    }
}

impl World {
    /// What the generator remembers of a person, without looking at a file.
    fn remembered(&self, number: u32) -> Vec<(String, Outcome)> {
        let records = self.country.records_of(number);
        let outcome = |(index, register): (usize, &crate::registers::Register)| {
            let record = records.iter().find(|record| record.register == index);
            let outcome = match (register.listing, record) {
                (Listing::CannotBeAsked, _) if register.is_pseudonymous() => {
                    O::CannotBeAsked(CannotBeAskedReason::Pseudonymous)
                }
                (Listing::CannotBeAsked, _) => O::CannotBeAsked(CannotBeAskedReason::Deidentified),
                (Listing::NotConnected, _) => O::NotConnected,
                (Listing::Live, None) => O::NotRegistered,
                (Listing::Live, Some(record)) => {
                    let presence = Presence {
                        since: record.since,
                        last_changed: record.last_changed,
                    };
                    match record.status {
                        Status::Registered => O::Registered(presence),
                        Status::Deleted => O::Deleted(presence),
                    }
                }
            };
            (register.id().as_str().to_owned(), outcome)
        };
        self.country
            .registers
            .iter()
            .enumerate()
            .map(outcome)
            .collect()
    }

    fn asked(&self, People { subject, .. }: People, right: &Right) -> Expected {
        let subject = self.country.person(subject).unwrap();
        self.truth.expected(&subject, right, NOW)
    }

    fn find(&self, story: Story) -> People {
        let today = today_in_norway(NOW).unwrap();
        self.country.find(story, today).unwrap()
    }
}

fn listing(expected: Expected) -> HashMap<String, Outcome> {
    let Expected::Listing(outcomes) = expected else {
        panic!("refused");
    };
    outcomes.into_iter().collect()
}

fn mandate(areas: &[&str], from: i64, until: i64) -> Mandate {
    Mandate {
        areas: areas.iter().map(ToString::to_string).collect(),
        from: Timestamp::from_seconds(NOW.as_seconds() + from),
        until: Timestamp::from_seconds(NOW.as_seconds() + until),
    }
}

#[test]
fn the_files_say_what_the_generator_remembers() {
    let world = world(2_000, 21);
    let mut seen = HashMap::<&str, u32>::new();

    for number in 0..2_000 {
        let subject = world.country.person(number).unwrap();
        let Expected::Listing(outcomes) = world.truth.expected(&subject, &Right::Own, NOW) else {
            panic!("one's own insight is never refused");
        };
        assert_eq!(
            outcomes,
            world.remembered(number),
            "person {number}, seed 21"
        );
        for (_, outcome) in outcomes {
            let label = match outcome {
                O::Registered(_) => "registered",
                O::Deleted(_) => "deleted",
                O::NotRegistered => "not registered",
                _ => "fixed",
            };
            *seen.entry(label).or_default() += 1;
        }
    }

    assert!(
        seen.values().all(|count| *count >= 20) && seen.len() == 4,
        "{seen:?}"
    );
}

#[test]
fn a_parent_is_told_of_a_young_child_less_of_an_older_and_nothing_at_16() {
    let world = world(2_000, 22);

    let young = listing(world.asked(world.find(Story::YoungChild), &Right::Parent));
    assert!(
        young
            .values()
            .all(|outcome| !matches!(outcome, O::Withheld(_)))
    );

    let older = listing(world.asked(world.find(Story::ChildFromTwelve), &Right::Parent));
    assert_eq!(
        older["msis"],
        O::Withheld(WithheldReason::SensitiveFromTwelve)
    );
    assert!(!matches!(older["npr"], O::Withheld(_)));

    let seventeen = world.asked(world.find(Story::Seventeen), &Right::Parent);
    assert_eq!(seventeen, Expected::Refused);
}

#[test]
fn a_power_of_attorney_reaches_as_far_as_its_areas_and_times() {
    let world = world(2_000, 23);
    let people = world.find(Story::Grantor);
    let poa = |areas: &[&str], from, until| {
        world.asked(people, &Right::PowerOfAttorney(mandate(areas, from, until)))
    };

    let some = listing(poa(&["insight/kind/central", "insight/register/ms"], -1, 1));
    assert_eq!(some["hunt"], O::Withheld(WithheldReason::AreaNotCovered));
    assert!(!matches!(some["npr"], O::Withheld(_)) && !matches!(some["ms"], O::Withheld(_)));
    assert_eq!(
        some["norm"],
        O::CannotBeAsked(CannotBeAskedReason::Deidentified)
    );
    assert_eq!(some["saminor"], O::NotConnected);

    let all = listing(poa(&["insight"], -1, 1));
    assert!(
        all.values()
            .all(|outcome| !matches!(outcome, O::Withheld(_)))
    );

    assert_eq!(poa(&["insight"], -2, -1), Expected::Refused);
    assert_eq!(poa(&["insight"], 1, 2), Expected::Refused);
    assert_eq!(poa(&["correction"], -1, 1), Expected::Refused);
}

#[test]
fn a_birthday_on_29_february_is_on_the_28_in_common_years() {
    let born = jiff::civil::date(2012, 2, 29);

    assert_eq!(age(born, jiff::civil::date(2027, 2, 27)), 14);
    assert_eq!(age(born, jiff::civil::date(2027, 2, 28)), 15);
    assert_eq!(age(born, jiff::civil::date(2028, 2, 28)), 15);
    assert_eq!(age(born, jiff::civil::date(2028, 2, 29)), 16);
}
