//! The `[research_gateway]` section: read once, checked whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{Clock, Environment, NumberRules};
use innsyn_proto::data_permit::{IssuerKey, IssuerKeyError, TrustedIssuers};
use serde::Deserialize;

use super::desk::{Rules, RulesError};
use super::ledger::LedgerConfig;
use crate::gateway::config::{
    CitizenGatewayConfigError, EnvironmentName, IssuerConfig, IssuerRow, TlsFiles, bounded,
    check_cleartext, open_verifier, read_issuers, read_scope, read_token_times,
};
use crate::gateway::token::{BearerVerifier, LoadKeysError, TokenTimes};

mod public;
#[cfg(test)]
mod tests;

pub use public::{PublicCatalogueConfig, PublicCatalogueError};

/// The shortest time that registers may be given, in milliseconds.
pub const DEADLINE_MS_MIN: u32 = 200;
/// The longest, in milliseconds.
pub const DEADLINE_MS_MAX: u32 = 600_000;

/// How a research gateway faces its callers. Holding one means that it was checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Section")]
#[non_exhaustive]
pub struct ResearchGatewayConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate; absent behind a proxy or on loopback.
    pub tls: Option<TlsFiles>,
    /// Whose national ids it accepts.
    pub environment: Environment,
    /// How national ids are read.
    pub number_rules: NumberRules,
    /// The catalogue's file.
    pub catalogue: PathBuf,
    /// Whose tokens it accepts.
    pub issuers: Vec<IssuerConfig>,
    /// How strict a token's times are taken.
    pub token_times: TokenTimes,
    /// The scope that a token needs.
    pub scope: Arc<str>,
    /// Whose data permits it accepts.
    pub permit_issuers: Vec<PermitIssuer>,
    /// The least that a permit's smallest cell and rounding base are taken for.
    pub rules: Rules,
    /// Where releases are kept.
    pub ledger: LedgerConfig,
    /// What the public catalogue says of the gateway; without it there is none.
    pub public_catalogue: Option<PublicCatalogueConfig>,
    /// How long registers may take where a run does not say.
    pub default_deadline: Duration,
    /// How long after its arrival a bad token is refused, whatever is wrong with it.
    pub refusal_after: Duration,
    /// Runs at once; more are refused.
    pub runs_in_flight_max: usize,
    /// Connections at once; more wait in the system's queue.
    pub connections_max: usize,
}

