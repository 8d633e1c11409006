//! The register of a case as tables of PostgreSQL, and its views as an agent's configuration has
//! them.

use innsyn_proto::wire::research::v1 as wire;
use serde_json::{Value, json};
use wire::variable::Type;
use wire::{Grain, Variable, View};

use super::engine::tests::drawn::{Drawn, SqlRow};

/// The statements that make the tables of the views, called `in_` and the view's name.
pub(super) fn tables(drawn: &Drawn, ids: &[String]) -> String {
    let views = drawn.snapshot().views.iter();
    let tables =
        views.map(|stored| table(&stored.description, &drawn.rows(&stored.description), ids));
    tables.collect()
}

fn table(view: &View, rows: &[SqlRow], ids: &[String]) -> String {
    let name = format!("in_{}", view.name);
    let columns = view.variables.iter().map(|variable| {
        let of_type = match &variable.r#type {
            Some(Type::Code(_)) => "text",
            Some(Type::Number(number)) if number.is_integer => "int8",
            Some(Type::Number(_)) => "float8",
            Some(Type::Date(_)) | None => "date",
        };
        format!(", \"{}\" {of_type}", variable.name)
    });
    let mut statements = format!(
        "DROP TABLE IF EXISTS {name} CASCADE; CREATE TABLE {name} (fnr text{}); \
         GRANT SELECT ON {name} TO innsyn_keeper;",
        columns.collect::<String>()
    );
    if !rows.is_empty() {
        let rows = rows.iter().map(|(person, values)| {
            let id = person.map_or_else(
                || "NULL".to_owned(),
                |person| format!("'{}'", ids[person as usize]),
            );
            let values = values.iter().map(|value| format!(", {value}"));
            format!("({id}{})", values.collect::<String>())
        });
        let rows: Vec<_> = rows.collect();
        let rows = rows.join(", ");
        statements.extend(["INSERT INTO ", &name, " VALUES ", &rows, ";"]);
    }
    statements
}

/// The views as `[[source.research.view]]` has them.
pub(super) fn views(drawn: &Drawn) -> Value {
    let views = drawn.snapshot().views.iter();
    views.map(|stored| view(&stored.description)).collect()
}

fn view(view: &View) -> Value {
    let mut described = json!({
        "name": view.name,
        "label_nb": view.name,
        "label_en": view.name,
        "grain": if view.grain() == Grain::Event { "event" } else { "person" },
        "table": format!("in_{}", view.name),
        "id_column": "fnr",
        "from": month(view.from_month),
        "until": month(view.until_month),
        "variable": view.variables.iter().map(variable).collect::<Vec<_>>(),
    });
    if !view.event_date.is_empty() {
        described["event_date"] = json!(view.event_date);
    }
    described
}

fn variable(variable: &Variable) -> Value {
    let mut described = json!({
        "name": variable.name,
        "label_nb": variable.name,
        "label_en": variable.name,
        "of_person": variable.of_person,
    });
    let more = match &variable.r#type {
        Some(Type::Code(code)) => json!({
            "type": "code", "system": "", "version": "",
            "level_characters": code.level_characters, "is_dimension": code.is_dimension,
        }),
        Some(Type::Number(number)) => json!({
            "type": "number", "unit": "", "is_integer": number.is_integer,
            "clip_from": number.clip_from, "clip_to": number.clip_to, "centre": number.centre,
        }),
        Some(Type::Date(_)) | None => json!({ "type": "date" }),
    };
    for (key, value) in more.as_object().unwrap() {
        described[key] = value.clone();
    }
    described
}

fn month(month: i32) -> String {
    let (year, month) = (1970 + month.div_euclid(12), month.rem_euclid(12) + 1);
    format!("{year:04}-{month:02}")
}
