//! A released table as Arrow: its columns, what is hidden and why, and who has answered.
//!
//! The fields follow from the columns alone, which are known before anybody is asked: what is
//! announced of a prepared statement is what its stream has.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use innsyn_proto::wire::research::v1 as wire;
use wire::value::Value as Told;
use wire::{Column, ColumnKind, Hidden, RegisterState, Row};

use super::refusal::FlightRefusal;
use crate::research;

/// How many registers were asked.
pub(super) const REGISTERS_ASKED: &str = "_registers_asked";
/// How many of them are counted in the table.
pub(super) const REGISTERS_ANSWERED: &str = "_registers_answered";
/// What follows a column's name in the name of the column that says why a value is hidden.
pub(super) const HIDDEN: &str = "_hidden";
/// The key of a column's unit in its metadata.
pub(super) const UNIT: &str = "innsyn.unit";

/// The fields of a table with these columns.
pub(super) fn fields(columns: &[Column]) -> Result<Vec<Field>, FlightRefusal> {
    let shown = columns.iter().map(|column| {
        let field = Field::new(&column.name, kind(column), true);
        match column.unit.as_str() {
            "" => field,
            unit => field.with_metadata(HashMap::from([(UNIT.to_owned(), unit.to_owned())])),
        }
    });
    let hidden = columns
        .iter()
        .filter(|column| may_be_hidden(column))
        .map(|column| Field::new(format!("{}{HIDDEN}", column.name), DataType::Utf8, true));
    let coverage =
        [REGISTERS_ASKED, REGISTERS_ANSWERED].map(|name| Field::new(name, DataType::Int64, false));
    let fields: Vec<Field> = shown.chain(hidden).chain(coverage).collect();
    let mut names = BTreeSet::new();
    match fields.iter().find(|field| !names.insert(field.name())) {
        Some(twice) => Err(FlightRefusal::SameName(format!("`{}`", twice.name()))),
        None => Ok(fields),
    }
}

/// `table` with its coverage, and with all that is said of it in the schema's metadata.
pub(super) fn batch(table: &wire::ReleasedTable) -> Result<RecordBatch, FlightRefusal> {
    let fields = fields(&table.columns)?;
    let columns = || table.columns.iter().enumerate();
    let shown = columns().map(|(at, column)| values(&table.rows, at, column));
    let hidden = columns()
        .filter(|(_, column)| may_be_hidden(column))
        .map(|(at, _)| reasons(&table.rows, at));
    let asked = Some(count(table.registers.len()));
    let answered = Some(count(answered(table)));
    let coverage = [asked, answered].map(|number| -> ArrayRef {
        Arc::new(table.rows.iter().map(|_| number).collect::<Int64Array>())
    });
    let arrays = shown.chain(hidden).chain(coverage).collect();
    let schema = Schema::new_with_metadata(fields, metadata(table));
    RecordBatch::try_new(Arc::new(schema), arrays).map_err(|_| FlightRefusal::Failed)
}

/// How many registers' parts are in the table.
pub(super) fn answered(table: &wire::ReleasedTable) -> usize {
    let registers = table.registers.iter();
    registers
        .filter(|register| register.state() == RegisterState::Answered)
        .count()
}

/// What became of a register.
pub(super) const fn outcome(state: RegisterState) -> &'static str {
    match state {
        RegisterState::Answered => "answered",
        RegisterState::Refused => "refused",
        RegisterState::Held => "held",
        _ => "silent",
    }
}

/// Why a register refused, where that is told.
pub(super) fn why(register: &wire::RegisterProgress) -> Option<&'static str> {
    research::refusal_label(register.refusal_reason())
}

/// `seconds` since 1970 as RFC 3339 writes them.
fn instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

fn metadata(table: &wire::ReleasedTable) -> HashMap<String, String> {
    let missing = table
        .registers
        .iter()
        .filter(|register| register.state() != RegisterState::Answered)
        .map(|register| {
            let outcome = outcome(register.state());
            let why = why(register).map_or_else(String::new, |why| format!(" ({why})"));
            format!("{}: {outcome}{why}", register.register_id)
        });
    let missing: Vec<String> = missing.collect();
    let counted = if table.counts_registrations {
        "registrations"
    } else {
        "persons"
    };
    [
        ("query_name", hex::encode(&table.query_name)),
        ("released_at", instant(table.released_at)),
        ("is_earlier", table.is_earlier.to_string()),
        ("registers_asked", table.registers.len().to_string()),
        ("registers_answered", answered(table).to_string()),
        ("registers_missing", missing.join(", ")),
        ("counted", counted.to_owned()),
        ("smallest_cell", table.smallest_cell.to_string()),
        ("rounding_base", table.rounding_base.to_string()),
    ]
    .map(|(name, value)| (format!("innsyn.{name}"), value))
    .into()
}

fn kind(column: &Column) -> DataType {
    match column.kind() {
        ColumnKind::Count => DataType::Int64,
        ColumnKind::Real => DataType::Float64,
        ColumnKind::Text | ColumnKind::Unspecified => DataType::Utf8,
    }
}

fn may_be_hidden(column: &Column) -> bool {
    matches!(column.kind(), ColumnKind::Count | ColumnKind::Real)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The values of a column, each absent if it is missing or hidden.
fn values(rows: &[Row], at: usize, column: &Column) -> ArrayRef {
    let values = rows.iter().map(|row| row.values.get(at)?.value.as_ref());
    match column.kind() {
        ColumnKind::Count => {
            let counts = values.map(|value| match value {
                Some(Told::Count(count)) => i64::try_from(*count).ok(),
                _ => None,
            });
            Arc::new(counts.collect::<Int64Array>())
        }
        ColumnKind::Real => {
            let numbers = values.map(|value| match value {
                Some(Told::Real(number)) => Some(*number),
                _ => None,
            });
            Arc::new(numbers.collect::<Float64Array>())
        }
        ColumnKind::Text | ColumnKind::Unspecified => {
            let texts = values.map(|value| match value {
                Some(Told::Text(text)) => Some(text.as_str()),
                _ => None,
            });
            Arc::new(texts.collect::<StringArray>())
        }
    }
}

/// Why the values of a column are hidden; absent where they are not.
fn reasons(rows: &[Row], at: usize) -> ArrayRef {
    let reasons = rows.iter().map(|row| match row.values.get(at)?.value {
        Some(Told::Hidden(reason)) => Some(match Hidden::try_from(reason) {
            Ok(Hidden::Dominance) => "dominance",
            _ => "few",
        }),
        _ => None,
    });
    Arc::new(reasons.collect::<StringArray>())
}
