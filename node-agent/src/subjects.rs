//! "Is this person here?": the index of a register's people, in memory.
//!
//! A person takes 24 bytes: a 16-byte [`Tag`] (the id under a block cipher whose key lives and
//! dies with the process) and 8 bytes of facts. Tags are uniform, so the sorted entries are
//! found through a directory by their first bits, which adds at most half a byte a person.
//!
//! What holds:
//!
//! - **Nobody looks without a clearance.** [`Subjects::find`] takes a [`Clearance`], which only
//!   `policy` makes.
//! - **A hit is exact.** The cipher is a bijection, so two ids never share a tag and no look-up
//!   into the source has to confirm one.
//! - **People have numbers `0..len`**, in the order in which the source first names them, so that
//!   the same files give the same numbers whatever the key. Statistics are made over numbers; who
//!   may be counted is decided where they are used, and nothing turns one back into a person.
//! - **Who was counted can be told again** when numbers have changed: [`Subjects::marks`] calls
//!   people by a key that outlives the process, and needs it.
//! - **A hit and a miss are the same work.** Every look-up reads the same number of entries
//!   beginning at its bucket, to the end, and picks with masks instead of branches. Where the
//!   answer stood, or whether it stood at all, changes no loop count and no branch.
//!
//! It does not refresh itself (`sources::store` swaps a whole new index in) and it keeps no id.

use std::fmt;
use std::sync::Arc;

use innsyn_policy::{Clearance, NationalId, Presence};

pub use builder::{PERSONS_MAX, SubjectsBuilder, TooManyPersonsError};
pub(crate) use key::Mark;
pub use key::{
    MarkKey, Marks, ParsePseudonymError, PseudonymKey, PseudonymKeyError, SubjectKey, Tag,
    parse_pseudonym,
};

mod builder;
mod entry;
mod key;

pub use entry::{Day, Membership, Standing};

use entry::{Entry, Facts};

#[cfg(test)]
mod tests;

/// What the register knows of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The person is in the register.
    Registered(Presence),
    /// The person was in the register and has been deleted from it.
    Deleted(Presence),
    /// The person is not in the register.
    Absent,
}

/// The people of one register, as one load of the source found them.
pub struct Subjects {
    key: Arc<SubjectKey>,
    /// Sorted by tag, each tag once.
    entries: Box<[Entry]>,
    /// Where each bucket's window begins. INVARIANT: `starts[b] + window <= entries.len()`.
    starts: Box<[u32]>,
    /// How many of a tag's first bits name its bucket.
    bucket_bits: u32,
    /// How many entries every look-up reads: the size of the largest bucket.
    window: usize,
}

impl Subjects {
    /// Looks up the person whom `clearance` is about.
    pub fn find(&self, clearance: &Clearance) -> Found {
        let tag = self.key.tag_of(clearance.subject());
        self.facts_of(tag).found()
    }

    /// The number of the person with `tag`, if somebody who is registered now has it.
    pub(crate) fn number_of(&self, tag: Tag) -> Option<u32> {
        let facts = self.facts_of(tag);
        facts.is_registered().then(|| facts.number())
    }

    /// The numbers of all who are registered now, in no order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        let registered = self.entries.iter().map(|entry| entry.facts);
        registered
            .filter(|facts| facts.is_registered())
            .map(Facts::number)
    }

    /// Everybody's tag and number, the deleted included, in no order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (Tag, u32)> + '_ {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.tag, entry.facts.number()))
    }

    /// Everybody's mark under `key`, in the order of their numbers, the deleted included.
    pub(crate) fn marks(&self, key: &MarkKey) -> Marks {
        let mut persons = vec![0; self.entries.len()];
        for entry in &self.entries {
            if let Some(mark) = persons.get_mut(entry.facts.number() as usize) {
                *mark = self.key.mark_of(entry.tag, key);
            }
        }
        Marks {
            nobody: self.key.mark_of_nobody(key),
            persons,
        }
    }

    /// The mark of nobody under `key`, and that of `id`, whoever is here.
    pub(crate) fn mark(&self, id: &NationalId, key: &MarkKey) -> (Mark, Mark) {
        let mark = self.key.mark_of(self.key.tag_of(id), key);
        (self.key.mark_of_nobody(key), mark)
    }

    /// The key that tags are made with.
    pub(crate) fn key(&self) -> &SubjectKey {
        &self.key
    }

    /// How many people there are, the deleted included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The memory that the index holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.entries) + size_of_val(&*self.starts)
    }

    fn facts_of(&self, tag: Tag) -> Facts {
        let start = self.starts.get(tag.bucket(self.bucket_bits)).copied();
        let start = start.map_or(0, |start| start as usize);
        let window = self.entries.get(start..start + self.window);
        window
            .unwrap_or_default()
            .iter()
            .fold(Facts::NONE, |facts, entry| facts.or(entry.facts_if(tag)))
    }
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects")
            .field("persons", &self.entries.len())
            .finish_non_exhaustive()
    }
}
