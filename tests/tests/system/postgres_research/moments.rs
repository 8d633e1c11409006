//! A snapshot is one moment of the database, and is called by what it holds.

use innsyn_agent::engine::EngineError;
use innsyn_agent::research::data::Refreshed;
use innsyn_agent::sources::Refreshed as Read;
use tokio_util::sync::CancellationToken;

use super::super::postgres::register::{count, included};
use super::{by_ward, counted, first_says_no, hospital, persons, published, wards};

#[tokio::test]
async fn equal_content_has_an_equal_name_and_a_changed_row_another() {
    let (server, ids) = hospital().await;
    let first = published(&server).await.look().await;
    let answer = counted(&first).await;
    // Rows in another order, and other places.
    server
        .run(
            "CREATE TABLE copy AS TABLE stays; DELETE FROM stays;
             INSERT INTO stays SELECT * FROM copy ORDER BY days DESC",
        )
        .await;

    let again = published(&server).await.look().await;
    assert_eq!(again.snapshot_name(), first.snapshot_name());
    assert_eq!(counted(&again).await, answer);

    let changed = format!("UPDATE stays SET days = 14 WHERE id = '{}'", ids[0]);
    server.run(&changed).await;
    let other = published(&server).await.look().await;
    assert_ne!(other.snapshot_name(), first.snapshot_name());
}

#[tokio::test]
async fn a_query_sees_the_moment_that_its_snapshot_is_called_by() {
    let (server, ids) = hospital().await;
    let published = published(&server).await;
    let data = published.look().await;
    let before = counted(&data).await;

    server
        .run(&format!(
            "UPDATE stays SET ward = 'C'; DELETE FROM stays WHERE id = '{}'",
            ids[1]
        ))
        .await;

    assert_eq!(counted(&data).await, before);
}

/// Nothing stands still for a register that loads its tables anew: no lock is held, and a table
/// that looks empty because of it is not counted.
#[tokio::test]
async fn a_table_that_is_truncated_is_noticed_and_looked_at_again() {
    let (server, _) = hospital().await;
    let published = published(&server).await;
    let data = published.look().await;

    server
        .run(
            "CREATE TABLE copy AS TABLE stays; SET lock_timeout = '5s'; TRUNCATE stays;
             INSERT INTO stays SELECT * FROM copy WHERE ward = 'A'",
        )
        .await;

    let error = count(&data, &by_ward(), included(&data)).await;
    assert!(
        matches!(error, Err(EngineError::Database { .. })),
        "{error:?}"
    );
    let looked = published.publisher.refresh(&CancellationToken::new()).await;
    assert!(matches!(looked, Ok(Refreshed::Published(_))), "{looked:?}");
    assert_eq!(
        persons(&counted(&published.data()).await),
        wards(20, 0)[..1]
    );
}

/// As soon as the settings are read again, whoever says no is left out, of the same snapshot.
#[tokio::test]
async fn a_no_counts_before_the_views_are_looked_at_again() {
    let (server, ids) = hospital().await;
    let published = published(&server).await;
    let before = published.look().await;
    assert_eq!(persons(&counted(&before).await), wards(20, 20));

    first_says_no(&server, &ids).await;
    let deleted = format!("UPDATE people SET state = 2 WHERE fnr = '{}'", ids[1]);
    server.run(&deleted).await;
    assert_eq!(published.store.refresh().await.unwrap(), Read::Reloaded);
    let after = published.data();

    assert_eq!(after.snapshot_name(), before.snapshot_name());
    let answer = counted(&after).await;
    assert_eq!(persons(&answer), wards(19, 19));
    assert!(!answer.counted.contains(0) && !answer.counted.contains(1));
}

/// Who may be counted only from now on is so when the views are looked at again.
#[tokio::test]
async fn a_yes_waits_for_the_next_look() {
    let (server, ids) = hospital().await;
    first_says_no(&server, &ids).await;
    let open = published(&server).await;
    open.look().await;

    server.run("DELETE FROM settings").await;
    open.store.refresh().await.unwrap();
    assert_eq!(persons(&counted(&open.data()).await), wards(19, 20));
    // And so nothing that is told of who was included says otherwise.
    assert!(!included(&open.data()).contains(0));
    let again = published(&server).await.look().await;
    assert_eq!(persons(&counted(&again).await), wards(20, 20));
    assert!(included(&again).contains(0));
}
