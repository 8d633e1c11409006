//! The analogue channel: what people say on paper, entered by one clerk and confirmed by another.
//!
//! ```text
//!   clerk's command ─ signed word ─▶ records ─▶ the running agent ─▶ a paper that waits
//!   another clerk's ─ signed word ─▶ records ─▶ the running agent ─▶ log of use, setting, both at once
//! ```
//!
//! As with dialogs ([`cases`](crate::cases)), two processes share the records: the command
//! ([`PaperDesk`]) writes a word, durably, and the running agent, which alone writes the log and
//! settings, takes it within [`TAKE_EVERY`]. When which paper counts is [`innsyn_policy::setting::paper`]'s
//! to say.
//!
//! What holds:
//!
//! - **Two clerks with a key each.** A clerk is whoever signs with a key that the agent's
//!   configuration names, and the key's file opens with the clerk's own passphrase ([`key`]). The
//!   account that the agent runs as is not enough: neither the command nor a row written past it is
//!   believed without both signatures.
//! - **No paper is a setting before the second clerk**, and none is one twice: its name in the log
//!   and among the settings is made of what both have signed.
//! - **An error is told, and nothing is lost**: a refused word says why, and the paper still waits.
//! - **No person in clear** in the file.
//!
//! What it does not stop: two clerks who agree to lie, whoever changes the agent's configuration, and
//! whoever reads a passphrase as it is typed. Each setting stands in the log that the person reads,
//! with both names. To look at a paper that waits is not logged: it is no data of the register's.

pub mod desk;
pub mod key;
mod store;
mod taking;
#[cfg(test)]
mod tests;
mod told;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::{PaperError, SettingDefinition};
use innsyn_proto::setting::paper::{ClerkKey, PaperNoteError};
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

pub use desk::PaperDesk;
pub use store::SCHEMA;
pub use told::{standing_of, told_of};

use super::keeper::Keeper;
use super::kept::KeepError;
use crate::records::RecordsError;
use crate::sources::Numbers;

/// How often clerks' words are looked for.
pub const TAKE_EVERY: Duration = Duration::from_millis(250);
/// Papers that may wait for a second clerk at once.
pub const WAITING_MAX: u32 = 10_000;

/// What papers are taken with.
pub struct PapersParts {
    /// Makes settings of them.
    pub keeper: Arc<Keeper>,
    /// Who may enter and confirm.
    pub clerks: Vec<ClerkKey>,
    /// Whom a paper can be about.
    pub numbers: Numbers,
    /// For nonces; seeded from the system's randomness, except in tests.
    pub random: StdRng,
}

impl fmt::Debug for PapersParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PapersParts").finish_non_exhaustive()
    }
}

/// Takes what clerks say of papers.
pub struct Papers {
    keeper: Arc<Keeper>,
    clerks: Vec<ClerkKey>,
    numbers: Numbers,
    random: Mutex<StdRng>,
}

impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Papers")
            .field("clerks", &self.clerks.len())
            .finish_non_exhaustive()
    }
}

/// Why a word cannot be taken now; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// The records fail.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The setting is not taken.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A row is not one that was written here.
    #[error("a paper in the agent's records cannot be read; restore them from a copy")]
    Damaged,
}

impl From<sqlx::Error> for PapersError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

/// Why a word is not taken, ever: what the clerk is told. Holds nothing of a person.
#[derive(Debug, thiserror::Error)]
pub enum PaperRefusal {
    /// Not signed by a clerk, or not for this register.
    #[error(transparent)]
    Note(#[from] PaperNoteError),
    /// The rules say no.
    #[error(transparent)]
    Rules(#[from] PaperError),
    /// There is no such paper.
    #[error("there is no such paper")]
    NotThere,
    /// The word is about something else than the paper says.
    #[error("the word is about another paper than the one that waits under this name")]
    OtherPaper,
    /// There is no such definition here.
    #[error("there is no such definition at this register; `clerk definitions` lists them")]
    UnknownDefinition,
    /// Personvernkomponenten alone writes it.
    #[error(
        "settings of this definition are written at Personvernkomponenten, and only there \
         (`pvk.definitions` names them); enter the paper there"
    )]
    WrittenElsewhere,
    /// Its text has not come so far.
    #[error("the definition's text has no such version")]
    TextVersion,
    /// Not a number of somebody that this agent knows people by.
    #[error("the number cannot be a citizen's here; look at it again, and at `environment`")]
    NotAdmitted,
    /// Too many.
    #[error("{WAITING_MAX} papers wait already; confirm or withdraw some")]
    TooMany,
}

impl Papers {
    /// Papers taken with `parts`.
    pub fn new(parts: PapersParts) -> Arc<Self> {
        let PapersParts {
            keeper,
            clerks,
            numbers,
            random,
        } = parts;
        Arc::new(Self {
            keeper,
            clerks,
            numbers,
            random: Mutex::new(random),
        })
    }

    /// Takes clerks' words as they come, until `shutdown`.
    pub fn spawn(self: &Arc<Self>, shutdown: CancellationToken) -> tokio::task::JoinHandle<()> {
        let papers = Arc::clone(self);
        tokio::spawn(async move {
            let mut failing = false;
            let mut every = tokio::time::interval(TAKE_EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let taking = async {
                loop {
                    every.tick().await;
                    let taken = papers.take_words().await;
                    if let Err(error) = &taken
                        && !failing
                    {
                        tracing::error!(
                            error = error as &dyn std::error::Error,
                            "what a clerk said of a paper is not taken; it is tried again"
                        );
                    }
                    failing = taken.is_err();
                }
            };
            let _ended = shutdown.run_until_cancelled(taking).await;
        })
    }

    /// The definition called `id`, if it holds here.
    fn definition(
        &self,
        id: &innsyn_policy::DefinitionId,
    ) -> Result<&SettingDefinition, PaperRefusal> {
        let definition = self.keeper.kept().definitions().get(id);
        if self.keeper.kept().elsewhere().writes(id) {
            return Err(PaperRefusal::WrittenElsewhere);
        }
        let here = definition.filter(|it| it.holds_at(self.keeper.register()));
        here.map(|it| &**it).ok_or(PaperRefusal::UnknownDefinition)
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
