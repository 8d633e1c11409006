//! Months, sums, sets, and the shapes in which a column may be stored.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, Date64Array, DictionaryArray, Float32Array, Int8Array, Int16Array, LargeStringArray,
    StringArray, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use innsyn_proto::wire::research::v1 as wire;
use jiff::ToSpan as _;
use jiff::civil::date;
use wire::measure::Measure as M;
use wire::{Number, Query};

use super::super::moments::{Scale, Sums};
use super::super::month::{NO_DAY, NO_MONTH, days_of, month_of, period_of};
use super::super::{Key, Part, PersonSet};
use super::world::{World, by_code, by_date, measure, month, persons_view, query};

#[test]
fn months_are_those_of_the_calendar() {
    let epoch = date(1970, 1, 1);
    let mut day = date(1599, 12, 1);
    while day < date(2101, 1, 1) {
        let since = (day - epoch).get_days();
        let is = month_of(since);
        assert_eq!(
            is,
            month(i32::from(day.year()), i32::from(day.month())),
            "{day}"
        );
        let days = days_of(Some(is), Some(is + 1));
        let first = day.first_of_month();
        assert_eq!(*days.start(), (first - epoch).get_days(), "{day}");
        assert_eq!(
            *days.end(),
            (day.last_of_month() - epoch).get_days(),
            "{day}"
        );
        // Every day near the ends of months and of centuries, and others now and then.
        day += if day.day() < 27 && day.day() > 2 {
            11.days()
        } else {
            1.day()
        };
    }
}

#[test]
fn no_day_is_in_no_month_and_every_other_day_in_one() {
    assert_eq!(month_of(NO_DAY), NO_MONTH);
    assert_eq!(period_of(NO_MONTH, 12), NO_MONTH);
    assert!(!days_of(None, None).contains(&NO_DAY));
    for day in [NO_DAY + 1, i32::MAX] {
        assert_ne!(month_of(day), NO_MONTH);
        assert!(days_of(None, None).contains(&day));
        assert!(days_of(Some(i32::MIN), Some(i32::MAX)).contains(&day));
    }
    assert_eq!(
        (period_of(-1, 12), period_of(-1, 3), period_of(13, 12)),
        (-12, -3, 12)
    );
}

fn number(from: f64, to: f64, centre: f64) -> Number {
    Number {
        clip_from: Some(from),
        clip_to: Some(to),
        centre,
        ..Number::default()
    }
}

#[test]
fn sums_are_exact_where_numbers_are_and_close_where_not() {
    let scale = Scale::of(&number(0.0, 100.0, 40.0)).unwrap();
    let total = |values: &[f64]| {
        let mut sums = Sums::default();
        for value in values {
            sums.add(Sums::of(scale.units_of(*value)));
        }
        sums.in_scale(&scale)
    };
    assert_eq!(
        total(&[39.0, 1e300, -1e300, 40.25]),
        (-1.0 + 60.0 - 40.0 + 0.25, 5201.0625)
    );
    // A tenth is no power of two; the mean of a million of them is off by less than 1e-12.
    let (sum, _) = total(&vec![40.1; 1_000_000]);
    assert!((sum / 1e6 - 0.1).abs() < 1e-12, "{sum}");
}

#[test]
fn the_largest_sums_do_not_overflow() {
    let scale = Scale::of(&number(-1e250, 1e250, 0.0)).unwrap();
    let units = i128::from(scale.units_of(f64::MAX));
    assert!((1 << 45..=1 << 46).contains(&units));
    // So many squares fit.
    assert!((units * units).checked_mul(1 << 35).is_some());
}

#[test]
fn bounds_that_cannot_be_worked_with_give_no_scale() {
    for bad in [
        number(1.0, 0.0, 0.0),
        number(f64::NAN, 1.0, 0.0),
        number(0.0, f64::INFINITY, 0.0),
        number(0.0, 1.0, f64::NAN),
        number(-1e308, 1e308, 1e308),
        number(0.0, 1e-300, 0.0),
        Number::default(),
    ] {
        assert!(Scale::of(&bad).is_none(), "{bad:?}");
    }
    assert!(Scale::of(&number(5.0, 5.0, 5.0)).is_some());
}

