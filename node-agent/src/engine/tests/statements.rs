//! What statements say. That they give the engine's tables is tested against a real server, in
//! `tests/tests/system/differential.rs`.

use innsyn_proto::wire::research::v1 as wire;
use wire::literal::Literal;
use wire::measure::Measure as M;
use wire::{Operator, Period, Pick, Query};

use super::super::postgres::{Parameter, Statement, quoted};
use super::super::{EngineError, PlanError, Snapshot, StoredView};
use super::world::{
    all, by_bands, by_code, by_date, by_period, codes, compare, dates, events, events_view,
    measure, not, persons_view, query, rows, whole,
};

fn snapshot() -> Snapshot {
    let views = [persons_view(), events_view("stays"), events_view("visits")];
    let stored = views.map(|description| StoredView {
        description,
        files: Vec::new(),
        person_column: "person".to_owned(),
    });
    Snapshot {
        persons: 10,
        views: stored.into(),
    }
}

fn said(query: &Query) -> (String, Vec<Parameter>) {
    let snapshot = snapshot();
    let statement = Statement::of(query, &snapshot, "innsyn").unwrap();
    (statement.sql.clone(), statement.parameters)
}

#[test]
fn everybody_in_a_view_is_one_cell_and_who_is_in_it() {
    let (sql, parameters) = said(&query("persons"));
    assert_eq!(
        sql,
        "WITH e AS (SELECT \"person\" AS person, 0 AS period FROM \"innsyn\".\"persons\" \
         WHERE (TRUE)),\n\
         r AS (SELECT DISTINCT ON (person, period) person, period, 1::int8 AS events FROM e \
         ORDER BY person, period),\n\
         c AS MATERIALIZED (SELECT person, events FROM r)\n\
         SELECT -1 AS part, NULL::int8 AS bin, count(*) AS n, sum(events)::int8 AS events, \
         ARRAY[]::text[] AS sums, NULL::int8[] AS bins, NULL::int4[] AS words, \
         NULL::int8[] AS bits FROM c HAVING count(*) > 0\n\
         UNION ALL\n\
         SELECT -2, NULL, NULL, NULL, NULL, ARRAY[]::int8[], array_agg(word), array_agg(persons) \
         FROM (SELECT person / 32 AS word, bit_or(1::int8 << (person % 32)) AS persons FROM c \
         GROUP BY word) w HAVING count(*) > 0"
            .replace("WHERE (TRUE)", "WHERE TRUE")
    );
    assert!(parameters.is_empty());
}

/// Whatever a literal is, it is a parameter: the text of two queries differs in no character.
#[test]
fn no_literal_is_in_the_text() {
    let with = |code: &str, number: i64, real: f64, month: i32| Query {
        population: Some(all(vec![
            codes("region", &[code], true),
            whole("born", Operator::Less, number),
            events(
                "visits",
                Some(compare("cost", Operator::Greater, Literal::Real(real))),
                2,
            ),
        ])),
        rows: rows(
            Pick::First,
            Some(not(dates("date", Some(month), Some(month + 1)))),
        ),
        dimensions: vec![by_bands("born", &[number]), by_code("icd", 1)],
        ..query("stays")
    };
    let hostile = "'); DROP TABLE stays; --";
    let (one, parameters) = said(&with(hostile, 1, 2.5, 3));
    let (other, _) = said(&with("46", 1_990, -1e300, 400));
    assert_eq!(one, other);
    assert!(!one.contains("DROP"), "{one}");
    let texts = Parameter::Texts(vec![hostile.to_owned()]);
    assert!(parameters.contains(&texts));
    assert!(parameters.contains(&Parameter::Number(2.5)));
    assert!(parameters.contains(&Parameter::Numbers(vec![1.0])));
}

/// Names come from the published views, and what the query calls them is only looked up.
#[test]
fn what_the_view_does_not_have_is_not_asked_for() {
    let snapshot = snapshot();
    let unknown = Query {
        dimensions: vec![by_code("sex\" FROM secret --", 0)],
        ..query("persons")
    };
    let error = Statement::of(&unknown, &snapshot, "innsyn").unwrap_err();
    assert_eq!(error, EngineError::Plan(PlanError::UnknownVariable));
    let error = Statement::of(&query("secret"), &snapshot, "innsyn").unwrap_err();
    assert_eq!(error, EngineError::Plan(PlanError::UnknownView));
    assert_eq!(quoted("a \"name\""), "\"a \"\"name\"\"\"");
}

/// Of events of one day the values decide, a missing one being the least; the last is the first
/// of the order turned round.
#[test]
fn the_first_and_the_last_event_are_picked_in_opposite_orders() {
    let picked = |pick| Query {
        rows: rows(pick, None),
        period: Period::Year.into(),
        dimensions: vec![
            by_period(),
            by_code("icd", 0),
            by_date("date", Period::Month),
        ],
        ..query("stays")
    };
    let (first, _) = said(&picked(Pick::First));
    let (last, _) = said(&picked(Pick::Last));
    let order = |direction: &str| {
        format!("ORDER BY person, period, day {direction}, k0 {direction}, k1 {direction})")
    };
    assert!(first.contains(&order("ASC NULLS FIRST")), "{first}");
    assert!(last.contains(&order("DESC NULLS LAST")), "{last}");
    // Codes are compared by their bytes, whatever the database's language.
    assert!(first.contains("\"icd\" COLLATE \"C\" AS k1"), "{first}");
    assert!(first.contains("\"date month\" AS k0"), "{first}");
}

#[test]
fn sums_are_of_whole_numbers_and_exact() {
    let sums = Query {
        period: Period::Year.into(),
        dimensions: vec![by_period(), by_code("region", 1)],
        measures: vec![
            measure(M::Variance("cost".to_owned())),
            measure(M::Mean("born".to_owned())),
        ],
        ..query("stays")
    };
    let (sql, _) = said(&sums);
    for part in [
        "count(u0) AS v0, sum(u0) AS s0, sum(u0::numeric * u0) AS q0",
        "ARRAY[coalesce(sum(v0), 0)::text, coalesce(sum(s0), 0)::text, \
         coalesce(sum(q0), 0)::text, coalesce(count(s1), 0)::text, coalesce(sum(s1), 0)::text]",
        // The person's region and birth are those of all periods together.
        "o AS (SELECT person, min(k0) AS k0, min(k1) AS k1 FROM e GROUP BY person)",
        "left(k0, 2) AS d1",
    ] {
        assert!(sql.contains(part), "`{part}` is not in {sql}");
    }
}
