//! What makes a person's row of many events, worked out by hand.

use innsyn_proto::wire::research::v1 as wire;
use wire::measure::Measure as M;
use wire::{Operator, Period, Pick, Query};

use super::super::{Cell, Key, Part};
use super::world::{
    Row, Value, World, by_code, by_period, code, codes, day, events_view, measure, month, query,
    row, rows, whole,
};

fn stay(person: u32, region: &str, date: Value, icd: &str, cost: f64) -> Row {
    let mut row = row(
        person,
        &[
            ("region", code(region)),
            ("date", date),
            ("icd", code(icd)),
            ("cost", Value::Real(cost)),
            ("born", Value::Whole(1960)),
        ],
    );
    if cost.is_nan() {
        row.values.remove("cost");
    }
    row
}

/// Person 0 has stays in 2000 (two of one day) and 2002, person 1 in 2001; of person 2 there is
/// one before the view's months and one without a date, of person 3 nothing.
fn world() -> World {
    let mut undated = stay(2, "46", day(2001, 1, 1), "J45", 1.0);
    undated.values.remove("date");
    let stays = [
        stay(0, "0301", day(2002, 2, 1), "C61", 2000.0),
        stay(0, "0301", day(2000, 5, 3), "I21", 200.5),
        stay(0, "0301", day(2000, 5, 3), "C50", 100.5),
        stay(1, "1103", day(2001, 12, 31), "C50", f64::NAN),
        stay(2, "46", day(1999, 12, 31), "J45", 1.0),
        undated,
    ];
    World::of(4).with(events_view("stays"), &stays, (1_000, 1_000))
}

fn cells(query: &Query) -> Vec<Cell> {
    world().run(query).unwrap().table.cells
}

fn counts(query: &Query) -> Vec<(Vec<Key>, u64, u64)> {
    let cells = cells(query).into_iter();
    cells
        .map(|cell| (cell.key, cell.persons, cell.events))
        .collect()
}

fn text(code: &str) -> Key {
    Key::Code(code.to_owned())
}

#[test]
fn all_events_together_make_one_row() {
    let query = Query {
        dimensions: vec![by_code("region", 1)],
        measures: vec![
            measure(M::Events(wire::EventCount {})),
            measure(M::Variance("cost".to_owned())),
            measure(M::Mean("born".to_owned())),
        ],
        ..query("stays")
    };
    let [oslo, stavanger] = &*cells(&query) else {
        panic!("{:?}", cells(&query))
    };
    assert_eq!(
        (&*oslo.key, oslo.persons, oslo.events),
        (&[text("03")][..], 1, 3)
    );
    assert_eq!(
        oslo.measures,
        [
            Part::Counted,
            // 0, 100 and 1000 - 100.5 above the centre.
            Part::Moments {
                values: 3,
                sum: 999.5,
                squares: Some(100.0 * 100.0 + 899.5 * 899.5),
            },
            // Once, though there are three events.
            Part::Moments {
                values: 1,
                sum: 0.0,
                squares: None,
            },
        ]
    );
    assert_eq!((stavanger.persons, stavanger.events), (1, 1));
    assert_eq!(
        stavanger.measures.get(1),
        Some(&Part::Moments {
            values: 0,
            sum: 0.0,
            squares: Some(0.0),
        })
    );
}

#[test]
fn the_first_or_the_last_event_makes_the_row() {
    let by = |pick| Query {
        rows: rows(pick, None),
        dimensions: vec![by_code("icd", 0)],
        ..query("stays")
    };
    // Of the two of one day, the lesser code is first.
    assert_eq!(counts(&by(Pick::First)), [(vec![text("C50")], 2, 2)]);
    assert_eq!(
        counts(&by(Pick::Last)),
        [(vec![text("C50")], 1, 1), (vec![text("C61")], 1, 1)]
    );
}

#[test]
fn events_are_chosen_before_one_is_picked() {
    let query = Query {
        rows: rows(Pick::First, Some(codes("icd", &["C6", "I"], true))),
        dimensions: vec![by_code("icd", 1)],
        ..query("stays")
    };
    assert_eq!(counts(&query), [(vec![text("I")], 1, 1)]);
}

#[test]
fn a_person_counts_once_in_each_period() {
    let by = |pick, period: Period| Query {
        rows: rows(pick, None),
        period: period.into(),
        dimensions: vec![by_period()],
        ..query("stays")
    };
    let starts = |year, at| vec![Key::Period(month(year, at))];
    assert_eq!(
        counts(&by(Pick::All, Period::Year)),
        [
            (starts(2000, 1), 1, 2),
            (starts(2001, 1), 1, 1),
            (starts(2002, 1), 1, 1),
        ]
    );
    assert_eq!(
        counts(&by(Pick::First, Period::Quarter)),
        [
            (starts(2000, 4), 1, 1),
            (starts(2001, 10), 1, 1),
            (starts(2002, 1), 1, 1),
        ]
    );
}

#[test]
fn the_population_of_events_is_asked_of_the_person() {
    let query = |year| Query {
        population: Some(whole("born", Operator::Less, year)),
        ..query("stays")
    };
    assert_eq!(counts(&query(1961)), [(vec![], 2, 4)]);
    assert_eq!(counts(&query(1960)), []);
}

#[test]
fn a_variable_of_the_person_that_differs_has_its_least_value() {
    let stays = [
        stay(0, "46", day(2000, 1, 1), "C50", 0.0),
        stay(0, "0301", day(2001, 1, 1), "C50", 0.0),
    ];
    let world = World::of(1).with(events_view("stays"), &stays, (1, 1));
    let query = Query {
        dimensions: vec![by_code("region", 0)],
        ..query("stays")
    };
    let cells = world.run(&query).unwrap().table.cells;
    assert_eq!(cells.len(), 1);
    assert_eq!((&*cells[0].key, cells[0].events), (&[text("0301")][..], 2));
}
