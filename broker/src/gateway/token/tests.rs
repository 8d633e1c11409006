//! The negative matrix of tokens, and the keys' coming and going.

use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innsyn_policy::ManualClock;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::keys::read_keys;
use super::*;
use crate::gateway::tests::support::*;

struct Desk {
    verifier: BearerVerifier,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Desk {
    async fn new(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("jwks.json"), keys).unwrap();
        let source = KeySource::File(folder.path().join("jwks.json"));
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW + 60)));
        let issuer = Issuer {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            keys: KeySet::open(source).await.unwrap(),
        };
        let times = TokenTimes {
            skew_s: 5,
            lifetime_max_s: 3_600,
        };
        Self {
            verifier: BearerVerifier::new(vec![issuer], times, clock.clone()),
            clock,
            folder,
        }
    }

    fn publish(&self, keys: &str) {
        std::fs::write(self.folder.path().join("jwks.json"), keys).unwrap();
    }

    async fn verify(&self, token: &str) -> Result<(), TokenError> {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {token}").parse().unwrap();
        headers.insert(header::AUTHORIZATION, value);
        let until = Instant::now() + Duration::from_millis(50);
        self.verifier.verify(&headers, until).await.map(|_| ())
    }
}

fn good() -> Value {
    claims(KARI, KARI)
}

