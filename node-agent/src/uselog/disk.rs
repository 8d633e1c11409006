//! What the log needs of a disk, and the real one.
//!
//! The seam is synchronous and as narrow as the log's use of it: named files in one folder,
//! writes at a place, and a sync that must not return before the bytes are safe. Tests and the
//! simulator put [`SimDisk`](super::SimDisk) behind it.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many files are kept open for writing.
const OPEN_FILES_MAX: usize = 4;
/// Held while an agent has the log open; always empty.
const LOCK: &str = "lock";

/// One folder of files, to be read beside whoever writes there.
pub trait ReadDisk: std::fmt::Debug + Send + Sync + 'static {
    /// The length of a file in bytes.
    fn len_of(&self, name: &str) -> io::Result<u64>;
    /// Fills `bytes` from `offset`; an error where the file ends before.
    fn fill(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// One folder of files.
pub trait Disk: Send + 'static {
    /// The same folder for others to read.
    fn reader(&self) -> Arc<dyn ReadDisk>;
    /// The names of the files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// The length of a file in bytes.
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Fills `bytes` from `offset`; an error where the file ends before.
    fn read_at(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`; after an error any part of them may stand there.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to `len` bytes.
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()>;
    /// Returns when the file's content and length survive a crash. After an error nobody knows
    /// what the disk holds of what was written since the last one.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Makes an empty file, in the place of one that may be there.
    fn create(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, in the place of one that may be there.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Returns when created and renamed files survive a crash under their names.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// The whole content of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.len(name)?).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        self.read_at(name, 0, &mut bytes)?;
        Ok(bytes)
    }
}

/// A folder of the file system.
#[derive(Debug)]
pub struct FsDisk {
    folder: PathBuf,
    /// Files open for writing. Dropping one loses nothing: what matters is synced before.
    open: HashMap<String, File>,
    lock: Option<File>,
}

impl FsDisk {
    /// Opens `folder` for writing, makes it if it is not there, and keeps others out until it is
    /// dropped.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join(LOCK))?;
        lock.try_lock()?;
        Ok(Self {
            folder: folder.to_owned(),
            open: HashMap::new(),
            lock: Some(lock),
        })
    }

    /// Opens `folder` to look at, whether or not an agent is writing there.
    pub fn read_only(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            open: HashMap::new(),
            lock: None,
        }
    }

    fn writable(&mut self, name: &str) -> io::Result<&File> {
        if self.lock.is_none() {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if !self.open.contains_key(name) {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(self.folder.join(name))?;
            if self.open.len() >= OPEN_FILES_MAX {
                self.open.clear();
            }
            self.open.insert(name.to_owned(), file);
        }
        self.open
            .get(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A folder of the file system, to be read.
#[derive(Debug)]
struct FsReader(PathBuf);

impl ReadDisk for FsReader {
    fn len_of(&self, name: &str) -> io::Result<u64> {
        Ok(self.0.join(name).metadata()?.len())
    }

    fn fill(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        File::open(self.0.join(name))?.read_exact_at(bytes, offset)
    }
}

impl Disk for FsDisk {
    fn reader(&self) -> Arc<dyn ReadDisk> {
        Arc::new(FsReader(self.folder.clone()))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.folder.read_dir()? {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(self.folder.join(name).metadata()?.len())
    }

    fn read_at(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self.open.get(name) {
            Some(file) => file.read_exact_at(bytes, offset),
            None => File::open(self.folder.join(name))?.read_exact_at(bytes, offset),
        }
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writable(name)?.write_all_at(bytes, offset)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.writable(name)?.set_len(len)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.writable(name)?.sync_data()
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        if self.lock.is_none() {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        self.open.remove(name);
        OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(self.folder.join(name))?;
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open.remove(from);
        self.open.remove(to);
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}
