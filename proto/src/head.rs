//! Heads of logs of use: what a register signs and witnesses countersign.
//!
//! A head names a whole log by its size and its RFC 6962 root. It travels as a C2SP checkpoint
//! (<https://c2sp.org/tlog-checkpoint>): three lines of text and Ed25519 note signatures. The
//! log signs first; a witness that has seen an earlier head asks for a consistency proof, adds
//! a cosignature of its own ([`cosignature`]) and remembers the head, so that the log cannot be
//! shortened or rewritten below it unnoticed. Gateways are witnesses, and so are other agents.
//!
//! What holds:
//!
//! - **A [`SignedHead`] was checked.** There is no other way to one than a valid signature of the
//!   log it is said to come from, over an origin that is that log's name.
//! - **A countersigner goes forward only**, and only along proven consistency.
//!
//! A head says nothing about persons: a size, a hash and names of keys.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use innsyn_policy::{RegisterId, Timestamp};
use signed_note::{
    Note, Signature, Signer as _, StandardSigner, StandardVerifier, VerificationError, Verifier,
    Verifiers,
};
use tlog_tiles::{Checkpoint, Hash};

mod cosignature;
#[cfg(test)]
mod tests;

use cosignature::{Cosigner, signed_at};

pub use cosignature::WitnessKey;

/// The longest note that is read, in bytes.
const NOTE_BYTES_MAX: usize = 4096;
/// The longest consistency proof that can be right, in hashes: two per level of a full tree.
const PROOF_HASHES_MAX: usize = 128;
/// Ed25519, as the note format numbers its algorithms.
const ED25519: u8 = 1;

/// A hash of an entry, of an inner node or of a whole log: SHA-256 as in RFC 6962.
pub type LogHash = [u8; 32];

/// A head whose log signature has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedHead {
    origin: String,
    size: u64,
    root: LogHash,
    note: Vec<u8>,
}

/// Whose countersignatures a head carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countersigned {
    /// The head with the log's signature and the known countersignatures, nothing else.
    pub head: SignedHead,
    /// The witnesses with a known key that countersigned, and when each did.
    pub by: Vec<(String, Timestamp)>,
    /// How many further signatures there are, by keys that are not known here.
    pub unknown: usize,
}

/// Why a head, a key or a countersignature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not a key in the note format.
    #[error("not an Ed25519 note key; expected `name+hash+base64`")]
    MalformedKey,
    /// Not a witness's key in the note format.
    #[error("not a witness's key; expected `name+hash+base64` for `cosignature/v1`")]
    MalformedWitnessKey,
    /// The name cannot stand in a note.
    #[error("a key name has at least one character and neither spaces nor `+`")]
    MalformedName,
    /// Not a checkpoint, or too long.
    #[error("not a signed checkpoint of at most 4096 bytes")]
    Malformed,
    /// The checkpoint names another log.
    #[error("the head is of another log")]
    OtherLog,
    /// The log's signature is missing.
    #[error("the log's own signature is missing")]
    Unsigned,
    /// A signature by a known key does not verify.
    #[error("a signature does not verify")]
    BadSignature,
    /// The head is of a smaller log than one seen before.
    #[error("the log has become shorter: {size} entries, {seen} were seen before")]
    Shrunk {
        /// Entries now.
        size: u64,
        /// Entries in the head seen before.
        seen: u64,
    },
    /// The proof does not connect the two heads: the log was rewritten, or the proof is wrong.
    #[error("the log is not consistent with the head seen before at {seen} entries")]
    Inconsistent {
        /// Entries in the head seen before.
        seen: u64,
    },
}

/// A public key that checks heads, with its name.
#[derive(Clone)]
pub struct HeadKey {
    verifier: StandardVerifier,
    witness: WitnessKey,
    text: String,
}

/// A secret key that signs heads, with its name.
#[derive(Clone)]
pub struct HeadSigner {
    signer: StandardSigner,
    key: SigningKey,
    verifier: String,
}

/// The name of the log of use of `register`, which its heads begin with and its key is called by.
pub fn origin(register: &RegisterId) -> String {
    format!("innsyn/{register}")
}

impl SignedHead {
    /// Signs the head of `signer`'s log: `size` entries with root `root`.
    pub fn sign(size: u64, root: LogHash, signer: &HeadSigner) -> Result<Self, HeadError> {
        let origin = signer.signer.name().to_owned();
        let checkpoint =
            Checkpoint::new(&origin, size, Hash(root), "").map_err(|_| HeadError::Malformed)?;
        let mut note =
            Note::new(&checkpoint.to_bytes(), &[]).map_err(|_| HeadError::MalformedName)?;
        note.add_sigs(&[&signer.signer])
            .map_err(|_| HeadError::MalformedName)?;
        Ok(Self {
            origin,
            size,
            root,
            note: note.to_bytes(),
        })
    }

    /// Reads a head of the log that signs with `log`. Other signatures are not looked at.
    pub fn read(note: &[u8], log: &HeadKey) -> Result<Self, HeadError> {
        read(note, log, &[]).map(|(head, _, _)| head)
    }

