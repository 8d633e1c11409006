//! Numbers the entries about each person, and chains them.
//!
//! The leaf of an entry binds its number `n` among those about its person and the position of
//! number `n - 1` (see [`ChainPlace`]). Nothing more is needed: the tree binds what stands at a
//! position, so the position binds the entry before as a hash of it would.
//!
//! What holds:
//!
//! - **Who holds number `n` under a head holds all `n`.** Each entry leads to the one before, so an
//!   entry that is left out, told twice or out of order breaks the numbers or the positions. That is
//!   checked without any key: the person, or whoever reads for them, needs the entries, their
//!   inclusion proofs and the head.
//! - **A receipt holds the agent to it later.** It names a head and the person's newest number
//!   under it. A later head must continue that head, and the chain must lead through that number at
//!   that position: a counter that was set back, an entry that has vanished or moved, and a log
//!   written anew do not.
//! - **The key is in the tag alone.** Numbers and positions are told to whoever may read the
//!   entries, and to whoever gets a copy of the log; without the key of the tags they say of nobody
//!   whose they are. What a person learns beside their own entries is how many entries the log has
//!   between two of theirs, which every inclusion proof tells.
//! - **One tag, one chain.** Writing refuses nothing here, but an audit finds a chain that does not
//!   continue ([`audit`](super::audit)), when the log is opened too.
//!
//! What an agent still can do: keep a use out of the log, or write it under a tag that is nobody's,
//! and never show it. No log can rule that out; but what a gateway was answered has its entry's hash
//! with the answer, and that entry must be in the chain.
//!
//! Entries from before there were chains count in the numbers: the first entry that has a place says
//! how many there were. Which they are is said by this table alone.
//!
//! The state of a person takes 32 bytes, 33 to 75 with the table's room, once somebody has asked
//! about them: at most 420 MB for five and a half million. It is made anew when the log is opened,
//! from the entries that are read then anyway.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::entry::{ChainPlace, Entry, EntrySubject, Tag};

/// Where each person's chain ends.
#[derive(Debug, Default)]
pub(super) struct Chains {
    last: Table<Last>,
    /// The positions of the entries without a place, in their order.
    unchained: Table<Vec<u64>>,
}

/// The ends of chains that are not safe yet.
#[derive(Debug, Default)]
pub(super) struct NewEnds(Table<Last>);

/// The newest entry about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) number: u64,
    pub(super) position: u64,
}

/// An entry's place is not the one that follows in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenChain;

/// A map by tags, which are uniform already: they come out of a cipher whose key is secret.
type Table<V> = HashMap<Tag, V, BuildHasherDefault<TagHasher>>;

#[derive(Debug, Default)]
pub(super) struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length of a tag, which is always the same.
    fn write_usize(&mut self, _length: usize) {}
}

impl Chains {
    /// The newest entry about the person with `tag`.
    pub(super) fn last(&self, tag: &Tag) -> Option<Last> {
        self.last.get(tag).copied()
    }

    /// The positions of the entries about the person with `tag` that have no place, oldest first.
    pub(super) fn unchained(&self, tag: &Tag) -> &[u64] {
        self.unchained.get(tag).map_or(&[], Vec::as_slice)
    }

    /// The place of a new entry at `position` about the person with `tag`, after those of `new`.
    pub(super) fn next(&self, new: &mut NewEnds, tag: Tag, position: u64) -> ChainPlace {
        let before = new.0.get(&tag).copied().or_else(|| self.last(&tag));
        let place = after(before);
        let number = place.number;
        new.0.insert(tag, Last { number, position });
        place
    }

    /// Takes in the ends of `new`, which are safe now.
    pub(super) fn commit(&mut self, new: NewEnds) {
        self.last.extend(new.0);
    }

    /// Takes in an entry that is read from the log, and says if it does not continue its chain.
    pub(super) fn take(&mut self, position: u64, entry: &Entry) -> Result<(), BrokenChain> {
        let EntrySubject::Person(tag, _, place) = entry.subject else {
            return Ok(());
        };
        let expected = after(self.last(&tag));
        let number = expected.number;
        self.last.insert(tag, Last { number, position });
        match place {
            None => self.unchained.entry(tag).or_default().push(position),
            Some(place) if place != expected => return Err(BrokenChain),
            Some(_) => {}
        }
        Ok(())
    }
}

fn after(before: Option<Last>) -> ChainPlace {
    ChainPlace {
        number: before.map_or(0, |last| last.number) + 1,
        before: before.map(|last| last.position),
    }
}
