//! What waits to be sent: sealed items of settings, each number's together, and of dialogs, in a
//! SQLite file.
//!
//! The file holds no person and nothing that this gateway could open: numbers, sealed bytes, the
//! hash of each change's id, agents' public keys, and how far each agent has come.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::sealing::SealingKey;
use innsyn_proto::setting::ChangeId;
use innsyn_proto::wire::relay::v1::DepositRequest;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

mod dialogs;

pub(super) use dialogs::{DialogMessage, Known};

/// Numbers that may wait, so that a federation that nobody comes from cannot fill the disk.
const NUMBERS_MAX: u64 = 200_000;
/// How long a number that is deposited is kept for agents that have not come.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);
/// How long the id of a change is remembered.
const IDS_KEPT_FOR: Duration = Duration::from_hours(30 * 24);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: u32 = 4;

const SCHEMA: &str = "\
    CREATE TABLE IF NOT EXISTS innsyn_item ( \
        number INTEGER PRIMARY KEY, \
        items BLOB NOT NULL, \
        made_at INTEGER NOT NULL, \
        deposited_at INTEGER \
    ) STRICT; \
    CREATE INDEX IF NOT EXISTS innsyn_item_unsent ON innsyn_item (number) \
        WHERE deposited_at IS NULL; \
    CREATE INDEX IF NOT EXISTS innsyn_item_sent ON innsyn_item (deposited_at); \
    CREATE TABLE IF NOT EXISTS innsyn_change ( \
        id BLOB PRIMARY KEY, \
        number INTEGER NOT NULL, \
        sequence INTEGER NOT NULL, \
        made_at INTEGER NOT NULL \
    ) STRICT, WITHOUT ROWID; \
    CREATE INDEX IF NOT EXISTS innsyn_change_made ON innsyn_change (made_at); \
    CREATE TABLE IF NOT EXISTS innsyn_agent ( \
        register TEXT PRIMARY KEY, \
        sealing_key TEXT NOT NULL, \
        applied INTEGER NOT NULL \
    ) STRICT, WITHOUT ROWID; \
    CREATE TABLE IF NOT EXISTS innsyn_dialog_item ( \
        name BLOB PRIMARY KEY, \
        dialog INTEGER NOT NULL, \
        register TEXT NOT NULL, \
        sealed BLOB NOT NULL, \
        due_at INTEGER NOT NULL, \
        deposited_at INTEGER \
    ) STRICT; \
    CREATE INDEX IF NOT EXISTS innsyn_dialog_item_of ON innsyn_dialog_item (register); \
    CREATE TABLE IF NOT EXISTS innsyn_dialog_message ( \
        id BLOB PRIMARY KEY, \
        content BLOB NOT NULL, \
        made_at INTEGER NOT NULL \
    ) STRICT, WITHOUT ROWID; \
    CREATE TABLE IF NOT EXISTS innsyn_dialog_agent ( \
        register TEXT PRIMARY KEY \
    ) STRICT, WITHOUT ROWID; \
    CREATE TABLE IF NOT EXISTS innsyn_latest (number INTEGER NOT NULL) STRICT; \
    INSERT INTO innsyn_latest (number) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM innsyn_latest)";

/// Why the outbox cannot be used. What was not put into it is not sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file cannot be made.
    #[error(
        "the outbox of settings `{}` cannot be made; its folder must be there, and this account \
         must be able to write to it", .0.display()
    )]
    File(PathBuf, #[source] io::Error),
    /// SQLite fails.
    #[error("the outbox of settings cannot be read or written")]
    Database(#[from] sqlx::Error),
    /// A row is not one that was written here.
    #[error("the outbox of settings is damaged; restore it from a copy")]
    Damaged,
    /// Too much waits.
    #[error("{NUMBERS_MAX} changes of settings wait already; no relay has taken them")]
    Full,
    /// Too many messages of dialogs wait.
    #[error("{} sealed messages of dialogs wait already", dialogs::ITEMS_MAX)]
    DialogsFull,
}

/// The outbox, open.
#[derive(Debug, Clone)]
pub struct Outbox(SqlitePool);

/// One number's items, to be deposited.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) number: u64,
    pub(super) items: DepositRequest,
}

impl Outbox {
    /// Opens the outbox in `file`, and makes it if it is not there.
    pub async fn open(file: &Path) -> Result<Self, OutboxError> {
        make(file).map_err(|error| OutboxError::File(file.to_owned(), error))?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// The number of the latest item; 0 before the first.
    pub(super) async fn latest(&self) -> Result<u64, OutboxError> {
        let (number,): (i64,) = sqlx::query_as("SELECT number FROM innsyn_latest")
            .fetch_one(&self.0)
            .await?;
        Ok(number.unsigned_abs())
    }

    /// The latest sequence that was given out, as far as it is remembered.
    pub(super) async fn sequence(&self) -> Result<i64, OutboxError> {
        let (sequence,): (Option<i64>,) = sqlx::query_as("SELECT MAX(sequence) FROM innsyn_change")
            .fetch_one(&self.0)
            .await?;
        Ok(sequence.unwrap_or(i64::MIN))
    }

    /// The agents that were ever met: the key to seal with, and how far each had come.
    pub(super) async fn agents(
        &self,
    ) -> Result<BTreeMap<RegisterId, (SealingKey, u64)>, OutboxError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT register, sealing_key, applied FROM innsyn_agent")
                .fetch_all(&self.0)
                .await?;
        rows.into_iter()
            .map(|(register, key, applied)| {
                let register = RegisterId::parse(&register).ok()?;
                let key = SealingKey::parse(&key).ok()?;
                Some((register, (key, applied.unsigned_abs())))
            })
            .collect::<Option<_>>()
            .ok_or(OutboxError::Damaged)
    }

