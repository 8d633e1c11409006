//! Brings up an agent that came late, from one that is whole: everybody's settings of national
//! definitions, exported there and imported here.
//!
//! ```text
//!   late:   recipient ─ signed text ─▶ somebody carries it ─▶ whole:  export ─ word ─▶ records
//!                                                                      running agent ─ frames, sealed
//!   late:   import ─ frames, word ─▶ records ◀─ somebody carries the file ◀─────────────┘
//!           running agent ─▶ opened, checked, staged ─▶ log of use ─▶ settings and numbers, at once
//! ```
//!
//! As with papers ([`papers`](super::papers)), the command ([`TransferDesk`]) shares the records with
//! the running agent, which alone knows whether it is current, and alone writes log and settings.
//!
//! What holds:
//!
//! - **Only who is whole exports**, and only what gateways sent, of national definitions: neither the
//!   register's own, nor what stands on its papers, nor what Personvernkomponenten writes.
//! - **Whatever is imported was checked to its end before any of it counts**, and counts all at once,
//!   with the numbers up to which the agent is whole from then on.
//! - **The rule is that of items**: the highest sequence wins, a tie denies, what comes again changes
//!   nothing. What is later than the export came or comes as items.
//! - **What an item of the agent's own says is never passed over**: where items wait here, numbers
//!   are set to just before the first of them; one that comes when its number is passed is applied
//!   all the same.
//! - **Each change leaves an entry in the log here**, as if it had come when it was sent. At the
//!   exporting register there is a row in the records for the export as a whole, which stays, and no
//!   entry: nothing of the register's data leaves, and what does was addressed to the other register
//!   by whoever said it.
//!
//! What it does not stop: a register that exports less than it has. The importing one says in its log
//! who it was.

mod applying;
pub mod desk;
mod exporting;
mod importing;
pub mod own;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use innsyn_policy::DefinitionId;
use innsyn_proto::setting::export::{ExportError, RecipientError, WriteExportError};
use innsyn_proto::tls::{LoadTlsError, TlsFiles};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

pub use desk::{TransferDesk, TransferDeskError, TransferOutcome};
pub use store::SCHEMA;

use super::keeper::Keeper;
use super::kept::KeepError;
use crate::records::RecordsError;
use crate::sources::Numbers;
use crate::uselog::LogUnavailableError;

/// How often words of commands are looked for.
const TAKE_EVERY: Duration = Duration::from_millis(250);
/// How long after its start an agent imports nothing: what waits in mailboxes comes first.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);
/// The pause after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Rows that are read or written at a time.
const ROWS_AT_ONCE: u32 = 1_000;

/// What transfers are made with.
pub struct TransfersParts {
    /// Keeps settings.
    pub keeper: Arc<Keeper>,
    /// The register's certificate and key, and the CA that others' are issued by.
    pub tls: TlsFiles,
    /// Whose mandates count here.
    pub issuers: BTreeSet<String>,
    /// Whom a setting can be about.
    pub numbers: Numbers,
    /// For sealing; seeded from the system's randomness, except in tests.
    pub random: StdRng,
}

impl fmt::Debug for TransfersParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransfersParts").finish_non_exhaustive()
    }
}

/// Exports and imports as commands ask for it.
pub struct Transfers {
    keeper: Arc<Keeper>,
    tls: TlsFiles,
    issuers: BTreeSet<String>,
    numbers: Numbers,
    random: Mutex<StdRng>,
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfers").finish_non_exhaustive()
    }
}

