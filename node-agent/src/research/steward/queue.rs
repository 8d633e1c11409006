//! The queries that wait for the steward, and what the steward has decided.
//!
//! Two processes share the folder: the agent writes `<name>.held`, the steward's command writes
//! `<name>.decided`, and neither writes the other's. The name is a hash of the query's name and of
//! the data permit, so that a decision can be for nothing else, and stands in each file again.
//!
//! What holds:
//!
//! - **Every file is whole or not there**, survives a crash and is readable by the agent's account
//!   only. One that is not as it should be is no decision: the query is refused.
//! - **No person**: a data permit is named, the people that it entitles are not.
//! - **Bounds**: [`WAITING_MAX`] queries wait, [`WAITING_OF_PERMIT_MAX`] of one permit, for
//!   [`WAITING_LASTS_MAX`]; [`KEPT_MAX`] are kept, decided or not. What is over is forgotten, but
//!   in `decisions.jsonl`, which is only ever added to.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod held;

pub use held::{Decided, Decision, HeldName, HeldQuery, Reason, ReasonError, Said};

/// The name of the folder in the folder of research.
pub const FOLDER: &str = "steward";
/// All decisions ever made, one JSON object in a line.
pub const DECISIONS: &str = "decisions.jsonl";
/// Queries that wait at once.
pub const WAITING_MAX: usize = 100;
/// Queries of one data permit that wait at once.
pub const WAITING_OF_PERMIT_MAX: usize = 20;
/// How long a query waits for a decision, before it is forgotten.
pub const WAITING_LASTS_MAX: Duration = Duration::from_hours(30 * 24);
/// Queries in the folder, decided or not.
pub const KEPT_MAX: usize = 1_000;
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;
const HELD: &str = "held";
const DECIDED: &str = "decided";

/// The folder of queries that wait.
#[derive(Debug, Clone)]
pub struct Queue {
    research: PathBuf,
    folder: PathBuf,
}

/// A query in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is called.
    pub name: HeldName,
    /// What it is.
    pub query: HeldQuery,
    /// What was decided about it; none while it waits.
    pub decision: Option<Decision>,
}

/// Why the queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// A file or the folder cannot be read or written.
    #[error("`{}` cannot be read or written", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A file is not what this program writes.
    #[error("`{}` is damaged; delete it, and decide again", .0.display())]
    Damaged(PathBuf),
    /// Too many queries wait.
    #[error("{0} queries wait for the steward or have been decided already; no more are kept")]
    Full(usize),
    /// Too many of the same permit's queries wait.
    #[error("{WAITING_OF_PERMIT_MAX} queries of this data permit wait for the steward already")]
    FullOfPermit,
    /// The query could not be told whole.
    #[error("the query is too long to be told to the steward")]
    TooLong,
    /// There is no such query.
    #[error("no query in the queue is called `{0}`; `innsyn-agent steward list --all` names them")]
    NotThere(String),
    /// The name fits several.
    #[error("several queries in the queue begin with `{0}`; give more of the name")]
    Ambiguous(String),
}

impl Queue {
    pub(super) fn in_folder(research: &Path) -> Self {
        Self {
            research: research.to_owned(),
            folder: research.join(FOLDER),
        }
    }

