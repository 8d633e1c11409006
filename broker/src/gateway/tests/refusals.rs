//! Everything the gateway says no to: each with its own reason, none with a person in it, and
//! none after a register was asked.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use innsyn_policy::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::support::*;

#[tokio::test(start_paused = true)]
async fn every_bad_token_gets_one_answer_at_one_time() {
    let world = World::new().await;
    let good = claims(KARI, KARI);
    let stranger = Signer::es256("k1");
    let mut unknown_key = world.signer.header();
    unknown_key.kid = Some("k9".to_owned());
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let tokens: Vec<Vec<String>> = vec![
        vec![],
        vec!["Bearer".to_owned()],
        vec![format!("Basic {}", world.token())],
        vec![format!("Bearer {}", world.token()); 2],
        bearer(String::new()),
        bearer("garbage".to_owned()),
        bearer("x".repeat(9_000)),
        bearer(stranger.sign(&good)),
        bearer(world.signer.sign_with(&unknown_key, &good)),
        bearer(
            world
                .signer
                .sign(&with(good.clone(), json!({ "exp": NOW }))),
        ),
        bearer(
            world
                .signer
                .sign(&with(good.clone(), json!({ "aud": "other" }))),
        ),
        bearer(
            world
                .signer
                .sign(&with(good.clone(), json!({ "iss": "other" }))),
        ),
    ];

    let mut answers = Vec::new();
    for values in tokens {
        let mut request = listing("", &json!({ "nationalId": KARI }).to_string());
        request.headers_mut().remove(header::AUTHORIZATION);
        for value in values {
            let value = value.parse().unwrap();
            request.headers_mut().append(header::AUTHORIZATION, value);
        }
        let began = Instant::now();
        let answer = world.send(request).await;
        answers.push((answer, began.elapsed()));
    }

    let (first, waited) = &answers[0];
    assert_eq!(first.status, StatusCode::UNAUTHORIZED);
    assert_eq!(first.reason(), "TOKEN_REFUSED");
    assert_eq!(
        first.headers[header::WWW_AUTHENTICATE],
        "Bearer error=\"invalid_token\""
    );
    for (answer, elapsed) in &answers {
        assert_eq!((answer, elapsed), (first, waited));
    }
    assert_eq!(*waited, world.config.refusal_after);
    assert_eq!(world.registers.asked(), 0);
}

fn parent(born: &str) -> Value {
    json!({ "rep": { "kind": "parent", "birth_date": born } })
}

fn poa(areas: &[&str], from: i64, until: i64) -> Value {
    json!({ "rep": {
        "kind": "poa", "areas": areas, "valid_from": from, "valid_until": until,
    } })
}

#[tokio::test]
async fn a_good_token_that_does_not_reach_is_refused_before_any_register_is_asked() {
    let world = World::new().await;
    let changed = |changes| with(claims(KARI, KARI), changes);
    let for_child = |changes| with(claims(CHILD, KARI), changes);
    let for_ola = |changes| with(claims(OLA, KARI), changes);
    let (before, now, after) = (NOW - 100, NOW + 60, NOW + 1_000);
    let table = [
        (
            changed(json!({ "scp": "innsyn:registrationsx other" })),
            KARI,
            "SCOPE_MISSING",
        ),
        (changed(json!({ "scp": null })), KARI, "SCOPE_MISSING"),
        (
            changed(json!({ "client_id": "stranger" })),
            KARI,
            "CLIENT_UNKNOWN",
        ),
        (
            changed(json!({ "act_pid": null })),
            KARI,
            "TOKEN_PERSON_MISSING",
        ),
        (
            changed(json!({ "act_pid": "12345678901" })),
            KARI,
            "TOKEN_PERSON_MISSING",
        ),
        (changed(json!({})), OLA, "SUBJECT_MISMATCH"),
        (
            changed(json!({ "acr": "idporten-loa-substantial" })),
            KARI,
            "ASSURANCE_TOO_LOW",
        ),
        (changed(json!({ "acr": null })), KARI, "ASSURANCE_TOO_LOW"),
        (changed(parent("2018-11-01")), KARI, "REPRESENTS_ONESELF"),
        (for_ola(json!({})), OLA, "REPRESENTATION_MISSING"),
        (
            for_ola(json!({ "rep": "poa" })),
            OLA,
            "REPRESENTATION_NOT_UNDERSTOOD",
        ),
        (
            for_ola(
                json!({ "rep": { "kind": "poa", "areas": ["insight"], "valid_from": before } }),
            ),
            OLA,
            "REPRESENTATION_NOT_UNDERSTOOD",
        ),
        (
            for_ola(json!({ "rep": {
                "kind": "poa", "areas": ["insight"], "valid_from": before, "valid_until": after,
                "only_on": "mondays",
            } })),
            OLA,
            "REPRESENTATION_NOT_UNDERSTOOD",
        ),
        (
            for_child(json!({ "rep": { "kind": "parent" } })),
            CHILD,
            "CHILD_BIRTH_DATE_MISSING",
        ),
        (
            for_child(parent("18.11.2018")),
            CHILD,
            "REPRESENTATION_NOT_UNDERSTOOD",
        ),
        (for_child(parent("2009-01-01")), CHILD, "CHILD_NOT_UNDER_16"),
        (
            for_ola(poa(&["insight"], before, now)),
            OLA,
            "REPRESENTATION_EXPIRED",
        ),
        (
            for_ola(poa(&["insight"], now + 1, after)),
            OLA,
            "REPRESENTATION_NOT_YET_VALID",
        ),
        (
            for_ola(poa(
                &["insight/kind/other", "insight/register/kreft/x", "Insight"],
                before,
                after,
            )),
            OLA,
            "REPRESENTATION_COVERS_NOTHING",
        ),
    ];

    for (claims, national_id, reason) in table {
        let answer = world.ask(&world.signer.sign(&claims), national_id).await;

        assert_eq!(answer.reason(), reason);
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{reason}");
        assert!(!answer.body.contains(national_id));
    }
    assert_eq!(world.registers.asked(), 0);
}

