//! What a witness signs of a head: a C2SP cosignature (<https://c2sp.org/tlog-cosignature>).
//!
//! The Ed25519 kind, `cosignature/v1`: a note signature whose bytes are a time, eight bytes in big
//! endian, and a signature over two lines, `cosignature/v1` and `time SECONDS`, and the head's text.
//! It says that at that time this was the largest head of the log that the witness had seen, and
//! that it continues all that it had seen before.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};
use innsyn_policy::Timestamp;
use signed_note::{Signature, Signer, Verifier, is_key_name_valid, key_id};

use super::HeadError;

/// This kind of signature, as the note format numbers its algorithms.
const COSIGNATURE_V1: u8 = 4;
/// The time before the signature, in bytes.
const TIME_BYTES: usize = 8;

/// The public key of a witness.
#[derive(Clone)]
pub struct WitnessKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl WitnessKey {
    /// Reads a key in the note format, `name+hash+base64`, whose algorithm is `cosignature/v1`.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        Self::read(text).ok_or(HeadError::MalformedWitnessKey)
    }

    fn read(text: &str) -> Option<Self> {
        // A name has no `+`, base64 may.
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = BASE64_STANDARD.decode(key).ok()?;
        let (&COSIGNATURE_V1, key) = key.split_first()? else {
            return None;
        };
        let read = Self::new(name, VerifyingKey::from_bytes(key.try_into().ok()?).ok()?)?;
        (id == format!("{:08x}", read.id)).then_some(read)
    }

    /// The witness called `name` that signs with `key`; none where nothing can be called so.
    pub(super) fn new(name: &str, key: VerifyingKey) -> Option<Self> {
        is_key_name_valid(name).then(|| Self {
            name: name.to_owned(),
            id: key_id(name, &with_kind(&key)),
            key,
        })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key in the note format, as other programs that know witnesses take it.
    pub fn text(&self) -> String {
        let key = BASE64_STANDARD.encode(with_kind(&self.key));
        format!("{}+{:08x}+{key}", self.name, self.id)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({}+{:08x})", self.name, self.id)
    }
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk::<TIME_BYTES>() else {
            return false;
        };
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        let signed = message(u64::from_be_bytes(*time), text);
        self.key.verify(&signed, &signature).is_ok()
    }
}

/// Signs as a witness at one moment.
pub(super) struct Cosigner<'a> {
    witness: WitnessKey,
    key: &'a SigningKey,
    at: u64,
}

impl<'a> Cosigner<'a> {
    /// Signs as the witness `name`, at `at`; none where nothing can be called so.
    pub(super) fn new(name: &str, key: &'a SigningKey, at: Timestamp) -> Option<Self> {
        Some(Self {
            witness: WitnessKey::new(name, key.verifying_key())?,
            key,
            at: u64::try_from(at.as_seconds()).ok()?,
        })
    }
}

impl Signer for Cosigner<'_> {
    fn name(&self) -> &str {
        &self.witness.name
    }

    fn key_id(&self) -> u32 {
        self.witness.id
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, ed25519_dalek::ed25519::Error> {
        let signature = self.key.try_sign(&message(self.at, text))?;
        Ok([&self.at.to_be_bytes()[..], &signature.to_bytes()].concat())
    }
}

/// When a cosignature was made, as it says.
pub(super) fn signed_at(signature: &Signature) -> Option<Timestamp> {
    let (time, _) = signature.signature().split_first_chunk::<TIME_BYTES>()?;
    let seconds = i64::try_from(u64::from_be_bytes(*time)).ok()?;
    Some(Timestamp::from_seconds(seconds))
}

fn with_kind(key: &VerifyingKey) -> Vec<u8> {
    [&[COSIGNATURE_V1], &key.as_bytes()[..]].concat()
}

fn message(at: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {at}\n").as_bytes(), text].concat()
}
