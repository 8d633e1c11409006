//! Conditions, dimensions and measures, worked out by hand over views of persons and events.

use innsyn_proto::wire::research::v1 as wire;
use wire::measure::Measure as M;
use wire::{Expression, Operator, Period, Query};

use super::super::{Key, Part};
use super::world::{
    Row, Value, World, all, any, by_bands, by_code, by_date, code, codes, compare, dates, day,
    events, events_view, measure, month, not, persons_view, query, row, whole,
};

/// Six persons; person 3 has no value at all, and person 5 no row.
fn people() -> Vec<Row> {
    let person = |at, sex, born, weight| {
        row(
            at,
            &[
                ("sex", code(sex)),
                ("born", Value::Whole(born)),
                ("weight", Value::Real(weight)),
            ],
        )
    };
    vec![
        person(0, "1", 1950, 80.25),
        person(1, "2", 1960, 60.25),
        person(2, "2", 1961, 500.0),
        row(3, &[]),
        person(4, "1", 1980, 70.25),
    ]
}

fn stay(person: u32, date: Value, icd: &str) -> Row {
    row(person, &[("date", date), ("icd", code(icd))])
}

fn world() -> World {
    let stays = [
        stay(0, day(2000, 1, 1), "C50"),
        stay(0, day(2001, 6, 30), "C509"),
        stay(0, day(2001, 7, 1), "I21"),
        stay(1, day(2000, 1, 31), "C61"),
        stay(2, day(2002, 12, 31), "C50"),
    ];
    World::of(6)
        .with(persons_view(), &people(), (1_000, 1_000))
        .with(events_view("stays"), &stays, (1_000, 1_000))
}

/// Who is counted when the population is `population`.
fn those(population: Expression) -> Vec<u32> {
    let query = Query {
        population: Some(population),
        ..query("persons")
    };
    world().run(&query).unwrap().counted.iter().collect()
}

