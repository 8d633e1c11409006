//! Word to a citizen that there is something new: the outbox, and how it leaves.
//!
//! The agent cannot dial a gateway, so a gateway opens a stream, and the agent sends a message of
//! one size at every beat, with up to [`NOTICES_AT_ONCE_MAX`] notices in it or none: whoever sees
//! the traffic does not see that anybody is written to. The gateway answers each with one of the
//! same size, which says what is done.
//!
//! What holds:
//!
//! - **One notice for each message**: it is made in the transaction of the step.
//! - **It comes again until it is done**, at every beat, to the same gateway; another gets it only
//!   when that one has not been given it for [`GIVEN_LASTS`].
//! - **What is done is forgotten**, person and all.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use innsyn_policy::{NationalId, Timestamp};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::node::v1::{Notice, NoticesRequest, NoticesResponse};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{CaseError, Cases, store};
use crate::records::{PersonCode, RecordsError};

/// Notices in one message.
pub const NOTICES_AT_ONCE_MAX: usize = 8;
/// The size of every message of the stream, in bytes.
pub const NOTICES_BYTES: usize = 512;
/// How long one gateway's notices are not another's.
const GIVEN_LASTS: Duration = Duration::from_hours(1);
/// How old the note of whom a notice is given to may be before it is renewed.
const GIVEN_NOTED_EVERY: Duration = Duration::from_mins(10);
/// Messages on their way.
const UNDER_WAY_MAX: usize = 2;

/// Puts a notice into the outbox, in the transaction that has its reason.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    key: [u8; 32],
    person: PersonCode,
    at: Timestamp,
) -> Result<(), RecordsError> {
    sqlx::query("INSERT INTO case_notices (key, person, made_at) VALUES ($1, $2, $3)")
        .bind(key.as_slice())
        .bind(person.0.as_slice())
        .bind(at.as_micros())
        .execute(connection)
        .await?;
    Ok(())
}

impl Cases {
    /// The notices that `gateway` is to tell, the oldest first; they are its from now on.
    pub(super) async fn notices_for(
        &self,
        gateway: &GatewayName,
    ) -> Result<Vec<([u8; 32], NationalId)>, CaseError> {
        let now = self.clock.now();
        let over = now.minus(GIVEN_LASTS).as_micros();
        let rows = sqlx::query(
            "SELECT key, person, given_to, given_at FROM case_notices WHERE done_at IS NULL \
             AND (given_to IS NULL OR given_to = $1 OR given_at < $2) ORDER BY made_at, key LIMIT $3",
        )
        .bind(gateway.to_string())
        .bind(over)
        .bind(i64::try_from(NOTICES_AT_ONCE_MAX).unwrap_or(0))
        .fetch_all(self.records.pool())
        .await?;
        let renew = now.minus(GIVEN_NOTED_EVERY).as_micros();
        let mut notices = Vec::with_capacity(rows.len());
        for row in rows {
            let key: Vec<u8> = row.try_get("key")?;
            let given_to: Option<String> = row.try_get("given_to")?;
            let given_at: Option<i64> = row.try_get("given_at")?;
            let is_noted = given_to.as_deref() == Some(gateway.to_string().as_str())
                && given_at.is_some_and(|at| at >= renew);
            if !is_noted && !self.note_given(&key, gateway, over, now).await? {
                continue;
            }
            let code = PersonCode(store::sixteen(row.try_get("person")?)?);
            let (Ok(key), Some(person)) = (key.try_into(), self.records.key().person(code)) else {
                tracing::error!("a notice in the records is damaged and is passed over");
                continue;
            };
            notices.push((key, person));
        }
        Ok(notices)
    }

    /// Notes that a notice is `gateway`'s; whether it is.
    async fn note_given(
        &self,
        key: &[u8],
        gateway: &GatewayName,
        over: i64,
        now: Timestamp,
    ) -> Result<bool, CaseError> {
        let mut records = self.records.write().await?;
        let noted = sqlx::query(
            "UPDATE case_notices SET given_to = $2, given_at = $4 WHERE key = $1 AND \
             (given_to IS NULL OR given_to = $2 OR given_at < $3)",
        )
        .bind(key)
        .bind(gateway.to_string())
        .bind(over)
        .bind(now.as_micros())
        .execute(&mut *records)
        .await?;
        records.commit().await?;
        Ok(noted.rows_affected() == 1)
    }

    /// Forgets the notices that are done, if they are `gateway`'s.
    pub(super) async fn notices_done(
        &self,
        gateway: &GatewayName,
        keys: &[Bytes],
    ) -> Result<(), CaseError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut records = self.records.write().await?;
        for key in keys.iter().take(NOTICES_AT_ONCE_MAX) {
            sqlx::query("DELETE FROM case_notices WHERE key = $1 AND given_to = $2")
                .bind(key.as_ref())
                .bind(gateway.to_string())
                .execute(&mut *records)
                .await?;
        }
        records.commit().await?;
        Ok(())
    }

    /// How many notices are waiting, for metrics and tests.
    pub async fn notices_waiting(&self) -> Result<u64, CaseError> {
        let row = sqlx::query("SELECT count(*) AS n FROM case_notices WHERE done_at IS NULL")
            .fetch_one(self.records.pool())
            .await?;
        let waiting: i64 = row.try_get("n")?;
        Ok(u64::try_from(waiting).unwrap_or(0))
    }
}

/// Sends `gateway` a message at every `beat`; takes from `inbound` what is done.
pub(super) fn send(
    cases: Arc<Cases>,
    gateway: GatewayName,
    beat: Duration,
    inbound: Streaming<NoticesRequest>,
) -> impl Stream<Item = Result<NoticesResponse, Status>> + Send + use<> {
    let (outbound, messages) = mpsc::channel(UNDER_WAY_MAX);
    tokio::spawn(async move {
        if let Err(status) = exchange(&cases, &gateway, beat, inbound, &outbound).await {
            let _gateway_gone = outbound.send(Err(status)).await;
        }
    });
    ReceiverStream::new(messages)
}

async fn exchange(
    cases: &Cases,
    gateway: &GatewayName,
    beat: Duration,
    inbound: Streaming<NoticesRequest>,
    outbound: &mpsc::Sender<Result<NoticesResponse, Status>>,
) -> Result<(), Status> {
    let mut inbound = inbound.fuse();
    let mut every = tokio::time::interval(beat);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {
                // Records that cannot be read tell nobody; the beat goes on.
                let notices = cases.notices_for(gateway).await.unwrap_or_else(|error| {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "notices cannot be read from the records"
                    );
                    Vec::new()
                });
                if outbound.send(Ok(message(&notices)?)).await.is_err() {
                    return Ok(());
                }
            }
            request = inbound.next() => {
                let Some(request) = request else { return Ok(()) };
                let done = request?.done;
                if let Err(error) = cases.notices_done(gateway, &done).await {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "notices that are done cannot be taken out of the records"
                    );
                }
            }
        }
    }
}

fn message(notices: &[([u8; 32], NationalId)]) -> Result<NoticesResponse, Status> {
    let notices = notices.iter().map(|(key, person)| Notice {
        key: Bytes::copy_from_slice(key),
        person: person.expose_number(),
    });
    let mut message = NoticesResponse {
        notices: notices.collect(),
        padding: Vec::new(),
    };
    if message.pad_to(NOTICES_BYTES) {
        Ok(message)
    } else {
        Err(Status::internal("the notices do not fit into a message"))
    }
}
