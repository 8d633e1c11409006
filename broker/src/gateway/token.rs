//! Is this token good? Signature, issuer, audience and times; not yet what it may be used for.
//!
//! The checks are those of RFC 8725 and of HelseID's profile for a resource server. A caller is
//! never told which one failed; the cause is for our log and a metric. What the caller could
//! measure (how long we took) is evened out by [`super::face`].

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, header};
use innsyn_policy::{Clock, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, TokenData, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::claims::{Claims, OneOrMany};

mod keys;

pub use keys::{KeySet, KeySource, LoadKeysError};

/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Verifies the token of a call. A true seam: HelseID with DPoP is another one of it.
pub trait VerifyToken: Send + Sync + 'static {
    /// Verifies the token in `headers`. May look for new keys, but no longer than `until`.
    fn verify<'a>(
        &'a self,
        headers: &'a HeaderMap,
        until: Instant,
    ) -> BoxFuture<'a, Result<Claims, TokenError>>;

    /// Whether there is a key for every issuer, so that good tokens could be told.
    fn can_verify(&self) -> bool;
}

/// The claims by which a token is judged, whatever it may be used for.
#[derive(Clone, Copy)]
pub(crate) struct Registered<'a> {
    /// Who issued it.
    pub(crate) iss: &'a str,
    /// Whom it is for.
    pub(crate) aud: &'a OneOrMany,
    /// Until when it is valid, seconds since 1970-01-01T00:00:00Z.
    pub(crate) exp: i64,
    /// From when it is valid, likewise. Absent means from `iat`.
    pub(crate) nbf: Option<i64>,
    /// When it was issued, likewise.
    pub(crate) iat: i64,
}

/// Claims of some kind of token.
pub(crate) trait TokenClaims: DeserializeOwned {
    /// Those that every token has.
    fn registered(&self) -> Registered<'_>;
}

/// In what way a token is bad. For our log and metrics only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TokenError {
    #[error("there is no authorization header")]
    HeaderMissing,
    #[error("there is more than one authorization header")]
    HeaderRepeated,
    #[error("the authorization scheme is not Bearer")]
    Scheme,
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("the token is not a JWT that can be read")]
    Malformed,
    #[error("the token's type is neither JWT nor at+jwt")]
    Type,
    #[error("the token's algorithm is not allowed, or not its key's own")]
    Algorithm,
    #[error("the token asks for an extension that is not known")]
    Critical,
    #[error("the token does not name its key")]
    KeyMissing,
    #[error("the token's key is not one of its issuer's")]
    KeyUnknown,
    #[error("the signature is wrong")]
    Signature,
    #[error("the issuer is not one we trust")]
    Issuer,
    #[error("the token is for somebody else, or not for us alone")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is valid for longer than we accept")]
    Lifetime,
}

impl TokenError {
    /// The cause as a metric's label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::HeaderMissing => "header_missing",
            Self::HeaderRepeated => "header_repeated",
            Self::Scheme => "scheme",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::KeyMissing => "key_missing",
            Self::KeyUnknown => "key_unknown",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Lifetime => "lifetime",
        }
    }
}

/// One issuer whose tokens we accept.
#[derive(Debug)]
pub struct Issuer {
    /// Its name, exactly as in `iss`.
    pub issuer: String,
    /// Our own name, exactly as in `aud`.
    pub audience: String,
    /// Its keys.
    pub keys: Arc<KeySet>,
}

/// How strict the times are taken.
#[derive(Debug, Clone, Copy)]
pub struct TokenTimes {
    /// How far the issuer's clock and ours may be apart, in seconds.
    pub skew_s: i64,
    /// The longest time from issue to expiry, in seconds.
    pub lifetime_max_s: i64,
}

/// Verifies `Authorization: Bearer` with a JWT.
pub struct BearerVerifier {
    issuers: Vec<Issuer>,
    times: TokenTimes,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for BearerVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BearerVerifier")
            .field("issuers", &self.issuers)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// Read before the signature is checked, to find the issuer's keys; checked again after.
#[derive(Deserialize)]
struct IssuerOnly {
    iss: String,
}

impl BearerVerifier {
    /// A verifier of these issuers' tokens.
    pub fn new(issuers: Vec<Issuer>, times: TokenTimes, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuers,
            times,
            clock,
        }
    }

