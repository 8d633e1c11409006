//! Why a source could not be read, and what its owner can do about it.
//!
//! No message contains the content of a row: a database's own words are quoted only where they
//! were spoken before any row was read, and a header line that looks like data is not shown.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::intake::LoadReport;
use super::postgres::WriteRight;
use crate::finding::Finding;
use crate::subjects::{PseudonymKeyError, TooManyPersonsError};

/// A load failed. The index from the load before stays in use.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The manifest is not valid.
    #[error("`{}` is not valid: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and where in it.
        message: String,
    },
    /// A pattern of the manifest matches nothing.
    #[error("no file in `{}` is called `{pattern}`", folder.display())]
    NoFile {
        /// The folder.
        folder: PathBuf,
        /// The name or pattern.
        pattern: String,
    },
    /// A pattern of the manifest matches too much.
    #[error("more than {max} files in `{}`", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// The bound.
        max: usize,
    },
    /// A file is not what its name says.
    #[error("`{}` is no readable {format} file: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// What the reader says.
        message: String,
    },
    /// The first line of a CSV file is not column names.
    #[error("the first line of `{}` looks like data, not like column names", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// A column is not there.
    #[error("{place} has no column `{column}`; it has {}", columns(present))]
    NoColumn {
        /// The file, table or view.
        place: String,
        /// The column asked for.
        column: String,
        /// Those that are there.
        present: Vec<String>,
    },
    /// A column is of a type that cannot be read as what it should be.
    #[error("column `{column}` of {place} is of type {found}, and {wanted} was expected")]
    ColumnType {
        /// The file, table or view.
        place: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What would do.
        wanted: &'static str,
    },
    /// The files changed while they were read.
    #[error("the source changed while it was read")]
    ChangedWhileRead,
    /// There were people, and now there are none.
    #[error("the source had {before} people and has none now")]
    Emptied {
        /// How many there were.
        before: u64,
    },
    /// There are rows, and nobody in them.
    #[error(
        "none of {} rows has a usable national id ({} missing, {} malformed, {} of the wrong \
         environment, {} auxiliary)",
        .0.rows, .0.missing, .0.malformed, .0.wrong_environment, .0.auxiliary
    )]
    NobodyUsable(Box<LoadReport>),
    /// Too large.
    #[error(transparent)]
    TooManyPersons(#[from] TooManyPersonsError),
    /// The pseudonym key is none.
    #[error("`{}` holds no pseudonym key: {error}", path.display())]
    PseudonymKey {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        error: PseudonymKeyError,
    },
    /// The file of trusted certificates holds none.
    #[error("`{}` holds no certificate that can be trusted: {message}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The database cannot be reached, or does not let the role in.
    #[error("the database at {address} cannot be used: {message}")]
    Connect {
        /// Host and port.
        address: String,
        /// What it, or the network, says.
        message: String,
    },
    /// A table or view is not in the database.
    #[error("there is no table or view {relation} in database `{database}`")]
    NoRelation {
        /// Schema and name.
        relation: String,
        /// The database.
        database: String,
    },
    /// A column may not be read.
    #[error("role `{role}` may not read column `{column}` of {relation}")]
    MayNotRead {
        /// The role.
        role: String,
        /// Schema and name.
        relation: String,
        /// The column.
        column: String,
    },
    /// The role may write, and a source is only ever read.
    #[error("role `{role}` may write: {}", list(rights))]
    MayWrite {
        /// The role.
        role: String,
        /// How.
        rights: Vec<WriteRight>,
    },
    /// The role that runs queries may see more than the views made for it.
    #[error(
        "role `{role}` may do more than read the views of its schema: {}",
        list(rights)
    )]
    MaySee {
        /// The role.
        role: String,
        /// How.
        rights: Vec<WriteRight>,
    },
    /// The schema of the agent's own is not there, or is somebody else's.
    #[error("there is no schema `{schema}` that role `{role}` owns")]
    NoSchema {
        /// The schema.
        schema: String,
        /// Who keeps it.
        role: String,
    },
    /// A statement failed. Only the code is told: the message may quote a row.
    #[error("{doing} failed with SQLSTATE {state}")]
    Query {
        /// What was done.
        doing: &'static str,
        /// PostgreSQL's code, or `none` where the connection broke.
        state: String,
    },
    /// The load took too long.
    #[error("the source was not read within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// A defect: the reader gave up.
    #[error("the reader stopped unexpectedly")]
    Stopped,
}

