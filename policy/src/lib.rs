//! What may be done with data about a person: plain types and pure functions.
//!
//! Nothing here does I/O, knows a wire format or reads a clock. Every other crate brings its
//! facts here, gets a [`Decision`] back, and carries a [`Clearance`] as the proof of it.

pub mod caller;
pub mod case;
pub mod data_permit;
pub mod decision;
pub mod outcome;
pub mod person;
pub mod purpose;
pub mod register;
pub mod setting;
pub mod time;
pub mod use_record;

pub use caller::{Area, Areas, Assurance, Caller, Organisation, Representation, Validity};
pub use case::{
    Act, CASE_TEXT_BYTES_MAX, Case, CaseKind, CaseState, CaseText, CaseTextError, Conduct,
    Deadline, NotConducted, Party, Standing, Step, StepError, Verdict, may_conduct,
};
pub use data_permit::{DataPermit, OutsidePermit, PermitClearance, PermitId, QueryFacts};
pub use decision::{
    Clearance, Decision, DenyReason, Persons, Request, Said, SettingsOfAll, counted_of_all, decide,
    may_be_counted, represents,
};
pub use outcome::{CannotBeAskedReason, NoAnswerReason, Outcome, Presence, WithheldReason};
pub use person::{Environment, NationalId, NumberKind, NumberRules, ParseNationalIdError};
pub use purpose::Purpose;
pub use register::{LegalBasis, Register, RegisterId, RegisterKind};
pub use setting::{
    CONFIRM_WITHIN, ClerkName, Covers, DefinitionId, EnteredPaper, Identifiability, Mandate,
    MandateKind, PaperEnd, PaperError, ParseClerkNameError, PartCode, Setting, SettingDefinition,
    SettingKind, Settings, Use, VariableName, Variables, may_change_settings, paper_sequence,
};
pub use time::{Clock, ManualClock, Timestamp};
pub use use_record::{
    NotCountedReason, PersonUse, QuestionId, UseDecision, UseKind, UseRecord, UseSubject,
};
