//! The `[citizen_gateway]` section: read once, checked whole.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{Clock, Environment, NumberRules, Organisation};
use serde::Deserialize;

use super::notification::NotificationConfig;
use super::outgoing::is_safe;
use super::settings::SettingsConfig;
use super::token::{BearerVerifier, Issuer, KeySet, KeySource, LoadKeysError, TokenTimes};
use super::witness::{WitnessesConfig, WitnessesConfigError};

/// The shortest deadline of a listing, in milliseconds.
pub const DEADLINE_MS_MIN: u32 = 200;
/// The longest, in milliseconds.
pub const DEADLINE_MS_MAX: u32 = 10_000;

/// How a citizen gateway faces its callers. Holding one means that it was checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Section")]
#[non_exhaustive]
pub struct CitizenGatewayConfig {
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
    /// The organisation of each client that there is an agreement with.
    pub clients: HashMap<String, Organisation>,
    /// The deadline of a listing that names none.
    pub default_deadline: Duration,
    /// How long after its arrival a bad token is refused, whatever is wrong with it.
    pub refusal_after: Duration,
    /// What citizens may say of the use of their data; nothing if absent.
    pub settings: Option<SettingsConfig>,
    /// Who else is shown the heads of the registers' logs.
    pub witnesses: WitnessesConfig,
    /// What it bears.
    pub limits: Limits,
    /// How citizens are told of new messages; not at all if absent. Read from a section of its own.
    pub notification: Option<NotificationConfig>,
}

/// PEM files of a TLS server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, and those between it and the root.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// One issuer of tokens.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    issuer: String,
    audience: String,
    keys: KeysAt,
}

#[derive(Debug, Clone)]
enum KeysAt {
    File(PathBuf),
    Url(reqwest::Url),
}

