//! The agent's configuration: one TOML file, read once, checked whole.
//!
//! Paths are relative to the file's own folder. `agent.example.toml` beside this crate describes
//! every key.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::{Environment, LegalBasis, NumberRules, Register, RegisterId, RegisterKind};
use innsyn_proto::head::{HeadKey, WitnessKey};
use innsyn_proto::identity::{GatewayName, PublicKeyPin};
use innsyn_proto::telemetry::TelemetryConfig;
use innsyn_proto::tls::TlsFiles;
use innsyn_proto::tunnel::RelayAddress;
use serde::Deserialize;

use crate::presence::{PinnedGateways, PinnedGatewaysError, PresenceConfig};
use crate::service::Caps;
use crate::sources::{Numbers, SourceConfig};
use crate::uselog::KeyFiles;
use crate::uses::Delay;

mod exchange;
mod insight;
mod pvk;
mod research;
mod settings;
#[cfg(test)]
mod tests;

pub use exchange::{ExchangeConfigError, ExchangeSection, TlsMode};
pub use insight::{COLUMNS_MAX, InsightColumn, InsightConfigError, InsightSection, InsightTable};
pub(crate) use pvk::is_protected;
pub use pvk::{HelseIdSection, Jwks, PvkConfigError, PvkSection, ReceiverSection};
pub use research::{ResearchConfigError, ResearchSection, TrustedIssuer};
pub use settings::{MandatesSection, SettingsConfigError, SettingsSection};

/// What an agent is to do; checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is logged.
    pub telemetry: TelemetryConfig,
    /// The register that it stands for.
    pub register: Register,
    /// Which numbers are taken for people.
    pub numbers: Numbers,
    /// Its certificate and those it trusts.
    pub tls: TlsFiles,
    /// Where it is present.
    pub presence: PresenceConfig,
    /// Whom it serves.
    pub gateways: Vec<Gateway>,
    /// Where the register's people are.
    pub source: SourceConfig,
    /// The log of use.
    pub use_log: UseLogSection,
    /// What else it keeps.
    pub records: RecordsSection,
    /// What people may say here of the use of their data; nothing if absent.
    pub settings: Option<SettingsSection>,
    /// What people are shown, live, of what the register holds about them; nothing if absent.
    pub insight: Option<InsightSection>,
    /// What it counts for researchers; nothing if absent.
    pub research: Option<ResearchSection>,
    /// Its place on the message exchange; none if absent.
    pub exchange: Option<ExchangeSection>,
    /// Its place at Personvernkomponenten; none if absent.
    pub pvk: Option<PvkSection>,
    /// Where the operator finds health and metrics; nowhere if absent.
    pub status_listen: Option<SocketAddr>,
}

/// A gateway that the agent serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its name, as its certificate has it.
    pub name: GatewayName,
    /// The public keys it may have; more than one while a key is being replaced.
    pub public_keys: Vec<PublicKeyPin>,
    /// The key that countersigns heads of the log; none are kept without it.
    #[serde(default, deserialize_with = "head_key")]
    pub head_key: Option<HeadKey>,
    /// What it is served.
    #[serde(default = "listings")]
    pub may_ask: BTreeSet<Asks>,
    /// Questions in any one minute.
    #[serde(default = "per_minute")]
    pub questions_per_minute_max: u32,
    /// Questions in any one day.
    #[serde(default = "per_day")]
    pub questions_per_day_max: u32,
}

/// A kind of question that a gateway may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// Whether a person is registered: a citizen gateway's.
    Listings,
    /// What a researcher may count under a data permit: a research gateway's.
    Queries,
    /// Who has used a person's data: a citizen gateway's.
    Uses,
    /// What a person says of the use of their data: a citizen gateway's.
    Settings,
    /// Dialogs between a person and the register: a citizen gateway's.
    Cases,
    /// What the register holds about a person: a citizen gateway's.
    Insight,
}

fn listings() -> BTreeSet<Asks> {
    BTreeSet::from([Asks::Listings])
}

impl Gateway {
    /// How many listings' questions this gateway may ask.
    pub const fn caps(&self) -> Caps {
        Caps {
            per_minute: self.questions_per_minute_max,
            per_day: self.questions_per_day_max,
        }
    }
}

/// Twice what helsenorge's busiest minute would ask if everybody came on one day.
const fn per_minute() -> u32 {
    40_000
}

/// As many as there are people in the country, and some.
const fn per_day() -> u32 {
    6_000_000
}

/// Where the log of use is, and how it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseLogSection {
    /// The folder, for the log alone.
    pub folder: PathBuf,
    /// The file of the key that tags persons; outside the folder.
    pub tag_key: PathBuf,
    /// The file of the key that signs heads; outside the folder.
    pub signing_key: PathBuf,
    /// The longest that a commit waits for company under load, in milliseconds.
    #[serde(default = "linger_ms")]
    pub linger_ms_max: u64,
    /// What the law wants people told later.
    #[serde(default)]
    pub held_back: Vec<Delay>,
}

const fn linger_ms() -> u64 {
    2
}

