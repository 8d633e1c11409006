//! What the exchange keeps: which messages were taken, and what is still to be sent.
//!
//! A message, and what is owed for it, are one transaction. What is to be sent is sealed, and gone
//! once it is sent and nobody may have to be sent it again.

mod outbox;
mod taken;

use innsyn_policy::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::{Mutex, Notify};

use super::{HerId, MessageId};
use crate::records::{Records, RecordsError, Schema};

pub(super) use outbox::{Due, Letter, Purpose, Retry};
pub(super) use taken::{Earlier, Taken};

/// The tables of the exchange.
pub const SCHEMA: Schema = Schema {
    name: "exchange",
    steps: &["CREATE TABLE exchange_taken (
            sender INTEGER NOT NULL,
            message TEXT NOT NULL,
            written TEXT NOT NULL,
            digest BLOB NOT NULL,
            process TEXT NOT NULL,
            person BLOB,
            first TEXT,
            receipt TEXT,
            taken_at INTEGER NOT NULL,
            PRIMARY KEY (sender, message)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX exchange_taken_at ON exchange_taken (taken_at);
        CREATE TABLE exchange_outbox (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            cause TEXT NOT NULL UNIQUE,
            transport_id TEXT NOT NULL UNIQUE,
            business_id TEXT,
            purpose TEXT NOT NULL,
            recipient INTEGER NOT NULL,
            reply_to TEXT,
            correlation TEXT,
            function TEXT NOT NULL,
            content BLOB,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL,
            expires_at INTEGER,
            made_at INTEGER NOT NULL,
            receipt_due_at INTEGER
        ) STRICT;
        CREATE INDEX exchange_outbox_due ON exchange_outbox (state, next_at);"],
};

/// Why something could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The records fail.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// What was kept cannot be read: it was changed, or is of another key.
    #[error("a record of the exchange cannot be read: it was changed, or is of another key")]
    Unreadable,
    /// Too much waits to be sent.
    #[error("{0} messages wait to be sent already")]
    Full(i64),
    /// Nothing was taken under this id.
    #[error("no message with the id that is answered was taken")]
    Unknown,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

/// The exchange's part of the agent's records.
#[derive(Debug)]
pub(super) struct Store {
    records: Records,
    random: Mutex<StdRng>,
    /// Told when there is something new to be sent.
    pub(super) news: Notify,
}

impl Store {
    pub(super) fn new(records: Records, random: StdRng) -> Self {
        Self {
            records,
            random: Mutex::new(random),
            news: Notify::new(),
        }
    }

    #[cfg(test)]
    pub(super) const fn records(&self) -> &Records {
        &self.records
    }

    /// A generator of one's own.
    pub(super) async fn random(&self) -> StdRng {
        StdRng::from_rng(&mut *self.random.lock().await)
    }

    /// A new id.
    pub(super) async fn new_id(&self) -> MessageId {
        use rand::Rng as _;
        let mut bytes = [0; 16];
        self.random.lock().await.fill_bytes(&mut bytes);
        MessageId::from_random(bytes)
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_micros()
}

fn her_column(her: HerId) -> i64 {
    i64::try_from(her.number()).unwrap_or(i64::MAX)
}

fn her_from(column: i64) -> Option<HerId> {
    HerId::parse(&column.to_string()).ok()
}