#[tokio::test]
async fn a_representation_that_holds_is_let_through() {
    let world = World::new().await;
    let (before, after) = (NOW - 100, NOW + 1_000);
    let table = [
        (with(claims(CHILD, KARI), parent("2018-11-01")), CHILD),
        (
            with(claims(OLA, KARI), poa(&["insight"], before, after)),
            OLA,
        ),
        (
            with(
                claims(OLA, KARI),
                poa(&["x", "insight/kind/quality"], before, after),
            ),
            OLA,
        ),
        (
            with(
                claims(OLA, KARI),
                poa(&["insight/register/en"], before, after),
            ),
            OLA,
        ),
    ];

    for (asked, (claims, national_id)) in table.into_iter().enumerate() {
        let answer = world.ask(&world.signer.sign(&claims), national_id).await;

        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(world.registers.asked(), asked + 1);
    }
}

/// Midnight in Norway is 23:00 the day before in UTC, in winter.
#[tokio::test]
async fn a_parents_right_ends_at_midnight_in_norway() {
    let world = World::new().await;
    let birthday = 1_767_222_000; // 2026-01-01T00:00:00+01:00
    let token = || {
        let born = with(claims(CHILD, KARI), parent("2010-01-01"));
        let times = json!({ "iat": NOW - 4_000, "nbf": NOW - 4_000, "exp": NOW - 1_000 });
        world.signer.sign(&with(born, times))
    };

    world.clock.set(Timestamp::from_seconds(birthday - 1));
    assert_eq!(world.ask(&token(), CHILD).await.status, StatusCode::OK);
    world.clock.set(Timestamp::from_seconds(birthday));
    assert_eq!(
        world.ask(&token(), CHILD).await.reason(),
        "CHILD_NOT_UNDER_16"
    );
}

#[tokio::test]
async fn every_bad_body_has_an_error_of_its_own_without_what_was_sent() {
    let world = World::new().await;
    let table = [
        ("0181701005", "NATIONAL_ID_NOT_ELEVEN_DIGITS"),
        ("018170100551", "NATIONAL_ID_NOT_ELEVEN_DIGITS"),
        ("0181701005x", "NATIONAL_ID_NOT_ELEVEN_DIGITS"),
        ("٠١٨١٧٠١٠٠٥٥", "NATIONAL_ID_NOT_ELEVEN_DIGITS"),
        ("01817010056", "NATIONAL_ID_CONTROL_DIGITS"),
        ("30828030082", "NATIONAL_ID_NOT_A_DATE"),
        ("81234567802", "NATIONAL_ID_AUXILIARY"),
    ];
    for (national_id, reason) in table {
        let answer = world.ask(&world.token(), national_id).await;
        assert_eq!(answer.reason(), reason);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.body.contains(national_id));
    }

    let number = format!("{{\"nationalId\": {}}}", &KARI[1..]);
    let unknown = format!("{{\"nationalId\": \"{KARI}\", \"{OLA}\": 1}}");
    let twice = format!("{{\"nationalId\": \"{KARI}\", \"nationalId\": \"{OLA}\"}}");
    let table = [
        ("", "BODY_NOT_JSON"),
        ("{", "BODY_NOT_JSON"),
        ("{\"nationalId\": \"01817010055\"} x", "BODY_NOT_JSON"),
        ("[]", "BODY_NOT_UNDERSTOOD"),
        ("{}", "BODY_NOT_UNDERSTOOD"),
        (&number, "BODY_NOT_UNDERSTOOD"),
        (&twice, "BODY_NOT_UNDERSTOOD"),
        (&unknown, "FIELD_UNKNOWN"),
        (
            "{\"nationalId\": \"01817010055\", \"deadlineMs\": 199}",
            "DEADLINE_OUT_OF_BOUNDS",
        ),
        (
            "{\"nationalId\": \"01817010055\", \"deadlineMs\": 10001}",
            "DEADLINE_OUT_OF_BOUNDS",
        ),
        (
            "{\"nationalId\": \"01817010055\", \"deadlineMs\": -1}",
            "BODY_NOT_UNDERSTOOD",
        ),
    ];
    for (body, reason) in table {
        let answer = world.post(body).await;
        assert_eq!(answer.reason(), reason, "{body}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.body.contains(&KARI[1..]) && !answer.body.contains(OLA));
    }
    assert_eq!(world.registers.asked(), 0);
}

