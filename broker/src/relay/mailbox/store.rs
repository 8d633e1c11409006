//! The boxes in a database: the statements, which SQLite and PostgreSQL take alike.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::RegisterId;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::{MailboxConfig, Waiting};
use crate::research::ledger::{OpenLedgerError, postgres_options};

/// The length of an item's name.
pub const NAME_BYTES: usize = 16;
/// How long one that writes waits for another that does.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once.
const CONNECTIONS_MAX: u32 = 4;

const SQLITE_SCHEMA: &str = "\
    CREATE TABLE IF NOT EXISTS innsyn_mailbox ( \
        number INTEGER PRIMARY KEY AUTOINCREMENT, \
        register TEXT NOT NULL, \
        name BLOB NOT NULL UNIQUE, \
        sealed BLOB NOT NULL \
    ) STRICT; \
    CREATE INDEX IF NOT EXISTS innsyn_mailbox_of ON innsyn_mailbox (register, number)";
const POSTGRES_SCHEMA: &str = "\
    CREATE TABLE IF NOT EXISTS innsyn_mailbox ( \
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
        register TEXT NOT NULL, \
        name BYTEA NOT NULL UNIQUE, \
        sealed BYTEA NOT NULL \
    ); \
    CREATE INDEX IF NOT EXISTS innsyn_mailbox_of ON innsyn_mailbox (register, number)";
/// Relays that start at once make the table one after the other; deposits get their numbers in
/// the order in which they can be seen.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7166117722)";

const DEPOSIT: &str = "INSERT INTO innsyn_mailbox (register, name, sealed) VALUES ($1, $2, $3) \
    ON CONFLICT (name) DO NOTHING";
const COLLECT: &str = "SELECT number, name, sealed FROM innsyn_mailbox \
    WHERE register = $1 AND number > $2 ORDER BY number LIMIT $3";
const TAKE: &str = "DELETE FROM innsyn_mailbox WHERE register = $1 AND name = $2";
const TRIM: &str = "DELETE FROM innsyn_mailbox WHERE register = $1 AND number <= \
    (SELECT number FROM innsyn_mailbox WHERE register = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)";

/// Why the mailbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailboxStoreError {
    /// The file cannot be made.
    #[error(
        "the mailbox `{}` cannot be made; its folder must be there, and this account must be able \
         to write to it", .0.display()
    )]
    File(PathBuf, #[source] io::Error),
    /// The database's URL cannot be used.
    #[error("the mailbox's database")]
    Url(#[source] OpenLedgerError),
    /// The database fails.
    #[error("the mailbox's database fails")]
    Database(#[from] sqlx::Error),
}

/// The boxes of all registers.
#[derive(Debug)]
pub(super) enum Boxes {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same for both databases, which have no type in common.
macro_rules! with_transaction {
    ($boxes:expr, |$transaction:ident| $work:expr) => {
        match $boxes {
            Boxes::Sqlite(pool) => {
                let mut $transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                let done = $work;
                $transaction.commit().await?;
                done
            }
            Boxes::Postgres(pool) => {
                let mut $transaction = pool.begin().await?;
                sqlx::query(ONE_AT_A_TIME)
                    .execute(&mut *$transaction)
                    .await?;
                let done = $work;
                $transaction.commit().await?;
                done
            }
        }
    };
}

impl Boxes {
    pub(super) async fn open(config: &MailboxConfig) -> Result<Self, MailboxStoreError> {
        match config {
            MailboxConfig::Sqlite { file } => {
                make(file).map_err(|error| MailboxStoreError::File(file.clone(), error))?;
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(BUSY_TIMEOUT);
                let pool = SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS_MAX)
                    .connect_with(options)
                    .await?;
                sqlx::raw_sql(SQLITE_SCHEMA).execute(&pool).await?;
                Ok(Self::Sqlite(pool))
            }
            MailboxConfig::Postgres { url_file } => {
                let options = postgres_options(url_file).map_err(MailboxStoreError::Url)?;
                let pool = PgPoolOptions::new()
                    .max_connections(CONNECTIONS_MAX)
                    .acquire_timeout(BUSY_TIMEOUT)
                    .connect_with(options)
                    .await?;
                let mut transaction = pool.begin().await?;
                sqlx::query(ONE_AT_A_TIME)
                    .execute(&mut *transaction)
                    .await?;
                sqlx::raw_sql(POSTGRES_SCHEMA)
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await?;
                Ok(Self::Postgres(pool))
            }
        }
    }

    /// Puts `items` into their boxes, all or none; one whose name is there already stays as it is.
    pub(super) async fn deposit(
        &self,
        items: &[(RegisterId, [u8; NAME_BYTES], Vec<u8>)],
    ) -> Result<(), MailboxStoreError> {
        with_transaction!(self, |transaction| {
            for (register, name, sealed) in items {
                sqlx::query(DEPOSIT)
                    .bind(register.as_str())
                    .bind(&name[..])
                    .bind(&sealed[..])
                    .execute(&mut *transaction)
                    .await?;
            }
        });
        Ok(())
    }

    /// Items for `register` that came after the one numbered `after`, at most `limit`.
    pub(super) async fn collect(
        &self,
        register: &RegisterId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Waiting>, MailboxStoreError> {
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = match self {
            Self::Sqlite(pool) => {
                sqlx::query_as(COLLECT)
                    .bind(register.as_str())
                    .bind(after)
                    .bind(limit)
                    .fetch_all(pool)
                    .await?
            }
            Self::Postgres(pool) => {
                sqlx::query_as(COLLECT)
                    .bind(register.as_str())
                    .bind(after)
                    .bind(limit)
                    .fetch_all(pool)
                    .await?
            }
        };
        let waiting = rows.into_iter().filter_map(|(number, name, sealed)| {
            let name = name.try_into().ok()?;
            Some(Waiting {
                number,
                name,
                sealed,
            })
        });
        Ok(waiting.collect())
    }

    /// Leaves the newest `most` items in the box of each of `registers`.
    pub(super) async fn trim(
        &self,
        registers: &[&RegisterId],
        most: i64,
    ) -> Result<(), MailboxStoreError> {
        with_transaction!(self, |transaction| {
            for register in registers {
                sqlx::query(TRIM)
                    .bind(register.as_str())
                    .bind(most)
                    .execute(&mut *transaction)
                    .await?;
            }
        });
        Ok(())
    }

    /// Forgets items out of the boxes of the registers that they are named with.
    pub(super) async fn take(
        &self,
        items: &[(RegisterId, [u8; NAME_BYTES])],
    ) -> Result<(), MailboxStoreError> {
        with_transaction!(self, |transaction| {
            for (register, name) in items {
                sqlx::query(TAKE)
                    .bind(register.as_str())
                    .bind(&name[..])
                    .execute(&mut *transaction)
                    .await?;
            }
        });
        Ok(())
    }
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
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
