use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Int8Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use innsyn_policy::{Environment, Presence, Settings};
use jiff::civil::date;

use super::*;
use crate::sources::tests::{intake, intake_told_to};
use crate::sources::{LoadReport, Numbers, Progress};
use crate::subjects::Found;
use crate::test_ids::{NUMBERS, clearance, digits, looks_real, person};

const PERSONS_CSV: &str = r#"
[persons]
files = ["persons.csv"]
columns = { national_id = "fnr", registered_since = "since", last_changed = "changed", status = "status" }
status = { registered = ["1"], deleted = ["2"] }
"#;

const SETTINGS_CSV: &str = r#"
[settings]
files = ["settings.csv"]
delimiter = ";"
columns = { national_id = "fnr", kind = "type", purpose = "purpose", from = "from" }
"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

fn load(folder: &Path) -> Result<Loaded, SourceError> {
    load_as(folder, NUMBERS)
}

fn load_as(folder: &Path, numbers: Numbers) -> Result<Loaded, SourceError> {
    FolderSource::new(folder).read(intake(numbers))
}

fn found(loaded: &Loaded, who: usize) -> Found {
    loaded.subjects.find(&clearance(person(who)))
}

fn since(y: i16, m: i8, d: i8) -> Found {
    Found::Registered(Presence {
        since: Some(date(y, m, d)),
        last_changed: None,
    })
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

#[test]
fn people_are_read_from_csv_with_dates_and_status() {
    let rows = format!(
        "status,other,fnr,since,changed\n\
         1,x,{},2001-02-03,2020-04-05T23:30:00Z\n\
         2,x, {} ,,2020-04-05 23:30:00\n",
        digits(0),
        digits(1)
    );
    let folder = folder(&[("manifest.toml", PERSONS_CSV), ("persons.csv", &rows)]);

    let loaded = load(folder.path()).expect("a good folder");

    // 23:30 UTC is the next day in Norway; without a zone it is Norway's own time.
    let registered = Presence {
        since: Some(date(2001, 2, 3)),
        last_changed: Some(date(2020, 4, 6)),
    };
    let deleted = Presence {
        since: None,
        last_changed: Some(date(2020, 4, 5)),
    };
    assert_eq!(found(&loaded, 0), Found::Registered(registered));
    assert_eq!(found(&loaded, 1), Found::Deleted(deleted));
    assert_eq!(found(&loaded, 2), Found::Absent);
    let expected = LoadReport {
        rows: 2,
        persons: 2,
        ..LoadReport::default()
    };
    assert_eq!(loaded.report, expected);
}

#[test]
fn bad_rows_are_counted_and_the_good_ones_serve() {
    let rows = format!(
        "fnr,since,changed,status\n\
         {good},not a day,,1\n{good},,,\n,,,\n   ,,,\n123,,,\n{wrong},,,\n{real},,,\n\
         {other},1850-01-01,,what\n\"short row\"\n",
        good = digits(0),
        wrong = digits(0).replace(|c: char| c.is_ascii_digit(), "1"),
        real = looks_real(0),
        other = digits(1),
    );
    let folder = folder(&[("manifest.toml", PERSONS_CSV), ("persons.csv", &rows)]);

    let report = load(folder.path()).expect("good rows").report;

    let expected = LoadReport {
        rows: 9,
        persons: 2,
        missing: 2,
        malformed: 3,
        duplicates: 1,
        wrong_environment: 1,
        unread_dates: 2,
        unknown_status: 1,
        ..LoadReport::default()
    };
    assert_eq!(report, expected);
}

#[test]
fn production_takes_no_synthetic_people() {
    let rows = format!(
        "fnr,since,changed,status\n{},,,1\n{},,,1\n",
        digits(0),
        looks_real(0)
    );
    let folder = folder(&[("manifest.toml", PERSONS_CSV), ("persons.csv", &rows)]);
    let production = Numbers {
        environment: Environment::Production,
        ..NUMBERS
    };

    let report = load_as(folder.path(), production)
        .expect("one is real")
        .report;

    assert_eq!((report.persons, report.wrong_environment), (1, 1));
}

#[test]
fn people_are_read_from_parquet_whatever_the_types() {
    let manifest = r#"
        [persons]
        files = ["part-*.parquet"]
        columns = { national_id = "fnr", registered_since = "since" }
    "#;
    let folder = folder(&[("manifest.toml", manifest)]);
    let part = |name: &str, id: ArrayRef, since: ArrayRef| {
        write_parquet(
            &folder.path().join(name),
            vec![("since", since), ("fnr", id)],
        );
    };
    // 2001-02-03 in each of the forms.
    let (day, noon) = (11_356, 981_201_600_000_000);
    part(
        "part-1.parquet",
        Arc::new(StringArray::from(vec![digits(0)])),
        Arc::new(Date32Array::from(vec![day])),
    );
    // Born before the 10th: stored as a number, the leading zero is gone.
    let number: i64 = digits(28).parse().expect("a number");
    assert!(number < 10_000_000_000);
    part(
        "part-2.parquet",
        Arc::new(Int64Array::from(vec![Some(number), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![noon, noon]).with_timezone("UTC")),
    );
    part(
        "part-3.parquet",
        Arc::new(LargeStringArray::from(vec![digits(2)])),
        Arc::new(TimestampMicrosecondArray::from(vec![noon])),
    );
    let dictionary = DictionaryArray::try_new(
        Int8Array::from(vec![0]),
        Arc::new(StringArray::from(vec![digits(3)])),
    );
    part(
        "part-4.parquet",
        Arc::new(dictionary.expect("a dictionary")),
        Arc::new(StringArray::from(vec!["2001-02-03"])),
    );

    let loaded = load(folder.path()).expect("good files");

    for who in [0, 28, 2, 3] {
        assert_eq!(found(&loaded, who), since(2001, 2, 3), "person {who}");
    }
    assert_eq!((loaded.report.rows, loaded.report.missing), (5, 1));
}

#[test]
fn settings_are_read_beside_the_people() {
    let manifest = format!("{PERSONS_CSV}{SETTINGS_CSV}");
    let persons = format!("fnr,since,changed,status\n{},,,\n", digits(0));
    let settings = format!(
        "fnr;type;purpose;from\n{};reservation;research;2024-01-01\n{};what;;2024-01-01\n;;;\n",
        digits(0),
        digits(1)
    );
    let folder = folder(&[
        ("manifest.toml", &manifest),
        ("persons.csv", &persons),
        ("settings.csv", &settings),
    ]);

    let loaded = load(folder.path()).expect("a good folder");

    assert!(matches!(
        loaded.settings.of(&person(0)),
        Settings::Known([_])
    ));
    assert_eq!(loaded.settings.of(&person(1)), Settings::Undefined);
    assert_eq!(loaded.settings.of(&person(2)), Settings::Known(&[]));
    let report = &loaded.report;
    assert_eq!(
        (
            report.setting_rows,
            report.undefined_settings,
            report.settings_of_nobody
        ),
        (3, 1, 1)
    );
}

#[test]
fn an_unreadable_settings_table_stops_nobody_from_being_found() {
    let manifest = format!("{PERSONS_CSV}{SETTINGS_CSV}");
    let persons = format!("fnr,since,changed,status\n{},,,\n", digits(0));
    let files = [("manifest.toml", &*manifest), ("persons.csv", &*persons)];
    let without = folder(&files);
    let without_column = folder(&[files[0], files[1], ("settings.csv", "fnr;type\n")]);

    for folder in [without, without_column] {
        let loaded = load(folder.path()).expect("good people");

        assert_eq!(found(&loaded, 0), Found::Registered(Presence::default()));
        assert_eq!(loaded.settings.of(&person(0)), Settings::Unreadable);
        assert!(loaded.report.settings_unreadable.is_some());
    }
}

#[test]
fn each_mistake_has_its_own_words() {
    let header = "id,since,changed,status\n";
    let manifest = ("manifest.toml", PERSONS_CSV);
    let misspelt = PERSONS_CSV.replace("registered_since", "registred_since");
    let elsewhere = PERSONS_CSV.replace("persons.csv", "../persons.csv");
    let parquet = PERSONS_CSV.replace("persons.csv", "p.parquet");
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[], "manifest.toml` cannot be read: No such file"),
        (
            &[("manifest.toml", &misspelt)],
            "unknown field `registred_since`",
        ),
        (
            &[("manifest.toml", &elsewhere)],
            "`../persons.csv` is not a file name",
        ),
        (&[manifest], "is called `persons.csv`"),
        (
            &[manifest, ("persons.csv", header)],
            "has no column `fnr`; it has `id`, `since`, `changed`, `status`",
        ),
        (
            &[("manifest.toml", &parquet), ("p.parquet", "not Parquet")],
            "is no readable Parquet file",
        ),
        (
            &[
                manifest,
                ("persons.csv", "fnr,since,changed,status\n1,,,\n,,,\n"),
            ],
            "none of 2 rows has a usable national id (1 missing, 1 malformed",
        ),
    ];
    for (files, words) in cases {
        let folder = folder(files);
        let error = load(folder.path()).expect_err("a mistake").to_string();
        assert!(error.contains(words), "`{words}` is not in `{error}`");
    }
}

