//! `[[view]]` in a folder's `manifest.toml`: what a register publishes to be counted.
//!
//! ```toml
//! [[view]]
//! name = "diagnoses"            # lower case, digits, underscores
//! label_nb = "Diagnoser"
//! label_en = "Diagnoses"
//! grain = "event"               # any number of rows for each person; or "person": one
//! files = "diagnoses.parquet"   # Parquet, in this folder; `*` stands for anything
//! id_column = "fnr"             # which column is the national id, or the pseudonym
//! event_date = "date"           # of events only: the variable that dates them
//! from = "2010-01"              # the months that the data cover,
//! until = "2026-01"             # the last excluded
//! persons_disjoint = false      # nobody in it is in another register's view of this name
//!
//! [[view.variable]]
//! name = "code"                 # also the column's name
//! label_nb = "Hoveddiagnose"
//! label_en = "Main diagnosis"
//! type = "code"                 # or "number" or "date"
//! system = "ICD-10"
//! version = "2024"
//! level_characters = [1, 3]     # chapters, categories
//! is_dimension = true           # whether tables may be made by it
//! of_person = false             # whether it is the same in each of a person's rows
//! ```
//!
//! A PostgreSQL source has its views in the agent's configuration, as `[[source.research.view]]`:
//! `table`, and `schema` unless it is `public`, stand in the place of `files`, and a variable may
//! have a `column` that its name is not.
//!
//! It is read strictly, one view after the other: what is not understood costs that view, and no
//! other. Columns are looked at when the files are read.

use serde::Deserialize;

use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Grain, Variable, View};

use super::error::{ViewError, ViewFault};
use super::variable;
use crate::sources::FileName;

/// The most views that a register publishes.
const VIEWS_MAX: usize = 200;
/// The most variables that a view has.
const VARIABLES_MAX: usize = 1_000;
/// The longest name, in characters; a permit that names it can have no longer one.
const NAME_CHARACTERS_MAX: usize = 64;
/// The snapshot's column of persons' numbers.
pub(super) const PERSON: &str = "person";

/// A view that is published, and where its rows are.
#[derive(Debug)]
pub(super) struct PublishedView {
    /// Without register and number of persons, which the manifest does not say.
    pub(super) description: View,
    pub(super) files: FileName,
    /// The column of national ids or pseudonyms.
    pub(super) id_column: String,
}

