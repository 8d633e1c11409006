//! Every fault, the place it names, and what it says to write instead.

use super::*;

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

#[test]
fn dimensions_that_do_not_divide_rows() {
    let dimension =
        |d: &str| format!("dimensions {{ code {{ variable: 'sex' }} }} dimensions {{ {d} }}");
    let picked = |d: &str| format!("rows {{ pick: PICK_FIRST }} {}", dimension(d));
    let nine = "dimensions { code { variable: 'sex' } } ".repeat(9);
    are_refused(&[
        (
            "stays",
            &nine,
            "dimensions",
            "9 are too many; write at most 8",
        ),
        (
            "stays",
            &dimension("code { variable: 'sex' }"),
            "dimensions[1]",
            "number 0",
        ),
        (
            "stays",
            &dimension(""),
            "dimensions[1].dimension",
            "`bands`",
        ),
        (
            "stays",
            &dimension("code { variable: 'diagnosis' level: 1 }"),
            "dimensions[1].code.variable",
            "set `rows.pick` to `PICK_FIRST` or `PICK_LAST`",
        ),
        (
            "stays",
            &picked("code { variable: 'diagnosis' level: 3 }"),
            "dimensions[1].code.level",
            "ICD-10 has 2 levels",
        ),
        (
            "stays",
            &picked("code { variable: 'ward' }"),
            "dimensions[1].code.variable",
            "not divided by `ward`",
        ),
        (
            "stays",
            &picked("bands { variable: 'diagnosis' begins: 1 }"),
            "dimensions[1].bands.variable",
            "name a variable that is a number",
        ),
        (
            "stays",
            &picked("bands { variable: 'days' }"),
            "dimensions[1].bands.begins",
            "empty",
        ),
        (
            "stays",
            &picked("bands { variable: 'days' begins: [1, 1] }"),
            "dimensions[1].bands.begins",
            "rising",
        ),
        (
            "stays",
            &dimension("period {}"),
            "dimensions[1].period",
            "set `period`",
        ),
        (
            "stays",
            "period: PERIOD_YEAR",
            "period",
            "add `period` to `dimensions`",
        ),
        ("stays", "period: 9", "period", "`PERIOD_YEAR`"),
        (
            "stays",
            &picked("date { variable: 'days' period: PERIOD_YEAR }"),
            "dimensions[1].date.variable",
            "name a variable that is a date",
        ),
        (
            "stays",
            &picked("date { variable: 'admitted' }"),
            "dimensions[1].date.period",
            "`PERIOD_QUARTER`",
        ),
    ]);
}

#[test]
fn measures_that_cannot_be_told() {
    let histogram =
        |h: &str| format!("rows {{ pick: PICK_LAST }} measures {{ histogram {{ {h} }} }}");
    let many: Vec<_> = (0..16)
        .map(|from| {
            format!("measures {{ histogram {{ variable: 'days' from: {from} width: 1 }} }}")
        })
        .collect();
    let many = many.join(" ");
    are_refused(&[
        (
            "stays",
            &many,
            "measures",
            "17 are too many; write at most 16",
        ),
        (
            "stays",
            "measures { persons {} }",
            "measures[1]",
            "number 0",
        ),
        (
            "stays",
            "measures {}",
            "measures[1].measure",
            "`life_table`",
        ),
        (
            "stays",
            "measures { sum: 'score' }",
            "measures[1].sum",
            "has no clip bounds",
        ),
        (
            "stays",
            "measures { mean: 'ward' }",
            "measures[1].mean",
            "that is a number",
        ),
        (
            "stays",
            "measures { variance: 'x' }",
            "measures[1].variance",
            "no variable `x`",
        ),
        (
            "stays",
            "measures { histogram { variable: 'days' width: 1 bins: 1 } }",
            "measures[1].histogram.variable",
            "PICK_FIRST",
        ),
        (
            "stays",
            &histogram("variable: 'ward'"),
            "measures[1].histogram.variable",
            "a number",
        ),
        (
            "stays",
            &histogram("variable: 'days' bins: 1"),
            "measures[1].histogram.width",
            "1 or",
        ),
        (
            "stays",
            &histogram("variable: 'days' width: 1"),
            "measures[1].histogram.bins",
            "1 or",
        ),
        (
            "stays",
            &histogram("variable: 'days' width: 1 bins: 10001"),
            "measures[1].histogram.bins",
            "10001 cells",
        ),
        (
            "stays",
            &histogram("variable: 'days' from: 9223372036854775807 width: 1 bins: 1"),
            "measures[1].histogram.bins",
            "beyond the whole numbers",
        ),
    ]);
    let nothing = read("Query", "view: 'stays'");
    assert_eq!(check(&nothing, &catalogue()).unwrap_err().place, "measures");
}

#[test]
fn life_tables_without_three_dates_and_steps() {
    let life_table = |t: &str| {
        format!("rows {{ pick: PICK_FIRST }} measures {{ life_table {{ entry: 'admitted' {t} }} }}")
    };
    are_refused(&[
        (
            "stays",
            &life_table("event: 'days'"),
            "measures[1].life_table.event",
            "is a date",
        ),
        (
            "stays",
            &life_table("event: 'died' exit: 'died'"),
            "measures[1].life_table.exit",
            "three different dates",
        ),
        (
            "stays",
            &life_table("event: 'died' exit: 'emigrated' steps: 9"),
            "measures[1].life_table.step",
            "`PERIOD_MONTH`",
        ),
        (
            "stays",
            &life_table("event: 'died' exit: 'emigrated' step: PERIOD_MONTH"),
            "measures[1].life_table.steps",
            "1 or more",
        ),
        (
            "stays",
            "period: PERIOD_YEAR dimensions { period {} } measures { life_table {} }",
            "measures[1].life_table.entry",
            "leave out `period`",
        ),
    ]);
}

#[test]
fn tables_that_would_have_too_many_cells() {
    // 60 months are 20 quarters are 5 years; the bands make 250 and 500 groups.
    let bands = |most: i64| {
        let begins: Vec<_> = (1..most).map(|begin| begin.to_string()).collect();
        let begins = begins.join(", ");
        format!("dimensions {{ bands {{ variable: 'birth_year' begins: [{begins}] }} }}")
    };
    let by = |period: &str, bands: &str| {
        counting(
            "stays",
            &format!("period: PERIOD_{period} dimensions {{ period {{}} }} {bands}"),
        )
    };
    checked(&by("QUARTER", &bands(500)));
    checked(&by("YEAR", &bands(2000)));
    for (period, most, cells) in [
        ("QUARTER", 501, 10_020),
        ("YEAR", 2001, 10_005),
        ("MONTH", 250, 15_000),
    ] {
        let error = check(&by(period, &bands(most)), &catalogue()).unwrap_err();
        assert_eq!(error.place, "dimensions");
        assert_eq!(error.fault, QueryFault::TooManyCells(cells));
    }

    let histograms = "measures { histogram { variable: 'birth_year' width: 1 bins: 50 } } \
         measures { histogram { variable: 'birth_year' width: 2 bins: 51 } }";
    let error = check(
        &counting("stays", &format!("{} {histograms}", bands(100))),
        &catalogue(),
    );
    assert_eq!(error.unwrap_err().fault, QueryFault::TooManyCells(10_100));
    checked(&counting("stays", &format!("{} {histograms}", bands(99))));
}
