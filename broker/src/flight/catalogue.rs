//! What is published, as a database's catalogue: one catalog, one schema, a table for each view.
//!
//! Views of the same name at many registers are one table. What is said of a column stands in its
//! field's metadata: labels, unit, code system, whether it is of a person or of an event.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use arrow_schema::{DataType, Field, Schema};
use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Grain, Variable, View};

use super::report;
use crate::research::sql::{CATALOG, SCHEMA};

/// The only type of table.
const TABLE_TYPE: &str = "VIEW";

/// What Flight SQL calls a type's name and a remark in a field's metadata.
const TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";
const REMARKS: &str = "ARROW:FLIGHT:SQL:REMARKS";
const TABLE_NAME: &str = "ARROW:FLIGHT:SQL:TABLE_NAME";
const SCHEMA_NAME: &str = "ARROW:FLIGHT:SQL:SCHEMA_NAME";
const CATALOG_NAME: &str = "ARROW:FLIGHT:SQL:CATALOG_NAME";
const IS_READ_ONLY: &str = "ARROW:FLIGHT:SQL:IS_READ_ONLY";
const IS_SEARCHABLE: &str = "ARROW:FLIGHT:SQL:IS_SEARCHABLE";

pub(super) fn catalogs() -> Result<RecordBatch> {
    let mut catalogs = GetCatalogsBuilder::new();
    catalogs.append(CATALOG);
    catalogs.build()
}

pub(super) fn schemas(command: &CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut schemas = GetDbSchemasBuilder::new(
        command.catalog.as_ref(),
        command.db_schema_filter_pattern.as_ref(),
    );
    schemas.append(CATALOG, SCHEMA);
    schemas.build()
}

pub(super) fn table_types() -> Result<RecordBatch> {
    let mut types = CommandGetTableTypes {}.into_builder();
    types.append(TABLE_TYPE);
    types.build()
}

/// The tables that `command` asks for, of `views` and the report.
pub(super) fn tables(command: &CommandGetTables, views: &[View]) -> Result<RecordBatch> {
    let types = &command.table_types;
    let is_of_type = types.is_empty() || types.iter().any(|name| name == TABLE_TYPE);
    let mut tables = GetTablesBuilder::new(
        command.catalog.as_ref(),
        command.db_schema_filter_pattern.as_ref(),
        command.table_name_filter_pattern.as_ref(),
        None::<String>,
        command.include_schema,
    );
    if is_of_type {
        for (name, of) in by_name(views) {
            tables.append(CATALOG, SCHEMA, name, TABLE_TYPE, &schema(&of))?;
        }
        tables.append(CATALOG, SCHEMA, report::NAME, TABLE_TYPE, &report::SCHEMA)?;
    }
    tables.build()
}

fn by_name(views: &[View]) -> BTreeMap<&str, Vec<&View>> {
    let mut named: BTreeMap<&str, Vec<&View>> = BTreeMap::new();
    for view in views {
        named.entry(&view.name).or_default().push(view);
    }
    named
}

/// The columns of a view, as the first register publishes them.
fn schema(of: &[&View]) -> Schema {
    let registers: Vec<&str> = of.iter().map(|view| view.register_id.as_str()).collect();
    let Some(view) = of.first() else {
        return Schema::empty();
    };
    let from = of.iter().map(|view| view.from_month).min();
    let until = of.iter().map(|view| view.until_month).max();
    let variables = view.variables.iter().map(|variable| column(view, variable));
    let own = [
        (
            "person",
            "The person; can only be counted: COUNT(DISTINCT person)",
        ),
        (
            "_register",
            "The register; only to name registers in WHERE: _register IN ('…')",
        ),
    ]
    .map(|(name, remark)| {
        let said = [
            (REMARKS, remark.to_owned()),
            (TYPE_NAME, "VARCHAR".to_owned()),
        ];
        with(Field::new(name, DataType::Utf8, false), view, said)
    });
    let said = [
        ("label_nb", view.label_nb.clone()),
        ("label_en", view.label_en.clone()),
        ("grain", grain(view).to_owned()),
        ("event_date", view.event_date.clone()),
        ("registers", registers.join(", ")),
        (
            "persons_disjoint",
            of.iter().all(|view| view.persons_disjoint).to_string(),
        ),
        ("from", from.map(month).unwrap_or_default()),
        ("until", until.map(month).unwrap_or_default()),
    ];
    let said = said.into_iter().filter(|(_, value)| !value.is_empty());
    let said: HashMap<_, _> = said
        .map(|(name, value)| (format!("innsyn.{name}"), value))
        .collect();
    Schema::new_with_metadata(own.into_iter().chain(variables).collect::<Vec<_>>(), said)
}

