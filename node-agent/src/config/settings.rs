//! The `[settings]` section: what people may say here of the use of their data.

use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::ClerkName;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::mandate::{MandateIssuers, MandateKey, MandateKeyError};
use innsyn_proto::setting::paper::{ClerkKey, ClerkKeyError};
use serde::Deserialize;

use super::{Asks, Gateway, TrustedIssuer};

/// What people may say here, and how long it is relied on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsSection {
    /// The file of definitions, the same as the gateways have.
    pub definitions: PathBuf,
    /// How long ago a gateway may have said last that nothing is missing, in seconds.
    #[serde(default = "age_s")]
    pub max_age_s: u64,
    /// The public keys of the clerks who enter and confirm what people say on paper.
    #[serde(default)]
    pub clerks: Vec<String>,
    /// Whose mandates of guardians and powers of attorney count here; nobody's if absent.
    pub mandates: Option<MandatesSection>,
}

/// Whose mandates count, and which were taken back.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandatesSection {
    /// The issuers that the register trusts. One with several keys, while they are changed, comes
    /// once for each.
    pub issuers: Vec<TrustedIssuer>,
    /// The file of mandates that were taken back, `ISSUER ID` on each line; none are if absent.
    pub revoked: Option<PathBuf>,
}

/// Ten minutes: a gateway that restarts stops nothing; one that is kept away does.
const fn age_s() -> u64 {
    600
}

/// Why the section cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum SettingsConfigError {
    /// Too short for a heartbeat, or longer than a change of mind may take.
    #[error("`settings.max_age_s` is {0}, and must be 10 to 86400")]
    Age(u64),
    /// A gateway sends settings that nothing here can have a meaning for.
    #[error(
        "gateway `{0}` may ask for `settings`, but there is no `[settings]` section; add one, or \
         take `settings` out of `may_ask`"
    )]
    NoSection(GatewayName),
    /// A clerk's key is none.
    #[error(
        "`settings.clerks` has `{text}`, which is not a clerk's public key, as `innsyn-agent clerk key` prints it: {error}"
    )]
    Clerk {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        error: ClerkKeyError,
    },
    /// One clerk twice, or one key under two names.
    #[error(
        "`settings.clerks` names `{0}` twice, or gives their key to two; each clerk has one of their own"
    )]
    ClerkTwice(ClerkName),
    /// Nobody who could confirm.
    #[error("`settings.clerks` has one clerk; a paper takes two")]
    OneClerk,
    /// The file of an issuer's key cannot be read.
    #[error("the public key `{}` of issuer `{issuer}` of mandates cannot be read", file.display())]
    IssuerUnreadable {
        /// Whose.
        issuer: String,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds no key.
    #[error("`{}` of issuer `{issuer}` of mandates: {source}", file.display())]
    IssuerKey {
        /// Whose.
        issuer: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: MandateKeyError,
    },
    /// What such a gateway says could not be checked.
    #[error("gateway `{0}` may ask for `settings`, and so needs a `head_key` that signs them")]
    NoKey(GatewayName),
}

impl SettingsSection {
    /// How long ago a gateway may have said last that nothing is missing.
    pub const fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age_s)
    }

    /// The issuers of mandates with their keys, read now.
    pub fn mandate_issuers(&self) -> Result<MandateIssuers, SettingsConfigError> {
        use SettingsConfigError as E;
        let key = |trusted: &TrustedIssuer| {
            let (issuer, file) = (trusted.name.clone(), trusted.public_key.clone());
            let pem = match std::fs::read_to_string(&file) {
                Ok(pem) => pem,
                Err(source) => {
                    return Err(E::IssuerUnreadable {
                        issuer,
                        file,
                        source,
                    });
                }
            };
            match MandateKey::from_pem(&pem) {
                Ok(key) => Ok((issuer, key)),
                Err(source) => Err(E::IssuerKey {
                    issuer,
                    file,
                    source,
                }),
            }
        };
        let issuers = self.mandates.iter().flat_map(|section| &section.issuers);
        issuers.map(key).collect()
    }

    /// The clerks' keys: none, or of two clerks and more.
    pub fn clerks(&self) -> Result<Vec<ClerkKey>, SettingsConfigError> {
        use SettingsConfigError as E;
        let mut clerks: Vec<ClerkKey> = Vec::with_capacity(self.clerks.len());
        for text in &self.clerks {
            let clerk = ClerkKey::parse(text).map_err(|error| E::Clerk {
                text: text.clone(),
                error,
            })?;
            let is_same =
                |other: &ClerkKey| other.name() == clerk.name() || other.public() == clerk.public();
            if clerks.iter().any(is_same) {
                return Err(E::ClerkTwice(clerk.name().clone()));
            }
            clerks.push(clerk);
        }
        if clerks.len() == 1 {
            return Err(E::OneClerk);
        }
        Ok(clerks)
    }

    /// Makes the paths relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.definitions = folder.join(&self.definitions);
        if let Some(mandates) = &mut self.mandates {
            for issuer in &mut mandates.issuers {
                issuer.public_key = folder.join(&issuer.public_key);
            }
            if let Some(revoked) = &mut mandates.revoked {
                *revoked = folder.join(&*revoked);
            }
        }
    }
}

/// Checks `section` beside `gateways`.
pub(super) fn check(
    section: Option<&SettingsSection>,
    gateways: &[Gateway],
) -> Result<(), SettingsConfigError> {
    if let Some(section) = section
        && !(10..=86_400).contains(&section.max_age_s)
    {
        return Err(SettingsConfigError::Age(section.max_age_s));
    }
    if let Some(section) = section {
        section.clerks()?;
    }
    for gateway in gateways {
        if !gateway.may_ask.contains(&Asks::Settings) {
            continue;
        }
        if section.is_none() {
            return Err(SettingsConfigError::NoSection(gateway.name.clone()));
        }
        if gateway.head_key.is_none() {
            return Err(SettingsConfigError::NoKey(gateway.name.clone()));
        }
    }
    Ok(())
}
