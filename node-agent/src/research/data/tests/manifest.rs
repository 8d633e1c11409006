//! What a `[[view]]` may say.

use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Grain, Variable, View};

use super::super::error::ViewError;
use super::super::view::{PublishedView, all, all_of_database};
use super::world::VIEW;

const STAYS: &str = r#"
[[view]]
name = "stays"
label_nb = "Opphold"
label_en = "Stays"
grain = "person"
files = "stays-*.parquet"
id_column = "fnr"
from = "1999-12"
until = "2000-01"
persons_disjoint = true

[[view.variable]]
name = "length"
label_nb = "Liggetid"
label_en = "Length"
type = "number"
unit = "d"
is_integer = true
of_person = true
clip_from = 0
clip_to = 90.5
"#;

fn read(manifest: &str) -> Vec<Result<PublishedView, ViewError>> {
    let manifest: toml::Table = manifest.parse().unwrap();
    all(manifest.get("view").cloned())
}

fn variable(name: &str, labels: (&str, &str), of_type: Type) -> Variable {
    Variable {
        name: name.to_owned(),
        label_nb: labels.0.to_owned(),
        label_en: labels.1.to_owned(),
        r#type: Some(of_type),
        of_person: false,
    }
}

#[test]
fn a_view_is_published_as_the_manifest_says() {
    let views = read(&format!("{VIEW}{STAYS}"));

    let [Ok(prescriptions), Ok(stays)] = &views[..] else {
        panic!("not two good views: {views:?}");
    };
    let atc = wire::Code {
        system: "ATC".to_owned(),
        version: "2024".to_owned(),
        level_characters: vec![1, 3, 5],
        is_dimension: true,
    };
    let expected = View {
        name: "prescriptions".to_owned(),
        label_nb: "Resepter".to_owned(),
        label_en: "Prescriptions".to_owned(),
        grain: Grain::Event.into(),
        variables: vec![
            variable("date", ("Dato", "Date"), Type::Date(wire::Date {})),
            variable("atc", ("Legemiddel", "Drug"), Type::Code(atc)),
        ],
        from_month: 480,
        until_month: 672,
        event_date: "date".to_owned(),
        ..View::default()
    };
    assert_eq!(prescriptions.description, expected);
    assert_eq!(prescriptions.id_column, "fnr");
    let length = wire::Number {
        unit: "d".to_owned(),
        is_integer: true,
        clip_from: Some(0.0),
        clip_to: Some(90.5),
        centre: 45.25,
    };
    let length = Variable {
        of_person: true,
        ..variable("length", ("Liggetid", "Length"), Type::Number(length))
    };
    let expected = View {
        name: "stays".to_owned(),
        label_nb: "Opphold".to_owned(),
        label_en: "Stays".to_owned(),
        grain: Grain::Person.into(),
        variables: vec![length],
        from_month: 359,
        until_month: 360,
        persons_disjoint: true,
        ..View::default()
    };
    assert_eq!(stays.description, expected);
}

