//! `[research]`: what the agent counts for researchers, and with what.

use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_proto::data_permit::{IssuerKey, IssuerKeyError, TrustedIssuers};
use serde::Deserialize;

use crate::research::compute::Limits;
use crate::service::Caps;

/// The least memory for one query, in MiB: twice what decoding takes (`engine::SCAN_BYTES`).
const MEMORY_MIB_MIN: u32 = 32;
/// The longest that a query may run, in seconds: what a cleared query is cleared for.
const TIMEOUT_S_MAX: u32 = 600;
/// Most queries at once.
const AT_ONCE_MAX: u32 = 64;

/// Where research has its files, whose data permits count, and what queries may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResearchSection {
    /// The folder, for research alone: `steward.toml`, snapshots, and records of queries.
    pub folder: PathBuf,
    /// The issuers whose data permits the register trusts.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Memory for all queries together, in MiB.
    #[serde(default = "memory_mib")]
    pub memory_mib: u32,
    /// The longest that one query may run, in seconds.
    #[serde(default = "timeout_s")]
    pub timeout_s: u32,
    /// Queries that run at once and share the memory.
    #[serde(default = "queries_at_once")]
    pub queries_at_once: u32,
    /// Queries of one gateway in any one minute.
    #[serde(default = "per_minute")]
    pub queries_per_minute_max: u32,
    /// Queries of one gateway in any one day.
    #[serde(default = "per_day")]
    pub queries_per_day_max: u32,
}

/// An issuer of data permits. One with several keys, while they are changed, comes once for each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// Its name, as its permits give it.
    pub name: String,
    /// The file of its public key, in PEM.
    pub public_key: PathBuf,
}

/// Why `[research]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResearchConfigError {
    /// Nobody could ask anything.
    #[error(
        "`research.trusted_issuers` is empty, so that no data permit counts; name the issuers \
         that the register trusts, or leave `[research]` out"
    )]
    NoIssuer,
    /// A number that cannot be meant.
    #[error("`research.{key}` is {is}, and must be {min} to {max}")]
    Number {
        /// Which.
        key: &'static str,
        /// What it is.
        is: u32,
        /// The least it may be.
        min: u32,
        /// The most it may be.
        max: u32,
    },
    /// The file of a key cannot be read.
    #[error("the public key `{}` of issuer `{issuer}` cannot be read", file.display())]
    KeyUnreadable {
        /// Whose.
        issuer: String,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds no key.
    #[error("`{}` does not hold the public key of issuer `{issuer}`", file.display())]
    Key {
        /// Whose.
        issuer: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: IssuerKeyError,
    },
}

const fn memory_mib() -> u32 {
    512
}

const fn timeout_s() -> u32 {
    60
}

const fn queries_at_once() -> u32 {
    2
}

const fn per_minute() -> u32 {
    60
}

const fn per_day() -> u32 {
    2_000
}

impl ResearchSection {
    /// This section with paths relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.folder = folder.join(&self.folder);
        for issuer in &mut self.trusted_issuers {
            issuer.public_key = folder.join(&issuer.public_key);
        }
    }

    pub(super) fn check(&self) -> Result<(), ResearchConfigError> {
        if self.trusted_issuers.is_empty() {
            return Err(ResearchConfigError::NoIssuer);
        }
        let at_once = self.queries_at_once.clamp(1, AT_ONCE_MAX);
        for (key, is, min, max) in [
            ("queries_at_once", self.queries_at_once, 1, AT_ONCE_MAX),
            (
                "memory_mib",
                self.memory_mib,
                MEMORY_MIB_MIN * at_once,
                u32::MAX,
            ),
            ("timeout_s", self.timeout_s, 1, TIMEOUT_S_MAX),
            (
                "queries_per_minute_max",
                self.queries_per_minute_max,
                1,
                u32::MAX,
            ),
            ("queries_per_day_max", self.queries_per_day_max, 1, u32::MAX),
        ] {
            if !(min..=max).contains(&is) {
                return Err(ResearchConfigError::Number { key, is, min, max });
            }
        }
        Ok(())
    }

    /// The issuers with their keys, read now.
    pub fn trusted_issuers(&self) -> Result<TrustedIssuers, ResearchConfigError> {
        use ResearchConfigError as E;
        let key = |trusted: &TrustedIssuer| {
            let (issuer, file) = (trusted.name.clone(), trusted.public_key.clone());
            let pem = match std::fs::read_to_string(&file) {
                Ok(pem) => pem,
                Err(source) => {
                    return Err(E::KeyUnreadable {
                        issuer,
                        file,
                        source,
                    });
                }
            };
            match IssuerKey::from_pem(&pem) {
                Ok(key) => Ok((issuer, key)),
                Err(source) => Err(E::Key {
                    issuer,
                    file,
                    source,
                }),
            }
        };
        self.trusted_issuers.iter().map(key).collect()
    }

    /// What queries may take.
    pub fn limits(&self) -> Limits {
        let bytes = u64::from(self.memory_mib) << 20;
        let each = bytes / u64::from(self.queries_at_once.max(1));
        Limits {
            memory_bytes: usize::try_from(each).unwrap_or(usize::MAX),
            timeout: Duration::from_secs(self.timeout_s.into()),
            at_once: self.queries_at_once as usize,
        }
    }

    /// What each gateway may ask.
    pub const fn caps(&self) -> Caps {
        Caps {
            per_minute: self.queries_per_minute_max,
            per_day: self.queries_per_day_max,
        }
    }
}
