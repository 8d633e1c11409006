//! Memory, cells, cancellation, and row groups that are left unread.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Int64Array, StringArray, UInt32Array};
use innsyn_proto::wire::research::v1 as wire;
use tokio_util::sync::CancellationToken;
use wire::measure::Measure as M;
use wire::{Operator, Period, Query};

use super::super::{CELLS_MAX, EngineError, Included, PersonSet, SCAN_BYTES, run};
use super::world::{
    Row, Value, World, by_bands, by_code, by_period, code, day, events_view, measure, month,
    persons_view, query, row, whole,
};

#[test]
fn a_register_that_does_not_fit_is_taken_in_ranges() {
    let persons = 100_000;
    let numbers = (0..persons).rev();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "person",
            Arc::new(numbers.map(Some).collect::<UInt32Array>()),
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![11_323; persons as usize])),
        ),
        (
            "region",
            Arc::new(
                (0..persons)
                    .map(|at| Some(["03", "46"][at as usize % 2]))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "days",
            Arc::new(
                (0..persons)
                    .map(|at| Some(i64::from(at % 50)))
                    .collect::<Int64Array>(),
            ),
        ),
    ];
    let world = World::of(persons).with_columns(events_view("stays"), columns);
    let query = Query {
        period: Period::Year.into(),
        dimensions: vec![by_code("region", 0), by_period()],
        measures: vec![measure(M::Variance("days".to_owned()))],
        ..query("stays")
    };
    let everybody = || PersonSet::everybody(persons);
    let whole = world.run(&query).unwrap();
    assert_eq!(whole.table.cells.len(), 2);
    // Three years of 40 bytes and a code for each person are 12 MB; here is a fifth of that, of
    // which a quarter is for cells and for which of them each person is in.
    let parts = world
        .run_in(&query, everybody(), SCAN_BYTES + 2_400_000)
        .unwrap();
    assert_eq!(parts, whole);
    // So many passes that it would never end.
    let error = world
        .run_in(&query, everybody(), SCAN_BYTES + 13_000)
        .unwrap_err();
    assert_eq!(
        error,
        EngineError::Memory {
            limit_bytes: SCAN_BYTES + 13_000
        }
    );
    assert_eq!(
        world.run_in(&query, everybody(), 0).unwrap_err().code(),
        "MEMORY"
    );
}

#[test]
fn a_grid_that_takes_more_than_the_memory_is_never_made() {
    let world = World::of(1).with(
        persons_view(),
        &[row(0, &[("born", Value::Whole(1960))])],
        (10, 10),
    );
    let query = Query {
        measures: vec![measure(M::Histogram(wire::Histogram {
            variable: "born".to_owned(),
            from: 0,
            width: 1,
            bins: u32::MAX,
        }))],
        ..query("persons")
    };
    assert_eq!(world.run(&query).unwrap_err().code(), "MEMORY");
}

#[test]
fn a_table_of_too_many_cells_is_refused() {
    let persons = u32::try_from(CELLS_MAX).unwrap() + 1;
    let people: Vec<Row> = (0..persons)
        .map(|at| row(at, &[("sex", code(&at.to_string()))]))
        .collect();
    let world = World::of(persons).with(persons_view(), &people, (100_000, 100_000));
    let query = Query {
        dimensions: vec![by_code("sex", 0)],
        ..query("persons")
    };
    assert_eq!(world.run(&query), Err(EngineError::TooManyCells(CELLS_MAX)));
    let mut fewer = PersonSet::everybody(persons);
    fewer.remove(7);
    assert_eq!(
        world.run_for(&query, fewer).unwrap().table.cells.len(),
        CELLS_MAX
    );
}

#[test]
fn a_cancelled_query_gives_nothing() {
    let world = World::of(1).with(persons_view(), &[row(0, &[])], (10, 10));
    let cancel = CancellationToken::new();
    let included = Included::new(PersonSet::everybody(1));
    let run = |cancel: &CancellationToken| {
        run(
            &query("persons"),
            &world.snapshot,
            &included,
            SCAN_BYTES + 65_536,
            cancel,
        )
    };
    assert!(run(&cancel).is_ok());
    cancel.cancel();
    assert_eq!(run(&cancel), Err(EngineError::Cancelled));
}

#[test]
fn included_persons_of_another_snapshot_are_refused() {
    let world = World::of(2).with(persons_view(), &[row(0, &[])], (10, 10));
    let error = world.run_for(&query("persons"), PersonSet::everybody(3));
    assert_eq!(error, Err(EngineError::OtherSnapshot));
}

/// The pages of the first row group are spoilt, so reading them fails; only a run that leaves them
/// unread succeeds.
#[test]
fn row_groups_that_cannot_count_are_left_unread() {
    let stay = |person, year, days| {
        row(
            person,
            &[("date", day(year, 1, 1)), ("days", Value::Whole(days))],
        )
    };
    let stays = [
        stay(0, 2000, 1),
        stay(1, 2000, 2),
        stay(0, 2002, 5),
        stay(1, 2002, 6),
    ];
    let world = World::of(2).with(events_view("stays"), &stays, (1_000, 2));
    spoil_first_row_group(&world);
    let persons = |each| {
        let query = Query {
            rows: super::world::rows(wire::Pick::All, Some(each)),
            ..query("stays")
        };
        world.run(&query).map(|answer| answer.counted.len())
    };
    let late = || super::world::dates("date", Some(month(2001, 1)), None);
    assert_eq!(persons(late()), Ok(2));
    assert_eq!(persons(whole("days", Operator::Greater, 5)), Ok(1));
    assert_eq!(persons(whole("days", Operator::Equal, 5)), Ok(1));
    let both = super::world::all(vec![late(), whole("days", Operator::Less, 9)]);
    assert_eq!(persons(both), Ok(2));
    // These may be true of what is in it.
    let unreadable = EngineError::Unreadable {
        view: "stays".to_owned(),
    };
    let may_be = [
        whole("days", Operator::GreaterOrEqual, 2),
        super::world::not(late()),
        super::world::any(vec![late(), whole("days", Operator::Equal, 1)]),
    ];
    for each in may_be {
        assert_eq!(persons(each), Err(unreadable.clone()));
    }
}

/// Overwrites the pages of the first row group, but not what the file says about them.
fn spoil_first_row_group(world: &World) {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use std::os::unix::fs::FileExt as _;

    let path = world.snapshot.views[0].files[0].path();
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let reader = SerializedFileReader::new(file.try_clone().unwrap()).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 2);
    for column in reader.metadata().row_group(0).columns() {
        let (from, bytes) = column.byte_range();
        let nonsense = vec![0xff; usize::try_from(bytes).unwrap()];
        file.write_all_at(&nonsense, from).unwrap();
    }
}

#[test]
fn bands_of_a_dimension_are_found_in_any_view() {
    // Of events, with the band of a variable of the person.
    let stays = [row(
        0,
        &[("date", day(2001, 1, 1)), ("born", Value::Whole(1950))],
    )];
    let world = World::of(1).with(events_view("stays"), &stays, (10, 10));
    let query = Query {
        dimensions: vec![by_bands("born", &[1950])],
        ..query("stays")
    };
    let cells = world.run(&query).unwrap().table.cells;
    assert_eq!(cells[0].key, [super::super::Key::Band(1)]);
}
