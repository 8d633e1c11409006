//! A stand-in of HelseID, on loopback: metadata, keys, and a token endpoint that checks what it is
//! given for real: the client's assertion (`private_key_jwt`) and the proof of possession (DPoP),
//! with a nonce that it wants in it.
//!
//! Written from the public security profile and **not verified against the real one**. It is for
//! invented clients.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::loopback::{Loopback, LoopbackTls};

mod proof;

pub use proof::{ProofFault, ProofFor, Proofs};

/// What proofs must have in them.
const NONCE: &str = "a-nonce-of-the-stand-in";
const NONCE_HEADER: HeaderName = HeaderName::from_static("dpop-nonce");
/// What HelseID calls its key.
const KEY_ID: &str = "helseid-stand-in";
/// How long a client's assertion may be good, in seconds.
const ASSERTION_LIFETIME_S: i64 = 60;

/// The one client that it knows.
#[derive(Debug, Clone)]
pub struct KnownClient {
    /// Its name.
    pub id: String,
    /// What its key is called.
    pub key_id: String,
    /// Its private key on P-256, in PEM.
    pub private_key: String,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Whom its tokens are for.
    pub audience: String,
}

impl KnownClient {
    /// A client with a new key.
    pub fn new(id: &str, audience: &str, scopes: &[&str]) -> anyhow::Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self {
            id: id.to_owned(),
            key_id: format!("{id}-key"),
            private_key: pair.serialize_pem(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            audience: audience.to_owned(),
        })
    }
}

/// The stand-in, until it is dropped.
pub struct HelseIdStandIn {
    issuer: String,
    key: EncodingKey,
    client: KnownClient,
    client_key: DecodingKey,
    proofs: Proofs,
    assertions: Mutex<HashSet<String>>,
    lifetime_s: AtomicU64,
    issued: AtomicU64,
}

/// Where it is served.
pub struct ServedHelseId {
    /// The stand-in.
    pub helseid: Arc<HelseIdStandIn>,
    _serving: AbortOnDropHandle<()>,
}

impl fmt::Debug for HelseIdStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelseIdStandIn")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServedHelseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.helseid.fmt(f)
    }
}

/// What may be other than it should in a token that is made on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// It expired a minute ago.
    Expired,
    /// It is for somebody else.
    WrongAudience,
    /// Another has issued it.
    WrongIssuer,
    /// Another key has signed it.
    WrongKey,
    /// It is bound to no key.
    Unbound,
    /// It is good for nothing.
    NoScope,
    /// It is signed with HS256, the public key as the secret.
    PublicKeyAsSecret,
    /// Its signature was cut off and its algorithm is `none`.
    Unsigned,
}

impl TokenFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::WrongKey,
        Self::Unbound,
        Self::NoScope,
        Self::PublicKeyAsSecret,
        Self::Unsigned,
    ];
}