/// What one gateway bears; above it, callers wait or are refused.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once; more wait in the system's queue.
    pub connections_max: usize,
    /// Calls at once on one HTTP/2 connection.
    pub streams_per_connection_max: u32,
    /// Listings at once; more are refused.
    pub listings_in_flight_max: usize,
    /// A request's headers together, in bytes.
    pub header_bytes_max: u32,
    /// How long a caller may take to its first request, and to each request's headers, in
    /// milliseconds.
    pub header_timeout_ms: u64,
    /// How long a shutdown waits for what is under way, in milliseconds.
    pub shutdown_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            streams_per_connection_max: 1_000,
            listings_in_flight_max: 10_000,
            header_bytes_max: 32 * 1024,
            header_timeout_ms: 10_000,
            shutdown_timeout_ms: 12_000,
        }
    }
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CitizenGatewayConfigError {
    /// Citizens' data in clear on a network.
    #[error(
        "`listen` is {0}, which is not loopback, and there is no `tls`; give it one, or say \
         `behind_tls_proxy = true` if a proxy on this host's network ends TLS"
    )]
    Cleartext(SocketAddr),
    /// No tokens could ever be good.
    #[error("`issuers` is empty: no token could be accepted")]
    NoIssuer,
    /// Two issuers of one name.
    #[error("issuer `{0}` stands twice in `issuers`")]
    IssuerTwice(String),
    /// Keys from nowhere or from two places.
    #[error("issuer `{0}` needs exactly one of `jwks_file` and `jwks_url`")]
    Keys(String),
    /// Keys over a line that anybody could change.
    #[error("issuer `{issuer}`: `jwks_url` must be https, or http on loopback")]
    KeysUrl {
        /// Which issuer.
        issuer: String,
    },
    /// No client could ever ask.
    #[error("`clients` is empty: nobody could ask")]
    NoClient,
    /// Two clients of one name.
    #[error("client `{0}` stands twice in `clients`")]
    ClientTwice(String),
    /// Not an organisation.
    #[error("client `{client}`: `organisation` is not one: 1 to 16 printable ASCII characters")]
    Organisation {
        /// Which client.
        client: String,
    },
    /// The default is no deadline that a request could name.
    #[error("`default_deadline_ms` is {0}, and must be {DEADLINE_MS_MIN} to {DEADLINE_MS_MAX}")]
    Deadline(u32),
    /// A limit of nothing.
    #[error("`{0}` must be {1} to {2}")]
    OutOfBounds(&'static str, u64, u64),
    /// Other witnesses cannot be asked as the section says.
    #[error("`witnesses`: {0}")]
    Witnesses(#[from] WitnessesConfigError),
    /// Scopes are words.
    #[error("`scope` must be one word without spaces")]
    Scope,
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
    clients: Vec<ClientRow>,
    #[serde(default = "default_deadline_ms")]
    default_deadline_ms: u32,
    #[serde(default = "refusal_after_ms")]
    refusal_after_ms: u64,
    settings: Option<SettingsConfig>,
    #[serde(default)]
    witnesses: WitnessesConfig,
    #[serde(default)]
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EnvironmentName {
    Production,
    Test,
}

impl From<EnvironmentName> for Environment {
    fn from(name: EnvironmentName) -> Self {
        match name {
            EnvironmentName::Production => Self::Production,
            EnvironmentName::Test => Self::Test,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerRow {
    issuer: String,
    audience: String,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRow {
    client_id: String,
    organisation: String,
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
    "innsyn:registrations".to_owned()
}
const fn default_deadline_ms() -> u32 {
    3_000
}
const fn refusal_after_ms() -> u64 {
    50
}

impl TryFrom<Section> for CitizenGatewayConfig {
    type Error = CitizenGatewayConfigError;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        use CitizenGatewayConfigError as E;
        check_cleartext(
            section.listen,
            section.tls.is_some() || section.behind_tls_proxy,
        )?;
        if !(DEADLINE_MS_MIN..=DEADLINE_MS_MAX).contains(&section.default_deadline_ms) {
            return Err(E::Deadline(section.default_deadline_ms));
        }
        section.limits.check()?;
        bounded("refusal_after_ms", Ok(section.refusal_after_ms), 10, 1_000)?;
        Ok(Self {
            listen: section.listen,
            tls: section.tls,
            environment: section.environment.into(),
            number_rules: NumberRules {
                accept_2032: section.accept_2032,
                ..NumberRules::default()
            },
            catalogue: section.catalogue,
            settings: section.settings,
            issuers: read_issuers(section.issuers)?,
            token_times: read_token_times(section.token_skew_s, section.token_lifetime_max_s)?,
            scope: read_scope(section.scope)?,
            clients: read_clients(section.clients)?,
            default_deadline: Duration::from_millis(section.default_deadline_ms.into()),
            refusal_after: Duration::from_millis(section.refusal_after_ms),
            limits: section.limits,
            notification: None,
            witnesses: section.witnesses.checked()?,
        })
    }
}

impl Limits {
    fn check(self) -> Result<(), CitizenGatewayConfigError> {
        let count = u64::try_from;
        bounded(
            "limits.connections_max",
            count(self.connections_max),
            1,
            1 << 20,
        )?;
        let listings = count(self.listings_in_flight_max);
        bounded("limits.listings_in_flight_max", listings, 1, 1 << 20)?;
        let streams = Ok(self.streams_per_connection_max.into());
        bounded("limits.streams_per_connection_max", streams, 1, 1 << 20)?;
        // Room for the longest token and the usual headers.
        let header_bytes = Ok(self.header_bytes_max.into());
        bounded("limits.header_bytes_max", header_bytes, 12 * 1024, 1 << 20)?;
        let header_timeout = Ok(self.header_timeout_ms);
        bounded("limits.header_timeout_ms", header_timeout, 100, 600_000)?;
        let shutdown_timeout = Ok(self.shutdown_timeout_ms);
        bounded("limits.shutdown_timeout_ms", shutdown_timeout, 0, 600_000)
    }
}

/// Fails if health data would leave the machine in clear.
pub(crate) fn check_cleartext(
    listen: SocketAddr,
    is_protected: bool,
) -> Result<(), CitizenGatewayConfigError> {
    if is_protected || listen.ip().is_loopback() {
        Ok(())
    } else {
        Err(CitizenGatewayConfigError::Cleartext(listen))
    }
}

pub(crate) fn read_token_times(
    skew_s: i64,
    lifetime_max_s: i64,
) -> Result<TokenTimes, CitizenGatewayConfigError> {
    bounded("token_skew_s", skew_s.try_into(), 0, 60)?;
    bounded("token_lifetime_max_s", lifetime_max_s.try_into(), 1, 86_400)?;
    Ok(TokenTimes {
        skew_s,
        lifetime_max_s,
    })
}

pub(crate) fn read_scope(scope: String) -> Result<Arc<str>, CitizenGatewayConfigError> {
    if scope.is_empty() || scope.contains(char::is_whitespace) {
        return Err(CitizenGatewayConfigError::Scope);
    }
    Ok(scope.into())
}

pub(crate) fn bounded(
    key: &'static str,
    value: Result<u64, std::num::TryFromIntError>,
    min: u64,
    max: u64,
) -> Result<(), CitizenGatewayConfigError> {
    match value {
        Ok(value) if (min..=max).contains(&value) => Ok(()),
        _ => Err(CitizenGatewayConfigError::OutOfBounds(key, min, max)),
    }
}

pub(crate) fn read_issuers(
    rows: Vec<IssuerRow>,
) -> Result<Vec<IssuerConfig>, CitizenGatewayConfigError> {
    use CitizenGatewayConfigError as E;
    let mut issuers: Vec<IssuerConfig> = Vec::with_capacity(rows.len());
    for row in rows {
        if issuers.iter().any(|known| known.issuer == row.issuer) {
            return Err(E::IssuerTwice(row.issuer));
        }
        let keys = match (row.jwks_file, row.jwks_url) {
            (Some(file), None) => KeysAt::File(file),
            (None, Some(url)) => match url.parse::<reqwest::Url>() {
                Ok(url) if is_safe(&url) => KeysAt::Url(url),
                _ => return Err(E::KeysUrl { issuer: row.issuer }),
            },
            _ => return Err(E::Keys(row.issuer)),
        };
        issuers.push(IssuerConfig {
            issuer: row.issuer,
            audience: row.audience,
            keys,
        });
    }
    if issuers.is_empty() {
        return Err(E::NoIssuer);
    }
    Ok(issuers)
}

fn read_clients(
    rows: Vec<ClientRow>,
) -> Result<HashMap<String, Organisation>, CitizenGatewayConfigError> {
    use CitizenGatewayConfigError as E;
    let mut clients = HashMap::with_capacity(rows.len());
    for row in rows {
        let Ok(organisation) = Organisation::parse(&row.organisation) else {
            return Err(E::Organisation {
                client: row.client_id,
            });
        };
        if clients.contains_key(&row.client_id) {
            return Err(E::ClientTwice(row.client_id));
        }
        clients.insert(row.client_id, organisation);
    }
    if clients.is_empty() {
        return Err(E::NoClient);
    }
    Ok(clients)
}

impl CitizenGatewayConfig {
    /// Makes every path relative to `folder`, where the configuration file lies.
    pub(crate) fn resolve_paths(&mut self, folder: &Path) {
        self.catalogue = folder.join(&self.catalogue);
        if let Some(tls) = &mut self.tls {
            tls.resolve(folder);
        }
        for issuer in &mut self.issuers {
            issuer.resolve(folder);
        }
        if let Some(settings) = &mut self.settings {
            settings.resolve(folder);
        }
        if let Some(notification) = &mut self.notification {
            notification.resolve(folder);
        }
    }

    /// A verifier of the issuers' tokens. Reads key files, and asks the issuers that have an
    /// address; one that is down is asked again later.
    pub async fn open_verifier(
        &self,
        clock: Arc<dyn Clock>,
    ) -> Result<BearerVerifier, LoadKeysError> {
        open_verifier(&self.issuers, self.token_times, clock).await
    }
}

pub(crate) async fn open_verifier(
    configs: &[IssuerConfig],
    times: TokenTimes,
    clock: Arc<dyn Clock>,
) -> Result<BearerVerifier, LoadKeysError> {
    let mut issuers = Vec::with_capacity(configs.len());
    for config in configs {
        let source = match &config.keys {
            KeysAt::File(path) => KeySource::File(path.clone()),
            KeysAt::Url(url) => KeySource::url(url.clone())?,
        };
        issuers.push(Issuer {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            keys: KeySet::open(source).await?,
        });
    }
    Ok(BearerVerifier::new(issuers, times, clock))
}

impl TlsFiles {
    /// Makes both paths relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        self.certificate_file = folder.join(&self.certificate_file);
        self.key_file = folder.join(&self.key_file);
    }
}

impl IssuerConfig {
    /// Makes the keys' path relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        if let KeysAt::File(path) = &mut self.keys {
            *path = folder.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests;
