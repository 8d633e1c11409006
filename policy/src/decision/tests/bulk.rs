//! One by one and all at once: the same.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::decision::{Persons, Said, SettingsOfAll, counted_of_all, may_be_counted};

impl Persons for BTreeSet<u32> {
    fn nobody(&self) -> Self {
        Self::new()
    }

    fn add(&mut self, others: &Self) {
        self.extend(others);
    }

    fn take_out(&mut self, others: &Self) {
        self.retain(|person| !others.contains(person));
    }

    fn keep_only(&mut self, others: &Self) {
        self.retain(|person| others.contains(person));
    }
}

pub(super) fn variables() -> impl Strategy<Value = Variables> {
    let name = prop::sample::select(&["stays", "stays.diagnosis", "stays.day", "births.weight"]);
    prop_oneof![
        Just(Variables::All),
        prop::collection::btree_set(name, 0..3).prop_map(|names| {
            let names = names
                .into_iter()
                .map(|name| VariableName::parse(name).unwrap());
            Variables::Only(Arc::new(names.collect()))
        }),
    ]
}

/// A register of so many persons, in each case.
const PERSONS: u32 = 250;
/// Persons times cases: a million questions about one person and their settings.
const CASES: u32 = 4_000;

/// What can be said in one case; each person says some of it, from when and until when they like.
fn sayings() -> impl Strategy<Value = Vec<(SettingKind, Covers)>> {
    let covers = (
        prop::collection::vec(prop::sample::select(&Purpose::ALL), 0..4),
        prop::collection::vec(prop::sample::select(&Identifiability::ALL), 1..4),
        variables(),
    )
        .prop_map(|(purposes, points, variables)| Covers::new(purposes, points, variables));
    prop::collection::vec((prop::sample::select(&SettingKind::ALL), covers), 0..6)
}

fn uses() -> impl Strategy<Value = Use> {
    (
        prop::sample::select(&Purpose::ALL),
        prop::sample::select(&Identifiability::ALL),
        variables(),
    )
        .prop_map(|(purpose, identifiability, variables)| Use {
            purpose,
            identifiability,
            variables,
        })
}

#[test]
fn promise_5_a_million_decisions_one_by_one_are_the_decisions_about_all() {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let case = (
        sayings(),
        uses(),
        prop::sample::select(BASES.to_vec()),
        any::<[u64; 4]>(),
    );
    let (yes, no) = (Cell::new(0_u64), Cell::new(0_u64));
    let ran = runner.run(&case, |(sayings, of, basis, seed)| {
        let now = Timestamp::from_seconds(1_000);
        let mut random = seed.into_iter().cycle().scan(0_u64, |state, seed| {
            *state = (*state ^ seed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(23);
            Some(*state >> 8)
        });
        let mut draw = |below: u64| random.next().unwrap() % below;
        // Not everybody who has said something is still there.
        let everybody: BTreeSet<u32> = (0..PERSONS).filter(|_| draw(10) > 0).collect();
        let mut undefined = BTreeSet::new();
        let mut by_saying = vec![BTreeSet::new(); sayings.len()];
        let mut of_person: BTreeMap<u32, Vec<Setting>> = BTreeMap::new();
        for person in 0..PERSONS {
            if draw(12) == 0 {
                undefined.insert(person);
            }
            for ((kind, covers), by) in sayings.iter().zip(&mut by_saying) {
                if draw(3) > 0 {
                    continue;
                }
                let from = Timestamp::from_seconds(990 + draw(20).cast_signed());
                let until =
                    (draw(2) == 0).then(|| Timestamp::from_seconds(990 + draw(25).cast_signed()));
                let covers = covers.clone();
                let setting = Setting {
                    kind: *kind,
                    covers,
                    from,
                    until,
                };
                if setting.holds_at(now) {
                    by.insert(person);
                }
                of_person.entry(person).or_default().push(setting);
            }
        }
        let said: Vec<_> = sayings
            .iter()
            .zip(by_saying)
            .map(|((kind, covers), by)| Said {
                kind: *kind,
                covers: covers.clone(),
                by,
            })
            .collect();
        let known = SettingsOfAll::Known {
            said: &said,
            undefined: &undefined,
        };
        let counted = counted_of_all(&of, basis, &everybody, &known);
        for person in 0..PERSONS {
            let own = of_person.get(&person).map_or(&[][..], Vec::as_slice);
            let settings = if undefined.contains(&person) {
                Settings::Undefined
            } else {
                Settings::Known(own)
            };
            let alone = everybody.contains(&person) && may_be_counted(&of, basis, settings, now);
            prop_assert_eq!(counted.contains(&person), alone, "{:?} {:?}", settings, of);
            let decided = if alone { &yes } else { &no };
            decided.set(decided.get() + 1);
        }
        for unreliable in [SettingsOfAll::Unreadable, SettingsOfAll::Stale] {
            prop_assert!(counted_of_all(&of, basis, &everybody, &unreliable).is_empty());
        }
        Ok(())
    });
    ran.unwrap();
    let (yes, no) = (yes.get(), no.get());
    assert!(yes + no >= 1_000_000, "{yes} and {no}");
    assert!(
        yes > 100_000 && no > 100_000,
        "{yes} and {no}: one of them is hardly asked for"
    );
}
