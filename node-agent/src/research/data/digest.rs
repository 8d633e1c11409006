//! What a snapshot is called: a SHA-256 over what it is made of.
//!
//! That is the manifest, the files of people (their order gives people their numbers), how ids are
//! read, and the view's own files. Equal data therefore give an equal name, in another process
//! too, and a name never stands for two contents. Files are read again only when they have
//! changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read as _};

use innsyn_policy::{Environment, RegisterId};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::error::ViewFault;
use super::rows::People;
use crate::sources::{FileStamp, Fingerprint, SourceError};

/// Changed whenever the same sources would make another snapshot.
const FORMAT: &[u8] = b"innsyn snapshot 2";
/// What is read of a file at a time, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// The SHA-256 of something.
pub(super) type Digest = [u8; 32];

/// The contents of files, as they were when they stood so.
#[derive(Debug, Default)]
pub(super) struct Contents(BTreeMap<FileStamp, Digest>);

impl Contents {
    /// The digest of the contents of `files`, in their order. What is known of files that stand as
    /// they stood is not read again.
    pub(super) fn of(
        &mut self,
        files: &Fingerprint,
        stop: &CancellationToken,
    ) -> Result<Digest, ViewFault> {
        let mut whole = Parts::begin();
        for stamp in files.files() {
            let digest = match self.0.entry(stamp.clone()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(read(stamp, stop)?),
            };
            whole.add(&digest);
        }
        Ok(whole.finish())
    }

    /// Forgets all but `files`.
    pub(super) fn keep_only(&mut self, files: &[FileStamp]) {
        self.0.retain(|stamp, _| files.contains(stamp));
    }
}

fn read(stamp: &FileStamp, stop: &CancellationToken) -> Result<Digest, ViewFault> {
    let unreadable = |error: io::Error| SourceError::Unreadable {
        path: stamp.path().to_owned(),
        error,
    };
    let mut file = File::open(stamp.path()).map_err(unreadable)?;
    let mut bytes = vec![0; READ_BYTES];
    let mut hash = Sha256::new();
    loop {
        if stop.is_cancelled() {
            return Err(ViewFault::Stopped);
        }
        match file.read(&mut bytes).map_err(unreadable)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(bytes.get(..read).unwrap_or_default()),
        }
    }
}

/// The name of what `view`, whose files have the digest `rows`, is made into for `people`, whose
/// files and manifest have the digest `source`.
pub(super) fn of_view(
    register: &RegisterId,
    people: People<'_>,
    source: &Digest,
    view: &str,
    rows: &Digest,
) -> Digest {
    let mut whole = reading(register, people);
    whole.add(source);
    whole.add(view.as_bytes());
    whole.add(rows);
    whole.finish()
}

/// Whose register it is, and how its people's ids are read.
fn reading(register: &RegisterId, people: People<'_>) -> Parts {
    let environment: &[u8] = match people.numbers.environment {
        Environment::Production => b"production",
        Environment::Test => b"test",
    };
    let rules = people.numbers.rules;
    let reads_pseudonyms = people.subjects.key().reads_pseudonyms();
    let reading = [rules.accept_2032, rules.strict_series, reads_pseudonyms];
    let mut whole = Parts::begin();
    whole.add(register.as_str().as_bytes());
    whole.add(environment);
    whole.add(&reading.map(u8::from));
    whole
}

/// The name of what a database holds for `people`, of which `contents` tell one from another.
pub(super) fn of_database(
    register: &RegisterId,
    people: People<'_>,
    contents: &[Vec<u8>],
) -> Digest {
    let mut whole = reading(register, people);
    for content in contents {
        whole.add(content);
    }
    whole.finish()
}

/// The name of a snapshot of views that have these names.
pub(super) fn of_snapshot(views: impl IntoIterator<Item = Digest>) -> Digest {
    let mut whole = Parts::begin();
    for view in views {
        whole.add(&view);
    }
    whole.finish()
}

/// A digest of parts, each with its length, so that no two lists of parts have the same bytes.
struct Parts(Sha256);

impl Parts {
    fn begin() -> Self {
        let mut parts = Self(Sha256::new());
        parts.add(FORMAT);
        parts
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}
