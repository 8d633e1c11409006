//! Reads `registers.csv`, and invents registers beside it.

use innsyn_policy::{LegalBasis, Register as PolicyRegister, RegisterId, RegisterKind};
use serde::Deserialize;

use super::{Insight, Layout, Listing, Register, RegistersError, Rule, Treatment, Who};
use crate::health::Disease;
use crate::population::{Region, Sex};

const TABLE: &str = include_str!("registers.csv");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    name: String,
    name_en: String,
    kind: String,
    controller: String,
    legal_basis: String,
    persons_estimated: u32,
    year_started: i16,
    membership_is_sensitive: bool,
    listing: Listing,
    insight: Insight,
    who: Who,
    within: String,
    sex: String,
    age_from: u32,
    age_to: u32,
    region: String,
    layout: Layout,
    about: String,
    disease: String,
    procedure: String,
}

/// The registers of the table, in its order.
pub(super) fn norwegian() -> Result<Vec<Register>, RegistersError> {
    let mut registers: Vec<Register> = Vec::new();
    for line in csv::Reader::from_reader(TABLE.as_bytes()).deserialize() {
        let line: Line = line?;
        let within = match line.within.as_str() {
            "" => None,
            // Only registers further up, so that one pass over the list settles all.
            above => Some(
                registers
                    .iter()
                    .position(|register| register.id().as_str() == above)
                    .ok_or_else(|| wrong(&line.id, "register further up", above))?,
            ),
        };
        registers.push(register(line, within)?);
    }
    Ok(registers)
}

/// The `number`-th invented register: a quality register with consent of some 40,000 persons.
pub(super) fn invented(number: usize) -> Result<Register, RegistersError> {
    let line = Line {
        id: format!("oppdiktet-{number:02}"),
        name: format!("Oppdiktet kvalitetsregister {number}"),
        name_en: format!("Invented Quality Register {number}"),
        kind: "quality".to_owned(),
        controller: "Oppdiktet sykehus HF".to_owned(),
        legal_basis: "consent".to_owned(),
        persons_estimated: 40_000,
        year_started: 2010,
        membership_is_sensitive: false,
        listing: Listing::Live,
        insight: Insight::Dialog,
        who: Who::Everyone,
        within: String::new(),
        sex: String::new(),
        age_from: 0,
        age_to: 110,
        region: String::new(),
        layout: if number.is_multiple_of(2) {
            Layout::Csv
        } else {
            Layout::Parquet
        },
        about: "oppdiktede behandlinger".to_owned(),
        disease: "M545".to_owned(),
        procedure: "WPCK00".to_owned(),
    };
    register(line, None)
}

fn register(line: Line, within: Option<usize>) -> Result<Register, RegistersError> {
    let id = RegisterId::parse(&line.id).map_err(|_| wrong(&line.id, "register id", &line.id))?;
    let kind = kind(&line.kind).ok_or_else(|| wrong(&line.id, "kind", &line.kind))?;
    let legal_basis = legal_basis(&line.legal_basis)
        .ok_or_else(|| wrong(&line.id, "legal basis", &line.legal_basis))?;
    let sex = match line.sex.as_str() {
        "" => None,
        "f" => Some(Sex::Female),
        "m" => Some(Sex::Male),
        word => return Err(wrong(&line.id, "sex", word)),
    };
    let region = match line.region.as_str() {
        "" => None,
        "vest" => Some(Region::West),
        "midt" => Some(Region::Middle),
        "nord" => Some(Region::North),
        word => return Err(wrong(&line.id, "region", word)),
    };
    let treatment = match line.disease.as_str() {
        "" => None,
        code => Some(Treatment {
            disease: Disease::with_code(code).ok_or_else(|| wrong(&line.id, "disease", code))?,
            procedure: line.procedure,
        }),
    };
    Ok(Register {
        description: description(&line.name, kind, legal_basis, &line.about),
        policy: PolicyRegister {
            id,
            kind,
            legal_basis,
            membership_is_sensitive: line.membership_is_sensitive,
        },
        name: line.name,
        name_en: line.name_en,
        controller: line.controller,
        listing: line.listing,
        insight: line.insight,
        layout: line.layout,
        persons_estimated: line.persons_estimated,
        year_started: line.year_started,
        rule: Rule {
            who: line.who,
            within,
            sex,
            ages: (line.age_from, line.age_to),
            region,
        },
        treatment,
    })
}

fn wrong(register: &str, column: &'static str, word: &str) -> RegistersError {
    RegistersError::Word {
        register: register.to_owned(),
        column,
        word: word.to_owned(),
    }
}

fn kind(word: &str) -> Option<RegisterKind> {
    Some(match word {
        "central" => RegisterKind::Central,
        "quality" => RegisterKind::Quality,
        "survey" => RegisterKind::Survey,
        "biobank" => RegisterKind::Biobank,
        _ => return None,
    })
}

fn legal_basis(word: &str) -> Option<LegalBasis> {
    Some(match word {
        "mandatory" => LegalBasis::Mandatory,
        "mandatory_with_reservation" => LegalBasis::MandatoryWithReservation,
        "reservation" => LegalBasis::Reservation,
        "consent" => LegalBasis::Consent,
        "pseudonymous" => LegalBasis::Pseudonymous,
        "deidentified" => LegalBasis::Deidentified,
        _ => return None,
    })
}

/// A description as a register might write it. Invented, and it says so.
fn description(name: &str, kind: RegisterKind, basis: LegalBasis, about: &str) -> String {
    let aim = match kind {
        RegisterKind::Central => {
            "Opplysningene brukes til helseovervåking, statistikk, forskning og planlegging av \
             helsetjenester."
        }
        RegisterKind::Quality => {
            "Opplysningene brukes til å gjøre behandlingen bedre og mer lik i hele landet, og til \
             forskning."
        }
        RegisterKind::Survey => {
            "Opplysningene brukes til forskning på hvorfor folk blir syke, og hva som holder dem \
             friske."
        }
        RegisterKind::Biobank => "Prøvene brukes til medisinsk forskning.",
    };
    let ground = match basis {
        LegalBasis::Mandatory => "Opplysningene registreres etter lov, uten samtykke.",
        LegalBasis::MandatoryWithReservation => {
            "Opplysningene registreres etter lov; du kan reservere deg mot deler av registreringen."
        }
        LegalBasis::Reservation => "Opplysningene registreres uten samtykke; du kan reservere deg.",
        LegalBasis::Consent => {
            "Du er med bare hvis du har samtykket, og kan trekke deg når du vil."
        }
        LegalBasis::Pseudonymous => "Fødselsnummeret er erstattet av et pseudonym.",
        LegalBasis::Deidentified => {
            "Registeret har verken navn eller fødselsnummer, og kan derfor ikke svare for én person."
        }
    };
    format!(
        "{name} inneholder opplysninger om {about}. {aim} {ground} \
         (Oppdiktet beskrivelse i Innsyns simulator.)"
    )
}
