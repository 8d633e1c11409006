//! One view's rows in the folder of research: a Parquet file, and what was counted on the way.
//!
//! Rows are streamed through: in memory there is a row group of the file, and a bit for each
//! person. What a query does not ask for is to be left unread:
//!
//! - From row group to row group, rows stay in the source's order, which is mostly that of time, so
//!   that bounds of dates leave out row groups.
//! - Within a row group they are in the order of the event's code (`groups`), and pages are small, so
//!   that bounds of codes leave out pages.
//! - Nothing is compressed: decompressing costs a query more than what it reads.
//!
//! Of persons, and of all but the event's code and date, the file has bounds of row groups alone, and
//! the engine takes nothing from those of persons. The counts stand in the file's own metadata and
//! are read from there when it is used again.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use innsyn_proto::wire::research::v1 as wire;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use tokio_util::sync::CancellationToken;
use wire::variable::Type;

use super::error::ViewFault;
use super::rows::{FileRows, People, schema};
use super::view::{PERSON, PublishedView};
use crate::engine::PersonSet;
use crate::sources::Fingerprint;

mod groups;
#[cfg(test)]
mod tests;

use groups::Groups;

/// Rows in a row group: few enough for bounds to say something, enough for codes to repeat.
const GROUP_ROWS: usize = 131_072;
/// Rows in a page, which is the least that is left unread: a thirty-second of a row group, and
/// still enough for the cost of a page not to show.
const PAGE_ROWS: usize = 2_048;
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
    let event_code = groups::event_code(&view.description);
    let writer = ArrowWriter::try_new(
        to,
        schema.clone(),
        Some(properties(&view.description, event_code)),
    );
    let mut groups = Groups::new(writer.map_err(not_written)?, &schema, event_code);
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
            groups.push(batch)?;
        }
    }
    if report.rows > 0 && report.rows_of_nobody == report.rows {
        return Err(ViewFault::AboutNobody { rows: report.rows });
    }
    report.persons = persons.len() as u64;
    let mut writer = groups.finish()?;
    for (key, count) in [
        (ROWS, report.rows),
        (ROWS_OF_NOBODY, report.rows_of_nobody),
        (PERSONS, report.persons),
    ] {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), count.to_string()));
    }
    Ok((writer.into_inner().map_err(not_written)?, report))
}

/// How the file of `view` is laid out.
fn properties(view: &wire::View, event_code: Option<&str>) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        // Whether a page is full is looked at after so many rows.
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Every query reads the persons of all rows that it cannot rule out, and they hardly repeat
        // in a row group: as plain numbers they are read fastest. So are numbers that are not whole.
        .set_column_dictionary_enabled(PERSON.into(), false);
    for variable in &view.variables {
        let name = variable.name.as_str();
        if matches!(&variable.r#type, Some(Type::Number(number)) if !number.is_integer) {
            properties = properties.set_column_dictionary_enabled(name.into(), false);
        }
        if event_code == Some(name) || view.event_date == name {
            properties =
                properties.set_column_statistics_enabled(name.into(), EnabledStatistics::Page);
        }
    }
    properties.build()
}

fn insert_all(persons: &mut PersonSet, batch: &RecordBatch) {
    let column = batch.column(0).as_primitive::<UInt32Type>();
    for person in column.values() {
        persons.insert(*person);
    }
}

fn not_written(error: impl std::error::Error) -> ViewFault {
    ViewFault::NotWritten(error.to_string())
}
