//! The data that a query runs over, as they stand at one moment.

use std::path::PathBuf;

use innsyn_proto::wire::research::v1::View;

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
    pub files: Vec<PathBuf>,
    /// The column of whole numbers that says whose a row is. A row without one, or with one that
    /// the snapshot does not have, is nobody's and does not count.
    pub person_column: String,
}
