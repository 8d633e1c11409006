//! What is to be sent, until it is sent.
//!
//! ```text
//!   waiting ──broker has it──▶ sent ──receipt──▶ acknowledged
//!      │  ▲                     │ │
//!      │  └──temporary error────┘ └──error, rejected──▶ failed
//!      └──expired, or tried too often──────────────────▶ failed
//! ```

use std::time::Duration;

use innsyn_policy::Timestamp;
use sqlx::{Sqlite, Transaction};
use zeroize::Zeroizing;

use super::super::{HerId, MessageId, QueueName};
use super::{Store, StoreError, her_column, her_from, micros};

/// The most messages that may wait to be sent.
const WAITING_MAX: i64 = 10_000;
/// The most that are read at once.
const BATCH: i64 = 16;

/// What is sent for what reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Purpose {
    /// A receipt.
    Receipt,
    /// An error, to the recipient's error queue.
    Error,
    /// An answer, or how far it is.
    Answer,
    /// A reply to a request that waits for it.
    Reply,
}

const PURPOSES: [(Purpose, &str); 4] = [
    (Purpose::Receipt, "receipt"),
    (Purpose::Error, "error"),
    (Purpose::Answer, "answer"),
    (Purpose::Reply, "reply"),
];

impl Purpose {
    pub(in super::super) fn name(self) -> &'static str {
        let known = PURPOSES.iter().find(|(purpose, _)| *purpose == self);
        known.map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        let known = PURPOSES.iter().find(|(_, known)| *known == name);
        known.map(|(purpose, _)| *purpose)
    }
}

/// Something to be sent.
#[derive(Debug)]
pub(in super::super) struct Letter<'a> {
    /// What it is sent for: there is never a second one for the same cause.
    pub(in super::super) cause: String,
    /// The id of the AMQP message, however often it is sent.
    pub(in super::super) transport_id: &'a MessageId,
    /// The id of the message in it.
    pub(in super::super) business_id: Option<&'a MessageId>,
    pub(in super::super) purpose: Purpose,
    pub(in super::super) to: HerId,
    pub(in super::super) reply_to: Option<&'a QueueName>,
    pub(in super::super) correlation: Option<&'a str>,
    pub(in super::super) function: &'a str,
    pub(in super::super) content: Zeroizing<Vec<u8>>,
    pub(in super::super) expires_at: Option<Timestamp>,
    /// When somebody should be told that no receipt has come.
    pub(in super::super) receipt_due_at: Option<Timestamp>,
}

/// Something that is to be sent now.
#[derive(Debug)]
pub(in super::super) struct Due {
    pub(in super::super) n: i64,
    pub(in super::super) transport_id: String,
    pub(in super::super) purpose: Purpose,
    pub(in super::super) to: HerId,
    pub(in super::super) reply_to: Option<QueueName>,
    pub(in super::super) correlation: Option<String>,
    pub(in super::super) function: String,
    pub(in super::super) content: Zeroizing<Vec<u8>>,
    pub(in super::super) tries: u32,
    pub(in super::super) expires_at: Option<Timestamp>,
}

/// What becomes of something that could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Retry {
    /// It is tried again after this time.
    After(Duration),
    /// It is not.
    Never,
}

impl Store {
    /// Puts `letter` into the outbox, if nothing was sent for its cause yet.
    pub(in super::super) async fn post(
        &self,
        writing: &mut Transaction<'static, Sqlite>,
        letter: Letter<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let how_many = "SELECT count(*) FROM exchange_outbox WHERE state = 'waiting'";
        let (count,): (i64,) = sqlx::query_as(how_many).fetch_one(&mut **writing).await?;
        if count >= WAITING_MAX {
            return Err(StoreError::Full(count));
        }
        let id = letter.transport_id.as_str();
        let mut random = self.random().await;
        let key = self.records.key();
        let sealed = key.seal(&letter.content, context(id).as_bytes(), &mut random);
        sqlx::query(
            "INSERT INTO exchange_outbox (cause, transport_id, business_id, purpose, recipient, \
             reply_to, correlation, function, content, state, next_at, expires_at, made_at, \
             receipt_due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, $11, $10, $12) \
             ON CONFLICT (cause) DO NOTHING",
        )
        .bind(&letter.cause)
        .bind(id)
        .bind(letter.business_id.map(MessageId::key))
        .bind(letter.purpose.name())
        .bind(her_column(letter.to))
        .bind(letter.reply_to.map(QueueName::as_str))
        .bind(letter.correlation)
        .bind(letter.function)
        .bind(sealed)
        .bind(micros(now))
        .bind(letter.expires_at.map(micros))
        .bind(letter.receipt_due_at.map(micros))
        .execute(&mut **writing)
        .await?;
        Ok(())
    }

    /// Puts `letter` into the outbox by itself.
    pub(in super::super) async fn post_alone(
        &self,
        letter: Letter<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.records.write().await?;
        self.post(&mut writing, letter, now).await?;
        writing.commit().await?;
        self.news.notify_one();
        Ok(())
    }

