//! The hashes of the tree, as RFC 6962 §2.1 has them.
//!
//! `tlog_tiles` has them too, and proofs are made and checked with its own; a test holds the two
//! to each other. These are by the library that TLS uses, whose SHA-256 is in assembly also for
//! a processor without instructions for it.

use aws_lc_rs::digest::{SHA256, digest};
use tlog_tiles::{HASH_SIZE, Hash};

use super::entry::ENTRY_BYTES;

/// The hash of an entry.
pub(super) fn leaf_hash(entry: &[u8; ENTRY_BYTES]) -> Hash {
    let mut leaf = [0; 1 + ENTRY_BYTES];
    let (_domain, data) = leaf.split_at_mut(1);
    data.copy_from_slice(entry);
    sha256(&leaf)
}

/// The hash of an inner node.
pub(super) fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut node = [1; 1 + 2 * HASH_SIZE];
    let (_domain, data) = node.split_at_mut(1);
    let (to_left, to_right) = data.split_at_mut(HASH_SIZE);
    to_left.copy_from_slice(&left.0);
    to_right.copy_from_slice(&right.0);
    sha256(&node)
}

/// SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; HASH_SIZE];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hash(hash)
}
