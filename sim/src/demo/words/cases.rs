//! Dialogs in words, in Norwegian and in English.

use innsyn_proto::wire::types::v1::{CaseAct, CaseKind, CaseParty, CaseState};

/// What can be asked for, as forms send it.
pub(in crate::demo) const KINDS: [(CaseKind, &str); 5] = [
    (CaseKind::Insight, "insight"),
    (CaseKind::Correction, "correction"),
    (CaseKind::Deletion, "deletion"),
    (CaseKind::Blocking, "blocking"),
    (CaseKind::Reservation, "reservation"),
];

/// What is asked for.
pub(in crate::demo) const fn kind(kind: CaseKind) -> (&'static str, &'static str) {
    match kind {
        CaseKind::Insight => ("Innsyn", "Insight"),
        CaseKind::Correction => ("Retting", "Correction"),
        CaseKind::Deletion => ("Sletting", "Deletion"),
        CaseKind::Blocking => ("Sperring", "Blocking"),
        CaseKind::Reservation => ("Reservasjon", "Reservation"),
        CaseKind::Unspecified => ("Sak", "Case"),
    }
}

/// How a case stands.
pub(in crate::demo) const fn state(state: CaseState) -> (&'static str, &'static str) {
    match state {
        CaseState::Received => ("Mottatt", "received"),
        CaseState::InProgress => ("Under behandling", "in progress"),
        CaseState::Accepted => ("Innvilget", "accepted"),
        CaseState::Partly => ("Delvis innvilget", "accepted in part"),
        CaseState::Refused => ("Avslått", "refused"),
        CaseState::Appealed => ("Påklaget", "appealed"),
        CaseState::Unspecified => ("Ukjent", "unknown"),
    }
}

/// Whether the register owes an answer.
pub(in crate::demo) const fn is_open(state: CaseState) -> bool {
    matches!(
        state,
        CaseState::Received | CaseState::InProgress | CaseState::Appealed
    )
}

/// What was done in a step.
pub(in crate::demo) const fn act(act: CaseAct) -> (&'static str, &'static str) {
    match act {
        CaseAct::Open => ("Spurt", "asked"),
        CaseAct::Message => ("Melding", "message"),
        CaseAct::Begin => ("Tatt til behandling", "work began"),
        CaseAct::Extend => ("Fristen er utsatt to måneder", "two further months"),
        CaseAct::Accept => ("Innvilget", "accepted"),
        CaseAct::AcceptPartly => ("Delvis innvilget", "accepted in part"),
        CaseAct::Refuse => ("Avslått", "refused"),
        CaseAct::Appeal => ("Klage", "appeal"),
        CaseAct::Unspecified => ("Steg", "step"),
    }
}

/// Who did it.
pub(in crate::demo) const fn party(party: CaseParty) -> (&'static str, &'static str) {
    match party {
        CaseParty::Person => ("personen", "the person"),
        CaseParty::Representative => ("en som handler for personen", "a representative"),
        CaseParty::Register => ("registeret", "the register"),
        CaseParty::Unspecified => ("ukjent", "unknown"),
    }
}
