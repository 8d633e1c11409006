//! The data that a query runs over, as they stand at one moment.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use innsyn_proto::wire::research::v1::View;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;

/// A register's data with its persons numbered `0..persons`; files do not change while it is used.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// How many persons there are.
    pub persons: u32,
    /// The views that are published.
    pub views: Vec<StoredView>,
}

/// A view and the Parquet files that hold its rows.
#[derive(Debug, Clone)]
pub struct StoredView {
    /// What is published of it. Columns of the files have the names of its variables.
    pub description: View,
    /// The files; each has the person column and every variable that is asked for. Codes are
    /// text, numbers are numbers (whole ones if so published), dates are dates or timestamps
    /// without a zone.
    pub files: Vec<StoredFile>,
    /// The column of whole numbers that says whose a row is. A row without one, or with one that
    /// the snapshot does not have, is nobody's and does not count.
    pub person_column: String,
}

/// A Parquet file of a view.
///
/// Its footer and its page index, where it has one, are read by the first query and kept for the
/// next ones and for all clones, which they may be because the file does not change.
#[derive(Clone)]
pub struct StoredFile {
    path: PathBuf,
    footer: Arc<OnceLock<ArrowReaderMetadata>>,
}

impl StoredFile {
    /// The file at `path`, which is not looked at yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            footer: Arc::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its footer says; `file` is it, opened.
    pub(super) fn footer(&self, file: &File) -> Result<&ArrowReaderMetadata, ParquetError> {
        if let Some(footer) = self.footer.get() {
            return Ok(footer);
        }
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = ArrowReaderMetadata::load(file, options)?;
        // Whoever came first, what they read is the same.
        Ok(self.footer.get_or_init(|| footer))
    }
}

/// The path alone: a footer holds values.
impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StoredFile");
        shown.field("path", &self.path).finish_non_exhaustive()
    }
}