    /// Reads a head of `log` and checks every signature by one of `witnesses`.
    pub fn read_countersigned(
        note: &[u8],
        log: &HeadKey,
        witnesses: &[WitnessKey],
    ) -> Result<Countersigned, HeadError> {
        let (mut head, signatures, unknown) = read(note, log, witnesses)?;
        let text = parse(note)?;
        head.note = Note::new(text.text(), &signatures)
            .map_err(|_| HeadError::Malformed)?
            .to_bytes();
        let by = signatures
            .iter()
            .filter(|signature| !is_by(signature, log))
            .filter_map(|signature| Some((signature.name().to_owned(), signed_at(signature)?)))
            .collect();
        Ok(Countersigned { head, by, unknown })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub const fn root(&self) -> LogHash {
        self.root
    }

    /// Whether the log continues what it was at `seen` entries with `root`: it is no shorter, and
    /// `proof` connects the roots.
    pub fn continues(&self, seen: u64, root: LogHash, proof: &[LogHash]) -> Result<(), HeadError> {
        if self.size < seen {
            let size = self.size;
            return Err(HeadError::Shrunk { size, seen });
        }
        let consistent = if self.size == seen {
            self.root == root
        } else {
            let proof = proof.iter().take(PROOF_HASHES_MAX);
            let proof = proof.map(|hash| Hash(*hash)).collect();
            let (to, from) = (Hash(self.root), Hash(root));
            // Every log continues the empty one.
            seen == 0 || tlog_tiles::check_tree(&proof, self.size, to, seen, from).is_ok()
        };
        if consistent {
            Ok(())
        } else {
            Err(HeadError::Inconsistent { seen })
        }
    }

    /// The signed note, as it is stored and sent.
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

/// Countersigns `note`, a head of `log`, at `at`, if it continues `seen`, the last head of that log
/// that was countersigned here; `proof` leads from `seen` to it. The first head is taken on trust,
/// and equal heads need no proof.
///
/// The result has the log's signature and this one, and is what to send back, and what to remember
/// as the next `seen`.
pub fn countersign(
    note: &[u8],
    log: &HeadKey,
    seen: Option<&SignedHead>,
    proof: &[LogHash],
    signer: &HeadSigner,
    at: Timestamp,
) -> Result<SignedHead, HeadError> {
    let (mut head, signatures, _) = read(note, log, &[])?;
    if let Some(seen) = seen {
        check_continues(&head, seen, proof)?;
    }
    let mut note = Note::new(parse(note)?.text(), &signatures).map_err(|_| HeadError::Malformed)?;
    let cosigner = Cosigner::new(signer.name(), &signer.key, at);
    let cosigner = cosigner.ok_or(HeadError::MalformedName)?;
    note.add_sigs(&[&cosigner])
        .map_err(|_| HeadError::MalformedName)?;
    head.note = note.to_bytes();
    Ok(head)
}

/// Whether `head` continues `seen`: the same log, no shorter, and `proof` connects the roots.
pub fn check_continues(
    head: &SignedHead,
    seen: &SignedHead,
    proof: &[LogHash],
) -> Result<(), HeadError> {
    if head.origin != seen.origin {
        return Err(HeadError::OtherLog);
    }
    head.continues(seen.size, seen.root, proof)
}

impl HeadKey {
    /// Reads a key in the note format: `name+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text).map_err(|_| HeadError::MalformedKey)?;
        let witness = verifying_key(text).and_then(|key| WitnessKey::new(verifier.name(), key));
        Ok(Self {
            verifier,
            witness: witness.ok_or(HeadError::MalformedKey)?,
            text: text.to_owned(),
        })
    }

    /// The key's name; for a log its origin.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The key in the note format.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The key of the same holder as a witness of others' logs.
    pub const fn witness(&self) -> &WitnessKey {
        &self.witness
    }
}

/// The text of a note, without looking at who signed it.
pub(crate) fn text_of(note: &str) -> Result<String, HeadError> {
    let text = parse(note.as_bytes())?.text().to_vec();
    String::from_utf8(text).map_err(|_| HeadError::Malformed)
}

/// Whether `key` signed `note`.
pub(crate) fn check_signed(note: &str, key: &HeadKey) -> Result<(), HeadError> {
    let known = Known {
        log: key,
        others: &[],
    };
    match parse(note.as_bytes())?.verify(&known) {
        Ok(_) => Ok(()),
        Err(signed_note::NoteError::UnverifiedNote) => Err(HeadError::Unsigned),
        Err(_) => Err(HeadError::BadSignature),
    }
}

impl fmt::Debug for HeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeadKey({}+{:08x})", self.name(), self.verifier.key_id())
    }
}

