//! A case (*sak*): a dialog between a person and a register, from request to answer.
//!
//! ```text
//!             begin                answer               appeal
//!   Received ───────▶ InProgress ─────────▶ Answered ─────────▶ Appealed
//!      │                               ▲ ▲                         │
//!      └────────────── answer ─────────┘ └───────── answer ────────┘
//! ```
//!
//! A plain state machine that is told steps and the time. Messages go both ways while the case is
//! open; it can be extended once, and appealed once, after which the way leads out of the register
//! (*Datatilsynet*).
//!
//! What holds:
//!
//! - **A no is explained.** What is refused, wholly or in part, is refused in words that the
//!   person is told.
//! - **The clock runs** ([`Deadline`]): one calendar month from receipt, and from an appeal.
//! - **Nothing here changes register data.** What was decided is a [`Verdict`]; whoever keeps the
//!   register corrects it, outside Innsyn.

use crate::time::Timestamp;

mod clock;
mod conduct;
#[cfg(test)]
mod tests;
mod text;

pub use clock::{Deadline, Standing};
pub use conduct::{Conduct, NotConducted, may_conduct};
pub use text::{CASE_TEXT_BYTES_MAX, CaseText, CaseTextError};

/// Messages that one side may write in one case, beside what a step says.
pub const MESSAGES_OF_A_SIDE_MAX: u32 = 40;

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseKind {
    /// *Innsyn* (GDPR article 15).
    Insight,
    /// *Retting* (article 16).
    Correction,
    /// *Sletting* (article 17).
    Deletion,
    /// *Sperring* (article 18).
    Blocking,
    /// *Reservasjon* (article 21, and the register's own rules).
    Reservation,
}

impl CaseKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Insight,
        Self::Correction,
        Self::Deletion,
        Self::Blocking,
        Self::Reservation,
    ];

    /// Its name in receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insight => "insight",
            Self::Correction => "correction",
            Self::Deletion => "deletion",
            Self::Blocking => "blocking",
            Self::Reservation => "reservation",
        }
    }

    /// Whether what was asked for, once it is accepted, becomes a setting of the person.
    pub const fn becomes_setting(self) -> bool {
        matches!(self, Self::Blocking | Self::Reservation)
    }
}

/// What the register decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// What was asked for is done.
    Accepted,
    /// It is done in part.
    Partly,
    /// It is not done.
    Refused,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Partly, Self::Refused];
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseState {
    /// The register has it.
    Received,
    /// Somebody at the register works on it.
    InProgress,
    /// The register has decided.
    Answered(Verdict),
    /// The person does not agree, and the register looks at it again.
    Appealed,
}

impl CaseState {
    /// Whether the register owes an answer.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Answered(_))
    }

    /// Its name in receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::InProgress => "in-progress",
            Self::Answered(Verdict::Accepted) => "accepted",
            Self::Answered(Verdict::Partly) => "partly",
            Self::Answered(Verdict::Refused) => "refused",
            Self::Appealed => "appealed",
        }
    }
}

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The person whose case it is.
    Person,
    /// A parent, guardian or proxy for the person.
    Representative,
    /// The register's case handler.
    Clerk,
}

impl Party {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Person, Self::Representative, Self::Clerk];

    /// Whether it is the register.
    pub const fn is_register(self) -> bool {
        matches!(self, Self::Clerk)
    }
}

/// What is done in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// The request itself, which comes first and only then.
    Open,
    /// Something is said, and nothing decided.
    Message,
    /// A clerk begins to work on it.
    Begin,
    /// The register takes two further months, and says why.
    Extend,
    /// The register decides.
    Answer(Verdict),
    /// The person does not agree.
    Appeal,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Message,
        Self::Begin,
        Self::Extend,
        Self::Answer(Verdict::Accepted),
        Self::Answer(Verdict::Partly),
        Self::Answer(Verdict::Refused),
        Self::Appeal,
    ];

    /// Whether it may not be done without a word.
    pub const fn needs_words(self) -> bool {
        match self {
            Self::Begin | Self::Answer(Verdict::Accepted) => false,
            Self::Open
            | Self::Message
            | Self::Extend
            | Self::Answer(Verdict::Partly | Verdict::Refused)
            | Self::Appeal => true,
        }
    }

    /// Its name in receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Message => "message",
            Self::Begin => "begin",
            Self::Extend => "extend",
            Self::Answer(_) => "answer",
            Self::Appeal => "appeal",
        }
    }
}

/// One step of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// By whom.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// Whether something is said with it.
    pub has_words: bool,
}

/// A case as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    kind: CaseKind,
    state: CaseState,
    deadline: Deadline,
    received_at: Timestamp,
    last_at: Timestamp,
    answered_at: Option<Timestamp>,
    appealed: bool,
    messages: [u32; 2],
}

