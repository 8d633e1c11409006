//! That the stories hold together.

use std::collections::HashSet;

use super::*;
use crate::population::{PopulationSpec, Sex};

fn population(persons: u32, seed: u64) -> Population {
    Population::new(PopulationSpec::new(persons, seed)).unwrap()
}

/// Everybody's life and story, without what registers know.
fn stories(population: &Population) -> impl Iterator<Item = (&Life, History)> {
    (0..population.everyone()).map(|number| {
        let life = population.life(number).unwrap();
        (life, History::of(population, number, life, &[]))
    })
}

#[test]
fn nothing_happens_to_the_unborn_the_dead_those_not_here_and_those_who_left() {
    let population = population(3_000, 21);
    let mut events = 0;
    for (life, history) in stories(&population) {
        assert_eq!(history.cause_of_death.is_some(), life.died.is_some());
        let last = history.emigrated.or(life.died);
        let days = history.illnesses.iter().map(|illness| illness.onset);
        let days = days.chain(history.contacts.iter().map(|contact| contact.day));
        for day in days.chain(history.dispensings.iter().map(|one| one.day)) {
            events += 1;
            assert!(life.arrived <= day && last.is_none_or(|last| day < last));
            assert!(day < Day::of(population.spec().as_of));
        }
    }
    assert!(events > 20_000, "{events} events");
}

#[test]
fn a_day_has_one_contact_and_one_dispensing_at_most() {
    for (_, history) in stories(&population(2_000, 22)) {
        let is_rising = |days: Vec<Day>| days.is_sorted_by(|one, next| one < next);
        assert!(is_rising(
            history.contacts.iter().map(|one| one.day).collect()
        ));
        assert!(is_rising(
            history.dispensings.iter().map(|one| one.day).collect()
        ));
    }
}

#[test]
fn a_cancer_leads_to_stays_and_to_death_and_diabetes_to_drugs() {
    let population = population(8_000, 23);
    let recent = Day::first_of(2008);
    // Old people of this century, without and with cancer: how many, how many stays and deaths.
    let mut counts = [[0_u32; 3]; 2];
    let (mut diabetics, mut treated) = (0, 0);
    for (life, history) in stories(&population) {
        let first = Day::first_of(1930)..Day::first_of(1955);
        if first.contains(&life.born) && life.died.is_none_or(|died| died >= recent) {
            let [persons, stays, deaths] = &mut counts[usize::from(history.has("C"))];
            let beds = history.contacts.iter();
            let beds = beds.filter(|contact| matches!(contact.place, Place::Ward(_)));
            *persons += 1;
            *stays += u32::try_from(beds.count()).unwrap();
            *deaths += u32::from(life.died.is_some());
        }
        let long_since = history.end.minus_days(3 * YEAR);
        let diabetes = history
            .illnesses
            .iter()
            .find(|one| one.disease.code == "E119");
        if diabetes.is_some_and(|one| one.onset < long_since && history.end > recent) {
            diabetics += 1;
            let mut drugs = history.dispensings.iter();
            treated += i32::from(drugs.any(|one| one.drug == "A10BA02"));
        }
    }
    let [without, with] = counts.map(|[persons, stays, deaths]| {
        let each = |count| f64::from(count) / f64::from(persons);
        (each(stays), each(deaths))
    });
    assert!(with.0 > 1.3 * without.0, "stays: {without:?}, {with:?}");
    assert!(with.1 > 1.2 * without.1, "deaths: {without:?}, {with:?}");
    assert!(
        diabetics > 100 && treated * 10 > diabetics * 9,
        "{treated} of {diabetics}"
    );
}

#[test]
fn age_and_sex_decide_who_falls_ill() {
    let population = population(8_000, 24);
    let mut old_and_young = [0; 2];
    for (life, history) in stories(&population) {
        for illness in &history.illnesses {
            let code = illness.disease.code;
            assert!(code != "C619" || life.sex == Sex::Male);
            assert!(code != "C569" || life.sex == Sex::Female);
            if illness.disease.is_cancer() {
                let years = (illness.onset.number() - life.born.number()) / YEAR;
                old_and_young[usize::from(years < 50)] += 1;
            }
        }
    }
    let [old, young] = old_and_young;
    assert!(old > 2 * young, "{old} of 50 and more, {young} younger");
}

#[test]
fn a_disease_that_a_register_knows_of_is_had_since_then() {
    let population = population(500, 25);
    let rare = Disease::with_code("E802").unwrap();
    let since = jiff::civil::date(2015, 5, 6);
    for number in 0..population.living() {
        let life = population.life(number).unwrap();
        let history = History::of(&population, number, life, &[(rare, Some(since))]);
        let had = history
            .illnesses
            .iter()
            .find(|one| one.disease.code == "E802");
        if life.arrived < Day::of(since) && history.end > Day::of(since) {
            assert_eq!(had.map(|one| one.onset), Some(Day::of(since)));
        }
    }
}

#[test]
fn no_disease_stands_in_the_table_twice() {
    let codes: HashSet<_> = disease::ALL.iter().map(|disease| disease.code).collect();
    assert_eq!(codes.len(), disease::ALL.len());
}
