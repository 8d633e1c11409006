//! The record that every use of a person's data leaves, also refused ones.

use crate::caller::Organisation;
use crate::decision::Request;
use crate::person::NationalId;
use crate::purpose::Purpose;
use crate::time::Timestamp;

/// Names one question of one caller, the same at every register: 16 random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub [u8; 16]);

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UseKind {
    /// A listing: is the person in the register?
    Listing,
}

/// How it was decided, as the log keeps it. The exact reason: the wire tells less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UseDecision {
    /// Looked up and answered.
    Answered,
    /// Looked up and not told, because of who asks about whom.
    Withheld(crate::outcome::WithheldReason),
    /// Refused by the rules.
    Denied(crate::decision::DenyReason),
    /// Refused because the gateway was over its cap.
    OverCap,
    /// The source could not be read.
    SourceUnavailable,
}

/// One use of one person's data at one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRecord {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// The question it belongs to.
    pub question: QuestionId,
    /// Whose data.
    pub subject: NationalId,
    /// Who asked.
    pub caller: NationalId,
    /// Through which organisation.
    pub organisation: Organisation,
    /// For what purpose.
    pub purpose: Purpose,
    /// What was done.
    pub kind: UseKind,
    /// How it was decided.
    pub decision: UseDecision,
}

impl UseRecord {
    /// The use that a listing's question `id` makes of its subject's data.
    pub const fn of_listing(
        id: QuestionId,
        request: &Request,
        decision: UseDecision,
        at: Timestamp,
    ) -> Self {
        Self {
            at,
            question: id,
            subject: request.subject,
            caller: request.caller.person,
            organisation: request.caller.organisation,
            purpose: request.purpose,
            kind: UseKind::Listing,
            decision,
        }
    }
}
