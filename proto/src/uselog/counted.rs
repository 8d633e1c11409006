//! That one person was counted by a query, shown without telling of anybody else.
//!
//! What the entry of a query commits to is described where it is made, in the agent's
//! `uselog/counted.rs`; here is what whoever is shown a [`Membership`] checks it with.

use sha2::{Digest as _, Sha256};
use tlog_tiles::Hash;

use crate::head::LogHash;

const DOMAIN: &[u8] = b"innsyn.uselog.v2.Counted\n";
/// The length of the salt of a person's slot, in bytes.
pub const SALT_BYTES: usize = 16;
/// Persons in a leaf; their salts are made together, which is much faster than one by one.
pub const LEAF_PERSONS: usize = 32;
/// What begins the bytes that are hashed to a leaf; those of an inner node begin with 1.
pub const LEAF: u8 = 0;
/// What begins the bytes that are hashed to the root of nobody.
pub const NOBODY: u8 = 2;
/// What begins the bytes that are hashed to a slot.
pub const SLOT: u8 = 3;

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
pub fn place_in_tree(place: u64) -> (u64, usize) {
    let persons = LEAF_PERSONS as u64;
    // INVARIANT: what is left over is less than `LEAF_PERSONS`.
    let at = usize::try_from(place % persons).unwrap_or_default();
    (place / persons, at)
}

/// The commitment to so many persons, of whom `root` is, counted for `what`.
pub fn commitment(what: &CountedFor, persons: u64, root: &LogHash) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(what.query);
    hash.update(what.permit);
    hash.update(what.snapshot);
    hash.update(persons.to_le_bytes());
    hash.update(root);
    hash.finalize().into()
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

fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}
