//! Writes a register's table of persons and its table of settings.
//!
//! The bytes depend on the rows and nothing else: no time, no host, no path.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use jiff::civil::Date;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::folder::WriteError;
use super::{Layout, SettingRow, Status};

/// Rows that wait in memory for a batch, per file.
const BATCH_ROWS: usize = 4_096;
/// 1970-01-01, from which Parquet counts days.
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// A row about a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct PersonRow<'a> {
    /// The id, well formed or not; empty if it is missing.
    pub(super) id: &'a str,
    pub(super) status: Status,
    pub(super) since: Option<Date>,
    pub(super) last_changed: Option<Date>,
}

/// The table of persons of one register.
pub(super) enum PersonTable {
    Csv(Box<csv::Writer<File>>),
    Parquet(Box<ParquetTable>),
}

/// What the two statuses are called in the tables.
pub(super) const STATUS_REGISTERED: &str = "aktiv";
/// See [`STATUS_REGISTERED`].
pub(super) const STATUS_DELETED: &str = "slettet";

const fn status_text(status: Status) -> &'static str {
    match status {
        Status::Registered => STATUS_REGISTERED,
        Status::Deleted => STATUS_DELETED,
    }
}

/// The name of the table's file.
pub(super) const fn file_name(layout: Layout) -> &'static str {
    match layout {
        Layout::Csv => "personer.csv",
        Layout::Parquet | Layout::ParquetInteger | Layout::ParquetBare => "personer.parquet",
    }
}

impl PersonTable {
    pub(super) fn create(path: &Path, layout: Layout) -> Result<Self, WriteError> {
        let file = File::create(path).map_err(|source| WriteError::io(path, source))?;
        if layout == Layout::Csv {
            let mut table = csv::Writer::from_writer(file);
            table.write_record(["fnr", "registrert", "endret", "status"])?;
            return Ok(Self::Csv(Box::new(table)));
        }
        Ok(Self::Parquet(Box::new(ParquetTable::create(file, layout)?)))
    }

    pub(super) fn push(&mut self, row: &PersonRow<'_>) -> Result<(), WriteError> {
        match self {
            Self::Csv(table) => {
                let since = row.since.map(|date| date.to_string());
                let changed = row.last_changed.map(|date| date.to_string());
                Ok(table.write_record([
                    row.id,
                    since.as_deref().unwrap_or_default(),
                    changed.as_deref().unwrap_or_default(),
                    status_text(row.status),
                ])?)
            }
            Self::Parquet(table) => table.push(row),
        }
    }

    pub(super) fn finish(self) -> Result<(), WriteError> {
        match self {
            Self::Csv(mut table) => Ok(table.flush().map_err(csv::Error::from)?),
            Self::Parquet(table) => table.finish(),
        }
    }
}

/// A Parquet file in the making.
pub(super) struct ParquetTable {
    layout: Layout,
    schema: Arc<Schema>,
    writer: ArrowWriter<BufWriter<File>>,
    ids: StringBuilder,
    integers: Int64Builder,
    since: Date32Builder,
    changed: Date32Builder,
    status: StringBuilder,
    waiting: usize,
}

impl ParquetTable {
    fn create(file: File, layout: Layout) -> Result<Self, WriteError> {
        let id = match layout {
            Layout::ParquetInteger => DataType::Int64,
            Layout::Parquet | Layout::ParquetBare | Layout::Csv => DataType::Utf8,
        };
        let mut fields = vec![Field::new("fnr", id, true)];
        if layout != Layout::ParquetBare {
            fields.extend([
                Field::new("registrert", DataType::Date32, true),
                Field::new("endret", DataType::Date32, true),
                Field::new("status", DataType::Utf8, false),
            ]);
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("innsyn-sim".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            // Ids hardly repeat, so a dictionary of them would be the column again.
            .set_column_dictionary_enabled("fnr".into(), false)
            .build();
        let writer =
            ArrowWriter::try_new(BufWriter::new(file), Arc::clone(&schema), Some(properties))?;
        Ok(Self {
            layout,
            schema,
            writer,
            ids: StringBuilder::new(),
            integers: Int64Builder::new(),
            since: Date32Builder::new(),
            changed: Date32Builder::new(),
            status: StringBuilder::new(),
            waiting: 0,
        })
    }

    fn push(&mut self, row: &PersonRow<'_>) -> Result<(), WriteError> {
        let id = Some(row.id).filter(|id| !id.is_empty());
        if self.layout == Layout::ParquetInteger {
            self.integers
                .append_option(id.and_then(|id| id.parse().ok()));
        } else {
            self.ids.append_option(id);
        }
        if self.layout != Layout::ParquetBare {
            self.since.append_option(row.since.map(days_since_epoch));
            self.changed
                .append_option(row.last_changed.map(days_since_epoch));
            self.status.append_value(status_text(row.status));
        }
        self.waiting += 1;
        if self.waiting >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let mut columns: Vec<ArrayRef> = vec![if self.layout == Layout::ParquetInteger {
            Arc::new(self.integers.finish())
        } else {
            Arc::new(self.ids.finish())
        }];
        if self.layout != Layout::ParquetBare {
            columns.push(Arc::new(self.since.finish()));
            columns.push(Arc::new(self.changed.finish()));
            columns.push(Arc::new(self.status.finish()));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.waiting = 0;
        Ok(self.writer.write(&batch)?)
    }

    fn finish(mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

fn days_since_epoch(date: Date) -> i32 {
    date.since(EPOCH).map_or(0, |span| span.get_days())
}

/// The table of settings of one register: always CSV.
pub(super) struct SettingTable(csv::Writer<File>);

/// The name of the settings file.
pub(super) const SETTINGS_FILE: &str = "innstillinger.csv";

impl SettingTable {
    pub(super) fn create(path: &Path) -> Result<Self, WriteError> {
        let file = File::create(path).map_err(|source| WriteError::io(path, source))?;
        let mut table = csv::Writer::from_writer(file);
        table.write_record(["fnr", "type", "formaal", "fra", "til"])?;
        Ok(Self(table))
    }

    pub(super) fn push(&mut self, id: &str, row: &SettingRow) -> Result<(), WriteError> {
        let from = row.from.to_string();
        let until = row.until.map(|date| date.to_string());
        let until = until.as_deref().unwrap_or_default();
        Ok(self
            .0
            .write_record([id, row.kind, row.purpose, &from, until])?)
    }

    pub(super) fn finish(mut self) -> Result<(), WriteError> {
        Ok(self.0.flush().map_err(csv::Error::from)?)
    }
}
