//! That the people are people, and their numbers numbers.

use std::collections::HashSet;

use innsyn_policy::{Environment, NumberKind};

use super::*;

fn population(persons: u32, seed: u64) -> Population {
    Population::new(PopulationSpec::new(persons, seed)).unwrap()
}

fn people(population: &Population) -> impl Iterator<Item = Person> {
    (0..population.everyone())
        .map(|number| population.person(number).expect("every number is a person"))
}

#[test]
fn every_number_is_synthetic_unique_and_valid_by_the_strictest_rules() {
    let population = population(5_000, 1);

    let mut seen = HashSet::new();
    for person in people(&population) {
        assert_eq!(person.id.kind(), NumberKind::Synthetic);
        assert_eq!(Environment::Test.admit_citizen(&person.id), Ok(()));
        assert!(seen.insert(person.id), "two people have one number");
    }

    assert_eq!(seen.len(), population.everyone() as usize);
}

#[test]
fn a_number_tells_the_birth_date_and_the_sex() {
    for person in people(&population(2_000, 2)) {
        let digits = person.id.expose_str();
        let two = |at: usize| digits[at..at + 2].parse::<i16>().unwrap();
        let born = person.born;
        assert_eq!(two(0) % 40, i16::from(born.day()) % 40);
        assert_eq!(two(2) - 80, i16::from(born.month()));
        assert_eq!(two(4), born.year() % 100);
        let odd = digits.as_bytes()[8] % 2 == 1;
        assert_eq!(odd, person.sex == Sex::Male);
    }
}

#[test]
fn every_day_has_the_numbers_that_are_promised() {
    let last = number::RANKS - 1;
    for day in (0..Day::of(jiff::civil::date(2039, 12, 31)).number()).step_by(13) {
        for (sex, d_number) in [(Sex::Female, false), (Sex::Male, true)] {
            assert!(
                number::nth(Day::new(day), sex, d_number, last).is_some(),
                "day {day}"
            );
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_people_and_another_makes_others() {
    let all = |seed| people(&population(500, seed)).collect::<Vec<_>>();

    assert!(all(7) == all(7));
    assert!(all(7) != all(8));
}

#[test]
fn parents_are_parents() {
    let population = population(10_000, 3);
    let mut children = 0;
    for child in people(&population) {
        for (parent, sex) in [(child.mother, Sex::Female), (child.father, Sex::Male)] {
            let Some(parent) = parent.and_then(|number| population.person(number)) else {
                continue;
            };
            children += 1;
            assert_eq!(parent.sex, sex);
            let years = child
                .born
                .since((jiff::Unit::Year, parent.born))
                .unwrap()
                .get_years();
            assert!((14..=60).contains(&years), "a parent at {years}");
        }
    }
    assert!(children > 2_000, "{children} children");
}

#[test]
fn the_living_are_about_as_old_as_norwegians() {
    let population = population(20_000, 4);
    let share = |from: i32, to: i32| {
        let of_that_age = (0..population.living())
            .filter_map(|number| population.person(number))
            .filter(|p| (from..to).contains(&(2026 - i32::from(p.born.year()))))
            .count();
        f64::from(u32::try_from(of_that_age).unwrap()) / f64::from(population.living())
    };

    let shares = [share(0, 18), share(18, 40), share(40, 67), share(67, 120)];

    // 20 %, 29 %, 34 % and 17 % in 2024.
    for (share, norway) in shares.into_iter().zip([0.20, 0.29, 0.34, 0.17]) {
        assert!((share - norway).abs() < 0.035, "{shares:?}");
    }
}

#[test]
fn the_dead_have_died_after_they_were_born() {
    let population = population(2_000, 5);
    let dead: Vec<_> = people(&population).skip(2_000).collect();

    assert!(
        dead.iter()
            .all(|p| p.died.is_some_and(|died| died >= p.born))
    );
    assert!(people(&population).take(2_000).all(|p| p.died.is_none()));
    assert!(!dead.is_empty());
}

#[test]
fn what_cannot_be_made_is_refused_with_a_reason() {
    let few = Population::new(PopulationSpec::new(1, 0)).unwrap_err();
    assert_eq!(few, PopulationError::Persons(1));
    let mut spec = PopulationSpec::new(1_000, 0);
    spec.as_of = jiff::civil::date(1950, 1, 1);
    assert_eq!(
        Population::new(spec).unwrap_err(),
        PopulationError::AsOf(spec.as_of)
    );
}

#[test]
fn a_person_is_printed_without_the_number() {
    let person = population(100, 6).person(0).unwrap();
    assert!(!format!("{person:?}").contains(person.id.expose_str()));
}

#[test]
fn a_million_people_take_44_megabytes() {
    assert_eq!(size_of::<Life>(), 28);
}
