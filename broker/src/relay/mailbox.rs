//! What waits at the relay for agents: sealed items, in a box for each register.
//!
//! ```text
//!   gateway ── Deposit: one item for each register ──▶ boxes ── Collect ──▶ agents
//!                        (durable, then answered)        ▲                    │
//!                                                        └── taken: forgotten ┘
//! ```
//!
//! What holds:
//!
//! - **The relay cannot open an item**, and does not know who sealed it: it is sealed to the agent
//!   (`innsyn_proto::sealing`).
//! - **All are alike**: items of a deposit have one size and random names, and a gateway puts one
//!   into every box for each change or message, so that neither content nor addressee nor count
//!   tells.
//! - **What was answered is on disk**, and stays there until its agent has said that it has it.
//! - **An agent gets at its own box only**: which one is read from its certificate.
//! - **An agent that never comes stands in nobody's way**: its box keeps the newest items, and
//!   when it comes it finds that it lacks the others, which the gateway sends again while it has
//!   them.
//!
//! The store is a seam: SQLite for one relay, PostgreSQL where relays share one.

mod forgetting;
mod pacing;
mod service;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use innsyn_policy::RegisterId;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::OuterStream;
use store::Boxes;
pub use store::{MailboxStoreError, NAME_BYTES};

/// Items that may wait for one register, about: a change a minute for a year. One GiB.
const BOX_ITEMS_MAX: i64 = 525_600;

/// Where items wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MailboxConfig {
    /// In a file, for one relay.
    Sqlite {
        /// The file, made if it is not there.
        file: PathBuf,
    },
    /// In a database that relays share.
    Postgres {
        /// The file with the database's URL, which holds a password.
        url_file: PathBuf,
    },
}

impl MailboxConfig {
    /// Makes every path relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        let path = match self {
            Self::Sqlite { file } => file,
            Self::Postgres { url_file } => url_file,
        };
        *path = folder.join(&*path);
    }

    /// Opens the mailbox.
    pub async fn open(&self) -> Result<Mailbox, MailboxStoreError> {
        let boxes = Arc::new(Boxes::open(self).await?);
        Ok(Mailbox(Arc::new(Inner {
            forgetting: forgetting::spawn(Arc::clone(&boxes)),
            boxes,
            news: watch::Sender::new(0),
            deposits: AtomicU64::new(0),
        })))
    }
}

/// Who speaks to the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxPeer {
    /// A gateway, which deposits.
    Gateway,
    /// The agent of a register, which collects.
    Node(RegisterId),
}

/// A relay's mailbox, open.
#[derive(Debug, Clone)]
pub struct Mailbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    boxes: Arc<Boxes>,
    /// Takes what agents have taken.
    forgetting: mpsc::Sender<forgetting::Taken>,
    /// Changes with every deposit.
    news: watch::Sender<u64>,
    /// How many there were since the start.
    deposits: AtomicU64,
}

/// One item as it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its place among all that ever came.
    pub(super) number: i64,
    /// Its name.
    pub(super) name: [u8; NAME_BYTES],
    /// What is sealed.
    pub(super) sealed: Vec<u8>,
}

impl Mailbox {
    /// Serves the peer behind `io` until it leaves or the relay drains.
    pub(super) async fn serve(
        &self,
        io: Box<OuterStream>,
        peer: MailboxPeer,
        draining: CancellationToken,
    ) {
        service::serve(Arc::clone(&self.0), io, peer, draining).await;
    }
}