#[test]
fn without_a_population_everybody_with_a_row_counts() {
    let answer = world().run(&query("persons")).unwrap();
    assert_eq!(answer.counted.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let [cell] = &*answer.table.cells else {
        panic!("{:?}", answer.table)
    };
    assert_eq!((&*cell.key, cell.persons, cell.events), (&[][..], 5, 5));
    assert_eq!(cell.measures, [Part::Counted]);
}

#[test]
fn numbers_are_compared_with_each_operator() {
    use Operator as O;
    assert_eq!(those(whole("born", O::Equal, 1960)), [1]);
    assert_eq!(those(whole("born", O::Less, 1960)), [0]);
    assert_eq!(those(whole("born", O::LessOrEqual, 1960)), [0, 1]);
    assert_eq!(those(whole("born", O::Greater, 1960)), [2, 4]);
    assert_eq!(those(whole("born", O::GreaterOrEqual, 1960)), [1, 2, 4]);
    let real = |operator| compare("weight", operator, wire::literal::Literal::Real(70.25));
    assert_eq!(those(real(O::Less)), [1]);
    assert_eq!(those(real(O::GreaterOrEqual)), [0, 2, 4]);
}

#[test]
fn a_missing_value_makes_a_condition_false_and_its_negation_true() {
    let born = whole("born", Operator::Less, 1955);
    assert_eq!(those(born.clone()), [0]);
    assert_eq!(those(not(born)), [1, 2, 3, 4]);
    let women = codes("sex", &["2"], false);
    assert_eq!(those(not(women.clone())), [0, 3, 4]);
    assert_eq!(those(not(not(women))), [1, 2]);
    assert_eq!(
        those(dates("died", None, Some(month(2010, 1)))),
        [] as [u32; 0]
    );
}

#[test]
fn all_any_and_not_are_what_they_say() {
    let (women, old) = (
        codes("sex", &["2"], false),
        whole("born", Operator::Less, 1961),
    );
    assert_eq!(those(all(vec![women.clone(), old.clone()])), [1]);
    assert_eq!(those(any(vec![women.clone(), old.clone()])), [0, 1, 2]);
    assert_eq!(those(not(any(vec![women, old]))), [3, 4]);
}

#[test]
fn a_person_is_asked_for_a_number_of_events() {
    let cancer = || codes("icd", &["C"], true);
    assert_eq!(those(events("stays", None, 1)), [0, 1, 2]);
    assert_eq!(those(events("stays", None, 3)), [0]);
    assert_eq!(those(events("stays", None, 4)), [] as [u32; 0]);
    assert_eq!(those(events("stays", Some(cancer()), 2)), [0]);
    assert_eq!(
        those(events("stays", Some(codes("icd", &["C50"], false)), 1)),
        [0, 2]
    );
    assert_eq!(
        those(events("stays", Some(codes("icd", &["C50"], true)), 2)),
        [0]
    );
    assert_eq!(those(not(events("stays", Some(cancer()), 1))), [3, 4]);
}

#[test]
fn a_window_holds_its_first_month_whole_and_not_its_last() {
    let within = |from, until| events("stays", Some(dates("date", from, until)), 1);
    let january = month(2000, 1);
    assert_eq!(those(within(Some(january), Some(january + 1))), [0, 1]);
    assert_eq!(those(within(Some(january + 1), Some(month(2002, 12)))), [0]);
    assert_eq!(those(within(Some(month(2002, 12)), None)), [2]);
    assert_eq!(those(within(None, Some(january))), [] as [u32; 0]);
    // 30 June and 1 July.
    let june = month(2001, 6);
    let two = |until| events("stays", Some(dates("date", Some(june), Some(until))), 2);
    assert_eq!(those(two(june + 1)), [] as [u32; 0]);
    assert_eq!(those(two(june + 2)), [0]);
}

#[test]
fn dimensions_make_cells_of_codes_bands_and_what_is_missing() {
    let query = Query {
        dimensions: vec![by_code("sex", 0), by_bands("born", &[1960, 1980])],
        ..query("persons")
    };
    let cells = world().run(&query).unwrap().table.cells;
    let found: Vec<_> = cells
        .into_iter()
        .map(|cell| (cell.key, cell.persons))
        .collect();
    let sex = |code: &str| Key::Code(code.to_owned());
    assert_eq!(
        found,
        [
            (vec![Key::Missing, Key::Missing], 1),
            (vec![sex("1"), Key::Band(0)], 1),
            (vec![sex("1"), Key::Band(2)], 1),
            (vec![sex("2"), Key::Band(1)], 2),
        ]
    );
}

#[test]
fn dates_make_cells_of_years_and_quarters() {
    let dead = |at, date| row(at, &[("died", date)]);
    let people = [
        dead(0, day(1969, 12, 31)),
        dead(1, day(2000, 3, 31)),
        dead(2, day(2000, 4, 1)),
        row(3, &[]),
    ];
    let world = World::of(4).with(persons_view(), &people, (1_000, 1_000));
    let keys = |period| {
        let query = Query {
            dimensions: vec![by_date("died", period)],
            ..query("persons")
        };
        let cells = world.run(&query).unwrap().table.cells;
        let keys = cells.into_iter().flat_map(|cell| cell.key);
        keys.collect::<Vec<_>>()
    };
    let period = |year, at| Key::Period(month(year, at));
    assert_eq!(
        keys(Period::Year),
        [Key::Missing, period(1969, 1), period(2000, 1)]
    );
    assert_eq!(
        keys(Period::Quarter),
        [
            Key::Missing,
            period(1969, 10),
            period(2000, 1),
            period(2000, 4)
        ]
    );
}

/// The parts of `measures` over all persons of the world.
fn parts(measures: Vec<M>) -> Vec<Part> {
    let query = Query {
        measures: measures.into_iter().map(measure).collect(),
        ..query("persons")
    };
    world().run(&query).unwrap().table.cells.remove(0).measures
}

#[test]
fn moments_are_of_clipped_values_about_the_centre() {
    let weight = || "weight".to_owned();
    // 80.25, 60.25, 500 clipped to 120, and 70.25, about 70.25.
    let (sum, squares) = (10.0 - 10.0 + 49.75, 100.0 + 100.0 + 49.75 * 49.75);
    let moments = |squares| Part::Moments {
        values: 4,
        sum,
        squares,
    };
    assert_eq!(
        parts(vec![
            M::Sum(weight()),
            M::Mean(weight()),
            M::Variance(weight())
        ]),
        [moments(None), moments(None), moments(Some(squares))]
    );
}

#[test]
fn a_histogram_counts_what_is_off_the_grid_at_its_ends() {
    let histogram = |from, width, bins| {
        M::Histogram(wire::Histogram {
            variable: "born".to_owned(),
            from,
            width,
            bins,
        })
    };
    // Born 1950, 1960, 1961 and 1980.
    assert_eq!(
        parts(vec![
            histogram(1955, 5, 3),
            histogram(1950, 10, 4),
            histogram(1961, 1, 1)
        ]),
        [
            Part::Histogram(vec![1, 2, 1]),
            Part::Histogram(vec![1, 2, 0, 1]),
            Part::Histogram(vec![4]),
        ]
    );
}

#[test]
fn a_life_table_follows_each_person_from_entry_to_event_or_end() {
    let followed = |at, dates: [Option<Value>; 3]| {
        let named = ["entered", "died", "left"].into_iter().zip(dates);
        let values: Vec<_> = named
            .filter_map(|(name, date)| Some((name, date?)))
            .collect();
        row(at, &values)
    };
    let entered = || Some(day(2000, 1, 31));
    let people = [
        // Dies in the second year, and in the month of leaving.
        followed(0, [entered(), Some(day(2001, 1, 1)), None]),
        followed(1, [entered(), Some(day(2001, 5, 1)), Some(day(2001, 5, 1))]),
        // Leaves in the first year, and dies after it.
        followed(
            2,
            [entered(), Some(day(2005, 1, 1)), Some(day(2000, 12, 31))],
        ),
        // Is there after three years; is followed to December 2009.
        followed(3, [entered(), None, Some(day(2003, 1, 1))]),
        followed(4, [Some(day(2009, 12, 1)), None, None]),
        // Never came, or left before that.
        followed(5, [None, Some(day(2001, 1, 1)), None]),
        followed(6, [entered(), None, Some(day(1999, 12, 31))]),
        followed(
            7,
            [entered(), Some(day(1999, 12, 31)), Some(day(2002, 1, 1))],
        ),
    ];
    let world = World::of(8).with(persons_view(), &people, (1_000, 1_000));
    let query = Query {
        measures: vec![
            measure(M::LifeTable(wire::LifeTable {
                entry: "entered".to_owned(),
                event: "died".to_owned(),
                exit: "left".to_owned(),
                step: Period::Year.into(),
                steps: 3,
            })),
            measure(M::PersonTime(wire::PersonTime {
                entry: "entered".to_owned(),
                event: "died".to_owned(),
                exit: "left".to_owned(),
            })),
        ],
        ..query("persons")
    };
    let cell = world.run(&query).unwrap().table.cells.remove(0);
    assert_eq!(cell.persons, 8);
    assert_eq!(
        cell.measures,
        [
            Part::LifeTable {
                events: vec![0, 2, 0],
                left: vec![2, 0, 0],
                beyond: 1,
            },
            // 12 and 16 months to the events, 11 and 36 to having left, none in the last month.
            Part::Moments {
                values: 5,
                sum: 75.0,
                squares: None,
            },
        ]
    );
}
