//! Rows become row groups, each in the order of the event's code.

use std::io::Write;
use std::mem;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::Schema;
use arrow_select::interleave::interleave_record_batch;
use innsyn_proto::wire::research::v1 as wire;
use parquet::arrow::ArrowWriter;
use wire::View;
use wire::variable::Type;

use super::super::error::ViewFault;
use super::{GROUP_ROWS, not_written};

/// The variable that says what events of `view` are about: the first in the order of the catalogue
/// that is a code and not the person's, of several levels if there is one.
pub(super) fn event_code(view: &View) -> Option<&str> {
    let codes = view.variables.iter().filter_map(|one| match &one.r#type {
        Some(Type::Code(code)) if !one.of_person => Some((one.name.as_str(), code)),
        _ => None,
    });
    let has_levels = |(_, code): &(&str, &wire::Code)| code.level_characters.len() > 1;
    let of_levels = codes.clone().find(has_levels);
    of_levels
        .or_else(|| codes.clone().next())
        .map(|(name, _)| name)
}

/// Writes row groups of [`GROUP_ROWS`] rows, the last one of what is left.
pub(super) struct Groups<W: Write + Send> {
    writer: ArrowWriter<W>,
    /// The column of the event's code.
    code: Option<usize>,
    /// Rows that wait until they are a row group.
    waiting: Vec<RecordBatch>,
    rows: usize,
}

impl<W: Write + Send> Groups<W> {
    /// Of a file with `schema`, whose first column is the persons'.
    pub(super) fn new(writer: ArrowWriter<W>, schema: &Schema, event_code: Option<&str>) -> Self {
        let code = event_code.and_then(|name| schema.column_with_name(name));
        Self {
            writer,
            code: code.map(|(at, _)| at),
            waiting: Vec::new(),
            rows: 0,
        }
    }

    /// Adds the rows of `batch`.
    pub(super) fn push(&mut self, mut batch: RecordBatch) -> Result<(), ViewFault> {
        while self.rows + batch.num_rows() >= GROUP_ROWS {
            let room = GROUP_ROWS - self.rows;
            self.wait(batch.slice(0, room));
            self.write()?;
            batch = batch.slice(room, batch.num_rows() - room);
        }
        self.wait(batch);
        Ok(())
    }

    /// Writes what still waits, and gives back the writer.
    pub(super) fn finish(mut self) -> Result<ArrowWriter<W>, ViewFault> {
        self.write()?;
        Ok(self.writer)
    }

    fn wait(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.rows += batch.num_rows();
            self.waiting.push(batch);
        }
    }

    fn write(&mut self) -> Result<(), ViewFault> {
        self.rows = 0;
        let waiting = mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let places = in_order(&waiting, self.code);
        let group = interleave_record_batch(&waiting.iter().collect::<Vec<_>>(), &places);
        drop((waiting, places));
        // A row group is flushed when it is full, which is what GROUP_ROWS says to the writer too.
        self.writer
            .write(&group.map_err(not_written)?)
            .map_err(not_written)
    }
}

/// The places of all rows in `batches`, each of a batch and in it, in the order of code, person and
/// place. Rows without a code come first.
fn in_order(batches: &[RecordBatch], code: Option<usize>) -> Vec<(usize, usize)> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (at, batch) in batches.iter().enumerate() {
        let persons = batch.column(0).as_primitive::<UInt32Type>();
        let codes = code.and_then(|code| batch.column(code).as_string_opt::<i32>());
        for (row, person) in persons.values().iter().enumerate() {
            let code = codes.filter(|codes| codes.is_valid(row));
            rows.push((code.map(|codes| codes.value(row)), *person, (at, row)));
        }
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, _, place)| place).collect()
}