fn columns(present: &[String]) -> String {
    match present {
        [] => "none".to_owned(),
        present => present.join(", "),
    }
}

fn list(rights: &[WriteRight]) -> String {
    let rights: Vec<_> = rights.iter().map(ToString::to_string).collect();
    rights.join("; ")
}

impl SourceError {
    /// The same for `innsyn-agent check`: one finding for each thing to do.
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::MayWrite { role, rights } => rights
                .iter()
                .map(|right| {
                    Finding::error(
                        format!("the database role `{role}` may write: {right}"),
                        format!("let the database's owner run: {}", right.mended_by(role)),
                    )
                })
                .collect(),
            Self::MaySee { role, rights } => rights
                .iter()
                .map(|right| {
                    Finding::error(
                        format!("the database role `{role}` may see too much: {right}"),
                        format!("let the database's owner run: {}", right.mended_by(role)),
                    )
                })
                .collect(),
            _ => vec![Finding::error(self.to_string(), self.what_to_do())],
        }
    }

    /// What its owner can do about it.
    pub(crate) fn what_to_do(&self) -> String {
        match self {
            Self::Unreadable { error, path } => match error.kind() {
                io::ErrorKind::NotFound => {
                    format!("create `{}`, or correct the path", path.display())
                }
                io::ErrorKind::PermissionDenied => {
                    "let the account that the agent runs as read it".to_owned()
                }
                _ => "see that the disk or network share is there".to_owned(),
            },
            Self::Manifest { .. } => {
                "correct the manifest; unknown keys are not accepted".to_owned()
            }
            Self::NoFile { .. } => {
                "put the file there, or correct `files` in manifest.toml".to_owned()
            }
            Self::TooManyFiles { .. } => {
                "name the files more narrowly in manifest.toml, or join some".to_owned()
            }
            Self::Format { .. } => {
                "export it again; Parquet may be uncompressed, snappy or zstd".to_owned()
            }
            Self::NoHeader { .. } => "export it with a line of column names first".to_owned(),
            Self::NoColumn { .. } => "correct the column's name where it is configured".to_owned(),
            Self::ColumnType { .. } => {
                "name another column, or convert it in the export or view".to_owned()
            }
            Self::ChangedWhileRead => {
                "wait for the export to end, or write new files aside and rename them into place"
                    .to_owned()
            }
            Self::Emptied { .. } => {
                "see whether the export failed; if the register really is empty, restart the agent"
                    .to_owned()
            }
            Self::NobodyUsable(_) => "see whether `national_id` names the right column and the \
                agent's `environment` (production or test) is right"
                .to_owned(),
            Self::TooManyPersons(_) => "split the register over several agents".to_owned(),
            Self::PseudonymKey { .. } => {
                "put the register's key there, as hexadecimal digits on one line".to_owned()
            }
            Self::Certificate { .. } => {
                "put the certificate of the authority there, as PEM".to_owned()
            }
            Self::Connect { .. } => "see that the server runs, that host, port, database, user \
                and password file are right, and that its certificate comes from `ca_file`"
                .to_owned(),
            Self::NoRelation { .. } => "correct schema and table in [source]".to_owned(),
            Self::MayNotRead { role, relation, .. } => {
                format!(
                    "let the database's owner run: GRANT SELECT ON {relation} TO {}; and GRANT \
                     USAGE on its schema",
                    super::postgres::quoted(role)
                )
            }
            Self::MayWrite { .. } | Self::MaySee { .. } => "take the rights away".to_owned(),
            Self::NoSchema { schema, role } => format!(
                "let the database's owner run: CREATE SCHEMA {} AUTHORIZATION {};",
                super::postgres::quoted(schema),
                super::postgres::quoted(role)
            ),
            Self::Query { .. } => "look the code up in the server's own log".to_owned(),
            Self::TooSlow(_) => "raise `load_timeout_s`, or make the view faster".to_owned(),
            Self::Stopped => "please report this as a defect".to_owned(),
        }
    }
}
