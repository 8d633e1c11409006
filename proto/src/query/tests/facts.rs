//! What a permit is shown of a query, by hand, and that nothing gets round a limit.

use std::collections::BTreeSet;
use std::ops::Range;

use innsyn_policy::data_permit::{QueryFacts, QueryKind};
use innsyn_policy::{
    LegalBasis, NationalId, NumberRules, Organisation, Purpose, Register, RegisterKind,
};

use super::*;

const EVERY: Range<i32> = i32::MIN..i32::MAX;

/// The document's catalogue, with the year of birth under the name that limits.
fn born() -> Vec<View> {
    let mut views = catalogue();
    for variable in views.iter_mut().flat_map(|view| &mut view.variables) {
        if variable.name == "birth_year" {
            variable.name = BORN_YEAR.to_owned();
        }
    }
    views
}

fn nord() -> Register {
    Register {
        id: register("nord"),
        kind: RegisterKind::Quality,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    }
}

fn asking() -> Asking {
    Asking {
        person: NationalId::parse("01817010055", NumberRules::default()).unwrap(),
        organisation: Organisation::parse("983658776").unwrap(),
        purpose: Purpose::Research,
        smallest_cell: 5,
        rounding_base: 3,
        queries_before: 7,
    }
}

fn facts<'a>(query: &Query, register: &'a Register) -> QueryFacts<'a> {
    check(query, &born()).unwrap().facts(register, asking())
}

/// The variables used of each view, as `view.variable`; `!` if otherwise than by codes.
fn used(facts: &QueryFacts<'_>) -> Vec<String> {
    let mut used = Vec::new();
    for (view, variables) in &facts.views {
        used.push(view.clone());
        for (variable, how) in variables {
            let codes: Vec<_> = how.codes.iter().map(String::as_str).collect();
            let otherwise = if how.is_used_otherwise { "!" } else { "" };
            used.push(format!("{view}.{variable}{otherwise} {}", codes.join(",")));
        }
    }
    used
}

#[test]
fn a_count_of_everybody_uses_the_view_alone() {
    let nord = nord();
    let query = counting("people", "");
    let facts = facts(&query, &nord);

    assert_eq!(
        facts.query,
        *check(&query, &born()).unwrap().name().as_bytes()
    );
    assert_eq!(used(&facts), ["people"]);
    assert_eq!(facts.born_years, EVERY);
    assert_eq!(facts.months, 0..600);
    assert_eq!(facts.kinds, BTreeSet::from([QueryKind::Count]));
    assert_eq!(facts.register.id, register("nord"));
    let asking = asking();
    assert_eq!(facts.person, asking.person);
    assert_eq!(facts.organisation, asking.organisation);
    assert_eq!(facts.purpose, Purpose::Research);
    let limits = (
        facts.smallest_cell,
        facts.rounding_base,
        facts.queries_before,
    );
    assert_eq!(limits, (5, 3, 7));
}

#[test]
fn every_place_where_a_variable_can_stand_is_seen() {
    let nord = nord();
    let query = counting(
        "stays",
        "population { all {
            of { codes { variable: 'sex' codes: 'K' } }
            of { not { comparison { variable: 'sex' operator: OPERATOR_EQUAL literal { code: 'M' } } } }
            of { dates { variable: 'died' from_month: 500 } }
            of { events { view: 'prescriptions' at_least: 1
                where { codes { variable: 'drug' codes: 'A10' with_descendants: true } } } }
         } }
         rows { pick: PICK_FIRST where { codes { variable: 'ward' codes: ['B', 'A'] } } }
         dimensions { code { variable: 'diagnosis' level: 1 } }
         dimensions { bands { variable: 'born_year' begins: 1950 } }
         measures { mean: 'cost' } measures { sum: 'days' } measures { variance: 'days' }
         measures { histogram { variable: 'score' width: 1 bins: 2 } }
         measures { life_table { entry: 'admitted' event: 'died' exit: 'emigrated' step: PERIOD_YEAR steps: 2 } }",
    );
    let facts = facts(&query, &nord);

    assert_eq!(
        used(&facts),
        [
            "prescriptions",
            "prescriptions.drug A10",
            "stays",
            "stays.admitted! ",
            "stays.born_year! ",
            "stays.cost! ",
            "stays.days! ",
            "stays.diagnosis! ",
            "stays.died! ",
            "stays.emigrated! ",
            "stays.score! ",
            "stays.sex K,M",
            "stays.ward A,B",
        ]
    );
    assert_eq!(facts.kinds, QueryKind::ALL.into_iter().collect());
    // The prescriptions begin earlier than the stays.
    assert_eq!(facts.months, 480..600);
}

#[test]
fn a_period_and_the_first_of_many_use_the_date_of_events() {
    let nord = nord();
    for (more, uses_date) in [
        ("", false),
        ("rows { pick: PICK_ALL }", false),
        ("rows { pick: PICK_LAST }", true),
        ("period: PERIOD_YEAR dimensions { period {} }", true),
        (
            "dimensions { date { variable: 'died' period: PERIOD_YEAR } }",
            false,
        ),
    ] {
        // The rows of all events have no date of their own, but each person has one of death.
        let facts = facts(&counting("stays", more), &nord);
        let date = facts.views["stays"].get("admitted");
        assert_eq!(
            date.is_some_and(|used| used.is_used_otherwise),
            uses_date,
            "{more}"
        );
    }
}

