//! HelseID as a client: tokens for the agent itself, each bound to a key of this process.
//!
//! ```text
//!   metadata (a day) ─▶ token endpoint: who we are, and a proof ─▶ "use this nonce" ─▶ once more
//!                                                               └▶ token, until shortly before its end
//! ```
//!
//! What holds (NHN's own numbers of its demands in brackets):
//!
//! - **No token is asked for while one is good** (FK3), and one at a time.
//! - **Metadata are read, not written down** (FK2), and only from where the issuer is: an endpoint
//!   elsewhere in clear, or of another issuer, is refused.
//! - **A secret never leaves**: neither the client's key nor the proof's, and a token only in the
//!   call that it is for.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use innsyn_policy::{Clock, Timestamp};
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::http::{self, ReadError};
use crate::config::{HelseIdSection, is_protected};

mod client_key;
mod proof;

use client_key::ClientKey;
pub use client_key::ClientKeyError;
pub use proof::ProofKeyError;
pub(super) use proof::{ProofKey, ProofOf};

/// How long metadata are used.
const METADATA_LAST: Duration = Duration::from_hours(24);
/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// The longest metadata or answer with a token, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The header in which a server says what the next proof must contain.
pub(super) const NONCE: &str = "dpop-nonce";

/// Why there is no token. No person is in it, and no secret.
#[derive(Debug, thiserror::Error)]
pub enum HelseIdError {
    /// Nobody answered.
    #[error("HelseID does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It said no.
    #[error("HelseID answers {status}: {error}")]
    Refused {
        /// With this status.
        status: StatusCode,
        /// And this, in OAuth's words.
        error: String,
    },
    /// What it said is not what it should be.
    #[error("HelseID's answer cannot be understood: {0}")]
    Malformed(&'static str),
    /// Metadata of somebody else.
    #[error("the metadata are of another issuer than `pvk.helseid.issuer`")]
    OtherIssuer,
    /// An endpoint in clear.
    #[error("the token endpoint of HelseID's metadata is neither https nor on loopback")]
    Unprotected,
    /// The answer did not come whole.
    #[error("HelseID's answer was not read: {0}")]
    Unread(String),
    /// Nothing could be signed.
    #[error("no assertion or proof can be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

impl From<ReadError> for HelseIdError {
    fn from(error: ReadError) -> Self {
        Self::Unread(error.to_string())
    }
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenHelseIdError {
    /// The client's key.
    #[error(transparent)]
    Client(#[from] ClientKeyError),
    /// The proof's.
    #[error(transparent)]
    Proof(#[from] ProofKeyError),
}

/// A token, until it is not used any more.
#[derive(Clone)]
pub(super) struct AccessToken {
    text: Arc<Zeroizing<String>>,
    good_until: Timestamp,
}

impl AccessToken {
    /// The token, for the header that it belongs in.
    pub(super) fn expose(&self) -> &str {
        &self.text
    }
}

/// Gets tokens, and makes the proofs that go with them.
pub struct HelseId {
    issuer: Url,
    scopes: String,
    client_key: ClientKey,
    proof_key: ProofKey,
    http: Client,
    clock: Arc<dyn Clock>,
    random: std::sync::Mutex<StdRng>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    endpoint: Option<(Url, Timestamp)>,
    nonce: Option<String>,
    token: Option<AccessToken>,
}

impl fmt::Debug for HelseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelseId")
            .field("issuer", &self.issuer.as_str())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl HelseId {
    /// The client that `section` describes; its key is read. `random` must be seeded from the
    /// system's randomness.
    pub fn open(
        section: &HelseIdSection,
        http: Client,
        clock: Arc<dyn Clock>,
        random: StdRng,
    ) -> Result<Self, OpenHelseIdError> {
        let file: &Path = &section.key_file;
        Ok(Self {
            issuer: section.issuer.clone(),
            scopes: section.scopes.join(" "),
            client_key: ClientKey::load(file, &section.key_id, &section.client_id)?,
            proof_key: ProofKey::generate()?,
            http,
            clock,
            random: std::sync::Mutex::new(random),
            state: Mutex::default(),
        })
    }

    /// A token that is good for a while yet.
    pub(super) async fn token(&self) -> Result<AccessToken, HelseIdError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(token) = &state.token
            && now < token.good_until
        {
            return Ok(token.clone());
        }
        let endpoint = self.endpoint(&mut state).await?;
        // A server that wants a nonce gives it with its first no.
        for may_repeat in [true, false] {
            let (status, headers, body) = self.ask(&endpoint, state.nonce.as_deref()).await?;
            if let Some(nonce) = nonce_of(&headers) {
                state.nonce = Some(nonce);
            }
            if status.is_success() {
                let token = read_token(&body, now)?;
                tracing::debug!("token from HelseID");
                state.token = Some(token.clone());
                return Ok(token);
            }
            let refused: Option<Refused> = serde_json::from_slice(&body).ok();
            let error = refused.map_or_else(|| "no reason".to_owned(), |it| it.error);
            if !(may_repeat && error == "use_dpop_nonce" && state.nonce.is_some()) {
                return Err(HelseIdError::Refused {
                    status,
                    error: error.chars().take(80).collect(),
                });
            }
        }
        Err(HelseIdError::Malformed("it asks for a nonce twice"))
    }

    /// `token` was refused: the next is a new one.
    pub(super) async fn forget(&self, token: &AccessToken) {
        let mut state = self.state.lock().await;
        let is_it = |known: &AccessToken| Arc::ptr_eq(&known.text, &token.text);
        if state.token.as_ref().is_some_and(is_it) {
            state.token = None;
        }
    }

    /// A proof for one call.
    pub(super) fn proof(&self, of: &ProofOf<'_>) -> Result<String, HelseIdError> {
        Ok(self.proof_key.sign(of, &self.id(), self.clock.now())?)
    }

    async fn ask(
        &self,
        endpoint: &Url,
        nonce: Option<&str>,
    ) -> Result<(StatusCode, HeaderMap, Zeroizing<Vec<u8>>), HelseIdError> {
        let issuer = self.issuer.as_str().trim_end_matches('/');
        let assertion = self
            .client_key
            .assertion(issuer, &self.id(), self.clock.now())?;
        let proof = self.proof(&ProofOf {
            method: "POST",
            url: endpoint,
            nonce,
            token: None,
        })?;
        let answer = self
            .http
            .post(endpoint.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("DPoP", proof)
            .body(form(&[
                ("grant_type", "client_credentials"),
                ("scope", &self.scopes),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
            ]))
            .send()
            .await
            .map_err(HelseIdError::Unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = http::read(answer, ANSWER_BYTES_MAX).await?;
        Ok((status, headers, Zeroizing::new(body)))
    }

    async fn endpoint(&self, state: &mut State) -> Result<Url, HelseIdError> {
        let now = self.clock.now();
        if let Some((endpoint, read_at)) = &state.endpoint
            && now < read_at.plus(METADATA_LAST)
        {
            return Ok(endpoint.clone());
        }
        let issuer = self.issuer.as_str().trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let answer = self.http.get(url).send().await;
        let answer = answer.map_err(HelseIdError::Unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            let error = "no metadata".to_owned();
            return Err(HelseIdError::Refused { status, error });
        }
        let body = http::read(answer, ANSWER_BYTES_MAX).await?;
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|_| HelseIdError::Malformed("no metadata"))?;
        if metadata.issuer.trim_end_matches('/') != issuer {
            return Err(HelseIdError::OtherIssuer);
        }
        let endpoint = Url::parse(&metadata.token_endpoint)
            .map_err(|_| HelseIdError::Malformed("the token endpoint"))?;
        if !is_protected(&endpoint) {
            return Err(HelseIdError::Unprotected);
        }
        state.endpoint = Some((endpoint.clone(), now));
        Ok(endpoint)
    }

    /// A name that nobody has had.
    fn id(&self) -> String {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        hex::encode(random.random::<[u8; 16]>())
    }
}

fn read_token(body: &[u8], now: Timestamp) -> Result<AccessToken, HelseIdError> {
    let issued: Issued =
        serde_json::from_slice(body).map_err(|_| HelseIdError::Malformed("no token"))?;
    if !issued.token_type.eq_ignore_ascii_case("DPoP") {
        return Err(HelseIdError::Malformed("the token is not bound to a key"));
    }
    let lasts = Duration::from_secs(issued.expires_in.min(86_400));
    Ok(AccessToken {
        text: Arc::new(Zeroizing::new(issued.access_token)),
        good_until: now.plus(lasts.saturating_sub(MARGIN.min(lasts / 2))),
    })
}

/// What the server wants in the next proof, if it says so.
pub(super) fn nonce_of(headers: &HeaderMap) -> Option<String> {
    let nonce = headers.get(NONCE)?.to_str().ok()?;
    (nonce.len() <= 1024).then(|| nonce.to_owned())
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, value)| {
        let encode = |text: &str| {
            text.bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    _ => format!("%{byte:02X}"),
                })
                .collect::<String>()
        };
        format!("{}={}", encode(name), encode(value))
    });
    fields.collect::<Vec<_>>().join("&")
}
