//! A ledger in a SQLite file, for one gateway on one machine.
//!
//! The file is written ahead (`-wal` and `-shm` lie beside it while it is open) and is on disk
//! before a write counts. It belongs on a local disk: SQLite's locks do not work over a network.
//! Gateways on several machines share a ledger in PostgreSQL.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use super::open::{OpenLedgerError, known};
use super::sql::{Dialect, SqlStore};

/// Connections at once: one writes, others read meanwhile.
const CONNECTIONS_MAX: u32 = 4;
/// How long one waits for another that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const EXISTS: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'innsyn_ledger'";
const SCHEMA: &str = "\
    CREATE TABLE innsyn_ledger (version INTEGER NOT NULL, checks INTEGER NOT NULL) STRICT; \
    CREATE TABLE innsyn_permit ( \
        number INTEGER PRIMARY KEY, \
        issuer TEXT NOT NULL, \
        name TEXT NOT NULL, \
        UNIQUE (issuer, name) \
    ) STRICT; \
    CREATE TABLE innsyn_release ( \
        number INTEGER PRIMARY KEY AUTOINCREMENT, \
        permit INTEGER NOT NULL REFERENCES innsyn_permit, \
        query BLOB NOT NULL, \
        contributors BLOB NOT NULL, \
        released_at INTEGER NOT NULL, \
        words_nb TEXT NOT NULL, \
        words_en TEXT NOT NULL, \
        released BLOB NOT NULL, \
        audit BLOB NOT NULL, \
        UNIQUE (permit, query, contributors) \
    ) STRICT; \
    CREATE TABLE innsyn_contributor ( \
        release INTEGER NOT NULL REFERENCES innsyn_release, \
        register TEXT NOT NULL, \
        snapshot BLOB NOT NULL, \
        PRIMARY KEY (release, register) \
    ) STRICT, WITHOUT ROWID; \
    INSERT INTO innsyn_ledger (version, checks) VALUES (1, 0)";

impl Dialect for Sqlite {
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const HOLD_PERMIT: &'static str =
        "SELECT number FROM innsyn_permit WHERE issuer = $1 AND name = $2";
    // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_BUSY_RECOVERY, SQLITE_BUSY_SNAPSHOT.
    const CONFLICTS: &'static [&'static str] = &["5", "6", "261", "517"];
}

/// Opens the ledger in `file`, and makes it if it is not there.
pub(super) async fn open(file: &Path) -> Result<SqlStore<Sqlite>, OpenLedgerError> {
    make(file).map_err(|error| OpenLedgerError::File(file.to_owned(), error))?;
    prepared(file).await.map_err(|error| error.of_file(file))
}

async fn prepared(file: &Path) -> Result<SqlStore<Sqlite>, OpenLedgerError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .connect_with(options)
        .await?;
    let mut transaction = pool.begin_with(Sqlite::BEGIN).await?;
    let (exists,): (i64,) = sqlx::query_as(EXISTS).fetch_one(&mut *transaction).await?;
    if exists == 0 {
        sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    }
    known(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(SqlStore::new(pool))
}

/// Makes an empty file that nobody else may read, unless there is one.
fn make(file: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Ok(made) => made.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    // Its name must last as well.
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
