//! Tokens with one thing wrong.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use innsyn_policy::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Map, Value, json};

use super::{StsError, TOKEN_LIFETIME_S, TestIssuer};

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Fault {
    /// It expired an hour ago.
    Expired,
    /// It is valid from in an hour.
    NotYetValid,
    /// It has no expiry.
    NoExpiry,
    /// It is good for a year.
    LivesTooLong,
    /// It is for somebody else.
    WrongAudience,
    /// It is for us and somebody else.
    TwoAudiences,
    /// It says that another issuer made it.
    WrongIssuer,
    /// Another key signed it, under our key's name.
    WrongKey,
    /// It names a key that the issuer does not have.
    UnknownKey,
    /// It names no key.
    NoKeyName,
    /// Its claims were changed after it was signed.
    Tampered,
    /// Its signature was cut off and its algorithm is `none`.
    Unsigned,
    /// It is signed with HS256, the public key as the secret.
    PublicKeyAsSecret,
    /// Its type is not a token's.
    WrongType,
    /// It has no scope.
    ScopeMissing,
    /// The login was of a lower level.
    LowAssurance,
    /// It does not say who is asked about.
    NoSubject,
    /// A client that the gateway does not know asked for it.
    UnknownClient,
}

impl Fault {
    /// The HTTP status that a gateway owes such a token: 401 for a bad one, 403 for a good one
    /// that gives no right to this.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::ScopeMissing | Self::LowAssurance | Self::NoSubject | Self::UnknownClient => 403,
            _ => 401,
        }
    }

    pub(super) fn token(
        self,
        issuer: &TestIssuer,
        mut header: Header,
        mut claims: Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, StsError> {
        const HOUR_S: i64 = 3600;
        let now = now.as_seconds();
        let audience = claims.get("aud").cloned();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        match self {
            Self::Expired => {
                claim("iat", json!(now - HOUR_S - TOKEN_LIFETIME_S));
                claim("nbf", json!(now - HOUR_S - TOKEN_LIFETIME_S));
                claim("exp", json!(now - HOUR_S));
            }
            Self::NotYetValid => {
                claim("iat", json!(now + HOUR_S));
                claim("nbf", json!(now + HOUR_S));
                claim("exp", json!(now + HOUR_S + TOKEN_LIFETIME_S));
            }
            Self::NoExpiry => {
                claims.remove("exp");
            }
            Self::LivesTooLong => {
                claim("exp", json!(now + 365 * 24 * HOUR_S));
            }
            Self::WrongAudience => {
                claim("aud", json!("somebody-else"));
            }
            Self::TwoAudiences => {
                let audiences = json!([audience, "somebody-else"]);
                claim("aud", audiences);
            }
            Self::WrongIssuer => {
                claim("iss", json!("https://sts.somebody-else.example"));
            }
            Self::WrongKey => {
                let pem = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
                let key = EncodingKey::from_rsa_pem(pem.serialize_pem().as_bytes())?;
                return Ok(jsonwebtoken::encode(&header, &claims, &key)?);
            }
            Self::UnknownKey => header.kid = Some("a-key-that-never-was".to_owned()),
            Self::NoKeyName => header.kid = None,
            Self::Tampered => {
                let good = jsonwebtoken::encode(&header, &claims, &issuer.key)?;
                let signature = good.rsplit('.').next().unwrap_or_default();
                claims.insert("scp".to_owned(), json!("innsyn:everything"));
                let unsigned = unsigned(&serde_json::to_value(&header)?, &claims)?;
                return Ok(format!("{unsigned}.{signature}"));
            }
            Self::Unsigned => {
                let header = json!({ "alg": "none", "typ": "JWT", "kid": issuer.kid });
                return Ok(format!("{}.", unsigned(&header, &claims)?));
            }
            Self::PublicKeyAsSecret => {
                header.alg = Algorithm::HS256;
                let secret = EncodingKey::from_secret(issuer.jwks()?.as_bytes());
                return Ok(jsonwebtoken::encode(&header, &claims, &secret)?);
            }
            Self::WrongType => header.typ = Some("logout+jwt".to_owned()),
            Self::ScopeMissing => {
                claim("scp", json!(""));
            }
            Self::LowAssurance => {
                claim("acr", json!("idporten-loa-substantial"));
            }
            Self::NoSubject => {
                claims.remove("sub_pid");
            }
            Self::UnknownClient => {
                claim("client_id", json!("somebody-else.example"));
            }
        }
        Ok(jsonwebtoken::encode(&header, &claims, &issuer.key)?)
    }
}

/// Header and claims as a token has them before its signature.
fn unsigned(header: &Value, claims: &Map<String, Value>) -> Result<String, StsError> {
    let part = |json: Vec<u8>| BASE64.encode(json);
    let header = part(serde_json::to_vec(header)?);
    let claims = part(serde_json::to_vec(claims)?);
    Ok(format!("{header}.{claims}"))
}
