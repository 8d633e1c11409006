//! The hashes of the tree, as RFC 6962 §2.1 has them.
//!
//! `tlog_tiles` has them too, and proofs are made and checked with its own; a test holds the two
//! to each other. These are by the library that TLS uses, whose SHA-256 is in assembly also for
//! a processor without instructions for it. Where the processor has them, most of what so short
//! a hash costs there is not hashing: blocks are padded here and compressed at once.

use aws_lc_rs::digest::{SHA256, digest};
use sha2::block_api::compress256;
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
    if let Some(hash) = at_once(bytes) {
        return hash;
    }
    let mut hash = [0; HASH_SIZE];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hash(hash)
}

/// What a hash begins with, as FIPS 180-4 §5.3.3 has it.
const BEGINNING: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
const BLOCK_BYTES: usize = 64;
/// What follows the bytes at least: a bit, and their length.
const PADDING_BYTES_MIN: usize = 1 + size_of::<u64>();

/// SHA-256 of what fits into two blocks, where the processor has instructions for it.
fn at_once(bytes: &[u8]) -> Option<Hash> {
    if !has_instructions() {
        return None;
    }
    let mut blocks = [[0_u8; BLOCK_BYTES]; 2];
    let count = (bytes.len() + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
    let padded = blocks.get_mut(..count)?.as_flattened_mut();
    let (data, rest) = padded.split_at_mut_checked(bytes.len())?;
    data.copy_from_slice(bytes);
    *rest.first_mut()? = 0x80;
    let bits = 8 * bytes.len() as u64;
    *rest.last_chunk_mut()? = bits.to_be_bytes();
    let mut state = BEGINNING;
    compress256(&mut state, blocks.get(..count)?);
    let mut hash = [0; HASH_SIZE];
    let (words, _) = hash.as_chunks_mut();
    for (to, word) in words.iter_mut().zip(state) {
        *to = word.to_be_bytes();
    }
    Some(Hash(hash))
}

#[cfg(target_arch = "x86_64")]
fn has_instructions() -> bool {
    std::arch::is_x86_feature_detected!("sha")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_instructions() -> bool {
    false
}
