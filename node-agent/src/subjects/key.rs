//! From a national id to what the index is sorted by.

use std::fmt;

use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac as _};
use innsyn_policy::NationalId;
use rand::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

/// Fills an id of 11 digits up to a block. Constant: the cipher's input stays injective.
const PAD: [u8; 5] = *b"id/v1";
/// Digits that are nobody's: there is no month 00.
const NOBODY: &[u8; 11] = b"00000000000";

/// The shortest pseudonym key that is accepted, in bytes.
const PSEUDONYM_KEY_BYTES_MIN: usize = 16;
/// The longest: a block of SHA-256, beyond which HMAC would hash the key first.
const PSEUDONYM_KEY_BYTES_MAX: usize = 64;

/// Turns ids into tags. It is made at random when the process starts and is never stored, so a
/// dump of the index means nothing to another process.
pub struct SubjectKey {
    cipher: Aes128,
    pseudonyms: Option<PseudonymKey>,
}

impl SubjectKey {
    /// A new random key. With `pseudonyms`, the source knows its people by those.
    pub fn generate(rng: &mut impl CryptoRng, pseudonyms: Option<PseudonymKey>) -> Self {
        let mut key = Zeroizing::new([0; 16]);
        rng.fill_bytes(&mut *key);
        Self {
            cipher: Aes128::new(&Array::from(*key)),
            pseudonyms,
        }
    }

    /// Whether the source knows its people by pseudonyms.
    pub const fn reads_pseudonyms(&self) -> bool {
        self.pseudonyms.is_some()
    }

    /// The tag of a person.
    pub fn tag_of(&self, id: &NationalId) -> Tag {
        let block = match &self.pseudonyms {
            Some(key) => key.pseudonym_of(id),
            None => padded(*id.expose()),
        };
        self.encrypt(block)
    }

    /// The tag of a person whom the source knows by `pseudonym`.
    pub fn tag_of_pseudonym(&self, pseudonym: [u8; 16]) -> Tag {
        self.encrypt(pseudonym)
    }

    /// What the source calls this person: their digits, or their pseudonym in hexadecimal, in lower
    /// case.
    pub(crate) fn text_of(&self, id: &NationalId) -> Zeroizing<String> {
        Zeroizing::new(match &self.pseudonyms {
            Some(pseudonyms) => hex::encode(pseudonyms.pseudonym_of(id)),
            None => id.expose_str().to_owned(),
        })
    }

    /// The mark of the person with `tag`: what they are called under a key that outlives this one.
    pub(super) fn mark_of(&self, tag: Tag, key: &MarkKey) -> Mark {
        let tag = u128::from(tag.high) << 64 | u128::from(tag.low);
        let mut block = Array::from(tag.to_be_bytes());
        self.cipher.decrypt_block(&mut block);
        let mark = key.encrypt(block.into());
        // Nobody's id stays behind.
        block.zeroize();
        mark
    }

    /// The mark of nobody, which is another when people would have other marks: under another
    /// `key`, by pseudonyms instead of ids, or by pseudonyms under another key.
    pub(super) fn mark_of_nobody(&self, key: &MarkKey) -> Mark {
        key.encrypt(match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.of(NOBODY),
            None => padded(*NOBODY),
        })
    }

    fn encrypt(&self, block: [u8; 16]) -> Tag {
        let mut block = Array::from(block);
        self.cipher.encrypt_block(&mut block);
        let tag = u128::from_be_bytes(block.into());
        Tag {
            high: (tag >> 64) as u64,
            #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
            low: tag as u64,
        }
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(***)")
    }
}

/// A person under a key that outlives the process: the first 64 bits of a block of AES-256. Of ten
/// million people two have the same mark with a chance of one in 300,000.
pub(crate) type Mark = u64;

/// Everybody's marks.
#[derive(Clone, PartialEq, Eq)]
pub struct Marks {
    /// That of nobody: marks are of the same people only where it is the same.
    pub(crate) nobody: Mark,
    /// In the order of the people's numbers.
    pub(crate) persons: Vec<Mark>,
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks(***)")
    }
}

