//! Looks for national ids and canaries where there must be none: memory dumps, logs, folders.
//!
//! A secret is searched in every [`Writing`] that a careless line of code would leave it in:
//! as text, as a number, packed, as hexadecimal, in base64 wherever it may begin, as `{:?}`
//! prints bytes. Whatever looks like a token is decoded and searched too.
//!
//! What holds: nothing is changed; a sighting says which secret it is by its place among those
//! the scanner was given and never repeats it.

mod token;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use innsyn_policy::NationalId;

pub use writing::Writing;

/// Bytes that tell whether a writing may begin here. No writing has fewer that say something.
const KEY_BYTES: usize = 5;
/// Of these, so many choose a bit of the sieve.
const SIEVE_BYTES: usize = 3;
/// What is searched at once.
const WINDOW_BYTES: usize = 256 << 10;
/// What is known of the bytes after a window: room for the longest writing and for a token.
const AHEAD_BYTES: usize = 16 << 10;
/// What is known of the bytes before a window.
const BEHIND_BYTES: usize = 16;

/// Which kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// A national id.
    NationalId,
    /// 32 bytes that an answer carried.
    Canary,
    /// What somebody said: the name of a definition or of a change.
    Saying,
}

/// A secret where it should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sighting {
    /// Where, in bytes from the beginning; of the token, if it was in one.
    pub at: u64,
    /// Which kind.
    pub secret: Secret,
    /// Which of that kind, in the order in which the scanner was told of them.
    pub number: usize,
    /// How it was written.
    pub writing: Writing,
    /// Whether it came to light when a token was decoded.
    pub in_token: bool,
}

/// A file in which secrets were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The file.
    pub path: PathBuf,
    /// What was seen.
    pub sightings: Vec<Sighting>,
}

/// What was searched in a folder, and what was seen there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Files with secrets in them.
    pub marked: Vec<Marked>,
}

/// One writing of one secret.
struct Needle {
    bytes: Vec<u8>,
    /// Where its key begins: after the zeros that a number may begin with.
    key_at: usize,
    secret: Secret,
    number: usize,
    writing: Writing,
}

/// What most of a dump is.
const PAGE: [u8; 4096] = [0; 4096];

/// Knows secrets, and looks for them.
pub struct Scanner {
    /// One bit for each beginning of a key or token; most bytes are passed over by it.
    sieve: Vec<u64>,
    by_key: HashMap<[u8; KEY_BYTES], Vec<Needle>>,
    national_ids: usize,
    canaries: usize,
    sayings: usize,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner")
            .field("national_ids", &self.national_ids)
            .field("canaries", &self.canaries)
            .field("sayings", &self.sayings)
            .finish_non_exhaustive()
    }
}

impl Default for Scanner {
    /// A scanner that knows no secret yet.
    fn default() -> Self {
        let mut scanner = Self {
            sieve: vec![0; 1 << (8 * SIEVE_BYTES - 6)],
            by_key: HashMap::new(),
            national_ids: 0,
            canaries: 0,
            sayings: 0,
        };
        scanner.let_through(token::BEGINNING);
        scanner
    }
}

impl Scanner {
    /// Looks for `id` from now on.
    pub fn add_national_id(&mut self, id: &NationalId) {
        let number = self.national_ids;
        self.national_ids += 1;
        for (writing, bytes) in writing::of_national_id(id) {
            self.add(Secret::NationalId, number, writing, bytes);
        }
    }

    /// Looks for `canary` from now on.
    pub fn add_canary(&mut self, canary: &[u8; 32]) {
        let number = self.canaries;
        self.canaries += 1;
        for (writing, bytes) in writing::of_random(canary) {
            self.add(Secret::Canary, number, writing, bytes);
        }
    }

    /// Looks for 16 bytes that name a definition or a change from now on, as bytes and as a GUID.
    pub fn add_saying(&mut self, name: &[u8; 16]) {
        let number = self.sayings;
        self.sayings += 1;
        for (writing, bytes) in writing::of_random(name) {
            self.add(Secret::Saying, number, writing, bytes);
        }
        let text = innsyn_policy::DefinitionId::from_bytes(*name).to_string();
        for text in [text.to_uppercase(), text] {
            self.add(Secret::Saying, number, Writing::Guid, text.into_bytes());
        }
    }

    fn add(&mut self, secret: Secret, number: usize, writing: Writing, bytes: Vec<u8>) {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let key_at = zeros.min(bytes.len().saturating_sub(KEY_BYTES));
        let Some(key) = bytes.get(key_at..).and_then(<[u8]>::first_chunk) else {
            return;
        };
        let key: [u8; KEY_BYTES] = *key;
        let [a, b, c, ..] = key;
        self.let_through([a, b, c]);
        self.by_key.entry(key).or_default().push(Needle {
            bytes,
            key_at,
            secret,
            number,
            writing,
        });
    }

