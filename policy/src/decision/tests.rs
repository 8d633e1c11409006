//! The tables and laws of [`decide`].

mod bulk;
mod insight;
mod laws;
mod secondary;

use jiff::civil::Date;

use super::{Decision, DenyReason, Request, decide};
use crate::caller::{Area, Areas, Assurance, Caller, Organisation, Representation, Validity};
use crate::outcome::WithheldReason;
use crate::person::{NationalId, NumberRules};
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register, RegisterId, RegisterKind};
use crate::setting::{
    Covers, Identifiability, Setting, SettingKind, Settings, Use, VariableName, Variables,
};
use crate::time::Timestamp;

/// Invented people.
const KARI: &str = "01817010055";
const OLA: &str = "01891877885";
const NILS: &str = "31923999739";

/// A decision without its clearance, to compare in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allow,
    Withhold(WithheldReason),
    Deny(DenyReason),
}

impl From<&Decision> for Verdict {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allow(_) => Self::Allow,
            Decision::Withhold(_, reason) => Self::Withhold(*reason),
            Decision::Deny(reason) => Self::Deny(*reason),
        }
    }
}

/// What is decided where no setting was ever recorded.
fn verdict(request: &Request, register: &Register, now: Timestamp) -> Verdict {
    Verdict::from(&decide(request, register, Settings::Known(&[]), now))
}

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, NumberRules::default()).unwrap()
}

fn oneself(digits: &str, purpose: Purpose) -> Request {
    asks(digits, digits, Representation::Own, purpose)
}

fn asks(caller: &str, subject: &str, by: Representation, purpose: Purpose) -> Request {
    Request {
        subject: person(subject),
        caller: Caller {
            person: person(caller),
            organisation: Organisation::parse("983658725").unwrap(),
            assurance: Assurance::High,
        },
        representation: by,
        purpose,
    }
}

fn parent_of_child_born(born: Date) -> Request {
    let by = Representation::Parent {
        child_born: Some(born),
    };
    asks(KARI, OLA, by, Purpose::OwnInsight)
}

fn register(legal_basis: LegalBasis) -> Register {
    Register {
        id: RegisterId::parse("hunt").unwrap(),
        kind: RegisterKind::Survey,
        legal_basis,
        membership_is_sensitive: false,
    }
}

fn sensitive_register() -> Register {
    Register {
        membership_is_sensitive: true,
        ..register(LegalBasis::Mandatory)
    }
}

/// A time written as in `2026-07-14T22:00:00Z`.
fn at(utc: &str) -> Timestamp {
    let at: jiff::Timestamp = utc.parse().unwrap();
    Timestamp::from_micros(at.as_microsecond())
}

/// When the questions of these tests are asked, if nothing else is said.
const NOON: &str = "2026-03-10T12:00:00Z";

fn now() -> Timestamp {
    at(NOON)
}

const BASES: [LegalBasis; 6] = [
    LegalBasis::Mandatory,
    LegalBasis::MandatoryWithReservation,
    LegalBasis::Reservation,
    LegalBasis::Consent,
    LegalBasis::Pseudonymous,
    LegalBasis::Deidentified,
];

fn areas(areas: impl IntoIterator<Item = Area>) -> Areas {
    areas.into_iter().collect()
}

fn valid(from: &str, until: &str) -> Validity {
    Validity {
        from: at(from),
        until: at(until),
    }
}
