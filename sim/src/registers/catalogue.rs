//! Writes the broker's `catalogue.toml`.

use innsyn_policy::{LegalBasis, RegisterKind};
use serde::Serialize;

use super::{Insight, Listing, Register, Registers};

#[derive(Serialize)]
struct File<'a> {
    register: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: &'a str,
    name_en: &'a str,
    description: &'a str,
    kind: &'static str,
    legal_basis: &'static str,
    membership_is_sensitive: bool,
    controller: &'a str,
    contact_email: String,
    listing: &'static str,
    insight: InsightEntry,
}

#[derive(Serialize)]
struct InsightEntry {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Registers {
    /// The catalogue of these registers, as the broker reads it.
    pub fn catalogue_toml(&self) -> Result<String, toml::ser::Error> {
        let file = File {
            register: self.iter().map(entry).collect(),
        };
        let entries = toml::to_string(&file)?;
        Ok(format!(
            "# The registers of the invented country, in the order of a listing.\n\
             # Names are real; descriptions and contacts are invented.\n\n{entries}"
        ))
    }
}

fn entry(register: &Register) -> Entry<'_> {
    let id = register.id().as_str();
    let (method, link) = match register.insight {
        Insight::LiveQuery => ("live_query", None),
        Insight::Dialog => ("dialog", None),
        Insight::Link => ("link", Some(format!("https://{id}.innsyn.example/innsyn"))),
    };
    Entry {
        id,
        name: &register.name,
        name_en: &register.name_en,
        description: &register.description,
        kind: match register.kind() {
            RegisterKind::Central => "central",
            RegisterKind::Quality => "quality",
            RegisterKind::Survey => "survey",
            RegisterKind::Biobank => "biobank",
        },
        legal_basis: match register.policy.legal_basis {
            LegalBasis::Mandatory => "mandatory",
            LegalBasis::MandatoryWithReservation => "mandatory_with_reservation",
            LegalBasis::Reservation => "reservation",
            LegalBasis::Consent => "consent",
            LegalBasis::Pseudonymous => "pseudonymous",
            LegalBasis::Deidentified => "deidentified",
        },
        membership_is_sensitive: register.policy.membership_is_sensitive,
        controller: &register.controller,
        contact_email: format!("innsyn@{id}.example"),
        listing: match register.listing {
            Listing::Live => "live",
            Listing::CannotBeAsked => "cannot_be_asked",
            Listing::NotConnected => "not_connected",
        },
        insight: InsightEntry { method, link },
    }
}
