//! What waits in the middle is sealed to one agent: HPKE (RFC 9180), base mode.
//!
//! ```text
//!   sealed item, 4096 bytes of a setting and 16384 of a dialog:
//!     0  encapsulated key            32
//!    32  length of the text, big-endian, the text, zeros; under ChaCha20-Poly1305   all the rest
//! ```
//!
//! The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. The register's id and
//! the kind of item are bound in as `info`, so that what is sealed for one register is nothing to
//! another that has the same key by mistake.
//!
//! What holds:
//!
//! - **One size for each kind**, whatever is said, so that a size tells nothing.
//! - **Only the agent opens it**: who sealed it cannot, once the sealing is done.
//! - **It does not say who sealed it.** What must be known of somebody is signed inside.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use innsyn_policy::RegisterId;
use rand_core::CryptoRng;

mod stream;
#[cfg(test)]
mod tests;

pub use stream::{EncapsulatedKey, OpeningStream, SealingStream};

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const LENGTH_BYTES: usize = 2;

/// What an item is of, which decides its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A change of a setting.
    Setting,
    /// A message of a dialog. There is room for the longest text, and for small files.
    Dialog,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Setting, Self::Dialog];

    /// The length of every sealed item of this kind, in bytes.
    pub const fn sealed_bytes(self) -> usize {
        match self {
            Self::Setting => 4_096,
            Self::Dialog => 16_384,
        }
    }

    /// The longest text that an item of this kind holds, in bytes.
    pub const fn text_bytes_max(self) -> usize {
        self.sealed_bytes() - KEY_BYTES - TAG_BYTES - LENGTH_BYTES
    }

    /// The kind of a sealed item; `None` where it is none.
    pub fn of(sealed: &[u8]) -> Option<Self> {
        let mut kinds = Self::ALL.into_iter();
        kinds.find(|kind| kind.sealed_bytes() == sealed.len())
    }

    /// Stands before the register's id in what the key is made of.
    const fn info(self) -> &'static str {
        match self {
            Self::Setting => "innsyn mailbox 1 ",
            Self::Dialog => "innsyn dialog 1 ",
        }
    }
}

type Suite = X25519HkdfSha256;

/// The public key that items for one agent are sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey(<Suite as Kem>::PublicKey);

/// The secret key by which an agent opens what was sealed to it.
#[derive(Clone)]
pub struct OpeningKey {
    secret: <Suite as Kem>::PrivateKey,
    public: SealingKey,
}

/// Why nothing was sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is too long for an item.
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    /// Not an X25519 public key.
    #[error("not a key to seal with: 32 bytes in base64")]
    Key,
    /// Changed, sealed to somebody else, or not an item at all.
    #[error("not an item that is sealed to this agent")]
    NotOurs,
}

impl SealingKey {
    /// Reads a key: 32 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| SealError::Key)?;
        <Suite as Kem>::PublicKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| SealError::Key)
    }

    /// Seals `text` to the agent of `register`, as an item of `kind`.
    pub fn seal(
        &self,
        kind: ItemKind,
        register: &RegisterId,
        text: &str,
        random: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let max = kind.text_bytes_max();
        if text.len() > max {
            return Err(SealError::TooLong(max));
        }
        let length = u16::try_from(text.len()).map_err(|_| SealError::TooLong(max))?;
        let mut plain = Vec::with_capacity(LENGTH_BYTES + max);
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(text.as_bytes());
        plain.resize(LENGTH_BYTES + max, 0);
        let (key, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &OpModeS::Base,
            &self.0,
            info(kind, register).as_bytes(),
            &plain,
            &[],
            random,
        )
        .map_err(|_| SealError::Key)?;
        Ok([key.to_bytes().as_slice(), &sealed].concat())
    }
}

impl OpeningKey {
    /// The key made of 32 secret, random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (secret, public) = Suite::derive_keypair(seed);
        Self {
            secret,
            public: SealingKey(public),
        }
    }

    /// The key to seal with.
    pub const fn public(&self) -> &SealingKey {
        &self.public
    }

    /// The text of an item that is sealed to this agent, which is that of `register`.
    pub fn open(&self, register: &RegisterId, item: &[u8]) -> Result<String, SealError> {
        let kind = ItemKind::of(item).ok_or(SealError::NotOurs)?;
        let (key, sealed) = item.split_at(KEY_BYTES);
        let key = <Suite as Kem>::EncappedKey::from_bytes(key).map_err(|_| SealError::NotOurs)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &OpModeR::Base,
            &self.secret,
            &key,
            info(kind, register).as_bytes(),
            sealed,
            &[],
        )
        .map_err(|_| SealError::NotOurs)?;
        let (length, rest) = plain.split_first_chunk().ok_or(SealError::NotOurs)?;
        let (text, zeros) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(SealError::NotOurs)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(SealError::NotOurs);
        }
        String::from_utf8(text.to_vec()).map_err(|_| SealError::NotOurs)
    }
}

fn info(kind: ItemKind, register: &RegisterId) -> String {
    format!("{}{register}", kind.info())
}

impl fmt::Display for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0.to_bytes()))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({self})")
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(***)")
    }
}
