//! Every example of `forms.md` says what stands under it.

use super::*;

const FORMS: &str = include_str!("../forms.md");

#[test]
fn every_form_that_is_documented_says_what_the_page_tells() {
    let statements: Vec<_> = blocks(FORMS, "sql").collect();
    let queries: Vec<_> = blocks(FORMS, "textproto").collect();
    assert_eq!(statements.len(), 13);
    assert_eq!(queries.len(), statements.len());
    for (sql, query) in statements.into_iter().zip(queries) {
        let query: Query = read("Query", query);
        let name = checked(&query).name();
        let is = lowered(sql).query;
        assert_eq!(checked(&is).name(), name, "{sql}\n{is:#?}\n{query:#?}");
    }
}

#[test]
fn other_ways_to_write_a_condition_say_the_same() {
    let rows = [
        (
            "birth_year <> 1950",
            "birth_year < 1950 OR birth_year > 1950",
        ),
        ("birth_year IN (1950)", "1950 = birth_year"),
        (
            "birth_year NOT IN (1950, 1951)",
            "birth_year <> 1950 AND NOT birth_year = 1951",
        ),
        (
            "NOT birth_year BETWEEN 1 AND 2",
            "birth_year < 1 OR birth_year > 2",
        ),
        (
            "NOT (sex IS NOT DISTINCT FROM 'K' AND birth_year < 5)",
            "sex IS DISTINCT FROM 'K' OR birth_year >= 5",
        ),
        ("NOT NOT sex = 'K'", "(sex = 'K') IS TRUE"),
        ("birth_year > -5", "-5 < birth_year"),
        ("born > DATE '2019-12-31'", "born >= '2020-01-01'"),
        ("born <= '2020-02-29'", "born < '2020-03-01'"),
        ("NOT born < '2020-01-01'", "born >= '2020-01-01'"),
        (
            "born BETWEEN '2020-01-01' AND '2020-12-31'",
            "year(born) = 2020",
        ),
        (
            "born NOT BETWEEN '2020-01-01' AND '2020-12-31'",
            "year(born) <> 2020",
        ),
        (
            "year(born) BETWEEN 2019 AND 2020",
            "born >= '2019-01-01' AND born < '2021-01-01'",
        ),
        (
            "DATE_TRUNC('month', born) > '2020-01-01'",
            "born >= '2020-02-01'",
        ),
        (
            "DATE_TRUNC('quarter', born) <= '2020-04-01'",
            "born < '2020-07-01'",
        ),
        ("people.sex = 'K'", "\"people\".\"sex\" = 'K'"),
        ("SEX = 'K'", "sex IS NOT DISTINCT FROM 'K'"),
    ];
    for view in [
        "views.people",
        "Innsyn.views.people",
        "\"innsyn\".\"views\".\"people\"",
    ] {
        let sql = format!("SELECT persons() FROM {view} WHERE people.sex = 'K'");
        let plain = "SELECT persons() FROM people WHERE sex = 'K'";
        assert_eq!(lowered(&sql).query, lowered(plain).query, "{view}");
    }
    let name = |condition: &str| {
        let sql = format!("SELECT persons() FROM people WHERE {condition}");
        checked(&lowered(&sql).query).name()
    };
    for (one, other) in rows {
        assert_eq!(name(one), name(other), "{one} and {other}");
    }
}

#[test]
fn events_that_are_counted_become_at_least_so_many() {
    let is = |condition: &str| {
        let events = "(SELECT COUNT(*) FROM stays WHERE stays.person = people.person)";
        let sql = format!("SELECT persons() FROM people WHERE {events} {condition}");
        checked(&lowered(&sql).query).name()
    };
    let said = |population: &str| {
        let query =
            format!("view: 'people' measures {{ persons {{}} }} population {{ {population} }}");
        checked(&read("Query", &query)).name()
    };
    let least = |number: u32| format!("events {{ view: 'stays' at_least: {number} }}");
    let fewer = |number: u32| format!("not {{ {} }}", least(number));
    let all = |one: &str, other: &str| format!("all {{ of {{ {one} }} of {{ {other} }} }}");
    assert_eq!(is(">= 3"), said(&least(3)));
    assert_eq!(is("> 2"), said(&least(3)));
    assert_eq!(is("< 3"), said(&fewer(3)));
    assert_eq!(is("<= 2"), said(&fewer(3)));
    assert_eq!(is("= 0"), said(&fewer(1)));
    assert_eq!(is("<> 0"), said(&least(1)));
    assert_eq!(is("= 2"), said(&all(&least(2), &fewer(3))));
    assert_eq!(
        is("<> 2"),
        said(&format!("not {{ {} }}", all(&least(2), &fewer(3))))
    );
}
