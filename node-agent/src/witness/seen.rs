//! The last head of each log that this agent has signed as a witness.

use std::time::Duration;

use innsyn_policy::Timestamp;
use innsyn_proto::head::{HeadError, HeadKey, SignedHead};
use innsyn_proto::witnessing::Refused;

use crate::records::{Records, RecordsError, Schema};

/// The table of what was seen.
pub const SCHEMA: Schema = Schema {
    name: "witness",
    steps: &["\
CREATE TABLE witnessed_log (
    origin TEXT NOT NULL,
    log_key TEXT NOT NULL,
    note BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (origin, log_key)
) STRICT, WITHOUT ROWID;
"],
};

/// Logs of one name; further ones are refused.
const KEYS_OF_ONE_MAX: i64 = 8;
/// Logs in all; further ones are refused.
const LOGS_MAX: i64 = 20_000;
/// For how long a log with another key counts as one of the same time.
const OF_LATE: Duration = Duration::from_hours(24);

/// What was seen cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeenError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error("a head in the records does not check")]
    Head(#[from] HeadError),
}

impl From<sqlx::Error> for SeenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

/// What is known of a log.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) head: Option<SignedHead>,
    /// Keys of other logs of the same name, seen of late.
    pub(super) other_keys: Vec<String>,
}

/// What was seen of others' logs.
#[derive(Debug, Clone)]
pub(super) struct SeenLogs(Records);

impl SeenLogs {
    pub(super) const fn new(records: Records) -> Self {
        Self(records)
    }

    /// Keeps what `next` makes of the last head of the log that signs with `key`, durably; nobody
    /// else looks at it meanwhile.
    pub(super) async fn replace(
        &self,
        key: &HeadKey,
        now: Timestamp,
        next: impl FnOnce(Option<&SignedHead>) -> Result<SignedHead, Refused>,
    ) -> Result<Result<SignedHead, Refused>, SeenError> {
        let mut writing = self.0.write().await?;
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT note FROM witnessed_log WHERE origin = $1 AND log_key = $2")
                .bind(key.name())
                .bind(key.text())
                .fetch_optional(&mut *writing)
                .await?;
        let seen = row.map(|(note,)| SignedHead::read(&note, key));
        let seen = seen.transpose()?;
        if seen.is_none() {
            let (of_one, in_all): (i64, i64) = sqlx::query_as(
                "SELECT count(*) FILTER (WHERE origin = $1), count(*) FROM witnessed_log",
            )
            .bind(key.name())
            .fetch_one(&mut *writing)
            .await?;
            if of_one >= KEYS_OF_ONE_MAX || in_all >= LOGS_MAX {
                return Ok(Err(Refused::UnknownLog));
            }
        }
        let head = match next(seen.as_ref()) {
            Ok(head) => head,
            Err(refused) => return Ok(Err(refused)),
        };
        sqlx::query(
            "INSERT INTO witnessed_log (origin, log_key, note, seen_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (origin, log_key) DO UPDATE SET note = excluded.note, \
             seen_at = excluded.seen_at",
        )
        .bind(key.name())
        .bind(key.text())
        .bind(head.note())
        .bind(now.as_micros())
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(Ok(head))
    }

    /// What is known of the log that signs with `log_key`; nothing of what is no key.
    pub(super) async fn known(&self, log_key: &str, now: Timestamp) -> Result<Known, SeenError> {
        let Ok(key) = HeadKey::parse(log_key) else {
            return Ok(Known::default());
        };
        let rows: Vec<(String, Vec<u8>, i64)> =
            sqlx::query_as("SELECT log_key, note, seen_at FROM witnessed_log WHERE origin = $1")
                .bind(key.name())
                .fetch_all(self.0.pool())
                .await?;
        let mut known = Known::default();
        for (text, note, at) in rows {
            if text == key.text() {
                known.head = Some(SignedHead::read(&note, &key)?);
            } else if Timestamp::from_micros(at) > now.minus(OF_LATE) {
                known.other_keys.push(text);
            }
        }
        Ok(known)
    }
}