    /// Makes the folder if it is not there, for the agent alone.
    pub fn make_folder(&self) -> Result<(), QueueError> {
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700);
        let made = folder.create(&self.folder);
        made.map_err(|error| QueueError::Io(self.folder.clone(), error))
    }

    /// What is decided at `now`, under the rules of this digest, about the query called `name`.
    pub fn decision(
        &self,
        name: &HeldName,
        rules: &str,
        now: Timestamp,
    ) -> Result<Option<Decision>, QueueError> {
        let path = self.file(name, DECIDED);
        let Some(decision) = read::<Decision>(&path)? else {
            return Ok(None);
        };
        if decision.name() != Some(*name) {
            return Err(QueueError::Damaged(path));
        }
        Ok(Some(decision).filter(|decision| decision.stands(rules, now)))
    }

    /// Puts `query` into the queue, if it does not wait there already; `rules` are those that ask.
    pub fn hold(&self, query: &HeldQuery, rules: &str, now: Timestamp) -> Result<(), QueueError> {
        let name = query.name().ok_or(QueueError::TooLong)?;
        let (kept, over) = self.look(rules, now)?;
        for name in over {
            // What cannot be deleted now is passed over again the next time.
            let _ = fs::remove_file(self.file(&name, DECIDED));
            let _ = fs::remove_file(self.file(&name, HELD));
        }
        let waiting = || kept.iter().filter(|kept| kept.decision.is_none());
        if waiting().any(|kept| kept.name == name) {
            return Ok(());
        }
        if waiting().count() >= WAITING_MAX || kept.len() >= KEPT_MAX {
            return Err(QueueError::Full(kept.len()));
        }
        let of_permit = waiting().filter(|kept| kept.query.permit == query.permit);
        if of_permit.count() >= WAITING_OF_PERMIT_MAX {
            return Err(QueueError::FullOfPermit);
        }
        let text = serde_json::to_vec_pretty(query).map_err(|_| QueueError::TooLong)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(QueueError::TooLong);
        }
        let file = format!("{name}.{HELD}");
        write_durably(&self.folder, &file, &text)
            .map_err(|error| QueueError::Io(self.folder.join(file), error))
    }

    /// All queries in the queue at `now`, the oldest first, and what is decided about each under
    /// the rules of this digest.
    pub fn all(&self, rules: &str, now: Timestamp) -> Result<Vec<Kept>, QueueError> {
        Ok(self.look(rules, now)?.0)
    }

    /// All queries, and the names of those that have waited too long.
    fn look(&self, rules: &str, now: Timestamp) -> Result<(Vec<Kept>, Vec<HeldName>), QueueError> {
        let folder = |error| QueueError::Io(self.folder.clone(), error);
        let (mut kept, mut over) = (Vec::new(), Vec::new());
        let entries = match self.folder.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((kept, over)),
            entries => entries.map_err(folder)?,
        };
        for entry in entries {
            let path = entry.map_err(folder)?.path();
            if path.extension() != Some(OsStr::new(HELD)) {
                continue;
            }
            let Some(query) = read::<HeldQuery>(&path)? else {
                continue;
            };
            let is_its_name =
                |name: &HeldName| path.file_stem() == Some(OsStr::new(&name.to_string()));
            let Some(name) = query.name().filter(is_its_name) else {
                return Err(QueueError::Damaged(path));
            };
            let decision = self.decision(&name, rules, now)?;
            if decision.is_none() && now >= query.came_at().plus(WAITING_LASTS_MAX) {
                over.push(name);
            } else {
                kept.push(Kept {
                    name,
                    query,
                    decision,
                });
            }
        }
        kept.sort_by_key(|kept| (kept.query.came_at(), kept.name));
        Ok((kept, over))
    }

    /// The one query whose name begins with `beginning`.
    pub fn find(&self, beginning: &str, rules: &str, now: Timestamp) -> Result<Kept, QueueError> {
        let not_there = || QueueError::NotThere(beginning.to_owned());
        if beginning.is_empty() {
            return Err(not_there());
        }
        let mut all = self.all(rules, now)?;
        all.retain(|kept| kept.name.to_string().starts_with(beginning));
        match (all.pop(), all.is_empty()) {
            (Some(kept), true) => Ok(kept),
            (Some(_), false) => Err(QueueError::Ambiguous(beginning.to_owned())),
            (None, _) => Err(not_there()),
        }
    }

    /// Writes down that `decision` was made, and then makes it.
    pub fn decide(&self, name: &HeldName, decision: &Decision) -> Result<(), QueueError> {
        let path = self.file(name, DECIDED);
        let text =
            serde_json::to_vec_pretty(decision).map_err(|_| QueueError::Damaged(path.clone()))?;
        self.note(decision)?;
        write_durably(&self.folder, &format!("{name}.{DECIDED}"), &text)
            .map_err(|error| QueueError::Io(path, error))
    }

    /// Adds a line to what was ever decided.
    pub fn note(&self, what: &impl Serialize) -> Result<(), QueueError> {
        self.make_folder()?;
        let path = self.folder.join(DECISIONS);
        let mut line = serde_json::to_vec(what).map_err(|_| QueueError::Damaged(path.clone()))?;
        line.push(b'\n');
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| {
                owned_like(&self.research, &path)?;
                file.write_all(&line)?;
                file.sync_all()
            });
        owned_like(&self.research, &self.folder)
            .and(written)
            .map_err(|error| QueueError::Io(path, error))
    }

    fn file(&self, name: &HeldName, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }
}

/// What the file at `path` holds; none if it is not there.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, QueueError> {
    let unreadable = |error| QueueError::Io(path.to_owned(), error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(unreadable)?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| QueueError::Damaged(path.to_owned()))
}

/// Makes `file` in `folder` hold `bytes`, whole or not at all and safe on the disk, for the account
/// that the folder belongs to.
pub(super) fn write_durably(folder: &Path, file: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{file}.{}.new", std::process::id()));
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            owned_like(folder, &unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, folder.join(file)))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // Of no use to anybody; where it cannot be removed, it is passed over.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Gives `path` to the owner of `folder`: the steward may be root, the agent is not.
fn owned_like(folder: &Path, path: &Path) -> io::Result<()> {
    let (folder, own) = (fs::metadata(folder)?, fs::metadata(path)?);
    if folder.uid() == own.uid() {
        return Ok(());
    }
    chown(path, Some(folder.uid()), Some(folder.gid()))
}
