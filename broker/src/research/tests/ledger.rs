//! One question has one table, and a permit's budget is charged once for it.

use std::time::Duration;

use innsyn_proto::wire::research::v1 as wire;
use sqlx::Connection as _;
use tonic_types::StatusExt as _;

use super::agent::Behaviour;
use super::queries::*;
use super::world::*;
use crate::research::ledger::LedgerConfig;

async fn counting() -> World {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    world
}

async fn releases(world: &World) -> Vec<wire::Release> {
    let ledger = wire::LedgerRequest {
        data_permit: world.permit(),
    };
    let ledger = world.client().ledger(world.call(ledger)).await.unwrap();
    ledger.into_inner().releases
}

#[tokio::test]
async fn the_same_question_gets_the_earlier_table_with_its_date_and_asks_nobody() {
    let world = counting().await;
    let first = world.run(persons_by_sex()).await.unwrap();
    // Had anybody been asked again, it would show.
    world.agent("nord").counts(sexes(503, 52));
    world.clock.advance(Duration::from_mins(5));

    let again = world.run(persons_by_sex()).await.unwrap();

    assert!(again.is_earlier && !first.is_earlier);
    let first_again = wire::ReleasedTable {
        is_earlier: true,
        ..first
    };
    assert_eq!(again, first_again);
    assert_eq!(world.asked(), 2);
    let releases = releases(&world).await;
    assert_eq!(releases.len(), 1);
    assert_eq!(releases[0].query_name, again.query_name);
    assert_eq!(releases[0].released_at, NOW + 60);
    assert_eq!(
        (releases[0].registers_asked, releases[0].registers_answered),
        (2, 2)
    );
    assert!(!releases[0].words_nb.is_empty() && !releases[0].words_en.is_empty());
}

#[tokio::test]
async fn another_set_of_registers_is_another_table() {
    let world = counting().await;
    let soon = || wire::RunRequest {
        deadline_ms: 500,
        ..world.asking(persons_by_sex())
    };
    world.agent("vest").does(Behaviour::Hangs);
    let alone = world.run_of(soon()).await.1.unwrap();
    world.agent("vest").counts(sexes(104, 51));

    let both = world.run_of(soon()).await.1.unwrap();
    assert!(!both.is_earlier);
    assert_ne!(both.rows, alone.rows);

    // Now that everybody's part was released, nobody needs to be asked.
    world.agent("vest").does(Behaviour::Hangs);
    let again = world.run_of(soon()).await.1.unwrap();
    assert!(again.is_earlier);
    assert_eq!(again.rows, both.rows);
    assert_eq!(releases(&world).await.len(), 2);
}

#[tokio::test]
async fn data_that_have_changed_since_they_were_published_are_told_by_the_answers() {
    let world = counting().await;
    world.face.published().await;
    world.agent("nord").has_snapshot(2);
    world.agent("nord").counts(sexes(103, 52));

    let first = world.run(persons_by_sex()).await.unwrap();
    assert!(!first.is_earlier);
    let again = world.run(persons_by_sex()).await.unwrap();
    assert!(again.is_earlier);
    assert_eq!(again.rows, first.rows);

    world.agent("nord").has_snapshot(3);
    world.agent("nord").counts(sexes(203, 52));
    let changed = world.run(persons_by_sex()).await.unwrap();
    assert!(!changed.is_earlier);
    assert_ne!(changed.rows, first.rows);
}

#[tokio::test]
async fn the_budget_is_charged_once_for_each_table() {
    let world = counting().await;
    let asking = |query| {
        let mut terms = world.terms();
        terms.budget_queries = 1;
        wire::RunRequest {
            data_permit: world.permit_of(terms),
            ..world.asking(query)
        }
    };
    world.run_of(asking(persons_by_sex())).await.1.unwrap();
    let other = || asking(asks(vec![], vec![persons()]));

    let error = world.run_of(other()).await.1.unwrap_err();
    let details = error.get_details_error_info().unwrap();
    assert_eq!(details.reason, "OUTSIDE_DATA_PERMIT");
    assert_eq!(details.metadata["field"], "budget");
    assert_eq!(world.asked(), 2);

    // What was paid for is still there.
    let again = world.run_of(asking(persons_by_sex())).await.1.unwrap();
    assert!(again.is_earlier);
}

#[tokio::test]
async fn promise_5_a_gateway_whose_ledger_fails_asks_nobody_and_says_that_it_is_not_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let section = LedgerConfig::Sqlite { file: file.clone() };
    let ledger = section.open().await.unwrap();
    let world = World::with(&["nord", "vest"], true, ledger).await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    let first = world.run(persons_by_sex()).await.unwrap();
    assert!(world.face.is_ready());

    let url = format!("sqlite://{}", file.display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let lost = "ALTER TABLE innsyn_contributor RENAME TO lost";
    sqlx::raw_sql(lost).execute(&mut other).await.unwrap();
    let error = world.run(persons_by_sex()).await.unwrap_err();
    let details = error.get_details_error_info().unwrap();
    assert_eq!(details.reason, "LEDGER_UNAVAILABLE");
    assert!(error.message().contains("nothing is released"), "{error}");
    assert!(!world.face.is_ready());
    assert_eq!(world.asked(), 2);

    let found = "ALTER TABLE lost RENAME TO innsyn_contributor";
    sqlx::raw_sql(found).execute(&mut other).await.unwrap();
    let again = world.run(persons_by_sex()).await.unwrap();
    assert!(again.is_earlier && world.face.is_ready());
    assert_eq!(again.rows, first.rows);
}
