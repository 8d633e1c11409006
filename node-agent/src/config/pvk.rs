//! `[pvk]`: the register's place at Personvernkomponenten, where people say what their data may be
//! used for.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::DefinitionId;
use reqwest::Url;
use serde::Deserialize;

use super::SettingsSection;

#[cfg(test)]
mod tests;

/// Where Personvernkomponenten is, what it writes, and how the two know each other.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvkSection {
    /// The address that `/personvern/…` comes after.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// The CA of that address and HelseID's; those of the machine if absent.
    pub ca_file: Option<PathBuf>,
    /// The definitions that are written there, and nowhere else.
    #[serde(deserialize_with = "definitions")]
    pub definitions: BTreeSet<DefinitionId>,
    /// How the agent gets its tokens.
    pub helseid: HelseIdSection,
    /// Where changes are pushed to.
    pub receiver: ReceiverSection,
    /// How often everything is fetched, in seconds.
    #[serde(default = "bulk_s")]
    bulk_every_s: u64,
    /// How long what was fetched is relied on, in seconds.
    #[serde(default = "age_s")]
    max_age_s: u64,
    /// How often a few are compared, in seconds.
    #[serde(default = "spot_s")]
    spot_every_s: u64,
    /// How many of each definition.
    #[serde(default = "spot_persons")]
    pub spot_persons: u32,
}

/// How the agent gets tokens of HelseID.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelseIdSection {
    /// HelseID's name, under which its metadata are.
    #[serde(deserialize_with = "url")]
    pub issuer: Url,
    /// What the agent is called there.
    pub client_id: String,
    /// The private key that HelseID knows the public one of: RSA or P-256, PKCS #8 in PEM.
    pub key_file: PathBuf,
    /// What HelseID calls that key.
    pub key_id: String,
    /// What the tokens are to be good for.
    pub scopes: Vec<String>,
}

/// Where changes are pushed to, and whose token is believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSection {
    /// The address that the register's own reverse proxy forwards to.
    pub listen: SocketAddr,
    /// Helsenorge's security service, exactly as in its tokens.
    pub issuer: String,
    /// What the register is called in them.
    pub audience: String,
    /// What they must be good for, if that is agreed.
    pub scope: Option<String>,
    /// Its public keys: a file, or its own address of them.
    #[serde(deserialize_with = "place")]
    pub jwks: Jwks,
}

/// Where a key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// A file with a JSON Web Key Set.
    File(PathBuf),
    /// An address of one.
    Url(Url),
}

/// Why `[pvk]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PvkConfigError {
    /// What people have said would be on the network in clear, or the token would.
    #[error("`pvk.{key}` is `{url}`, and must be https, or http on loopback")]
    Clear {
        /// Which.
        key: &'static str,
        /// What it is.
        url: Url,
    },
    /// An open port.
    #[error(
        "`pvk.receiver.listen` is {0}, which is not loopback; the agent opens no port to the \
         network: have the register's own reverse proxy forward to it"
    )]
    NotLoopback(SocketAddr),
    /// Nothing is written there.
    #[error("`pvk.definitions` is empty; name what is written at Personvernkomponenten")]
    NoDefinition,
    /// Definitions that nothing here gives a meaning.
    #[error("there is a `[pvk]` section and no `[settings]`, whose definitions it needs")]
    NoSettings,
    /// Nothing that tokens could be asked for.
    #[error("`pvk.helseid.{0}` is empty")]
    Empty(&'static str),
    /// Relied on for less long than it is left alone.
    #[error(
        "`pvk.bulk_every_s` is {every} and `pvk.max_age_s` is {age}; the first must be at least 1, \
         less than the second, and the second at most 604800"
    )]
    Age {
        /// So often it is fetched.
        every: u64,
        /// So long it is relied on.
        age: u64,
    },
    /// Never, or all the time.
    #[error(
        "`pvk.spot_every_s` is {every} and `pvk.spot_persons` is {persons}; they must be 1 to \
         86400, and 1 to 100"
    )]
    Spot {
        /// So often.
        every: u64,
        /// So many.
        persons: u32,
    },
}