#[test]
fn each_mistake_names_the_view_and_the_variable_and_tells_what_to_write() {
    let prescriptions = "view `prescriptions` is not published: ";
    #[rustfmt::skip]
    let cases = [
        ("grain = \"event\"", "grain = \"day\"", "unknown variant `day`, expected `person` or `event`", "correct it"),
        ("grain = \"event\"", "grain = \"person\"", "have no `event_date`", "take `event_date` out"),
        ("event_date = \"date\"", "", "names no date of theirs", "type \"date\""),
        ("event_date = \"date\"", "event_date = \"atc\"", "names no date of theirs", "type \"date\""),
        ("type = \"date\"", "type = \"date\"\nof_person = true", "names no date of theirs", "without `of_person`"),
        ("id_column = \"fnr\"", "", "missing field `id_column`", "correct it"),
        ("id_column = \"fnr\"", "id_column = \"fnr\"\nkey = \"fnr\"", "unknown field `key`", "unknown keys"),
        ("id_column = \"fnr\"", "id_column = \"atc\"", "variable `atc`: it is the column of national ids", "take the variable out"),
        ("\"2010-01\"", "\"2010-13\"", "`from` is `2010-13`, which is no month", "\"2010-01\""),
        ("\"2026-01\"", "\"2026-1\"", "`until` is `2026-1`, which is no month", "\"2010-01\""),
        ("\"2026-01\"", "\"2010-01\"", "`from` is not before `until`", "the month after the last"),
        ("prescriptions.parquet", "prescriptions.csv", "`prescriptions.csv` names no Parquet file", "`*.parquet`"),
        ("prescriptions.parquet", "../p.parquet", "`../p.parquet` names no Parquet file", "its own folder"),
        ("name = \"atc\"", "name = \"person\"", "variable `person`: `person` is the name of the snapshot's own", "another name"),
        ("name = \"atc\"", "name = \"date\"", "variable `date`: the name is taken", "name of its own"),
        ("name = \"atc\"", "name = \"ATC\"", "variable `ATC`: `ATC` is not a name", "a-z, 0-9 and _"),
        ("type = \"code\"", "type = \"text\"", "variable `atc`: unknown variant `text`", "correct it"),
        ("type = \"code\"", "type = \"code\"\nclip_from = 1", "variable `atc`: unknown field `clip_from`", "correct it"),
        ("system = \"ATC\"", "", "variable `atc`: missing field `system`", "correct it"),
        ("[1, 3, 5]", "[1, 3, 3]", "variable `atc`: `level_characters` are not rising", "as in [1, 3]"),
        ("[1, 3, 5]", "[0, 3]", "variable `atc`: `level_characters` are not rising", "as in [1, 3]"),
    ];
    for (from, to, wrong, to_do) in cases {
        assert_eq!(VIEW.matches(from).count(), 1, "{from}");
        let views = read(&VIEW.replace(from, to));
        let [Err(error)] = &views[..] else {
            panic!("accepted: {to}");
        };
        let (said, what_to_do) = (error.to_string(), error.what_to_do());
        assert!(
            said.starts_with(prescriptions) && said.contains(wrong),
            "{said}"
        );
        assert!(what_to_do.contains(to_do), "{said}: {what_to_do}");
    }
    #[rustfmt::skip]
    let numbers = [
        ("clip_to = 90.5", "", "`clip_from` and `clip_to` are no range"),
        ("clip_to = 90.5", "clip_to = -1", "`clip_from` and `clip_to` are no range"),
        ("clip_to = 90.5", "clip_to = inf", "`clip_from` and `clip_to` are no range"),
        ("clip_to = 90.5", "clip_to = 90.5\ncentre = nan", "`centre` is not a finite number"),
        ("unit = \"d\"", "", "missing field `unit`"),
    ];
    for (from, to, wrong) in numbers {
        let views = read(&STAYS.replace(from, to));
        let [Err(error)] = &views[..] else {
            panic!("accepted: {to}");
        };
        let said = error.to_string();
        let of_length = "view `stays` is not published: variable `length`: ";
        assert!(
            said.starts_with(of_length) && said.contains(wrong),
            "{said}"
        );
    }
}

#[test]
fn a_mistake_in_one_view_costs_no_other() {
    let nameless = VIEW.replacen("name = \"prescriptions\"", "", 1);
    let views = read(&format!("{nameless}{VIEW}{VIEW}{STAYS}"));

    let said: Vec<_> = views
        .iter()
        .map(|view| match view {
            Ok(view) => view.description.name.clone(),
            Err(error) => error.to_string(),
        })
        .collect();
    let expected = [
        "view `number 1` is not published: missing field `name`",
        "prescriptions",
        "view `prescriptions` is not published: the name is taken",
        "stays",
    ];
    assert_eq!(said, expected);
    let table = read("[view]\nname = \"stays\"\n");
    assert!(matches!(&table[..], [Err(error)] if error.what_to_do().contains("`[[view]]`")));
    assert!(read("").is_empty());
}

/// A database's view has a table in the place of files, and may call columns otherwise.
#[test]
fn a_view_of_a_database_names_its_table_and_columns() {
    let of = |manifest: &str| {
        let manifest: toml::Table = manifest.parse().unwrap();
        let views = manifest["view"].as_array().unwrap().clone();
        let views = all_of_database(views);
        views.into_iter().next().unwrap()
    };
    let table = VIEW.replace(
        "files = \"prescriptions.parquet\"",
        "schema = \"Resept\"\ntable = \"utlevering\"",
    );
    let renamed = table.replace("name = \"atc\"", "name = \"atc\"\ncolumn = \"varekode\"");
    let view = of(&renamed).unwrap();
    assert_eq!((&*view.schema, &*view.table), ("Resept", "utlevering"));
    assert_eq!(view.columns, ["date", "varekode"]);
    let files = read(VIEW).remove(0).unwrap();
    assert_eq!(view.description, files.description);

    let ids = table.replace("name = \"atc\"", "name = \"atc\"\ncolumn = \"fnr\"");
    let cases = [
        (VIEW.to_owned(), "unknown field `files`"),
        (
            table.replace("table = \"utlevering\"", ""),
            "missing field `table`",
        ),
        (ids, "it is the column of national ids"),
        (
            table.replace("name = \"atc\"", "name = \"atc\"\ncolumn = 1"),
            "column",
        ),
    ];
    for (manifest, words) in cases {
        let error = of(&manifest).unwrap_err().to_string();
        assert!(error.contains(words), "`{words}` is not in `{error}`");
    }
    let error = read(&renamed).remove(0).unwrap_err().to_string();
    assert!(error.contains("unknown field"), "{error}");
}
