//! Every fault, the place it names, and what it says to write instead.

use super::*;

mod table;

/// Where and why a query over `view` is refused.
fn refused(view: &str, more: &str) -> (String, String) {
    match check(&counting(view, more), &catalogue()) {
        Ok(_) => panic!("accepted: {more}"),
        Err(error) => (error.place, error.fault.to_string()),
    }
}

/// Each row: the view, what is added to the query, the place, and part of what is said.
fn are_refused(rows: &[(&str, &str, &str, &str)]) {
    for (view, more, place, said) in rows {
        let (is_at, is_said) = refused(view, more);
        assert_eq!(is_at, *place, "{more}: {is_said}");
        assert!(is_said.contains(said), "{more}: {is_said}");
    }
}

#[test]
fn names_that_are_not_published() {
    are_refused(&[
        (
            "stay",
            "",
            "view",
            "there is `people`, `prescriptions`, `stays`",
        ),
        (
            "stays",
            "registers: 'nord' registers: 'sor'",
            "registers[1]",
            "there is `nord`, `vest`",
        ),
        (
            "stays",
            "registers: 'nord' registers: 'nord'",
            "registers[1]",
            "number 0",
        ),
        (
            "people",
            "population { all { of { codes { variable: 'sex' codes: 'K' } } \
             of { comparison { variable: 'age' } } } }",
            "population.all[1].comparison.variable",
            "there is `sex`, `birth_year`, `municipality`, `born`, `died`",
        ),
        (
            "people",
            "population { events { view: 'deaths' at_least: 1 } }",
            "population.events.view",
            "there is `people`, `prescriptions`, `stays`",
        ),
    ]);
}

#[test]
fn literals_of_another_type_or_grain() {
    let person = |leaf: &str| refused("people", &format!("population {{ {leaf} }}"));
    let event = |leaf: &str| {
        let more = format!("rows {{ pick: PICK_ALL where {{ {leaf} }} }}");
        refused("stays", &more)
    };
    let compared = |variable: &str, operator: &str, literal: &str| {
        format!(
            "comparison {{ variable: '{variable}' operator: OPERATOR_{operator} \
             literal {{ {literal} }} }}"
        )
    };
    let rows = [
        (
            person(&compared("sex", "LESS", "code: 'K'")),
            "operator",
            "OPERATOR_EQUAL",
        ),
        (
            person(&compared("sex", "EQUAL", "integer: 1")),
            "literal",
            "write a `code`",
        ),
        (
            person(&compared("sex", "EQUAL", "code: 'K or M'")),
            "literal.code",
            "a code is",
        ),
        (
            person(&compared("sex", "EQUAL", "code: ''")),
            "literal.code",
            "a code is",
        ),
        (
            person(&compared("sex", "EQUAL", "")),
            "literal",
            "`integer`, `real` and `code`",
        ),
        (
            person(&compared("birth_year", "LESS", "real: 1950.5")),
            "literal",
            "an `integer`",
        ),
        (
            person(&compared("birth_year", "UNSPECIFIED", "integer: 1")),
            "operator",
            "OPERATOR_LESS",
        ),
        (
            person(&compared("born", "LESS", "integer: 1")),
            "variable",
            "with `dates`",
        ),
        (
            event(&compared("cost", "LESS", "integer: 1")),
            "literal",
            "write a `real`",
        ),
        (
            event(&compared("cost", "EQUAL", "real: 1")),
            "operator",
            "less or greater",
        ),
        (
            event(&compared("cost", "LESS", "real: nan")),
            "literal.real",
            "finite",
        ),
        (
            event(&compared("cost", "LESS", "real: inf")),
            "literal.real",
            "finite",
        ),
    ];
    for ((place, said), field, expected) in rows {
        assert!(place.ends_with(&format!(".comparison.{field}")), "{place}");
        assert!(said.contains(expected), "{place}: {said}");
    }
}

