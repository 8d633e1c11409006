//! The log's two secrets: the key of the tags and the key that signs heads.
//!
//! Both stand in files of their own, outside the log's folder: who gets a copy of the log must
//! not get the means to tell persons from it or to sign another one. They are made when a new
//! log is first opened; an old log whose keys are gone is not opened, because its tags and heads
//! would silently change their meaning.

use std::path::{Path, PathBuf};

use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadSigner, origin};
use rand::CryptoRng;

use super::entry::Tagger;
use crate::secret_file::{SecretFileError, read_or_make, refuse_inside};

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
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
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
            refuse_inside(file, folder)?;
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
