//! The `[source]` section of `agent.toml`.
//!
//! ```toml
//! [source]
//! kind = "folder"                   # a folder of CSV or Parquet files with a manifest.toml
//! path = "/var/lib/kreft/export"
//! poll_s = 5                        # how often the files are looked at
//! settings_max_age_s = 3600         # older settings mean no for secondary use
//! pseudonym_key_file = "/etc/innsyn/kreft.pseudonym"   # only where people are pseudonyms
//! ```
//!
//! ```toml
//! [source]
//! kind = "postgres"
//! host = "db.kreft.example"         # or the folder of a Unix socket
//! database = "kreft"
//! user = "innsyn"
//! password_file = "/etc/innsyn/kreft.password"
//! tls = "required"                  # "disabled" only for loopback and Unix sockets
//! ca_file = "/etc/innsyn/db-ca.pem"
//! refresh_s = 60
//!
//! [source.persons]
//! table = "patients"                # schema = "public" unless it is given
//! columns = { national_id = "fnr", registered_since = "created", status = "state" }
//! status = { registered = ["active"], deleted = ["erased"] }
//! ```
//!
//! A database publishes views to be counted, too: see [`PostgresResearch`].
//!
//! Keys that are not known are errors. Secrets are given by file path, never inline.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

pub use research::{PostgresResearch, Role};

mod research;

/// Where the agent finds the register's people; checked when it is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "File")]
pub struct SourceConfig {
    /// What kind of source it is, and where.
    pub place: Place,
    /// How often the source is looked at again.
    pub refresh: Duration,
    /// How old settings may be before they count as stale.
    pub settings_max_age: Duration,
    /// The key with which ids become the pseudonyms that the source holds, if it holds those.
    pub pseudonym_key_file: Option<PathBuf>,
}

/// A kind of source.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A folder of files.
    Folder(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PostgresConfig>),
}

/// A PostgreSQL database, and what to read there.
#[derive(Debug, Clone, PartialEq)]
pub struct PostgresConfig {
    /// A host name, an address or the folder of a Unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role to log in as.
    pub user: String,
    /// Where the role's password stands; none for authentication by peer or trust.
    pub password_file: Option<PathBuf>,
    /// The certificates that the server's must come from; `None` for a connection in clear.
    pub tls_ca_file: Option<PathBuf>,
    /// How long one load may take.
    pub load_timeout: Duration,
    /// The table or view of people.
    pub persons: PersonRelation,
    /// The table or view of settings, if there is one.
    pub settings: Option<SettingRelation>,
    /// What is published to be counted, if anything is.
    pub research: Option<PostgresResearch>,
}

/// A table or view of people in a database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRelation {
    /// Its schema.
    #[serde(default = "public")]
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Which column is what.
    pub columns: PersonColumns,
    /// What the status column's values mean.
    #[serde(default)]
    pub status: StatusValues,
}

/// A table or view of settings in a database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingRelation {
    /// Its schema.
    #[serde(default = "public")]
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Which column is what.
    pub columns: SettingColumns,
}

/// Which column of a table of people is what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonColumns {
    /// The national id, or the pseudonym.
    pub national_id: String,
    /// The day of the first registration.
    pub registered_since: Option<String>,
    /// The day of the last change.
    pub last_changed: Option<String>,
    /// Whether the person is in the register now; without it everybody is.
    pub status: Option<String>,
}

/// What the values of a status column mean. A value in neither list counts as registered, and
/// is counted; with an empty `registered` list everything that is not `deleted` is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusValues {
    /// The person is in the register.
    #[serde(default)]
    pub registered: Vec<String>,
    /// The person has been deleted from it.
    #[serde(default)]
    pub deleted: Vec<String>,
}

/// Which column of a table of settings is what; see [`crate::settings::SettingFields`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingColumns {
    /// The national id, or the pseudonym.
    pub national_id: String,
    /// Consent, reservation or block.
    pub kind: String,
    /// The purpose it is bound to; without it every secondary use.
    pub purpose: Option<String>,
    /// From when it holds.
    pub from: String,
    /// Until when it holds; without it, it stands.
    pub until: Option<String>,
}

