//! Little registers: rows as plain values, written to Parquet files.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use innsyn_proto::wire::research::v1 as wire;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wire::expression::Expression as E;
use wire::variable::Type;
use wire::{Grain, Query, View};

use super::super::{
    Answer, EngineError, Included, PersonSet, SCAN_BYTES, Snapshot, StoredFile, StoredView,
};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Code(String),
    Whole(i64),
    Real(f64),
    /// Days since 1 January 1970.
    Day(i32),
}

/// A row: whose it is, and the values that are not missing.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) person: Option<u32>,
    pub(super) values: BTreeMap<&'static str, Value>,
}

pub(super) fn row(person: u32, values: &[(&'static str, Value)]) -> Row {
    Row {
        person: Some(person),
        values: values.iter().cloned().collect(),
    }
}

pub(super) fn code(text: &str) -> Value {
    Value::Code(text.to_owned())
}

/// The first of a month, plus days.
pub(super) fn day(year: i16, month: i8, day: i8) -> Value {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = jiff::civil::date(year, month, day);
    Value::Day((date - epoch).get_days())
}

/// Months since January 1970.
pub(super) fn month(year: i32, month: i32) -> i32 {
    (year - 1970) * 12 + month - 1
}

fn variable(name: &str, of_person: bool, r#type: Type) -> wire::Variable {
    wire::Variable {
        name: name.to_owned(),
        of_person,
        r#type: Some(r#type),
        ..wire::Variable::default()
    }
}

fn code_of(levels: &[u32]) -> Type {
    Type::Code(wire::Code {
        level_characters: levels.to_vec(),
        is_dimension: true,
        ..wire::Code::default()
    })
}

fn number(is_integer: bool, clip: (f64, f64), centre: f64) -> Type {
    Type::Number(wire::Number {
        is_integer,
        clip_from: Some(clip.0),
        clip_to: Some(clip.1),
        centre,
        ..wire::Number::default()
    })
}

fn date() -> Type {
    Type::Date(wire::Date {})
}

/// Persons: sex, year of birth, weight, and dates of entry, event and exit.
pub(super) fn persons_view() -> View {
    View {
        name: "persons".to_owned(),
        register_id: "kreft".to_owned(),
        grain: Grain::Person.into(),
        variables: vec![
            variable("sex", false, code_of(&[])),
            variable("born", false, number(true, (1900.0, 2030.0), 1960.0)),
            variable("weight", false, number(false, (40.0, 120.0), 70.25)),
            variable("entered", false, date()),
            variable("died", false, date()),
            variable("left", false, date()),
        ],
        from_month: month(2000, 1),
        until_month: month(2010, 1),
        ..View::default()
    }
}

/// Events: a diagnosis and a cost, and the person's region.
pub(super) fn events_view(name: &str) -> View {
    View {
        name: name.to_owned(),
        register_id: "kreft".to_owned(),
        grain: Grain::Event.into(),
        variables: vec![
            variable("region", true, code_of(&[2])),
            variable("date", false, date()),
            variable("icd", false, code_of(&[1, 3])),
            variable("cost", false, number(false, (0.0, 1000.0), 100.5)),
            variable("days", false, number(true, (0.0, 90.0), 4.0)),
            variable("born", true, number(true, (1900.0, 2030.0), 1960.0)),
        ],
        from_month: month(2000, 1),
        until_month: month(2003, 1),
        event_date: "date".to_owned(),
        ..View::default()
    }
}

/// A register: views and their rows, on disk.
#[derive(Debug)]
pub(super) struct World {
    pub(super) snapshot: Snapshot,
    pub(super) rows: BTreeMap<String, Vec<Row>>,
    folder: TempDir,
}

impl World {
    pub(super) fn of(persons: u32) -> Self {
        Self {
            snapshot: Snapshot {
                persons,
                views: Vec::new(),
            },
            rows: BTreeMap::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Adds `view` with `rows` in files of at most `file_rows`, of row groups of `group_rows`, in
    /// the order given and without a page index.
    pub(super) fn with(self, view: View, rows: &[Row], sizes: (usize, usize)) -> Self {
        let properties = WriterProperties::builder()
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true);
        self.written(view, rows, sizes, properties)
    }

    /// The same as a snapshot has it: in each row group in the order of the event's code, with an
    /// index of pages of `page_rows`.
    pub(super) fn with_pages(
        self,
        view: View,
        rows: &[Row],
        (file_rows, group_rows): (usize, usize),
        page_rows: usize,
    ) -> Self {
        let mut sorted = rows.to_vec();
        let code = |row: &Row| match row.values.get("icd") {
            Some(Value::Code(code)) => Some(code.clone()),
            _ => None,
        };
        for file in sorted.chunks_mut(file_rows) {
            for group in file.chunks_mut(group_rows) {
                group.sort_by_key(|row| (code(row), row.person));
            }
        }
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows);
        self.written(view, &sorted, (file_rows, group_rows), properties)
    }

    /// All that this register has, laid out so.
    pub(super) fn in_pages(&self, sizes: (usize, usize), page_rows: usize) -> Self {
        let views = self.snapshot.views.iter();
        views.fold(Self::of(self.snapshot.persons), |world, stored| {
            let view = stored.description.clone();
            let rows = &self.rows[&view.name];
            world.with_pages(view, rows, sizes, page_rows)
        })
    }

    fn written(
        mut self,
        view: View,
        rows: &[Row],
        (file_rows, group_rows): (usize, usize),
        properties: WriterPropertiesBuilder,
    ) -> Self {
        let name = view.name.clone();
        let mut files = Vec::new();
        let parts: Vec<&[Row]> = if rows.is_empty() {
            vec![&[]]
        } else {
            rows.chunks(file_rows).collect()
        };
        let properties = properties.set_max_row_group_row_count(Some(group_rows));
        let properties = properties.build();
        for (at, part) in parts.into_iter().enumerate() {
            let path = self.folder.path().join(format!("{name}-{at}.parquet"));
            let batch = batch(&view, part);
            let file = File::create(&path).unwrap();
            let properties = Some(properties.clone());
            let mut writer = ArrowWriter::try_new(file, batch.schema(), properties).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            files.push(StoredFile::new(path));
        }
        self.rows.insert(name, rows.to_vec());
        self.snapshot.views.push(StoredView {
            description: view,
            files,
            person_column: "person".to_owned(),
        });
        self
    }

    /// Replaces the files of a view by one with these columns.
    pub(super) fn with_columns(mut self, view: View, columns: Vec<(&str, ArrayRef)>) -> Self {
        let path = self
            .folder
            .path()
            .join(format!("{}-raw.parquet", view.name));
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap();
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self.snapshot.views.push(StoredView {
            description: view,
            files: vec![StoredFile::new(path)],
            person_column: "person".to_owned(),
        });
        self
    }

    pub(super) fn view(&self, name: &str) -> &View {
        let found = |stored: &&StoredView| stored.description.name == name;
        &self.snapshot.views.iter().find(found).unwrap().description
    }

    /// Runs with everybody included.
    pub(super) fn run(&self, query: &Query) -> Result<Answer, EngineError> {
        self.run_for(query, PersonSet::everybody(self.snapshot.persons))
    }

    pub(super) fn run_for(&self, query: &Query, persons: PersonSet) -> Result<Answer, EngineError> {
        self.run_in(query, persons, SCAN_BYTES + (64 << 20))
    }

    pub(super) fn run_in(
        &self,
        query: &Query,
        persons: PersonSet,
        memory_bytes: usize,
    ) -> Result<Answer, EngineError> {
        let cancel = CancellationToken::new();
        let included = Included::new(persons);
        super::super::run(query, &self.snapshot, &included, memory_bytes, &cancel)
    }
}

fn batch(view: &View, rows: &[Row]) -> RecordBatch {
    let persons: UInt32Array = rows.iter().map(|row| row.person).collect();
    let mut columns: Vec<(&str, ArrayRef)> = vec![("person", Arc::new(persons))];
    for variable in &view.variables {
        let values = rows
            .iter()
            .map(|row| row.values.get(variable.name.as_str()));
        let array: ArrayRef = match variable.r#type.as_ref().unwrap() {
            Type::Code(_) => Arc::new(
                values
                    .map(|value| match value {
                        Some(Value::Code(text)) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect::<StringArray>(),
            ),
            Type::Number(number) if number.is_integer => Arc::new(
                values
                    .map(|value| match value {
                        Some(Value::Whole(number)) => Some(*number),
                        _ => None,
                    })
                    .collect::<Int64Array>(),
            ),
            Type::Number(_) => Arc::new(
                values
                    .map(|value| match value {
                        Some(Value::Real(number)) => Some(*number),
                        _ => None,
                    })
                    .collect::<Float64Array>(),
            ),
            Type::Date(_) => Arc::new(
                values
                    .map(|value| match value {
                        Some(Value::Day(day)) => Some(*day),
                        _ => None,
                    })
                    .collect::<Date32Array>(),
            ),
        };
        columns.push((variable.name.as_str(), array));
    }
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

// Queries, shorter.

pub(super) fn query(view: &str) -> Query {
    Query {
        view: view.to_owned(),
        measures: vec![measure(wire::measure::Measure::Persons(wire::Persons {}))],
        ..Query::default()
    }
}

pub(super) fn measure(measure: wire::measure::Measure) -> wire::Measure {
    wire::Measure {
        measure: Some(measure),
    }
}

pub(super) fn dimension(dimension: wire::dimension::Dimension) -> wire::Dimension {
    wire::Dimension {
        dimension: Some(dimension),
    }
}

pub(super) fn by_code(variable: &str, level: u32) -> wire::Dimension {
    dimension(wire::dimension::Dimension::Code(wire::CodeLevel {
        variable: variable.to_owned(),
        level,
    }))
}

pub(super) fn by_bands(variable: &str, begins: &[i64]) -> wire::Dimension {
    dimension(wire::dimension::Dimension::Bands(wire::Bands {
        variable: variable.to_owned(),
        begins: begins.to_vec(),
    }))
}

pub(super) fn by_period() -> wire::Dimension {
    dimension(wire::dimension::Dimension::Period(wire::OwnPeriod {}))
}

pub(super) fn by_date(variable: &str, period: wire::Period) -> wire::Dimension {
    dimension(wire::dimension::Dimension::Date(wire::DatePeriod {
        variable: variable.to_owned(),
        period: period.into(),
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "a query has them so")]
pub(super) fn rows(pick: wire::Pick, each: Option<wire::Expression>) -> Option<wire::Rows> {
    Some(wire::Rows {
        r#where: each,
        pick: pick.into(),
    })
}

pub(super) fn expression(expression: E) -> wire::Expression {
    wire::Expression {
        expression: Some(expression),
    }
}

pub(super) fn all(of: Vec<wire::Expression>) -> wire::Expression {
    expression(E::All(wire::Expressions { of }))
}

pub(super) fn any(of: Vec<wire::Expression>) -> wire::Expression {
    expression(E::Any(wire::Expressions { of }))
}

pub(super) fn not(inner: wire::Expression) -> wire::Expression {
    expression(E::Not(Box::new(inner)))
}

pub(super) fn compare(
    variable: &str,
    operator: wire::Operator,
    literal: wire::literal::Literal,
) -> wire::Expression {
    expression(E::Comparison(wire::Comparison {
        variable: variable.to_owned(),
        operator: operator.into(),
        literal: Some(wire::Literal {
            literal: Some(literal),
        }),
    }))
}

pub(super) fn whole(variable: &str, operator: wire::Operator, literal: i64) -> wire::Expression {
    compare(variable, operator, wire::literal::Literal::Integer(literal))
}

pub(super) fn codes(variable: &str, codes: &[&str], with_descendants: bool) -> wire::Expression {
    expression(E::Codes(wire::CodeMembership {
        variable: variable.to_owned(),
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        with_descendants,
    }))
}

pub(super) fn dates(variable: &str, from: Option<i32>, until: Option<i32>) -> wire::Expression {
    expression(E::Dates(wire::DateWindow {
        variable: variable.to_owned(),
        from_month: from,
        until_month: until,
    }))
}

pub(super) fn events(
    view: &str,
    each: Option<wire::Expression>,
    at_least: u32,
) -> wire::Expression {
    expression(E::Events(Box::new(wire::Events {
        view: view.to_owned(),
        r#where: each.map(Box::new),
        at_least,
    })))
}
