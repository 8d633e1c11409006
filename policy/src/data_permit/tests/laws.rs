//! What holds for all queries.

use proptest::prelude::*;

use super::*;

/// A way of being outside one field.
type Way = (OutsidePermit, fn(&mut QueryFacts<'_>));

/// One for each field, in the order in which they are checked.
pub(super) const WAYS: [Way; 14] = [
    // Those that are no fact of the query alone are brought about below.
    (OutsidePermit::Validity, |_| ()),
    (OutsidePermit::People, |f| f.person = person(OLA)),
    (OutsidePermit::Organisation, |f| {
        f.organisation = Organisation::parse("974760673").unwrap();
    }),
    (OutsidePermit::Purpose, |f| {
        f.purpose = Purpose::Administration;
    }),
    (OutsidePermit::LegalBasis, |_| ()),
    (OutsidePermit::Registers, |_| ()),
    (OutsidePermit::Variables, |f| {
        used(f, "stage");
    }),
    (OutsidePermit::BornYears, |f| f.born_years.end += 1),
    (OutsidePermit::Months, |f| f.months.end += 1),
    (OutsidePermit::OwnUnit, |f| {
        used(f, "treating_unit").is_used_otherwise = true;
    }),
    (OutsidePermit::Kinds, |f| {
        f.kinds.insert(QueryKind::LifeTable);
    }),
    (OutsidePermit::SmallestCell, |f| f.smallest_cell = 0),
    (OutsidePermit::RoundingBase, |f| f.rounding_base = 0),
    (OutsidePermit::Budget, |f| f.queries_before = u32::MAX),
];

proptest! {
    /// Whatever else is wrong, the first field in the fixed order is named.
    #[test]
    fn the_first_field_that_is_violated_is_named(violated in prop::collection::btree_set(0_usize..14, 0..=14)) {
        let wrong = |field| violated.iter().any(|way| WAYS[*way].0 == field);
        let terms = Terms { legal_basis: PermitBasis::Consent, ..own_unit_terms() };
        let id = if wrong(OutsidePermit::Registers) { "msis" } else { "kreft" };
        let basis = if wrong(OutsidePermit::LegalBasis) { LegalBasis::Mandatory } else { LegalBasis::Consent };
        let at = if wrong(OutsidePermit::Validity) { terms.validity.until } else { now() };
        let register = register(id, basis);
        let mut facts = facts(&terms, &register);
        for way in &violated {
            (WAYS[*way].1)(&mut facts);
        }
        let outcome = permit(terms).check(&facts, at).map(|_| ());
        prop_assert_eq!(outcome, violated.first().map_or(Ok(()), |way| Err(WAYS[*way].0)));
    }

    /// Months and years are compared as the sets that they are.
    #[test]
    fn a_query_is_within_a_range_if_all_that_it_reaches_is(
        granted in (0_i32..12, 1_i32..12),
        asked in (0_i32..12, 0_i32..12),
    ) {
        let granted = granted.0..granted.0 + granted.1;
        let asked = asked.0..asked.0 + asked.1;
        let is_within = asked.clone().all(|one| granted.contains(&one));
        let register = kreft();

        let by_month = Terms { months: granted.clone(), ..terms() };
        let facts_of = QueryFacts { months: asked.clone(), ..facts(&by_month, &register) };
        prop_assert_eq!(permit(by_month).check(&facts_of, now()).is_ok(), is_within);

        let by_year = Terms { born_years: Some(granted), ..terms() };
        let facts_of = QueryFacts { born_years: asked, ..facts(&by_year, &register) };
        prop_assert_eq!(permit(by_year).check(&facts_of, now()).is_ok(), is_within);
    }

    /// Less than what is granted is granted too.
    #[test]
    fn a_query_that_uses_less_is_within_as_well(
        variables in prop::sample::subsequence(vec!["code", "date", "treating_unit"], 0..=3),
        kinds in prop::sample::subsequence(vec![QueryKind::Count, QueryKind::Table], 1..=2),
        more in (0_u32..100, 0_u32..100),
        before in 0_u32..20,
    ) {
        let (terms, register) = (terms(), kreft());
        let mut facts = facts(&terms, &register);
        facts.views.get_mut("diagnoses").unwrap().retain(|name, _| variables.contains(&name.as_str()));
        facts.kinds = kinds.into_iter().collect();
        facts.smallest_cell += more.0;
        facts.rounding_base += more.1;
        facts.queries_before = before;
        prop_assert!(permit(terms).check(&facts, now()).is_ok());
    }

    /// Any text is taken or refused, without a panic, and what looks like a person never stands
    /// in a permit or an error.
    #[test]
    fn no_text_of_a_permit_holds_a_person(before in "[^0-9]{0,8}", after in "[^0-9]{0,8}", id in 0_u64..100_000_000_000) {
        let number = format!("{id:011}");
        let text = format!("{before}{number}{after}");
        prop_assert!(PermitId::new(&text, "1").is_err());
        prop_assert!(PermitId::new("fhi.no", &text).is_err());
        for terms in [
            Terms { project: text.clone(), ..terms() },
            Terms { legal_reference: text.clone(), ..terms() },
            Terms { variables: [(text.clone(), names([]))].into(), ..terms() },
            Terms { variables: [("view".to_owned(), [text.clone()].into())].into(), ..terms() },
            Terms {
                kind: PermitKind::OwnUnit { variable: "treating_unit".to_owned(), code: text.clone() },
                ..terms()
            },
        ] {
            let error = DataPermit::new(terms).unwrap_err();
            prop_assert!(!error.to_string().contains(&number));
        }
    }
}
