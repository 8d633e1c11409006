//! What the entry of a query commits to: who was counted, and for what.
//!
//! ```text
//!   commitment = SHA-256("innsyn.uselog.v2.Counted\n" ‖ query ‖ data permit ‖ snapshot
//!                        ‖ persons, 8 bytes little-endian ‖ root)
//!   root       = RFC 6962 tree over the leaves;
//!                of nobody, SHA-256(0x02 ‖ AES-256(secret of this use, 16 bytes of 0xff))
//!   leaf       = SHA-256(0x00 ‖ slots of 32 persons counted, in the order of their numbers;
//!                the last leaf has those that are left)
//!   slot       = SHA-256(0x03 ‖ salt ‖ person number, 4 bytes little-endian)
//!   salt       = AES-256(secret of this use, person number and 12 zeros)
//! ```
//!
//! A leaf for each person would make three compressions of SHA-256 a person; with 32 in a leaf it is
//! little more than one and a half, for a kilobyte more to show.
//!
//! What holds:
//!
//! - **One person's membership can be shown without the others'.** A [`Membership`] holds that
//!   person's salt, the other slots of the leaf and the hashes beside the way to the root. Whose
//!   another slot is cannot be guessed, because its salt is not known without the secret.
//! - **Every use has a commitment of its own**, by its secret; also one that counted nobody, so
//!   that its record is never taken for another's.
//! - **It cannot be changed afterwards.** Query, permit, snapshot and every person are bound by
//!   SHA-256, and the commitment by the entry that holds it.
//!
//! A person number means somebody only together with its snapshot, which stays at the register.

use std::fmt;

use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes256, Block};
use aws_lc_rs::digest::{Context, SHA256};
use innsyn_proto::head::LogHash;
use roaring::RoaringBitmap;
use tlog_tiles::{HASH_SIZE, Hash, HashReader};

use super::hash::sha256;
use super::tree::Tree;

#[cfg(test)]
mod tests;

const DOMAIN: &[u8] = b"innsyn.uselog.v2.Counted\n";
const SALT_BYTES: usize = 16;
/// Persons in a leaf; their salts are made together, which is much faster than one by one.
const LEAF_PERSONS: usize = 32;
/// What begins the bytes that are hashed to a leaf; those of an inner node begin with 1.
const LEAF: u8 = 0;
const NOBODY: u8 = 2;
const SLOT: u8 = 3;

/// The persons whom one query counted, by their numbers in the snapshot, with the secret that
/// hides them in the commitment.
pub struct CountedPersons {
    secret: [u8; 32],
    persons: RoaringBitmap,
}

/// What a query was, beside whom it counted. All zero where it came to nothing before that was
/// known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountedFor {
    /// The query's name.
    pub query: [u8; 32],
    /// The digest of the data permit.
    pub permit: [u8; 32],
    /// The snapshot.
    pub snapshot: [u8; 32],
}

/// That one person was counted, for whoever knows the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The person's number in the snapshot.
    pub person: u32,
    /// How many persons were counted.
    pub persons: u64,
    /// The person's place among them, from 0.
    pub place: u64,
    /// The salt of the person's slot.
    pub salt: [u8; SALT_BYTES],
    /// The other slots of the leaf, in their order.
    pub slots: Vec<LogHash>,
    /// The hashes beside the way to the root, the leaf's neighbour first.
    pub beside: Vec<LogHash>,
}

impl CountedPersons {
    /// `persons` hidden by `secret`, which must be new and random for every use.
    pub const fn new(persons: RoaringBitmap, secret: [u8; 32]) -> Self {
        Self { secret, persons }
    }

    /// Who was counted.
    pub const fn persons(&self) -> &RoaringBitmap {
        &self.persons
    }

    /// The secret of the salts.
    pub const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The commitment to these persons, counted for `what`.
    pub fn commitment(&self, what: &CountedFor) -> [u8; 32] {
        let root = if self.persons.is_empty() {
            self.root_of_nobody()
        } else {
            self.tree(|_| {}).root()
        };
        commitment(what, self.persons.len(), &root)
    }

    /// That `person` was counted, together with the root; `None` if the person was not.
    pub fn membership(&self, person: u32) -> Option<(Membership, LogHash)> {
        if !self.persons.contains(person) {
            return None;
        }
        let mut stored = Vec::new();
        let tree = self.tree(|hash| stored.push(hash));
        let place = self.persons.rank(person).saturating_sub(1);
        let (leaf, at) = place_in_tree(place);
        let beside = tlog_tiles::prove_record(tree.size(), leaf, &Stored(&stored)).ok()?;
        let cipher = self.cipher();
        // A leaf's persons are one after the other.
        let skipped = usize::try_from(leaf).ok()?.checked_mul(LEAF_PERSONS)?;
        let persons = self.persons.iter().skip(skipped).take(LEAF_PERSONS);
        let mut slots: Vec<_> = persons
            .map(|person| slot(&salt(&cipher, person), person).0)
            .collect();
        slots.remove(at);
        let membership = Membership {
            person,
            persons: self.persons.len(),
            place,
            salt: salt(&cipher, person),
            slots,
            beside: beside.into_iter().map(|hash| hash.0).collect(),
        };
        Some((membership, tree.root()))
    }

