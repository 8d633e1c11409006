//! From Parquet pages to the rows of included persons.
//!
//! This is the barrier. A row goes on only if its person column names a person of the span who is
//! included; of all other rows no value is looked at, compared, or given a number, so that
//! nothing in them can show, or fail. Row groups, and pages where the file has an index of them, are
//! left unread where the file's own bounds of a column that is asked for, never of the person
//! column, say that no row can count; that is all that a file's statistics are used for.

use std::fs::File;
use std::ops::Range;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use tokio_util::sync::CancellationToken;

use super::error::EngineError;
use super::persons::Included;
use super::plan::Reading;
use super::predicate::Predicate;
use super::snapshot::StoredFile;
use super::words::Words;

mod columns;
mod gather;
mod prune;

pub(super) use gather::Values;

use gather::Gatherer;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// Rows of included persons, column by column.
#[derive(Debug)]
pub(super) struct Rows {
    /// Whose each row is, counted from the first person of the span.
    pub(super) persons: Vec<u32>,
    /// As in [`Reading::columns`].
    pub(super) columns: Vec<Values>,
}

/// What a scan is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) included: &'a Included,
    /// The persons whose rows are wanted.
    pub(super) span: &'a Range<u32>,
    pub(super) cancel: &'a CancellationToken,
}

impl Scan<'_> {
    /// Calls `each` with batches of the rows that are wanted. Rows of which `filter` is false may
    /// be missing; `each` has to test them itself.
    pub(super) fn run(
        self,
        filter: &mut Predicate,
        words: &mut Words,
        each: &mut impl FnMut(&Rows, &mut Predicate, &Words) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for file in &self.reading.stored.files {
            let mut gatherer = Gatherer::new(self);
            for batch in self.open(file, filter)? {
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                let batch = batch.map_err(|_| self.unreadable())?;
                let rows = self.rows(&mut gatherer, &batch, words)?;
                if !rows.persons.is_empty() {
                    each(&rows, filter, words)?;
                }
            }
        }
        Ok(())
    }

    fn rows(
        &self,
        gatherer: &mut Gatherer<'_>,
        batch: &RecordBatch,
        words: &mut Words,
    ) -> Result<Rows, EngineError> {
        gatherer.rows(batch, words).map_err(|_| self.unreadable())
    }

    /// The batches of `stored`, without row groups and pages that `filter` rules out.
    fn open(
        &self,
        stored: &StoredFile,
        filter: &Predicate,
    ) -> Result<ParquetRecordBatchReader, EngineError> {
        let failed = |_| self.unreadable();
        let file = File::open(stored.path()).map_err(|_| self.unreadable())?;
        let found = stored.footer(&file).map_err(failed)?;
        let wanted = columns::check(self.reading, found.schema())?;
        let left = prune::left(self.reading, filter, found);

        let options = ArrowReaderOptions::new()
            .with_schema(columns::with_dictionaries(self.reading, found.schema()));
        let read = ArrowReaderMetadata::try_new(found.metadata().clone(), options);
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, read.map_err(failed)?);
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        let mut builder = builder
            .with_projection(mask)
            .with_row_groups(left.row_groups)
            .with_batch_size(BATCH_ROWS);
        if let Some(rows) = left.rows {
            builder = builder.with_row_selection(rows);
        }
        builder.build().map_err(failed)
    }

    fn unreadable(&self) -> EngineError {
        EngineError::Unreadable {
            view: self.reading.view.name.clone(),
        }
    }
}