/// Every hour.
const fn bulk_s() -> u64 {
    3_600
}

/// Four hours: three fetches may fail.
const fn age_s() -> u64 {
    14_400
}

/// Every ten minutes.
const fn spot_s() -> u64 {
    600
}

const fn spot_persons() -> u32 {
    5
}

fn definitions<'de, D: serde::Deserializer<'de>>(
    texts: D,
) -> Result<BTreeSet<DefinitionId>, D::Error> {
    let texts = Vec::<String>::deserialize(texts)?;
    texts
        .iter()
        .map(|text| DefinitionId::parse(text).map_err(serde::de::Error::custom))
        .collect()
}

fn url<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Url, D::Error> {
    let text = String::deserialize(text)?;
    Url::parse(&text).map_err(serde::de::Error::custom)
}

fn place<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Jwks, D::Error> {
    let text = String::deserialize(text)?;
    if !text.contains("://") {
        return Ok(Jwks::File(PathBuf::from(text)));
    }
    let url = Url::parse(&text).map_err(serde::de::Error::custom)?;
    Ok(Jwks::Url(url))
}

impl PvkSection {
    /// How often everything is fetched.
    pub const fn bulk_every(&self) -> Duration {
        Duration::from_secs(self.bulk_every_s)
    }

    /// How long what was fetched is relied on.
    pub const fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age_s)
    }

    /// How often a few are compared.
    pub const fn spot_every(&self) -> Duration {
        Duration::from_secs(self.spot_every_s)
    }

    /// This section with paths relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let jwks = match &mut self.receiver.jwks {
            Jwks::File(path) => Some(path),
            Jwks::Url(_) => None,
        };
        let files = [&mut self.helseid.key_file].into_iter();
        for path in files.chain(&mut self.ca_file).chain(jwks) {
            *path = folder.join(&*path);
        }
    }

    pub(super) fn check(&self, settings: Option<&SettingsSection>) -> Result<(), PvkConfigError> {
        use PvkConfigError as E;
        let keys = match &self.receiver.jwks {
            Jwks::File(_) => None,
            Jwks::Url(url) => Some(("receiver.jwks", url)),
        };
        let own = [("url", &self.url), ("helseid.issuer", &self.helseid.issuer)];
        for (key, url) in own.into_iter().chain(keys) {
            if !is_protected(url) {
                let url = url.clone();
                return Err(E::Clear { key, url });
            }
        }
        if !self.receiver.listen.ip().is_loopback() {
            return Err(E::NotLoopback(self.receiver.listen));
        }
        if self.definitions.is_empty() {
            return Err(E::NoDefinition);
        }
        if settings.is_none() {
            return Err(E::NoSettings);
        }
        let HelseIdSection {
            client_id,
            key_id,
            scopes,
            ..
        } = &self.helseid;
        for (key, is_empty) in [
            ("client_id", client_id.is_empty()),
            ("key_id", key_id.is_empty()),
            ("scopes", scopes.is_empty()),
        ] {
            if is_empty {
                return Err(E::Empty(key));
            }
        }
        if self.bulk_every_s == 0 || self.bulk_every_s >= self.max_age_s || self.max_age_s > 604_800
        {
            return Err(E::Age {
                every: self.bulk_every_s,
                age: self.max_age_s,
            });
        }
        if !(1..=86_400).contains(&self.spot_every_s) || !(1..=100).contains(&self.spot_persons) {
            return Err(E::Spot {
                every: self.spot_every_s,
                persons: self.spot_persons,
            });
        }
        Ok(())
    }
}

/// Whether nobody on the network reads what is sent to `url`.
pub(crate) fn is_protected(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|it| it.is_loopback());
    match url.scheme() {
        "https" => !host.is_empty(),
        "http" => is_loopback,
        _ => false,
    }
}
