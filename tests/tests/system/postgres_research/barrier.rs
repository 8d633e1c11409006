//! Of who says no nothing is looked at, and no error tells of them.

use innsyn_agent::engine::EngineError;
use tokio_postgres::NoTls;

use super::super::postgres::register::{count, included};
use super::super::postgres::server::Server;
use super::{by_ward, counted, first_says_no, hospital, persons, published, wards};

/// A session of the role that runs queries, for research.
async fn reader(server: &Server) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(server.socket_folder())
        .port(server.port())
        .user("innsyn_reader")
        .dbname("postgres")
        .connect(NoTls)
        .await
        .expect("the reader may log in");
    tokio::spawn(connection);
    let settings = "SET innsyn.purpose = 2; SET innsyn.left_out = '{}'";
    client.batch_execute(settings).await.expect("settings");
    client
}

/// What a condition does over the view, and over the table without a barrier.
async fn over_view_and_table(server: &Server, condition: &str) -> (i64, Option<String>) {
    let over_view = format!("SELECT count(*) FROM innsyn.stays WHERE {condition}");
    let row = reader(server).await.query_one(&over_view, &[]).await;
    let over_view = row.unwrap_or_else(|error| panic!("{condition}: {error:?}"));
    let over_table = format!(
        "SELECT count(*) FROM (SELECT s.days, s.ward AS unit FROM stays s \
         WHERE NOT EXISTS (SELECT FROM settings n WHERE n.fnr = s.id)) t WHERE {condition}"
    );
    let over_table = server.fails(&over_table).await;
    (over_view.get(0), over_table)
}

/// Were a condition evaluated on the row of who says no, it would fail: a division by nought, a
/// text that is no number, a number out of range.
#[tokio::test]
async fn no_condition_is_evaluated_on_who_says_no() {
    let (server, ids) = hospital().await;
    server.run("UPDATE stays SET ward = '1'").await;
    let theirs = format!("UPDATE stays SET ward = 'x' WHERE id = '{}'", ids[0]);
    server.run(&theirs).await;
    first_says_no(&server, &ids).await;
    let published = published(&server).await;
    let data = published.look().await;
    assert!(!included(&data).contains(0), "the first says no");

    for (condition, state) in [
        ("1 / (days - 13) > -1", "22012"),
        ("unit::int = 1", "22P02"),
        ("chr(days::int - 13) <> 'z'", "54000"),
    ] {
        let (rows, failed) = over_view_and_table(&server, condition).await;
        assert_eq!(rows, 39, "{condition}");
        // Without a barrier the same shows that somebody who says no has such a value.
        assert_eq!(failed.as_deref(), Some(state), "{condition}");
    }
}

/// The reader sees those who are included for the purpose that it names, and must name one.
#[tokio::test]
async fn without_a_purpose_the_reader_sees_nobody() {
    let (server, ids) = hospital().await;
    first_says_no(&server, &ids).await;
    let published = published(&server).await;
    let _data = published.look().await;
    let reader = reader(&server).await;
    let seen = async |purpose: &str| {
        let set = format!("SET innsyn.purpose = {purpose}");
        reader.batch_execute(&set).await.unwrap();
        let rows = reader.query_one("SELECT count(*) FROM innsyn.stays", &[]);
        rows.await.map(|row| row.get::<_, i64>(0))
    };

    // Who says no to research says nothing of planning.
    assert_eq!(seen("2").await.unwrap(), 39);
    assert_eq!(seen("4").await.unwrap(), 40);
    assert_eq!(seen("0").await.unwrap(), 0);
    seen("DEFAULT").await.expect_err("no purpose");
    let outside = [
        "SELECT FROM stays",
        "SELECT FROM people",
        "SELECT FROM innsyn.\"Person\"",
        "DELETE FROM stays",
        "CREATE TABLE innsyn.mine ()",
    ];
    for statement in outside {
        let error = reader.batch_execute(statement).await.expect_err(statement);
        assert_eq!(
            error.code().map(tokio_postgres::error::SqlState::code),
            Some("42501")
        );
    }
}

/// Values that no answer can hold are missing, whoever's they are, and the table without who says
/// no is the same whatever their values.
#[tokio::test]
async fn values_that_would_fail_are_missing_and_tell_nothing() {
    let (server, ids) = hospital().await;
    first_says_no(&server, &ids).await;
    let published = published(&server).await;
    let before = counted(&published.look().await).await;
    assert_eq!(persons(&before), wards(19, 20));

    for (day, cost) in [
        ("'infinity'", "'NaN'"),
        ("'-infinity'", "'Infinity'"),
        ("'4713-01-01 BC'", "10::numeric ^ 400"),
        ("'5874897-12-31'", "10::numeric ^ -400"),
        ("NULL", "NULL"),
    ] {
        let theirs = format!(
            "UPDATE stays SET day = {day}, cost = {cost}, days = 2147483647 WHERE id = '{}'",
            ids[0]
        );
        server.run(&theirs).await;
        let after = super::published(&server).await;
        assert_eq!(counted(&after.look().await).await, before, "{day}, {cost}");
    }
    for cost in ["'NaN'", "'Infinity'", "10::numeric ^ 400"] {
        let anybody = format!("UPDATE stays SET cost = {cost} WHERE id = '{}'", ids[1]);
        server.run(&anybody).await;
        let after = super::published(&server).await;
        let answer = counted(&after.look().await).await;
        let innsyn_agent::engine::Part::Moments { values, .. } = answer.table.cells[1].measures[2]
        else {
            panic!("a variance");
        };
        assert_eq!((values, persons(&answer)), (19, wards(19, 20)), "{cost}");
    }
}

/// A register's own view may fail. What PostgreSQL says of that quotes the row; we do not.
#[tokio::test]
async fn the_servers_words_about_a_row_are_not_repeated() {
    let (server, ids) = hospital().await;
    server
        .run(
            "ALTER TABLE stays RENAME TO raw;
             CREATE FUNCTION read(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
             CREATE VIEW stays AS SELECT id, day, read(ward) AS ward, days, cost FROM raw;
             GRANT SELECT ON stays TO innsyn_keeper",
        )
        .await;
    let published = published(&server).await;
    let data = published.look().await;
    assert_eq!(persons(&counted(&data).await), wards(20, 20));
    server
        .run(
            "CREATE OR REPLACE FUNCTION read(text) RETURNS text LANGUAGE sql
             AS $$ SELECT (('Kari ' || $1)::int)::text $$",
        )
        .await;

    let error = count(&data, &by_ward(), included(&data)).await;
    let error = error.expect_err("the register's view fails");
    let state = "22P02".to_owned();
    assert_eq!(error, EngineError::Database { state });
    let words = format!("{error} {error:?}");
    assert!(
        !words.contains("Kari") && !words.contains(&ids[0]),
        "{words}"
    );
}
