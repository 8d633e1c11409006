//! A gateway with a fan-out that does as it is told, and an issuer of tokens, bad ones too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::stream::{self, StreamExt as _};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use innsyn_policy::{
    CannotBeAskedReason, ManualClock, NoAnswerReason, Outcome, Presence, Timestamp, WithheldReason,
};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use prometheus_client::registry::Registry;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::catalog::Catalogue;
use crate::gateway::everyone::Everyone;
use crate::gateway::fanout::{AskEveryRegister, Readiness, Update, Updates};
use crate::gateway::{CitizenFace, CitizenFaceParts, CitizenGatewayConfig, CitizenMetrics, router};

pub(in crate::gateway) const ISSUER: &str = "https://sts.example.invalid";
pub(in crate::gateway) const AUDIENCE: &str = "innsyn";
/// Synthetic people (month + 80).
pub(in crate::gateway) const KARI: &str = "01817010055";
pub(in crate::gateway) const OLA: &str = "29820050124";
pub(in crate::gateway) const CHILD: &str = "01891877885";
/// 2026-01-01T00:00:00Z, in seconds.
pub(in crate::gateway) const NOW: i64 = 1_767_225_600;

/// One key of a test issuer.
pub(in crate::gateway) struct Signer {
    pub(in crate::gateway) kid: &'static str,
    pub(in crate::gateway) algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub(in crate::gateway) fn es256(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self {
            kid,
            algorithm: Algorithm::ES256,
            key,
        }
    }

    pub(in crate::gateway) fn rsa(kid: &'static str, algorithm: Algorithm) -> Self {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self {
            kid,
            algorithm,
            key,
        }
    }

    pub(in crate::gateway) fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        jwk
    }

    pub(in crate::gateway) fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        header
    }

    pub(in crate::gateway) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub(in crate::gateway) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

/// The key set of `signers`, as JSON.
pub(in crate::gateway) fn key_set(signers: &[&Signer]) -> String {
    let keys = signers.iter().map(|signer| signer.jwk()).collect();
    serde_json::to_string(&JwkSet { keys }).unwrap()
}

/// Good claims of `actor`, who asks about `subject`.
pub(in crate::gateway) fn claims(subject: &str, actor: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "nbf": NOW, "exp": NOW + 600, "jti": "1",
        "client_id": "helsenorge", "scp": "other innsyn:registrations",
        "sub_pid": subject, "act_pid": actor, "acr": "idporten-loa-high",
    })
}

/// `claims` with these members changed; null takes one away.
pub(in crate::gateway) fn with(mut claims: Value, changes: Value) -> Value {
    let (Value::Object(claims), Value::Object(changes)) = (&mut claims, changes) else {
        panic!("claims are an object");
    };
    for (name, value) in changes {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    Value::Object(claims.clone())
}

type Script = Box<dyn Fn() -> Updates + Send + Sync>;

/// A fan-out that does as it is told.
pub(in crate::gateway) struct FakeRegisters {
    asked: AtomicUsize,
    script: Mutex<Script>,
    readiness: Mutex<Readiness>,
}

impl FakeRegisters {
    pub(in crate::gateway) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(in crate::gateway) fn answer_with(
        &self,
        script: impl Fn() -> Updates + Send + Sync + 'static,
    ) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub(in crate::gateway) fn are(&self, readiness: Readiness) {
        *self.readiness.lock().unwrap() = readiness;
    }
}

impl AskEveryRegister for FakeRegisters {
    fn list(&self, _: innsyn_policy::Request, _: Duration) -> Updates {
        self.asked.fetch_add(1, Ordering::SeqCst);
        (self.script.lock().unwrap())()
    }

    fn readiness(&self) -> Readiness {
        *self.readiness.lock().unwrap()
    }
}

/// One outcome of each kind, in the order of the test catalogue.
pub(in crate::gateway) fn outcomes() -> Vec<Outcome> {
    let presence = Presence {
        since: Some(jiff::civil::date(2012, 3, 4)),
        last_changed: Some(jiff::civil::date(2025, 12, 31)),
    };
    vec![
        Outcome::Registered(presence),
        Outcome::NotRegistered,
        Outcome::Deleted(presence),
        Outcome::Withheld(WithheldReason::AreaNotCovered),
        Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified),
        Outcome::NoAnswer(NoAnswerReason::Timeout),
        Outcome::NotConnected,
    ]
}

pub(in crate::gateway) fn update(register: usize) -> Update {
    let outcome = outcomes()[register];
    let answered = matches!(
        outcome,
        Outcome::Registered(_)
            | Outcome::NotRegistered
            | Outcome::Deleted(_)
            | Outcome::Withheld(_)
    );
    Update {
        register,
        outcome,
        use_log_leaf: answered.then_some([7; 32]),
    }
}