impl HeadSigner {
    /// The key named `name` made from 32 secret, random bytes.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, HeadError> {
        if !signed_note::is_key_name_valid(name) {
            return Err(HeadError::MalformedName);
        }
        Self::parse(&secret_text(name, &SigningKey::from_bytes(&seed)))
    }

    /// Reads a secret key in the note format: `PRIVATE+KEY+name+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let text = text.trim();
        let signer = StandardSigner::new(text).map_err(|_| HeadError::MalformedKey)?;
        let key = signing_key(text).ok_or(HeadError::MalformedKey)?;
        let verifier = signed_note::new_ed25519_verifier_key(signer.name(), &key.verifying_key());
        Ok(Self {
            signer,
            key,
            verifier,
        })
    }

    /// The secret key made from `seed`, as it stands in a file.
    pub fn secret_from_seed(name: &str, seed: [u8; 32]) -> Result<String, HeadError> {
        if !signed_note::is_key_name_valid(name) {
            return Err(HeadError::MalformedName);
        }
        Ok(secret_text(name, &SigningKey::from_bytes(&seed)) + "\n")
    }

    /// The key's name; for a log its origin.
    pub fn name(&self) -> &str {
        self.signer.name()
    }

    /// The public key, `name+hash+base64`, as it stands in others' configuration.
    pub fn public_text(&self) -> &str {
        &self.verifier
    }

    /// Signs `text`, whole lines, as a note of another kind than a head: its first line must be
    /// none that a log is called by.
    pub(crate) fn sign_text(&self, text: &str) -> Result<String, HeadError> {
        let mut note = Note::new(text.as_bytes(), &[]).map_err(|_| HeadError::Malformed)?;
        note.add_sigs(&[&self.signer])
            .map_err(|_| HeadError::MalformedName)?;
        String::from_utf8(note.to_bytes()).map_err(|_| HeadError::Malformed)
    }

    /// The public key.
    pub fn public(&self) -> Result<HeadKey, HeadError> {
        HeadKey::parse(&self.verifier)
    }

    /// The public key as that of a witness of others' logs.
    pub fn witness(&self) -> Result<WitnessKey, HeadError> {
        WitnessKey::new(self.name(), self.key.verifying_key()).ok_or(HeadError::MalformedName)
    }
}

impl fmt::Debug for HeadSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeadSigner({})", self.signer.name())
    }
}

impl fmt::Debug for SignedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64_STANDARD.encode(self.root);
        write!(f, "SignedHead({} {} {root})", self.origin, self.size)
    }
}

fn parse(note: &[u8]) -> Result<Note, HeadError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(HeadError::Malformed);
    }
    Note::from_bytes(note).map_err(|_| HeadError::Malformed)
}

/// The head in `note`, its signatures by known keys, and how many others there are.
fn read(
    note: &[u8],
    log: &HeadKey,
    others: &[WitnessKey],
) -> Result<(SignedHead, Vec<Signature>, usize), HeadError> {
    let parsed = parse(note)?;
    let (known, unknown) = parsed
        .verify(&Known { log, others })
        .map_err(|error| match error {
            signed_note::NoteError::UnverifiedNote => HeadError::Unsigned,
            _ => HeadError::BadSignature,
        })?;
    if !known.iter().any(|signature| is_by(signature, log)) {
        return Err(HeadError::Unsigned);
    }
    let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| HeadError::Malformed)?;
    if checkpoint.origin() != log.name() {
        return Err(HeadError::OtherLog);
    }
    let head = SignedHead {
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root: checkpoint.hash().0,
        note: note.to_vec(),
    };
    Ok((head, known, unknown.len()))
}

/// The keys that signatures are checked with.
struct Known<'a> {
    log: &'a HeadKey,
    others: &'a [WitnessKey],
}

impl Verifiers for Known<'_> {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        let others = self.others.iter().map(|key| key as &dyn Verifier);
        std::iter::once(&self.log.verifier as &dyn Verifier)
            .chain(others)
            .find(|key| key.name() == name && key.key_id() == id)
            .ok_or_else(|| VerificationError::UnknownKey {
                name: name.to_owned(),
                id,
            })
    }
}

fn secret_text(name: &str, key: &SigningKey) -> String {
    let public: Vec<u8> = std::iter::once(ED25519)
        .chain(key.verifying_key().to_bytes())
        .collect();
    let secret: Vec<u8> = std::iter::once(ED25519).chain(key.to_bytes()).collect();
    format!(
        "PRIVATE+KEY+{name}+{:08x}+{}",
        signed_note::key_id(name, &public),
        BASE64_STANDARD.encode(secret)
    )
}

/// Whether it is `log`'s own signature, not one of the same holder as a witness.
fn is_by(signature: &Signature, log: &HeadKey) -> bool {
    signature.name() == log.name() && signature.id() == log.verifier.key_id()
}

/// The key in a secret key's text, `PRIVATE+KEY+name+hash+base64`.
fn signing_key(secret: &str) -> Option<SigningKey> {
    // Base64 may contain `+` itself: the key is all that follows the fourth one.
    let seed = BASE64_STANDARD.decode(secret.splitn(5, '+').nth(4)?).ok()?;
    Some(SigningKey::from_bytes(seed.get(1..)?.try_into().ok()?))
}

/// The key in a public key's text, `name+hash+base64`.
fn verifying_key(public: &str) -> Option<VerifyingKey> {
    let key = BASE64_STANDARD.decode(public.splitn(3, '+').nth(2)?).ok()?;
    VerifyingKey::from_bytes(key.get(1..)?.try_into().ok()?).ok()
}
