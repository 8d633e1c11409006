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
use innsyn_proto::head::LogHash;
pub use innsyn_proto::uselog::counted::{CountedFor, Membership};
use innsyn_proto::uselog::counted::{
    LEAF, LEAF_PERSONS, NOBODY, SALT_BYTES, SLOT, commitment, place_in_tree,
};
use roaring::RoaringBitmap;
use tlog_tiles::{HASH_SIZE, Hash, HashReader};

use super::hash::sha256;
use super::tree::Tree;

#[cfg(test)]
mod tests;

/// The persons whom one query counted, by their numbers in the snapshot, with the secret that
/// hides them in the commitment.
pub struct CountedPersons {
    secret: [u8; 32],
    persons: RoaringBitmap,
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
