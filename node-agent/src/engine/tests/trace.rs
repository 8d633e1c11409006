//! Whoever is left out leaves no trace: neither in a table, nor in an error, nor in what is known
//! of codes.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, UInt32Array};
use innsyn_proto::wire::research::v1 as wire;
use wire::measure::Measure as M;
use wire::{Operator, Pick, Query};

use super::super::{CELLS_MAX, PersonSet, SCAN_BYTES};
use super::random::Random;
use super::world::{
    Row, Value, World, by_code, code, codes, compare, day, events, events_view, measure, month,
    not, persons_view, query, row, rows, whole,
};

/// Everybody but those left out.
fn without(persons: u32, left_out: &[u32]) -> PersonSet {
    let mut set = PersonSet::everybody(persons);
    for person in left_out {
        set.remove(*person);
    }
    set
}

fn stay(person: u32, icd: &str, cost: f64) -> Row {
    row(
        person,
        &[
            ("region", code("0301")),
            ("date", day(2001, 1, 1)),
            ("icd", code(icd)),
            ("cost", Value::Real(cost)),
        ],
    )
}

#[test]
fn an_excluded_person_is_as_good_as_not_in_the_files() {
    for seed in 1_000..1_030 {
        let mut random = Random::new(seed);
        let world = random.world();
        let included = random.included(world.snapshot.persons);
        let mut emptied = World::of(world.snapshot.persons);
        for stored in &world.snapshot.views {
            let mut rows = world.rows[&stored.description.name].clone();
            rows.retain(|row| row.person.is_some_and(|person| included.contains(person)));
            emptied = emptied.with(stored.description.clone(), &rows, (1_000, 1_000));
        }
        for _ in 0..5 {
            let query = random.query();
            let one = world.run_for(&query, included.clone()).unwrap();
            assert_eq!(
                one,
                emptied.run_for(&query, included.clone()).unwrap(),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn no_predicate_looks_at_an_excluded_person() {
    // Person 1 alone has the code, the first event, the largest cost, and many events.
    let mut stays = vec![
        stay(0, "C50", 1.0),
        stay(2, "C50", 1.0),
        stay(1, "X99", 1e9),
    ];
    stays.extend((0..9).map(|_| stay(1, "C50", 1e9)));
    let world = World::of(3)
        .with(
            persons_view(),
            &[row(0, &[]), row(1, &[]), row(2, &[])],
            (9, 9),
        )
        .with(events_view("stays"), &stays, (1_000, 1));
    let included = without(3, &[1]);
    let conditions = [
        events("stays", Some(codes("icd", &["X"], true)), 1),
        events("stays", None, 2),
        events(
            "stays",
            Some(compare(
                "cost",
                Operator::Greater,
                wire::literal::Literal::Real(1e6),
            )),
            1,
        ),
    ];
    for condition in conditions {
        let asked = |population| {
            let query = Query {
                population: Some(population),
                ..query("persons")
            };
            world.run_for(&query, included.clone()).unwrap().counted
        };
        assert!(asked(condition.clone()).is_empty());
        assert_eq!(asked(not(condition)), included);
    }
    let picked = Query {
        rows: rows(Pick::Last, None),
        dimensions: vec![by_code("icd", 0)],
        measures: vec![measure(M::Sum("cost".to_owned()))],
        ..query("stays")
    };
    let cells = world.run_for(&picked, included).unwrap().table.cells;
    assert_eq!((cells.len(), cells[0].persons), (1, 2));
}

/// Person 1 has more codes than a table has cells or the memory has room; who is included has
/// one. A row of person 1 that got through would make the run fail.
#[test]
fn the_codes_of_an_excluded_person_fill_no_memory_and_no_cell() {
    let many = CELLS_MAX + 10;
    let codes = (0..many).map(|at| format!("Z{at}"));
    let codes: StringArray = codes.chain(["C50".to_owned()]).map(Some).collect();
    let persons = (0..many).map(|_| 1).chain([0]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "person",
            Arc::new(persons.map(Some).collect::<UInt32Array>()),
        ),
        ("date", Arc::new(Date32Array::from(vec![11_323; many + 1]))),
        ("icd", Arc::new(codes)),
    ];
    let world = World::of(2).with_columns(events_view("stays"), columns);
    let query = Query {
        rows: rows(Pick::First, None),
        dimensions: vec![by_code("icd", 0)],
        ..query("stays")
    };
    let few = SCAN_BYTES + 8_192;
    let answer = world.run_in(&query, without(2, &[1]), few).unwrap();
    assert_eq!(answer.table.cells.len(), 1);

    let together = Query {
        rows: rows(Pick::All, Some(super::world::codes("icd", &["Z"], true))),
        dimensions: Vec::new(),
        ..query
    };
    assert!(
        world
            .run_in(&together, without(2, &[1]), few)
            .unwrap()
            .counted
            .is_empty()
    );
    let all = world.run_in(&together, without(2, &[]), few);
    assert_eq!(all.unwrap_err().code(), "MEMORY");
}

#[test]
fn values_that_cannot_be_worked_with_are_missing_and_fail_nothing() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "person",
            Arc::new(Int64Array::from(vec![
                Some(0),
                Some(1),
                Some(2),
                Some(-1),
                Some(1 << 40),
                None,
            ])),
        ),
        (
            "born",
            Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 1950, 1, 1, 1])),
        ),
        (
            "weight",
            Arc::new(Float64Array::from(vec![
                f64::NAN,
                f64::INFINITY,
                1e308,
                1.0,
                1.0,
                1.0,
            ])),
        ),
        (
            "died",
            Arc::new(Date32Array::from(vec![
                i32::MIN,
                i32::MAX,
                i32::MIN + 1,
                0,
                0,
                0,
            ])),
        ),
    ];
    let world = World::of(3).with_columns(persons_view(), columns);
    let those = |population| {
        let query = Query {
            population: Some(population),
            dimensions: vec![super::world::by_date("died", wire::Period::Year)],
            measures: vec![
                measure(M::Variance("weight".to_owned())),
                measure(M::Variance("born".to_owned())),
            ],
            ..query("persons")
        };
        let answer = world.run(&query).unwrap();
        answer.counted.iter().collect::<Vec<_>>()
    };
    assert_eq!(those(whole("born", Operator::Greater, 0)), [2]);
    assert_eq!(those(not(whole("born", Operator::Greater, 0))), [0, 1]);
    let light = compare(
        "weight",
        Operator::Less,
        wire::literal::Literal::Real(f64::MAX),
    );
    assert_eq!(those(light), [2]);
    let late = super::world::dates("died", Some(month(2000, 1)), None);
    assert_eq!(those(late), [1]);
}

#[test]
fn an_answer_and_its_error_print_no_person() {
    let set = without(3, &[1]);
    assert_eq!(format!("{set:?}"), "PersonSet { persons: 3, .. }");
}
