//! The file of a clerk's key, which only the clerk's own passphrase opens.
//!
//! ```text
//!   innsyn clerk key 1
//!   name: kari.nordmann
//!   iterations: 600000
//!   salt: <16 bytes in hexadecimal>
//!   sealed: <nonce, 32 secret bytes and tag of AES-256-GCM, in hexadecimal>
//! ```
//!
//! The passphrase becomes a key by PBKDF2-HMAC-SHA-256 (RFC 8018). The file may stand where the
//! agent's account reads it: whoever has it can only guess at the passphrase, 600,000 rounds a guess,
//! which is why it has a least length.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use innsyn_policy::{ClerkName, ParseClerkNameError};
use innsyn_proto::setting::paper::{ClerkKeyError, ClerkSigner};
use rand::CryptoRng;
use zeroize::Zeroizing;

/// The shortest passphrase, in characters.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 12;
const FIRST: &str = "innsyn clerk key 1";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("not zero");
/// More is no key of ours, and would keep the command for minutes.
const ITERATIONS_MAX: u32 = 10_000_000;
const SALT_BYTES: usize = 16;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum ClerkKeyFileError {
    /// The file cannot be read.
    #[error("the key `{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It cannot be made.
    #[error("the key `{}` cannot be made; a file that is there is not written over", .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// Not the file of a key.
    #[error("`{}` is not a clerk's key, as `innsyn-agent clerk key` makes it", .0.display())]
    Malformed(PathBuf),
    /// The passphrase is another.
    #[error("the passphrase does not open the key `{}`", .0.display())]
    Passphrase(PathBuf),
    /// Too easy to guess.
    #[error("the passphrase has fewer than {PASSPHRASE_CHARACTERS_MIN} characters")]
    TooShort,
    /// The name.
    #[error(transparent)]
    Name(#[from] ParseClerkNameError),
    /// The key cannot be made of its bytes.
    #[error(transparent)]
    Key(#[from] ClerkKeyError),
}

/// Makes a key for `name` in a new file at `path`, opened by `passphrase`.
pub fn make(
    path: &Path,
    name: &ClerkName,
    passphrase: &str,
    random: &mut impl CryptoRng,
) -> Result<ClerkSigner, ClerkKeyFileError> {
    use ClerkKeyFileError as E;
    if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        return Err(E::TooShort);
    }
    let malformed = || E::Malformed(path.to_owned());
    let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_LEN]);
    let mut seed = Zeroizing::new([0; 32]);
    random.fill_bytes(&mut salt);
    random.fill_bytes(&mut nonce);
    random.fill_bytes(&mut *seed);
    let key = sealing_key(passphrase, &salt, ITERATIONS).ok_or_else(malformed)?;
    let mut sealed = seed.to_vec();
    let bound = Aad::from(name.as_str().as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed)
        .map_err(|_| malformed())?;
    let mut text = String::new();
    let _infallible = write!(
        text,
        "{FIRST}\nname: {name}\niterations: {ITERATIONS}\nsalt: {}\nsealed: {}{}\n",
        hex::encode(salt),
        hex::encode(nonce),
        hex::encode(&sealed),
    );
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| E::Make(path.to_owned(), error))?;
    Ok(ClerkSigner::from_seed(name.clone(), *seed)?)
}

/// Opens the key in the file at `path` with `passphrase`.
pub fn open(path: &Path, passphrase: &str) -> Result<ClerkSigner, ClerkKeyFileError> {
    use ClerkKeyFileError as E;
    let text =
        std::fs::read_to_string(path).map_err(|error| E::Unreadable(path.to_owned(), error))?;
    let file = File::parse(&text).ok_or_else(|| E::Malformed(path.to_owned()))?;
    let opened = file.seed(passphrase);
    let seed = opened.ok_or_else(|| E::Passphrase(path.to_owned()))?;
    Ok(ClerkSigner::from_seed(file.name, *seed)?)
}

struct File {
    name: ClerkName,
    iterations: NonZeroU32,
    salt: [u8; SALT_BYTES],
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

impl File {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(FIRST)?.strip_prefix('\n')?.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let name = ClerkName::parse(value("name")?).ok()?;
        let iterations: NonZeroU32 = value("iterations")?.parse().ok()?;
        let salt = hex::decode(value("salt")?).ok()?.try_into().ok()?;
        let sealed = hex::decode(value("sealed")?).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk()?;
        (iterations.get() <= ITERATIONS_MAX).then(|| Self {
            name,
            iterations,
            salt,
            nonce: *nonce,
            sealed: sealed.to_vec(),
        })
    }

    fn seed(&self, passphrase: &str) -> Option<Zeroizing<[u8; 32]>> {
        let key = sealing_key(passphrase, &self.salt, self.iterations)?;
        let mut sealed = Zeroizing::new(self.sealed.clone());
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let bound = Aad::from(self.name.as_str().as_bytes());
        let opened = key.open_in_place(nonce, bound, &mut sealed).ok()?;
        Some(Zeroizing::new((&*opened).try_into().ok()?))
    }
}

fn sealing_key(passphrase: &str, salt: &[u8], iterations: NonZeroU32) -> Option<LessSafeKey> {
    let mut key = Zeroizing::new([0; 32]);
    derive(
        PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        passphrase.as_bytes(),
        &mut *key,
    );
    let key = UnboundKey::new(&AES_256_GCM, &*key).ok()?;
    Some(LessSafeKey::new(key))
}
