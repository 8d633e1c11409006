//! A ledger in a database: the statements, which SQLite and PostgreSQL take alike.
//!
//! ```text
//!   innsyn_permit ──< innsyn_release ──< innsyn_contributor
//!   (issuer, name)    (query, table, …)   (register, snapshot)
//! ```
//!
//! What holds:
//!
//! - **One transaction records.** It holds the permit's row from the first look to the last write,
//!   so that of two gateways the second sees what the first has released and charged.
//! - **What is charged is counted from what was released**, never from a counter beside it.
//! - **Whoever is told that a release is recorded has it on disk.**
//! - **Nobody waits for ever**: a call has a time limit, and so many attempts.
//!
//! A connection that breaks while it commits leaves open whether it did. The next attempt finds
//! the release as an earlier one then, which it is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::{PermitId, RegisterId};
use sqlx::database::HasStatementCache;
use sqlx::pool::PoolConnection;
use sqlx::{
    ColumnIndex, Connection as _, Database, Decode, Encode, Executor, IntoArguments, Pool,
    QueryBuilder, Type,
};
use tokio::time::{sleep, timeout};

use super::{Recorded, Release, ReleaseKey, Store, StoreError};

mod row;
mod statement;

use row::{Columns, NotRead};

/// The schema that this program reads and writes.
pub(super) const VERSION: i64 = 1;

/// How long one call may take, waiting and attempts included.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a call is tried that another one got in the way of, or whose connection broke.
const ATTEMPTS_MAX: u32 = 5;
/// How long the first waits for the second; each waits twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// Rows of one statement: three values each, of which a statement may have 32,766.
const ROWS_MAX: usize = 1_000;

/// What the two databases say differently.
pub(super) trait Dialect: HasStatementCache + Database {
    /// Begins a transaction that will write.
    const BEGIN: &'static str;
    /// Finds a permit's row, and keeps others from it until the transaction ends.
    const HOLD_PERMIT: &'static str;
    /// The codes of errors that another try may not meet.
    const CONFLICTS: &'static [&'static str];
}

/// A ledger behind a pool of connections.
pub(super) struct SqlStore<DB: Database>(Pool<DB>);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
enum SqlError {
    #[error("the database refuses or is not reached")]
    Database(#[from] sqlx::Error),
    #[error("release {number} of permit `{permit}` cannot be read: {what}; restore the ledger")]
    Unreadable {
        number: i64,
        permit: PermitId,
        what: NotRead,
    },
    #[error("the database took more than {} seconds", CALL_TIMEOUT.as_secs())]
    Slow,
}

impl<DB: Database> fmt::Debug for SqlStore<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlStore({})", DB::NAME)
    }
}