impl UseLogSection {
    /// The files of the two keys.
    pub fn keys(&self) -> KeyFiles {
        KeyFiles {
            tag: self.tag_key.clone(),
            signing: self.signing_key.clone(),
        }
    }

    /// The longest that a commit waits for company.
    pub const fn linger_max(&self) -> Duration {
        Duration::from_millis(self.linger_ms_max)
    }
}

/// Where the agent keeps what is neither in the register nor in the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordsSection {
    /// The folder, for the records alone.
    pub folder: PathBuf,
    /// The file of the key by which persons are called in it; outside the folder.
    pub key: PathBuf,
    /// How long after its answer a case keeps what was said in it, in days.
    #[serde(default = "closed_cases_days")]
    pub closed_cases_days: u32,
}

/// As long as a claim may be raised in general (*foreldelsesloven* § 2). ASSUMED.
const fn closed_cases_days() -> u32 {
    1_096
}

impl RecordsSection {
    /// How long after its answer a case keeps what was said in it.
    pub fn content_kept(&self) -> Duration {
        Duration::from_hours(24) * self.closed_cases_days
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Not TOML, an unknown key, or a value that is refused.
    #[error("`{}` is not an agent's configuration", .0.display())]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    /// The register's id is malformed.
    #[error(
        "`register.id` is not a register id: 1 to 32 of a-z, 0-9 and -, beginning with a letter"
    )]
    RegisterId,
    /// A register that holds no identities needs no agent.
    #[error("`{0}` is de-identified, so nobody can be looked up in it and it needs no agent")]
    Deidentified(RegisterId),
    /// The gateways cannot be meant.
    #[error("the `[[gateway]]` sections cannot be meant")]
    Gateways(#[from] PinnedGatewaysError),
    /// Two sections for one gateway.
    #[error("gateway `{0}` has two sections; put all its keys in one")]
    GatewayTwice(GatewayName),
    /// A gateway that is served nothing.
    #[error(
        "gateway `{0}` has an empty `may_ask`; write `listings`, `queries` or both, or take the \
         gateway out"
    )]
    MayAskNothing(GatewayName),
    /// A gateway that may ask nothing.
    #[error("gateway `{0}` may ask nothing; take it out instead of setting a cap of 0")]
    CapZero(GatewayName),
    /// Health and metrics for the whole network.
    #[error(
        "`status_listen` is {0}, which is not loopback; the agent opens no port to the network"
    )]
    StatusNotLoopback(SocketAddr),
    /// A linger beyond any listing's patience.
    #[error("`use_log.linger_ms_max` is {0}, and must be 0 to 100")]
    Linger(u64),
    /// Content that would be gone before an answer can be read or appealed, or never.
    #[error("`records.closed_cases_days` is {0}, and must be 90 to 36525")]
    ClosedCasesDays(u32),
    /// What is counted for researchers cannot be meant.
    #[error(transparent)]
    Research(#[from] ResearchConfigError),
    /// What people may say cannot be meant.
    #[error(transparent)]
    Settings(#[from] SettingsConfigError),
    /// What people are shown cannot be meant.
    #[error(transparent)]
    Insight(#[from] InsightConfigError),
    /// The message exchange cannot be meant.
    #[error(transparent)]
    Exchange(#[from] ExchangeConfigError),
    /// Personvernkomponenten cannot be meant.
    #[error(transparent)]
    Pvk(#[from] PvkConfigError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    telemetry: TelemetryConfig,
    environment: EnvironmentName,
    #[serde(default = "yes")]
    accept_2032: bool,
    register: RegisterSection,
    tls: TlsFiles,
    presence: PresenceConfig,
    #[serde(default)]
    gateway: Vec<Gateway>,
    source: SourceConfig,
    use_log: UseLogSection,
    records: RecordsSection,
    settings: Option<SettingsSection>,
    insight: Option<InsightSection>,
    research: Option<ResearchSection>,
    exchange: Option<ExchangeSection>,
    pvk: Option<PvkSection>,
    status_listen: Option<SocketAddr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum EnvironmentName {
    Production,
    Test,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterSection {
    id: String,
    kind: KindName,
    legal_basis: BasisName,
    membership_is_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Central,
    Quality,
    Survey,
    Biobank,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BasisName {
    Mandatory,
    MandatoryWithReservation,
    Reservation,
    Consent,
    Pseudonymous,
    Deidentified,
}

const fn yes() -> bool {
    true
}

fn head_key<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<HeadKey>, D::Error> {
    let text = String::deserialize(text)?;
    HeadKey::parse(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

impl RegisterSection {
    fn check(self) -> Result<Register, ConfigError> {
        let register = Register {
            id: RegisterId::parse(&self.id).map_err(|_| ConfigError::RegisterId)?,
            kind: match self.kind {
                KindName::Central => RegisterKind::Central,
                KindName::Quality => RegisterKind::Quality,
                KindName::Survey => RegisterKind::Survey,
                KindName::Biobank => RegisterKind::Biobank,
            },
            legal_basis: match self.legal_basis {
                BasisName::Mandatory => LegalBasis::Mandatory,
                BasisName::MandatoryWithReservation => LegalBasis::MandatoryWithReservation,
                BasisName::Reservation => LegalBasis::Reservation,
                BasisName::Consent => LegalBasis::Consent,
                BasisName::Pseudonymous => LegalBasis::Pseudonymous,
                BasisName::Deidentified => LegalBasis::Deidentified,
            },
            membership_is_sensitive: self.membership_is_sensitive,
        };
        if register.legal_basis == LegalBasis::Deidentified {
            return Err(ConfigError::Deidentified(register.id));
        }
        Ok(register)
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable(path.to_owned(), error))?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.tls.resolve(folder);
        config.source = config.source.relative_to(folder);
        let log = &mut config.use_log;
        for path in [&mut log.folder, &mut log.tag_key, &mut log.signing_key] {
            *path = folder.join(&*path);
        }
        let records = &mut config.records;
        for path in [&mut records.folder, &mut records.key] {
            *path = folder.join(&*path);
        }
        if let Some(settings) = &mut config.settings {
            settings.resolve(folder);
        }
        if let Some(research) = &mut config.research {
            research.resolve(folder);
        }
        if let Some(exchange) = &mut config.exchange {
            exchange.resolve(folder);
        }
        if let Some(pvk) = &mut config.pvk {
            pvk.resolve(folder);
        }
        Ok(config)
    }

    /// Checks a configuration; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax(path.to_owned(), Box::new(error)))?;
        let mut seen = BTreeSet::new();
        for gateway in &file.gateway {
            if !seen.insert(gateway.name.clone()) {
                return Err(ConfigError::GatewayTwice(gateway.name.clone()));
            }
            if gateway.may_ask.is_empty() {
                return Err(ConfigError::MayAskNothing(gateway.name.clone()));
            }
            if gateway.questions_per_minute_max == 0 || gateway.questions_per_day_max == 0 {
                return Err(ConfigError::CapZero(gateway.name.clone()));
            }
        }
        pinned(&file.gateway)?;
        if let Some(listen) = file.status_listen
            && !listen.ip().is_loopback()
        {
            return Err(ConfigError::StatusNotLoopback(listen));
        }
        if file.use_log.linger_ms_max > 100 {
            return Err(ConfigError::Linger(file.use_log.linger_ms_max));
        }
        if !(90..=36_525).contains(&file.records.closed_cases_days) {
            return Err(ConfigError::ClosedCasesDays(file.records.closed_cases_days));
        }
        if let Some(research) = &file.research {
            research.check()?;
        }
        if let Some(insight) = &file.insight {
            insight.check(&file.source)?;
        }
        settings::check(file.settings.as_ref(), &file.gateway)?;
        if let Some(exchange) = &file.exchange {
            exchange.check()?;
        }
        if let Some(pvk) = &file.pvk {
            pvk.check(file.settings.as_ref())?;
        }
        Ok(Self {
            telemetry: file.telemetry,
            register: file.register.check()?,
            numbers: Numbers {
                rules: NumberRules {
                    accept_2032: file.accept_2032,
                    ..NumberRules::default()
                },
                environment: match file.environment {
                    EnvironmentName::Production => Environment::Production,
                    EnvironmentName::Test => Environment::Test,
                },
            },
            tls: file.tls,
            presence: file.presence,
            gateways: file.gateway,
            source: file.source,
            use_log: file.use_log,
            records: file.records,
            settings: file.settings,
            insight: file.insight,
            research: file.research,
            exchange: file.exchange,
            pvk: file.pvk,
            status_listen: file.status_listen,
        })
    }

    /// The gateways that may ask for `asks`.
    pub fn gateways_that_ask(&self, asks: Asks) -> impl Iterator<Item = &Gateway> {
        let gateways = self.gateways.iter();
        gateways.filter(move |gateway| gateway.may_ask.contains(&asks))
    }

    /// The relays in whose mailboxes settings and messages may wait; none where no settings are taken.
    pub fn mailboxes(&self) -> &[RelayAddress] {
        match self.settings {
            Some(_) => &self.presence.relays,
            None => &[],
        }
    }

    /// The gateways whose settings are taken, and the keys that sign them.
    pub fn gateways_of_settings(&self) -> BTreeMap<GatewayName, HeadKey> {
        self.gateways_that_ask(Asks::Settings)
            .filter_map(|gateway| Some((gateway.name.clone(), gateway.head_key.clone()?)))
            .collect()
    }

    /// The public keys of the gateways.
    pub fn pinned(&self) -> Result<PinnedGateways, PinnedGatewaysError> {
        pinned(&self.gateways)
    }

    /// The keys that countersign heads.
    pub fn countersigners(&self) -> Vec<WitnessKey> {
        let keys = self.gateways.iter();
        keys.filter_map(|gateway| gateway.head_key.as_ref())
            .map(|key| key.witness().clone())
            .collect()
    }
}

fn pinned(gateways: &[Gateway]) -> Result<PinnedGateways, PinnedGatewaysError> {
    gateways
        .iter()
        .map(|gateway| {
            (
                gateway.name.clone(),
                gateway.public_keys.iter().copied().collect(),
            )
        })
        .collect::<BTreeMap<_, _>>()
        .try_into()
}