    /// The sequence of the change called `id`, if it was put here before.
    pub(super) async fn known(&self, id: ChangeId) -> Result<Option<i64>, OutboxError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT sequence FROM innsyn_change WHERE id = $1")
                .bind(hashed(id))
                .fetch_optional(&self.0)
                .await?;
        Ok(row.map(|(sequence,)| sequence))
    }

    /// Puts the items of one number here; they are on disk when this returns.
    pub(super) async fn put(
        &self,
        number: u64,
        id: ChangeId,
        sequence: i64,
        items: DepositRequest,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await?;
        let (unsent,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM innsyn_item WHERE deposited_at IS NULL")
                .fetch_one(&mut *writing)
                .await?;
        if unsent.unsigned_abs() >= NUMBERS_MAX {
            return Err(OutboxError::Full);
        }
        sqlx::query("INSERT INTO innsyn_item (number, items, made_at) VALUES ($1, $2, $3)")
            .bind(number.cast_signed())
            .bind(items.encode_to_vec())
            .bind(now.as_micros())
            .execute(&mut *writing)
            .await?;
        sqlx::query(
            "INSERT INTO innsyn_change (id, number, sequence, made_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(hashed(id))
        .bind(number.cast_signed())
        .bind(sequence)
        .bind(now.as_micros())
        .execute(&mut *writing)
        .await?;
        sqlx::query("UPDATE innsyn_latest SET number = $1")
            .bind(number.cast_signed())
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(())
    }

    /// The next items that no relay has, in order, at most `limit` numbers.
    pub(super) async fn undeposited(&self, limit: i64) -> Result<Vec<Batch>, OutboxError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT number, items FROM innsyn_item WHERE deposited_at IS NULL \
             ORDER BY number LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.0)
        .await?;
        rows.into_iter()
            .map(|(number, items)| {
                Ok(Batch {
                    number: number.unsigned_abs(),
                    items: DepositRequest::decode(&*items).map_err(|_| OutboxError::Damaged)?,
                })
            })
            .collect()
    }

    /// A relay has the items of `numbers`.
    pub(super) async fn deposited(
        &self,
        numbers: &[u64],
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await?;
        for number in numbers {
            sqlx::query("UPDATE innsyn_item SET deposited_at = $1 WHERE number = $2")
                .bind(now.as_micros())
                .bind(number.cast_signed())
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// The agent of `register` has come to `applied`, and has this key.
    pub(super) async fn met(
        &self,
        register: &RegisterId,
        key: &SealingKey,
        applied: u64,
    ) -> Result<(), OutboxError> {
        sqlx::query(
            "INSERT INTO innsyn_agent (register, sealing_key, applied) VALUES ($1, $2, $3) \
             ON CONFLICT (register) DO UPDATE SET sealing_key = excluded.sealing_key, \
             applied = excluded.applied",
        )
        .bind(register.as_str())
        .bind(key.to_string())
        .bind(applied.cast_signed())
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// The items of `register` after `applied` that a relay has had, of at most `limit` numbers; none
    /// where the next one was never sealed to it.
    pub(super) async fn of_register(
        &self,
        register: &RegisterId,
        applied: u64,
        limit: i64,
    ) -> Result<DepositRequest, OutboxError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT number, items FROM innsyn_item WHERE number > $1 \
             AND deposited_at IS NOT NULL ORDER BY number LIMIT $2",
        )
        .bind(applied.cast_signed())
        .bind(limit)
        .fetch_all(&self.0)
        .await?;
        let mut of_register = DepositRequest::default();
        for ((number, items), next) in rows.into_iter().zip(applied.saturating_add(1)..) {
            let items = DepositRequest::decode(&*items).map_err(|_| OutboxError::Damaged)?;
            let mut items = items.items.into_iter();
            let item = items.find(|item| item.register_id == register.as_str());
            match item {
                Some(item) if number.unsigned_abs() == next => of_register.items.push(item),
                _ => break,
            }
        }
        Ok(of_register)
    }

    /// Forgets what every agent has, and what was kept long enough.
    pub(super) async fn forget(&self, now: Timestamp) -> Result<(), OutboxError> {
        sqlx::query(
            "DELETE FROM innsyn_item WHERE deposited_at IS NOT NULL \
             AND number <= (SELECT COALESCE(MIN(applied), 0) FROM innsyn_agent)",
        )
        .execute(&self.0)
        .await?;
        sqlx::query("DELETE FROM innsyn_item WHERE deposited_at < $1")
            .bind(now.minus(KEPT_FOR).as_micros())
            .execute(&self.0)
            .await?;
        sqlx::query("DELETE FROM innsyn_change WHERE made_at < $1")
            .bind(now.minus(IDS_KEPT_FOR).as_micros())
            .execute(&self.0)
            .await?;
        self.forget_dialogs(now).await
    }
}

/// An id as it is remembered: what stands at the registers is not found from here.
fn hashed(id: ChangeId) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(b"innsyn change\n");
    hash.update(id.0);
    hash.finalize().to_vec()
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
