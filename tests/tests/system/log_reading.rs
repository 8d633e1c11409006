//! Reads a log of use by its documented format, with nothing of the agent's own code.
//!
//! A frame is a head of 20 bytes (`IULF`, the number of entries, the entries before it, a
//! checksum), entries of 128 bytes, a root and a checksum. An entry has the question's id from
//! byte 16 on and its kind in byte 1, and its leaf is SHA-256 over a zero byte and the entry (RFC 6962).

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const HEAD_BYTES: usize = 20;
const ENTRY_BYTES: usize = 128;
const TAIL_BYTES: usize = 36;

/// One use, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use {
    /// 1 is a listing, 4 a change of a setting.
    pub(super) kind: u8,
    pub(super) question: [u8; 16],
    pub(super) leaf: [u8; 32],
}

/// All uses in the log in `folder`; an unfinished commit at the end is left out.
pub(super) fn uses(folder: &Path) -> Vec<Use> {
    let mut segments: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "seg"))
        .collect();
    segments.sort();
    let mut uses = Vec::new();
    for segment in segments {
        let bytes = std::fs::read(segment).unwrap();
        let mut rest = bytes.as_slice();
        while let Some((head, after)) = rest.split_first_chunk::<HEAD_BYTES>() {
            let entries = u32::from_le_bytes(head[4..8].try_into().unwrap()) as usize;
            let entries_end = entries * ENTRY_BYTES;
            if head[..4] != *b"IULF" || after.len() < entries_end + TAIL_BYTES {
                break;
            }
            uses.extend(after[..entries_end].chunks(ENTRY_BYTES).map(read));
            rest = &after[entries_end + TAIL_BYTES..];
        }
    }
    uses
}

fn read(entry: &[u8]) -> Use {
    let leaf = Sha256::new().chain_update([0]).chain_update(entry);
    Use {
        kind: entry[1],
        question: entry[16..32].try_into().unwrap(),
        leaf: leaf.finalize().into(),
    }
}

/// Panics if the log has two entries for one question.
pub(super) fn no_question_twice(uses: &[Use]) {
    let questions: BTreeSet<_> = uses.iter().map(|it| it.question).collect();
    assert_eq!(questions.len(), uses.len(), "a question has two entries");
}

/// The leaves of the log.
pub(super) fn leaves(uses: &[Use]) -> BTreeSet<[u8; 32]> {
    uses.iter().map(|it| it.leaf).collect()
}
