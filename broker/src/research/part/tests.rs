//! What is taken for an answer, and what is not.

use Category::{Missing, Number};
use innsyn_proto::query::check;
use innsyn_proto::wire::research::v1 as research;
use research::measure::Measure as Asked;
use wire::measured::Measured as M;

use super::*;
use crate::research::tests::queries::*;

fn plan(query: &research::Query) -> Plan {
    Plan::of(&check(query, &views("nord", true)).unwrap()).unwrap()
}

fn part(cells: Vec<wire::Cell>) -> wire::Part {
    wire::Part {
        cells,
        snapshot: vec![1; 32].into(),
        use_log_leaf: vec![2; 32].into(),
        overlaps: None,
    }
}

fn income() -> research::Query {
    let of = |measured: fn(String) -> Asked| measure(measured("income".to_owned()));
    asks(
        vec![by_sex(), by_age()],
        vec![persons(), of(Asked::Mean), of(Asked::Variance)],
    )
}

/// One cell that fits, changed.
fn with(change: impl Fn(&mut wire::Cell)) -> Result<Counted, PartError> {
    let measures = vec![
        counted(),
        moments(9, 900.0, None),
        moments(9, 900.0, Some(100_000.0)),
    ];
    let mut cell = cell(vec![code("K"), band(2)], 10, measures);
    change(&mut cell);
    read(&part(vec![cell]), &plan(&income()))
}

fn is(cell: &mut wire::Cell, at: usize, measured: M) {
    cell.measures[at].measured = Some(measured);
}

#[test]
fn an_answer_that_fits_is_read() {
    let counted = with(|_| {}).unwrap();

    assert_eq!(counted.snapshot, [1; 32]);
    let key = vec![Category::Code("K".into()), Category::Number(2)];
    let partial = Partial {
        persons: 10,
        events: 0,
        moments: vec![Moments {
            n: 9,
            s: 900.0,
            q: 100_000.0,
        }],
    };
    assert_eq!(counted.table, BTreeMap::from([(key, partial)]));
}

#[test]
fn an_answer_that_does_not_fit_is_refused() {
    type Change = fn(&mut wire::Cell);
    let table: &[(PartError, &str, Change)] = &[
        (PartError::Key, "a dimension less", |c| c.key.truncate(1)),
        (PartError::Key, "a dimension more", |c| c.key.push(band(0))),
        (PartError::Key, "another kind", |c| c.key[1] = code("2")),
        (PartError::Key, "no such band", |c| c.key[1] = band(3)),
        (PartError::Key, "no kind", |c| {
            c.key[0] = wire::Category::default();
        }),
        (PartError::Key, "a code of two lines", |c| {
            c.key[0] = code("K\n");
        }),
        (PartError::Key, "a code without end", |c| {
            c.key[0] = code(&"K".repeat(257));
        }),
        (PartError::Impossible, "nobody", |c| c.persons = 0),
        (PartError::Impossible, "all the world", |c| {
            c.persons = u64::MAX;
        }),
        (PartError::Measures, "a measure less", |c| {
            c.measures.truncate(2);
        }),
        (PartError::Measures, "a measure more", |c| {
            c.measures.push(c.measures[0].clone());
        }),
        (PartError::Measures, "no kind of measure", |c| {
            c.measures[0].measured = None;
        }),
        (PartError::Measures, "moments for a count", |c| {
            is(c, 0, moments(1, 0.0, None));
        }),
        (PartError::Measures, "no squares for a variance", |c| {
            is(c, 2, moments(9, 900.0, None));
        }),
        (PartError::Measures, "squares for a mean", |c| {
            is(c, 1, moments(9, 900.0, Some(100_000.0)));
        }),
        (PartError::Impossible, "more values than persons", |c| {
            is(c, 1, moments(11, 900.0, None));
        }),
        (PartError::Impossible, "two sums of one variable", |c| {
            is(c, 1, moments(9, 901.0, None));
        }),
        (PartError::Impossible, "beyond the upper bound", |c| {
            is(c, 1, moments(9, 8_101.0, None));
        }),
        (PartError::Impossible, "beyond the lower bound", |c| {
            is(c, 1, moments(9, -901.0, None));
        }),
        (PartError::Impossible, "no number", |c| {
            is(c, 1, moments(9, f64::NAN, None));
        }),
        (PartError::Impossible, "squares beyond the bounds", |c| {
            is(c, 2, moments(9, 900.0, Some(9.0 * 810_001.0)));
        }),
        (
            PartError::Impossible,
            "squares below what the sum needs",
            |c| {
                is(c, 2, moments(9, 900.0, Some(89_999.0)));
            },
        ),
        (PartError::Impossible, "squares that are no number", |c| {
            is(c, 2, moments(9, 900.0, Some(f64::NAN)));
        }),
    ];
    for (error, what, change) in table {
        assert_eq!(with(change), Err(*error), "{what}");
    }
}

