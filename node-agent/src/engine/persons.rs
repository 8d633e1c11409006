//! Sets of persons, a bit for each of a snapshot's dense person numbers.
//!
//! A million persons take 125 kB. Whether a person is in the set is one look at one word, which
//! is what a scan does for each row. A number that the snapshot does not have is in no set.

use std::fmt;
use std::ops::Range;

use fixedbitset::FixedBitSet;
use innsyn_policy::Persons;
use roaring::RoaringBitmap;

/// A set of the persons of one snapshot, who have the numbers `0..persons`.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonSet(FixedBitSet);

impl PersonSet {
    /// Nobody of `persons`.
    pub fn nobody(persons: u32) -> Self {
        Self(FixedBitSet::with_capacity(persons as usize))
    }

    /// Everybody of `persons`.
    pub fn everybody(persons: u32) -> Self {
        let mut set = Self::nobody(persons);
        set.0.insert_range(..);
        set
    }

    /// How many persons the snapshot has, in the set or not.
    pub fn persons(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Puts `person` into the set; false, and nothing happens, if the snapshot has no such number.
    pub fn insert(&mut self, person: u32) -> bool {
        self.set(person, true)
    }

    /// Takes `person` out of the set; false, and nothing happens, if the snapshot has no such
    /// number.
    pub fn remove(&mut self, person: u32) -> bool {
        self.set(person, false)
    }

    fn set(&mut self, person: u32, is_in: bool) -> bool {
        let exists = person < self.persons();
        if exists {
            self.0.set(person as usize, is_in);
        }
        exists
    }

    /// Whether `person` is in the set.
    pub fn contains(&self, person: u32) -> bool {
        self.0.contains(person as usize)
    }

    /// How many persons are in the set.
    pub fn len(&self) -> usize {
        self.0.count_ones(..)
    }

    /// Whether nobody is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_clear()
    }

    /// The numbers of the persons in the set, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        // INVARIANT: there are at most `u32::MAX` numbers.
        self.0
            .ones()
            .filter_map(|person| u32::try_from(person).ok())
    }

    /// The same set, compressed.
    pub fn compressed(&self) -> RoaringBitmap {
        let blocks = self.0.as_slice().iter();
        let bytes: Vec<u8> = blocks.flat_map(|block| block.to_le_bytes()).collect();
        RoaringBitmap::from_lsb0_bytes(0, &bytes)
    }

    /// Whether anybody of `span` is in the set.
    pub(super) fn has_any_of(&self, span: &Range<u32>) -> bool {
        self.0
            .contains_any_in_range(span.start as usize..span.end as usize)
    }
}

impl Persons for PersonSet {
    fn nobody(&self) -> Self {
        Self::nobody(self.persons())
    }

    fn add(&mut self, others: &Self) {
        self.0.union_with(&others.0);
    }

    fn take_out(&mut self, others: &Self) {
        self.0.difference_with(&others.0);
    }

    fn keep_only(&mut self, others: &Self) {
        self.0.intersect_with(&others.0);
    }
}

impl fmt::Debug for PersonSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonSet")
            .field("persons", &self.persons())
            .finish_non_exhaustive()
    }
}

/// The persons whose use is allowed for one query; of all others nothing is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included(PersonSet);

impl Included {
    /// `persons` may be used.
    pub const fn new(persons: PersonSet) -> Self {
        Self(persons)
    }

    /// The persons who may be used.
    pub const fn persons(&self) -> &PersonSet {
        &self.0
    }
}