/// Without a header line the first row of a file is a person; no error shows it.
#[test]
fn a_missing_header_line_is_told_without_showing_the_first_row() {
    let rows = format!("Kari Nordmann,{}\n", digits(0));
    let folder = folder(&[("manifest.toml", PERSONS_CSV), ("persons.csv", &rows)]);

    let error = load(folder.path()).expect_err("no header").to_string();

    assert!(error.contains("looks like data"), "{error}");
    assert!(
        !error.contains("Kari") && !error.contains(&digits(0)),
        "{error}"
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut rows = format!("fnr,since,changed,status\n{},,,\n\"", digits(0));
    rows.push_str(&"x".repeat(3 << 20));
    let folder = folder(&[("manifest.toml", PERSONS_CSV), ("persons.csv", &rows)]);

    let error = load(folder.path()).expect_err("too long a row").to_string();

    assert!(error.contains("longer than 1 MiB"), "{error}");
}

#[test]
fn a_star_stands_for_anything_in_a_file_name() {
    let manifest = |pattern: &str| PERSONS_CSV.replace("persons.csv", pattern);
    let matches = |pattern: &str, name: &str| {
        let manifest = Manifest::parse(&manifest(pattern)).expect("a manifest");
        manifest.persons.files.patterns[0].matches(name)
    };
    assert!(matches("a-*.csv", "a-1.csv") && matches("*", "anything"));
    assert!(matches("a*b*c", "a1b2b3c") && matches("a-*.csv", "a-.csv"));
    assert!(!matches("a-*.csv", "b-1.csv") && !matches("a-*.csv", "a-1.csv.tmp"));
    assert!(!matches("a*b*c", "acb") && !matches("ab*bc", "abc"));
}

/// Changes the manifest as soon as it hears of a file that is being read.
#[derive(Debug)]
struct Meddler(PathBuf);

impl Progress for Meddler {
    fn expect(&self, _: u64) {
        let comment = format!(
            "{}\n# changed",
            fs::read_to_string(&self.0).expect("a manifest")
        );
        fs::write(&self.0, comment).expect("a file");
    }

    fn read(&self, _: u64) {}

    fn finish(&self) {}
}

#[test]
fn files_that_change_while_they_are_read_are_not_served() {
    let manifest = PERSONS_CSV.replace("persons.csv", "p.parquet");
    let folder = folder(&[("manifest.toml", &manifest)]);
    let column = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let columns = vec![
        ("fnr", column(&digits(0))),
        ("since", column("")),
        ("changed", column("")),
        ("status", column("")),
    ];
    write_parquet(&folder.path().join("p.parquet"), columns);
    load(folder.path()).expect("left alone, it is fine");

    let meddler = Meddler(folder.path().join("manifest.toml"));
    let outcome = FolderSource::new(folder.path()).read(intake_told_to(NUMBERS, meddler));

    assert!(matches!(outcome, Err(SourceError::ChangedWhileRead)));
}
