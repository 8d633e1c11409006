//! Running one query in the database.

use std::sync::atomic::Ordering;

use futures::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;

use super::publishing::at_moment;
use super::{FOR_PURPOSE, LEFT_OUT, Moment, bit_of};
use crate::engine::postgres::Statement;
use crate::engine::{Answer, EngineError, Snapshot};
use crate::research::compute::Counting;
use crate::sources::{Login, Session, SourceError};

/// Persons who may be left out of a moment by number, at most; with more, the next look is due.
const LEFT_OUT_MAX: usize = 100_000;

impl Moment {
    /// Counts over this moment. Blocks: call it where that may be, on a runtime.
    pub(in super::super) fn count(
        &self,
        counting: Counting<'_>,
        snapshot: &Snapshot,
    ) -> Result<Answer, EngineError> {
        let statement = Statement::of(
            counting.query,
            snapshot,
            self.config.research.as_ref().map_or("", |r| &r.schema),
        )?;
        Handle::current().block_on(self.run(&statement, counting))
    }

    async fn run(
        &self,
        statement: &Statement<'_>,
        counting: Counting<'_>,
    ) -> Result<Answer, EngineError> {
        let research = self.config.research.as_ref().ok_or_else(broken)?;
        let session = Session::open(&self.config, Login::Reading(&research.reader));
        let session = unless(counting.cancel, session).await?.map_err(told)?;
        let running = self.rows(&session, statement, counting);
        let answer = match unless(counting.cancel, running).await {
            Ok(answer) => answer,
            Err(cancelled) => {
                session.cancel().await;
                return Err(cancelled);
            }
        };
        let answer = answer.map_err(|error| match error {
            EngineError::Database { state } => of_state(state, counting.memory_bytes),
            other => other,
        })?;
        // The barrier is the database's; that it held is looked at here.
        let included = counting.included.persons();
        if answer.counted.iter().any(|one| !included.contains(one)) {
            tracing::error!("the database counted somebody who is not included");
            return Err(broken());
        }
        Ok(answer)
    }

    async fn rows(
        &self,
        session: &Session,
        statement: &Statement<'_>,
        counting: Counting<'_>,
    ) -> Result<Answer, EngineError> {
        let client = &session.client;
        let included = counting.included.persons();
        client
            .batch_execute(&format!(
                "{}; SET LOCAL jit = off; \
                 SET LOCAL statement_timeout = {}; SET LOCAL work_mem = '{}MB'",
                at_moment(&self.exported),
                counting.timeout.as_millis(),
                self.config.research.as_ref().map_or(1, |r| r.work_mem_mib),
            ))
            .await
            .map_err(failed)?;
        client
            .query_one(
                "SELECT set_config($1, $2, true), set_config($3, $4, true)",
                &[
                    &FOR_PURPOSE,
                    &bit_of(counting.purpose).to_string(),
                    &LEFT_OUT,
                    &self.left_out(counting)?,
                ],
            )
            .await
            .map_err(failed)?;
        let rows = client
            .query_raw(statement.sql(), statement.parameters())
            .await
            .map_err(failed)?;
        let mut rows = std::pin::pin!(rows);
        let mut gathered = statement.gather(included.persons(), counting.memory_bytes);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            gathered.row(&row)?;
        }
        self.check_storage(client).await?;
        gathered.finish()
    }

    /// Fails if a table's rows are not where the moment saw them. The transaction has read the
    /// tables by now, so that none can be emptied before it ends.
    async fn check_storage(&self, client: &Client) -> Result<(), EngineError> {
        let row = client
            .query_one(
                "SELECT coalesce(array_agg(pg_relation_filenode(t.oid) ORDER BY t.at), '{}') \
                 FROM unnest($1::oid[]) WITH ORDINALITY AS t (oid, at)",
                &[&self.storage.tables],
            )
            .await
            .map_err(failed)?;
        let places: Vec<Option<u32>> = row.try_get(0).map_err(failed)?;
        if places == self.storage.places {
            return Ok(());
        }
        self.is_gone.store(true, Ordering::Relaxed);
        tracing::warn!("a table was truncated or rewritten; its view is looked at again");
        Err(broken())
    }

    /// The numbers of those who were included when the views were looked at and are not now, as
    /// PostgreSQL writes a list.
    fn left_out(&self, counting: Counting<'_>) -> Result<String, EngineError> {
        let then = self.included(counting.purpose).ok_or_else(broken)?;
        let now = counting.included.persons();
        let left_out: Vec<_> = then
            .iter()
            .filter(|person| !now.contains(*person))
            .take(LEFT_OUT_MAX + 1)
            .map(|person| person.to_string())
            .collect();
        if left_out.len() > LEFT_OUT_MAX {
            tracing::warn!("too many settings have changed since the views were looked at");
            return Err(broken());
        }
        Ok(format!("{{{}}}", left_out.join(",")))
    }
}

/// What `work` gives, unless it is cancelled before.
async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, EngineError> {
    cancel
        .run_until_cancelled(work)
        .await
        .ok_or(EngineError::Cancelled)
}

/// Keeps the code and leaves the words: they may quote a row.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn failed(error: tokio_postgres::Error) -> EngineError {
    EngineError::Database {
        state: error
            .code()
            .map_or_else(|| "none".to_owned(), |state| state.code().to_owned()),
    }
}

fn told(error: SourceError) -> EngineError {
    tracing::warn!(%error, "no session for a query");
    match error {
        SourceError::Query { state, .. } => EngineError::Database { state },
        _ => broken(),
    }
}

fn broken() -> EngineError {
    EngineError::Database {
        state: "none".to_owned(),
    }
}

/// What the server's code means for whoever asked.
fn of_state(state: String, memory_bytes: usize) -> EngineError {
    let is = |known: &SqlState| known.code() == state;
    if is(&SqlState::QUERY_CANCELED) {
        EngineError::Cancelled
    } else if is(&SqlState::OUT_OF_MEMORY) || is(&SqlState::CONFIGURATION_LIMIT_EXCEEDED) {
        EngineError::Memory {
            limit_bytes: memory_bytes,
        }
    } else {
        EngineError::Database { state }
    }
}
