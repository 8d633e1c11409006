//! The seam to the register's cases: who is given what a citizen asks, and says under which
//! receipt it was taken.

use futures::future::BoxFuture;

use super::RegisterMessage;

/// A message was taken, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The receipt under which it is found again: a name that tells nothing of the person.
    pub receipt: String,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotReceived {
    /// It is refused, and comes no better if it comes again. The sender is told why, in a receipt;
    /// the words must hold nothing that only the register knows of the person.
    #[error("refused: {0}")]
    Refused(String),
    /// It could not be taken now, and others may. It is left to the broker, which gives it again,
    /// and puts it aside after its number of tries.
    #[error("not taken now")]
    Later(#[source] anyhow::Error),
    /// Nothing can be taken now. It is kept unsettled and tried again here, so that no number of
    /// tries runs out for a fault of ours.
    #[error("nothing can be taken now")]
    Ours(#[source] anyhow::Error),
}

/// Takes citizens' messages.
///
/// What must hold: **`receive` is idempotent**. A message with the same sender and id that was
/// taken before is not taken a second time, and gives the receipt that it had: the agent may fall
/// between the inbox's own record and ours. And **it is durable when it returns**, its use of the
/// person's data in the log of use included.
pub trait Inbox: Send + Sync + 'static {
    /// Takes `message`.
    fn receive<'a>(
        &'a self,
        message: &'a RegisterMessage,
    ) -> BoxFuture<'a, Result<Received, NotReceived>>;
}