/// What is wrong with a `[source]` section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceConfigError {
    /// A time that must not be zero.
    #[error("`{key}` is 0; it is a number of seconds, at least 1")]
    Zero {
        /// The key.
        key: &'static str,
    },
    /// In clear over a network.
    #[error(
        "`tls = \"disabled\"` is for loopback and Unix sockets only, and `{host}` is neither; \
         write `tls = \"required\"` and a `ca_file`"
    )]
    InClear {
        /// The host.
        host: String,
    },
    /// TLS without a trust anchor.
    #[error("`tls = \"required\"` needs `ca_file`, the certificate that the server's comes from")]
    NoCa,
    /// A trust anchor without TLS.
    #[error("`ca_file` has no use with `tls = \"disabled\"`")]
    UnusedCa,
    /// A name that PostgreSQL cannot have.
    #[error("`{key}` is empty or contains a zero byte, which no name in PostgreSQL has")]
    Name {
        /// The key.
        key: &'static str,
    },
    /// One role for what needs two, or a limit that cannot be meant.
    #[error("`research.{key}` {fault}")]
    Research {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl SourceConfig {
    /// The same with relative paths taken from `base`, the folder of the configuration file.
    #[must_use]
    pub fn relative_to(mut self, base: &Path) -> Self {
        let resolve = |path: &mut PathBuf| *path = base.join(&*path);
        self.pseudonym_key_file.as_mut().map(resolve);
        match &mut self.place {
            Place::Folder(path) => resolve(path),
            Place::Postgres(postgres) => {
                postgres.password_file.as_mut().map(resolve);
                postgres.tls_ca_file.as_mut().map(resolve);
                if let Some(research) = &mut postgres.research {
                    research.password_files().for_each(resolve);
                }
            }
        }
        self
    }
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum File {
    Folder {
        path: PathBuf,
        #[serde(default = "five")]
        poll_s: u64,
        #[serde(default = "an_hour")]
        settings_max_age_s: u64,
        pseudonym_key_file: Option<PathBuf>,
    },
    Postgres {
        host: String,
        #[serde(default = "postgres_port")]
        port: u16,
        database: String,
        user: String,
        password_file: Option<PathBuf>,
        tls: Tls,
        ca_file: Option<PathBuf>,
        #[serde(default = "a_minute")]
        refresh_s: u64,
        #[serde(default = "ten_minutes")]
        load_timeout_s: u64,
        #[serde(default = "an_hour")]
        settings_max_age_s: u64,
        pseudonym_key_file: Option<PathBuf>,
        persons: Box<PersonRelation>,
        settings: Option<Box<SettingRelation>>,
        research: Option<Box<PostgresResearch>>,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tls {
    Required,
    Disabled,
}

impl TryFrom<File> for SourceConfig {
    type Error = SourceConfigError;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        match file {
            File::Folder {
                path,
                poll_s,
                settings_max_age_s,
                pseudonym_key_file,
            } => Ok(Self {
                place: Place::Folder(path),
                refresh: seconds("poll_s", poll_s)?,
                settings_max_age: seconds("settings_max_age_s", settings_max_age_s)?,
                pseudonym_key_file,
            }),
            File::Postgres {
                host,
                port,
                database,
                user,
                password_file,
                tls,
                ca_file,
                refresh_s,
                load_timeout_s,
                settings_max_age_s,
                pseudonym_key_file,
                persons,
                settings,
                research,
            } => {
                let tls_ca_file = match (tls, ca_file) {
                    (Tls::Required, None) => return Err(SourceConfigError::NoCa),
                    (Tls::Required, ca_file) => ca_file,
                    (Tls::Disabled, Some(_)) => return Err(SourceConfigError::UnusedCa),
                    (Tls::Disabled, None) if is_local(&host) => None,
                    (Tls::Disabled, None) => return Err(SourceConfigError::InClear { host }),
                };
                names(&persons, settings.as_deref())?;
                if let Some(research) = &research {
                    research.check(&user)?;
                }
                Ok(Self {
                    place: Place::Postgres(Box::new(PostgresConfig {
                        host,
                        port,
                        database,
                        user,
                        password_file,
                        tls_ca_file,
                        load_timeout: seconds("load_timeout_s", load_timeout_s)?,
                        persons: *persons,
                        settings: settings.map(|settings| *settings),
                        research: research.map(|research| *research),
                    })),
                    refresh: seconds("refresh_s", refresh_s)?,
                    settings_max_age: seconds("settings_max_age_s", settings_max_age_s)?,
                    pseudonym_key_file,
                })
            }
        }
    }
}

fn seconds(key: &'static str, seconds: u64) -> Result<Duration, SourceConfigError> {
    if seconds == 0 {
        return Err(SourceConfigError::Zero { key });
    }
    Ok(Duration::from_secs(seconds))
}

fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn names(
    persons: &PersonRelation,
    settings: Option<&SettingRelation>,
) -> Result<(), SourceConfigError> {
    let of_persons = [
        ("persons.schema", Some(&persons.schema)),
        ("persons.table", Some(&persons.table)),
        (
            "persons.columns.national_id",
            Some(&persons.columns.national_id),
        ),
        (
            "persons.columns.registered_since",
            persons.columns.registered_since.as_ref(),
        ),
        (
            "persons.columns.last_changed",
            persons.columns.last_changed.as_ref(),
        ),
        ("persons.columns.status", persons.columns.status.as_ref()),
    ];
    let of_settings = settings.map(|settings| {
        [
            ("settings.schema", Some(&settings.schema)),
            ("settings.table", Some(&settings.table)),
            (
                "settings.columns.national_id",
                Some(&settings.columns.national_id),
            ),
            ("settings.columns.kind", Some(&settings.columns.kind)),
            (
                "settings.columns.purpose",
                settings.columns.purpose.as_ref(),
            ),
            ("settings.columns.from", Some(&settings.columns.from)),
            ("settings.columns.until", settings.columns.until.as_ref()),
        ]
    });
    let all = of_persons
        .into_iter()
        .chain(of_settings.into_iter().flatten());
    for (key, name) in all {
        if name.is_some_and(|name| name.is_empty() || name.contains('\0')) {
            return Err(SourceConfigError::Name { key });
        }
    }
    Ok(())
}

fn public() -> String {
    "public".to_owned()
}

const fn postgres_port() -> u16 {
    5432
}

const fn five() -> u64 {
    5
}

const fn a_minute() -> u64 {
    60
}

const fn ten_minutes() -> u64 {
    600
}

const fn an_hour() -> u64 {
    3_600
}