    /// What is to be sent now, oldest first.
    pub(in super::super) async fn due(&self, now: Timestamp) -> Result<Vec<Due>, StoreError> {
        type Row = (
            i64,
            String,
            String,
            i64,
            Option<String>,
            Option<String>,
            String,
            Option<Vec<u8>>,
            i64,
            Option<i64>,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT n, transport_id, purpose, recipient, reply_to, correlation, function, content, \
             tries, expires_at FROM exchange_outbox \
             WHERE state = 'waiting' AND next_at <= $1 ORDER BY n LIMIT $2",
        )
        .bind(micros(now))
        .bind(BATCH)
        .fetch_all(self.records.pool())
        .await?;
        let read = |row: Row| -> Option<Due> {
            let (n, id, purpose, to, reply_to, correlation, function, content, tries, expires) =
                row;
            let key = self.records.key();
            let content = key.unseal(&content?, context(&id).as_bytes()).ok()?;
            Some(Due {
                n,
                transport_id: id,
                purpose: Purpose::parse(&purpose)?,
                to: her_from(to)?,
                reply_to: match reply_to {
                    None => None,
                    Some(queue) => Some(QueueName::parse(&queue).ok()?),
                },
                correlation,
                function,
                content: Zeroizing::new(content),
                tries: u32::try_from(tries).unwrap_or(u32::MAX),
                expires_at: expires.map(Timestamp::from_micros),
            })
        };
        let due = rows
            .into_iter()
            .map(|row| read(row).ok_or(StoreError::Unreadable));
        due.collect()
    }

    /// The broker has it. Its content is kept only where it may have to be sent again.
    pub(in super::super) async fn sent(&self, due: &Due) -> Result<(), StoreError> {
        let kept = due.purpose == Purpose::Answer;
        self.update(
            "UPDATE exchange_outbox SET state = 'sent', content = CASE WHEN $2 THEN content END \
             WHERE n = $1 AND state = 'waiting'",
            due.n,
            i64::from(kept),
        )
        .await
    }

    /// It could not be sent.
    pub(in super::super) async fn not_sent(
        &self,
        due: &Due,
        retry: Retry,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match retry {
            Retry::After(wait) => {
                self.update(
                    "UPDATE exchange_outbox SET tries = tries + 1, next_at = $2 \
                     WHERE n = $1 AND state = 'waiting'",
                    due.n,
                    micros(now.plus(wait)),
                )
                .await
            }
            Retry::Never => {
                self.update(
                    "UPDATE exchange_outbox SET state = 'failed', content = NULL, tries = $2 \
                     WHERE n = $1 AND state = 'waiting'",
                    due.n,
                    i64::from(due.tries) + 1,
                )
                .await
            }
        }
    }

    async fn update(&self, statement: &'static str, n: i64, second: i64) -> Result<(), StoreError> {
        let mut writing = self.records.write().await?;
        sqlx::query(statement)
            .bind(n)
            .bind(second)
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(())
    }

    /// A receipt came for the answer `id`; whether there is one that waits for it.
    pub(in super::super) async fn acknowledge(
        &self,
        from: HerId,
        id: &MessageId,
        rejected: bool,
    ) -> Result<bool, StoreError> {
        let mut writing = self.records.write().await?;
        let changed = sqlx::query(
            "UPDATE exchange_outbox SET state = CASE WHEN $3 THEN 'failed' ELSE 'acknowledged' END, \
             content = NULL, receipt_due_at = NULL \
             WHERE business_id = $1 AND recipient = $2 AND purpose = 'answer' \
             AND state IN ('waiting', 'sent')",
        )
        .bind(id.key())
        .bind(her_column(from))
        .bind(i64::from(rejected))
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(changed.rows_affected() > 0)
    }

    /// An error came for the AMQP message `id`: it is sent again later, or not at all. Whether it
    /// is one of ours.
    pub(in super::super) async fn bounced(
        &self,
        id: &str,
        retry: Retry,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let again = match retry {
            Retry::After(wait) => Some(micros(now.plus(wait))),
            Retry::Never => None,
        };
        let mut writing = self.records.write().await?;
        let changed = sqlx::query(
            "UPDATE exchange_outbox SET \
             state = CASE WHEN $2 IS NULL OR content IS NULL THEN 'failed' ELSE 'waiting' END, \
             next_at = coalesce($2, next_at), tries = tries + 1, receipt_due_at = NULL, \
             content = CASE WHEN $2 IS NULL THEN NULL ELSE content END \
             WHERE transport_id = $1 AND state IN ('waiting', 'sent')",
        )
        .bind(id)
        .bind(again)
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        self.news.notify_one();
        Ok(changed.rows_affected() > 0)
    }

    /// Answers that should have had a receipt by `now`; each is told once.
    pub(in super::super) async fn overdue(
        &self,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut writing = self.records.write().await?;
        let rows: Vec<(String,)> = sqlx::query_as(
            "UPDATE exchange_outbox SET receipt_due_at = NULL \
             WHERE receipt_due_at <= $1 AND state IN ('waiting', 'sent') RETURNING transport_id",
        )
        .bind(micros(now))
        .fetch_all(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

/// What a content is sealed for.
fn context(transport_id: &str) -> String {
    format!("exchange outbox {transport_id}")
}
