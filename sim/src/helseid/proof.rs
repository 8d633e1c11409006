//! Proofs of possession (DPoP, RFC 9449), as a server checks them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use innsyn_policy::Timestamp;
use jsonwebtoken::jwk::ThumbprintHash;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How old a proof may be, and how far ahead a clock, in seconds.
const WINDOW_S: i64 = 10;
/// What a proof may be signed with.
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::RS256,
];

/// In what way a proof is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// There is none, or more than one.
    #[error("there is not one proof")]
    Missing,
    /// It cannot be read.
    #[error("the proof cannot be read")]
    Malformed,
    /// Its type or algorithm is not a proof's.
    #[error("the proof's type or algorithm is not one that is taken")]
    Type,
    /// Its key has its private part in it.
    #[error("the proof tells its private key")]
    PrivateKey,
    /// Another key has signed it.
    #[error("the proof's signature is wrong")]
    Signature,
    /// It is for another call.
    #[error("the proof is for another call")]
    OtherCall,
    /// It is too old, or of the future.
    #[error("the proof's time is not now")]
    Time,
    /// It came before.
    #[error("the proof was used before")]
    Replayed,
    /// It is not for the token that it came with.
    #[error("the proof is not for this token")]
    OtherToken,
    /// It has not what it was asked to have.
    #[error("the proof has not the nonce that it should")]
    Nonce,
}

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct ProofFor<'a> {
    /// The call's method.
    pub method: &'a str,
    /// Its address, without query.
    pub url: &'a str,
    /// The token that it comes with.
    pub token: Option<&'a str>,
    /// What it must have in it.
    pub nonce: Option<&'a str>,
}

/// Checks proofs, each of which is good once.
#[derive(Debug, Default)]
pub struct Proofs {
    seen: Mutex<HashSet<(String, String)>>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    nonce: Option<String>,
    ath: Option<String>,
}

impl Proofs {
    /// Checks the proof in `headers`; gives the thumbprint of its key (RFC 7638).
    pub fn check(
        &self,
        headers: &HeaderMap,
        wanted: &ProofFor<'_>,
        now: Timestamp,
    ) -> Result<String, ProofFault> {
        let mut proofs = headers.get_all("dpop").iter();
        let (Some(proof), None) = (proofs.next(), proofs.next()) else {
            return Err(ProofFault::Missing);
        };
        let proof = proof.to_str().map_err(|_| ProofFault::Malformed)?;
        let header = jsonwebtoken::decode_header(proof).map_err(|_| ProofFault::Malformed)?;
        let is_proof = header.typ.as_deref() == Some("dpop+jwt");
        if !is_proof || !ALGORITHMS.contains(&header.alg) {
            return Err(ProofFault::Type);
        }
        if has_private_part(proof) {
            return Err(ProofFault::PrivateKey);
        }
        let jwk = header.jwk.ok_or(ProofFault::Malformed)?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| ProofFault::Malformed)?;
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(proof, &key, &validation);
        let claims = claims.map_err(|_| ProofFault::Signature)?.claims;
        if claims.htm != wanted.method || claims.htu != wanted.url {
            return Err(ProofFault::OtherCall);
        }
        if (now.as_seconds() - claims.iat).abs() > WINDOW_S {
            return Err(ProofFault::Time);
        }
        let hash = wanted
            .token
            .map(|token| BASE64.encode(Sha256::digest(token)));
        if hash != claims.ath {
            return Err(ProofFault::OtherToken);
        }
        if wanted.nonce.is_some() && claims.nonce.as_deref() != wanted.nonce {
            return Err(ProofFault::Nonce);
        }
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256);
        let thumbprint = thumbprint.map_err(|_| ProofFault::Malformed)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.insert((thumbprint.clone(), claims.jti)) {
            return Err(ProofFault::Replayed);
        }
        Ok(thumbprint)
    }
}

/// Whether the key in the proof's header has `d`.
fn has_private_part(proof: &str) -> bool {
    let header = proof.split('.').next().unwrap_or_default();
    let header = BASE64.decode(header).ok();
    let header = header.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    header.is_some_and(|header| header.pointer("/jwk/d").is_some())
}
