//! The dialogs between people and this register: insight, correction, deletion, blocking,
//! reservation.
//!
//! ```text
//!   service ─ may they? ─▶ keeping ─▶ log of use, durable ─▶ records, committed ─▶ receipt
//!   clerk's command ──▶ a word in the records ─▶ clerk ─▶ log ─▶ records, with a notice ─▶ receipt
//!   notices ──▶ a gateway, at every beat, until it says that an e-mail server has taken it
//! ```
//!
//! Beside the service, messages come by the health network's exchange (`exchanged.rs`), and those
//! that waited for the agent while it was away by a relay's mailbox (`sealed.rs`).
//!
//! The case lives here and nowhere else; a citizen sees it by asking every register. What may be
//! done in it is [`innsyn_policy::Case`]'s to say.
//!
//! What holds:
//!
//! - **No step without an entry.** The use stands durably in the log before the step does, and the
//!   step durably in the records before anybody is told that it was taken.
//! - **Nothing twice.** A message sent again under its id gets the receipt that it had. A step of
//!   the clerk's and the notice of it are one transaction with the word that it came from.
//! - **No register data are written.** There is no way from here to the register's source: what is
//!   here has no [`Source`](crate::sources::Source) and takes none. An accepted blocking or
//!   reservation becomes a setting ([`BecomesSetting`]) before the citizen is told that it is
//!   accepted.
//! - **Bounds**: [`CASES_OF_PERSON_MAX`] cases of one person, [`OPEN_CASES_OF_PERSON_MAX`] of them
//!   open; a text of 4,000 bytes; [`ATTACHMENTS_MAX`] files of [`ATTACHMENTS_BYTES_MAX`] bytes
//!   together with each.
//! - **No person in clear** in the file: persons are codes, and what is said, attached and signed
//!   is sealed.

mod clerk;
mod codes;
mod exchanged;
mod keeping;
mod noticing;
mod retention;
mod schema;
mod sealed;
mod service;
mod setting;
mod store;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::{CaseTextError, Clock, Register, StepError};
use innsyn_proto::case_receipt::CaseId;
use innsyn_proto::head::HeadError;
use rand::rngs::StdRng;
use tokio::sync::Notify;

pub use clerk::{ClerkError, ClerkWord, Desk, Outcome, Said, Shown, ShownStep};
pub use exchanged::{GivesAnswers, ShowUsesError, ShowsUses, UsesTable};
pub use noticing::{NOTICES_AT_ONCE_MAX, NOTICES_BYTES};
pub use schema::SCHEMA;
pub use sealed::SealedCases;
pub use service::CasesFace;
pub use setting::{BecomeError, BecomesSetting};
pub use words::{ATTACHMENTS_BYTES_MAX, ATTACHMENTS_MAX, Attachment, Words, WordsError};

use crate::records::{Records, RecordsError};
use crate::uselog::{LogUnavailableError, UseLog};

/// Cases that one person may have here.
pub const CASES_OF_PERSON_MAX: usize = 200;
/// Cases of one person that may be open at once.
pub const OPEN_CASES_OF_PERSON_MAX: usize = 20;
/// How often what clerks said is looked for.
pub const CLERK_EVERY: Duration = Duration::from_millis(250);

/// What the cases of a register are kept with.
pub struct CasesParts {
    /// The register.
    pub register: Register,
    /// Where they are.
    pub records: Records,
    /// What every step is written into first.
    pub log: Arc<UseLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For names and nonces; seeded from the system's randomness.
    pub random: StdRng,
    /// What makes a setting of an accepted blocking or reservation; without it, none is accepted.
    pub becomes: Option<Arc<dyn BecomesSetting>>,
    /// What shows a person the log of use where the exchange asks for it; without it, a case handler
    /// does.
    pub uses: Option<Arc<dyn ShowsUses>>,
    /// How long after its answer a case keeps what was said in it.
    pub content_kept: Duration,
}

impl std::fmt::Debug for CasesParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CasesParts").finish_non_exhaustive()
    }
}

/// The cases of one register.
pub struct Cases {
    register: Register,
    records: Records,
    log: Arc<UseLog>,
    clock: Arc<dyn Clock>,
    random: Mutex<StdRng>,
    becomes: Option<Arc<dyn BecomesSetting>>,
    uses: Option<Arc<dyn ShowsUses>>,
    content_kept: Duration,
    /// Told when there is something new for the exchange.
    owed: Notify,
}

impl std::fmt::Debug for Cases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cases")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

/// Why a step is not taken, or nothing is told. Holds nothing of a person.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The caller may not.
    #[error(transparent)]
    NotConducted(#[from] innsyn_policy::NotConducted),
    /// The gateway is over its cap.
    #[error("the gateway has asked more than the register allows")]
    OverCap,
    /// There is no such case, or not of this person.
    #[error("there is no such case here")]
    NoSuchCase,
    /// The case stands otherwise.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The message's id is taken.
    #[error("the message's id was used for another message")]
    MessageIdUsed,
    /// The person has too many.
    #[error("the person has too many cases here")]
    TooMany,
    /// The text is none.
    #[error(transparent)]
    Text(#[from] CaseTextError),
    /// The words or files are not as they should be.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The log of use cannot be written.
    #[error(transparent)]
    Log(#[from] LogUnavailableError),
    /// The records cannot be used.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// What stands in the records is not what was written there.
    #[error("the record of case {0} is damaged")]
    Damaged(CaseId),
    /// The log of use cannot be shown.
    #[error(transparent)]
    Uses(#[from] ShowUsesError),
    /// A receipt cannot be signed.
    #[error("the receipt cannot be signed")]
    Receipt(#[from] HeadError),
}

impl CaseError {
    /// Whether the same could be taken at another time: the fault is ours, and passes.
    pub(crate) const fn is_of_now(&self) -> bool {
        matches!(
            self,
            Self::Log(_) | Self::Records(_) | Self::Damaged(_) | Self::Receipt(_) | Self::Uses(_)
        )
    }
}

impl From<sqlx::Error> for CaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

impl Cases {
    /// The cases kept with `parts`.
    pub fn new(parts: CasesParts) -> Arc<Self> {
        let CasesParts {
            register,
            records,
            log,
            clock,
            random,
            becomes,
            uses,
            content_kept,
        } = parts;
        Arc::new(Self {
            register,
            records,
            log,
            clock,
            random: Mutex::new(random),
            becomes,
            uses,
            content_kept,
            owed: Notify::new(),
        })
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
