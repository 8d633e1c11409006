//! The receiver, without a socket: whose calls are taken, and when it says that it has something.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::receiver::{PATH, Receiver, router};
use super::world::{OWN, RESEARCH, World, claims, definition, good_token, header, key, rsa_key};
use crate::test_ids::{digits, person};
use crate::uselog::tests::entries_on;

async fn receiver(world: &World) -> Router {
    router(Receiver {
        verifier: world.verifier().await,
        reader: world.reader(),
        taking: world.taking(),
        standing: world.standing.clone(),
    })
}

fn setting(sequence: i64, active: bool) -> Value {
    json!({
        "innbyggerFnr": digits(1),
        "definisjonGuid": RESEARCH,
        "partKode": "HDIR",
        "typePi": "reservasjon",
        "aktiv": active,
        "sekvensnummer": sequence,
        "tidspunkt": "2027-01-15T08:00:00Z",
    })
}

/// Calls with `authorizations`, and gives the status and the body.
async fn call(router: &Router, authorizations: &[String], body: &str) -> (StatusCode, String) {
    let mut request = Request::post(PATH);
    for authorization in authorizations {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn push(router: &Router, setting: &Value) -> (StatusCode, String) {
    let token = format!("Bearer {}", good_token());
    call(router, &[token], &setting.to_string()).await
}

fn stands(world: &World) -> Option<(i64, bool)> {
    let said = world.keeper.kept().said_by(&person(1));
    said.first().map(|said| (said.sequence, said.active))
}

#[tokio::test]
async fn what_is_received_is_durable_once_and_the_highest_sequence_wins() {
    let world = World::new().await;
    let router = receiver(&world).await;
    for (sequence, active, standing, entries) in [
        (2, true, (2, true), 1),
        (2, true, (2, true), 1),   // a replay
        (1, false, (2, true), 2),  // late: known, and not in effect
        (3, false, (3, false), 3), // taken back
        (2, true, (3, false), 3),  // a replay of what is past
        (3, true, (3, true), 4),   // a tie denies
    ] {
        let (status, body) = push(&router, &setting(sequence, active)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        assert_eq!(stands(&world), Some(standing), "{sequence} {active}");
        assert_eq!(
            entries_on(&world.disk).len(),
            entries,
            "{sequence} {active}"
        );
    }
    let records = world.keeper.records();
    let changes = world.keeper.kept().changes_of(&person(1), records).await;
    assert_eq!(changes.unwrap(), 4);
}

#[tokio::test]
async fn nothing_is_received_that_cannot_be_logged_or_kept() {
    let world = World::new().await;
    let router = receiver(&world).await;
    world.disk.fail_syncs(Some(std::io::ErrorKind::Other));
    let (status, body) = push(&router, &setting(1, true)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(stands(&world), None, "nothing without an entry");

    let world = World::new().await;
    let router = receiver(&world).await;
    world.keeper.records().close().await;
    let (status, body) = push(&router, &setting(1, true)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(stands(&world), None);
}

#[tokio::test]
async fn what_is_none_of_this_registers_is_refused_and_says_why() {
    let world = World::new().await;
    let router = receiver(&world).await;
    for (key, value, status, reason) in [
        ("definisjonGuid", json!(OWN), 422, "unknown_definition"),
        ("partKode", json!("FHI"), 422, "other_part"),
        ("typePi", json!("samtykke"), 422, "other_kind"),
        ("innbyggerFnr", json!("12345678901"), 400, "not_a_person"),
        ("sekvensnummer", json!(-1), 400, "no_sequence"),
        ("tidspunkt", json!("i går"), 400, "not_a_time"),
        ("aktiv", json!("ja"), 400, "not_a_setting"),
    ] {
        let mut other = setting(1, true);
        other[key] = value;
        let (told, body) = push(&router, &other).await;
        assert_eq!(told.as_u16(), status, "{body}");
        assert!(body.contains(&format!("\"{reason}\"")), "{body}");
        assert!(!body.contains(&digits(1)), "a person in an answer");
    }
    let long = " ".repeat(20_000);
    let token = format!("Bearer {}", good_token());
    let (status, _) = call(&router, &[token], &long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(stands(&world), None);
    assert_eq!(entries_on(&world.disk).len(), 0);
}

#[tokio::test]
async fn every_bad_token_is_refused_alike_and_nothing_is_taken() {
    let world = World::new().await;
    let router = receiver(&world).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        jsonwebtoken::encode(&header(), &claims, key()).unwrap()
    };
    let changed = |change: &dyn Fn(&mut jsonwebtoken::Header)| {
        let mut header = header();
        change(&mut header);
        jsonwebtoken::encode(&header, &claims(), key()).unwrap()
    };
    let now = claims()["iat"].as_i64().unwrap();
    let hs256 = {
        let mut header = header();
        header.alg = Algorithm::HS256;
        let public = std::fs::read(world.folder.path().join("jwks.json")).unwrap();
        jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&public)).unwrap()
    };
    let unsigned = {
        use base64::Engine as _;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
        let header =
            json!({ "alg": "none", "typ": "JWT", "kid": "sts-1", "typ_2": "system_ws_sync" });
        format!(
            "{}.{}.",
            BASE64.encode(header.to_string()),
            BASE64.encode(claims().to_string())
        )
    };
    let other_key = jsonwebtoken::encode(&header(), &claims(), &rsa_key()).unwrap();
    let cut = good_token().rsplit_once('.').unwrap().0.to_owned() + ".";
    let bad = [
        ("expired", with("exp", json!(now - 11))),
        ("not yet valid", with("nbf", json!(now + 60))),
        ("issued in the future", with("iat", json!(now + 60))),
        ("lives for a day", with("exp", json!(now + 86_400))),
        ("no expiry", with("exp", Value::Null)),
        ("other audience", with("aud", json!("kreft"))),
        ("two audiences", with("aud", json!(["hunt", "kreft"]))),
        ("no audience", with("aud", json!([]))),
        ("other issuer", with("iss", json!("https://sts.example"))),
        ("other scope", with("scp", json!("personvern2"))),
        ("no scope", with("scp", json!(""))),
        ("hs256", hs256),
        ("none", unsigned),
        ("other key", other_key),
        ("cut", cut),
        (
            "unknown key",
            changed(&|it| it.kid = Some("sts-2".to_owned())),
        ),
        ("no key", changed(&|it| it.kid = None)),
        (
            "a user's",
            changed(&|it| it.extras = jsonwebtoken::Header::default().extras),
        ),
        (
            "another type",
            changed(&|it| it.typ = Some("logout+jwt".to_owned())),
        ),
        (
            "an extension",
            changed(&|it| it.crit = Some(vec!["exp".to_owned()])),
        ),
        ("ps256", {
            let mut header = header();
            header.alg = Algorithm::PS256;
            jsonwebtoken::encode(&header, &claims(), key()).unwrap()
        }),
        ("garbage", "a.b.c".to_owned()),
        ("too long", "a".repeat(9_000)),
    ];
    let good = format!("Bearer {}", good_token());
    let mut calls: Vec<(&str, Vec<String>)> = bad
        .into_iter()
        .map(|(name, token)| (name, vec![format!("Bearer {token}")]))
        .collect();
    calls.push(("missing", vec![]));
    calls.push(("twice", vec![good.clone(), good.clone()]));
    calls.push(("as DPoP", vec![good.replace("Bearer", "DPoP")]));
    let mut bodies = Vec::new();
    for (name, authorizations) in calls {
        let (status, body) = call(&router, &authorizations, &setting(1, true).to_string()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {body}");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "nobody is told why");
    assert_eq!(stands(&world), None);
    assert_eq!(entries_on(&world.disk).len(), 0);
    let (status, body) = call(&router, &[good], &setting(1, true).to_string()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    assert!(
        world
            .keeper
            .kept()
            .elsewhere()
            .writes(&definition(RESEARCH))
    );
}
