//! What a person reads for each outcome and reason, in Norwegian and in English.

use innsyn_proto::wire::types::v1::{Outcome, Reason};

pub(super) mod cases;
pub(super) mod refusals;
pub(super) mod settings;

/// An outcome in words.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) outcome: Outcome,
    /// How the page calls it where nobody reads.
    pub(super) class: &'static str,
    /// What it is told by where there is no colour.
    pub(super) mark: &'static str,
    pub(super) norwegian: &'static str,
    pub(super) english: &'static str,
    /// What it means, in one sentence.
    pub(super) means: &'static str,
    /// The same in English.
    pub(super) means_english: &'static str,
}

/// Every outcome, what matters most first.
pub(super) const OUTCOMES: [Words; 7] = [
    Words {
        outcome: Outcome::Registered,
        class: "registered",
        mark: "●",
        norwegian: "Registrert",
        english: "Registered",
        means: "Registeret har opplysninger om personen.",
        means_english: "The register holds data about the person.",
    },
    Words {
        outcome: Outcome::Deleted,
        class: "deleted",
        mark: "◌",
        norwegian: "Slettet",
        english: "Deleted",
        means: "Personen har stått i registeret, men er slettet.",
        means_english: "The person was in the register and has been deleted.",
    },
    Words {
        outcome: Outcome::Withheld,
        class: "withheld",
        mark: "▣",
        norwegian: "Holdes tilbake",
        english: "Withheld",
        means: "Den som spør, får ikke vite dette. Det sier ingenting om personen.",
        means_english: "Not told to whoever asks. It says nothing about the person.",
    },
    Words {
        outcome: Outcome::NoAnswer,
        class: "no-answer",
        mark: "!",
        norwegian: "Svarte ikke",
        english: "No answer",
        means: "Registeret svarte ikke. Personen kan stå der likevel; spør igjen senere.",
        means_english: "Silence; the person may be there. Ask again later.",
    },
    Words {
        outcome: Outcome::NotConnected,
        class: "not-connected",
        mark: "·",
        norwegian: "Ikke tilkoblet",
        english: "Not connected",
        means: "Registeret er ikke med i Innsyn ennå, så ingen har spurt det.",
        means_english: "Not part of Innsyn yet, so nobody asked it.",
    },
    Words {
        outcome: Outcome::CannotBeAsked,
        class: "cannot-be-asked",
        mark: "–",
        norwegian: "Kan ikke spørres",
        english: "Cannot be asked",
        means: "Registeret vet ikke hvem opplysningene gjelder.",
        means_english: "The register does not know whom its data is about.",
    },
    Words {
        outcome: Outcome::NotRegistered,
        class: "not-registered",
        mark: "○",
        norwegian: "Ikke registrert",
        english: "Not registered",
        means: "Registeret har sett etter og har ingenting om personen.",
        means_english: "The register looked and holds nothing about the person.",
    },
];

/// The words for `outcome`; none for a value that this program does not know.
pub(super) fn of(outcome: Outcome) -> Option<&'static Words> {
    OUTCOMES.iter().find(|words| words.outcome == outcome)
}

/// A reason, as far as a citizen is told, in Norwegian and English.
pub(super) const fn reason(reason: Reason) -> Option<(&'static str, &'static str)> {
    Some(match reason {
        Reason::Unspecified => return None,
        Reason::AreaNotCovered => ("fullmakten gjelder ikke her", "not covered"),
        Reason::SensitiveFromTwelve => (
            "fra 12 år vises dette bare for barnet selv",
            "from 12, child only",
        ),
        Reason::Deidentified => ("har ingen navn eller nummer", "no identities"),
        Reason::Pseudonymous => ("har bare pseudonymer", "pseudonyms only"),
        Reason::Timeout => ("ikke innen fristen", "not in time"),
        Reason::Unresponsive => ("har ikke svart en stund", "silent for a while"),
        Reason::Down | Reason::RelayDown => ("er nede nå", "down now"),
        Reason::LogUnavailable => ("kan ikke skrive loggen sin", "cannot write log"),
        Reason::OverCap | Reason::Overloaded => ("for mange spørsmål nå", "too many questions"),
        Reason::Refused => ("avslo", "refused"),
        Reason::SourceUnavailable => ("når ikke dataene sine", "data out of reach"),
        Reason::InvalidAnswer => ("svarte uforståelig", "unintelligible"),
    })
}

/// Somebody worth asking about.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) story: crate::country::Story,
    pub(super) norwegian: &'static str,
    pub(super) english: &'static str,
    /// As what to ask, as the command line has it.
    pub(super) role: &'static str,
}

const fn example(
    story: crate::country::Story,
    role: &'static str,
    norwegian: &'static str,
    english: &'static str,
) -> Example {
    Example {
        story,
        norwegian,
        english,
        role,
    }
}

/// People worth asking about.
pub(super) const EXAMPLES: [Example; 8] = {
    use crate::country::Story as S;
    [
        example(
            S::InManyRegisters,
            "oneself",
            "En som står i mange registre",
            "Somebody in many registers",
        ),
        example(
            S::Nowhere,
            "oneself",
            "En som ikke står i noe register",
            "Somebody in no register at all",
        ),
        example(
            S::Deleted,
            "oneself",
            "En som er slettet fra et register",
            "Somebody deleted from a register",
        ),
        example(
            S::YoungChild,
            "parent",
            "Et barn, spurt om av en forelder",
            "A child, asked about by a parent",
        ),
        example(
            S::ChildFromTwelve,
            "parent",
            "Et barn på 12–15 år, spurt om av en forelder: noe holdes tilbake",
            "A child of 12 to 15, by a parent: some withheld",
        ),
        example(
            S::Seventeen,
            "parent",
            "En 17-åring, spurt om av en forelder: avslås",
            "A 17-year-old, by a parent: refused",
        ),
        example(
            S::Grantor,
            "poa",
            "En som har gitt fullmakt, spurt om av en annen",
            "Somebody who gave a power of attorney",
        ),
        example(
            S::DNumber,
            "oneself",
            "En med D-nummer",
            "Somebody with a D-number",
        ),
    ]
};
