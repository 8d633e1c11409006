//! What the agent keeps beside its log of use: settings, cases, messages on their way.
//!
//! One SQLite file, on disk before a write counts. Whoever has something to keep brings a
//! [`Schema`] of tables of their own, and reads and writes these alone.
//!
//! What holds:
//!
//! - **A write that was acknowledged is there after a crash**, and one that was not is there whole
//!   or not at all.
//! - **No national id stands in the file.** A person is a [`PersonCode`], under a key that is kept
//!   elsewhere; what a case says of its person in words is sealed with the same key.
//! - **A file of a newer agent is not opened**, and one of an older is brought up step by step.

mod key;
mod open;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Sqlite, Transaction};

pub use key::{PersonCode, RecordsKey, RecordsKeyError};
pub use open::{OpenRecordsError, RECORDS_FILE};

/// How long one that writes waits for another that does.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once: one writes, others read meanwhile.
const CONNECTIONS_MAX: u32 = 4;

/// The tables of one part of the agent.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The part's name, which never changes.
    pub name: &'static str,
    /// What makes each version from the one before, from nothing on. Steps are added, never
    /// changed.
    pub steps: &'static [&'static str],
}

/// The records cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the agent's records cannot be read or written")]
pub struct RecordsError(#[from] sqlx::Error);

/// The agent's records, open.
#[derive(Debug, Clone)]
pub struct Records {
    pool: SqlitePool,
    key: RecordsKey,
}

impl Records {
    /// The key by which persons are called here.
    pub const fn key(&self) -> &RecordsKey {
        &self.key
    }

    /// For reading, each query by itself.
    pub const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins to write; nobody else does until it is committed or dropped.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, RecordsError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Lets the file go.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the tables of `schema` up to date.
async fn bring_up(
    connection: &mut SqliteConnection,
    schema: Schema,
) -> Result<(), OpenRecordsError> {
    let known: Option<(i64,)> = sqlx::query_as("SELECT version FROM schemas WHERE name = $1")
        .bind(schema.name)
        .fetch_optional(&mut *connection)
        .await?;
    let version = usize::try_from(known.map_or(0, |(version,)| version)).unwrap_or(usize::MAX);
    let Some(steps) = schema.steps.get(version..) else {
        return Err(OpenRecordsError::Newer { name: schema.name });
    };
    for step in steps {
        sqlx::raw_sql(*step).execute(&mut *connection).await?;
    }
    let version = i64::try_from(schema.steps.len()).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO schemas (name, version) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET version = excluded.version",
    )
    .bind(schema.name)
    .bind(version)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
