//! `[source.research]` of a PostgreSQL source: what it publishes to be counted, and by whom.
//!
//! ```toml
//! [source.research]
//! schema = "innsyn"                 # the agent's own, owned by the keeper; nothing else is in it
//! keeper = { user = "innsyn_keeper", password_file = "keeper.password" }
//! reader = { user = "innsyn_reader", password_file = "reader.password" }
//! work_mem_mib = 64                 # for each sort and hash of a query, on the server
//! refresh_s = 600                   # how often the views are looked at
//!
//! [[source.research.view]]          # as in a folder's manifest (`research::data::view`), but
//! name = "stays"
//! schema = "public"                 # `schema` and `table` in the place of `files`,
//! table = "admissions"
//! id_column = "fnr"
//! # …
//! [[source.research.view.variable]]
//! name = "diagnosis"
//! column = "icd10"                  # and the column, if it has another name
//! ```
//!
//! The *keeper* writes to its own schema and reads the tables of the views; the *reader* runs
//! queries, and may select from the views in that schema and nothing else. Where a register allows
//! no schema of ours, its views are exported to a folder instead.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::SourceConfigError;

/// The most memory for one sort or hash, in MiB.
const WORK_MEM_MIB_MAX: u32 = 16_384;

/// What is published of a database, and by whom it is kept and read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresResearch {
    /// The agent's own schema.
    #[serde(default = "innsyn")]
    pub schema: String,
    /// The role that owns the schema.
    pub keeper: Role,
    /// The role that runs queries.
    pub reader: Role,
    /// Memory for each sort and hash of a query, in MiB.
    #[serde(default = "sixty_four")]
    pub work_mem_mib: u32,
    /// How often the views are looked at, in seconds.
    #[serde(default = "ten_minutes")]
    refresh_s: u64,
    /// The views, as they stand there; each is read where it is made ready.
    #[serde(default, rename = "view")]
    pub views: Vec<toml::Value>,
}

/// A role of the database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub user: String,
    /// Where its password stands; none for authentication by peer or trust.
    pub password_file: Option<PathBuf>,
}

impl PostgresResearch {
    /// How often the views are looked at.
    pub const fn refresh(&self) -> Duration {
        Duration::from_secs(self.refresh_s)
    }

    pub(super) fn password_files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let roles = [&mut self.keeper, &mut self.reader];
        roles
            .into_iter()
            .filter_map(|role| role.password_file.as_mut())
    }

    /// `listing` is the role that people are read by.
    pub(super) fn check(&self, listing: &str) -> Result<(), SourceConfigError> {
        let fault = |key, fault| Err(SourceConfigError::Research { key, fault });
        let (keeper, reader) = (&self.keeper.user, &self.reader.user);
        for (key, name) in [
            ("schema", &self.schema),
            ("keeper.user", keeper),
            ("reader.user", reader),
        ] {
            if name.is_empty() || name.contains('\0') {
                return fault(key, "is empty or contains a zero byte, which no name has");
            }
        }
        if keeper == reader || listing == reader {
            return fault(
                "reader.user",
                "needs a role of its own, which reads nothing else",
            );
        }
        if listing == keeper {
            return fault(
                "keeper.user",
                "needs a role of its own: people are read by one \
                that writes nothing",
            );
        }
        if !(1..=WORK_MEM_MIB_MAX).contains(&self.work_mem_mib) {
            return fault("work_mem_mib", "is not 1 to 16384");
        }
        if self.refresh_s == 0 {
            return fault("refresh_s", "is 0; it is a number of seconds, at least 1");
        }
        Ok(())
    }
}

fn innsyn() -> String {
    "innsyn".to_owned()
}

const fn sixty_four() -> u32 {
    64
}

const fn ten_minutes() -> u64 {
    600
}
