//! Uses in plain words, in bokmål and in English.

use innsyn_policy::{DenyReason, Purpose, UseDecision, UseKind, WithheldReason};

use crate::convert::denied_word;
use crate::wire::citizen::v1::Words;

fn words(nb: &str, en: &str) -> Words {
    Words {
        nb: nb.to_owned(),
        en: en.to_owned(),
    }
}

/// What was done.
pub(super) fn kind(kind: UseKind) -> Words {
    match kind {
        UseKind::Listing => words(
            "Oppslag: er personen i registeret?",
            "Look-up: is the person in the register?",
        ),
        UseKind::Query => words(
            "Forskning: personen ble talt med i en tabell",
            "Research: the person was counted in a table",
        ),
        UseKind::LogReading => words(
            "Lesing av denne loggen eller av innstillinger",
            "Reading of this log or of settings",
        ),
        UseKind::SettingChange => words(
            "Endring av en personverninnstilling",
            "Change of a privacy setting",
        ),
        UseKind::Dialog => words("Dialog med registeret", "Dialog with the register"),
        UseKind::Insight => words(
            "Innsyn: vist hva registeret har om personen",
            "Insight: shown what the register holds about the person",
        ),
    }
}

/// A change of a setting that came from paper.
pub(super) fn on_paper() -> Words {
    words(
        "Endring av en personverninnstilling, fra papir: registrert av én saksbehandler og \
         bekreftet av en annen",
        "Change of a privacy setting, from paper: entered by one clerk and confirmed by another",
    )
}

/// What for.
pub(super) fn purpose(purpose: Purpose) -> Words {
    match purpose {
        Purpose::OwnInsight => words(
            "Innsyn for personen selv eller en som handler for personen",
            "Insight for the person or somebody who acts for them",
        ),
        Purpose::Treatment => words("Helsehjelp til personen", "Health care of the person"),
        Purpose::QualityImprovement => words(
            "Kvalitetsforbedring av helsetjenesten",
            "Improving the quality of health care",
        ),
        Purpose::Research => words("Forskning", "Research"),
        Purpose::Administration => words(
            "Statistikk, planlegging og styring",
            "Statistics, planning and administration",
        ),
    }
}

/// On what ground, as far as it follows from what was done and what for.
pub(super) fn basis(kind: UseKind, purpose: Purpose) -> Words {
    match (kind, purpose) {
        (UseKind::Query, _) => words(
            "Tillatelse til å bruke helsedata; se tillatelsen",
            "A permit to use health data; see the permit",
        ),
        (UseKind::SettingChange, _) => words(
            "Retten til å bestemme over bruk av egne opplysninger",
            "The right to decide about the use of one's data",
        ),
        (_, Purpose::OwnInsight) => words(
            "Retten til innsyn (personvernforordningen artikkel 15)",
            "The right of access (GDPR article 15)",
        ),
        (_, Purpose::Treatment) => words(
            "Helsehjelp (personvernforordningen artikkel 9 nr. 2 h)",
            "Health care (GDPR article 9 (2) (h))",
        ),
        _ => words(
            "Registerets eget rettsgrunnlag",
            "The register's own legal basis",
        ),
    }
}

/// The stable words of a decision and of its ground, empty where there is none.
pub(super) const fn decision_code(decision: UseDecision) -> (&'static str, &'static str) {
    match decision {
        UseDecision::Answered => ("ANSWERED", ""),
        UseDecision::Withheld(WithheldReason::AreaNotCovered) => ("WITHHELD", "AREA_NOT_COVERED"),
        UseDecision::Withheld(WithheldReason::SensitiveFromTwelve) => {
            ("WITHHELD", "SENSITIVE_FROM_TWELVE")
        }
        UseDecision::Denied(reason) => ("DENIED", denied_word(reason)),
        UseDecision::OverCap => ("OVER_CAP", ""),
        UseDecision::SourceUnavailable => ("SOURCE_UNAVAILABLE", ""),
        UseDecision::OutsidePermit(_) => ("OUTSIDE_PERMIT", ""),
        UseDecision::NotCounted(_) => ("NOT_COUNTED", ""),
    }
}

/// How it was decided.
pub(super) fn decision(decision: UseDecision) -> Words {
    match decision {
        UseDecision::Answered => words("Gitt", "Answered"),
        UseDecision::Withheld(_) => words(
            "Ikke fortalt til den som spurte",
            "Not told to whoever asked",
        ),
        UseDecision::Denied(DenyReason::Reserved) => words(
            "Avvist: personen har reservert seg",
            "Refused: the person has reserved against it",
        ),
        UseDecision::Denied(DenyReason::Blocked) => words(
            "Avvist: personen har sperret for det",
            "Refused: the person has blocked it",
        ),
        UseDecision::Denied(DenyReason::NoConsent | DenyReason::ConsentEnded) => words(
            "Avvist: samtykke mangler eller er trukket",
            "Refused: there is no consent, or not any more",
        ),
        UseDecision::Denied(_) => words("Avvist etter reglene", "Refused by the rules"),
        UseDecision::OverCap => words("Avvist: for mange spørsmål", "Refused: too many questions"),
        UseDecision::SourceUnavailable => words(
            "Ikke besvart: registeret kunne ikke leses",
            "Not answered: the register could not be read",
        ),
        UseDecision::OutsidePermit(_) => {
            words("Avvist: utenfor tillatelsen", "Refused: outside the permit")
        }
        UseDecision::NotCounted(_) => words("Ingen ble talt", "Nobody was counted"),
    }
}
