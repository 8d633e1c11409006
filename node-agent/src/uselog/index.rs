//! What is known of the log beside its files: made when it is opened, and grown with it.
//!
//! Never a second truth: all of it follows from the segments, and nothing of it is stored.

use innsyn_policy::UseDecision;

use super::chains::{Chains, NewEnds};
use super::entry::{Entry, EntrySubject};
use super::places::{Mark, Places};

/// What is found by the index.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) chains: Chains,
    pub(super) places: Places,
    /// The positions of queries that were answered, in their order.
    pub(super) queries: Vec<u64>,
}

/// What a commit adds, once it is safe.
#[derive(Debug, Default)]
pub(super) struct Grown {
    pub(super) ends: NewEnds,
    pub(super) queries: Vec<u64>,
}

impl Index {
    /// Takes in what is safe now, in a frame at `mark`.
    pub(super) fn commit(&mut self, grown: Grown, mark: Mark) {
        self.chains.commit(grown.ends);
        self.queries.extend(grown.queries);
        self.places.frame(mark);
    }
}

/// Whether `entry` is of a query that was answered.
pub(super) fn is_answered_query(entry: &Entry) -> bool {
    matches!(entry.subject, EntrySubject::Counted(_)) && entry.decision == UseDecision::Answered
}
