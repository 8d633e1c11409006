//! What is asked, as the gateway takes it and in DuckDB's words.
//!
//! Both are asked the same, the number of different persons in every cell included: that is what a
//! threshold needs.

use innsyn_proto::wire::research::v1 as wire;
use wire::dimension::Dimension as Divided;
use wire::expression::Expression;
use wire::measure::Measure as Told;
use wire::{Period, Pick};

use super::data::{COST_MAX, code_text};

/// The view of all data.
pub(super) const VIEW: &str = "events";
/// Where DuckDB's words name the table, which may be all rows or those that may be counted.
pub(super) const TABLE: &str = "{events}";
/// Months of the life table.
const STEPS: u32 = 60;
/// Which of the codes are asked for.
const THREE: [usize; 3] = [10, 100, 200];

/// A question in both languages.
pub(super) struct Both {
    pub(super) name: &'static str,
    pub(super) query: wire::Query,
    pub(super) sql: String,
    /// How many of the columns say which cell it is; the next one counts its persons.
    pub(super) dimensions: usize,
}

/// The four questions.
pub(super) fn all() -> [Both; 4] {
    [
        by_region_and_year(),
        mean_by_region(),
        three_codes(),
        life_table(),
    ]
}

/// Persons in all.
pub(super) fn count() -> wire::Query {
    over(Vec::new(), vec![Told::Persons(wire::Persons {})])
}

fn by_region_and_year() -> Both {
    let mut query = over(
        vec![code("region"), Divided::Period(wire::OwnPeriod {})],
        vec![
            Told::Persons(wire::Persons {}),
            Told::Events(wire::EventCount {}),
        ],
    );
    query.period = Period::Year.into();
    Both {
        name: "persons and events by region and year",
        query,
        sql: format!(
            "SELECT region, year(occurred)::VARCHAR, count(DISTINCT person), count(*) \
             FROM {TABLE} GROUP BY ALL"
        ),
        dimensions: 2,
    }
}

/// Of each person's first event: of several one person could make most of a sum.
fn mean_by_region() -> Both {
    let mut query = over(
        vec![code("region")],
        vec![
            Told::Persons(wire::Persons {}),
            Told::Mean("cost".to_owned()),
        ],
    );
    query.rows = Some(wire::Rows {
        r#where: None,
        pick: Pick::First.into(),
    });
    Both {
        name: "mean by region",
        query,
        sql: format!(
            "SELECT region, count(*), avg(least(cost, {COST_MAX})) FROM \
             (SELECT any_value(region) AS region, arg_min(cost, occurred) AS cost \
              FROM {TABLE} GROUP BY person) GROUP BY region"
        ),
        dimensions: 1,
    }
}

fn three_codes() -> Both {
    let codes = THREE.map(code_text);
    let list = codes.each_ref().map(|code| format!("'{code}'")).join(", ");
    let mut query = over(
        vec![code("region")],
        vec![
            Told::Persons(wire::Persons {}),
            Told::Events(wire::EventCount {}),
        ],
    );
    query.rows = Some(wire::Rows {
        r#where: Some(wire::Expression {
            expression: Some(Expression::Codes(wire::CodeMembership {
                variable: "code".to_owned(),
                codes: codes.into(),
                with_descendants: false,
            })),
        }),
        pick: Pick::All.into(),
    });
    Both {
        name: "three codes by region",
        query,
        sql: format!(
            "SELECT region, count(DISTINCT person), count(*) FROM {TABLE} \
             WHERE code IN ({list}) GROUP BY region"
        ),
        dimensions: 1,
    }
}

/// From the first event to death, by months; who moves away leaves.
fn life_table() -> Both {
    let mut query = over(
        vec![code("sex")],
        vec![Told::LifeTable(wire::LifeTable {
            entry: "occurred".to_owned(),
            event: "died".to_owned(),
            exit: "moved".to_owned(),
            step: Period::Month.into(),
            steps: STEPS,
        })],
    );
    query.rows = Some(wire::Rows {
        r#where: None,
        pick: Pick::First.into(),
    });
    Both {
        name: "life table by sex",
        query,
        sql: format!(
            "WITH first AS (SELECT any_value(sex) AS sex, min(occurred) AS entry, \
               any_value(died) AS died, any_value(moved) AS moved FROM {TABLE} GROUP BY person), \
             followed AS (SELECT sex, entry, \
               died IS NOT NULL AND (moved IS NULL OR \
                 date_trunc('month', died) <= date_trunc('month', moved)) AS had, \
               coalesce(moved, DATE '2024-12-31') AS until, died FROM first), \
             stepped AS (SELECT sex, had, \
               datediff('month', entry, CASE WHEN had THEN died ELSE until END) AS step \
               FROM followed) \
             SELECT sex, CASE WHEN step >= 0 THEN least(step, {STEPS})::VARCHAR END AS step, \
               CASE WHEN step >= {STEPS} THEN 'beyond' WHEN step < 0 THEN NULL \
               WHEN had THEN 'event' ELSE 'exit' END AS left_by, \
               count(*) FROM stepped GROUP BY ALL"
        ),
        dimensions: 3,
    }
}

fn code(variable: &str) -> Divided {
    Divided::Code(wire::CodeLevel {
        variable: variable.to_owned(),
        level: 0,
    })
}

fn over(dimensions: Vec<Divided>, measures: Vec<Told>) -> wire::Query {
    let dimension = |dimension| wire::Dimension {
        dimension: Some(dimension),
    };
    let measure = |measure| wire::Measure {
        measure: Some(measure),
    };
    wire::Query {
        view: VIEW.to_owned(),
        dimensions: dimensions.into_iter().map(dimension).collect(),
        measures: measures.into_iter().map(measure).collect(),
        ..wire::Query::default()
    }
}
