//! A register whose views stand in PostgreSQL is counted there. Nobody outside the included
//! is looked at, no row crosses the wire, and the roles can do no more than they are for.

use std::fmt::Write as _;
use std::sync::Arc;

use innsyn_agent::engine::{Answer, Key, Part};
use innsyn_agent::research::ResearchData;
use innsyn_proto::wire::research::v1 as wire;
use serde_json::{Value, json};
use wire::measure::Measure as M;

use super::postgres::register::{self, Published, RESEARCH, count, ids, included};
use super::postgres::server::Server;

mod agents;
mod barrier;
mod moments;
mod pushed_down;
mod roles;

/// Persons of the register; the first is the one who says no.
const PERSONS: u32 = 40;

/// Stays in hospital: any person's number of days is their own number, and of the first person it
/// is 13.
const STAYS: &str = "
    CREATE TABLE stays (id text, day date, ward text, days int, cost numeric, noted date);
    GRANT SELECT ON stays TO innsyn_keeper;";

/// The view of it.
fn stays() -> Value {
    let labelled = |name: &str, more: Value| {
        let mut variable = json!({ "name": name, "label_nb": name, "label_en": name });
        for (key, value) in more.as_object().unwrap() {
            variable[key] = value.clone();
        }
        variable
    };
    json!({
        "name": "stays", "label_nb": "Opphold", "label_en": "Stays", "grain": "event",
        "table": "stays", "id_column": "id", "event_date": "day",
        "from": "2020-01", "until": "2026-01",
        "variable": [
            labelled("day", json!({ "type": "date" })),
            labelled("unit", json!({
                "type": "code", "column": "ward", "system": "wards", "version": "1",
                "is_dimension": true, "of_person": true,
            })),
            labelled("days", json!({
                "type": "number", "unit": "d", "is_integer": true, "clip_from": 0, "clip_to": 90,
            })),
            labelled("cost", json!({
                "type": "number", "unit": "kr", "clip_from": 0, "clip_to": 1000,
            })),
        ],
    })
}

/// A server with the register in it; person n has a stay of n days in ward A or B.
async fn hospital() -> (Server, Vec<String>) {
    let server = Server::start();
    server.run(RESEARCH).await;
    server.run(STAYS).await;
    let ids = ids(PERSONS);
    let mut statements = String::new();
    for (number, id) in ids.iter().enumerate() {
        let days = if number == 0 { 13 } else { number + 20 };
        let ward = if number % 2 == 0 { "A" } else { "B" };
        write!(
            statements,
            "INSERT INTO people (fnr) VALUES ('{id}'); \
             INSERT INTO stays VALUES ('{id}', '2024-05-01', '{ward}', {days}, {number}.25);"
        )
        .unwrap();
    }
    server.run(&statements).await;
    (server, ids)
}

/// The first person says no.
async fn first_says_no(server: &Server, ids: &[String]) {
    let no = format!(
        "INSERT INTO settings VALUES ('{}', 'block', 'research', '2024-01-01')",
        ids[0]
    );
    server.run(&no).await;
}

async fn published(server: &Server) -> Published {
    Published::open(register::section(server, &json!([stays()]))).await
}

/// Persons and days, by ward.
fn by_ward() -> wire::Query {
    wire::Query {
        view: "stays".to_owned(),
        dimensions: vec![wire::Dimension {
            dimension: Some(wire::dimension::Dimension::Code(wire::CodeLevel {
                variable: "unit".to_owned(),
                level: 0,
            })),
        }],
        measures: [
            M::Persons(wire::Persons {}),
            M::Sum("days".to_owned()),
            M::Variance("cost".to_owned()),
        ]
        .map(|measure| wire::Measure {
            measure: Some(measure),
        })
        .to_vec(),
        ..wire::Query::default()
    }
}

async fn counted(data: &Arc<ResearchData>) -> Answer {
    count(data, &by_ward(), included(data)).await.unwrap()
}

/// Persons in each ward.
fn persons(answer: &Answer) -> Vec<(Key, u64)> {
    let cells = answer.table.cells.iter();
    cells
        .map(|cell| (cell.key[0].clone(), cell.persons))
        .collect()
}

fn wards(a: u64, b: u64) -> Vec<(Key, u64)> {
    let ward = |name: &str| Key::Code(name.to_owned());
    vec![(ward("A"), a), (ward("B"), b)]
}

#[tokio::test]
async fn a_view_in_postgresql_is_counted_there() {
    let (server, _) = hospital().await;
    let published = published(&server).await;
    let data = published.look().await;

    let answer = counted(&data).await;

    assert_eq!(persons(&answer), wards(20, 20));
    assert_eq!(answer.counted.len(), PERSONS as usize);
    // 13, and 22 to 58 by twos, about the middle of 0 and 90.
    let days = 13 + (22..=58).step_by(2).sum::<i64>() - 20 * 45;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let sum = days as f64;
    assert_eq!(
        answer.table.cells[0].measures[1],
        Part::Moments {
            values: 20,
            sum,
            squares: None
        }
    );
    let view = &data.views()[0];
    assert_eq!(
        (view.register_id.as_str(), view.persons_about),
        ("kreft", 40)
    );
}