#[test]
fn a_cell_stands_once_and_an_answer_names_its_data() {
    let plan = plan(&persons_by_sex());
    let sound = part(sexes(5, 7));
    assert_eq!(read(&sound, &plan).unwrap().table.len(), 2);

    let twice = part([sexes(5, 7), sexes(5, 7)].concat());
    assert_eq!(read(&twice, &plan), Err(PartError::Twice));
    for (snapshot, use_log_leaf, error) in [
        (vec![1; 31], vec![2; 32], PartError::Snapshot),
        (vec![1; 32], vec![], PartError::UseLogLeaf),
    ] {
        let unnamed = wire::Part {
            snapshot: snapshot.into(),
            use_log_leaf: use_log_leaf.into(),
            ..sound.clone()
        };
        assert_eq!(read(&unnamed, &plan), Err(error));
    }
    let too_many = (0..=CELLS_MAX).map(|n| cell(vec![code(&n.to_string())], 1, vec![counted()]));
    let too_many = part(too_many.collect());
    assert_eq!(read(&too_many, &plan), Err(PartError::TooManyCells));
}

#[test]
fn steps_of_a_life_table_are_persons_of_the_cell() {
    let plan = plan(&life_table());
    let of = |persons, events: &[u64], left: &[u64], beyond| {
        let followed = M::LifeTable(wire::Followed {
            events: events.into(),
            left: left.into(),
            beyond,
        });
        read(&part(vec![cell(vec![], persons, vec![followed])]), &plan)
    };
    let counted = of(20, &[1, 2], &[3, 0], 4).unwrap();

    let persons: Vec<_> = counted
        .table
        .iter()
        .map(|(key, partial)| (key[0].clone(), partial.persons))
        .collect();
    assert_eq!(
        persons,
        [
            (Number(0), 1),
            (Number(1), 3),
            (Number(2), 2),
            (Number(4), 4),
            (Missing, 10)
        ]
    );
    assert_eq!(of(9, &[1, 2], &[3, 0], 4), Err(PartError::Impossible));
    assert_eq!(
        of(20, &[u64::MAX, 1], &[0, 0], 0),
        Err(PartError::Impossible)
    );
    assert_eq!(of(20, &[1], &[3], 4), Err(PartError::Measures));
}

#[test]
fn first_stays_have_one_event_for_each_person() {
    let mut asked = life_table();
    asked.measures = vec![measure(Asked::Events(research::EventCount {}))];
    let of = |query: &research::Query, events| {
        let mut cell = cell(vec![], 10, vec![counted()]);
        cell.events = events;
        read(&part(vec![cell]), &plan(query))
    };
    assert_eq!(of(&asked, 11), Err(PartError::Impossible));
    assert!(of(&asked, 10).is_ok());
    asked.rows = None;
    assert!(of(&asked, 11).is_ok());
    assert_eq!(of(&asked, 9), Err(PartError::Impossible));
}
