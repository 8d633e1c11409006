use std::collections::BTreeSet;

use super::*;
use crate::research::desk::together::Axis;
use crate::research::overlap::asked::Population;
use crate::research::overlap::{Asked, Cell, Persons};

/// By key and register, who is in it.
type Real<'a> = &'a [(&'a [i64], &'a str, &'a [u32])];

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn key(categories: &[i64]) -> Vec<Category> {
    categories.iter().map(|n| Category::Number(*n)).collect()
}

fn axis(number: u8) -> Axis {
    Axis {
        variable: [number; 32],
        level: [number; 32],
        declared: None,
    }
}

/// Tables by these dimensions.
struct Tables {
    persons_shared: bool,
    period: Option<usize>,
    axes: Vec<Axis>,
    population: u8,
}

impl Tables {
    fn by(axes: &[u8]) -> Self {
        Self {
            persons_shared: false,
            period: None,
            axes: axes.iter().copied().map(axis).collect(),
            population: 1,
        }
    }

    fn table(&self, real: Real<'_>) -> Table {
        let mut cells: BTreeMap<Vec<Category>, BTreeMap<RegisterId, Persons>> = BTreeMap::new();
        for (at, id, persons) in real {
            let persons = Persons::exactly(persons.len() as u64);
            cells
                .entry(key(at))
                .or_default()
                .insert(register(id), persons);
        }
        Table {
            period: self.period,
            persons_shared: self.persons_shared,
            asked: Some(Asked {
                population: Population([self.population; 32]),
                axes: self.axes.clone(),
            }),
            cells: cells
                .into_iter()
                .map(|(key, persons)| Cell {
                    key,
                    is_shown: true,
                    persons,
                })
                .collect(),
        }
    }
}

/// What registers `a` and `b` tell of two tables.
fn met(new: Real<'_>, earlier: Real<'_>) -> BTreeMap<RegisterId, Met> {
    let keys = |real: Real<'_>| -> BTreeSet<Vec<Category>> {
        real.iter().map(|(at, _, _)| key(at)).collect()
    };
    let who = |real: Real<'_>, id: &str, at: &[Category]| -> BTreeSet<u32> {
        let cells = real
            .iter()
            .filter(|(cell, of, _)| key(cell) == at && *of == id);
        cells
            .flat_map(|(_, _, persons)| persons.iter().copied())
            .collect()
    };
    let of = |id: &str| {
        let mut met = Met::default();
        for (old_at, old) in (0..).zip(keys(earlier)) {
            let of_old = who(earlier, id, &old);
            met.sizes.push(of_old.len() as u64);
            for (new_at, new_key) in (0..).zip(keys(new)) {
                let both = who(new, id, &new_key).intersection(&of_old).count() as u64;
                if both > 0 {
                    met.pairs.push((new_at, old_at, both));
                }
            }
        }
        met
    };
    ["a", "b"].map(|id| (register(id), of(id))).into()
}

/// The tables that are held together with the new one, and the cells in common of the last.
fn held(new: (&Tables, Real<'_>), earlier: (&Tables, Real<'_>)) -> Option<Vec<InCommon>> {
    let (new_table, earlier_table) = (new.0.table(new.1), earlier.0.table(earlier.1));
    let mut same = SamePersons::of(&new_table);
    same.add(&earlier_table, &met(new.1, earlier.1));
    let mut earlier = same.together().unwrap().earlier();
    earlier
        .next()
        .map(|(_, in_common)| in_common.unwrap().to_vec())
}

fn in_common(new: u32, earlier: u32, register: u16, persons: u64) -> InCommon {
    InCommon {
        new,
        earlier,
        register,
        persons,
    }
}

const BY_SEX: Real<'static> = &[
    (&[0], "a", &[1, 2]),
    (&[1], "a", &[3]),
    (&[1], "b", &[1, 4]),
];
const BY_AGE: Real<'static> = &[
    (&[5], "a", &[1]),
    (&[6], "a", &[2, 3]),
    (&[6], "b", &[1, 4]),
];