/// Why nothing is exported or imported now; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The records fail.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Settings cannot be read or taken.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The log of use fails; what is not logged is not done.
    #[error(transparent)]
    Log(#[from] LogUnavailableError),
    /// The agent's own certificate, key or CA cannot be used.
    #[error(transparent)]
    Tls(#[from] LoadTlsError),
    /// A row is not one that was written here.
    #[error("a transfer in the agent's records cannot be read; give the command again")]
    Damaged,
}

impl From<sqlx::Error> for TransferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

/// Why nothing is exported or imported, ever: what the operator is told. Holds nothing of a person.
#[derive(Debug, thiserror::Error)]
pub enum TransferRefusal {
    /// The recipient is not known to be one.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// The recipient is the register itself.
    #[error("the recipient is this register itself; give the text of the one that came late")]
    OwnRegister,
    /// There is nothing to export.
    #[error("no gateway brings settings here (`may_ask`), so that there is nothing to export")]
    NoGateways,
    /// The agent is not whole itself.
    #[error(
        "this agent is not current itself, and exports nothing: everything that gateways have is \
         not known to be here; look at `/readyz`, or ask another register"
    )]
    NotCurrent,
    /// Something was said of a definition that is not known here.
    #[error(
        "people have said something of definition `{0}`, which is not in this agent's \
         `settings.definitions`; get the newest file from whoever runs the federation, start the \
         agent again, and export then"
    )]
    UnknownDefinition(DefinitionId),
    /// The export cannot be made.
    #[error(transparent)]
    Write(#[from] WriteExportError),
    /// What came is no export for this register.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The exporting register lacks a definition.
    #[error(
        "the export from `{from}` has nothing of definition `{definition}`, which gateways bring \
         here; have a register export at which they bring it as well"
    )]
    LacksDefinition {
        /// Who exported.
        from: innsyn_policy::RegisterId,
        /// What is missing.
        definition: DefinitionId,
    },
    /// The exporting register takes fewer mandates.
    #[error(
        "mandates of `{issuer}` count here and not at `{from}`, so that its export lacks what was \
         said with them; have a register export at which they count"
    )]
    LacksIssuer {
        /// Who exported.
        from: innsyn_policy::RegisterId,
        /// Whose mandates.
        issuer: String,
    },
    /// The export says nothing of a gateway of this agent's.
    #[error(
        "the export from `{0}` is of none of the gateways that bring settings here; have a \
         register export that has the same"
    )]
    NoGatewayOfOurs(innsyn_policy::RegisterId),
    /// The list of own settings.
    #[error(transparent)]
    Own(#[from] own::OwnListError),
}

/// Why a word was not taken.
enum NotTaken {
    /// It never will be.
    Never(TransferRefusal),
    /// It is tried again.
    Later(TransferError),
}

impl<E: Into<TransferError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Later(error.into())
    }
}

fn never<E: Into<TransferRefusal>>(error: E) -> NotTaken {
    NotTaken::Never(error.into())
}

impl Transfers {
    /// Transfers made with `parts`.
    pub fn new(parts: TransfersParts) -> Arc<Self> {
        let TransfersParts {
            keeper,
            tls,
            issuers,
            numbers,
            random,
        } = parts;
        Arc::new(Self {
            keeper,
            tls,
            issuers,
            numbers,
            random: Mutex::new(random),
        })
    }

    /// Takes commands' words as they come, until `shutdown`.
    pub fn spawn(self: &Arc<Self>, shutdown: CancellationToken) -> tokio::task::JoinHandle<()> {
        let transfers = Arc::clone(self);
        tokio::spawn(async move {
            let settled_at = Instant::now() + SETTLES_WITHIN;
            let mut every = interval(TAKE_EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let taking = async {
                loop {
                    every.tick().await;
                    let has_settled = Instant::now() >= settled_at;
                    if let Err(error) = transfers.take_words(has_settled).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "settings are not exported or imported; it is tried again"
                        );
                        sleep(AFTER_FAILURE).await;
                    }
                }
            };
            let _ended = shutdown.run_until_cancelled(taking).await;
        })
    }

    /// Does what commands have asked for and nobody has done; imports only where the agent
    /// `has_settled`. Gives how many words that was.
    pub async fn take_words(&self, has_settled: bool) -> Result<usize, TransferError> {
        let records = self.keeper.records();
        let mut taken = 0;
        while let Some(word) = store::waiting(records, has_settled).await? {
            let done = match &word.recipient {
                Some(recipient) => self.export(word.id, recipient).await,
                None => self.import(&word).await,
            };
            let now = self.keeper.now();
            match done {
                Ok(()) => {}
                Err(NotTaken::Never(why)) => {
                    store::drop_staged(records, &word.id).await?;
                    store::refuse(records, &word.id, &why.to_string(), now).await?;
                }
                Err(NotTaken::Later(error)) => return Err(error),
            }
            taken += 1;
        }
        if taken > 0 {
            store::forget(records, self.keeper.now()).await?;
        }
        Ok(taken)
    }

    fn random(&self) -> StdRng {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        StdRng::from_rng(&mut *random)
    }
}
