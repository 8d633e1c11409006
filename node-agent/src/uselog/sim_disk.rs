//! A disk in memory that forgets and fails as real ones do.
//!
//! Each file has two contents: what a reader sees (the page cache) and what the disk holds. A
//! write changes the first and waits; a sync carries what waits to the second. In a crash every
//! 512-byte sector of what waits reaches the disk or does not, each by the seed; a file that
//! grew may have grown by any part of it, with zeros where no sector arrived. Names wait for
//! [`Disk::sync_folder`] and survive in the order they were made. A sync that fails drops what
//! waited although readers still see it, as Linux does.
//!
//! Clones share one disk, so that a test can look at and tamper with what the log writes.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::disk::{Disk, ReadDisk};

/// What a disk writes or loses as one.
pub(super) const SECTOR_BYTES: usize = 512;

/// A disk in memory.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: StdRng,
    files: BTreeMap<u64, SimFile>,
    next_file: u64,
    /// The names that readers see, and those that the disk holds.
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    waiting_names: Vec<Naming>,
    /// Operations until the power fails.
    crash_after: Option<u64>,
    crashed: bool,
    /// How many bytes fit.
    capacity: u64,
    fail_writes: Option<io::ErrorKind>,
    fail_syncs: Option<io::ErrorKind>,
    syncs: u64,
}

#[derive(Debug, Default)]
struct SimFile {
    seen: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

#[derive(Debug, Clone)]
enum Naming {
    Create { name: String, file: u64 },
    Rename { from: String, to: String },
}

impl SimDisk {
    /// An empty disk; `seed` decides what a crash loses.
    pub fn new(seed: u64) -> Self {
        Self::holding(BTreeMap::new(), StdRng::seed_from_u64(seed))
    }

    /// A disk that holds `files` safely.
    pub fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        Self::holding(files.clone(), StdRng::seed_from_u64(0))
    }

    fn holding(files: BTreeMap<String, Vec<u8>>, random: StdRng) -> Self {
        let mut state = State {
            random,
            files: BTreeMap::new(),
            next_file: 0,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            waiting_names: Vec::new(),
            crash_after: None,
            crashed: false,
            capacity: u64::MAX,
            fail_writes: None,
            fail_syncs: None,
            syncs: 0,
        };
        for (name, bytes) in files {
            let file = state.add(SimFile {
                seen: bytes.clone(),
                durable: bytes,
                waiting: Vec::new(),
            });
            state.names.insert(name, file);
        }
        state.durable_names = state.names.clone();
        Self(Arc::new(Mutex::new(state)))
    }

    /// The power fails after `operations` more operations; every later one fails.
    pub fn crash_after(&self, operations: u64) {
        self.state().crash_after = Some(operations);
    }

    /// Whether the power has failed.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// The power fails now if it has not yet; the result is the disk as it is found afterwards.
    #[must_use]
    pub fn after_crash(&self) -> Self {
        let mut state = self.state();
        state.crashed = true;
        let survivors = state.survivors();
        let random = StdRng::from_rng(&mut state.random);
        Self::holding(survivors, random)
    }

    /// All files as a reader sees them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let seen = |file: &u64| state.files.get(file).map(|f| f.seen.clone());
        state
            .names
            .iter()
            .filter_map(|(name, file)| Some((name.clone(), seen(file)?)))
            .collect()
    }

    /// Lets only `bytes` bytes fit, over all files; a write that does not fit is done in part.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Makes writes fail from now on, or succeed again.
    pub fn fail_writes(&self, kind: Option<io::ErrorKind>) {
        self.state().fail_writes = kind;
    }

    /// Makes syncs fail from now on, or succeed again.
    pub fn fail_syncs(&self, kind: Option<io::ErrorKind>) {
        self.state().fail_syncs = kind;
    }

    /// How many syncs of files have succeeded.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation, unless the power has failed.
    fn operate<T>(&self, run: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        if state.crashed {
            return Err(power_failed());
        }
        let result = run(&mut state);
        // The power fails within the operation: it may have been done, but nobody is told.
        match &mut state.crash_after {
            Some(0) => {
                state.crashed = true;
                Err(power_failed())
            }
            Some(left) => {
                *left -= 1;
                result
            }
            None => result,
        }
    }
}

fn power_failed() -> io::Error {
    io::Error::other("the power has failed")
}

impl State {
    fn add(&mut self, file: SimFile) -> u64 {
        let number = self.next_file;
        self.next_file += 1;
        self.files.insert(number, file);
        number
    }

    fn file(&self, name: &str) -> io::Result<&SimFile> {
        let file = self.names.get(name).and_then(|n| self.files.get(n));
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file_mut(&mut self, name: &str) -> io::Result<&mut SimFile> {
        let file = self.names.get(name).and_then(|n| self.files.get_mut(n));
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.names);
        self.waiting_names.push(naming);
    }

