//! Row groups and pages that no row of can count stay unread, and no others.

use innsyn_proto::wire::research::v1 as wire;
use tokio_util::sync::CancellationToken;
use wire::{Expression, Operator, Pick, Query};

use super::super::scan::Scan;
use super::super::{Included, PersonSet, Plan, StoredFile};
use super::naive::evaluate;
use super::world::{
    Row, Value, World, all, any, by_code, code, codes, dates, day, events_view, month, not, query,
    row, rows, whole,
};

const PERSONS: u32 = 40;

fn stays_where(each: Expression) -> Query {
    Query {
        rows: rows(Pick::First, Some(each)),
        dimensions: vec![by_code("icd", 0)],
        ..query("stays")
    }
}

/// A stay of whoever is next, with this code.
fn stay(at: usize, icd: Option<&str>) -> Row {
    let person = u32::try_from(at).unwrap() % PERSONS;
    let (year, month) = [(2000, 3), (2001, 7), (2002, 11)][at % 3];
    let mut values = vec![
        ("date", day(year, month, 1)),
        ("days", Value::Whole(i64::try_from(at % 7).unwrap())),
    ];
    values.extend(icd.map(|icd| ("icd", code(icd))));
    row(person, &values)
}

fn stays<'a>(icds: impl IntoIterator<Item = Option<&'a str>>) -> Vec<Row> {
    let icds = icds.into_iter().enumerate();
    icds.map(|(at, icd)| stay(at, icd)).collect()
}

/// How many rows are decoded to answer `query`.
fn decoded(world: &World, query: &Query) -> usize {
    let (plan, conditions) = Plan::of(query, &world.snapshot).unwrap();
    let scan = Scan {
        reading: &plan.counted,
        included: &Included::new(PersonSet::everybody(PERSONS)),
        span: &(0..PERSONS),
        cancel: &CancellationToken::new(),
    };
    let files = plan.counted.stored.files.iter();
    let row_groups = files.flat_map(|file| scan.open(file, &conditions.filter).unwrap());
    let batches = row_groups.flat_map(Result::unwrap);
    batches.map(|batch| batch.unwrap().num_rows()).sum()
}

fn meeting(world: &World, each: impl Fn(&Row) -> bool) -> usize {
    world.rows["stays"].iter().filter(|row| each(row)).count()
}

/// Fails where `query` has another answer than by reading everything.
fn is_right(world: &World, query: &Query) {
    let everybody = PersonSet::everybody(PERSONS);
    let (table, counted) = evaluate(world, query, &everybody);
    let answer = world.run(query).unwrap();
    assert_eq!(
        (answer.table, answer.counted),
        (table, counted),
        "{query:#?}"
    );
}

#[test]
fn one_code_of_three_hundred_is_found_without_decoding_the_others() {
    let icds: Vec<_> = (0..300).map(|at| format!("K{at:03}")).collect();
    let rows = stays((0..6_000).map(|at| Some(icds[at * 7 % 300].as_str())));
    let plain = World::of(PERSONS).with(events_view("stays"), &rows, (4_000, 2_000));
    let paged = plain.in_pages((4_000, 2_000), 10);
    let asked = stays_where(codes("icd", &["K123"], false));

    assert_eq!(decoded(&plain, &asked), 6_000);
    // Of each of three row groups two pages at most, since it has seven such rows.
    let few = decoded(&paged, &asked);
    assert!((20..=60).contains(&few), "{few}");
    for world in [&plain, &paged] {
        is_right(world, &asked);
    }
    // What is asked for beside it does not widen it, and what may stand instead of it does.
    let both = all(vec![
        codes("icd", &["K123"], false),
        not(codes("icd", &["K1"], true)),
    ]);
    assert_eq!(decoded(&paged, &stays_where(both)), few);
    let either = any(vec![
        codes("icd", &["K123"], false),
        whole("days", Operator::Less, 1),
    ]);
    assert_eq!(decoded(&paged, &stays_where(either)), 6_000);
}

const NESTED: [Option<&str>; 13] = [
    None,
    Some("C"),
    Some("C5"),
    Some("C50"),
    Some("C500"),
    Some("C509"),
    Some("C51"),
    Some("C6"),
    None,
    Some("D"),
    Some("Ø1"),
    Some("Ø"),
    Some("Z"),
];

/// With a row in each page, or in each row group, exactly the rows that are asked for are decoded.
#[test]
fn codes_that_begin_with_one_another_are_told_apart_and_missing_ones_skipped() {
    let rows = stays((0..130).map(|at| NESTED[at * 5 % 13]));
    let paged = World::of(PERSONS).with_pages(events_view("stays"), &rows, (70, 32), 1);
    let grouped = World::of(PERSONS).with(events_view("stays"), &rows, (70, 1));
    let mut asked: Vec<&str> = NESTED.into_iter().flatten().collect();
    asked.extend(["A", "C4", "C501", "C5099", "CC", "C52", "Å", "Ø0", "ÿ"]);
    for one in asked {
        for with_descendants in [false, true] {
            let query = stays_where(codes("icd", &[one], with_descendants));
            let is_asked = |row: &Row| match row.values.get("icd") {
                Some(Value::Code(code)) => {
                    code == one || (with_descendants && code.starts_with(one))
                }
                _ => false,
            };
            is_right(&paged, &query);
            let wanted = meeting(&paged, is_asked);
            assert_eq!(decoded(&paged, &query), wanted, "{one} {with_descendants}");
            is_right(&grouped, &query);
            let missing = meeting(&paged, |row| !row.values.contains_key("icd"));
            // Of a row group of missing codes there are no bounds.
            assert_eq!(decoded(&grouped, &query), wanted + missing);
        }
    }
}

