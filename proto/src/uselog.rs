//! What a register's log of use says, for whoever checks it from outside.
//!
//! The agent writes the log; here is what others must agree with it on: the bytes of an entry, what
//! the entry of a query commits to, and how what is shown of a log to one person is checked.

pub mod checked;
pub mod codes;
pub mod counted;
mod entry;
pub mod proof;
pub mod reading;
pub mod receipt;
pub mod told;

pub use entry::{ChainPlace, ENTRY_BYTES, Entry, EntrySubject, ReadEntryError, Tag};

use tlog_tiles::record_hash;

use crate::head::LogHash;

/// The hash of an entry as the log's tree has it.
pub fn leaf_hash(entry: &[u8; ENTRY_BYTES]) -> LogHash {
    record_hash(entry).0
}

#[cfg(test)]
mod tests;
