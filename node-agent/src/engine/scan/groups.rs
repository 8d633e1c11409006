//! The row groups of a file, each with a reader of its own.
//!
//! A reader that goes from one row group to the next within a batch puts two dictionaries together,
//! text by text, which costs more than all else where few rows are wanted.

use std::fs::File;
use std::vec;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::Result;

use super::ahead::ReadAhead;
use super::prune::Left;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// Readers of what is left of a file, one for each row group.
pub(in super::super) struct RowGroups {
    file: File,
    footer: ArrowReaderMetadata,
    columns: Vec<usize>,
    left: vec::IntoIter<Left>,
}

impl RowGroups {
    /// Of `file`, which says `footer`, the columns at the places `columns`.
    pub(super) fn of(
        file: File,
        footer: ArrowReaderMetadata,
        columns: Vec<usize>,
        left: Vec<Left>,
    ) -> Self {
        Self {
            file,
            footer,
            columns,
            left: left.into_iter(),
        }
    }

    fn reader(&self, left: Left) -> Result<ParquetRecordBatchReader> {
        let file = self.file.try_clone()?;
        let file = match left.rows {
            Some(_) => ReadAhead::not_ahead(file),
            None => ReadAhead::of(file, self.footer.metadata(), self.columns.len()),
        };
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.columns.iter().copied());
        let mut builder = builder
            .with_projection(mask)
            .with_row_groups(vec![left.row_group])
            .with_batch_size(BATCH_ROWS);
        if let Some(rows) = left.rows {
            builder = builder.with_row_selection(rows);
        }
        builder.build()
    }
}

impl Iterator for RowGroups {
    type Item = Result<ParquetRecordBatchReader>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.next()?;
        Some(self.reader(left))
    }
}
