//! What persons are called in the records.

use std::fmt;
use std::path::Path;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use innsyn_policy::{NationalId, NumberRules};
use rand::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret_file::{SecretFileError, read_or_make, refuse_inside};

/// Fills an id of 11 digits up to a block.
const PAD: [u8; 5] = *b"recs1";
/// A block that is nobody's, of which the key that seals is made.
const SEAL_LABELS: [&[u8; 16]; 2] = [b"records sealed/1", b"records sealed/2"];
/// And those of which the key is made that opens what is sealed to this agent.
const MAILBOX_LABELS: [&[u8; 16]; 2] = [b"records mailbx/1", b"records mailbx/2"];
/// Every number that was ever written is read again.
const RULES: NumberRules = NumberRules {
    accept_2032: true,
    strict_series: false,
};

/// What a person is called in the records: one block of AES-256, so that whoever has the key can
/// turn it back into the national id, and nobody else can tell whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonCode(pub [u8; 16]);

/// Why the key of the records cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordsKeyError {
    /// Its file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file does not hold a key.
    #[error("`{}` does not hold 64 hexadecimal digits", .0.display())]
    Malformed(std::path::PathBuf),
}

/// Something that was sealed is not what was sealed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record cannot be opened: it was changed, or is of another key")]
pub struct UnsealError;

/// The key of the records.
#[derive(Clone)]
pub struct RecordsKey {
    persons: Aes256,
    sealing: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for RecordsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordsKey(***)")
    }
}

impl RecordsKey {
    /// The key made of 32 secret, random bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        let persons = Aes256::new(&Array::from(*key));
        let sealing = derived(&persons, SEAL_LABELS);
        Self { persons, sealing }
    }

    /// What the key is made of that opens what is sealed to this agent: it lives as long as this
    /// one and stands nowhere else.
    pub fn mailbox_seed(&self) -> Zeroizing<[u8; 32]> {
        derived(&self.persons, MAILBOX_LABELS)
    }

    /// Reads the key of the records in `folder` from `file`; makes it if they are new.
    pub fn open(
        file: &Path,
        folder: &Path,
        is_new: bool,
        random: &mut impl CryptoRng,
    ) -> Result<Self, RecordsKeyError> {
        refuse_inside(file, folder)?;
        let text = Zeroizing::new(read_or_make(file, is_new, || {
            let mut key = Zeroizing::new([0; 32]);
            random.fill_bytes(&mut *key);
            Some(hex::encode(*key) + "\n")
        })?);
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *key)
            .map_err(|_| RecordsKeyError::Malformed(file.to_owned()))?;
        Ok(Self::new(&key))
    }

    /// What `person` is called.
    pub fn code(&self, person: &NationalId) -> PersonCode {
        let mut block = [0; 16];
        let (digits, pad) = block.split_at_mut(11);
        digits.copy_from_slice(person.expose());
        pad.copy_from_slice(&PAD);
        let mut block = Array::from(block);
        self.persons.encrypt_block(&mut block);
        PersonCode(block.into())
    }

    /// Who is called `code`; `None` where it was not made here.
    pub fn person(&self, code: PersonCode) -> Option<NationalId> {
        let mut block = Array::from(code.0);
        self.persons.decrypt_block(&mut block);
        let person = match block.split_at(11) {
            (digits, pad) if pad == PAD => str::from_utf8(digits)
                .ok()
                .and_then(|digits| NationalId::parse(digits, RULES).ok()),
            _ => None,
        };
        block.zeroize();
        person
    }

    /// `plain`, sealed with AES-256-GCM; `context` must be the same when it is opened.
    ///
    /// # Panics
    ///
    /// Never: AES-GCM refuses more than 64 GiB only.
    #[expect(
        clippy::expect_used,
        reason = "the key has 32 bytes; AES-GCM refuses 64 GiB, not less"
    )]
    pub fn seal(&self, plain: &[u8], context: &[u8], random: &mut impl CryptoRng) -> Vec<u8> {
        let mut sealed = vec![0; NONCE_LEN];
        random.fill_bytes(&mut sealed);
        let nonce = Nonce::try_assume_unique_for_key(&sealed).expect("twelve bytes");
        let mut text = plain.to_vec();
        self.sealing_key()
            .expect("32 bytes")
            .seal_in_place_append_tag(nonce, Aad::from(context), &mut text)
            .expect("less than 64 GiB");
        sealed.extend_from_slice(&text);
        sealed
    }

    /// What was sealed with the same `context`.
    pub fn unseal(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(UnsealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError)?;
        let mut text = text.to_vec();
        let plain = self
            .sealing_key()
            .ok_or(UnsealError)?
            .open_in_place(nonce, Aad::from(context), &mut text)
            .map_err(|_| UnsealError)?
            .len();
        text.truncate(plain);
        Ok(text)
    }

    fn sealing_key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &*self.sealing)
            .ok()
            .map(LessSafeKey::new)
    }
}

/// A key made of blocks that are nobody's.
fn derived(cipher: &Aes256, labels: [&[u8; 16]; 2]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    for (half, label) in key.chunks_mut(16).zip(labels) {
        let mut block = Array::from(*label);
        cipher.encrypt_block(&mut block);
        half.copy_from_slice(&block);
    }
    key
}
