//! The section `[citizen_gateway.witnesses]`.

use std::time::Duration;

use innsyn_proto::head::WitnessKey;
use serde::Deserialize;

use super::super::outgoing::is_safe;
use super::remote::{Remote, RemoteError};

/// Agents that witness one log.
const AGENTS_MAX: usize = 8;
/// Witnesses elsewhere.
const REMOTES_MAX: usize = 8;

/// Who else is shown the heads of the registers' logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessesConfig {
    /// How many other registers' agents witness each log.
    pub agents: usize,
    /// How often they are shown a new head, in seconds.
    pub every_s: u64,
    /// Witnesses that speak C2SP tlog-witness over HTTP; another gateway is one.
    pub remote: Vec<RemoteConfig>,
}

/// A witness elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// Its submission prefix: what `/add-checkpoint` is put behind.
    pub url: String,
    /// Its key in the note format, `name+hash+base64`.
    pub key: String,
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesConfigError {
    /// Too many.
    #[error("`agents` and `remote` are at most {AGENTS_MAX} and {REMOTES_MAX}")]
    TooMany,
    /// Not a time that makes sense.
    #[error("`every_s` must be 1 to 3600")]
    Every,
    /// A line that anybody could listen to and change.
    #[error("`remote.url` `{0}` must be https, or http on loopback")]
    Url(String),
    /// Not a key.
    #[error("`remote.key` of `{0}`")]
    Key(String, #[source] innsyn_proto::head::HeadError),
}

impl Default for WitnessesConfig {
    fn default() -> Self {
        Self {
            agents: 3,
            every_s: 30,
            remote: Vec::new(),
        }
    }
}

impl WitnessesConfig {
    /// The section, if everything in it can be used.
    pub(in crate::gateway) fn checked(self) -> Result<Self, WitnessesConfigError> {
        if self.agents > AGENTS_MAX || self.remote.len() > REMOTES_MAX {
            return Err(WitnessesConfigError::TooMany);
        }
        if !(1..=3_600).contains(&self.every_s) {
            return Err(WitnessesConfigError::Every);
        }
        for remote in &self.remote {
            let url = remote.url.parse::<reqwest::Url>();
            if !url.is_ok_and(|url| is_safe(&url)) {
                return Err(WitnessesConfigError::Url(remote.url.clone()));
            }
            WitnessKey::parse(&remote.key)
                .map_err(|error| WitnessesConfigError::Key(remote.url.clone(), error))?;
        }
        Ok(self)
    }

    /// How often.
    pub const fn every(&self) -> Duration {
        Duration::from_secs(self.every_s)
    }

    /// The witnesses elsewhere, ready to be asked.
    pub fn remotes(&self) -> Result<Vec<Remote>, RemoteError> {
        let remotes = self.remote.iter();
        remotes
            .map(|remote| Remote::new(&remote.url, &remote.key))
            .collect()
    }
}
