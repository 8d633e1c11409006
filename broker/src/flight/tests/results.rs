//! Tickets: whose, for how long, how many; and that a query runs once.

use std::time::Duration;

use innsyn_policy::NationalId;
use serde_json::json;

use super::*;
use crate::flight::results::{LIFETIME_S, RESULTS_OF_ONE_MAX};
use crate::research::tests::world::OLA;

#[tokio::test]
async fn a_query_runs_once_however_often_its_result_is_fetched() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let info = driver.info(statement(BY_SEX)).await.unwrap();
    assert_eq!(world.asked(), 2);
    for _ in 0..2 {
        let batch = driver.fetch(info.clone()).await.unwrap();
        assert_eq!(batch.num_rows(), 2);
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_ticket_is_its_researchers_alone() {
    let world = counting().await;
    let kari = Driver::new(&world);
    let info = kari.info(statement(BY_SEX)).await.unwrap();
    // Ola is entitled by the same permit.
    let mut terms = world.terms();
    terms
        .people
        .insert(NationalId::parse(OLA, innsyn_policy::NumberRules::default()).unwrap());
    let mut claims = claims();
    claims["pid"] = json!(OLA);
    let ola = Driver {
        token: world.token_of(&claims),
        ..Driver::new(&world)
    };
    let ola = ola.with("innsyn-data-permit", &world.permit_of(terms));

    let refused = ola.fetch(info.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "TICKET_UNKNOWN");
    let report = ola.run("SELECT * FROM query_report").await.unwrap_err();
    assert_eq!(reason(&report), "NO_REPORT");
    let stranger = Driver {
        token: "x".to_owned(),
        ..Driver::new(&world)
    };
    let refused = stranger.fetch(info.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_REFUSED");
    for id in [vec![], vec![0; 16], vec![0; 17]] {
        let refused = kari.get(ticket(&id)).await.unwrap_err();
        assert_eq!(reason(&refused), "TICKET_UNKNOWN");
    }
    assert_eq!(kari.fetch(info).await.unwrap().num_rows(), 2);
}

#[tokio::test]
async fn a_ticket_says_when_it_ends_and_ends_then() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let info = driver.info(statement(BY_SEX)).await.unwrap();
    let ends = info.endpoint[0].expiration_time.unwrap().seconds;
    assert_eq!(ends, 1_767_225_660 + LIFETIME_S);

    let almost = Duration::from_secs(LIFETIME_S.unsigned_abs() - 1);
    world.clock.advance(almost);
    assert!(driver.fetch(info.clone()).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    let refused = driver.fetch(info).await.unwrap_err();
    assert_eq!(reason(&refused), "TICKET_UNKNOWN");
    assert!(refused.message().contains("run the query again"));
}

#[tokio::test]
async fn a_researcher_has_so_many_results_waiting_and_no_more() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let mut infos = Vec::new();
    for _ in 0..=RESULTS_OF_ONE_MAX {
        infos.push(driver.info(statement(BY_SEX)).await.unwrap());
    }
    let mut infos = infos.into_iter();
    let oldest = driver.fetch(infos.next().unwrap()).await.unwrap_err();
    assert_eq!(reason(&oldest), "TICKET_UNKNOWN");
    for info in infos {
        assert!(driver.fetch(info).await.is_ok());
    }
}

#[tokio::test]
async fn a_result_that_is_cancelled_is_gone() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let info = driver.info(statement(BY_SEX)).await.unwrap();
    let cancel = async || {
        let request = arrow_flight::CancelFlightInfoRequest::new(info.clone());
        let results = driver
            .act("CancelFlightInfo", request.encode_to_vec())
            .await;
        let result = arrow_flight::CancelFlightInfoResult::decode(results.unwrap()[0].as_ref());
        result.unwrap().status()
    };
    assert_eq!(cancel().await, arrow_flight::CancelStatus::Cancelled);
    assert_eq!(cancel().await, arrow_flight::CancelStatus::NotCancellable);
    let refused = driver.fetch(info.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "TICKET_UNKNOWN");
}
