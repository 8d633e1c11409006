//! Is it Helsenorge that calls? The system token of its security service (Helsenorge STS).
//!
//! The checks are those of RFC 8725, by the public description of the token: RS256, `typ` JWT,
//! `typ_2` of a system's token, issuer, an audience that is ours alone, times, and the scope in
//! `scp` where one is agreed. A token does not bring its own key. A caller is never told which check
//! failed.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderMap, header};
use innsyn_policy::{Clock, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::http as calls;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How far the issuer's clock and ours may be apart, in seconds.
const SKEW_S: i64 = 10;
/// The longest time from issue to expiry, in seconds.
const LIFETIME_MAX_S: i64 = 3_600;
/// What a system's token says that it is.
const SYSTEM: &str = "system_ws_sync";
/// The largest key set, in bytes.
const KEYS_BYTES_MAX: usize = 256 * 1024;
/// Not sooner than this after one look for keys comes another.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_mins(1);
/// Keys older than this are looked for again.
const LOOK_AFTER: Duration = Duration::from_mins(10);

/// In what way a token is bad. For our log alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadToken {
    #[error("there is not one authorization header")]
    Header,
    #[error("the authorization scheme is not Bearer")]
    Scheme,
    #[error("the token is too long")]
    TooLong,
    #[error("the token is not a JWT that can be read")]
    Malformed,
    #[error("the token is not a system's")]
    Type,
    #[error("the token's algorithm is not RS256")]
    Algorithm,
    #[error("the token's key is not one of the issuer's")]
    Key,
    #[error("the signature is wrong")]
    Signature,
    #[error("the issuer is another")]
    Issuer,
    #[error("the token is for somebody else, or not for us alone")]
    Audience,
    #[error("the token has expired, is not valid yet, or is valid for too long")]
    Times,
    #[error("the token is not good for this")]
    Scope,
}

/// Why the issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
pub enum StsKeysError {
    /// The file.
    #[error("`pvk.receiver.jwks`: `{}` cannot be read", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The address.
    #[error("`pvk.receiver.jwks` does not give the keys: {0}")]
    Fetch(String),
    /// No key in it.
    #[error("`pvk.receiver.jwks`: the key set has no RSA key with a `kid`")]
    NoKey,
}

/// Where the issuer's keys are.
#[derive(Debug, Clone)]
pub(super) enum KeysAt {
    File(PathBuf),
    Url(Url, Client),
}

type Keys = HashMap<String, DecodingKey>;

/// Verifies tokens of one issuer.
pub(super) struct StsVerifier {
    issuer: String,
    audience: String,
    scope: Option<String>,
    clock: Arc<dyn Clock>,
    at: KeysAt,
    keys: ArcSwap<Keys>,
    /// When keys were looked for last; held while they are.
    looked: Mutex<tokio::time::Instant>,
}