    fn tree(&self, mut stored: impl FnMut(Hash)) -> Tree {
        let cipher = self.cipher();
        let mut tree = Tree::default();
        let mut persons = self.persons.iter();
        let (mut some, mut salts) = (Vec::new(), Vec::new());
        let mut slots = Vec::with_capacity(LEAF_PERSONS * HASH_SIZE);
        loop {
            some.clear();
            some.extend(persons.by_ref().take(LEAF_PERSONS));
            if some.is_empty() {
                return tree;
            }
            salts.clear();
            salts.extend(some.iter().map(|person| unsalted(*person)));
            cipher.encrypt_blocks(&mut salts);
            slots.clear();
            for (salt, person) in salts.iter().zip(&some) {
                slots.extend_from_slice(&slot(&(*salt).into(), *person).0);
            }
            tree.push(leaf(&slots), &mut stored);
        }
    }

    fn root_of_nobody(&self) -> LogHash {
        let mut block = Array::from([0xff; SALT_BYTES]);
        self.cipher().encrypt_block(&mut block);
        let mut bytes = [NOBODY; 1 + SALT_BYTES];
        let (_domain, salt) = bytes.split_at_mut(1);
        salt.copy_from_slice(&block);
        sha256(&bytes).0
    }

    fn cipher(&self) -> Aes256 {
        Aes256::new(&Array::from(self.secret))
    }
}

impl fmt::Debug for CountedPersons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedPersons")
            .field("persons", &self.persons.len())
            .finish_non_exhaustive()
    }
}

impl Membership {
    /// Whether it shows that the person is among those of `commitment`, counted for `what`;
    /// `root` is theirs.
    pub fn holds(&self, root: &LogHash, what: &CountedFor, commitment: &[u8; 32]) -> bool {
        let (leaf, at) = place_in_tree(self.place);
        let before = leaf * LEAF_PERSONS as u64;
        let in_leaf = self.persons.saturating_sub(before).min(LEAF_PERSONS as u64);
        if self.place >= self.persons || self.slots.len() as u64 + 1 != in_leaf {
            return false;
        }
        let mut slots = self.slots.clone();
        slots.insert(at, slot(&self.salt, self.person).0);
        let leaves = self.persons.div_ceil(LEAF_PERSONS as u64);
        let beside = self.beside.iter().map(|hash| Hash(*hash)).collect();
        let hash = self::leaf(slots.as_flattened());
        tlog_tiles::check_record(&beside, leaves, Hash(*root), leaf, hash).is_ok()
            && self::commitment(what, self.persons, root) == *commitment
    }
}

/// In which leaf the person at `place` is, and where in it.
fn place_in_tree(place: u64) -> (u64, usize) {
    let persons = LEAF_PERSONS as u64;
    // INVARIANT: what is left over is less than `LEAF_PERSONS`.
    let at = usize::try_from(place % persons).unwrap_or_default();
    (place / persons, at)
}

fn commitment(what: &CountedFor, persons: u64, root: &LogHash) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(DOMAIN);
    context.update(&what.query);
    context.update(&what.permit);
    context.update(&what.snapshot);
    context.update(&persons.to_le_bytes());
    context.update(root);
    let mut commitment = [0; 32];
    commitment.copy_from_slice(context.finish().as_ref());
    commitment
}

fn salt(cipher: &Aes256, person: u32) -> [u8; SALT_BYTES] {
    let mut block = unsalted(person);
    cipher.encrypt_block(&mut block);
    block.into()
}

/// What is enciphered to the salt of `person`.
fn unsalted(person: u32) -> Block {
    let mut block = [0; SALT_BYTES];
    let (number, _zeros) = block.split_at_mut(size_of::<u32>());
    number.copy_from_slice(&person.to_le_bytes());
    Array::from(block)
}

fn slot(salt: &[u8; SALT_BYTES], person: u32) -> Hash {
    let mut slot = [SLOT; 1 + SALT_BYTES + size_of::<u32>()];
    let (_domain, rest) = slot.split_at_mut(1);
    let (to_salt, to_person) = rest.split_at_mut(SALT_BYTES);
    to_salt.copy_from_slice(salt);
    to_person.copy_from_slice(&person.to_le_bytes());
    sha256(&slot)
}

fn leaf(slots: &[u8]) -> Hash {
    sha256(&[&[LEAF], slots].concat())
}

/// Hashes in the order of `tlog_tiles::stored_hash_index`.
struct Stored<'a>(&'a [Hash]);

impl HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let hash = usize::try_from(*index).ok().and_then(|at| self.0.get(at));
            hash.copied()
                .ok_or_else(|| tlog_tiles::Error::InvalidInput("no such hash".to_owned()))
        };
        indexes.iter().map(read).collect()
    }
}
