//! Which notices are done: hashes of their keys, in one file, at most [`KEYS_MAX`].

use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

/// Keys that are remembered; the oldest are forgotten. An agent asks of a key until it hears that
/// it is done, seconds as a rule, so that this is days of them.
pub const KEYS_MAX: usize = 200_000;
const HASH_BYTES: usize = 32;

type Hash = [u8; HASH_BYTES];

/// The memory of what was told.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    file: File,
    known: HashSet<Hash>,
    order: VecDeque<Hash>,
    keys_max: usize,
}

impl Memory {
    /// Opens the file at `path`, and makes it if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, KEYS_MAX)
    }

    pub(super) fn open_with(path: &Path, keys_max: usize) -> io::Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        // A crash can have left a part of the last hash; nobody was told that it is there.
        let (hashes, _torn) = bytes.as_chunks::<HASH_BYTES>();
        let kept = Kept {
            path: path.to_owned(),
            file: written(path, hashes)?,
            known: hashes.iter().copied().collect(),
            order: hashes.iter().copied().collect(),
            keys_max,
        };
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// Whether `key` is remembered.
    pub fn holds(&self, key: &[u8; 32]) -> bool {
        self.kept().known.contains(&hash(key))
    }

    /// Remembers `key`; on disk when this returns.
    pub async fn keep(&self, key: [u8; 32]) -> io::Result<()> {
        let memory = self.clone();
        spawn_blocking(move || memory.kept().keep(hash(&key)))
            .await
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, hash: Hash) -> io::Result<()> {
        if self.known.contains(&hash) {
            return Ok(());
        }
        if self.order.len() >= self.keys_max {
            // Half at a time, so that the file is seldom written anew.
            let over = self.order.len() - self.keys_max / 2;
            let rest: Vec<Hash> = self.order.iter().skip(over).copied().collect();
            self.file = written(&self.path, &rest)?;
            for forgotten in self.order.drain(..over) {
                self.known.remove(&forgotten);
            }
        }
        let whole = (self.order.len() * HASH_BYTES) as u64;
        let written = self.file.write_all(&hash);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // The next one must stand where this one would have.
            self.file.set_len(whole)?;
            self.file.seek(io::SeekFrom::Start(whole))?;
            return Err(error);
        }
        self.known.insert(hash);
        self.order.push_back(hash);
        Ok(())
    }
}

/// Makes the file hold `hashes`, whole or as it was, and opens it to add to it.
fn written(path: &Path, hashes: &[Hash]) -> io::Result<File> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(hashes.as_flattened())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

fn hash(key: &[u8; 32]) -> Hash {
    Sha256::digest([b"notice".as_slice(), key].concat()).into()
}
