//! What became of a question at one register: exactly one outcome, never silence.

use jiff::civil::Date;

/// The outcome of a listing at one register. Every register of the catalogue has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The person is in the register.
    Registered(Presence),
    /// The person is not in the register, and never was as far as it knows.
    NotRegistered,
    /// The person was in the register and has been deleted from it.
    Deleted(Presence),
    /// Not told to this caller. Decided from who asks about whom before anyone looked, so it
    /// says nothing about the person.
    Withheld(WithheldReason),
    /// The register holds nothing that an identity could be looked up in.
    CannotBeAsked(CannotBeAskedReason),
    /// The register was asked, or should have been, and gave no answer. Never "not registered".
    NoAnswer(NoAnswerReason),
    /// The register is in the catalogue but not connected to the federation.
    NotConnected,
}

/// Since when, where the register gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    /// The day of the first registration.
    pub since: Option<Date>,
    /// The day of the last change.
    pub last_changed: Option<Date>,
}

/// Why an outcome is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WithheldReason {
    /// The representation does not cover insight at this register.
    AreaNotCovered,
    /// From the child's twelfth birthday, membership that is itself a health fact is told to the
    /// child only.
    SensitiveFromTwelve,
}

/// Why a register cannot be asked about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CannotBeAskedReason {
    /// It holds no direct identifiers.
    Deidentified,
    /// It holds pseudonyms that nobody can make any more.
    Pseudonymous,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoAnswerReason {
    /// It did not answer before the deadline.
    Timeout,
    /// It has missed a deadline before and has not answered a probe since; it was not waited for.
    Unresponsive,
    /// It is not connected to the relay at the moment.
    Down,
    /// The relay cannot be reached.
    RelayDown,
    /// It cannot write its log of use, and so refuses to answer.
    LogUnavailable,
    /// This gateway has asked more than the register allows.
    OverCap,
    /// The register refused by its own rules.
    Refused,
    /// The register's source cannot be read.
    SourceUnavailable,
    /// Its answer could not be understood.
    InvalidAnswer,
    /// The gateway had too many questions waiting for it.
    Overloaded,
}
