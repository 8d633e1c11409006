//! The log's two secrets: the key of the tags and the key that signs heads.
//!
//! Both stand in files of their own, outside the log's folder: who gets a copy of the log must
//! not get the means to tell persons from it or to sign another one. They are made when a new
//! log is first opened; an old log whose keys are gone is not opened, because its tags and heads
//! would silently change their meaning.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadSigner, origin};
use rand::CryptoRng;

use super::entry::Tagger;

/// Where the keys stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// 32 random bytes in hexadecimal.
    pub tag: PathBuf,
    /// An Ed25519 note key, `PRIVATE+KEY+innsyn/<register>+…`.
    pub signing: PathBuf,
}

/// The log's secrets.
#[derive(Debug, Clone)]
pub struct LogKeys {
    pub(super) tagger: Tagger,
    pub(super) signer: HeadSigner,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key stands beside what it protects.
    #[error("the key `{}` must not be inside the log's folder `{}`", file.display(), folder.display())]
    InsideLog {
        /// The key's file.
        file: PathBuf,
        /// The log's folder.
        folder: PathBuf,
    },
    /// The log is old and its key is gone.
    #[error("the log has entries, but its key `{}` is missing; restore it from your backup", file.display())]
    Missing {
        /// The key's file.
        file: PathBuf,
    },
    /// Others than the agent may read the key.
    #[error("others may read the key `{}`; make it mode 0600", file.display())]
    Readable {
        /// The key's file.
        file: PathBuf,
    },
    /// The file does not hold a key.
    #[error("`{}` does not hold {expected}", file.display())]
    Malformed {
        /// The key's file.
        file: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The signing key is another log's.
    #[error("the key `{}` signs for `{name}`, this log is `{origin}`", file.display())]
    OtherLog {
        /// The key's file.
        file: PathBuf,
        /// The name in it.
        name: String,
        /// The name it should have.
        origin: String,
    },
    /// The file cannot be read or made.
    #[error("the key `{}` cannot be read or made", file.display())]
    Io {
        /// The key's file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl LogKeys {
    /// Keys made from one secret seed, for tests and the simulator.
    pub fn from_seed(register: &RegisterId, seed: [u8; 32]) -> Option<Self> {
        Some(Self {
            tagger: Tagger::new(&seed),
            signer: HeadSigner::from_seed(&origin(register), seed).ok()?,
        })
    }

    /// Reads the keys of the log of `register` in `folder`; makes them if the log `is_new`.
    pub fn open(
        files: &KeyFiles,
        folder: &Path,
        register: &RegisterId,
        is_new: bool,
        random: &mut impl CryptoRng,
    ) -> Result<Self, KeyError> {
        for file in [&files.tag, &files.signing] {
            if is_inside(file, folder) {
                return Err(KeyError::InsideLog {
                    file: file.clone(),
                    folder: folder.to_owned(),
                });
            }
        }
        let mut seed = || {
            let mut seed = [0; 32];
            random.fill_bytes(&mut seed);
            seed
        };
        let origin = origin(register);
        let tag_text = read_or_make(&files.tag, is_new, || Some(hex::encode(seed()) + "\n"))?;
        let mut tag = [0; 32];
        hex::decode_to_slice(tag_text.trim(), &mut tag).map_err(|_| KeyError::Malformed {
            file: files.tag.clone(),
            expected: "64 hexadecimal digits",
        })?;
        let signing_text = read_or_make(&files.signing, is_new, || {
            HeadSigner::secret_from_seed(&origin, seed()).ok()
        })?;
        let signer = HeadSigner::parse(&signing_text).map_err(|_| KeyError::Malformed {
            file: files.signing.clone(),
            expected: "an Ed25519 note key",
        })?;
        if signer.name() != origin {
            return Err(KeyError::OtherLog {
                file: files.signing.clone(),
                name: signer.name().to_owned(),
                origin,
            });
        }
        Ok(Self {
            tagger: Tagger::new(&tag),
            signer,
        })
    }

    /// The key that verifies this log's heads, as others put it into their configuration.
    pub fn public_text(&self) -> &str {
        self.signer.public_text()
    }

    /// Makes the tags by which a person is found in this log.
    pub fn tagger(&self) -> &Tagger {
        &self.tagger
    }
}

/// Whether `file`, which may not be there yet, is or would be inside `folder`.
fn is_inside(file: &Path, folder: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let real = |path: &Path| {
        fs::canonicalize(path)
            .or_else(|_| std::path::absolute(path))
            .unwrap_or_else(|_| path.to_owned())
    };
    let folder = real(folder);
    // A link to a key in the folder, and a key in a folder that is linked to.
    real(file).starts_with(&folder) || real(parent).starts_with(&folder)
}

fn read_or_make(
    file: &Path,
    is_new: bool,
    make: impl FnOnce() -> Option<String>,
) -> Result<String, KeyError> {
    let io_error = |source| KeyError::Io {
        file: file.to_owned(),
        source,
    };
    let mode = match fs::metadata(file) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
        Err(_) if is_new => {
            let text = make().unwrap_or_default();
            write_secret(file, &text).map_err(io_error)?;
            return Ok(text);
        }
        Err(_) => {
            return Err(KeyError::Missing {
                file: file.to_owned(),
            });
        }
    };
    if mode & 0o077 != 0 {
        return Err(KeyError::Readable {
            file: file.to_owned(),
        });
    }
    fs::read_to_string(file).map_err(io_error)
}

/// Makes the file whole or not at all, and safe: no entry may outlive its key.
fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    let unfinished = file.with_extension("unfinished");
    let mut written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(&unfinished, file)?;
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
