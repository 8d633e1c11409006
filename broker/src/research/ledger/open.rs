//! Which ledger a configuration names, and opening it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use sqlx::{ColumnIndex, Database, Decode, Executor, IntoArguments, Type};

use super::sql::VERSION;
use super::{Store, postgres, sqlite};

const VERSIONS: &str = "SELECT version FROM innsyn_ledger";

/// Where releases are kept. There is none in memory here: a gateway that starts again must know
/// what it has released.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LedgerConfig {
    /// In a file, for one gateway.
    Sqlite {
        /// The file, made if it is not there.
        file: PathBuf,
    },
    /// In a database that gateways share.
    Postgres {
        /// The file with the database's URL, which holds a password.
        url_file: PathBuf,
        /// The authority that the server's certificate may come from, beside the public ones.
        ca_file: Option<PathBuf>,
    },
}

/// Why a ledger cannot be opened. Without one, no gateway starts.
#[derive(Debug, thiserror::Error)]
pub enum OpenLedgerError {
    /// The file cannot be made.
    #[error(
        "the ledger `{}` cannot be made; its folder must be there, and this account must be able \
         to write to it", .0.display()
    )]
    File(PathBuf, #[source] io::Error),
    /// The file is not one.
    #[error(
        "`{}` cannot be opened as a ledger; if it is none, name another file, and if it is \
         damaged, restore it from a copy: without it, what was released could be charged and \
         released anew", .0.display()
    )]
    Sqlite(PathBuf, #[source] sqlx::Error),
    /// The URL's file cannot be read.
    #[error("`{}`, with the URL of the ledger, cannot be read", .0.display())]
    Secret(PathBuf, #[source] io::Error),
    /// The authority's file cannot be read.
    #[error("`{}`, with the ledger's certificate authority, cannot be read", .0.display())]
    Certificate(PathBuf, #[source] io::Error),
    /// There is no URL, in a file that is not named yet.
    #[error("no URL such as postgres://user:password@host/database")]
    NoUrl,
    /// The file holds no URL.
    #[error("`{}` holds no URL such as postgres://user:password@host/database", .0.display())]
    Url(PathBuf),
    /// In clear, or unverified, over a network.
    #[error(
        "the ledger's server `{host}` is on another machine, and its URL says `sslmode` {mode}; \
         leave it out, or say `sslmode=verify-full`"
    )]
    Unverified {
        /// The server.
        host: String,
        /// What the URL says.
        mode: String,
    },
    /// The server does not let us.
    #[error(
        "the ledger at `{0}` cannot be opened; its database must be there, and the URL's role \
         must be able to make tables the first time"
    )]
    Postgres(String, #[source] sqlx::Error),
    /// The database refuses, in a place that is not named yet.
    #[error("the database refuses")]
    Database(#[from] sqlx::Error),
    /// Another program's ledger.
    #[error(
        "the ledger has version {found}, and this program knows {VERSION}; start the program that \
         made it, or a newer one"
    )]
    Version {
        /// The ledger's version.
        found: i64,
    },
}

impl LedgerConfig {
    /// Makes every path relative to `folder`, where the configuration file lies.
    pub(crate) fn resolve_paths(&mut self, folder: &Path) {
        match self {
            Self::Sqlite { file } => *file = folder.join(&*file),
            Self::Postgres { url_file, ca_file } => {
                *url_file = folder.join(&*url_file);
                if let Some(ca_file) = ca_file {
                    *ca_file = folder.join(&*ca_file);
                }
            }
        }
    }

    /// Opens it, and makes what it needs the first time.
    pub async fn open(&self) -> Result<Arc<dyn Store>, OpenLedgerError> {
        Ok(match self {
            Self::Sqlite { file } => Arc::new(Box::pin(sqlite::open(file)).await?),
            Self::Postgres { url_file, ca_file } => {
                Arc::new(Box::pin(postgres::open(url_file, ca_file.as_deref())).await?)
            }
        })
    }
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self::Sqlite {
            file: PathBuf::from("ledger.sqlite"),
        }
    }
}

impl OpenLedgerError {
    pub(super) fn of_file(self, file: &Path) -> Self {
        match self {
            Self::Database(error) => Self::Sqlite(file.to_owned(), error),
            other => other,
        }
    }

    pub(super) fn of_url(self, file: &Path) -> Self {
        match self {
            Self::NoUrl => Self::Url(file.to_owned()),
            other => other,
        }
    }

    pub(super) fn of_host(self, host: String) -> Self {
        match self {
            Self::Database(error) => Self::Postgres(host, error),
            other => other,
        }
    }
}

/// Looks whether the tables are those that this program knows.
pub(super) async fn known<'c, DB, E>(connection: E) -> Result<(), OpenLedgerError>
where
    DB: Database,
    E: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    i64: Type<DB> + for<'r> Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let (found,): (i64,) = sqlx::query_as(VERSIONS).fetch_one(connection).await?;
    if found == VERSION {
        Ok(())
    } else {
        Err(OpenLedgerError::Version { found })
    }
}