    /// Searches `bytes`.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<Sighting> {
        let mut seen = Vec::new();
        self.window(bytes, 0, bytes.len(), 0, &mut seen);
        seen
    }

    /// Searches the file at `path`, however large it is; returns also how many bytes it has.
    pub fn file(&self, path: &Path) -> io::Result<(u64, Vec<Sighting>)> {
        let mut file = File::open(path)?;
        let mut window = Vec::with_capacity(BEHIND_BYTES + WINDOW_BYTES + AHEAD_BYTES);
        let (mut seen, mut searched, mut window_at) = (Vec::new(), 0, 0);
        loop {
            let room = window.capacity() - window.len();
            (&mut file).take(room as u64).read_to_end(&mut window)?;
            let is_last = window.len() < window.capacity();
            let end = if is_last {
                window.len()
            } else {
                searched + WINDOW_BYTES
            };
            self.window(&window, searched, end, window_at, &mut seen);
            if is_last {
                return Ok((window_at + window.len() as u64, seen));
            }
            let passed = end - BEHIND_BYTES;
            window.drain(..passed);
            window_at += passed as u64;
            searched = BEHIND_BYTES;
        }
    }

    /// Searches every file in `folder` and below, and every path's name. Links are not followed.
    pub fn folder(&self, folder: &Path) -> io::Result<Searched> {
        let mut searched = Searched::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                let mut sightings = self.bytes(entry.file_name().as_encoded_bytes());
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(path.clone());
                } else if kind.is_file() {
                    let (bytes, seen) = self.file(&path)?;
                    searched.files += 1;
                    searched.bytes += bytes;
                    sightings.extend(seen);
                }
                if !sightings.is_empty() {
                    searched.marked.push(Marked { path, sightings });
                }
            }
        }
        Ok(searched)
    }

    /// Searches for keys that begin at `from..until` of `window`, and tokens that do.
    fn window(
        &self,
        window: &[u8],
        from: usize,
        until: usize,
        window_at: u64,
        seen: &mut Vec<Sighting>,
    ) {
        for at in self.candidates(window, from, until) {
            self.plain(window, at, |sighting| {
                seen.push(Sighting {
                    at: window_at + sighting.at,
                    ..sighting
                });
            });
            let Some(decoded) = token::decoded(window.get(at..).unwrap_or_default()) else {
                continue;
            };
            for inside in self.candidates(&decoded, 0, decoded.len()) {
                self.plain(&decoded, inside, |sighting| {
                    seen.push(Sighting {
                        at: window_at + at as u64,
                        in_token: true,
                        ..sighting
                    });
                });
            }
        }
    }

    /// Where in `from..until` of `bytes` a key or a token may begin. Written as a plain loop, and
    /// empty pages are passed over: iterators over a large dump take minutes in a debug build.
    fn candidates(&self, bytes: &[u8], from: usize, until: usize) -> Vec<usize> {
        let end = bytes.len().min(until + SIEVE_BYTES - 1);
        let (mut candidates, mut sieved) = (Vec::new(), 0);
        let pages = bytes.get(from..end).unwrap_or_default().chunks(PAGE.len());
        for (page_at, page) in (from..).step_by(PAGE.len()).zip(pages) {
            // No key begins with a zero; one that began before may go on into the first two.
            let page = match page {
                page if page == PAGE => page.get(..SIEVE_BYTES - 1).unwrap_or_default(),
                page => page,
            };
            for (at, byte) in (page_at..).zip(page) {
                sieved = sieved >> 8 | u32::from(*byte) << 16;
                let word = self.sieve.get((sieved >> 6) as usize).copied();
                let is_candidate = word.unwrap_or_default() >> (sieved & 63) & 1 == 1;
                if is_candidate && at >= from + SIEVE_BYTES - 1 {
                    candidates.push(at + 1 - SIEVE_BYTES);
                }
            }
        }
        candidates
    }

    /// Tells `seen` of the needles whose key begins at `at`.
    fn plain(&self, bytes: &[u8], at: usize, mut seen: impl FnMut(Sighting)) {
        let key = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let needles = key.and_then(|key: &[u8; KEY_BYTES]| self.by_key.get(key));
        for needle in needles.into_iter().flatten() {
            let begins = at.checked_sub(needle.key_at);
            let rest = begins.and_then(|begins| bytes.get(begins..));
            if rest.is_some_and(|rest| rest.starts_with(&needle.bytes)) {
                seen(Sighting {
                    at: (at - needle.key_at) as u64,
                    secret: needle.secret,
                    number: needle.number,
                    writing: needle.writing,
                    in_token: false,
                });
            }
        }
    }

    /// Lets through whatever begins as `beginning` does.
    fn let_through(&mut self, beginning: [u8; SIEVE_BYTES]) {
        let [a, b, c] = beginning;
        let sieved = u32::from_le_bytes([a, b, c, 0]);
        if let Some(word) = self.sieve.get_mut((sieved >> 6) as usize) {
            *word |= 1 << (sieved & 63);
        }
    }
}
