//! Faults of what makes the table: dimensions, measures, life tables, cells.

use super::*;

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
fn person_time_without_three_dates() {
    let person_time =
        |t: &str| format!("rows {{ pick: PICK_FIRST }} measures {{ person_time {{ {t} }} }}");
    are_refused(&[
        (
            "stays",
            &person_time("entry: 'days'"),
            "measures[1].person_time.entry",
            "is a date",
        ),
        (
            "stays",
            &person_time("entry: 'admitted' event: 'died' exit: 'admitted'"),
            "measures[1].person_time.exit",
            "three different dates",
        ),
        (
            "stays",
            "period: PERIOD_YEAR dimensions { period {} } measures { person_time {} }",
            "measures[1].person_time.entry",
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
