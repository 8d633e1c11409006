//! Ending a call ends the agents' work, whatever the call is.

use std::time::Duration;

use arrow_flight::PollInfo;
use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult, Any};
use tokio::time::timeout;

use super::*;

const A_SECOND: Duration = Duration::from_secs(1);

async fn under_way(world: &World, calls: usize) {
    for register in ["nord", "vest"] {
        world.agent(register).has_under_way(calls).await;
    }
}

async fn ended_at_the_agents(world: &World) {
    let ended = timeout(A_SECOND, under_way(world, 0)).await;
    ended.expect("the agents' work should have ended");
}

/// Agents hang, unless they are told to count.
async fn hanging() -> (World, Driver) {
    let world = World::new().await;
    let driver = Driver::new(&world);
    (world, driver)
}

#[tokio::test]
async fn leaving_a_query_ends_the_work_at_the_agents_within_a_second() {
    let (world, driver) = hanging().await;
    let asking = tokio::spawn(async move { driver.info(statement(BY_SEX)).await });
    under_way(&world, 1).await;

    // As `cursor.adbc_cancel()` and `Statement.cancel()` do: the call is reset.
    asking.abort();

    ended_at_the_agents(&world).await;
}

async fn polled(driver: &Driver) -> PollInfo {
    let request = driver.call(descriptor(&statement(BY_SEX)));
    let polled = driver.client.clone().poll_flight_info(request).await;
    polled.unwrap().into_inner()
}

#[tokio::test]
async fn cancelling_a_query_that_is_polled_for_ends_the_work_at_the_agents() {
    for action in ["CancelFlightInfo", "CancelQuery"] {
        let (world, driver) = hanging().await;
        let told = polled(&driver).await;
        under_way(&world, 1).await;
        let info = told.info.unwrap();

        let by_query = action == "CancelQuery";
        let body = if by_query {
            let info = info.encode_to_vec().into();
            let request = ActionCancelQueryRequest { info };
            request.as_any().encode_to_vec()
        } else {
            arrow_flight::CancelFlightInfoRequest::new(info).encode_to_vec()
        };
        let results = driver.act(action, body).await.unwrap();

        ended_at_the_agents(&world).await;
        let status = if by_query {
            let any = Any::decode(results[0].as_ref()).unwrap();
            let result: ActionCancelQueryResult = any.unpack().unwrap().unwrap();
            result.result
        } else {
            let result = arrow_flight::CancelFlightInfoResult::decode(results[0].as_ref());
            result.unwrap().status
        };
        // Both enumerations say 1 for what has been cancelled.
        assert_eq!(status, 1, "{action}");
        let again = driver.call(told.flight_descriptor.unwrap());
        let again = driver.client.clone().poll_flight_info(again).await;
        assert_eq!(reason(&again.unwrap_err()), "CANCELLED");
    }
}

#[tokio::test]
async fn nobody_else_cancels_a_query() {
    let (world, driver) = hanging().await;
    let told = polled(&driver).await;
    under_way(&world, 1).await;
    let mut claims = claims();
    claims["pid"] = serde_json::json!(crate::research::tests::world::OLA);
    let ola = Driver {
        token: world.token_of(&claims),
        ..Driver::new(&world)
    };
    let request = arrow_flight::CancelFlightInfoRequest::new(told.info.unwrap());
    let results = ola.act("CancelFlightInfo", request.encode_to_vec()).await;
    let result = arrow_flight::CancelFlightInfoResult::decode(results.unwrap()[0].as_ref());
    let status = result.unwrap().status();
    assert_eq!(status, arrow_flight::CancelStatus::NotCancellable);
    under_way(&world, 1).await;
}