#[test]
fn birth_years_are_limited_where_nothing_gets_round_the_limit() {
    const IS: &str =
        "comparison { variable: 'born_year' operator: OPERATOR_EQUAL literal { integer: 1950 } }";
    const FROM: &str = "comparison { variable: 'born_year' operator: OPERATOR_GREATER_OR_EQUAL literal { integer: 1940 } }";
    const ABOVE: &str =
        "comparison { variable: 'born_year' operator: OPERATOR_GREATER literal { integer: 1940 } }";
    const BELOW: &str =
        "comparison { variable: 'born_year' operator: OPERATOR_LESS literal { integer: 1960 } }";
    const UP_TO: &str = "comparison { variable: 'born_year' operator: OPERATOR_LESS_OR_EQUAL literal { integer: 1960 } }";
    const HUGE: &str = "comparison { variable: 'born_year' operator: OPERATOR_LESS literal { integer: 9223372036854775807 } }";
    const SEX: &str = "codes { variable: 'sex' codes: 'K' }";
    let table = [
        (IS.to_owned(), 1950..1951),
        (FROM.to_owned(), 1940..i32::MAX),
        (ABOVE.to_owned(), 1941..i32::MAX),
        (BELOW.to_owned(), i32::MIN..1960),
        (UP_TO.to_owned(), i32::MIN..1961),
        (HUGE.to_owned(), EVERY),
        (SEX.to_owned(), EVERY),
        (
            format!("all {{ of {{ {FROM} }} of {{ {BELOW} }} of {{ {SEX} }} }}"),
            1940..1960,
        ),
        (
            format!("any {{ of {{ {IS} }} of {{ {FROM} }} }}"),
            1940..i32::MAX,
        ),
        (format!("any {{ of {{ {FROM} }} of {{ {BELOW} }} }}"), EVERY),
        (format!("any {{ of {{ {IS} }} of {{ {SEX} }} }}"), EVERY),
        (format!("not {{ {FROM} }}"), EVERY),
        (
            format!("not {{ any {{ of {{ {FROM} }} of {{ {BELOW} }} }} }}"),
            EVERY,
        ),
    ];
    let nord = nord();
    for (expression, years) in table {
        for view in ["people", "stays"] {
            let query = counting(view, &format!("population {{ {expression} }}"));
            assert_eq!(
                facts(&query, &nord).born_years,
                years,
                "{view}: {expression}"
            );
        }
        // A person who counts has a row that counts.
        let rows = format!("rows {{ pick: PICK_ALL where {{ {expression} }} }}");
        assert_eq!(facts(&counting("stays", &rows), &nord).born_years, years);
    }
}

#[test]
fn a_birth_year_of_an_event_or_of_other_events_limits_nobody() {
    let nord = nord();
    let year =
        "comparison { variable: 'born_year' operator: OPERATOR_LESS literal { integer: 1950 } }";
    let others =
        format!("population {{ events {{ view: 'stays' at_least: 1 where {{ {year} }} }} }}");
    assert_eq!(facts(&counting("people", &others), &nord).born_years, EVERY);

    let mut views = born();
    for variable in views.iter_mut().flat_map(|view| &mut view.variables) {
        variable.of_person &= variable.name != BORN_YEAR;
    }
    let of_event = counting(
        "stays",
        &format!("rows {{ pick: PICK_ALL where {{ {year} }} }}"),
    );
    let checked = check(&of_event, &views).unwrap();
    assert_eq!(checked.facts(&nord, asking()).born_years, EVERY);
}

#[test]
fn months_are_limited_by_the_date_of_events_alone() {
    let window =
        |date: &str| format!("dates {{ variable: '{date}' from_month: 550 until_month: 560 }}");
    let table = [
        (window("admitted"), 550..560),
        (
            "dates { variable: 'admitted' from_month: 550 }".to_owned(),
            550..600,
        ),
        (
            "dates { variable: 'admitted' until_month: 9000 }".to_owned(),
            540..600,
        ),
        (window("died"), 540..600),
        (format!("not {{ {} }}", window("admitted")), 540..600),
        (
            format!(
                "any {{ of {{ {} }} of {{ dates {{ variable: 'admitted' from_month: 570 until_month: 580 }} }} }}",
                window("admitted")
            ),
            550..580,
        ),
    ];
    let nord = nord();
    for (condition, months) in table {
        let rows = format!("rows {{ pick: PICK_ALL where {{ {condition} }} }}");
        assert_eq!(
            facts(&counting("stays", &rows), &nord).months,
            months,
            "{rows}"
        );
    }
    // Other events count too; and a view of persons has no date that limits it.
    let others = format!(
        "rows {{ pick: PICK_ALL where {{ {} }} }}
         population {{ events {{ view: 'prescriptions' at_least: 1
             where {{ dates {{ variable: 'dispensed' from_month: 500 until_month: 510 }} }} }} }}",
        window("admitted")
    );
    assert_eq!(facts(&counting("stays", &others), &nord).months, 500..560);
    let people = "population { dates { variable: 'died' from_month: 550 until_month: 560 } }";
    assert_eq!(facts(&counting("people", people), &nord).months, 0..600);
}