impl<DB: Dialect> SqlStore<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    i64: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    String: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    Vec<u8>: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// A ledger over connections to a database that has the tables.
    pub(super) const fn new(pool: Pool<DB>) -> Self {
        Self(pool)
    }

    async fn find(
        connection: &mut DB::Connection,
        key: &ReleaseKey,
    ) -> Result<Option<Release>, SqlError> {
        let found: Option<Columns> = sqlx::query_as(statement::FIND)
            .bind(key.permit.issuer().to_owned())
            .bind(key.permit.number().to_owned())
            .bind(key.query.as_bytes().to_vec())
            .bind(row::digest(&key.contributors))
            .fetch_optional(connection)
            .await?;
        found
            .map(|columns| read(columns, &key.permit, key.contributors.clone()))
            .transpose()
    }

    async fn list(
        connection: &mut DB::Connection,
        permit: &PermitId,
    ) -> Result<Vec<Release>, SqlError> {
        let list: Vec<Columns> = sqlx::query_as(statement::LIST)
            .bind(permit.issuer().to_owned())
            .bind(permit.number().to_owned())
            .fetch_all(&mut *connection)
            .await?;
        let contributors: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(statement::CONTRIBUTORS)
            .bind(permit.issuer().to_owned())
            .bind(permit.number().to_owned())
            .fetch_all(connection)
            .await?;
        let mut of: BTreeMap<i64, BTreeMap<RegisterId, [u8; 32]>> = BTreeMap::new();
        for (number, register, snapshot) in contributors {
            let (register, snapshot) = row::contributor(&register, &snapshot)
                .map_err(|what| unreadable(number, permit, what))?;
            of.entry(number).or_default().insert(register, snapshot);
        }
        list.into_iter()
            .map(|columns| {
                let contributors = of.remove(&columns.0).unwrap_or_default();
                read(columns, permit, contributors)
            })
            .collect()
    }

    async fn count(
        connection: &mut DB::Connection,
        permit: &PermitId,
    ) -> Result<BTreeMap<RegisterId, u32>, SqlError> {
        let counts: Vec<(String, i64)> = sqlx::query_as(statement::ANSWERED)
            .bind(permit.issuer().to_owned())
            .bind(permit.number().to_owned())
            .fetch_all(connection)
            .await?;
        counts
            .into_iter()
            .map(|(register, count)| {
                let register =
                    row::register(&register).map_err(|what| unreadable(0, permit, what))?;
                Ok((register, u32::try_from(count).unwrap_or(u32::MAX)))
            })
            .collect()
    }

    async fn record_once(
        connection: &mut DB::Connection,
        release: &Release,
        audited: usize,
        budget_queries: u32,
    ) -> Result<Recorded, SqlError> {
        let key = &release.key;
        let mut transaction = connection.begin_with(DB::BEGIN).await?;
        let (issuer, name) = (key.permit.issuer(), key.permit.number());
        sqlx::query(statement::NAME_PERMIT)
            .bind(issuer.to_owned())
            .bind(name.to_owned())
            .execute(&mut *transaction)
            .await?;
        let (permit,): (i64,) = sqlx::query_as(DB::HOLD_PERMIT)
            .bind(issuer.to_owned())
            .bind(name.to_owned())
            .fetch_one(&mut *transaction)
            .await?;
        if let Some(earlier) = Self::find(&mut transaction, key).await? {
            return Ok(Recorded::Earlier(Box::new(earlier)));
        }
        let (released,): (i64,) = sqlx::query_as(statement::RELEASED)
            .bind(permit)
            .fetch_one(&mut *transaction)
            .await?;
        if usize::try_from(released) != Ok(audited) {
            return Ok(Recorded::Changed);
        }
        let answered = Self::count(&mut transaction, &key.permit).await?;
        let is_spent = |register: &&_| answered.get(*register) >= Some(&budget_queries);
        if let Some(spent) = key.contributors.keys().find(is_spent) {
            return Ok(Recorded::OverBudget(spent.clone()));
        }
        let (number,): (i64,) = sqlx::query_as(statement::RECORD)
            .bind(permit)
            .bind(key.query.as_bytes().to_vec())
            .bind(row::digest(&key.contributors))
            .bind(release.at.as_micros())
            .bind(release.words_nb.clone())
            .bind(release.words_en.clone())
            .bind(row::released(release))
            .bind(release.audit.clone())
            .fetch_one(&mut *transaction)
            .await?;
        let contributors: Vec<_> = key.contributors.iter().collect();
        for some in contributors.chunks(ROWS_MAX) {
            let mut statement: QueryBuilder<DB> = QueryBuilder::new(statement::CONTRIBUTE);
            statement.push_values(some, |mut values, (register, snapshot)| {
                values
                    .push_bind(number)
                    .push_bind(register.to_string())
                    .push_bind(snapshot.to_vec());
            });
            // Each number of registers is a statement of its own: not kept prepared.
            let statement = statement.build().persistent(false);
            statement.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Recorded::New)
    }

    /// Tries `call` until it succeeds, fails for good, or has been tried often enough.
    async fn tried<T, F>(&self, call: impl Fn(PoolConnection<DB>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, SqlError>>,
    {
        let attempts = async {
            let mut wait = FIRST_WAIT;
            for attempt in 1.. {
                let attempted = async { call(self.0.acquire().await?).await };
                match attempted.await {
                    Err(SqlError::Database(error))
                        if attempt < ATTEMPTS_MAX && may_pass::<DB>(&error) =>
                    {
                        tracing::debug!(attempt, %error, "ledger tried again");
                    }
                    ended => return ended,
                }
                sleep(wait).await;
                wait *= 2;
            }
            Err(SqlError::Slow)
        };
        let ended = timeout(CALL_TIMEOUT, attempts).await;
        let ended = ended.unwrap_or(Err(SqlError::Slow));
        ended.map_err(|error| StoreError(Box::new(error)))
    }
}

impl<DB: Dialect> Store for SqlStore<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    i64: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    String: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    Vec<u8>: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn earlier<'a>(
        &'a self,
        key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>> {
        Box::pin(async move {
            let call = |mut to: PoolConnection<DB>| async move { Self::find(&mut to, key).await };
            self.tried(call).await
        })
    }

    fn releases<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>> {
        Box::pin(async move {
            let call =
                |mut to: PoolConnection<DB>| async move { Self::list(&mut to, permit).await };
            self.tried(call).await
        })
    }

    fn answered<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>> {
        Box::pin(async move {
            let call =
                |mut to: PoolConnection<DB>| async move { Self::count(&mut to, permit).await };
            self.tried(call).await
        })
    }

    fn record(
        &self,
        release: Release,
        audited: usize,
        budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        Box::pin(async move {
            let release = &release;
            let call = |mut to: PoolConnection<DB>| async move {
                Self::record_once(&mut to, release, audited, budget_queries).await
            };
            self.tried(call).await
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let call = |mut to: PoolConnection<DB>| async move {
                sqlx::query(statement::CHECK).execute(&mut *to).await?;
                Ok(())
            };
            self.tried(call).await
        })
    }
}

/// Whether another try may succeed where this one failed with `error`.
fn may_pass<DB: Dialect>(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code();
            code.is_some_and(|code| DB::CONFLICTS.contains(&&*code))
        }
        _ => false,
    }
}

fn read(
    columns: Columns,
    permit: &PermitId,
    contributors: BTreeMap<RegisterId, [u8; 32]>,
) -> Result<Release, SqlError> {
    let number = columns.0;
    row::read(columns, permit, contributors).map_err(|what| unreadable(number, permit, what))
}

fn unreadable(number: i64, permit: &PermitId, what: NotRead) -> SqlError {
    SqlError::Unreadable {
        number,
        permit: permit.clone(),
        what,
    }
}