    /// Verifies the token in `headers`. May look for new keys, but no longer than `until`.
    pub(crate) async fn check<C: TokenClaims>(
        &self,
        headers: &HeaderMap,
        until: Instant,
    ) -> Result<C, TokenError> {
        let token = bearer(headers)?;
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            // An `alg` that the library does not know (or `none`) is a shape error to serde.
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenError::Algorithm,
            _ => TokenError::Malformed,
        })?;
        let kid = check_header(&header)?;
        let IssuerOnly { iss } = jsonwebtoken::dangerous::insecure_decode::<IssuerOnly>(token)
            .map_err(|_| TokenError::Malformed)?
            .claims;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.issuer == iss)
            .ok_or(TokenError::Issuer)?;
        let key = issuer
            .keys
            .find(kid, until)
            .await
            .ok_or(TokenError::KeyUnknown)?;
        if key.algorithm != header.alg {
            return Err(TokenError::Algorithm);
        }
        // Times and audience are checked below: the library would read the machine's clock, and
        // would take one audience of several.
        let mut validation = Validation::new(key.algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let TokenData { claims, .. } = jsonwebtoken::decode::<C>(token, &key.decoding, &validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                _ => TokenError::Malformed,
            })?;
        issuer.check(claims.registered())?;
        self.times.check(claims.registered(), self.clock.now())?;
        Ok(claims)
    }
}

impl BearerVerifier {
    /// Whether there is a key for every issuer.
    pub(crate) fn has_keys(&self) -> bool {
        self.issuers.iter().all(|issuer| issuer.keys.has_keys())
    }
}

impl VerifyToken for BearerVerifier {
    fn verify<'a>(
        &'a self,
        headers: &'a HeaderMap,
        until: Instant,
    ) -> BoxFuture<'a, Result<Claims, TokenError>> {
        self.check(headers, until).boxed()
    }

    fn can_verify(&self) -> bool {
        self.has_keys()
    }
}

/// The token of the one authorization header.
fn bearer(headers: &HeaderMap) -> Result<&str, TokenError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenError::HeaderMissing)?;
    if values.next().is_some() {
        return Err(TokenError::HeaderRepeated);
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(TokenError::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Scheme);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLong);
    }
    Ok(token)
}

/// Checks what the header promises, and gives the key's name. `jku`, `jwk`, `x5u` and `x5c` are
/// never looked at: a token does not bring its own key.
fn check_header(header: &Header) -> Result<&str, TokenError> {
    let typ = header.typ.as_deref().ok_or(TokenError::Type)?;
    if !["JWT", "at+jwt"]
        .iter()
        .any(|t| t.eq_ignore_ascii_case(typ))
    {
        return Err(TokenError::Type);
    }
    if !keys::ALGORITHMS.contains(&header.alg) {
        return Err(TokenError::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    header.kid.as_deref().ok_or(TokenError::KeyMissing)
}

impl Issuer {
    fn check(&self, claims: Registered<'_>) -> Result<(), TokenError> {
        if claims.iss != self.issuer {
            Err(TokenError::Issuer)
        } else if !claims.aud.is_only(&self.audience) {
            Err(TokenError::Audience)
        } else {
            Ok(())
        }
    }
}

impl TokenTimes {
    fn check(self, claims: Registered<'_>, now: Timestamp) -> Result<(), TokenError> {
        let (now, skew) = (now.as_seconds(), self.skew_s);
        let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
        if now.saturating_sub(skew) >= claims.exp {
            Err(TokenError::Expired)
        } else if now.saturating_add(skew) < not_before {
            Err(TokenError::NotYetValid)
        } else if claims.exp.saturating_sub(claims.iat) > self.lifetime_max_s {
            Err(TokenError::Lifetime)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
