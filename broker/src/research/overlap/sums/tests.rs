//! Combinations, against the sets themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;

use super::*;

const K: u64 = 5;

type Persons = BTreeSet<u32>;

fn in_common(wholes: &[Persons]) -> InCommon {
    let mut lower = Vec::new();
    for (at, one) in wholes.iter().enumerate() {
        let others = wholes.iter().take(at + 1);
        lower.extend(others.map(|other| one.intersection(other).count() as u64));
    }
    InCommon::of(lower)
}

/// Whether the last of `wholes` and those before it tell of few.
fn tell(wholes: &[Persons]) -> bool {
    let sums = Sums::of(vec![in_common(wholes)], vec![false; wholes.len()], K);
    sums.tell_of_few().unwrap()
}

fn persons(range: Range<u32>) -> Persons {
    range.collect()
}

fn with(range: Range<u32>, others: Range<u32>) -> Persons {
    range.chain(others).collect()
}

/// Everybody's share in a combination, where it is not nought.
fn shares(wholes: &[Persons], terms: &[Term]) -> BTreeMap<u32, i64> {
    let mut shares = BTreeMap::new();
    for (at, is_added) in terms {
        for person in &wholes[*at] {
            *shares.entry(*person).or_default() += if *is_added { 1 } else { -1 };
        }
    }
    shares.retain(|_, share| *share != 0);
    shares
}

/// All combinations of the last whole with one to three before it.
fn combinations(wholes: usize) -> Vec<Vec<Term>> {
    let new = wholes - 1;
    let mut all = Vec::new();
    for choice in 0..3_u32.pow(u32::try_from(new).unwrap()) {
        let mut terms = vec![(new, true)];
        for at in 0..new {
            match choice / 3_u32.pow(u32::try_from(at).unwrap()) % 3 {
                0 => {}
                sign => terms.push((at, sign == 1)),
            }
        }
        if (2..=TERMS_MAX).contains(&terms.len()) {
            all.push(terms);
        }
    }
    all
}

#[test]
fn halves_of_two_sets_that_are_a_few_persons_apart_are_refused() {
    let halves = |differ: u32| {
        [
            with(0..30, 90..90 + differ),
            persons(30..60),
            persons(0..40),
            persons(40..60),
        ]
    };
    for (differ, is_few) in [(0, false), (1, true), (4, true), (5, false)] {
        assert_eq!(tell(&halves(differ)), is_few, "{differ}");
        assert!(!tell(&halves(differ)[..3]), "three of them tell nothing");
    }
}

#[test]
fn a_set_and_its_parts_are_refused_only_if_a_few_are_missing() {
    for (missing, is_few) in [(0, false), (1, true), (4, true), (5, false)] {
        let wholes = [persons(0..60), persons(0..25), persons(25..60 - missing)];
        assert_eq!(tell(&wholes), is_few, "{missing}");
    }
}

#[test]
fn somebody_in_every_part_does_not_pass_for_many() {
    // Three thirds and a stranger in each: three times the stranger is left of them.
    let thirds = [
        persons(0..60),
        with(0..20, 90..91),
        with(20..40, 90..91),
        with(40..60, 90..91),
    ];
    assert!(tell(&thirds));
    let two = [persons(0..60), with(0..20, 90..92), with(20..60, 90..92)];
    assert!(tell(&two), "eight of squares, and two persons");
}

#[test]
fn what_is_left_of_parts_without_anybody_in_two_is_known() {
    // Nobody is in two halves, so that eight of squares are eight persons.
    let halves = [persons(0..60), persons(0..20), with(20..60, 90..98)];
    assert!(!tell(&halves));
}

#[test]
fn registers_add_up_unless_they_may_share_persons() {
    let halves = |differ: u32| {
        let wholes = [persons(0..60), persons(0..25), persons(25..60 - differ)];
        in_common(&wholes)
    };
    let tell = |shared| {
        let sums = Sums::of(vec![halves(3), halves(2)], vec![false, false, shared], K);
        sums.tell_of_few().unwrap()
    };
    assert!(!tell(false), "three and two are five");
    assert!(tell(true), "they may be the same three");
}

#[test]
fn beyond_many_tables_three_are_combined() {
    let halves = [
        with(0..30, 90..91),
        persons(30..60),
        persons(0..40),
        persons(40..60),
    ];
    let apart = |many: usize| {
        // The others have nobody in common with anybody.
        let sizes = (0_u32..).take(many - 3);
        let others = sizes.map(|at| persons(100 + 6 * at..106 + 6 * at));
        let mut wholes: Vec<Persons> = others.collect();
        wholes.extend(halves.clone());
        tell(&wholes)
    };
    assert!(apart(EARLIER_OF_ALL_TERMS));
    assert!(!apart(EARLIER_OF_ALL_TERMS + 1));
}

#[test]
fn more_in_common_than_there_are_is_impossible() {
    let sums = Sums::of(vec![InCommon::of(vec![5, 9, 5])], vec![false; 2], K);
    assert_eq!(sums.tell_of_few(), Err(CompareError::Impossible));
}

/// Wholes near each other: parts of two sets, and a few persons who are moved.
fn wholes() -> impl Strategy<Value = Vec<Persons>> {
    let part = (0_u32..4, 0_u32..4, any::<bool>());
    let moved = prop::collection::vec((0_usize..5, 0_u32..45), 0..4);
    (prop::collection::vec(part, 2..6), moved).prop_map(|(parts, moved)| {
        let mut wholes: Vec<Persons> = parts
            .into_iter()
            .map(|(from, to, is_inside)| {
                let is_in = |person: &u32| (from..=from.max(to)).contains(&(person / 10));
                (0..40)
                    .filter(|person| is_in(person) == is_inside)
                    .collect()
            })
            .collect();
        for (at, person) in moved {
            if let Some(whole) = wholes.get_mut(at)
                && !whole.remove(&person)
            {
                whole.insert(person);
            }
        }
        wholes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_quadratic_form_is_what_is_left_by_hand(wholes in wholes()) {
        let in_common = in_common(&wholes);
        for terms in combinations(wholes.len()) {
            let shares = shares(&wholes, &terms);
            let left = in_common.left_of(&terms).unwrap();
            prop_assert_eq!(left.sum, shares.values().copied().map(i128::from).sum::<i128>());
            let squares: i64 = shares.values().map(|share| share * share).sum();
            prop_assert_eq!(left.squares, u128::from(squares.unsigned_abs()));
        }
    }

    /// No combination of few persons passes; and where nobody is in two of the parts that are
    /// added, or subtracted, none of many is refused.
    #[test]
    fn a_combination_of_few_persons_is_refused(mut wholes in wholes()) {
        wholes.retain(|whole| whole.len() as u64 >= K);
        prop_assume!(wholes.len() > 1);
        let in_common = in_common(&wholes);
        let (mut is_few, mut may_be_few) = (false, false);
        for terms in combinations(wholes.len()) {
            let persons = shares(&wholes, &terms).len() as u64;
            is_few |= (1..K).contains(&persons);
            let left = in_common.left_of(&terms).unwrap();
            may_be_few |= left.added.in_two + left.subtracted.in_two > 0 && left.squares > 0;
        }
        let told = tell(&wholes);
        prop_assert!(told || !is_few);
        prop_assert!(!told || is_few || may_be_few);
    }
}