#[test]
fn dates_and_whole_numbers_leave_out_pages_and_each_condition_leaves_out_more() {
    let rows = stays((0..210).map(|at| NESTED[at * 5 % 13]));
    let world = World::of(PERSONS).with_pages(events_view("stays"), &rows, (1_000, 100), 1);
    let late = || dates("date", Some(month(2001, 7)), Some(month(2001, 8)));
    let is_late = |row: &Row| row.values["date"] == day(2001, 7, 1);
    let is_short = |row: &Row| matches!(row.values["days"], Value::Whole(days) if days < 2);
    let is_c = |row: &Row| matches!(&row.values.get("icd"), Some(Value::Code(code)) if code == "C");
    let c = || codes("icd", &["C"], false);
    let short = || whole("days", Operator::Less, 2);

    for (each, wanted) in [
        (late(), meeting(&world, is_late)),
        (short(), meeting(&world, is_short)),
        (
            all(vec![late(), c()]),
            meeting(&world, |row| is_late(row) && is_c(row)),
        ),
        (
            all(vec![short(), all(vec![c(), late()])]),
            meeting(&world, |row| is_short(row) && is_late(row) && is_c(row)),
        ),
    ] {
        let query = stays_where(each);
        assert!(wanted > 0);
        assert_eq!(decoded(&world, &query), wanted, "{query:#?}");
        is_right(&world, &query);
    }
}

/// Bounds of long codes are shortened where they stand in an index.
#[test]
fn long_codes_are_found_where_their_bounds_are_shortened() {
    let stems = [
        "x".repeat(70),
        "é".repeat(40),
        // The next character has more bytes, or there is none, so that it cannot be made greater.
        "\u{7f}".repeat(70),
        "\u{10ffff}".repeat(20),
        format!("{}{}", "y".repeat(63), "\u{7f}".repeat(9)),
    ];
    let long = stems
        .iter()
        .flat_map(|stem| ["", "a", "b", "c", "cc"].map(|end| format!("{stem}{end}")));
    let long: Vec<_> = long.chain(["a".to_owned(), "z".to_owned()]).collect();
    let count = long.len();
    let rows = stays((0..2 * count).map(|at| Some(long[at * 5 % count].as_str())));
    for page_rows in [1, 3] {
        let paged =
            World::of(PERSONS).with_pages(events_view("stays"), &rows, (100, 50), page_rows);
        let grouped = World::of(PERSONS).with(events_view("stays"), &rows, (100, page_rows));
        for world in [&paged, &grouped] {
            for one in &long {
                for with_descendants in [false, true] {
                    is_right(world, &stays_where(codes("icd", &[one], with_descendants)));
                }
            }
            let shorter = stems.iter().map(|stem| stem.chars().take(10).collect());
            for one in shorter.collect::<Vec<String>>() {
                is_right(world, &stays_where(codes("icd", &[&one], true)));
                // Less than what begins so: it is beside the bounds of every single code.
                let other = stays_where(codes("icd", &[&format!("{one}!")], true));
                assert!(page_rows > 1 || decoded(world, &other) == 0);
            }
        }
    }
}

#[test]
fn bounds_of_persons_are_never_used() {
    let rows = stays((0..70).map(|_| Some("C")));
    let mut world = World::of(PERSONS).with_pages(events_view("stays"), &rows, (100, 50), 1);
    let one = stays_where(whole("days", Operator::Equal, 3));
    assert_eq!(decoded(&world, &one), 10);
    // Days from 0 to 6 name the persons.
    world.snapshot.views[0].person_column = "days".to_owned();
    assert_eq!(decoded(&world, &one), 70);
}

#[test]
fn a_footer_is_read_once_for_all_clones() {
    let rows = stays((0..70).map(|_| Some("C")));
    let world = World::of(PERSONS).with_pages(events_view("stays"), &rows, (100, 50), 10);
    let mut clone = World::of(PERSONS);
    clone.snapshot = world.snapshot.clone();
    let asked = stays_where(codes("icd", &["C"], false));
    let answer = world.run(&asked).unwrap();
    let path = world.snapshot.views[0].files[0].path().to_owned();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 4).unwrap();

    assert_eq!(clone.run(&asked).unwrap(), answer);
    clone.snapshot.views[0].files = vec![StoredFile::new(path)];
    assert_eq!(clone.run(&asked).unwrap_err().code(), "UNREADABLE");
    let shown = format!("{:?}", world.snapshot.views[0].files);
    assert!(shown.ends_with("-0.parquet\", .. }]"), "{shown}");
}
