//! Opening the file, and making it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::CryptoRng;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{
    BUSY_TIMEOUT, CONNECTIONS_MAX, Records, RecordsKey, RecordsKeyError, Schema, bring_up,
};

/// The file, in the folder of the records.
pub const RECORDS_FILE: &str = "records.sqlite";

const SCHEMAS: &str = "CREATE TABLE IF NOT EXISTS schemas (\
    name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/// Why the records are not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenRecordsError {
    /// The folder or the file cannot be made.
    #[error("`{}` cannot be made", .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] RecordsKeyError),
    /// A newer agent has written here.
    #[error("the tables `{name}` are of a newer agent; run that one, or restore an older copy")]
    Newer {
        /// Which tables.
        name: &'static str,
    },
    /// SQLite cannot read it.
    #[error("the agent's records cannot be opened")]
    Database(#[from] sqlx::Error),
}

impl Records {
    /// Opens the records in `folder` with the tables of `schemas`, and makes them and their key in
    /// `key_file` if the folder has none.
    pub async fn open(
        folder: &Path,
        key_file: &Path,
        schemas: &[Schema],
        random: &mut impl CryptoRng,
    ) -> Result<Self, OpenRecordsError> {
        let file = folder.join(RECORDS_FILE);
        let is_new = make_folder(folder)
            .and_then(|()| fs::exists(&file))
            .map(|exists| !exists)
            .map_err(|error| OpenRecordsError::Make(folder.to_owned(), error))?;
        let key = RecordsKey::open(key_file, folder, is_new, random)?;
        if is_new {
            make(&file).map_err(|error| OpenRecordsError::Make(file.clone(), error))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(options)
            .await?;
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(SCHEMAS).execute(&mut *transaction).await?;
        for schema in schemas {
            bring_up(&mut transaction, *schema).await?;
        }
        transaction.commit().await?;
        Ok(Self { pool, key })
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes an empty file that nobody else may read, whose name lasts.
fn make(file: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .sync_all()?;
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