#[test]
fn a_set_knows_who_is_in_it_and_nobody_else() {
    let mut set = PersonSet::nobody(70);
    assert!(set.insert(69) && set.insert(3) && !set.insert(70));
    assert!(set.contains(69) && !set.contains(70) && !set.contains(u32::MAX));
    assert_eq!(
        (set.persons(), set.len(), set.iter().collect::<Vec<_>>()),
        (70, 2, vec![3, 69])
    );
    assert!(set.remove(3) && !set.remove(70));
    assert_eq!(PersonSet::everybody(70).len(), 70);
    assert!(PersonSet::nobody(0).is_empty() && PersonSet::everybody(0).is_empty());
}

/// One question of five persons whose rows are stored as `columns`.
fn answer(columns: Vec<(&str, ArrayRef)>) -> String {
    let world = World::of(5).with_columns(persons_view(), columns);
    let query = Query {
        dimensions: vec![by_code("sex", 0), by_date("died", wire::Period::Month)],
        measures: vec![
            measure(M::Sum("weight".to_owned())),
            measure(M::Sum("born".to_owned())),
        ],
        ..query("persons")
    };
    let cells = world.run(&query).unwrap().table.cells;
    let cells = cells.iter().map(|cell| {
        let sums = cell.measures.iter().map(|part| match part {
            Part::Moments { sum, .. } => sum.to_string(),
            other => panic!("{other:?}"),
        });
        let key = cell.key.iter().map(|key| match key {
            Key::Code(code) => code.clone(),
            Key::Period(month) => month.to_string(),
            other => format!("{other:?}"),
        });
        key.chain(sums).collect::<Vec<_>>().join(" ")
    });
    cells.collect::<Vec<_>>().join(", ")
}

/// Milliseconds.
const DAY: i64 = 86_400_000;

#[test]
fn columns_may_be_stored_in_many_shapes() {
    let is = "1 -1 -1 10, 2 0 -0.25 12";
    let narrow: Vec<(&str, ArrayRef)> = vec![
        ("person", Arc::new(Int8Array::from(vec![0, 1]))),
        ("sex", Arc::new(LargeStringArray::from(vec!["1", "2"]))),
        ("died", Arc::new(Date64Array::from(vec![-DAY, 0]))),
        ("weight", Arc::new(Float32Array::from(vec![69.25, 70.0]))),
        ("born", Arc::new(Int16Array::from(vec![1970, 1972]))),
    ];
    assert_eq!(answer(narrow), is);
    let wide: Vec<(&str, ArrayRef)> = vec![
        ("born", Arc::new(UInt64Array::from(vec![1970, 1972]))),
        (
            "died",
            Arc::new(TimestampMicrosecondArray::from(vec![-1, 1])),
        ),
        ("sex", Arc::new(StringViewArray::from(vec!["1", "2"]))),
        ("person", Arc::new(UInt64Array::from(vec![0, 1]))),
        ("weight", Arc::new(Float32Array::from(vec![69.25, 70.0]))),
        ("other", Arc::new(StringArray::from(vec!["x", "y"]))),
    ];
    assert_eq!(answer(wide), is);
    for sex in [
        Arc::new(
            vec!["1", "2"]
                .into_iter()
                .collect::<DictionaryArray<Int8Type>>(),
        ) as ArrayRef,
        Arc::new(
            vec!["1", "2"]
                .into_iter()
                .collect::<DictionaryArray<Int32Type>>(),
        ),
    ] {
        let coded: Vec<(&str, ArrayRef)> = vec![
            ("person", Arc::new(UInt64Array::from(vec![0, 1]))),
            ("sex", sex),
            ("died", Arc::new(Date64Array::from(vec![-DAY, 0]))),
            ("weight", Arc::new(Float32Array::from(vec![69.25, 70.0]))),
            ("born", Arc::new(UInt64Array::from(vec![1970, 1972]))),
        ];
        assert_eq!(answer(coded), is);
    }
}