/// Why a step cannot be taken. Says nothing of the case's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StepError {
    /// The first step is another than to open the case, or it is opened again.
    #[error("a case begins by being opened, once")]
    NotOpening,
    /// A clerk does what is the citizen's.
    #[error("only the citizen, or who acts for them, can do this")]
    CitizensAlone,
    /// A citizen does what is the register's.
    #[error("only the register's case handler can do this")]
    RegistersAlone,
    /// The case is answered.
    #[error("the case has been answered; the citizen can appeal once")]
    Answered,
    /// It was begun before.
    #[error("the case is in progress already")]
    BegunBefore,
    /// There is nothing to appeal.
    #[error("the case has not been answered, so there is nothing to appeal")]
    NotAnswered,
    /// It was appealed before.
    #[error("the case was appealed before; the way on is a complaint to Datatilsynet")]
    AppealedBefore,
    /// It was extended before, or is appealed.
    #[error("a case can be extended once, and not after an appeal")]
    ExtendedBefore,
    /// The first month is over.
    #[error("a case can be extended within the first month only")]
    TooLateToExtend,
    /// Nothing is said.
    #[error("this needs words: what is asked, or why it is decided so")]
    WordsMissing,
    /// One side has said enough.
    #[error("there is room for {MESSAGES_OF_A_SIDE_MAX} messages from each side; open a new case")]
    TooManyMessages,
    /// Time went back.
    #[error("the step is dated before the one before it")]
    OutOfOrder,
    /// No calendar reaches there.
    #[error("no deadline can be computed from this date")]
    NoCalendar,
}

impl Case {
    /// The case that `step` opens.
    pub fn open(kind: CaseKind, step: Step) -> Result<Self, StepError> {
        if step.act != Act::Open {
            return Err(StepError::NotOpening);
        }
        if step.by.is_register() {
            return Err(StepError::CitizensAlone);
        }
        if !step.has_words {
            return Err(StepError::WordsMissing);
        }
        Ok(Self {
            kind,
            state: CaseState::Received,
            deadline: Deadline::from_receipt(step.at).ok_or(StepError::NoCalendar)?,
            received_at: step.at,
            last_at: step.at,
            answered_at: None,
            appealed: false,
            messages: [0, 0],
        })
    }

    /// The case after all of `steps`, the first of which opened it.
    pub fn replay(
        kind: CaseKind,
        steps: impl IntoIterator<Item = Step>,
    ) -> Result<Self, StepError> {
        let mut steps = steps.into_iter();
        let first = steps.next().ok_or(StepError::NotOpening)?;
        let mut case = Self::open(kind, first)?;
        for step in steps {
            case.take(step)?;
        }
        Ok(case)
    }

    /// Takes `step`, or says why not and stays as it is.
    pub fn take(&mut self, step: Step) -> Result<(), StepError> {
        if step.at < self.last_at {
            return Err(StepError::OutOfOrder);
        }
        self.may_take(step)?;
        match step.act {
            // Refused above.
            Act::Open => return Err(StepError::NotOpening),
            Act::Message => {
                let side = usize::from(step.by.is_register());
                if let Some(messages) = self.messages.get_mut(side) {
                    *messages += 1;
                }
            }
            Act::Begin => self.state = CaseState::InProgress,
            Act::Extend => {
                self.deadline = self.deadline.extended().ok_or(StepError::NoCalendar)?;
            }
            Act::Answer(verdict) => {
                self.state = CaseState::Answered(verdict);
                self.answered_at = Some(step.at);
            }
            Act::Appeal => {
                self.deadline = Deadline::from_receipt(step.at).ok_or(StepError::NoCalendar)?;
                self.state = CaseState::Appealed;
                self.appealed = true;
                self.answered_at = None;
            }
        }
        self.last_at = step.at;
        Ok(())
    }

    fn may_take(&self, step: Step) -> Result<(), StepError> {
        use StepError as E;
        let by_register = step.by.is_register();
        match step.act {
            Act::Open => return Err(E::NotOpening),
            Act::Message => {
                let side = usize::from(by_register);
                let said = self.messages.get(side).copied().unwrap_or(u32::MAX);
                if !self.state.is_open() {
                    return Err(E::Answered);
                }
                if said >= MESSAGES_OF_A_SIDE_MAX {
                    return Err(E::TooManyMessages);
                }
            }
            Act::Begin | Act::Extend | Act::Answer(_) if !by_register => {
                return Err(E::RegistersAlone);
            }
            Act::Begin | Act::Extend | Act::Answer(_) if !self.state.is_open() => {
                return Err(E::Answered);
            }
            Act::Begin if self.state != CaseState::Received => return Err(E::BegunBefore),
            Act::Extend if self.appealed || self.deadline.is_extended() => {
                return Err(E::ExtendedBefore);
            }
            Act::Extend if self.deadline.standing(step.at) == Standing::Overdue => {
                return Err(E::TooLateToExtend);
            }
            Act::Appeal if by_register => return Err(E::CitizensAlone),
            Act::Appeal if self.state.is_open() => return Err(E::NotAnswered),
            Act::Appeal if self.appealed => return Err(E::AppealedBefore),
            Act::Begin | Act::Extend | Act::Answer(_) | Act::Appeal => {}
        }
        if step.act.needs_words() && !step.has_words {
            return Err(E::WordsMissing);
        }
        Ok(())
    }

    /// What is asked for.
    pub const fn kind(&self) -> CaseKind {
        self.kind
    }

    /// Where it stands.
    pub const fn state(&self) -> CaseState {
        self.state
    }

    /// When the register received it.
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// When the last step was taken.
    pub const fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Until when the register has to answer, or had to.
    pub const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// How it stands against its deadline: at `now` while it is open, and else when it was
    /// answered.
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.deadline.standing(self.answered_at.unwrap_or(now))
    }
}
