//! A query that is asked for until it is done.

use arrow_flight::PollInfo;

use super::*;
use crate::flight::polling::{LEASE, lapsed};
use crate::research::tests::agent::Behaviour;

async fn poll(driver: &Driver, descriptor: FlightDescriptor) -> Result<PollInfo, Status> {
    let request = driver.call(descriptor);
    let told = driver.client.clone().poll_flight_info(request).await?;
    Ok(told.into_inner())
}

#[tokio::test]
async fn a_query_that_is_polled_for_tells_how_far_it_is_and_then_where_to_fetch() {
    let world = counting().await;
    world.agent("vest").does(Behaviour::Hangs);
    let driver = Driver::new(&world).with("innsyn-deadline-ms", "3000");
    let mut told = poll(&driver, descriptor(&statement(BY_SEX))).await.unwrap();
    let mut shares = Vec::new();
    let info = loop {
        shares.push(told.progress.unwrap());
        let Some(again) = told.flight_descriptor.clone() else {
            break told.info.unwrap();
        };
        assert_eq!(
            told.expiration_time.unwrap().seconds,
            1_767_225_660 + i64::try_from(LEASE.as_secs()).unwrap()
        );
        told = poll(&driver, again).await.unwrap();
    };
    assert!(shares.is_sorted(), "{shares:?}");
    assert!(shares.contains(&0.5), "one of two has answered: {shares:?}");
    let batch = driver.fetch(info).await.unwrap();
    assert_eq!(batch.schema().metadata()["innsyn.registers_answered"], "1");
    // It ran once.
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_query_that_nobody_polls_for_any_more_ends() {
    use tokio::time::{Instant, sleep, timeout};
    let begun = Instant::now();
    let (asked_at, lease) = tokio::sync::watch::channel(begun);
    let ends = tokio::spawn(lapsed(lease));
    sleep(LEASE / 2).await;
    asked_at.send_replace(Instant::now());

    timeout(LEASE * 3, ends).await.unwrap().unwrap();

    assert_eq!(begun.elapsed(), LEASE * 3 / 2);
}

#[tokio::test]
async fn what_is_not_a_query_is_done_at_once() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let catalogs = arrow_flight::sql::CommandGetCatalogs {};
    let told = poll(&driver, descriptor(&catalogs)).await.unwrap();
    assert!(told.flight_descriptor.is_none());
    let batch = driver.fetch(told.info.unwrap()).await.unwrap();
    assert_eq!(rows(&batch), ["innsyn"]);
}

#[tokio::test]
async fn why_a_query_failed_is_told_to_who_polls() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let mut told = poll(&driver, descriptor(&statement("SELECT * FROM persons"))).await;
    while let Ok(PollInfo {
        flight_descriptor: Some(again),
        ..
    }) = told
    {
        told = poll(&driver, again).await;
    }
    assert_eq!(reason(&told.unwrap_err()), "SQL_REFUSED");
    let unknown = FlightDescriptor::new_cmd(ticket(&[1; 16]).ticket);
    let unknown = poll(&driver, unknown).await.unwrap_err();
    assert_eq!(reason(&unknown), "TICKET_UNKNOWN");
}
