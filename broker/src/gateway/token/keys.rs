//! An issuer's keys: read from a file or fetched, kept, and looked for again when a token names
//! one that is not there.
//!
//! What holds:
//!
//! - **At most one refresh a minute** however many tokens name unknown keys, and at most one at
//!   a time.
//! - **A refresh that fails changes nothing**: the keys stand while the issuer is down.
//! - **A key that the issuer takes away is gone** within [`REFRESH_AFTER`] of the next token.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::gateway::outgoing::{self, OutgoingError};

/// The algorithms that a token may be signed with.
pub(super) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256];

/// Not sooner than this after a refresh comes another.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_mins(1);
/// Keys older than this are refreshed beside the next token that needs one.
const REFRESH_AFTER: Duration = Duration::from_mins(10);
/// How long a fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest key set that is read, in bytes.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// Where an issuer's keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file with a JSON Web Key Set.
    File(PathBuf),
    /// The issuer's own address of it: `https`, or `http` on loopback.
    Url {
        /// The address.
        url: reqwest::Url,
        /// How it is asked.
        client: reqwest::Client,
    },
}

/// Why keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadKeysError {
    /// The file cannot be read.
    #[error("the key set `{}` cannot be read", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The issuer did not give them.
    #[error("the issuer's key set cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    /// Larger than we read.
    #[error("the key set is larger than {KEY_SET_BYTES_MAX} bytes")]
    TooLarge,
    /// Not a JSON Web Key Set.
    #[error("the key set cannot be understood")]
    Syntax(#[source] serde_json::Error),
    /// None of the keys can be used.
    #[error("the key set has no key with a `kid` for RS256, PS256 or ES256")]
    NoKey,
    /// The issuer cannot be asked.
    #[error("the issuer cannot be asked")]
    Client(#[from] OutgoingError),
}

/// One key, and the only algorithm it is for.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

pub(super) type Keys = HashMap<String, Arc<Key>>;

/// The keys of one issuer.
pub struct KeySet {
    source: KeySource,
    keys: ArcSwap<Keys>,
    /// When the last refresh began; held while one is under way.
    refreshed: Mutex<Instant>,
    /// When the keys were last read well.
    fresh_since: ArcSwap<Instant>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet")
            .field("source", &self.source)
            .field("keys", &self.keys.load().len())
            .finish_non_exhaustive()
    }
}

impl KeySource {
    /// An address to fetch keys from. They come from where the configuration says.
    pub fn url(url: reqwest::Url) -> Result<Self, LoadKeysError> {
        let client = outgoing::client(&url, FETCH_TIMEOUT)?;
        Ok(Self::Url { url, client })
    }

    async fn load(&self) -> Result<Keys, LoadKeysError> {
        let bytes = match self {
            Self::File(path) => tokio::fs::read(path)
                .await
                .map_err(|error| LoadKeysError::File(path.clone(), error))?,
            Self::Url { url, client } => {
                let mut response = client
                    .get(url.clone())
                    .send()
                    .await
                    .and_then(reqwest::Response::error_for_status)
                    .map_err(LoadKeysError::Fetch)?;
                let mut bytes = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(LoadKeysError::Fetch)? {
                    if bytes.len() + chunk.len() > KEY_SET_BYTES_MAX {
                        return Err(LoadKeysError::TooLarge);
                    }
                    bytes.extend_from_slice(&chunk);
                }
                bytes
            }
        };
        read_keys(&bytes)
    }
}

impl KeySet {
    /// Reads the keys. A file must be there; an issuer that is down is asked again later.
    pub async fn open(source: KeySource) -> Result<Arc<Self>, LoadKeysError> {
        let keys = match source.load().await {
            Ok(keys) => keys,
            Err(error) if matches!(source, KeySource::Url { .. }) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no keys from the token issuer yet"
                );
                Keys::new()
            }
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        Ok(Arc::new(Self {
            source,
            keys: ArcSwap::from_pointee(keys),
            refreshed: Mutex::new(now),
            fresh_since: ArcSwap::from_pointee(now),
        }))
    }

    /// Whether there is any key.
    pub fn has_keys(&self) -> bool {
        !self.keys.load().is_empty()
    }

    /// The key called `kid`. Looks for new keys if it is not there, but waits no longer than
    /// `until`; a refresh that has begun goes on.
    pub(super) async fn find(self: &Arc<Self>, kid: &str, until: Instant) -> Option<Arc<Key>> {
        let known = self.keys.load().get(kid).cloned();
        if known.is_some() {
            if self.fresh_since.load().elapsed() >= REFRESH_AFTER {
                tokio::spawn(Arc::clone(self).refresh());
            }
            return known;
        }
        let refresh = tokio::spawn(Arc::clone(self).refresh());
        let _ = tokio::time::timeout_at(until, refresh).await;
        self.keys.load().get(kid).cloned()
    }

    async fn refresh(self: Arc<Self>) {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.elapsed() < REFRESH_AT_MOST_EVERY {
            return;
        }
        *refreshed = Instant::now();
        match self.source.load().await {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "token keys refreshed");
                self.keys.store(Arc::new(keys));
                self.fresh_since.store(Arc::new(Instant::now()));
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "token keys not refreshed, the known ones stand"
            ),
        }
    }
}

/// The usable keys of a set. Others are passed over: a set may hold keys for other uses.
pub(super) fn read_keys(bytes: &[u8]) -> Result<Keys, LoadKeysError> {
    let set: JwkSet = serde_json::from_slice(bytes).map_err(LoadKeysError::Syntax)?;
    let keys: Keys = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.common.key_id.clone()?, Arc::new(read_key(jwk)?))))
        .collect();
    if keys.is_empty() {
        return Err(LoadKeysError::NoKey);
    }
    Ok(keys)
}

fn read_key(jwk: &Jwk) -> Option<Key> {
    let signs = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let default = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        _ => return None,
    };
    let algorithm = match jwk.common.key_algorithm {
        Some(algorithm) => Algorithm::try_from(algorithm).ok()?,
        None => default,
    };
    // A key of one family never verifies another's algorithm.
    let of_its_family = (algorithm == Algorithm::ES256) == (default == Algorithm::ES256);
    if !signs || !of_its_family || !ALGORITHMS.contains(&algorithm) {
        return None;
    }
    Some(Key {
        algorithm,
        decoding: DecodingKey::from_jwk(jwk).ok()?,
    })
}
