//! Messages that were taken, or refused with a receipt: what makes one that comes again the same.

use std::time::Duration;

use innsyn_policy::{NationalId, Timestamp};
use sqlx::{Sqlite, Transaction};

use super::super::{HerId, MessageId, MessageKind};
use super::outbox::Letter;
use super::{Store, StoreError, her_column, micros};
use crate::records::PersonCode;

/// How long a message is remembered: longer than any case may stay open.
const REMEMBERED: Duration = Duration::from_hours(500 * 24);

/// A message, as it is remembered.
#[derive(Debug)]
pub(in super::super) struct Taken<'a> {
    pub(in super::super) from: HerId,
    pub(in super::super) id: &'a MessageId,
    /// Of the content, to tell the same message from another with its id.
    pub(in super::super) digest: [u8; 32],
    pub(in super::super) kind: MessageKind,
    /// Whom it was about; `None` where it could not be used.
    pub(in super::super) person: Option<&'a NationalId>,
    /// The first message of the conversation, if it was not this one.
    pub(in super::super) first: Option<&'a MessageId>,
    pub(in super::super) receipt: Option<&'a str>,
}

/// What is known of a message that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Earlier {
    /// It did not.
    New,
    /// The very same was taken or refused.
    Same,
    /// Another one with its id was.
    Another,
}

/// A message that is answered.
#[derive(Debug)]
pub(in super::super) struct Answered {
    pub(in super::super) written: MessageId,
    pub(in super::super) kind: MessageKind,
    pub(in super::super) person: NationalId,
    pub(in super::super) first: Option<MessageId>,
}

impl Store {
    /// Whether this message came before.
    pub(in super::super) async fn earlier(
        &self,
        from: HerId,
        id: &MessageId,
        digest: &[u8; 32],
    ) -> Result<Earlier, StoreError> {
        let known: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT digest FROM exchange_taken WHERE sender = $1 AND message = $2")
                .bind(her_column(from))
                .bind(id.key())
                .fetch_optional(self.records.pool())
                .await?;
        Ok(match known {
            None => Earlier::New,
            Some((known,)) if known == digest => Earlier::Same,
            Some(_) => Earlier::Another,
        })
    }

    /// Keeps that a message was taken, and what is owed for it, in one transaction.
    pub(in super::super) async fn take(
        &self,
        taken: &Taken<'_>,
        owed: Option<Letter<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.records.write().await?;
        self.insert(&mut writing, taken, now).await?;
        if let Some(letter) = owed {
            self.post(&mut writing, letter, now).await?;
        }
        writing.commit().await?;
        self.news.notify_one();
        Ok(())
    }

    async fn insert(
        &self,
        writing: &mut Transaction<'static, Sqlite>,
        taken: &Taken<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let person = taken.person.map(|person| self.records.key().code(person));
        sqlx::query(
            "INSERT INTO exchange_taken (sender, message, written, digest, process, person, first, \
             receipt, taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (sender, message) DO NOTHING",
        )
        .bind(her_column(taken.from))
        .bind(taken.id.key())
        .bind(taken.id.as_str())
        .bind(&taken.digest[..])
        .bind(taken.kind.process())
        .bind(person.map(|person| person.0.to_vec()))
        .bind(taken.first.map(MessageId::as_str))
        .bind(taken.receipt)
        .bind(micros(now))
        .execute(&mut **writing)
        .await?;
        Ok(())
    }

    /// The message `id` of `from` that is answered.
    pub(in super::super) async fn answered(
        &self,
        from: HerId,
        id: &MessageId,
    ) -> Result<Answered, StoreError> {
        type Row = (String, String, Option<Vec<u8>>, Option<String>);
        let row: Option<Row> = sqlx::query_as(
            "SELECT written, process, person, first FROM exchange_taken \
             WHERE sender = $1 AND message = $2",
        )
        .bind(her_column(from))
        .bind(id.key())
        .fetch_optional(self.records.pool())
        .await?;
        let (written, process, person, first) = row.ok_or(StoreError::Unknown)?;
        let person = person.ok_or(StoreError::Unknown)?;
        let person = <[u8; 16]>::try_from(person).map_err(|_| StoreError::Unreadable)?;
        let id = |text: &str| MessageId::parse(text).map_err(|_| StoreError::Unreadable);
        Ok(Answered {
            written: id(&written)?,
            kind: MessageKind::of_process(&process).ok_or(StoreError::Unreadable)?,
            person: self
                .records
                .key()
                .person(PersonCode(person))
                .ok_or(StoreError::Unreadable)?,
            first: first.as_deref().map(id).transpose()?,
        })
    }

    /// Forgets messages that no case can be about any more.
    pub(in super::super) async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.records.write().await?;
        for statement in [
            "DELETE FROM exchange_taken WHERE taken_at < $1",
            "DELETE FROM exchange_outbox WHERE made_at < $1",
        ] {
            sqlx::query(statement)
                .bind(micros(now.minus(REMEMBERED)))
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(())
    }
}