#[tokio::test]
async fn a_synthetic_person_is_refused_in_production() {
    let world = World::in_environment("production", "").await;

    let answer = world.ask(&world.token(), KARI).await;

    assert_eq!(answer.reason(), "NATIONAL_ID_SYNTHETIC_IN_PRODUCTION");
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.registers.asked(), 0);
}

#[tokio::test]
async fn what_http_itself_gets_wrong_is_a_problem_too() {
    let world = World::new().await;
    let body = json!({ "nationalId": KARI }).to_string();
    let changed = |change: fn(&mut Request<Body>)| {
        let mut request = listing(&world.token(), &body);
        change(&mut request);
        request
    };
    let table = [
        (
            changed(|r| *r.uri_mut() = "/v2/registrations".parse().unwrap()),
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
        ),
        (
            changed(|r| *r.method_mut() = Method::PUT),
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
        ),
        (
            changed(|r| {
                r.headers_mut()
                    .insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            }),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "CONTENT_TYPE_NOT_JSON",
        ),
        (
            changed(|r| {
                r.headers_mut()
                    .insert(header::ACCEPT, "text/html".parse().unwrap());
            }),
            StatusCode::NOT_ACCEPTABLE,
            "NOT_ACCEPTABLE",
        ),
        (
            changed(|r| *r.body_mut() = Body::from("x".repeat(1 << 20))),
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_LARGE",
        ),
    ];

    for (request, status, reason) in table {
        let answer = world.send(request).await;
        assert_eq!(answer.reason(), reason);
        assert_eq!(answer.status, status);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            assert_eq!(answer.headers[header::ALLOW], "POST");
        }
    }
    assert_eq!(world.registers.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for() {
    let world = World::new().await;
    let mut request = listing(&world.token(), "");
    *request.body_mut() = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, &str>>());

    let answer = world.send(request).await;

    assert_eq!(answer.reason(), "BODY_TOO_SLOW");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_received_so_that_the_answer_is_and_not_for_ever() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::StreamExt as _;
    const CHUNK_BYTES: usize = 1 << 16;
    let world = World::new().await;
    for (sent_bytes, received_bytes) in [(1 << 20, 1 << 20), (1 << 24, 1 << 22)] {
        let received = Arc::new(AtomicUsize::new(0));
        let counter = received.clone();
        let chunks = futures::stream::iter(0..sent_bytes / CHUNK_BYTES).map(move |_| {
            counter.fetch_add(CHUNK_BYTES, Ordering::Relaxed);
            Ok::<_, &str>(vec![b' '; CHUNK_BYTES])
        });
        let mut request = listing(&world.token(), "");
        *request.body_mut() = Body::from_stream(chunks);

        let answer = world.send(request).await;

        assert_eq!(answer.reason(), "BODY_TOO_LARGE");
        let received = received.load(Ordering::Relaxed);
        assert!(
            received >= received_bytes,
            "only {received} of {sent_bytes}"
        );
        assert!(
            received <= received_bytes + 2 * CHUNK_BYTES,
            "{received} of {sent_bytes}"
        );
    }
}

#[tokio::test]
async fn above_the_limit_a_listing_is_refused_and_the_place_is_given_back() {
    use futures::StreamExt as _;
    let world = World::with_config("limits = { listings_in_flight_max = 1 }").await;
    world
        .registers
        .answer_with(|| futures::stream::pending().boxed());
    let token = world.token();
    let ask = || world.ask(&token, KARI);

    let mut first = Box::pin(ask());
    assert!(futures::poll!(&mut first).is_pending());
    let refused = ask().await;
    drop(first);
    let mut next = Box::pin(ask());

    assert_eq!(refused.reason(), "OVERLOADED");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert!(futures::poll!(&mut next).is_pending());
}