#[test]
fn what_the_registers_have_in_common_is_added_up() {
    let (sex, age) = (Tables::by(&[1]), Tables::by(&[2]));
    let both = held((&age, BY_AGE), (&sex, BY_SEX)).unwrap();
    let expected = [
        in_common(0, 0, 0, 1),
        in_common(1, 0, 0, 1),
        in_common(1, 1, 0, 3),
    ];
    assert_eq!(both, expected);
}

#[test]
fn where_registers_may_share_persons_each_is_kept_apart() {
    let [sex, age] = [1, 2].map(|axis| Tables {
        persons_shared: true,
        ..Tables::by(&[axis])
    });
    let both = held((&age, BY_AGE), (&sex, BY_SEX)).unwrap();
    let expected = [
        in_common(0, 0, 0, 1),
        in_common(1, 0, 0, 1),
        in_common(1, 1, 0, 1),
        in_common(1, 1, 1, 2),
    ];
    assert_eq!(both, expected);
}

#[test]
fn tables_of_other_persons_are_not_held_together() {
    let (sex, age) = (Tables::by(&[1]), Tables::by(&[2]));
    let one_more: Real<'_> = &[
        (&[5], "a", &[1, 9]),
        (&[6], "a", &[2, 3]),
        (&[6], "b", &[1, 4]),
    ];
    let another: Real<'_> = &[
        (&[5], "a", &[9]),
        (&[6], "a", &[2, 3]),
        (&[6], "b", &[1, 4]),
    ];
    for others in [one_more, another] {
        assert_eq!(held((&age, others), (&sex, BY_SEX)), None);
        assert_eq!(held((&sex, BY_SEX), (&age, others)), None);
    }
    let elsewhere = Tables {
        population: 2,
        ..Tables::by(&[1])
    };
    assert_eq!(held((&age, BY_AGE), (&elsewhere, BY_SEX)), None);
    let shared = Tables {
        persons_shared: true,
        ..Tables::by(&[1])
    };
    assert_eq!(held((&age, BY_AGE), (&shared, BY_SEX)), None);
}

#[test]
fn tables_of_other_registers_are_not_held_together() {
    let (sex, age) = (Tables::by(&[1]), Tables::by(&[2]));
    // `b` has answered one of the two only.
    let of_a = |real: Real<'static>| -> Vec<(&'static [i64], &'static str, &'static [u32])> {
        real.iter()
            .copied()
            .filter(|(_, id, _)| *id == "a")
            .collect()
    };
    for (new, earlier) in [
        (BY_AGE.to_vec(), of_a(BY_SEX)),
        (of_a(BY_AGE), BY_SEX.to_vec()),
    ] {
        let mut met = met(&new, &earlier);
        met.remove(&register("b"));
        let (new, earlier) = (age.table(&new), sex.table(&earlier));
        let mut same = SamePersons::of(&new);
        same.add(&earlier, &met);
        assert_eq!(same.together().unwrap().earlier().count(), 0);
    }
}

#[test]
fn of_tables_by_periods_each_period_is_held_for_itself() {
    let by_year = |axes: &[u8]| Tables {
        period: Some(0),
        ..Tables::by(axes)
    };
    // 1 and 2 are there in both years, 2 in another cell.
    let years: Real<'_> = &[(&[2020], "a", &[1, 2]), (&[2021], "a", &[1, 2])];
    let and_sex: Real<'_> = &[
        (&[2020, 0], "a", &[1, 2]),
        (&[2021, 0], "a", &[1]),
        (&[2021, 1], "a", &[2]),
    ];
    let both = held((&by_year(&[7, 1]), and_sex), (&by_year(&[7]), years)).unwrap();
    let expected = [
        in_common(0, 0, 0, 2),
        in_common(1, 1, 0, 1),
        in_common(2, 1, 0, 1),
    ];
    assert_eq!(both, expected);
    // Of other periods, or of none, nothing adds up.
    assert_eq!(
        held((&by_year(&[8, 1]), and_sex), (&by_year(&[7]), years)),
        None
    );
    assert_eq!(
        held((&Tables::by(&[7, 1]), and_sex), (&by_year(&[7]), years)),
        None
    );
}
