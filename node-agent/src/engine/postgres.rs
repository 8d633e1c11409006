//! The same query as one statement for PostgreSQL, and the same table out of its rows.
//!
//! What is run is the same `plan` that the scan of files follows; only who carries it out differs:
//!
//! ```text
//!   a0, a1 …  persons with the other events asked         (conditions that ask of another view)
//!   e         rows that count: person, period, values      conditions
//!   r         one row per person (and period)              events
//!   c         each row's cell and what it measures         cells
//!   ────────  cells, bins of histograms, steps of life tables, and who is in each cell
//! ```
//!
//! What holds:
//!
//! - **No text of a query reaches the server.** Literals travel as parameters; names are those of
//!   the published views, quoted.
//! - **Everything is aggregated where the data are.** A row of the answer is a cell, a bin of a
//!   cell, or the numbers of the persons in a cell as words of 32 bits: for the log of use and for
//!   comparing cells, numbers have to come, ids and values never do.
//! - **The table has the bytes that the files would give.** Every value becomes the same whole
//!   number of units (see `moments`) in the same arithmetic of `float8`, sums are exact
//!   (`numeric`), codes are compared byte by byte, and numbers, bands, bins, months and steps are
//!   worked out by the same rules.
//! - **No value raises an error.** There is no cast of a value that can fail, no division by one;
//!   what would overflow or underflow in `float8` is kept out by a `CASE` before it.
//!
//! The relations that it reads are views with one row for each row of an included person: `person`
//! is the number, codes are `text`, numbers `float8` that are finite, dates days since 1970
//! (`int4`) with their month beside them ([`month_column`]); a missing value is NULL. Making them
//! so, and keeping everybody else's rows out, is their maker's work (`research::data::database`).

use std::fmt;

use innsyn_proto::wire::research::v1::Query;
use tokio_postgres::types::ToSql;

use super::error::EngineError;
use super::plan::Plan;
use super::snapshot::Snapshot;

pub use answer::Gathered;

mod answer;
mod cells;
mod conditions;
mod events;
mod who;

/// A statement, and what is needed to read its rows.
#[derive(Debug)]
pub struct Statement<'a> {
    pub(super) sql: String,
    pub(super) parameters: Vec<Parameter>,
    plan: Plan<'a>,
}

/// A literal of the query, or a number that follows from the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameter {
    Number(f64),
    Whole(i64),
    Small(i32),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// The column beside a column of dates that has their months, counted from January 1970. No
/// variable's name has a space.
pub fn month_column(date: &str) -> String {
    format!("{date} month")
}

/// A name as PostgreSQL takes it literally.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl<'a> Statement<'a> {
    /// What answers `query` over the views of `snapshot`, which stand in `schema` under their
    /// names.
    pub fn of(query: &Query, snapshot: &'a Snapshot, schema: &str) -> Result<Self, EngineError> {
        let (plan, conditions) = Plan::of(query, snapshot)?;
        let mut writer = Writer {
            schema,
            parameters: Vec::new(),
        };
        let mut steps = writer.asked(&conditions.asked);
        steps.push(writer.events(&plan, &conditions.filter));
        steps.extend(Writer::rows(&plan));
        steps.push(writer.measured(&plan));
        let sql = format!("WITH {}\n{}", steps.join(",\n"), Writer::gathered(&plan));
        Ok(Self {
            sql,
            parameters: writer.parameters,
            plan,
        })
    }

    /// The text for the server.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values of its parameters.
    pub fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(Parameter::as_sql).collect()
    }

    /// Ready to take its rows; at most about `memory_bytes` are held.
    pub fn gather(&self, persons: u32, memory_bytes: usize) -> Gathered<'_> {
        Gathered::new(&self.plan, persons, memory_bytes)
    }
}

/// Writes the parts of one statement.
struct Writer<'s> {
    schema: &'s str,
    parameters: Vec<Parameter>,
}

impl Writer<'_> {
    /// The place of `parameter`, with its type.
    fn bind(&mut self, parameter: Parameter) -> String {
        let of_type = match parameter {
            Parameter::Number(_) => "float8",
            Parameter::Whole(_) => "int8",
            Parameter::Small(_) => "int4",
            Parameter::Numbers(_) => "float8[]",
            Parameter::Texts(_) => "text[]",
        };
        self.parameters.push(parameter);
        format!("${}::{of_type}", self.parameters.len())
    }

    fn relation(&self, view: &str) -> String {
        format!("{}.{}", quoted(self.schema), quoted(view))
    }
}

impl Parameter {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Number(number) => number,
            Self::Whole(number) => number,
            Self::Small(number) => number,
            Self::Numbers(numbers) => numbers,
            Self::Texts(texts) => texts,
        }
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}