fn grain(view: &View) -> &'static str {
    match view.grain() {
        Grain::Person => "person",
        Grain::Event => "event",
        Grain::Unspecified => "",
    }
}

/// A month as `2020-07`.
fn month(month: i32) -> String {
    format!(
        "{}-{:02}",
        1970 + month.div_euclid(12),
        month.rem_euclid(12) + 1
    )
}

fn column(view: &View, variable: &Variable) -> Field {
    let (kind, name) = match &variable.r#type {
        Some(Type::Number(number)) if number.is_integer => (DataType::Int64, "BIGINT"),
        Some(Type::Number(_)) => (DataType::Float64, "DOUBLE"),
        Some(Type::Date(_)) => (DataType::Date32, "DATE"),
        Some(Type::Code(_)) | None => (DataType::Utf8, "VARCHAR"),
    };
    let of = if variable.of_person || view.grain() == Grain::Person {
        "person"
    } else {
        "event"
    };
    let mut said = vec![
        (TYPE_NAME, name.to_owned()),
        (REMARKS, remark(variable)),
        ("innsyn.label_nb", variable.label_nb.clone()),
        ("innsyn.label_en", variable.label_en.clone()),
        ("innsyn.grain", of.to_owned()),
    ];
    match &variable.r#type {
        Some(Type::Number(number)) => {
            said.push(("innsyn.unit", number.unit.clone()));
            if let (Some(from), Some(to)) = (number.clip_from, number.clip_to) {
                said.push(("innsyn.clip_from", from.to_string()));
                said.push(("innsyn.clip_to", to.to_string()));
            }
        }
        Some(Type::Code(code)) => {
            said.push(("innsyn.code_system", code.system.clone()));
            said.push(("innsyn.code_version", code.version.clone()));
            let levels = code.level_characters.iter().map(ToString::to_string);
            let levels: Vec<String> = levels.collect();
            said.push(("innsyn.code_levels", levels.join(", ")));
        }
        Some(Type::Date(_)) | None => {}
    }
    with(Field::new(&variable.name, kind, true), view, said)
}

/// What a tool shows of a column: its labels, and its unit or code system.
fn remark(variable: &Variable) -> String {
    let labels = match (variable.label_nb.as_str(), variable.label_en.as_str()) {
        (nb, en) if nb == en => nb.to_owned(),
        (nb, en) => format!("{nb} / {en}"),
    };
    match &variable.r#type {
        Some(Type::Number(number)) if !number.unit.is_empty() => {
            format!("{labels} [{}]", number.unit)
        }
        Some(Type::Code(code)) => {
            format!("{labels} [{} {}]", code.system, code.version).replace(" ]", "]")
        }
        _ => labels,
    }
}

/// `field` with what is said of it, but for what is empty.
fn with(
    field: Field,
    view: &View,
    said: impl IntoIterator<Item = (&'static str, String)>,
) -> Field {
    let always = [
        (CATALOG_NAME, CATALOG.to_owned()),
        (SCHEMA_NAME, SCHEMA.to_owned()),
        (TABLE_NAME, view.name.clone()),
        (IS_READ_ONLY, "1".to_owned()),
        (IS_SEARCHABLE, "1".to_owned()),
    ];
    let said = always.into_iter().chain(said);
    let said = said.filter(|(_, value)| !value.is_empty());
    let said: HashMap<_, _> = said.map(|(name, value)| (name.to_owned(), value)).collect();
    field.with_metadata(said)
}
