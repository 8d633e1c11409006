//! A test issuer that stands for Helsenorge's security service.
//!
//! It has an RSA key of its own and signs tokens of the shape that the gateway assumes (the names
//! are the gateway's, see `broker/src/gateway/claims.rs`): good ones, and bad ones with one
//! deliberate [`Fault`] each. It is for invented people; a name that may be a real issuer's is
//! refused unless one insists.
//!
//! ```text
//!   key.pem      the private key, readable by its owner only
//!   jwks.json    the public key, for the gateway
//!   issuer.toml  the names
//! ```

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use innsyn_policy::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rand::RngExt as _;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::{Deserialize, Serialize};

pub use fault::Fault;
pub use researcher::{RESEARCH_CLIENT, RESEARCH_SCOPE, Researcher};
pub use system::SystemCall;

use crate::population::Person;

mod claims;
mod fault;
mod researcher;
mod system;
#[cfg(test)]
mod tests;

/// The public key's file, which a gateway's configuration names.
pub const JWKS_FILE: &str = "jwks.json";
const KEY_FILE: &str = "key.pem";
const NAMES_FILE: &str = "issuer.toml";
/// How long a token is good, in seconds.
pub const TOKEN_LIFETIME_S: i64 = 300;

/// The names in a token. A gateway's configuration has the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `client_id`.
    pub client_id: String,
    /// The scope that a listing needs.
    pub scope: String,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            issuer: "https://sts.helsenorge.example".to_owned(),
            audience: "innsyn".to_owned(),
            client_id: "helsenorge.example".to_owned(),
            scope: "innsyn:registrations".to_owned(),
        }
    }
}

impl Names {
    /// Whether nobody could take the issuer for a real one: a loopback address or a name under
    /// a top-level domain that is reserved for examples and tests (RFC 2606).
    pub fn is_invented(&self) -> bool {
        let Ok(url) = reqwest::Url::parse(&self.issuer) else {
            return false;
        };
        let Some(host) = url.host_str() else {
            return false;
        };
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let reserved = ["example", "test", "invalid", "localhost"];
        address.is_ok_and(|address| address.is_loopback())
            || host
                .rsplit('.')
                .next()
                .is_some_and(|top| reserved.contains(&top))
    }
}

/// By what right somebody asks about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// About oneself.
    Own,
    /// As a parent; the token carries the child's birth date.
    Parent,
    /// As a guardian.
    Guardian(Mandate),
    /// By a power of attorney.
    PowerOfAttorney(Mandate),
}

/// What a guardian's mandate or a power of attorney covers, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// `insight`, `insight/kind/quality`, `insight/register/kreft` …
    pub areas: Vec<String>,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub until: Timestamp,
}

/// Whom a token is about and who holds it.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The person asked about.
    pub subject: &'a Person,
    /// The person who is logged in.
    pub asker: &'a Person,
    /// By what right.
    pub right: &'a Right,
}

/// The test issuer.
pub struct TestIssuer {
    names: Names,
    key: EncodingKey,
    kid: String,
}

impl std::fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestIssuer")
            .field("names", &self.names)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Why there is no issuer or no token.
#[derive(Debug, thiserror::Error)]
pub enum StsError {
    /// The name may be a real issuer's.
    #[error(
        "`{0}` may be a real issuer; use a loopback address or a name under .example, .test, \
         .invalid or .localhost, or say that you mean it"
    )]
    MayBeReal(String),
    /// A file.
    #[error("`{}` cannot be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The names cannot be read or written.
    #[error("`issuer.toml` cannot be used; make the issuer anew")]
    Names(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No key could be made.
    #[error("no RSA key could be made")]
    Key(#[from] rcgen::Error),
    /// A key or token could not be encoded.
    #[error("the key cannot be read, or a token cannot be signed with it")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// A key set or claims could not be written as JSON.
    #[error("claims or keys cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl TestIssuer {
    /// Makes an issuer in `folder`, which is made if it is not there. `even_if_real` lets an
    /// issuer's name through that may be a real one's.
    pub fn create(folder: &Path, names: Names, even_if_real: bool) -> Result<Self, StsError> {
        if !even_if_real && !names.is_invented() {
            return Err(StsError::MayBeReal(names.issuer));
        }
        let pem = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?.serialize_pem();
        let issuer = Self::with_key(names, &pem)?;
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        write_secret(&folder.join(KEY_FILE), &pem)?;
        let text =
            toml::to_string(&issuer.names).map_err(|error| StsError::Names(Box::new(error)))?;
        for (name, text) in [(JWKS_FILE, issuer.jwks()?), (NAMES_FILE, text)] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(io_error(&path))?;
        }
        Ok(issuer)
    }

    /// The issuer that was made in `folder`.
    pub fn open(folder: &Path) -> Result<Self, StsError> {
        let read = |name| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(io_error(&path))
        };
        let names =
            toml::from_str(&read(NAMES_FILE)?).map_err(|error| StsError::Names(Box::new(error)))?;
        Self::with_key(names, &read(KEY_FILE)?)
    }

    fn with_key(names: Names, pem: &str) -> Result<Self, StsError> {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        let kid =
            Jwk::from_encoding_key(&key, Algorithm::RS256)?.thumbprint(ThumbprintHash::SHA256)?;
        Ok(Self { names, key, kid })
    }

    /// The names in its tokens.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Its public key as a JSON Web Key Set. The key's name is its RFC 7638 thumbprint.
    pub fn jwks(&self) -> Result<String, StsError> {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::RS256)?;
        key.common.key_id = Some(self.kid.clone());
        key.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(serde_json::to_string_pretty(&JwkSet { keys: vec![key] })?)
    }

    /// A token for `grant` that is good from `now`, for five minutes.
    pub fn token(
        &self,
        grant: &Grant<'_>,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        let claims = claims::of(&self.names, grant, now, &rng.random());
        Ok(jsonwebtoken::encode(&self.header(), &claims, &self.key)?)
    }

    /// A token for `researcher` that is good from `now`, for five minutes.
    pub fn researcher_token(
        &self,
        researcher: &Researcher<'_>,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        let claims = researcher.claims(&self.names, now, &rng.random());
        Ok(jsonwebtoken::encode(&self.header(), &claims, &self.key)?)
    }

    /// The same as [`TestIssuer::token`] with one deliberate `fault`.
    pub fn faulty_token(
        &self,
        fault: Fault,
        grant: &Grant<'_>,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        let claims = claims::of(&self.names, grant, now, &rng.random());
        fault.token(self, self.header(), claims, now)
    }

    fn header(&self) -> jsonwebtoken::Header {
        let mut header = jsonwebtoken::Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        header
    }
}

/// Writes a key so that only its owner can read it.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), StsError> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StsError {
    let path = path.to_owned();
    |source| StsError::Io { path, source }
}