/// A view of a database that is published, and where its rows are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DatabaseView {
    /// Without register and number of persons.
    pub(super) description: View,
    pub(super) schema: String,
    pub(super) table: String,
    /// The column of national ids or pseudonyms.
    pub(super) id_column: String,
    /// For each variable its column.
    pub(super) columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawView {
    name: String,
    label_nb: String,
    label_en: String,
    grain: RawGrain,
    files: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    id_column: String,
    #[serde(default)]
    event_date: String,
    from: String,
    until: String,
    #[serde(default)]
    persons_disjoint: bool,
    #[serde(default)]
    variable: Vec<toml::Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawGrain {
    Person,
    Event,
}

/// The views of a manifest, of whose `view` this is the value.
pub(super) fn all(views: Option<toml::Value>) -> Vec<Result<PublishedView, ViewError>> {
    let tables = match views {
        None => return Vec::new(),
        Some(toml::Value::Array(tables)) => tables,
        Some(_) => return vec![Err(ViewFault::NotTables.of("number 1"))],
    };
    each(tables, of_files)
}

/// The views of a database, of which `tables` are what is written.
pub(super) fn all_of_database(tables: Vec<toml::Value>) -> Vec<Result<DatabaseView, ViewError>> {
    each(tables, of_database)
}

fn each<T>(
    tables: Vec<toml::Value>,
    read: impl Fn(toml::Value, &str) -> Result<T, ViewError>,
) -> Vec<Result<T, ViewError>> {
    if tables.len() > VIEWS_MAX {
        let too_many = ViewFault::TooMany {
            what: "views",
            max: VIEWS_MAX,
        };
        return vec![Err(too_many.of(&format!("number {}", VIEWS_MAX + 1)))];
    }
    let mut names = Vec::with_capacity(tables.len());
    let mut views = Vec::with_capacity(tables.len());
    for (at, table) in tables.into_iter().enumerate() {
        let name = name_of(&table).unwrap_or_else(|| format!("number {}", at + 1));
        views.push(if names.contains(&name) {
            Err(ViewFault::Twice.of(&name))
        } else {
            read(table, &name)
        });
        names.push(name);
    }
    views
}

/// The name that `table` has, if it has one.
fn name_of(table: &toml::Value) -> Option<String> {
    let name = table.get("name")?.as_str()?;
    Some(name.chars().take(NAME_CHARACTERS_MAX).collect())
}

/// Reads the view of files that is called `name` in messages.
fn of_files(table: toml::Value, name: &str) -> Result<PublishedView, ViewError> {
    let fault = |fault: ViewFault| fault.of(name);
    let mut raw = raw(table, name)?;
    for (key, value) in [("schema", &raw.schema), ("table", &raw.table)] {
        if value.is_some() {
            return Err(fault(ViewFault::Syntax(format!("unknown field `{key}`"))));
        }
    }
    let files = raw.files.take().ok_or_else(|| fault(missing("files")))?;
    let id_column = raw.id_column.clone();
    let description = described(raw, name)?;
    let Some(files) = FileName::parse(&files) else {
        return Err(fault(ViewFault::FileName(files)));
    };
    Ok(PublishedView {
        description,
        files,
        id_column,
    })
}

/// Reads the view of a database that is called `name` in messages.
fn of_database(table: toml::Value, name: &str) -> Result<DatabaseView, ViewError> {
    let fault = |fault: ViewFault| fault.of(name);
    let mut raw = raw(table, name)?;
    if raw.files.is_some() {
        return Err(fault(ViewFault::Syntax("unknown field `files`".to_owned())));
    }
    let schema = raw.schema.take().unwrap_or_else(|| "public".to_owned());
    let table = raw.table.take().ok_or_else(|| fault(missing("table")))?;
    let id_column = raw.id_column.clone();
    let columns: Vec<_> = raw.variable.iter_mut().map(column_of).collect();
    let description = described(raw, name)?;
    let columns = columns.into_iter().zip(&description.variables);
    let columns: Vec<_> = columns
        .map(|(column, variable)| column.unwrap_or_else(|| variable.name.clone()))
        .collect();
    if let Some(at) = columns.iter().position(|column| *column == id_column) {
        let variable = description.variables.get(at);
        let variable = variable.map_or("", |variable| &variable.name);
        return Err(fault(ViewFault::PublishesIds).in_variable(variable));
    }
    Ok(DatabaseView {
        description,
        schema,
        table,
        id_column,
        columns,
    })
}

/// Takes the column that a variable names out of `variable`; what is no text stays, and is refused
/// with the rest.
fn column_of(variable: &mut toml::Value) -> Option<String> {
    let column = variable.get("column")?.as_str()?.to_owned();
    variable.as_table_mut()?.remove("column");
    Some(column)
}

fn missing(key: &str) -> ViewFault {
    ViewFault::Syntax(format!("missing field `{key}`"))
}

fn raw(table: toml::Value, name: &str) -> Result<RawView, ViewError> {
    table
        .try_into()
        .map_err(|error: toml::de::Error| ViewFault::Syntax(error.message().to_owned()).of(name))
}

/// What `raw` publishes.
fn described(raw: RawView, name: &str) -> Result<View, ViewError> {
    let fault = |fault: ViewFault| fault.of(name);
    check_name(&raw.name).map_err(fault)?;
    let months = [("from", &raw.from), ("until", &raw.until)]
        .map(|(key, text)| month(text).ok_or_else(|| (key, text.clone())));
    let [from_month, until_month] =
        months.map(|month| month.map_err(|(key, text)| fault(ViewFault::Month { key, text })));
    let (from_month, until_month) = (from_month?, until_month?);
    if from_month >= until_month {
        return Err(fault(ViewFault::NoMonths));
    }
    let variables = variables(raw.variable, &raw.id_column, name)?;
    let dates_events = variables.iter().any(|variable| {
        variable.name == raw.event_date
            && matches!(variable.r#type, Some(Type::Date(_)))
            && !variable.of_person
    });
    let grain = match raw.grain {
        RawGrain::Event if !dates_events => return Err(fault(ViewFault::NoEventDate)),
        RawGrain::Event => Grain::Event,
        RawGrain::Person if !raw.event_date.is_empty() => {
            return Err(fault(ViewFault::EventDateOfPersons));
        }
        RawGrain::Person => Grain::Person,
    };
    Ok(View {
        name: raw.name,
        register_id: String::new(),
        label_nb: raw.label_nb,
        label_en: raw.label_en,
        grain: grain.into(),
        variables,
        from_month,
        until_month,
        persons_about: 0,
        persons_disjoint: raw.persons_disjoint,
        event_date: raw.event_date,
    })
}

fn variables(
    tables: Vec<toml::Value>,
    id_column: &str,
    view: &str,
) -> Result<Vec<Variable>, ViewError> {
    if tables.len() > VARIABLES_MAX {
        let too_many = ViewFault::TooMany {
            what: "variables in one view",
            max: VARIABLES_MAX,
        };
        return Err(too_many.of(view));
    }
    let mut variables: Vec<Variable> = Vec::with_capacity(tables.len());
    for (at, table) in tables.into_iter().enumerate() {
        let name = name_of(&table).unwrap_or_else(|| format!("number {}", at + 1));
        let fault = |fault: ViewFault| fault.of(view).in_variable(&name);
        let variable = variable::read(table).map_err(fault)?;
        check_name(&variable.name).map_err(fault)?;
        if variable.name == PERSON {
            return Err(fault(ViewFault::Reserved(PERSON)));
        }
        if variable.name == id_column {
            return Err(fault(ViewFault::PublishesIds));
        }
        if variables.iter().any(|other| other.name == variable.name) {
            return Err(fault(ViewFault::Twice));
        }
        variables.push(variable);
    }
    Ok(variables)
}

fn check_name(name: &str) -> Result<(), ViewFault> {
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if begins && name.len() <= NAME_CHARACTERS_MAX && name.chars().all(plain) {
        Ok(())
    } else {
        let shown = name.chars().take(NAME_CHARACTERS_MAX).collect();
        Err(ViewFault::Name(shown))
    }
}

/// Months from January 1970 to the month written `YYYY-MM`.
fn month(text: &str) -> Option<i32> {
    let (year, month) = text.split_once('-')?;
    let is_digits =
        |part: &str, digits| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(year, 4) || !is_digits(month, 2) {
        return None;
    }
    let (year, month): (i32, i32) = (year.parse().ok()?, month.parse().ok()?);
    (1..=12)
        .contains(&month)
        .then(|| (year - 1_970) * 12 + month - 1)
}
