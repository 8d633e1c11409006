//! That the country can be written, opened again and told about.

use std::collections::BTreeMap;
use std::path::Path;

use indicatif::ProgressBar;
use innsyn_policy::Timestamp;
use jiff::civil::date;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::sts::{Mandate, Right};

fn hashes(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hashes(&path, into);
        } else {
            let hash = Sha256::digest(fs::read(&path).unwrap()).to_vec();
            into.insert(path, hash);
        }
    }
}

fn written(seed: u64) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let country = Country::invent(PopulationSpec::new(500, seed), 1).unwrap();
    country
        .write_with(folder.path(), Content::Views, &ProgressBar::hidden())
        .unwrap();
    let mut files = BTreeMap::new();
    hashes(folder.path(), &mut files);
    files.into_values().collect()
}

#[test]
fn one_seed_gives_the_same_bytes_every_time() {
    let first = written(1);

    assert!(first.len() > 3 * 70, "{} files", first.len());
    assert_eq!(first, written(1));
    assert_ne!(first, written(2));
}

#[test]
fn a_written_country_is_opened_with_the_same_people() {
    let folder = tempfile::tempdir().unwrap();
    let country = Country::invent(PopulationSpec::new(300, 9), 2).unwrap();
    country
        .write(folder.path(), &ProgressBar::hidden())
        .unwrap();

    let opened = Country::open(folder.path()).unwrap();

    assert_eq!(opened.population.spec(), country.population.spec());
    assert_eq!(opened.registers.len(), 85);
    for number in [0, 17, 299] {
        assert_eq!(opened.person(number), country.person(number));
        assert_eq!(opened.records_of(number), country.records_of(number));
    }
}

#[test]
fn a_folder_without_a_country_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = Country::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains(COUNTRY_FILE), "{error}");
}

#[test]
fn every_story_is_told_in_every_population_of_two_thousand() {
    let today = date(2026, 11, 21);
    for seed in 0..3 {
        let country = Country::invent(PopulationSpec::new(2_000, seed), 0).unwrap();
        let find = |story| {
            let found = country.find(story, today);
            found.unwrap_or_else(|| panic!("seed {seed}: nobody for {story:?}"))
        };
        let nowhere = find(Story::Nowhere);
        assert!(country.records_of(nowhere.subject).is_empty());
        let many = find(Story::InManyRegisters);
        assert!(country.records_of(many.subject).len() >= 13, "seed {seed}");
        for (story, ages) in [
            (Story::YoungChild, 0..=11),
            (Story::ChildFromTwelve, 12..=15),
            (Story::Seventeen, 17..=17),
        ] {
            let found = find(story);
            let child = country.person(found.subject).unwrap();
            assert!(child.mother == Some(found.asker) || child.father == Some(found.asker));
            let years = today
                .since((jiff::Unit::Year, child.born))
                .unwrap()
                .get_years();
            assert!(ages.contains(&years), "seed {seed}: {years}");
        }
        let twins = find(Story::Twins);
        let [one, other] = [twins.subject, twins.asker].map(|n| country.person(n).unwrap());
        assert!(one.born == other.born && one.mother == other.mother && one.id != other.id);
        let d_number = country.person(find(Story::DNumber).subject).unwrap();
        assert!(d_number.id.expose()[0] >= b'4');
        assert_ne!(find(Story::Grantor).subject, find(Story::Grantor).asker);
        find(Story::Deleted);
    }
}

#[test]
fn a_parent_asks_for_a_child_and_another_adult_by_power_of_attorney() {
    let now = Timestamp::from_seconds(1_795_258_800);
    let country = Country::invent(PopulationSpec::new(300, 1), 0).unwrap();

    let parent = country.asking(2, Role::Parent, None, now).unwrap();
    assert_eq!((parent.subject.number, parent.asker.number), (2, 0));
    assert_eq!(parent.right, Right::Parent);

    let oneself = country.asking(2, Role::Oneself, None, now).unwrap();
    assert_eq!(oneself.asker, oneself.subject);

    let expired = Mandate {
        areas: vec!["insight".to_owned()],
        from: Timestamp::from_seconds(0),
        until: Timestamp::from_seconds(1),
    };
    let poa = country
        .asking(7, Role::Poa, Some(expired.clone()), now)
        .unwrap();
    assert_ne!(poa.asker.number, 7);
    assert_eq!(poa.right, Right::PowerOfAttorney(expired));
    let Right::Guardian(mandate) = country.asking(7, Role::Guardian, None, now).unwrap().right
    else {
        panic!("a guardian's right");
    };
    assert!(mandate.from <= now && now < mandate.until);
}

#[test]
fn who_cannot_ask_is_told_why() {
    let now = Timestamp::from_seconds(1_795_258_800);
    let country = Country::invent(PopulationSpec::new(300, 1), 0).unwrap();
    let refused = |number, role| country.asking(number, role, None, now).unwrap_err();

    assert_eq!(refused(7, Role::Parent), AskingError::NoParent(7));
    // The dead come after the living, and never log in.
    assert!(country.person(300).is_some());
    assert_eq!(
        refused(300, Role::Oneself),
        AskingError::NotAmongTheLiving {
            number: 300,
            living: 300
        }
    );
}
