//! The RFC 6962 tree over the entries, grown one leaf at a time.
//!
//! Only the roots of the full subtrees are kept, one per set bit of the size, so that the tree of
//! a log of any length fits in 64 hashes and needs no reading. The hashes it gives out come in
//! the order of `tlog_tiles::stored_hash_index`, which lets that crate make proofs from a file
//! of them.

use innsyn_proto::head::LogHash;
use tlog_tiles::{EMPTY_HASH, Hash};

use super::hash::node_hash;

/// A tree that grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    size: u64,
    /// Roots of the full subtrees, the largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// How many leaves there are.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and gives the hashes that are final with it to `stored`: the leaf and the
    /// root of every subtree that it completes.
    pub(super) fn push(&mut self, leaf: Hash, mut stored: impl FnMut(Hash)) {
        let mut hash = leaf;
        stored(hash);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(left, hash);
                stored(hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root over all leaves.
    pub(super) fn root(&self) -> LogHash {
        let mut peaks = self.peaks.iter().rev();
        let Some(&last) = peaks.next() else {
            return EMPTY_HASH.0;
        };
        peaks.fold(last, |right, &left| node_hash(left, right)).0
    }
}