#[tokio::test]
async fn good_tokens_of_every_allowed_algorithm_are_accepted() {
    let signers = [
        Signer::es256("ec"),
        Signer::rsa("rs", Algorithm::RS256),
        Signer::rsa("ps", Algorithm::PS256),
    ];
    let desk = Desk::new(&key_set(&[&signers[0], &signers[1], &signers[2]])).await;

    for signer in &signers {
        assert_eq!(desk.verify(&signer.sign(&good())).await, Ok(()));
        let mut at_jwt = signer.header();
        at_jwt.typ = Some("at+jwt".to_owned());
        let list = with(
            good(),
            json!({ "aud": [AUDIENCE], "nbf": null, "scp": null }),
        );
        assert_eq!(desk.verify(&signer.sign_with(&at_jwt, &list)).await, Ok(()));
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused_each_for_its_cause() {
    use TokenError as E;
    let signer = Signer::es256("k1");
    let desk = Desk::new(&key_set(&[&signer])).await;
    let table = [
        (json!({ "iss": "https://other.example.invalid" }), E::Issuer),
        (json!({ "iss": format!("{ISSUER}/") }), E::Issuer),
        (json!({ "iss": null }), E::Malformed),
        (json!({ "aud": "other" }), E::Audience),
        (json!({ "aud": [AUDIENCE, "other"] }), E::Audience),
        (json!({ "aud": [] }), E::Audience),
        (json!({ "aud": null }), E::Malformed),
        (json!({ "exp": NOW + 55 }), E::Expired),
        (json!({ "exp": null }), E::Malformed),
        (json!({ "exp": "soon" }), E::Malformed),
        (json!({ "exp": i64::MAX }), E::Lifetime),
        (json!({ "exp": NOW + 3_601 }), E::Lifetime),
        (json!({ "iat": i64::MIN }), E::Lifetime),
        (json!({ "nbf": NOW + 66 }), E::NotYetValid),
        (json!({ "iat": NOW + 66 }), E::NotYetValid),
        (json!({ "iat": null }), E::Malformed),
        (json!({ "client_id": null }), E::Malformed),
    ];

    for (changes, cause) in table {
        let token = signer.sign(&with(good(), changes.clone()));
        assert_eq!(desk.verify(&token).await, Err(cause), "{changes}");
    }
}

#[tokio::test]
async fn the_clocks_may_differ_by_the_skew_and_no_more() {
    let signer = Signer::es256("k1");
    let desk = Desk::new(&key_set(&[&signer])).await;
    let token = signer.sign(&good());
    let table = [
        (NOW - 6, Err(TokenError::NotYetValid)),
        (NOW - 5, Ok(())),
        (NOW + 604, Ok(())),
        (NOW + 605, Err(TokenError::Expired)),
    ];

    for (now, verdict) in table {
        desk.clock.set(Timestamp::from_seconds(now));
        assert_eq!(desk.verify(&token).await, verdict, "{}", now - NOW);
    }
}

#[tokio::test]
async fn a_header_that_asks_for_anything_else_is_refused() {
    use TokenError as E;
    let signer = Signer::rsa("k1", Algorithm::RS256);
    let desk = Desk::new(&key_set(&[&signer])).await;
    let stranger = Signer::es256("k9");
    let changed = |change: &dyn Fn(&mut Header)| {
        let mut header = signer.header();
        change(&mut header);
        signer.sign_with(&header, &good())
    };
    let symmetric = {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k1".to_owned());
        // The classic confusion: the public key as a shared secret.
        let key = EncodingKey::from_secret(key_set(&[&signer]).as_bytes());
        jsonwebtoken::encode(&header, &good(), &key).unwrap()
    };
    let unsigned = |signature: &str| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": "none", "typ": "JWT", "kid": "k1" }));
        format!("{header}.{}.{signature}", part(good()))
    };
    let good_token = signer.sign(&good());
    let (rest, signature) = good_token.rsplit_once('.').unwrap();
    let table = [
        (changed(&|h| h.typ = None), E::Type),
        (changed(&|h| h.typ = Some("dpop+jwt".to_owned())), E::Type),
        (changed(&|h| h.kid = None), E::KeyMissing),
        (changed(&|h| h.kid = Some("k2".to_owned())), E::KeyUnknown),
        (
            changed(&|h| h.crit = Some(vec!["exp".to_owned()])),
            E::Critical,
        ),
        (changed(&|h| h.alg = Algorithm::PS256), E::Algorithm),
        (changed(&|h| h.alg = Algorithm::RS512), E::Algorithm),
        // Its own key in the header, under a name that we know.
        (
            stranger.sign_with(
                &Header {
                    kid: Some("k1".to_owned()),
                    jwk: Some(stranger.jwk()),
                    ..stranger.header()
                },
                &good(),
            ),
            E::Algorithm,
        ),
        (
            Signer::rsa("k1", Algorithm::RS256).sign(&good()),
            E::Signature,
        ),
        (symmetric, E::Algorithm),
        (unsigned(""), E::Algorithm),
        (unsigned(signature), E::Algorithm),
        (format!("{rest}."), E::Signature),
        (rest.to_owned(), E::Malformed),
        (String::new(), E::Malformed),
        (format!("{good_token}.{signature}"), E::Malformed),
        ("x".repeat(TOKEN_BYTES_MAX + 1), E::TooLong),
    ];

    for (row, (token, cause)) in table.into_iter().enumerate() {
        assert_eq!(desk.verify(&token).await, Err(cause), "row {row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_looked_for_at_most_once_a_minute() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let desk = Desk::new(&key_set(&[&old])).await;
    let token = new.sign(&good());

    desk.publish(&key_set(&[&new]));
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(desk.verify(&token).await, Err(TokenError::KeyUnknown));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(desk.verify(&token).await, Ok(()));
    // The issuer took the old one away.
    let token = old.sign(&good());
    assert_eq!(desk.verify(&token).await, Err(TokenError::KeyUnknown));
}

#[tokio::test(start_paused = true)]
async fn known_keys_stand_while_the_issuer_is_down() {
    let signer = Signer::es256("k1");
    let desk = Desk::new(&key_set(&[&signer])).await;

    for broken in ["", "{\"keys\": []}", "<html>"] {
        desk.publish(broken);
        tokio::time::advance(Duration::from_mins(11)).await;
        let unknown = Signer::es256("k2").sign(&good());
        assert_eq!(desk.verify(&unknown).await, Err(TokenError::KeyUnknown));
        assert_eq!(desk.verify(&signer.sign(&good())).await, Ok(()));
    }
    assert!(desk.verifier.can_verify());
}

#[test]
fn only_keys_that_may_sign_a_token_are_taken_from_a_set() {
    let mut set: Value = serde_json::from_str(&key_set(&[&Signer::es256("good")])).unwrap();
    let key = set["keys"][0].clone();
    let mut add = |changes| {
        let key = with(key.clone(), changes);
        set["keys"].as_array_mut().unwrap().push(key);
    };
    add(json!({ "kid": "encrypts", "use": "enc" }));
    add(json!({ "kid": "confused", "alg": "RS256" }));
    add(json!({ "kid": null }));
    set["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0" }));

    let keys = read_keys(set.to_string().as_bytes()).unwrap();

    assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"]);
}

#[tokio::test]
async fn keys_are_fetched_from_the_address_itself_and_nowhere_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keys = key_set(&[&Signer::es256("k1")]);
    let issuer = Router::new()
        .route("/jwks", get(async move || keys))
        .route("/elsewhere", get(async || Redirect::temporary("/jwks")))
        .route("/huge", get(async || "x".repeat(300 * 1024)));
    tokio::spawn(axum::serve(listener, issuer).into_future());

    for (path, there) in [("jwks", true), ("elsewhere", false), ("huge", false)] {
        let url = format!("http://{address}/{path}").parse().unwrap();
        let keys = KeySet::open(KeySource::url(url).unwrap()).await.unwrap();
        assert_eq!(keys.has_keys(), there, "{path}");
    }
}
