//! The record that every use of people's data leaves, also refused ones.

use crate::caller::Organisation;
use crate::data_permit::OutsidePermit;
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
    /// A researcher's query: how many persons, and what of them, are in a table.
    Query,
    /// A reading of the log of use itself: who has used the person's data?
    LogReading,
    /// A setting of the person was made or changed.
    SettingChange,
    /// A step of a dialog between the person and the register.
    Dialog,
    /// What the register holds about the person was shown.
    Insight,
}

/// What was done, where it was done with one person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonUse {
    /// See [`UseKind::Listing`].
    Listing,
    /// See [`UseKind::LogReading`].
    LogReading,
    /// See [`UseKind::SettingChange`].
    SettingChange,
    /// See [`UseKind::Dialog`].
    Dialog,
    /// See [`UseKind::Insight`].
    Insight,
}

impl From<PersonUse> for UseKind {
    fn from(done: PersonUse) -> Self {
        match done {
            PersonUse::Listing => Self::Listing,
            PersonUse::LogReading => Self::LogReading,
            PersonUse::SettingChange => Self::SettingChange,
            PersonUse::Dialog => Self::Dialog,
            PersonUse::Insight => Self::Insight,
        }
    }
}

/// Whose data a use is of, which also says what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseSubject {
    /// One person's.
    Person(NationalId, PersonUse),
    /// Those of the persons whom a query counted: a commitment to who they are and to what was
    /// asked, which by itself tells neither.
    Counted([u8; 32]),
}

impl UseSubject {
    /// What was done.
    pub fn kind(&self) -> UseKind {
        match self {
            Self::Person(_, done) => (*done).into(),
            Self::Counted(_) => UseKind::Query,
        }
    }
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
    /// Refused because the query was outside its data permit.
    OutsidePermit(OutsidePermit),
    /// A query that counted nobody for another reason.
    NotCounted(NotCountedReason),
}

/// Why a query counted nobody, though it was not outside its data permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotCountedReason {
    /// The query is not one that the register's catalogue allows.
    Query,
    /// The permit's signature, issuer or validity.
    Permit,
    /// The steward's standing rules.
    Steward,
    /// The steward had stopped all queries.
    Stopped,
    /// It needed more memory, cells or time than the register gives.
    TooLarge,
    /// Nobody waited for it any more.
    Cancelled,
    /// People changed their settings while it ran.
    SettingsChanged,
}

/// One use of people's data at one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRecord {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// The question it belongs to.
    pub question: QuestionId,
    /// Whose data, and so what was done.
    pub subject: UseSubject,
    /// Who asked.
    pub caller: NationalId,
    /// Through which organisation.
    pub organisation: Organisation,
    /// For what purpose.
    pub purpose: Purpose,
    /// How it was decided.
    pub decision: UseDecision,
}

impl UseRecord {
    /// The use `done` that the question `id` makes of its subject's data.
    pub const fn of_person(
        done: PersonUse,
        id: QuestionId,
        request: &Request,
        decision: UseDecision,
        at: Timestamp,
    ) -> Self {
        Self {
            at,
            question: id,
            subject: UseSubject::Person(request.subject, done),
            caller: request.caller.person,
            organisation: request.caller.organisation,
            purpose: request.purpose,
            decision,
        }
    }
}