impl HelseIdStandIn {
    /// Begins to serve on a port of loopback that is free, over TLS if a certificate is given.
    pub async fn start(
        client: KnownClient,
        tls: Option<&LoopbackTls>,
    ) -> anyhow::Result<ServedHelseId> {
        let (listener, issuer) = Loopback::listen(tls).await?;
        let key = new_key()?;
        let private = EncodingKey::from_ec_pem(client.private_key.as_bytes())?;
        let public = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        let helseid = Arc::new(Self {
            issuer,
            key,
            client_key: DecodingKey::from_jwk(&public)?,
            client,
            proofs: Proofs::default(),
            assertions: Mutex::default(),
            lifetime_s: AtomicU64::new(60),
            issued: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/.well-known/openid-configuration/jwks", get(keys))
            .route("/connect/token", post(token))
            .with_state(Arc::clone(&helseid));
        let serving = tokio::spawn(async move {
            let _ended = axum::serve(listener, router).await;
        });
        Ok(ServedHelseId {
            helseid,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Its name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How many tokens it has given out.
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// How long those are good that it gives out from now on, in seconds.
    pub fn lifetime_s(&self, seconds: u64) {
        self.lifetime_s.store(seconds, Ordering::Relaxed);
    }

    /// Its public key.
    pub fn public_key(&self) -> anyhow::Result<Jwk> {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256)?;
        key.common.key_id = Some(KEY_ID.to_owned());
        Ok(key)
    }

    /// A token that is bound to the key with `thumbprint`, with one deliberate `fault`, if there is
    /// one.
    pub fn token(&self, thumbprint: &str, fault: Option<TokenFault>) -> anyhow::Result<String> {
        let now = SystemClock.now().as_seconds();
        let lifetime = self.lifetime_s.load(Ordering::Relaxed).cast_signed();
        let mut claims = json!({
            "iss": self.issuer,
            "aud": self.client.audience,
            "client_id": self.client.id,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "scope": self.client.scopes,
            "cnf": { "jkt": thumbprint },
        });
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY_ID.to_owned());
        let mut set = |name: &str, value: Value| {
            if let Some(claims) = claims.as_object_mut() {
                claims.insert(name.to_owned(), value);
            }
        };
        match fault {
            None => {}
            Some(TokenFault::Expired) => set("exp", json!(now - 60)),
            Some(TokenFault::WrongAudience) => set("aud", json!("somebody-else")),
            Some(TokenFault::WrongIssuer) => set("iss", json!("https://helseid.example")),
            Some(TokenFault::Unbound) => set("cnf", json!({})),
            Some(TokenFault::NoScope) => set("scope", json!([])),
            Some(TokenFault::WrongKey) => {
                return Ok(jsonwebtoken::encode(&header, &claims, &new_key()?)?);
            }
            Some(TokenFault::PublicKeyAsSecret) => {
                header.alg = Algorithm::HS256;
                let public = serde_json::to_vec(&self.public_key()?)?;
                let secret = EncodingKey::from_secret(&public);
                return Ok(jsonwebtoken::encode(&header, &claims, &secret)?);
            }
            Some(TokenFault::Unsigned) => {
                use base64::Engine as _;
                use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
                let header = json!({ "alg": "none", "typ": "at+jwt", "kid": KEY_ID });
                let part = |value: &Value| BASE64.encode(value.to_string());
                return Ok(format!("{}.{}.", part(&header), part(&claims)));
            }
        }
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }

    /// Whether `assertion` is the client's.
    fn knows(&self, assertion: &str, now: Timestamp) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
            sub: String,
            aud: String,
            jti: String,
            iat: i64,
            nbf: i64,
            exp: i64,
        }
        let header = jsonwebtoken::decode_header(assertion)?;
        anyhow::ensure!(header.kid.as_ref() == Some(&self.client.key_id), "key");
        let typ = header.typ.unwrap_or_default();
        anyhow::ensure!(typ == "client-authentication+jwt" || typ == "JWT", "type");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims: Claims = jsonwebtoken::decode(assertion, &self.client_key, &validation)?.claims;
        anyhow::ensure!(claims.iss == self.client.id, "issuer");
        anyhow::ensure!(claims.sub == self.client.id, "subject");
        anyhow::ensure!(claims.aud == self.issuer, "audience");
        let now = now.as_seconds();
        anyhow::ensure!(claims.nbf <= now + 5 && now < claims.exp, "times");
        anyhow::ensure!(claims.exp - claims.iat <= ASSERTION_LIFETIME_S, "lifetime");
        let mut seen = self
            .assertions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        anyhow::ensure!(seen.insert(claims.jti), "used before");
        Ok(())
    }
}

fn new_key() -> anyhow::Result<EncodingKey> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).context("a key")
}

async fn metadata(State(helseid): State<Arc<HelseIdStandIn>>) -> Json<Value> {
    let issuer = &helseid.issuer;
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/connect/token"),
        "jwks_uri": format!("{issuer}/.well-known/openid-configuration/jwks"),
    }))
}

async fn keys(State(helseid): State<Arc<HelseIdStandIn>>) -> Response {
    match helseid.public_key() {
        Ok(key) => Json(json!({ "keys": [key] })).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    scope: String,
    client_assertion_type: String,
    client_assertion: String,
}

async fn token(
    State(helseid): State<Arc<HelseIdStandIn>>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    let now = SystemClock.now();
    let wanted = ProofFor {
        method: "POST",
        url: &format!("{}/connect/token", helseid.issuer),
        token: None,
        nonce: Some(NONCE),
    };
    let thumbprint = match helseid.proofs.check(&headers, &wanted, now) {
        Ok(thumbprint) => thumbprint,
        Err(ProofFault::Nonce) => return refused("use_dpop_nonce"),
        Err(_) => return refused("invalid_dpop_proof"),
    };
    if request.grant_type != "client_credentials" {
        return refused("unsupported_grant_type");
    }
    let is_jwt =
        request.client_assertion_type == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    if !is_jwt || helseid.knows(&request.client_assertion, now).is_err() {
        return refused("invalid_client");
    }
    let mut scopes = request.scope.split(' ');
    if !scopes.all(|scope| helseid.client.scopes.iter().any(|it| it == scope)) {
        return refused("invalid_scope");
    }
    match helseid.token(&thumbprint, None) {
        Ok(token) => {
            helseid.issued.fetch_add(1, Ordering::Relaxed);
            Json(json!({
                "access_token": token,
                "token_type": "DPoP",
                "expires_in": helseid.lifetime_s.load(Ordering::Relaxed),
                "scope": request.scope,
            }))
            .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(error: &str) -> Response {
    let nonce = [(NONCE_HEADER, NONCE)];
    let body = Json(json!({ "error": error }));
    (StatusCode::BAD_REQUEST, nonce, body).into_response()
}