fn catalogue() -> Catalogue {
    let rows = [
        ("en", "mandatory", "live"),
        ("to", "consent", "live"),
        ("tre", "reservation", "live"),
        ("fire", "mandatory_with_reservation", "live"),
        ("fem", "deidentified", "cannot_be_asked"),
        ("seks", "pseudonymous", "live"),
        ("sju", "mandatory", "not_connected"),
    ];
    let text = rows.map(|(id, basis, listing)| {
        format!(
            r#"
            [[register]]
            id = "{id}"
            name = "Register {id}"
            name_en = "Register {id}"
            description = "Oppfunnet beskrivelse av {id}."
            kind = "quality"
            legal_basis = "{basis}"
            membership_is_sensitive = false
            controller = "Oppfunnet"
            contact_email = "{id}@example.invalid"
            insight = {{ method = "link", link = "https://{id}.example.invalid" }}
            listing = "{listing}"
            "#
        )
    });
    Catalogue::parse(&text.concat()).unwrap()
}

/// A gateway without its sockets.
pub(in crate::gateway) struct World {
    pub(in crate::gateway) router: Router,
    pub(in crate::gateway) registers: Arc<FakeRegisters>,
    pub(in crate::gateway) signer: Signer,
    pub(in crate::gateway) clock: Arc<ManualClock>,
    pub(in crate::gateway) config: CitizenGatewayConfig,
    folder: TempDir,
}

impl World {
    pub(in crate::gateway) async fn new() -> Self {
        Self::with_config("").await
    }

    /// A gateway in test mode, with more lines for its configuration.
    pub(in crate::gateway) async fn with_config(more: &str) -> Self {
        Self::in_environment("test", more).await
    }

    pub(in crate::gateway) async fn in_environment(environment: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("jwks.json");
        let signer = Signer::es256("k1");
        std::fs::write(&key_file, key_set(&[&signer])).unwrap();
        let config: CitizenGatewayConfig = toml::from_str(&format!(
            r#"
            listen = "127.0.0.1:0"
            environment = "{environment}"
            catalogue = "unused"
            issuers = [{{ issuer = "{ISSUER}", audience = "{AUDIENCE}", jwks_file = "{}" }}]
            clients = [{{ client_id = "helsenorge", organisation = "983658776" }}]
            {more}
            "#,
            key_file.display()
        ))
        .unwrap();
        let registers = Arc::new(FakeRegisters {
            asked: AtomicUsize::new(0),
            script: Mutex::new(Box::new(|| {
                // Backwards, so that the order of the answer is our own doing.
                stream::iter((0..7).rev().map(update)).boxed()
            })),
            readiness: Mutex::new(Readiness {
                registers_connected: 4,
                registers_expected: 5,
                relay_reachable: true,
            }),
        });
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW + 60)));
        let tokens = Arc::new(config.open_verifier(clock.clone()).await.unwrap());
        let mut registry = Registry::default();
        let metrics = Arc::new(CitizenMetrics::register(&mut registry));
        let catalogue = Arc::new(catalogue());
        let nobody = catalogue.entries().iter().map(|_| None).collect();
        let face = CitizenFace::new(CitizenFaceParts {
            config: config.clone(),
            catalogue: Arc::clone(&catalogue),
            registers: registers.clone(),
            everyone: Everyone::new(catalogue, nobody),
            settings: None,
            tokens,
            clock: clock.clone(),
            metrics,
        });
        Self {
            router: router(face, Arc::new(registry), Router::new()),
            registers,
            signer,
            clock,
            config,
            folder,
        }
    }

    pub(in crate::gateway) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Kari's own token.
    pub(in crate::gateway) fn token(&self) -> String {
        self.signer.sign(&claims(KARI, KARI))
    }

    pub(in crate::gateway) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// Asks about `national_id` with `token`.
    pub(in crate::gateway) async fn ask(&self, token: &str, national_id: &str) -> Answer {
        self.send(listing(
            token,
            &json!({ "nationalId": national_id }).to_string(),
        ))
        .await
    }

    /// Sends `body` with Kari's own token.
    pub(in crate::gateway) async fn post(&self, body: &str) -> Answer {
        self.send(listing(&self.token(), body)).await
    }

    pub(in crate::gateway) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token()))
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }
}

/// A request for a listing.
pub(in crate::gateway) fn listing(token: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/v1/registrations")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

/// An answer, read whole.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Answer {
    pub(in crate::gateway) status: StatusCode,
    pub(in crate::gateway) headers: http::HeaderMap,
    pub(in crate::gateway) body: String,
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(in crate::gateway) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(in crate::gateway) fn content_type(&self) -> &str {
        self.headers[header::CONTENT_TYPE].to_str().unwrap()
    }

    /// The reason of a problem, after a look at whether it is one.
    pub(in crate::gateway) fn reason(&self) -> String {
        assert_eq!(self.content_type(), "application/problem+json");
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["reason"].as_str().unwrap().to_owned()
    }
}
