//! Where the register's people come from: a folder of files, or a PostgreSQL table or view.
//!
//! A [`Source`] hands its rows to an [`Intake`], which reads, counts and keeps them as tags. The
//! [`SubjectsStore`] holds what the last good load made, serves from it, and swaps in a new one
//! when the source has changed.
//!
//! What holds:
//!
//! - **A source is only read.** Nothing here writes to a file or a database, and a database role
//!   that may write is refused.
//! - **Bad rows are counted, never fatal and never shown.** A [`LoadReport`] has numbers only,
//!   and no [`SourceError`] contains the content of a row.
//! - **A failed load changes nothing.** The index before it stays, and [`StoreStatus`] says since
//!   when it has been so. Only a load in which *nobody* at all is usable is an error too: an
//!   empty index would tell everybody that they are not registered.
//!
//! It decides nothing: who may look is `policy`'s matter.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::subjects::{PseudonymKey, SubjectKey};

pub use about::{AboutPerson, RowsAbout};
pub use check::{check, check_shown};
pub use config::{Place, SourceConfig, SourceConfigError};
pub use error::SourceError;
pub(crate) use folder::FileName;
pub use folder::FolderSource;
pub(crate) use freshness::Freshness;
pub(crate) use intake::NotTaken;
pub use intake::{Intake, LoadReport, Loaded, Numbers, PersonFields};
pub(crate) use postgres::{Login, Session, failed, rights, sight};
pub use postgres::{PostgresSource, WriteRight};
pub use progress::{Progress, Silent, TerminalBar};
pub use store::{HeldSettings, Refreshed, RegisterData, StoreStatus, SubjectsStore};

pub mod config;

mod about;
mod check;
mod error;
mod folder;
mod freshness;
mod intake;
pub(crate) mod moment;
mod postgres;
mod progress;
mod store;

#[cfg(test)]
mod tests;

/// The most bytes that a file with a secret may have.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Something that the register's people are read from.
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// Reads everything into `intake` and ends it.
    fn load(&self, intake: Intake) -> BoxFuture<'_, Result<Loaded, SourceError>>;

    /// How the source stands now. While it equals the one before, a load would make the same;
    /// `None` where that cannot be told without loading.
    fn fingerprint(&self) -> BoxFuture<'_, Result<Option<Fingerprint>, SourceError>>;
}

/// How a source's files stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<FileStamp>);

impl Fingerprint {
    /// Whether every file of `part` stood then as it stands in `part`.
    pub(crate) fn covers(&self, part: &Self) -> bool {
        part.0.iter().all(|stamp| self.0.contains(stamp))
    }

    /// The files, as they stood.
    pub(crate) fn files(&self) -> &[FileStamp] {
        &self.0
    }
}

/// How one file stood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileStamp {
    path: PathBuf,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds since 1970-01-01T00:00:00Z.
    modified: (i64, i64),
}

impl FileStamp {
    /// How the file at `path` stands now.
    fn of(path: PathBuf) -> Result<Self, SourceError> {
        match fs::metadata(&path) {
            Ok(file) => Ok(Self {
                inode: file.ino(),
                bytes: file.size(),
                modified: (file.mtime(), file.mtime_nsec()),
                path,
            }),
            Err(error) => Err(SourceError::Unreadable { path, error }),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl SourceConfig {
    /// The source that is configured; nothing is read yet.
    pub fn source(&self) -> Arc<dyn Source> {
        match &self.place {
            Place::Folder(path) => Arc::new(FolderSource::new(path)),
            Place::Postgres(config) => Arc::new(PostgresSource::new((**config).clone())),
        }
    }

    /// A new key for the index: random, and with the register's pseudonym key if it has one.
    pub fn subject_key(&self, rng: &mut impl CryptoRng) -> Result<SubjectKey, SourceError> {
        let pseudonyms = match &self.pseudonym_key_file {
            Some(path) => Some(pseudonym_key(path)?),
            None => None,
        };
        Ok(SubjectKey::generate(rng, pseudonyms))
    }
}

fn pseudonym_key(path: &Path) -> Result<PseudonymKey, SourceError> {
    let text = secret(path)?;
    PseudonymKey::parse(&text).map_err(|error| SourceError::PseudonymKey {
        path: path.to_owned(),
        error,
    })
}

/// The content of a small file that holds a secret.
fn secret(path: &Path) -> Result<Zeroizing<String>, SourceError> {
    let unreadable = |error| SourceError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}
