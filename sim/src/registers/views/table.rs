//! Writes one view's Parquet file.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Float64Builder, Int32Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::super::folder::WriteError;
use super::describe::{ID_COLUMN, Kind, View};
use crate::population::Day;

/// Rows that wait in memory for a batch, per file.
const BATCH_ROWS: usize = 4_096;
/// Rows that wait in memory as pages, per file, whatever the size of the country.
const ROW_GROUP_ROWS: usize = 65_536;

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Missing,
    Code(&'a str),
    Whole(i32),
    Real(f64),
    Day(Day),
}

/// A Parquet file in the making.
pub(super) struct ViewTable {
    schema: Arc<Schema>,
    writer: ArrowWriter<BufWriter<File>>,
    ids: StringBuilder,
    columns: Vec<Column>,
    waiting: usize,
}

/// A column of the rows that wait.
enum Column {
    Code(StringBuilder),
    Whole(Int32Builder),
    Real(Float64Builder),
    Day(Date32Builder),
}

impl ViewTable {
    pub(super) fn create(file: File, view: &View) -> Result<Self, WriteError> {
        let mut fields = vec![Field::new(ID_COLUMN, DataType::Utf8, true)];
        let mut columns = Vec::new();
        for variable in view.variables() {
            let (column, data_type) = Column::of(&variable.kind);
            fields.push(Field::new(variable.name, data_type, true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("innsyn-sim".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            // Where each person has one row, a dictionary of ids would be the column again.
            .set_column_dictionary_enabled(ID_COLUMN.into(), view.event_date.is_some())
            .build();
        let writer =
            ArrowWriter::try_new(BufWriter::new(file), Arc::clone(&schema), Some(properties))?;
        Ok(Self {
            schema,
            writer,
            ids: StringBuilder::new(),
            columns,
            waiting: 0,
        })
    }

    /// Adds a row; values that are not given are missing.
    pub(super) fn push(
        &mut self,
        id: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<(), WriteError> {
        self.ids.append_option(id);
        let values = values.iter().chain(std::iter::repeat(&Value::Missing));
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(*value);
        }
        self.waiting += 1;
        if self.waiting >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let ids: ArrayRef = Arc::new(self.ids.finish());
        let columns = self.columns.iter_mut().map(Column::finish);
        let columns = std::iter::once(ids).chain(columns).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.waiting = 0;
        Ok(self.writer.write(&batch)?)
    }

    pub(super) fn finish(mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

impl Column {
    fn of(kind: &Kind) -> (Self, DataType) {
        match kind {
            Kind::Code { .. } => (Self::Code(StringBuilder::new()), DataType::Utf8),
            Kind::Number {
                is_integer: true, ..
            } => (Self::Whole(Int32Builder::new()), DataType::Int32),
            Kind::Number { .. } => (Self::Real(Float64Builder::new()), DataType::Float64),
            Kind::Date => (Self::Day(Date32Builder::new()), DataType::Date32),
        }
    }

    /// A value of another kind than the column's counts as missing; a test sees that there is
    /// none.
    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Code(column), Value::Code(code)) => column.append_value(code),
            (Self::Whole(column), Value::Whole(number)) => column.append_value(number),
            (Self::Real(column), Value::Real(number)) => column.append_value(number),
            (Self::Day(column), Value::Day(day)) => column.append_value(day.since_epoch()),
            (Self::Code(column), _) => column.append_null(),
            (Self::Whole(column), _) => column.append_null(),
            (Self::Real(column), _) => column.append_null(),
            (Self::Day(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Code(column) => Arc::new(column.finish()),
            Self::Whole(column) => Arc::new(column.finish()),
            Self::Real(column) => Arc::new(column.finish()),
            Self::Day(column) => Arc::new(column.finish()),
        }
    }
}
