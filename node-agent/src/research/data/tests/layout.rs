//! How a view's rows lie in its snapshot.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Date32Type;
use arrow_array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Compression;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};

use super::world::{Agent, Folder, VIEW, persons_of, read_parquet};
use crate::test_ids::digits;

const PEOPLE: usize = 40;
const GROUP_ROWS: usize = 131_072;
const PAGE_ROWS: i64 = 2_048;

/// Rows from the `first` on, each of a day of its own, of which every eleventh has no code.
fn rows(first: usize, count: usize) -> Vec<(&'static str, ArrayRef)> {
    let places = first..first + count;
    let ids = places.clone().map(|at| digits(at * 13 % PEOPLE));
    let codes = places.clone().map(|at| {
        let code = format!("A{:02}{}", at * 7 % 100, "BX".repeat(at % 3));
        (!at.is_multiple_of(11)).then_some(code)
    });
    let days = places.clone().map(|at| i32::try_from(at).unwrap());
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let doses = places.map(|at| at as f64 / 3.0);
    vec![
        ("fnr", Arc::new(ids.map(Some).collect::<StringArray>())),
        ("atc", Arc::new(codes.collect::<StringArray>())),
        ("date", Arc::new(days.map(Some).collect::<Date32Array>())),
        ("dose", Arc::new(doses.map(Some).collect::<Float64Array>())),
    ]
}

/// A register whose files have so many rows each, one after the other.
fn register(files: &[usize]) -> Folder {
    let dose = "
[[view.variable]]
name = \"dose\"
label_nb = \"Dose\"
label_en = \"Dose\"
type = \"number\"
unit = \"1\"
";
    let view = VIEW.replace("prescriptions.parquet", "prescriptions-*.parquet") + dose;
    let people: Vec<usize> = (0..PEOPLE).collect();
    let folder = Folder::of(&people, &view);
    let mut first = 0;
    for (at, count) in files.iter().enumerate() {
        folder.write_parquet(&format!("prescriptions-{at}.parquet"), rows(first, *count));
        first += count;
    }
    folder
}

async fn snapshot(folder: &Folder) -> PathBuf {
    let outcomes = Agent::over(folder).await.publish().await;
    assert!(matches!(&outcomes[..], [Ok(_)]), "{outcomes:?}");
    folder
        .research()
        .join("snapshots")
        .join(&folder.snapshots()[0])
}

fn footer(path: &Path) -> ArrowReaderMetadata {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ArrowReaderMetadata::load(&File::open(path).unwrap(), options).unwrap()
}

fn sizes(path: &Path) -> Vec<i64> {
    let found = footer(path);
    let groups = found.metadata().row_groups().iter();
    groups.map(RowGroupMetaData::num_rows).collect()
}

/// Of each row its code, person and day: by these rows are sorted, the day being their place.
fn keys(rows: &RecordBatch) -> Vec<(Option<&str>, u32, i32)> {
    let codes = rows["atc"].as_string::<i32>().iter();
    let days = rows["date"].as_primitive::<Date32Type>().values();
    let keys = codes.zip(persons_of(rows)).zip(days);
    keys.map(|((code, person), day)| (code, person, *day))
        .collect()
}

#[tokio::test]
async fn row_groups_are_in_the_sources_order_and_rows_in_them_in_that_of_their_codes() {
    let folder = register(&[140_000]);
    let path = snapshot(&folder).await;

    assert_eq!(sizes(&path), [131_072, 8_928]);
    let all = read_parquet(&path);
    let mut first = 0;
    for rows in [GROUP_ROWS, 140_000 - GROUP_ROWS] {
        let group = all.slice(first, rows);
        let keys = keys(&group);
        assert!(keys.is_sorted());
        assert!(keys[0].0.is_none() && keys[rows - 1].0 > Some("A99"));
        let mut days: Vec<_> = keys.iter().map(|(_, _, day)| *day).collect();
        days.sort_unstable();
        let those = i32::try_from(first).unwrap()..i32::try_from(first + rows).unwrap();
        assert!(days.into_iter().eq(those));
        first += rows;
    }
}

/// A day stands for its row, so that every value has to have come along with it.
#[tokio::test]
async fn rows_of_several_files_make_one_row_group_and_stay_whole() {
    let folder = register(&[1, 50_000, 80_000, 10, 9_989]);
    let path = snapshot(&folder).await;

    assert_eq!(sizes(&path), [131_072, 8_928]);
    let in_one = register(&[140_000]);
    let whole = snapshot(&in_one).await;
    assert_eq!(read_parquet(&path), read_parquet(&whole));
    let all = read_parquet(&path);
    let doses = all["dose"].as_primitive::<arrow_array::types::Float64Type>();
    for ((code, person, day), dose) in keys(&all).into_iter().zip(doses.values()) {
        let at = usize::try_from(day).unwrap();
        let source = rows(at, 1);
        let is_code = source[1].1.as_string::<i32>().iter().next().unwrap();
        assert_eq!((code, person as usize), (is_code, at * 13 % PEOPLE));
        assert_eq!(dose.to_bits(), (f64::from(day) / 3.0).to_bits());
    }
}

#[tokio::test]
async fn equal_sources_give_equal_bytes() {
    let registers = [register(&[40_000, 40_000]), register(&[40_000, 40_000])];
    let [one, other] = [&registers[0], &registers[1]];
    let [one, other] = [snapshot(one).await, snapshot(other).await];

    assert_eq!(one.file_name(), other.file_name());
    assert!(std::fs::read(one).unwrap() == std::fs::read(other).unwrap());
}

#[tokio::test]
async fn pages_are_small_uncompressed_and_say_which_codes_and_dates_they_hold_and_nothing_of_persons()
 {
    let folder = register(&[70_000]);
    let path = snapshot(&folder).await;

    let found = footer(&path);
    let index = found.metadata().page_index().unwrap();
    let names = ["person", "date", "atc", "dose"];
    for (at, group) in found.metadata().row_groups().iter().enumerate() {
        for (column, name) in names.into_iter().enumerate() {
            let chunk = group.column(column);
            assert_eq!(chunk.column_path().string(), name);
            assert_eq!(chunk.compression(), Compression::UNCOMPRESSED);
            let has_dictionary = chunk.dictionary_page_offset().is_some();
            assert_eq!(has_dictionary, ["date", "atc"].contains(&name), "{name}");
            let pages = index.offset_index(at, column).unwrap().page_locations();
            let begins = pages.iter().map(|page| page.first_row_index);
            let expected = (0..group.num_rows()).step_by(usize::try_from(PAGE_ROWS).unwrap());
            assert!(begins.eq(expected), "{name}");
            let says = index.column_index(at, column).is_some();
            assert_eq!(says, ["date", "atc"].contains(&name), "{name}");
        }
    }
}
