//! The whole aggregate is made by the server: what the plan says, what crosses the wire, and that
//! a query nobody waits for ends there too.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::time::Duration;

use innsyn_agent::engine::EngineError;
use innsyn_agent::engine::postgres::Statement;
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use super::super::fleet::until;
use super::super::postgres::meter::Meter;
use super::super::postgres::register::{self, Published, count_until, included};
use super::{by_ward, counted, hospital, persons, published, stays, wards};

/// Stays of each person, so that rows are many more than persons.
const STAYS_EACH: u32 = 200;

#[tokio::test]
async fn promise_6_no_row_crosses_the_wire_but_cells_and_numbers_of_persons() {
    let (server, ids) = hospital().await;
    let more = format!(
        "INSERT INTO stays SELECT id, day, ward, days, cost FROM stays, generate_series(2, {STAYS_EACH})"
    );
    server.run(&more).await;
    let meter = Meter::before(&server);
    let mut section = register::section(&server, &json!([stays()]));
    section["host"] = json!(meter.host());
    let published = Published::open(section).await;
    let data = published.look().await;
    let _looking = meter.take();

    let answer = counted(&data).await;
    let few = meter.take();

    assert_eq!(persons(&answer), wards(20, 20));
    assert_eq!(answer.table.cells[0].events, u64::from(20 * STAYS_EACH));
    // 8,000 rows, of 40 persons in two cells. Beside them are what every session says of itself
    // and the names of the columns.
    println!("{} bytes for {} rows", few.len(), 40 * STAYS_EACH);
    assert!(few.len() < 4_000, "{} bytes", few.len());
    for id in &ids {
        let has = few.windows(id.len()).any(|part| part == id.as_bytes());
        assert!(!has, "an id crossed the wire");
    }
}

/// What `EXPLAIN` says: rows of the tables go into aggregates, and only cells come out.
#[tokio::test]
async fn the_plan_aggregates_at_the_server() {
    let (server, _) = hospital().await;
    let published = published(&server).await;
    let data = published.look().await;
    let (reader, connection) = tokio_postgres::Config::new()
        .host_path(server.socket_folder())
        .port(server.port())
        .user("innsyn_reader")
        .dbname("postgres")
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let settings = "SET innsyn.purpose = 2; SET innsyn.left_out = '{}'";
    reader.batch_execute(settings).await.unwrap();

    let query = by_ward();
    let statement = Statement::of(&query, data.snapshot(), "innsyn").unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) {}", statement.sql());
    let rows = reader
        .query(&explain, &statement.parameters())
        .await
        .unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = lines.join("\n");
    println!("{plan}");

    assert!(lines[0].starts_with("Append"), "{plan}");
    // Each part of the answer is an aggregate, of which the rows of persons are.
    let parts = lines.iter().filter(|line| line.starts_with("  ->  "));
    for part in parts {
        assert!(part.contains("Aggregate"), "{plan}");
    }
    assert!(plan.contains("Aggregate"), "{plan}");
    assert!(plan.contains("Seq Scan on stays"), "{plan}");
    assert!(plan.contains("Subquery Scan on stays"), "a barrier: {plan}");
}

/// A register's view that takes for ever.
const SLOW: &str = "
    ALTER TABLE stays RENAME TO raw;
    CREATE VIEW stays AS SELECT id, day, ward, days, cost FROM raw;
    GRANT SELECT ON stays TO innsyn_keeper;";
const SLOWER: &str = "
    CREATE OR REPLACE VIEW stays AS
    SELECT id, day, ward || CASE WHEN pg_sleep(600) IS NULL THEN '' ELSE '' END AS ward, days, cost
    FROM raw";

#[tokio::test]
async fn a_query_that_nobody_waits_for_ends_at_the_server() {
    let (server, _) = hospital().await;
    server.run(SLOW).await;
    let published = published(&server).await;
    let data = published.look().await;
    server.run(SLOWER).await;
    let running = "pg_stat_activity WHERE usename = 'innsyn_reader' AND state = 'active'";

    let cancel = CancellationToken::new();
    let counting = tokio::spawn({
        let (data, cancel) = (data.clone(), cancel.clone());
        async move { count_until(&data, &by_ward(), included(&data), cancel).await }
    });
    until("the query", async || server.count(running).await == 1).await;
    cancel.cancel();

    let ended = timeout(Duration::from_secs(30), counting).await;
    let ended = ended.expect("it ends").unwrap();
    assert_eq!(ended.unwrap_err(), EngineError::Cancelled);
    until("its end", async || server.count(running).await == 0).await;
}
