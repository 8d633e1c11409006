//! One view's rows in the folder of research: a Parquet file, and what was counted on the way.
//!
//! Rows are streamed through: in memory there is a row group of the file, and a bit for each
//! person. They stay in the source's order, which is mostly that of time, so that the bounds of a
//! row group's dates leave out what a query does not ask for. The counts stand in the file's own
//! metadata and are read from there when it is used again.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use tokio_util::sync::CancellationToken;

use super::error::ViewFault;
use super::rows::{FileRows, People, schema};
use super::view::{PERSON, PublishedView};
use crate::engine::PersonSet;
use crate::sources::Fingerprint;

/// Rows in a row group: few enough for bounds to say something, enough for codes to repeat.
const GROUP_ROWS: usize = 65_536;
/// Under these names the counts stand in the file.
const ROWS: &str = "innsyn.rows";
const ROWS_OF_NOBODY: &str = "innsyn.rows_of_nobody";
const PERSONS: &str = "innsyn.persons";

/// What was counted while a view was made ready. Numbers only: nothing here says who.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewReport {
    /// Rows in the source.
    pub rows: u64,
    /// Those of them that are about nobody who is registered now: without an id, with a malformed
    /// one, or with somebody else's. They are left out.
    pub rows_of_nobody: u64,
    /// Different people in the others.
    pub persons: u64,
}

impl ViewReport {
    /// The persons as they are published: to two significant digits, and to tens below a hundred,
    /// so that one person more does not show.
    pub(super) fn persons_about(self) -> u64 {
        let mut unit = 10;
        while self.persons / unit >= 100 {
            unit *= 10;
        }
        (self.persons + unit / 2) / unit * unit
    }

    /// The counts that stand in the file at `path`; `None` if it is not whole.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).ok()?;
        let counts = found.metadata().file_metadata().key_value_metadata()?;
        let count = |key: &str| -> Option<u64> {
            let found = counts.iter().find(|count| count.key == key)?;
            found.value.as_deref()?.parse().ok()
        };
        Some(Self {
            rows: count(ROWS)?,
            rows_of_nobody: count(ROWS_OF_NOBODY)?,
            persons: count(PERSONS)?,
        })
    }
}

/// Writes the rows that `view` has in `files` to `to`, and gives it back.
pub(super) fn write<W: Write + Send>(
    view: &PublishedView,
    files: &Fingerprint,
    people: People<'_>,
    to: W,
    stop: &CancellationToken,
) -> Result<(W, ViewReport), ViewFault> {
    let schema = schema(&view.description);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        // Every query reads the persons of all rows, and they hardly repeat in a row group: as plain
        // numbers they are read fastest.
        .set_column_dictionary_enabled(PERSON.into(), false)
        .set_column_compression(PERSON.into(), Compression::UNCOMPRESSED)
        .build();
    let mut writer = ArrowWriter::try_new(to, schema.clone(), Some(properties))
        .map_err(|error| not_written(&error))?;
    // A number is a `u32`, so there are no more people.
    let everybody = u32::try_from(people.subjects.len()).unwrap_or(u32::MAX);
    let mut persons = PersonSet::nobody(everybody);
    let mut report = ViewReport::default();
    for file in files.files() {
        let mut rows = FileRows::open(file.path(), view, people, &schema)?;
        while let Some((batch, rows)) = rows.next()? {
            if stop.is_cancelled() {
                return Err(ViewFault::Stopped);
            }
            report.rows += rows as u64;
            report.rows_of_nobody += (rows - batch.num_rows()) as u64;
            insert_all(&mut persons, &batch);
            writer.write(&batch).map_err(|error| not_written(&error))?;
        }
    }
    if report.rows > 0 && report.rows_of_nobody == report.rows {
        return Err(ViewFault::AboutNobody { rows: report.rows });
    }
    report.persons = persons.len() as u64;
    for (key, count) in [
        (ROWS, report.rows),
        (ROWS_OF_NOBODY, report.rows_of_nobody),
        (PERSONS, report.persons),
    ] {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), count.to_string()));
    }
    Ok((
        writer.into_inner().map_err(|error| not_written(&error))?,
        report,
    ))
}

fn insert_all(persons: &mut PersonSet, batch: &RecordBatch) {
    let column = batch.column(0).as_primitive::<UInt32Type>();
    for person in column.values() {
        persons.insert(*person);
    }
}

fn not_written(error: &ParquetError) -> ViewFault {
    ViewFault::NotWritten(error.to_string())
}
