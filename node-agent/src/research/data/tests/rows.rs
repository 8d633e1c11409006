//! What comes through to a snapshot, and what does not.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int64Type};
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Float32Array, Int8Array, Int16Array, Int64Array,
    LargeStringArray, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::RowGroupMetaData;

use super::super::stored::ViewReport;
use super::world::{Agent, Folder, VIEW, persons_of, read_parquet};
use crate::test_ids::{digits, looks_real};

const MEASURES: &str = r#"
[[view]]
name = "measures"
label_nb = "Målinger"
label_en = "Measures"
grain = "person"
files = "measures-*.parquet"
id_column = "who"
from = "2010-01"
until = "2026-01"

[[view.variable]]
name = "ward"
label_nb = "Avdeling"
label_en = "Ward"
type = "code"
system = "RESH"
version = "2024"

[[view.variable]]
name = "visits"
label_nb = "Besøk"
label_en = "Visits"
type = "number"
unit = "1"
is_integer = true

[[view.variable]]
name = "weight"
label_nb = "Vekt"
label_en = "Weight"
type = "number"
unit = "kg"

[[view.variable]]
name = "day"
label_nb = "Dag"
label_en = "Day"
type = "date"
"#;

async fn only_snapshot(folder: &Folder) -> (std::path::PathBuf, ViewReport) {
    let agent = Agent::over(folder).await;
    let outcomes = agent.publish().await;
    let [Ok((_, report))] = &outcomes[..] else {
        panic!("not one good view: {outcomes:?}");
    };
    let [file] = &folder.snapshots()[..] else {
        panic!("not one file");
    };
    (folder.research().join("snapshots").join(file), *report)
}

/// What one view is refused for.
async fn refused(folder: &Folder) -> String {
    let outcomes = Agent::over(folder).await.publish().await;
    match &outcomes[..] {
        [Err(error)] => format!("{error}; {}", error.what_to_do()),
        other => panic!("published: {other:?}"),
    }
}

