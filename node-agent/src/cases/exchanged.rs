//! Dialogs by way of the health network's exchange: messages that come become cases and steps, and
//! what the register says in such a case goes back there.
//!
//! ```text
//!   Inbox ─▶ which case? ─▶ words ─▶ Cases::hear (may they, log, step) ─▶ receipt: the case's name
//!   clerk's word ─▶ step, and an answer that is owed ─▶ the exchange's outbox ─▶ given
//!                   (one transaction)                   (durable, once under its id)
//! ```
//!
//! The exchange tells who the person is and which party sent the message, and nothing of anybody
//! who acts for them: a message counts as the person's own. ASSUMED, as is that the party lets
//! nobody in who is not proven at the highest level.
//!
//! What holds:
//!
//! - **One message, one step**: which message a step was is written in the step's transaction, so
//!   that a message that comes again finds it.
//! - **One step of the register, one answer**: that it is owed is written likewise, under an id that
//!   the exchange sends once.
//! - **A message that follows another** of its party about the same person, of the same kind, is a
//!   step of that case: an appeal where that has been answered.

mod answering;
mod insight;
mod kept;
mod taking;
mod words;

use innsyn_policy::CaseKind;
use innsyn_proto::case_receipt::CaseId;
use sqlx::SqliteExecutor;

use super::CaseError;
use crate::exchange::MessageKind;

pub use answering::GivesAnswers;
pub use insight::{ShowUsesError, ShowsUses, UsesTable};
pub(super) use kept::{Came, came, owe};

/// What a case that came by the exchange asks for, as the case handler reads it.
pub(super) async fn asked_for(
    executor: impl SqliteExecutor<'_>,
    case: CaseId,
) -> Result<Option<&'static str>, CaseError> {
    let kind = kept::kind_of(executor, case).await?;
    Ok(kind.map(words::asked_for))
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(hash) {
        *to = from;
    }
    half
}

/// What a message opens.
///
/// One message asks for deletion or blocking, and does not say which in a way that is described.
/// It opens a case of blocking, since an accepted one binds at once, by a setting; whether to delete
/// is for whoever keeps the register. ASSUMED.
const fn kind_of(kind: MessageKind) -> CaseKind {
    match kind {
        MessageKind::HealthData | MessageKind::Uses | MessageKind::Releases => CaseKind::Insight,
        MessageKind::Error => CaseKind::Correction,
        MessageKind::DeletionOrBlocking => CaseKind::Blocking,
    }
}