#[test]
fn code_lists_and_windows_that_say_nothing_or_too_much() {
    let many = format!(
        "population {{ codes {{ variable: 'sex' {} }} }}",
        "codes: 'K' ".repeat(CODES_MAX + 1)
    );
    let long = format!(
        "population {{ codes {{ variable: 'sex' codes: '{}' }} }}",
        "K".repeat(CODE_CHARACTERS_MAX + 1)
    );
    are_refused(&[
        (
            "people",
            &many,
            "population.codes.codes",
            "201 are too many; write at most 200",
        ),
        (
            "people",
            &long,
            "population.codes.codes[0]",
            "a code is 1 to 32",
        ),
        (
            "people",
            "population { codes { variable: 'sex' } }",
            "population.codes.codes",
            "empty",
        ),
        (
            "people",
            "population { codes { variable: 'born' codes: 'K' } }",
            "population.codes.variable",
            "is a date; name a variable that is a code",
        ),
        (
            "people",
            "population { codes { variable: 'municipality' codes: ['03', '030'] \
             with_descendants: true } }",
            "population.codes.codes[1]",
            "at no level of municipalities; write a code of 2 or 4 characters",
        ),
        (
            "people",
            "population { dates { variable: 'sex' from_month: 1 } }",
            "population.dates.variable",
            "is a code; ask with `comparison` or `codes`",
        ),
        (
            "people",
            "population { dates { variable: 'born' } }",
            "population.dates.from_month",
            "no month",
        ),
        (
            "people",
            "population { dates { variable: 'born' from_month: 7 until_month: 7 } }",
            "population.dates.until_month",
            "no month",
        ),
    ]);
}

#[test]
fn expressions_that_are_empty_wide_or_deep() {
    let leaf = "codes { variable: 'sex' codes: 'K' }";
    let wide = format!(
        "population {{ any {{ {} }} }}",
        format!("of {{ {leaf} }} ").repeat(7)
    );
    let deep = format!(
        "population {{ {}{leaf}{} }}",
        "not { ".repeat(16),
        "} ".repeat(16)
    );
    let place = format!("population.{}codes", "not.".repeat(16));
    are_refused(&[
        (
            "people",
            "population {}",
            "population.expression",
            "`comparison`",
        ),
        (
            "people",
            "population { not {} }",
            "population.not.expression",
            "`comparison`",
        ),
        (
            "people",
            "population { all {} }",
            "population.all",
            "at least one",
        ),
        (
            "people",
            &wide,
            "population.any[6].codes",
            "more than 6 conditions",
        ),
        ("people", &deep, &place, "more than 16 deep"),
    ]);
    // One less of each is accepted, and every expression has limits of its own.
    let wide = format!("any {{ {} }}", format!("of {{ {leaf} }} ").repeat(6));
    let rows = format!("population {{ {wide} }} rows {{ pick: PICK_ALL where {{ {wide} }} }}");
    checked(&counting("stays", &rows));
    let deep = format!(
        "population {{ {}{leaf}{} }}",
        "not { ".repeat(15),
        "} ".repeat(15)
    );
    checked(&counting("people", &deep));
}

#[test]
fn events_where_there_are_none_and_persons_variables_that_are_not() {
    are_refused(&[
        (
            "stays",
            "population { dates { variable: 'admitted' from_month: 1 } }",
            "population.dates.variable",
            "is of an event and not of the person; ask for it with `events` or `rows.where`",
        ),
        (
            "people",
            "population { events { view: 'people' at_least: 1 } }",
            "population.events.view",
            "one row for each person",
        ),
        (
            "people",
            "population { events { view: 'stays' } }",
            "population.events.at_least",
            "1 or more",
        ),
        (
            "people",
            "population { events { view: 'stays' at_least: 1 where { \
             events { view: 'stays' at_least: 1 } } } }",
            "population.events.where.events.view",
            "one event has no events",
        ),
        (
            "people",
            "rows { pick: PICK_ALL }",
            "rows.pick",
            "one row for each person",
        ),
        ("stays", "rows {}", "rows.pick", "`PICK_FIRST`"),
        (
            "people",
            "measures { events {} }",
            "measures[1].events",
            "one row for each person",
        ),
        (
            "people",
            "period: PERIOD_YEAR",
            "period",
            "one row for each person",
        ),
    ]);
}
