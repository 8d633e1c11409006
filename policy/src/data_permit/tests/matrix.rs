//! Each field violated once, and nothing else, is named.

use super::*;

/// One way of being outside one field.
type Violation = (
    OutsidePermit,
    &'static str,
    fn(&mut QueryFacts<'_>, &mut Timestamp),
);

const VIOLATIONS: &[Violation] = &[
    (
        OutsidePermit::Validity,
        "a moment before it begins",
        |_, at| *at = terms().validity.from.minus(moment()),
    ),
    (OutsidePermit::Validity, "the moment it ends", |_, at| {
        *at = terms().validity.until;
    }),
    (OutsidePermit::People, "somebody else", |facts, _| {
        facts.person = person(OLA);
    }),
    (
        OutsidePermit::Organisation,
        "another organisation",
        |facts, _| facts.organisation = Organisation::parse("974760673").unwrap(),
    ),
    (OutsidePermit::Purpose, "another purpose", |facts, _| {
        facts.purpose = Purpose::Administration;
    }),
    (OutsidePermit::Variables, "a view more", |facts, _| {
        facts.views.insert("deaths".to_owned(), BTreeMap::new());
    }),
    (OutsidePermit::Variables, "no view at all", |facts, _| {
        facts.views.clear();
    }),
    (OutsidePermit::Variables, "a variable more", |facts, _| {
        used(facts, "stage");
    }),
    (
        OutsidePermit::Variables,
        "a variable of another view",
        |facts, _| {
            let persons = facts.views.get_mut("persons").unwrap();
            persons.insert("code".to_owned(), VariableUse::default());
        },
    ),
    (OutsidePermit::BornYears, "born earlier", |facts, _| {
        facts.born_years = 1939..1990;
    }),
    (OutsidePermit::BornYears, "born later", |facts, _| {
        facts.born_years = 1940..1991;
    }),
    (OutsidePermit::BornYears, "born at any time", |facts, _| {
        facts.born_years = i32::MIN..i32::MAX;
    }),
    (OutsidePermit::Months, "a month earlier", |facts, _| {
        facts.months.start -= 1;
    }),
    (OutsidePermit::Months, "a month later", |facts, _| {
        facts.months.end += 1;
    }),
    (OutsidePermit::OwnUnit, "a second unit", |facts, _| {
        let unit = used(facts, "treating_unit");
        unit.codes.insert("4208".to_owned());
    }),
    (
        OutsidePermit::OwnUnit,
        "another unit instead",
        |facts, _| used(facts, "treating_unit").codes = names(["4208"]),
    ),
    (
        OutsidePermit::OwnUnit,
        "what its own is part of",
        |facts, _| used(facts, "treating_unit").codes = names(["42"]),
    ),
    (OutsidePermit::OwnUnit, "by all units", |facts, _| {
        used(facts, "treating_unit").is_used_otherwise = true;
    }),
    (OutsidePermit::Kinds, "a kind more", |facts, _| {
        facts.kinds.insert(QueryKind::LifeTable);
    }),
    (OutsidePermit::Kinds, "no kind at all", |facts, _| {
        facts.kinds.clear();
    }),
    (OutsidePermit::SmallestCell, "smaller cells", |facts, _| {
        facts.smallest_cell -= 1;
    }),
    (OutsidePermit::RoundingBase, "finer counts", |facts, _| {
        facts.rounding_base -= 1;
    }),
    (OutsidePermit::Budget, "one query more", |facts, _| {
        facts.queries_before += 1;
    }),
];

/// How many fields limit a query.
const WAYS_OF_BEING_OUTSIDE: usize = 14;

fn moment() -> std::time::Duration {
    std::time::Duration::from_micros(1)
}

#[test]
fn a_query_within_every_field_is_cleared() {
    for terms in [terms(), own_unit_terms()] {
        let register = kreft();
        let facts = facts(&terms, &register);
        let clearance = permit(terms.clone()).check(&facts, now()).unwrap();
        assert_eq!(clearance.permit(), &terms.id);
        assert_eq!(clearance.query(), &[7; 32]);
        assert_eq!(clearance.register(), &register.id);
        assert_eq!(clearance.purpose(), terms.purpose);
        assert!(clearance.holds_at(now()));
    }
}

#[test]
fn each_field_violated_once_is_named() {
    let (terms, register) = (own_unit_terms(), kreft());
    for (field, how, violate) in VIOLATIONS {
        let (mut facts, mut at) = (facts(&terms, &register), now());
        violate(&mut facts, &mut at);
        let outcome = permit(terms.clone()).check(&facts, at);
        assert_eq!(outcome, Err(*field), "{how}");
    }
}

#[test]
fn a_register_that_is_not_named_is_refused() {
    let (terms, other) = (terms(), register("msis", LegalBasis::Mandatory));
    let outcome = permit(terms.clone()).check(&facts(&terms, &other), now());
    assert_eq!(outcome, Err(OutsidePermit::Registers));
}

#[test]
fn a_permit_that_rests_on_consent_reaches_only_registers_that_asked_for_it() {
    let terms = Terms {
        legal_basis: PermitBasis::Consent,
        ..terms()
    };
    for (basis, outcome) in [
        (LegalBasis::Consent, Ok(())),
        (LegalBasis::Mandatory, Err(OutsidePermit::LegalBasis)),
        (
            LegalBasis::MandatoryWithReservation,
            Err(OutsidePermit::LegalBasis),
        ),
        (LegalBasis::Reservation, Err(OutsidePermit::LegalBasis)),
        (LegalBasis::Pseudonymous, Err(OutsidePermit::LegalBasis)),
        (LegalBasis::Deidentified, Err(OutsidePermit::LegalBasis)),
    ] {
        let register = register("kreft", basis);
        let checked = permit(terms.clone()).check(&facts(&terms, &register), now());
        assert_eq!(checked.map(|_| ()), outcome, "{basis:?}");
    }
}

#[test]
fn the_matrix_leaves_no_field_out() {
    let violated: BTreeSet<_> = VIOLATIONS.iter().map(|(field, ..)| *field).collect();
    let apart = [OutsidePermit::LegalBasis, OutsidePermit::Registers];
    let violated: BTreeSet<_> = violated.into_iter().chain(apart).collect();
    let all: BTreeSet<_> = laws::WAYS.iter().map(|(field, _)| *field).collect();
    assert_eq!(violated, all);
    let labels: BTreeSet<_> = all.iter().map(|field| field.label()).collect();
    assert_eq!(labels.len(), WAYS_OF_BEING_OUTSIDE);
}

#[test]
fn a_project_may_tell_units_apart() {
    let (terms, register) = (terms(), kreft());
    let mut facts = facts(&terms, &register);
    *used(&mut facts, "treating_unit") = VariableUse {
        codes: names(["4207", "4208"]),
        is_used_otherwise: true,
    };
    assert!(permit(terms).check(&facts, now()).is_ok());
}

#[test]
fn ones_own_unit_is_kept_to_in_every_view() {
    let mut terms = own_unit_terms();
    terms
        .variables
        .insert("stays".to_owned(), names(["treating_unit"]));
    let register = kreft();
    let mut facts = facts(&terms, &register);
    let other = VariableUse {
        codes: names(["4208"]),
        is_used_otherwise: false,
    };
    let stays = BTreeMap::from([("treating_unit".to_owned(), other)]);
    facts.views.insert("stays".to_owned(), stays);
    let outcome = permit(terms).check(&facts, now());
    assert_eq!(outcome, Err(OutsidePermit::OwnUnit));
}

#[test]
fn people_of_any_age_may_be_counted_where_the_permit_does_not_limit_them() {
    let terms = Terms {
        born_years: None,
        ..terms()
    };
    let register = kreft();
    let facts = QueryFacts {
        born_years: i32::MIN..i32::MAX,
        ..facts(&terms, &register)
    };
    assert!(permit(terms).check(&facts, now()).is_ok());
}

#[test]
fn a_clearance_ends_with_the_permit_or_after_ten_minutes() {
    let register = kreft();
    let terms = terms();
    let permit = permit(terms.clone());
    let facts = facts(&terms, &register);
    let minutes = |n| std::time::Duration::from_mins(n);

    let clearance = permit.check(&facts, now()).unwrap();
    assert!(clearance.holds_at(now().plus(minutes(10)).minus(moment())));
    assert!(!clearance.holds_at(now().plus(minutes(10))));

    let last = terms.validity.until.minus(minutes(1));
    let clearance = permit.check(&facts, last).unwrap();
    assert!(clearance.holds_at(terms.validity.until.minus(moment())));
    assert!(!clearance.holds_at(terms.validity.until));
}
