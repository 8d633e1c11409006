//! The broker's configuration: one TOML file, read once, checked whole.
//!
//! A role runs if its section is there: `[relay]`, `[citizen_gateway]`, `[research_gateway]`. Paths
//! are relative to the file's own folder.

use std::path::{Path, PathBuf};

use innsyn_proto::telemetry::TelemetryConfig;
use innsyn_proto::tls::TlsFiles;
use innsyn_proto::tunnel::RelayAddress;
use serde::Deserialize;

use crate::gateway::CitizenGatewayConfig;
use crate::gateway::notification::NotificationConfig;
use crate::relay::RelayConfig;
use crate::research::ResearchGatewayConfig;

#[cfg(test)]
mod tests;

/// What a broker is to do; checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is logged.
    pub telemetry: TelemetryConfig,
    /// Threads that serve; 1 is fastest for a relay, and for a gateway on few cores.
    pub threads: usize,
    /// The relay's role.
    pub relay: Option<RelayConfig>,
    /// The citizen gateway's role, and how it reaches the agents.
    pub citizen_gateway: Option<(CitizenGatewayConfig, FederationConfig)>,
    /// The research gateway's role, and how it reaches the agents.
    pub research_gateway: Option<(ResearchGatewayConfig, FederationConfig)>,
}

/// How a gateway reaches the agents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederationConfig {
    /// Our certificate and those we trust.
    pub tls: TlsFiles,
    /// The relays, tried in order.
    pub relays: Vec<RelayAddress>,
    /// The folder in which the last head of each register's log of use is kept.
    pub heads: PathBuf,
    /// The file with the key that countersigns heads; made at the first start.
    pub head_key: PathBuf,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Not TOML, an unknown key, or a value that is refused.
    #[error("`{}` is not a broker's configuration", .0.display())]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    /// No role.
    #[error(
        "there is neither a `[relay]` nor a `[citizen_gateway]` nor a `[research_gateway]` \
         section: nothing to do"
    )]
    NoRole,
    /// A gateway without a way to the agents, or the way without a gateway.
    #[error("a gateway's section and `[federation]` go together; `[{0}]` is missing")]
    Half(&'static str),
    /// A gateway without relays.
    #[error("`federation.relays` is empty: no agent could be reached")]
    NoRelays,
    /// Notices without those who get them.
    #[error("`[notification]` belongs to a citizen gateway; `[citizen_gateway]` is missing")]
    NobodyToTell,
    /// Not a number of threads.
    #[error("`threads` is {0}, and must be 1 to 256")]
    Threads(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    telemetry: TelemetryConfig,
    threads: Option<usize>,
    relay: Option<RelayConfig>,
    citizen_gateway: Option<CitizenGatewayConfig>,
    research_gateway: Option<ResearchGatewayConfig>,
    federation: Option<FederationConfig>,
    notification: Option<NotificationConfig>,
}

impl Config {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable(path.to_owned(), error))?;
        let mut config = Self::parse(&text, path)?;
        config.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    /// Checks a configuration; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let File {
            telemetry,
            threads,
            relay,
            citizen_gateway,
            research_gateway,
            federation,
            notification,
        } = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax(path.to_owned(), Box::new(error)))?;
        let is_gateway = citizen_gateway.is_some() || research_gateway.is_some();
        match &federation {
            Some(federation) if is_gateway && federation.relays.is_empty() => {
                return Err(ConfigError::NoRelays);
            }
            Some(_) if !is_gateway => return Err(ConfigError::Half("citizen_gateway")),
            None if is_gateway => return Err(ConfigError::Half("federation")),
            Some(_) | None => {}
        }
        if relay.is_none() && !is_gateway {
            return Err(ConfigError::NoRole);
        }
        let citizen_gateway = match (citizen_gateway, notification) {
            (None, Some(_)) => return Err(ConfigError::NobodyToTell),
            (gateway, notification) => gateway.map(|gateway| CitizenGatewayConfig {
                notification,
                ..gateway
            }),
        };
        // A relay by itself is fastest on one thread; a gateway may use what the machine has.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or(if is_gateway { cores.min(8) } else { 1 });
        if !(1..=256).contains(&threads) {
            return Err(ConfigError::Threads(threads));
        }
        Ok(Self {
            telemetry,
            threads,
            relay,
            citizen_gateway: citizen_gateway.zip(federation.clone()),
            research_gateway: research_gateway.zip(federation),
        })
    }

    /// Makes every path relative to `folder`, where the file lies.
    fn resolve(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
        if let Some(relay) = &mut self.relay {
            resolve(&mut relay.certificate);
            resolve(&mut relay.key);
            resolve(&mut relay.federation_ca);
            if let Some(mailbox) = &mut relay.mailbox {
                mailbox.resolve(folder);
            }
        }
        if let Some((gateway, federation)) = &mut self.citizen_gateway {
            gateway.resolve_paths(folder);
            federation.resolve(folder);
        }
        if let Some((gateway, federation)) = &mut self.research_gateway {
            gateway.resolve_paths(folder);
            federation.resolve(folder);
        }
    }
}

impl FederationConfig {
    /// Makes every path relative to `folder`.
    fn resolve(&mut self, folder: &Path) {
        self.tls.resolve(folder);
        self.heads = folder.join(&self.heads);
        self.head_key = folder.join(&self.head_key);
    }
}