/// An issuer of data permits, with one of its keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitIssuer {
    /// Its name, as permits have it.
    name: String,
    /// The file with its public key, in PEM.
    public_key: PathBuf,
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResearchGatewayConfigError {
    /// What the gateways' sections have in common.
    #[error(transparent)]
    Shared(#[from] CitizenGatewayConfigError),
    /// No permit could ever be good.
    #[error("`permit_issuers` is empty: no data permit could be accepted")]
    NoPermitIssuer,
    /// The desk cannot work with these.
    #[error("`smallest_cell` and `rounding_base`: {0}")]
    Rules(#[from] RulesError),
    /// The default is no deadline that a run could name.
    #[error("`default_deadline_ms` is {0}, and must be {DEADLINE_MS_MIN} to {DEADLINE_MS_MAX}")]
    Deadline(u32),
}

/// Why a permit issuer's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PermitIssuerError {
    /// The file cannot be read.
    #[error("the permit issuer's key `{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file holds something else.
    #[error("`{}` holds no permit issuer's key", .0.display())]
    Key(PathBuf, #[source] IssuerKeyError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    listen: SocketAddr,
    tls: Option<TlsFiles>,
    #[serde(default)]
    behind_tls_proxy: bool,
    environment: EnvironmentName,
    #[serde(default = "yes")]
    accept_2032: bool,
    catalogue: PathBuf,
    issuers: Vec<IssuerRow>,
    #[serde(default = "token_skew_s")]
    token_skew_s: i64,
    #[serde(default = "token_lifetime_max_s")]
    token_lifetime_max_s: i64,
    #[serde(default = "scope")]
    scope: String,
    permit_issuers: Vec<PermitIssuer>,
    #[serde(default = "five")]
    smallest_cell: u32,
    #[serde(default = "five")]
    rounding_base: u32,
    #[serde(default)]
    ledger: LedgerConfig,
    public_catalogue: Option<PublicCatalogueConfig>,
    #[serde(default = "default_deadline_ms")]
    default_deadline_ms: u32,
    #[serde(default = "refusal_after_ms")]
    refusal_after_ms: u64,
    #[serde(default = "runs_in_flight_max")]
    runs_in_flight_max: usize,
    #[serde(default = "connections_max")]
    connections_max: usize,
}

const fn yes() -> bool {
    true
}
const fn token_skew_s() -> i64 {
    5
}
const fn token_lifetime_max_s() -> i64 {
    3_600
}
fn scope() -> String {
    "innsyn:research".to_owned()
}
const fn five() -> u32 {
    5
}
const fn default_deadline_ms() -> u32 {
    30_000
}
const fn refusal_after_ms() -> u64 {
    50
}
const fn runs_in_flight_max() -> usize {
    100
}
const fn connections_max() -> usize {
    1_000
}

impl TryFrom<Section> for ResearchGatewayConfig {
    type Error = ResearchGatewayConfigError;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        use ResearchGatewayConfigError as E;
        check_cleartext(
            section.listen,
            section.tls.is_some() || section.behind_tls_proxy,
        )?;
        if !(DEADLINE_MS_MIN..=DEADLINE_MS_MAX).contains(&section.default_deadline_ms) {
            return Err(E::Deadline(section.default_deadline_ms));
        }
        bounded("refusal_after_ms", Ok(section.refusal_after_ms), 10, 1_000)?;
        let runs = section.runs_in_flight_max.try_into();
        bounded("runs_in_flight_max", runs, 1, 10_000)?;
        let connections = section.connections_max.try_into();
        bounded("connections_max", connections, 1, 1 << 20)?;
        if section.permit_issuers.is_empty() {
            return Err(E::NoPermitIssuer);
        }
        Ok(Self {
            listen: section.listen,
            tls: section.tls,
            environment: section.environment.into(),
            number_rules: NumberRules {
                accept_2032: section.accept_2032,
                ..NumberRules::default()
            },
            catalogue: section.catalogue,
            issuers: read_issuers(section.issuers)?,
            token_times: read_token_times(section.token_skew_s, section.token_lifetime_max_s)?,
            scope: read_scope(section.scope)?,
            permit_issuers: section.permit_issuers,
            rules: Rules::new(section.smallest_cell.into(), section.rounding_base.into())?,
            ledger: section.ledger,
            public_catalogue: section.public_catalogue,
            default_deadline: Duration::from_millis(section.default_deadline_ms.into()),
            refusal_after: Duration::from_millis(section.refusal_after_ms),
            runs_in_flight_max: section.runs_in_flight_max,
            connections_max: section.connections_max,
        })
    }
}

impl ResearchGatewayConfig {
    /// Makes every path relative to `folder`, where the configuration file lies.
    pub(crate) fn resolve_paths(&mut self, folder: &Path) {
        self.catalogue = folder.join(&self.catalogue);
        self.ledger.resolve_paths(folder);
        if let Some(tls) = &mut self.tls {
            tls.resolve(folder);
        }
        for issuer in &mut self.issuers {
            issuer.resolve(folder);
        }
        for issuer in &mut self.permit_issuers {
            issuer.public_key = folder.join(&issuer.public_key);
        }
    }

    /// A verifier of the issuers' tokens.
    pub async fn open_verifier(
        &self,
        clock: Arc<dyn Clock>,
    ) -> Result<BearerVerifier, LoadKeysError> {
        open_verifier(&self.issuers, self.token_times, clock).await
    }

    /// Reads the keys of the permits' issuers.
    pub fn open_permit_issuers(&self) -> Result<TrustedIssuers, PermitIssuerError> {
        use PermitIssuerError as E;
        let keys = self.permit_issuers.iter().map(|issuer| {
            let path = &issuer.public_key;
            let pem = std::fs::read_to_string(path)
                .map_err(|error| E::Unreadable(path.clone(), error))?;
            let key = IssuerKey::from_pem(&pem).map_err(|error| E::Key(path.clone(), error))?;
            Ok((issuer.name.clone(), key))
        });
        keys.collect()
    }
}
