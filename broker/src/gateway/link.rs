//! The link to one register's agent: one long-lived stream, and a queue in front of it.
//!
//! ```text
//!   ask ──▶ waiting ──batch──▶ asked ──answer──▶ delivered
//!              ▲                 │
//!              └── link lost ────┘        (asked again under the same id: no second log entry)
//! ```
//!
//! Questions that wait while a batch is on its way travel together in the next one. A batch
//! counts as under way until the agent says that it has dealt with it, so that an agent that
//! hangs holds at most [`BATCHES_UNDER_WAY_MAX`] batches.
//!
//! Whether to wait for a register at all is decided by [`rules`], which does no I/O; the
//! [`session`] task owns the connection.

mod codec;
mod queue;
mod rules;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use innsyn_policy::{NoAnswerReason, RegisterId};
use innsyn_proto::tunnel::BoxedIo;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::transport::Channel;

pub use rules::Standing;
pub use session::{AllBeside, Beside, channel_over, run};

use super::fanout::Question;
use queue::Queue;
use rules::{Event, Rules};

/// Batches that may be under way to one agent.
pub const BATCHES_UNDER_WAY_MAX: u64 = 1;
/// Questions in one batch.
pub const BATCH_QUESTIONS_MAX: usize = 256;
/// Questions that may wait for one agent.
pub const QUESTIONS_WAITING_MAX: usize = 8192;

/// Why an agent could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// No relay could be reached.
    #[error("no relay can be reached")]
    RelayUnreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The relay has no connection of this register's agent.
    #[error("the register's agent is not connected")]
    NotParked,
    /// The relay or the agent refused us, or is not who it should be.
    #[error("refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes end-to-end connections to agents. A seam between links and the tunnel.
pub trait Reach: Send + Sync + 'static {
    /// Makes one connection to the agent of `register`, authenticated at both ends.
    fn reach<'a>(&'a self, register: &'a RegisterId) -> BoxFuture<'a, Result<BoxedIo, ReachError>>;
}

/// The link to one register's agent, as the fan-out sees it.
pub struct Link {
    /// The register's position in the catalogue.
    position: usize,
    register: RegisterId,
    rules: Mutex<Rules>,
    queue: Queue,
    /// The connection while it stands, for calls beside the stream of questions.
    channel: watch::Sender<Option<Channel>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A link to `register`, which stands at `position` in the catalogue. [`run`] brings it up.
    pub fn new(position: usize, register: RegisterId) -> Arc<Self> {
        Arc::new(Self {
            position,
            register,
            rules: Mutex::new(Rules::new(Instant::now())),
            queue: Queue::default(),
            channel: watch::Sender::new(None),
        })
    }

    /// The register at the other end.
    pub fn register(&self) -> &RegisterId {
        &self.register
    }

    /// How the register stands now.
    pub fn standing(&self) -> Standing {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .standing()
    }

    /// Whether the agent answers now.
    pub fn is_up(&self) -> bool {
        self.standing() == Standing::Up
    }

    /// Whether no relay could be reached when last tried.
    pub fn relay_is_down(&self) -> bool {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .relay_is_down()
    }

    /// Puts a question in the queue, unless it is known already that there will be no answer.
    pub(super) fn ask(&self, question: &Arc<Question>) -> Result<(), NoAnswerReason> {
        if let Some(reason) = self.standing().not_worth_waiting() {
            return Err(reason);
        }
        self.queue.push(Arc::downgrade(question))
    }

    /// Notes that a listing's deadline came without an answer, and says why.
    pub(super) fn missed(&self) -> NoAnswerReason {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = rules.reason_for_silence();
        let before = rules.standing();
        rules.on(Event::Missed, Instant::now());
        let now = rules.standing();
        if now != before {
            tracing::warn!(node.id = %self.register, standing = now.label(), "node missed a deadline");
        }
        reason
    }

    /// The connection to the agent, for a call of another kind than a question; waits for one that
    /// is being made. `Err` where it is known already that there will be none.
    pub(super) async fn channel(&self) -> Result<Channel, NoAnswerReason> {
        let mut channel = self.channel.subscribe();
        loop {
            if let Some(channel) = channel.borrow_and_update().clone() {
                return Ok(channel);
            }
            if let Some(reason) = self.standing().not_worth_waiting() {
                return Err(reason);
            }
            // A link that gives up says so by a change as well; the sender lives as long as it.
            if channel.changed().await.is_err() {
                return Err(NoAnswerReason::Down);
            }
        }
    }

    /// How many questions could still be read out of this link's queue.
    #[cfg(test)]
    pub(super) fn questions_held(&self) -> usize {
        self.queue.questions_held()
    }

    fn on(&self, event: Event) -> Standing {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let before = rules.standing();
        rules.on(event, Instant::now());
        let now = rules.standing();
        if now != before {
            tracing::info!(node.id = %self.register, standing = now.label(), "node standing");
        }
        now
    }
}
