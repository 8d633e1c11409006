//! Which terms are a permit, and what a permit says in words.

use super::*;

type Change = fn(&mut Terms);

#[test]
fn incoherent_terms_are_refused_by_the_field() {
    let cases: &[(&str, Change)] = &[
        ("people", |t| t.people.clear()),
        ("registers", |t| t.registers.clear()),
        ("variables", |t| t.variables.clear()),
        ("kinds", |t| t.kinds.clear()),
        ("budget_queries", |t| t.budget_queries = 0),
        ("project", |t| t.project.clear()),
        ("project", |t| t.project = "two\nlines".to_owned()),
        ("project", |t| t.project = "x".repeat(501)),
        ("legal_reference", |t| t.legal_reference.clear()),
        ("variables", |t| {
            t.variables.insert("Diagnoses".to_owned(), names([]));
        }),
        ("variables", |t| {
            t.variables.insert("deaths".to_owned(), names(["a b"]));
        }),
        ("own_unit", |t| {
            t.kind = PermitKind::OwnUnit {
                variable: "hospital".to_owned(),
                code: "4207".to_owned(),
            };
        }),
        ("own_unit", |t| {
            t.kind = PermitKind::OwnUnit {
                variable: "treating_unit".to_owned(),
                code: String::new(),
            };
        }),
        ("purpose", |t| {
            t.legal_basis = PermitBasis::Consent;
            t.purpose = Purpose::Treatment;
        }),
        ("born", |t| t.born_years = Some(1990..1990)),
        ("data", |t| t.months = 0..0),
        ("valid", |t| t.validity.until = t.validity.from),
        ("valid", |t| t.validity.from = Timestamp::from_micros(1)),
        ("smallest_cell", |t| t.smallest_cell = 2),
        ("rounding_base", |t| t.rounding_base = 0),
    ];
    for (field, change) in cases {
        let mut terms = terms();
        change(&mut terms);
        let error = DataPermit::new(terms).unwrap_err();
        assert_eq!(error.field, *field, "{error}");
    }
}

#[test]
fn a_legal_basis_carries_its_own_purposes() {
    use PermitBasis as B;
    use Purpose as P;
    for (purpose, bases) in [
        (P::OwnInsight, &[][..]),
        (P::Treatment, &[]),
        (
            P::QualityImprovement,
            &[B::Consent, B::CareManagement, B::PublicHealth],
        ),
        (P::Research, &[B::Consent, B::ResearchOrStatistics]),
        (P::Administration, &B::ALL),
    ] {
        for basis in B::ALL {
            let terms = Terms {
                purpose,
                legal_basis: basis,
                ..terms()
            };
            let is_permit = DataPermit::new(terms).is_ok();
            assert_eq!(is_permit, bases.contains(&basis), "{purpose:?} {basis:?}");
        }
    }
}

#[test]
fn a_permit_id_is_an_issuer_and_a_number() {
    let id = PermitId::new("helsedata.no", "2026-017").unwrap();
    assert_eq!(id.to_string(), "helsedata.no/2026-017");
    assert_eq!((id.issuer(), id.number()), ("helsedata.no", "2026-017"));
    assert!(PermitId::new("a", &"1".repeat(64)).is_ok());
    for wrong in ["", "a/b", "a b", "æ", &"1".repeat(65), KARI] {
        assert!(PermitId::new(wrong, "1").is_err(), "{wrong}");
        assert!(PermitId::new("a", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_permit_is_told_in_words_without_its_people() {
    let words = permit(own_unit_terms()).words();
    let lines: Vec<String> = words
        .iter()
        .map(|(heading, text)| format!("{heading}: {text}"))
        .collect();
    let text = lines.join("\n");
    assert_eq!(
        text,
        "permit: helsedata.no/2026-017\n\
         project: Survival after colorectal cancer\n\
         kind: one's own unit against the country: `4207` of `treating_unit`\n\
         people: 1 entitled\n\
         organisation: 983658725\n\
         purpose: improving the quality of care\n\
         legal basis: GDPR article 9 (2) (i), public health; \
         helseregisterloven § 19 e; REK 2026/1234\n\
         registers: kreft, npr\n\
         view diagnoses: code, date, treating_unit\n\
         view persons: persons only, no variable\n\
         born: 1940 to 1989\n\
         data of: 2015-01 to 2024-12\n\
         may compute: counts, tables\n\
         smallest cell: 5 persons; smaller ones are hidden\n\
         rounding: to multiples of 5\n\
         budget: 20 queries\n\
         valid: from 2027-01-14T08:00:00Z, until 2027-01-16T08:00:00Z"
    );
    let debug = format!("{:?}", permit(terms()));
    assert!(!text.contains(KARI) && !debug.contains(KARI));
}

#[test]
fn months_are_counted_from_january_1970() {
    for (number, words) in [
        (0, "1970-01"),
        (11, "1970-12"),
        (12, "1971-01"),
        (-1, "1969-12"),
        (month(2024, 12), "2024-12"),
    ] {
        assert_eq!(super::super::month_in_words(number), words);
    }
}
