//! Proof of possession of a key (DPoP, RFC 9449): a token that was stolen is worth nothing without
//! the key that it was issued for, which lives in this process alone.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innsyn_policy::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Url;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The key of this process.
pub(crate) struct ProofKey {
    key: EncodingKey,
    header: Header,
}

/// What a proof is for.
pub(crate) struct ProofOf<'a> {
    /// The call's method, in upper case.
    pub(crate) method: &'a str,
    /// Its address.
    pub(crate) url: &'a Url,
    /// What the server gave to be put in.
    pub(crate) nonce: Option<&'a str>,
    /// The token that goes with it, towards an API.
    pub(crate) token: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

/// No key could be made.
#[derive(Debug, thiserror::Error)]
#[error("no key for proofs of possession could be made")]
pub struct ProofKeyError;

impl ProofKey {
    /// A key of its own.
    pub(crate) fn generate() -> Result<Self, ProofKeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| ProofKeyError)?;
        let key = EncodingKey::from_ec_der(pair.as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| ProofKeyError)?;
        jwk.common.key_algorithm = None;
        let header = Header {
            typ: Some("dpop+jwt".to_owned()),
            jwk: Some(jwk),
            ..Header::new(Algorithm::ES256)
        };
        Ok(Self { key, header })
    }

    /// A proof that is good once, called `id`.
    pub(crate) fn sign(
        &self,
        of: &ProofOf<'_>,
        id: &str,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let mut url = of.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let claims = Claims {
            jti: id,
            htm: of.method,
            htu: url.as_str(),
            iat: now.as_seconds(),
            nonce: of.nonce,
            ath: of
                .token
                .map(|token| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token))),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
    }
}
