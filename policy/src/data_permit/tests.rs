//! What a permit is, and the matrix of what is outside it.

mod laws;
mod matrix;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DataPermit, OutsidePermit, PermitBasis, PermitId, PermitKind, QueryFacts, QueryKind, Terms,
    VariableUse,
};
use crate::caller::{Organisation, Validity};
use crate::person::{NationalId, NumberRules};
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register, RegisterId, RegisterKind};
use crate::time::Timestamp;

/// Invented people.
const KARI: &str = "01817010055";
const OLA: &str = "01891877885";

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, NumberRules::default()).unwrap()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

fn register(id: &str, legal_basis: LegalBasis) -> Register {
    Register {
        id: RegisterId::parse(id).unwrap(),
        kind: RegisterKind::Central,
        legal_basis,
        membership_is_sensitive: false,
    }
}

fn kreft() -> Register {
    register("kreft", LegalBasis::Mandatory)
}

/// The month so many years and months after January 1970.
const fn month(year: i32, month: i32) -> i32 {
    (year - 1970) * 12 + month - 1
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn day() -> std::time::Duration {
    std::time::Duration::from_hours(24)
}

/// A permit that limits every field.
fn terms() -> Terms {
    Terms {
        id: PermitId::new("helsedata.no", "2026-017").unwrap(),
        project: "Survival after colorectal cancer".to_owned(),
        kind: PermitKind::Project,
        people: [person(KARI)].into(),
        organisation: Organisation::parse("983658725").unwrap(),
        purpose: Purpose::Research,
        legal_basis: PermitBasis::ResearchOrStatistics,
        legal_reference: "helseregisterloven § 19 e; REK 2026/1234".to_owned(),
        registers: ["kreft", "npr"]
            .map(|id| RegisterId::parse(id).unwrap())
            .into(),
        variables: BTreeMap::from([
            (
                "diagnoses".to_owned(),
                names(["code", "date", "treating_unit"]),
            ),
            ("persons".to_owned(), names([])),
        ]),
        born_years: Some(1940..1990),
        months: month(2015, 1)..month(2025, 1),
        kinds: [QueryKind::Count, QueryKind::Table].into(),
        smallest_cell: 5,
        rounding_base: 5,
        budget_queries: 20,
        validity: Validity {
            from: now().minus(day()),
            until: now().plus(day()),
        },
    }
}

/// The same, for one's own unit against the country.
fn own_unit_terms() -> Terms {
    Terms {
        kind: PermitKind::OwnUnit {
            variable: "treating_unit".to_owned(),
            code: "4207".to_owned(),
        },
        purpose: Purpose::QualityImprovement,
        legal_basis: PermitBasis::PublicHealth,
        ..terms()
    }
}

fn permit(terms: Terms) -> DataPermit {
    DataPermit::new(terms).unwrap()
}

/// A query that uses all that the permit grants, to its very edges, and asks for no other unit.
fn facts<'a>(terms: &Terms, register: &'a Register) -> QueryFacts<'a> {
    let used = |name: &str| (name.to_owned(), VariableUse::default());
    let unit = VariableUse {
        codes: names(["4207"]),
        is_used_otherwise: false,
    };
    QueryFacts {
        query: [7; 32],
        person: person(KARI),
        organisation: terms.organisation,
        purpose: terms.purpose,
        register,
        views: BTreeMap::from([
            (
                "diagnoses".to_owned(),
                BTreeMap::from([
                    used("code"),
                    used("date"),
                    ("treating_unit".to_owned(), unit),
                ]),
            ),
            ("persons".to_owned(), BTreeMap::new()),
        ]),
        born_years: 1940..1990,
        months: month(2015, 1)..month(2025, 1),
        kinds: terms.kinds.clone(),
        smallest_cell: terms.smallest_cell,
        rounding_base: terms.rounding_base,
        queries_before: terms.budget_queries - 1,
    }
}

/// How the query of [`facts`] uses `diagnoses.VARIABLE`.
fn used<'a>(facts: &'a mut QueryFacts<'_>, variable: &str) -> &'a mut VariableUse {
    let view = facts.views.get_mut("diagnoses").unwrap();
    view.entry(variable.to_owned()).or_default()
}
