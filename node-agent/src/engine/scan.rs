//! From Parquet pages to the rows of included persons.
//!
//! This is the barrier. A row goes on only if its person column names a person of the span who is
//! included; of all other rows no value is looked at, compared, or given a number, so that
//! nothing in them can show, or fail. Row groups, and pages where the file has an index of them, are
//! left unread where the file's own bounds of a column that is asked for, never of the person
//! column, say that no row can count; that is all that a file's statistics are used for.

use std::fs::File;
use std::ops::Range;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use tokio_util::sync::CancellationToken;

use super::error::EngineError;
use super::persons::{Included, PersonSet};
use super::plan::Reading;
use super::predicate::{Others, Predicate};
use super::snapshot::StoredFile;
use super::words::Words;

mod ahead;
mod chosen;
mod columns;
mod gather;
mod groups;
mod prune;

pub(super) use chosen::{chosen, keep};
pub(super) use gather::{Rows, Values};

use gather::Gatherer;
use groups::RowGroups;

/// What becomes of the rows of a scan.
pub(super) trait Sink {
    /// Drops the rows that change nothing, by whose they are and when they were: what else there is
    /// in them is then not taken out of the batch.
    fn choose(&mut self, rows: &mut Rows, words: &Words) -> Result<(), EngineError>;

    /// Takes in the rows that are left, which have all their columns.
    fn take(&mut self, rows: &Rows, words: &Words) -> Result<(), EngineError>;
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
    /// Gives `sink` the rows of which `filter` is true, batch by batch; `asked` is what it asks of
    /// other views.
    ///
    /// Columns are taken out of a batch one after the other, each for the rows that are left by
    /// then, so that a row that does not count costs as little as can be.
    pub(super) fn run(
        self,
        filter: &mut Predicate,
        asked: &[PersonSet],
        words: &mut Words,
        sink: &mut impl Sink,
    ) -> Result<(), EngineError> {
        let tested = filter.columns();
        for file in &self.reading.stored.files {
            let mut gatherer = Gatherer::new(self);
            let failed = |_| self.unreadable();
            for row_group in self.open(file, filter)? {
                for batch in row_group.map_err(|_| self.unreadable())? {
                    if self.cancel.is_cancelled() {
                        return Err(EngineError::Cancelled);
                    }
                    let batch = batch.map_err(failed)?;
                    let mut rows = gatherer.included(&batch).map_err(failed)?;
                    let is_tested = |at| tested.contains(&at);
                    let taken = gatherer.take(&batch, &mut rows, is_tested, words);
                    taken.map_err(failed)?;
                    if !filter.is_always_true() {
                        let is_true = filter.test(&rows, Others { words, asked });
                        rows.keep(&chosen(is_true.into_iter()));
                    }
                    sink.choose(&mut rows, words)?;
                    if rows.is_empty() {
                        continue;
                    }
                    let taken = gatherer.take(&batch, &mut rows, |_| true, words);
                    taken.map_err(failed)?;
                    sink.take(&rows, words)?;
                }
            }
        }
        Ok(())
    }

    /// The row groups of `stored`, without those and without pages that `filter` rules out.
    pub(super) fn open(
        &self,
        stored: &StoredFile,
        filter: &Predicate,
    ) -> Result<RowGroups, EngineError> {
        let failed = |_| self.unreadable();
        let file = File::open(stored.path()).map_err(|_| self.unreadable())?;
        let found = stored.footer(&file).map_err(failed)?;
        let wanted = columns::check(self.reading, found.schema())?;
        let left = prune::left(self.reading, filter, found);
        let options = ArrowReaderOptions::new()
            .with_schema(columns::with_dictionaries(self.reading, found.schema()));
        let footer = ArrowReaderMetadata::try_new(found.metadata().clone(), options);
        Ok(RowGroups::of(file, footer.map_err(failed)?, wanted, left))
    }

    fn unreadable(&self) -> EngineError {
        EngineError::Unreadable {
            view: self.reading.view.name.clone(),
        }
    }
}
