//! The key by which HelseID knows the agent (`private_key_jwt`, RFC 7523).

use std::path::{Path, PathBuf};

use innsyn_policy::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use zeroize::Zeroizing;

/// How long an assertion is good, in seconds; HelseID takes at most 60.
const ASSERTION_LIFETIME_S: i64 = 30;

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientKeyError {
    /// It cannot be read.
    #[error("`pvk.helseid.key_file`: `{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is no key that HelseID takes.
    #[error(
        "`pvk.helseid.key_file`: `{}` is neither an RSA nor a P-256 private key in PEM (PKCS #8)",
        .0.display()
    )]
    Malformed(PathBuf),
}

/// Signs that it is the client that asks.
pub(super) struct ClientKey {
    key: EncodingKey,
    header: Header,
    client_id: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl ClientKey {
    /// Reads the key in `file`, which HelseID calls `key_id`, of the client `client_id`.
    pub(super) fn load(file: &Path, key_id: &str, client_id: &str) -> Result<Self, ClientKeyError> {
        let pem = std::fs::read(file)
            .map_err(|error| ClientKeyError::Unreadable(file.to_owned(), error))?;
        let pem = Zeroizing::new(pem);
        let (key, algorithm) = match EncodingKey::from_ec_pem(&pem) {
            Ok(key) => (key, Algorithm::ES256),
            Err(_) => match EncodingKey::from_rsa_pem(&pem) {
                Ok(key) => (key, Algorithm::PS256),
                Err(_) => return Err(ClientKeyError::Malformed(file.to_owned())),
            },
        };
        let header = Header {
            typ: Some("client-authentication+jwt".to_owned()),
            kid: Some(key_id.to_owned()),
            ..Header::new(algorithm)
        };
        let client_key = Self {
            key,
            header,
            client_id: client_id.to_owned(),
        };
        // A key on another curve is found out here, and not at the first call.
        let tried = client_key.assertion("", "", Timestamp::from_seconds(0));
        tried.map_err(|_| ClientKeyError::Malformed(file.to_owned()))?;
        Ok(client_key)
    }

    /// An assertion to `issuer` that is good once, called `id`.
    pub(super) fn assertion(
        &self,
        issuer: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = now.as_seconds();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: issuer,
            jti: id,
            iat: now,
            nbf: now,
            exp: now + ASSERTION_LIFETIME_S,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
    }
}
