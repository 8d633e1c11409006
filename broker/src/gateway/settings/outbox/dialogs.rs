//! Sealed messages of dialogs: one for every register each, until its agent says that it has it.
//!
//! All rows of one message are alike: which of them says something, and to whom, cannot be told from
//! here, nor from which of them are gone, since each agent's is gone when that agent has been there.

use std::collections::BTreeSet;

use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::wire::relay::v1::{DepositRequest, Deposited, MailboxItem};

use super::{IDS_KEPT_FOR, KEPT_FOR, Outbox, OutboxError};

/// Items that may wait: about 3 GiB.
pub(super) const ITEMS_MAX: u64 = 200_000;
/// Items that one agent is asked about at once.
const ASKED_MAX: i64 = 64;

/// A citizen's message, as it is remembered: by hashes that its own random name goes into.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct DialogMessage {
    /// Of the message's name and its register.
    pub(in super::super) id: [u8; 32],
    /// Of all of it.
    pub(in super::super) content: [u8; 32],
}

/// Whether a message was put here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Known {
    /// It was not.
    No,
    /// The very same was.
    Same,
    /// Another one of its name was.
    Another,
}

impl Outbox {
    /// The message called so by hash, if it was put here before; its content's hash.
    pub(in super::super) async fn dialog(
        &self,
        id: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, OutboxError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT content FROM innsyn_dialog_message WHERE id = $1")
                .bind(&id[..])
                .fetch_optional(&self.0)
                .await?;
        Ok(row.map(|(content,)| content))
    }

    /// Puts the items of one message here, to be deposited from `due` on; they are on disk when this
    /// returns. Without `message` they say nothing.
    pub(in super::super) async fn put_dialog(
        &self,
        items: Vec<Deposited>,
        message: Option<DialogMessage>,
        (now, due): (Timestamp, Timestamp),
    ) -> Result<(), OutboxError> {
        let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await?;
        let (items_now, last): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COALESCE(MAX(dialog), 0) FROM innsyn_dialog_item")
                .fetch_one(&mut *writing)
                .await?;
        if items_now.unsigned_abs() >= ITEMS_MAX {
            return Err(OutboxError::DialogsFull);
        }
        for deposited in items {
            let Some(item) = deposited.item else { continue };
            sqlx::query(
                "INSERT INTO innsyn_dialog_item (name, dialog, register, sealed, due_at) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(item.name.to_vec())
            .bind(last + 1)
            .bind(deposited.register_id)
            .bind(item.sealed.to_vec())
            .bind(due.as_micros())
            .execute(&mut *writing)
            .await?;
        }
        if let Some(message) = message {
            sqlx::query(
                "INSERT INTO innsyn_dialog_message (id, content, made_at) VALUES ($1, $2, $3)",
            )
            .bind(&message.id[..])
            .bind(&message.content[..])
            .bind(now.as_micros())
            .execute(&mut *writing)
            .await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// The next message's items that no relay has and that are due, with the message's number.
    pub(in super::super) async fn undeposited_dialog(
        &self,
        now: Timestamp,
    ) -> Result<Option<(i64, DepositRequest)>, OutboxError> {
        let rows: Vec<(i64, Vec<u8>, String, Vec<u8>)> = sqlx::query_as(
            "SELECT dialog, name, register, sealed FROM innsyn_dialog_item \
             WHERE deposited_at IS NULL AND dialog = (SELECT MIN(dialog) FROM innsyn_dialog_item \
             WHERE deposited_at IS NULL AND due_at <= $1)",
        )
        .bind(now.as_micros())
        .fetch_all(&self.0)
        .await?;
        let Some((dialog, ..)) = rows.first() else {
            return Ok(None);
        };
        let dialog = *dialog;
        let items = rows
            .into_iter()
            .map(|(_, name, register, sealed)| Deposited {
                register_id: register,
                item: Some(MailboxItem {
                    name: name.into(),
                    sealed: sealed.into(),
                }),
            });
        Ok(Some((
            dialog,
            DepositRequest {
                items: items.collect(),
            },
        )))
    }

    /// A relay has the items of a message.
    pub(in super::super) async fn dialog_deposited(
        &self,
        dialog: i64,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        sqlx::query(
            "UPDATE innsyn_dialog_item SET deposited_at = $2 \
             WHERE dialog = $1 AND deposited_at IS NULL",
        )
        .bind(dialog)
        .bind(now.as_micros())
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// Items that a relay has had for the agent of `register` since before `since`.
    pub(in super::super) async fn dialogs_at(
        &self,
        register: &RegisterId,
        since: Timestamp,
    ) -> Result<Vec<Vec<u8>>, OutboxError> {
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT name FROM innsyn_dialog_item WHERE register = $1 AND deposited_at < $2 \
             ORDER BY dialog LIMIT $3",
        )
        .bind(register.as_str())
        .bind(since.as_micros())
        .bind(ASKED_MAX)
        .fetch_all(&self.0)
        .await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// The agent of `register` has dealt with the items called `taken`, and lacks those called
    /// `lacking`, which go to a relay again.
    pub(in super::super) async fn dialogs_heard(
        &self,
        register: &RegisterId,
        taken: &[Vec<u8>],
        lacking: &[Vec<u8>],
    ) -> Result<(), OutboxError> {
        let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await?;
        for name in taken {
            sqlx::query("DELETE FROM innsyn_dialog_item WHERE register = $1 AND name = $2")
                .bind(register.as_str())
                .bind(name)
                .execute(&mut *writing)
                .await?;
        }
        for name in lacking {
            sqlx::query(
                "UPDATE innsyn_dialog_item SET deposited_at = NULL \
                 WHERE register = $1 AND name = $2",
            )
            .bind(register.as_str())
            .bind(name)
            .execute(&mut *writing)
            .await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// The registers whose agents take sealed messages of dialogs, as far as they were met.
    pub(in super::super) async fn dialog_agents(
        &self,
    ) -> Result<BTreeSet<RegisterId>, OutboxError> {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT register FROM innsyn_dialog_agent")
            .fetch_all(&self.0)
            .await?;
        rows.into_iter()
            .map(|(register,)| RegisterId::parse(&register).ok())
            .collect::<Option<_>>()
            .ok_or(OutboxError::Damaged)
    }

    /// The agent of `register` takes sealed messages of dialogs, or does not.
    pub(in super::super) async fn takes_dialogs(
        &self,
        register: &RegisterId,
        takes: bool,
    ) -> Result<(), OutboxError> {
        let statement = if takes {
            "INSERT INTO innsyn_dialog_agent (register) VALUES ($1) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM innsyn_dialog_agent WHERE register = $1"
        };
        sqlx::query(statement)
            .bind(register.as_str())
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// Forgets what was kept long enough; a relay keeps what it has.
    pub(super) async fn forget_dialogs(&self, now: Timestamp) -> Result<(), OutboxError> {
        sqlx::query("DELETE FROM innsyn_dialog_item WHERE deposited_at < $1")
            .bind(now.minus(KEPT_FOR).as_micros())
            .execute(&self.0)
            .await?;
        sqlx::query("DELETE FROM innsyn_dialog_message WHERE made_at < $1")
            .bind(now.minus(IDS_KEPT_FOR).as_micros())
            .execute(&self.0)
            .await?;
        Ok(())
    }
}