#[tokio::test]
async fn rows_come_through_with_numbers_in_the_place_of_ids_whatever_the_types() {
    // The third is born before the tenth of a month: as a number, their id lacks a digit.
    let folder = Folder::of(&[5, 3, 28], MEASURES);
    let short: i64 = digits(28).parse().unwrap();
    assert!(short < 10_000_000_000);
    let plain: Vec<(&str, ArrayRef)> = vec![
        (
            "secret",
            Arc::new(StringArray::from(vec!["not published"; 3])),
        ),
        (
            "who",
            Arc::new(StringArray::from(vec![digits(28), digits(5), digits(28)])),
        ),
        (
            "ward",
            Arc::new(LargeStringArray::from(vec![Some("A"), None, Some("B")])),
        ),
        (
            "visits",
            Arc::new(Int16Array::from(vec![Some(1), Some(2), None])),
        ),
        (
            "weight",
            Arc::new(Float32Array::from(vec![Some(1.5), None, Some(2.5)])),
        ),
        (
            "day",
            Arc::new(Date32Array::from(vec![Some(1), Some(2), None])),
        ),
    ];
    folder.write_parquet("measures-1.parquet", plain);
    let midnight_and_noon = vec![0, 86_400_000_000 + 43_200_000_000];
    let wards = DictionaryArray::try_new(
        Int8Array::from(vec![1, 0]),
        Arc::new(StringArray::from(vec!["C", "D"])),
    );
    let others: Vec<(&str, ArrayRef)> = vec![
        (
            "day",
            Arc::new(TimestampMicrosecondArray::from(midnight_and_noon)),
        ),
        ("weight", Arc::new(Int64Array::from(vec![70, 80]))),
        ("visits", Arc::new(Int64Array::from(vec![7, 8]))),
        ("ward", Arc::new(wards.unwrap())),
        (
            "who",
            Arc::new(Int64Array::from(vec![short, digits(3).parse().unwrap()])),
        ),
    ];
    folder.write_parquet("measures-2.parquet", others);

    let (path, report) = only_snapshot(&folder).await;

    let rows = read_parquet(&path);
    let schema = rows.schema();
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["person", "ward", "visits", "weight", "day"]);
    // In the order of the wards, whichever file they come from.
    assert_eq!(persons_of(&rows), [0, 2, 2, 1, 2]);
    let wards: Vec<_> = rows["ward"].as_string::<i32>().iter().collect();
    assert_eq!(wards, [None, Some("A"), Some("B"), Some("C"), Some("D")]);
    let visits: Vec<_> = rows["visits"].as_primitive::<Int64Type>().iter().collect();
    assert_eq!(visits, [Some(2), Some(1), None, Some(8), Some(7)]);
    let weights: Vec<_> = rows["weight"]
        .as_primitive::<Float64Type>()
        .iter()
        .collect();
    assert_eq!(
        weights,
        [None, Some(1.5), Some(2.5), Some(80.0), Some(70.0)]
    );
    let days: Vec<_> = rows["day"].as_primitive::<Date32Type>().iter().collect();
    assert_eq!(days, [Some(2), Some(1), None, Some(1), Some(0)]);
    let expected = ViewReport {
        rows: 5,
        rows_of_nobody: 0,
        persons: 3,
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn rows_of_nobody_who_is_registered_are_counted_and_left_out() {
    let folder = Folder::of(&[], VIEW);
    folder.write_persons(&[0, 1], &[2]);
    let real = looks_real(0);
    let (zero, one, gone, stranger) = (digits(0), digits(1), digits(2), digits(3));
    let ids = [
        Some(&*one),
        None,
        Some(""),
        Some("12345"),
        Some(&*real),
        Some(&*gone),
        Some(&*stranger),
        Some(&*zero),
    ];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("fnr", Arc::new(StringArray::from(ids.to_vec()))),
        ("atc", Arc::new(StringArray::from(vec!["A"; 8]))),
        ("date", Arc::new(Date32Array::from(vec![1; 8]))),
    ];
    folder.write_parquet("prescriptions.parquet", columns);

    let (path, report) = only_snapshot(&folder).await;

    // All of one code, they are in the order of persons.
    assert_eq!(persons_of(&read_parquet(&path)), [0, 1]);
    let expected = ViewReport {
        rows: 8,
        rows_of_nobody: 6,
        persons: 2,
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn no_id_and_nothing_that_is_not_published_is_in_a_snapshot() {
    let folder = Folder::of(&[0, 1], VIEW);
    folder.write_prescriptions(&[(0, "A10"), (1, "B01")]);

    let (path, _) = only_snapshot(&folder).await;

    let rows = read_parquet(&path);
    for column in rows.columns() {
        let text = arrow_cast::cast(column, &arrow_schema::DataType::Utf8).unwrap();
        let text: Vec<_> = text.as_string::<i32>().iter().flatten().collect();
        let ids = [digits(0), digits(1)];
        assert!(
            !text
                .iter()
                .any(|text| ids.iter().any(|id| text.contains(id.as_str())))
        );
    }
    let bytes = std::fs::read(&path).unwrap();
    for hidden in [digits(0), digits(1), "fnr".to_owned(), "export".to_owned()] {
        let is_there = bytes
            .windows(hidden.len())
            .any(|part| part == hidden.as_bytes());
        assert!(!is_there, "{hidden}");
    }
}

#[tokio::test]
async fn a_code_that_is_a_national_id_is_never_published() {
    let folder = Folder::of(&[0, 1], VIEW);
    folder.write_prescriptions(&[(0, "A10"), (1, &digits(7))]);

    let said = refused(&folder).await;

    assert!(
        said.contains("a value of column `atc` is a national id"),
        "{said}"
    );
    assert!(!said.contains(&digits(7)), "{said}");
    assert!(folder.snapshots().is_empty());
}

#[tokio::test]
async fn a_view_without_its_columns_or_of_strangers_is_refused_in_plain_words() {
    let folder = Folder::of(&[0], VIEW);
    let said = refused(&folder).await;
    assert!(
        said.contains("is called `prescriptions.parquet`; put the file there"),
        "{said}"
    );

    folder.write("prescriptions.parquet", "half an export");
    let said = refused(&folder).await;
    assert!(said.contains("no readable Parquet file"), "{said}");

    let ids = || Arc::new(StringArray::from(vec![digits(0)])) as ArrayRef;
    let codes = || Arc::new(StringArray::from(vec!["A"])) as ArrayRef;
    folder.write_parquet(
        "prescriptions.parquet",
        vec![("fnr", ids()), ("atc", codes())],
    );
    let said = refused(&folder).await;
    assert!(
        said.contains("no column `date`; it has `fnr`, `atc`"),
        "{said}"
    );

    let columns = vec![("fnr", ids()), ("atc", codes()), ("date", codes())];
    folder.write_parquet("prescriptions.parquet", columns);
    let said = refused(&folder).await;
    assert!(said.contains("column `date` of `"), "{said}");
    assert!(said.contains("is of type Utf8, and a date"), "{said}");

    folder.write_prescriptions(&[(7, "A"), (8, "B")]);
    let said = refused(&folder).await;
    assert!(
        said.contains("none of its 2 rows is about a person"),
        "{said}"
    );
    assert!(folder.snapshots().is_empty());
}

#[tokio::test]
async fn a_large_view_comes_in_row_groups_that_say_which_dates_they_hold() {
    let folder = Folder::of(&[0, 1, 2], VIEW);
    let rows: Vec<_> = (0..140_000).map(|at| (at % 3, "A10")).collect();
    folder.write_prescriptions(&rows);

    let (path, report) = only_snapshot(&folder).await;

    assert_eq!((report.rows, report.persons), (140_000, 3));
    let file = std::fs::File::open(path).unwrap();
    let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let groups = found.metadata().row_groups();
    let rows: Vec<_> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [131_072, 8_928]);
    let dates = groups[1].column(1).statistics().unwrap();
    let first = 18_262_i32 + 131_072;
    assert_eq!(dates.min_bytes_opt(), Some(&first.to_le_bytes()[..]));
}

#[test]
fn the_number_of_persons_is_published_so_that_one_more_does_not_show() {
    let about = |persons| {
        let report = ViewReport {
            persons,
            ..ViewReport::default()
        };
        report.persons_about()
    };
    let numbers = [0, 4, 5, 94, 95, 104, 105, 1_249, 1_250, 999_999, 1_234_567];
    let published = [
        0, 0, 10, 90, 100, 100, 110, 1_200, 1_300, 1_000_000, 1_200_000,
    ];
    assert_eq!(numbers.map(about), published);
}
