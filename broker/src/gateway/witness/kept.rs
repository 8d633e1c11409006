//! What a witness keeps: of each register the log's key, the last head, and what other witnesses
//! have seen of it, in one file.
//!
//! One file, because seventy logs each have a new head every second: written one by one they
//! would keep a disk busy with nothing but heads. Whoever waits for a head to be on disk waits
//! for the next write of all of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadKey, SignedHead, WitnessKey};
use innsyn_proto::uselog::checked::SeenByOther;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The file's name in the folder of heads.
const FILE: &str = "heads.json";
/// How long a write waits for the heads of other registers.
const GATHER: Duration = Duration::from_millis(200);

/// The file of heads cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptHeadsError {
    /// It cannot be read or written.
    #[error("`{0}` cannot be read or written")]
    Io(PathBuf, #[source] io::Error),
    /// It is not what a gateway writes.
    #[error("`{0}` is not a file of heads; put it back from a backup")]
    Malformed(PathBuf, #[source] serde_json::Error),
    /// A head in it does not check.
    #[error("the head of `{register}` in `{path}` does not check; put it back from a backup")]
    Head {
        /// The file.
        path: PathBuf,
        /// Whose head.
        register: String,
        /// Why not.
        source: HeadError,
    },
}

/// One register's row in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    log_key: String,
    head: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<OtherRow>,
}

/// What another witness has seen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherRow {
    key: String,
    head: String,
}

/// The last head of one register, and those that other witnesses have seen, by their names.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) log_key: String,
    pub(super) head: SignedHead,
    pub(super) others: BTreeMap<String, SeenByOther>,
}

impl OtherRow {
    fn new(seen: &SeenByOther) -> Self {
        Self {
            key: seen.key.text(),
            head: text_of(&seen.head),
        }
    }

    fn read(&self, log: &HeadKey) -> Result<(String, SeenByOther), HeadError> {
        let key = WitnessKey::parse(&self.key)?;
        let head = SignedHead::read(self.head.as_bytes(), log)?;
        Ok((key.name().to_owned(), SeenByOther { key, head }))
    }
}

fn text_of(head: &SignedHead) -> String {
    String::from_utf8_lossy(head.note()).into_owned()
}

/// The heads that are kept.
#[derive(Debug)]
pub(super) struct KeptHeads {
    folder: PathBuf,
    now: Mutex<Now>,
    /// How many changes are on disk. Held while the file is written.
    saved: tokio::sync::Mutex<u64>,
}

#[derive(Debug, Default)]
struct Now {
    heads: BTreeMap<RegisterId, Kept>,
    changes: u64,
}

impl KeptHeads {
    /// Reads the heads in `folder`, which is made if it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self, KeptHeadsError> {
        fs::create_dir_all(folder).map_err(|error| KeptHeadsError::Io(folder.to_owned(), error))?;
        let heads = read(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            now: Mutex::new(Now { heads, changes: 0 }),
            saved: tokio::sync::Mutex::new(0),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, register: &RegisterId) -> Option<Kept> {
        self.now().heads.get(register).cloned()
    }

    /// The keys of all logs.
    pub(super) fn log_keys(&self) -> Vec<String> {
        let now = self.now();
        now.heads
            .values()
            .map(|kept| kept.log_key.clone())
            .collect()
    }

    /// How many changes there have been.
    pub(super) fn changes(&self) -> u64 {
        self.now().changes
    }

    /// Keeps what `next` makes of what is kept of `register`; returns the number of this change,
    /// to wait for.
    pub(super) fn replace<E>(
        &self,
        register: &RegisterId,
        next: impl FnOnce(Option<&Kept>) -> Result<Kept, E>,
    ) -> Result<(SignedHead, u64), E> {
        let mut now = self.now();
        let kept = next(now.heads.get(register))?;
        let head = kept.head.clone();
        now.heads.insert(register.clone(), kept);
        now.changes += 1;
        Ok((head, now.changes))
    }

    /// Returns when `change` and all before it are on disk.
    pub(super) async fn saved(self: &Arc<Self>, change: u64) -> Result<(), KeptHeadsError> {
        let mut saved = self.saved.lock().await;
        if *saved >= change {
            return Ok(());
        }
        sleep(GATHER).await;
        let this = Arc::clone(self);
        let written = spawn_blocking(move || this.write())
            .await
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        *saved = written.map_err(|error| KeptHeadsError::Io(self.folder.join(FILE), error))?;
        Ok(())
    }

    /// Writes all heads; returns how many changes that covers.
    fn write(&self) -> io::Result<u64> {
        let (json, changes) = {
            let now = self.now();
            let rows: BTreeMap<&str, Row> = now
                .heads
                .iter()
                .map(|(register, kept)| {
                    let row = Row {
                        log_key: kept.log_key.clone(),
                        head: text_of(&kept.head),
                        others: kept.others.values().map(OtherRow::new).collect(),
                    };
                    (register.as_str(), row)
                })
                .collect();
            (serde_json::to_vec_pretty(&rows)?, now.changes)
        };
        let path = self.folder.join(FILE);
        let fresh = path.with_extension("new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&json)?;
        file.sync_data()?;
        fs::rename(&fresh, &path)?;
        // Without this, the old file may be back after a power cut.
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(changes)
    }
}

/// The heads kept in `folder`; none if there is no file.
pub(super) fn read(folder: &Path) -> Result<BTreeMap<RegisterId, Kept>, KeptHeadsError> {
    let path = folder.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(KeptHeadsError::Io(path, error)),
    };
    let rows: BTreeMap<String, Row> = serde_json::from_slice(&bytes)
        .map_err(|error| KeptHeadsError::Malformed(path.clone(), error))?;
    rows.into_iter()
        .map(|(register, row)| {
            let failed = |source| KeptHeadsError::Head {
                path: path.clone(),
                register: register.clone(),
                source,
            };
            let id = RegisterId::parse(&register).map_err(|_| failed(HeadError::OtherLog))?;
            let key = HeadKey::parse(&row.log_key).map_err(failed)?;
            let head = SignedHead::read(row.head.as_bytes(), &key).map_err(failed)?;
            let others = row.others.iter().map(|other| other.read(&key));
            let others = others.collect::<Result<_, _>>().map_err(failed)?;
            let log_key = row.log_key;
            let kept = Kept {
                log_key,
                head,
                others,
            };
            Ok((id, kept))
        })
        .collect()
}
