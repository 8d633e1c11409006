//! The agent's own folder of snapshots: one file for each view, called by what it is made of.
//!
//! What holds:
//!
//! - **A file is whole or not there.** It is written under another name, made durable, renamed.
//! - **Only this agent's account reads it**, and only one agent uses it at a time.
//! - **What nobody uses is deleted** by [`Shelf::sweep`], what an earlier process left included.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::digest::Digest;
use super::error::{ResearchFolderError, ViewFault};
use super::stored::ViewReport;

/// Where snapshots are in the folder of research.
const SNAPSHOTS: &str = "snapshots";
/// Held by the process that uses the folder.
const LOCK: &str = "snapshots.lock";
const ENDING: &str = ".parquet";
const ENDING_UNTIL_WHOLE: &str = ".parquet.new";

/// The folder of snapshots.
#[derive(Debug)]
pub(super) struct Shelf {
    path: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Opens the folder in `research`, the folder of research; both are made if they are not there.
    pub(super) fn open(research: &Path) -> Result<Self, ResearchFolderError> {
        let failed = |error| ResearchFolderError::Io {
            folder: research.display().to_string(),
            error,
        };
        let path = research.join(SNAPSHOTS);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o700)))
            .map_err(failed)?;
        let lock = private(&research.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => ResearchFolderError::Taken {
                folder: research.display().to_string(),
            },
            fs::TryLockError::Error(error) => failed(error),
        })?;
        Ok(Self { path, _lock: lock })
    }

    /// The file called `name` and its counts; `make` writes it if it is not there yet.
    pub(super) fn get(
        &self,
        name: &Digest,
        make: impl FnOnce(File) -> Result<(File, ViewReport), ViewFault>,
    ) -> Result<(PathBuf, ViewReport), ViewFault> {
        let path = self.path.join(hex::encode(name) + ENDING);
        if let Some(report) = ViewReport::read(&path) {
            return Ok((path, report));
        }
        let unfinished = self.path.join(hex::encode(name) + ENDING_UNTIL_WHOLE);
        let file = private(&unfinished).map_err(|error| not_written(&error))?;
        let outcome = make(file).and_then(|(file, report)| {
            file.sync_all()
                .and_then(|()| fs::rename(&unfinished, &path))
                .and_then(|()| File::open(&self.path)?.sync_all())
                .map_err(|error| not_written(&error))?;
            Ok(report)
        });
        if outcome.is_err() {
            // What is left of it is swept away later if this fails too.
            let _ = fs::remove_file(&unfinished);
        }
        outcome.map(|report| (path, report))
    }

    /// Deletes every file that is not `in_use`.
    pub(super) fn sweep(&self, in_use: &BTreeSet<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if !in_use.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// An empty file that only this account may read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

fn not_written(error: &io::Error) -> ViewFault {
    ViewFault::NotWritten(error.to_string())
}