/// Makes marks. Who has it can turn a mark back into a person, as with any keyed name for one of so
/// few ids: it never stands where marks do.
#[derive(Clone)]
pub struct MarkKey(Aes256);

impl MarkKey {
    /// The key made of these random bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(&Array::from(*key)))
    }

    fn encrypt(&self, block: [u8; 16]) -> Mark {
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        let block: [u8; 16] = block.into();
        let (mark, _) = block.split_at(size_of::<Mark>());
        Mark::from_le_bytes(mark.try_into().unwrap_or_default())
    }
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkKey(***)")
    }
}

/// A person under the process's key. The key is uniform, and so are tags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    high: u64,
    low: u64,
}

impl Tag {
    /// The number that the first `bits` bits make.
    pub(super) const fn bucket(self, bits: u32) -> usize {
        match self.high.checked_shr(u64::BITS - bits) {
            #[expect(clippy::cast_possible_truncation, reason = "an index is a usize")]
            Some(bucket) => bucket as usize,
            None => 0,
        }
    }

    /// 0 where `other` is the same.
    pub(super) const fn differs(self, other: Self) -> u64 {
        (self.high ^ other.high) | (self.low ^ other.low)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(***)")
    }
}

/// The key of a pseudonymous register: the first 16 bytes of HMAC-SHA256(key, 11 digits) name a
/// person in its source. It comes from a file that is the register's own.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

/// Why a text is no pseudonym key. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PseudonymKeyError {
    /// Not hexadecimal digits in pairs.
    #[error("a pseudonym key is written as hexadecimal digits on one line")]
    NotHex,
    /// Too short or too long.
    #[error(
        "a pseudonym key has {PSEUDONYM_KEY_BYTES_MIN} to {PSEUDONYM_KEY_BYTES_MAX} bytes, \
         this one has {bytes}"
    )]
    Length {
        /// How long it is.
        bytes: usize,
    },
}

impl PseudonymKey {
    /// Reads the key from hexadecimal digits; white space around them is ignored.
    pub fn parse(text: &str) -> Result<Self, PseudonymKeyError> {
        let key = hex::decode(text.trim()).map_err(|_| PseudonymKeyError::NotHex)?;
        let key = Zeroizing::new(key);
        let bytes = key.len();
        if !(PSEUDONYM_KEY_BYTES_MIN..=PSEUDONYM_KEY_BYTES_MAX).contains(&bytes) {
            return Err(PseudonymKeyError::Length { bytes });
        }
        Hmac::new_from_slice(&key)
            .map(Self)
            .map_err(|_| PseudonymKeyError::Length { bytes })
    }

    /// What the source calls this person.
    pub fn pseudonym_of(&self, id: &NationalId) -> [u8; 16] {
        self.of(id.expose())
    }

    fn of(&self, digits: &[u8; 11]) -> [u8; 16] {
        let mut mac = self.0.clone();
        mac.update(digits);
        first_half(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(***)")
    }
}

/// The text is no pseudonym. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym is 32 hexadecimal digits")]
pub struct ParsePseudonymError;

/// Reads a pseudonym: 32 hexadecimal digits.
pub fn parse_pseudonym(text: &str) -> Result<[u8; 16], ParsePseudonymError> {
    let mut pseudonym = [0; 16];
    hex::decode_to_slice(text, &mut pseudonym).map_err(|_| ParsePseudonymError)?;
    Ok(pseudonym)
}

#[expect(clippy::many_single_char_names, reason = "sixteen bytes in a row")]
fn padded(digits: [u8; 11]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k] = digits;
    let [l, m, n, o, p] = PAD;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

fn first_half(bytes: [u8; 32]) -> [u8; 16] {
    let (first, _) = bytes.split_at(16);
    first.try_into().unwrap_or_default()
}