    /// How many bytes more fit into `name` from `offset`.
    fn room(&self, name: &str, offset: usize) -> io::Result<usize> {
        let used: usize = self
            .names
            .values()
            .filter_map(|number| self.files.get(number))
            .map(|file| file.seen.len())
            .sum();
        let overwritten = self.file(name)?.seen.len().saturating_sub(offset);
        let free = self.capacity.saturating_sub(used as u64);
        Ok(usize::try_from(free)
            .unwrap_or(usize::MAX)
            .saturating_add(overwritten))
    }

    fn survivors(&mut self) -> BTreeMap<String, Vec<u8>> {
        let named = self.random.random_range(0..=self.waiting_names.len());
        for naming in self.waiting_names.drain(..).take(named) {
            naming.apply(&mut self.durable_names);
        }
        let mut survivors = BTreeMap::new();
        for (name, number) in &self.durable_names {
            if let Some(file) = self.files.get_mut(number) {
                for change in std::mem::take(&mut file.waiting) {
                    change.apply_torn(&mut file.durable, &mut self.random);
                }
                survivors.insert(name.clone(), file.durable.clone());
            }
        }
        survivors
    }
}

impl Naming {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Create { name, file } => {
                names.insert(name, file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::Truncate { len } => content.truncate(*len),
        }
    }

    /// Some sectors arrive and some do not.
    fn apply_torn(&self, content: &mut Vec<u8>, random: &mut StdRng) {
        match self {
            Self::Write { offset, bytes } => {
                let mut at = *offset;
                let mut rest = bytes.as_slice();
                // The length may arrive without the content.
                let grown = offset + random.random_range(0..=bytes.len());
                if random.random() && content.len() < grown {
                    content.resize(grown, 0);
                }
                let odds = random.random_range(0.0..=1.0);
                while !rest.is_empty() {
                    let to_edge = SECTOR_BYTES - at % SECTOR_BYTES;
                    let (sector, tail) = rest.split_at(to_edge.min(rest.len()));
                    if random.random_bool(odds) {
                        write(content, at, sector);
                    }
                    at += sector.len();
                    rest = tail;
                }
            }
            Self::Truncate { .. } => {
                if random.random() {
                    self.apply(content);
                }
            }
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl ReadDisk for SimDisk {
    fn len_of(&self, name: &str) -> io::Result<u64> {
        self.len(name)
    }

    fn fill(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_at(name, offset, bytes)
    }
}

impl Disk for SimDisk {
    fn reader(&self) -> Arc<dyn ReadDisk> {
        Arc::new(self.clone())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.operate(|state| Ok(state.names.keys().cloned().collect()))
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.operate(|state| Ok(state.file(name)?.seen.len() as u64))
    }

    fn read_at(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.operate(|state| {
            let offset = place(offset)?;
            let there = state.file(name)?.seen.get(offset..offset + bytes.len());
            bytes.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.operate(|state| {
            if let Some(kind) = state.fail_writes {
                return Err(kind.into());
            }
            let offset = place(offset)?;
            let fits = state.room(name, offset)?.min(bytes.len());
            let change = Change::Write {
                offset,
                bytes: bytes.get(..fits).unwrap_or_default().to_vec(),
            };
            let file = state.file_mut(name)?;
            change.apply(&mut file.seen);
            file.waiting.push(change);
            if fits < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        })
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.operate(|state| {
            let change = Change::Truncate { len: place(len)? };
            let file = state.file_mut(name)?;
            change.apply(&mut file.seen);
            file.waiting.push(change);
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.operate(|state| {
            let failure = state.fail_syncs;
            let file = state.file_mut(name)?;
            let waiting = std::mem::take(&mut file.waiting);
            if let Some(kind) = failure {
                return Err(kind.into());
            }
            for change in waiting {
                change.apply(&mut file.durable);
            }
            state.syncs += 1;
            Ok(())
        })
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.operate(|state| {
            let naming = Naming::Create {
                name: name.to_owned(),
                file: state.add(SimFile::default()),
            };
            state.name(naming);
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|state| {
            state.file(from)?;
            state.name(Naming::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
            });
            Ok(())
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.operate(|state| {
            if let Some(kind) = state.fail_syncs {
                return Err(kind.into());
            }
            state.waiting_names.clear();
            state.durable_names = state.names.clone();
            Ok(())
        })
    }
}

/// A disk whose syncs do nothing: what a log on it acknowledges is not safe. It is there so that
/// a test of safety can be seen to fail.
#[derive(Debug)]
pub struct NoSync<D>(pub D);

impl<D: Disk> Disk for NoSync<D> {
    fn reader(&self) -> Arc<dyn ReadDisk> {
        self.0.reader()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }
    fn len(&self, name: &str) -> io::Result<u64> {
        self.0.len(name)
    }
    fn read_at(&self, name: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_at(name, offset, bytes)
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(name, offset, bytes)
    }
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.0.truncate(name, len)
    }
    fn sync(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.0.create(name)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn sync_folder(&mut self) -> io::Result<()> {
        self.0.sync_folder()
    }
}
