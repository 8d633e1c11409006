//! Parties in a file that the register's own people keep.
//!
//! ```toml
//! [[party]]
//! her_id = 91468
//! active = true                                # default
//! async_queue = "sb.nhn.no/DigitalDialog/91468_async"
//! sync_queue = "91468_sync"                    # if it takes requests
//! error_queue = "91468_error"
//! signers = ["helsenorge-sign.pem"]            # two while one is changed
//! recipients = ["helsenorge-crypt.pem"]
//! revoked = ["01ab"]                           # serial numbers, in hexadecimal digits
//! ```
//!
//! Paths are relative to the file's own folder. The file is read again when what was read is no
//! longer fresh; one that cannot be read is an outage, which what was read before outlives.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::super::{Address, Certificate, CertificateError, HerId, IdError};
use super::{AddressRegister, AddressesUnavailable, Party};

/// Why a file of parties cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressFileError {
    /// It cannot be read.
    #[error("`{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It is no TOML, or has an unknown key.
    #[error("`{}` is no file of parties", .0.display())]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    /// A value that cannot be meant.
    #[error("party {her_id}: `{key}`")]
    Value {
        /// Whose.
        her_id: u64,
        /// Which.
        key: &'static str,
        /// What is wrong.
        source: IdError,
    },
    /// A certificate cannot be used.
    #[error("party {her_id}")]
    Certificate {
        /// Whose.
        her_id: u64,
        /// What is wrong.
        source: CertificateError,
    },
    /// Two sections for one party.
    #[error("party {0} has two sections")]
    Twice(u64),
}

/// A file of parties.
#[derive(Debug, Clone)]
pub struct AddressFile(PathBuf);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    party: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    her_id: u64,
    #[serde(default = "yes")]
    active: bool,
    async_queue: String,
    sync_queue: Option<String>,
    error_queue: String,
    #[serde(default)]
    signers: Vec<PathBuf>,
    #[serde(default)]
    recipients: Vec<PathBuf>,
    #[serde(default)]
    revoked: BTreeSet<String>,
}

const fn yes() -> bool {
    true
}

impl AddressFile {
    /// The file at `path`.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads all parties.
    pub fn read(&self) -> Result<Vec<(HerId, Party)>, AddressFileError> {
        let unreadable = |error| AddressFileError::Unreadable(self.0.clone(), error);
        let text = std::fs::read_to_string(&self.0).map_err(unreadable)?;
        let file: File = toml::from_str(&text)
            .map_err(|error| AddressFileError::Syntax(self.0.clone(), Box::new(error)))?;
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let mut seen = BTreeSet::new();
        let sections = file.party.into_iter().map(|section| {
            if !seen.insert(section.her_id) {
                return Err(AddressFileError::Twice(section.her_id));
            }
            section.check(folder)
        });
        sections.collect()
    }
}

impl Section {
    fn check(self, folder: &Path) -> Result<(HerId, Party), AddressFileError> {
        let her_id = self.her_id;
        let value = |key| {
            move |source| AddressFileError::Value {
                her_id,
                key,
                source,
            }
        };
        let queue = |key, text: &str| Address::parse(text).map(|it| it.queue).map_err(value(key));
        let certificates = |files: Vec<PathBuf>| -> Result<Vec<_>, _> {
            let load = |file| Certificate::load(&folder.join(file));
            let loaded: Result<Vec<_>, _> = files.iter().map(load).collect();
            loaded.map_err(|source| AddressFileError::Certificate { her_id, source })
        };
        let her = HerId::parse(&her_id.to_string()).map_err(value("her_id"))?;
        let party = Party {
            active: self.active,
            async_queue: queue("async_queue", &self.async_queue)?,
            sync_queue: self
                .sync_queue
                .map(|it| queue("sync_queue", &it))
                .transpose()?,
            error_queue: queue("error_queue", &self.error_queue)?,
            signers: certificates(self.signers)?,
            recipients: certificates(self.recipients)?,
            revoked: self
                .revoked
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect(),
        };
        Ok((her, party))
    }
}

impl AddressRegister for AddressFile {
    fn party(&self, her: HerId) -> BoxFuture<'_, Result<Option<Party>, AddressesUnavailable>> {
        let file = self.clone();
        Box::pin(async move {
            let read = spawn_blocking(move || file.read()).await;
            let parties = match read {
                Ok(Ok(parties)) => parties,
                Ok(Err(error)) => return Err(AddressesUnavailable(error.to_string())),
                Err(error) => return Err(AddressesUnavailable(error.to_string())),
            };
            let found = parties.into_iter().find(|(known, _)| *known == her);
            Ok(found.map(|(_, party)| party))
        })
    }
}
