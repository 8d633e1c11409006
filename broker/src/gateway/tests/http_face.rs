//! A listing over HTTP.

use axum::body::Body;
use futures::StreamExt as _;
use futures::stream;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use innsyn_policy::Outcome;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::ServiceExt as _;

use super::support::*;
use crate::gateway::fanout::{Readiness, Update};

#[tokio::test]
async fn promise_1_every_register_has_one_outcome_in_the_order_of_the_catalogue() {
    let world = World::new().await;

    let answer = world.ask(&world.token(), KARI).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let body = answer.json();
    let rows: Vec<_> = body["registrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
            (text("registerId"), text("outcome"), text("reason"))
        })
        .collect();
    let expected = [
        ("en", "REGISTERED", "-"),
        ("to", "NOT_REGISTERED", "-"),
        ("tre", "DELETED", "-"),
        ("fire", "WITHHELD", "AREA_NOT_COVERED"),
        ("fem", "CANNOT_BE_ASKED", "DEIDENTIFIED"),
        ("seks", "NO_ANSWER", "TIMEOUT"),
        ("sju", "NOT_CONNECTED", "-"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(rows, expected);
    let first = &body["registrations"][0];
    assert_eq!(first["registeredSince"], "2012-03-04");
    assert_eq!(first["lastChanged"], "2025-12-31");
    assert_eq!(first["useLogLeaf"], "07".repeat(32));
    assert_eq!(first["register"]["nameEn"], "Register en");
    let summary = &body["summary"];
    assert_eq!(summary["registers"], 7);
    assert_eq!(summary["asked"], 5);
    assert_eq!(summary["answered"], 4);
    assert_eq!(summary["complete"], false);
}

#[tokio::test(start_paused = true)]
async fn promise_1_a_fan_out_that_leaves_out_repeats_or_hangs_is_accounted_for() {
    let world = World::new().await;
    let not_there = Update {
        register: 99,
        ..update(0)
    };
    let contradiction = Update {
        outcome: Outcome::NotRegistered,
        ..update(0)
    };

    world.registers.answer_with(move || {
        stream::iter([update(0), contradiction, not_there, update(2)]).boxed()
    });
    let left_out = world.ask(&world.token(), KARI).await.json();
    world
        .registers
        .answer_with(|| stream::iter([update(0)]).chain(stream::pending()).boxed());
    let hung = world.ask(&world.token(), KARI).await.json();

    for (body, reason) in [(left_out, "INVALID_ANSWER"), (hung, "TIMEOUT")] {
        let rows = body["registrations"].as_array().unwrap();
        assert_eq!(rows.len(), 7);
        assert_eq!(rows[0]["outcome"], "REGISTERED");
        assert_eq!(rows[1]["outcome"], "NO_ANSWER");
        assert_eq!(rows[1]["reason"], reason);
        assert_eq!(body["summary"]["registers"], 7);
    }
}

#[tokio::test]
async fn the_catalogue_can_be_left_out() {
    let world = World::new().await;

    let body = json!({ "nationalId": KARI, "omitCatalogue": true }).to_string();
    let answer = world.post(&body).await.json();

    assert!(answer["registrations"][0].get("register").is_none());
}

#[tokio::test]
async fn updates_come_live_and_the_summary_last() {
    let world = World::new().await;
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    world.registers.answer_with(move || {
        let receiver = receiver.lock().unwrap().take().unwrap();
        UnboundedReceiverStream::new(receiver).boxed()
    });
    let mut request = listing(&world.token(), &json!({ "nationalId": KARI }).to_string());
    let accept = "text/event-stream, */*;q=0.1".parse().unwrap();
    request.headers_mut().insert(header::ACCEPT, accept);

    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let mut body = response.into_body();

    // Each is read before the next is told, so nothing waits for the end.
    for register in 0..7 {
        sender.send(update(register)).unwrap();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let event = String::from_utf8(frame.to_vec()).unwrap();
        assert!(event.starts_with("event: registration\ndata: {"), "{event}");
    }
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(frame.starts_with(b"event: summary\ndata: {\"registers\":7,"));
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn the_catalogue_is_for_clients_with_a_token() {
    let world = World::new().await;

    let with_token = world.get("/v1/registers").await;
    let without = Request::get("/v1/registers").body(Body::empty()).unwrap();
    let without = world.send(without).await;

    let ids: Vec<_> = with_token.json()["registers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|register| register["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["en", "to", "tre", "fire", "fem", "seks", "sju"]);
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn readiness_says_what_is_the_matter() {
    let world = World::new().await;
    let all_well = Readiness {
        registers_connected: 4,
        registers_expected: 5,
        relay_reachable: true,
    };

    assert_eq!(world.get("/healthz").await.status, StatusCode::OK);
    let ready = world.get("/readyz").await;
    world.registers.are(Readiness {
        relay_reachable: false,
        ..all_well
    });
    let no_relay = world.get("/readyz").await;
    world.registers.are(Readiness {
        registers_connected: 0,
        ..all_well
    });
    let no_register = world.get("/readyz").await;

    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(
        ready.json(),
        json!({
            "ready": true, "relayReachable": true, "registersConnected": 4,
            "registersExpected": 5, "tokenKeys": true,
        })
    );
    assert_eq!(no_relay.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(no_relay.json()["relayReachable"], false);
    assert_eq!(no_register.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn metrics_count_outcomes_and_refusals() {
    let world = World::new().await;
    world.ask(&world.token(), KARI).await;
    world.ask("garbage", KARI).await;
    world.ask(&world.token(), OLA).await;

    let metrics = world.get("/metrics").await.body;

    for line in [
        "innsyn_gateway_outcomes_total{outcome=\"REGISTERED\",reason=\"\"} 1",
        "innsyn_gateway_outcomes_total{outcome=\"NO_ANSWER\",reason=\"TIMEOUT\"} 1",
        "innsyn_gateway_refusals_total{reason=\"TOKEN_REFUSED\",cause=\"malformed\"} 1",
        "innsyn_gateway_refusals_total{reason=\"SUBJECT_MISMATCH\",cause=\"\"} 1",
        "innsyn_gateway_listing_seconds_count 1",
        "innsyn_gateway_listings_in_flight 0",
        "innsyn_gateway_listings_abandoned_total 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