impl fmt::Debug for StsVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsVerifier")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: OneOrMany,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    #[serde(default)]
    scp: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl StsVerifier {
    /// A verifier of `issuer`'s tokens for `audience`. A file of keys must be there; an issuer that
    /// is down is asked again later.
    pub(super) async fn open(
        issuer: String,
        audience: String,
        scope: Option<String>,
        at: KeysAt,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StsKeysError> {
        let keys = match read_keys(&at).await {
            Ok(keys) => keys,
            Err(error) if matches!(at, KeysAt::Url(..)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no keys from Helsenorge's security service yet"
                );
                Keys::new()
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            issuer,
            audience,
            scope,
            clock,
            at,
            keys: ArcSwap::from_pointee(keys),
            looked: Mutex::new(tokio::time::Instant::now()),
        })
    }

    /// Whether the token in `headers` is good.
    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), BadToken> {
        let token = bearer(headers)?;
        // An `alg` that the library does not know, or `none`, is no header to it.
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Malformed)?;
        if header.alg != Algorithm::RS256 {
            return Err(BadToken::Algorithm);
        }
        let is_jwt = header
            .typ
            .as_deref()
            .is_some_and(|it| it.eq_ignore_ascii_case("JWT"));
        let system: Option<String> = header.extras.get("typ_2").ok().flatten();
        if !is_jwt || system.as_deref() != Some(SYSTEM) || header.crit.is_some() {
            return Err(BadToken::Type);
        }
        let kid = header.kid.as_deref().ok_or(BadToken::Key)?;
        let key = self.key(kid).await.ok_or(BadToken::Key)?;
        // Times and audience are checked below: the library would read the machine's clock, and
        // would take one audience of several.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation);
        let claims = claims.map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => BadToken::Signature,
            _ => BadToken::Malformed,
        })?;
        self.judge(&claims.claims, self.clock.now())
    }

    fn judge(&self, claims: &Claims, now: Timestamp) -> Result<(), BadToken> {
        if claims.iss != self.issuer {
            return Err(BadToken::Issuer);
        }
        let is_ours = match &claims.aud {
            OneOrMany::One(audience) => *audience == self.audience,
            OneOrMany::Many(audiences) => {
                matches!(audiences.as_slice(), [audience] if *audience == self.audience)
            }
        };
        if !is_ours {
            return Err(BadToken::Audience);
        }
        let now = now.as_seconds();
        let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
        if now.saturating_sub(SKEW_S) >= claims.exp
            || now.saturating_add(SKEW_S) < not_before
            || claims.exp.saturating_sub(claims.iat) > LIFETIME_MAX_S
        {
            return Err(BadToken::Times);
        }
        let has = |scope: &str| claims.scp.split(' ').any(|it| it == scope);
        match &self.scope {
            Some(scope) if !has(scope) => Err(BadToken::Scope),
            _ => Ok(()),
        }
    }

    /// The key called `kid`. An unknown one is looked for, at most once a minute; known ones are
    /// looked for again as they grow old, so that one that was taken away is gone.
    async fn key(&self, kid: &str) -> Option<DecodingKey> {
        let mut looked = self.looked.lock().await;
        let known = self.keys.load().get(kid).cloned();
        let patience = if known.is_some() {
            LOOK_AFTER
        } else {
            LOOK_AT_MOST_EVERY
        };
        if looked.elapsed() < patience {
            return known;
        }
        *looked = tokio::time::Instant::now();
        match read_keys(&self.at).await {
            Ok(keys) => self.keys.store(Arc::new(keys)),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "keys of Helsenorge's security service not read, the known ones stand"
            ),
        }
        self.keys.load().get(kid).cloned()
    }
}

/// The token of the one authorization header.
fn bearer(headers: &HeaderMap) -> Result<&str, BadToken> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(BadToken::Header);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(BadToken::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BadToken::Scheme);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(BadToken::TooLong);
    }
    Ok(token)
}

/// Reads the key set at `at`.
pub(super) async fn read_keys(at: &KeysAt) -> Result<Keys, StsKeysError> {
    let bytes = match at {
        KeysAt::File(path) => tokio::fs::read(path)
            .await
            .map_err(|error| StsKeysError::File(path.clone(), error))?,
        KeysAt::Url(url, client) => {
            let answer = client.get(url.clone()).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status);
            let answer = answer.map_err(|error| StsKeysError::Fetch(error.to_string()))?;
            calls::read(answer, KEYS_BYTES_MAX)
                .await
                .map_err(|error| StsKeysError::Fetch(error.to_string()))?
        }
    };
    let set: JwkSet = serde_json::from_slice(&bytes).map_err(|_| StsKeysError::NoKey)?;
    let keys = set.keys.iter().filter_map(|key| {
        let signs = matches!(
            key.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let is_rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
        let kid = key.common.key_id.clone().filter(|_| signs && is_rsa)?;
        Some((kid, DecodingKey::from_jwk(key).ok()?))
    });
    let keys: Keys = keys.collect();
    if keys.is_empty() {
        return Err(StsKeysError::NoKey);
    }
    Ok(keys)
}
