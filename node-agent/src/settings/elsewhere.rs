//! The definitions of which somebody else has the truth, and whether all of it is here.
//!
//! What holds:
//!
//! - **Nobody else's word is applied** of a definition that is written elsewhere: it is passed on
//!   ([`forwarding`](super::forwarding)), and holds when it is said there.
//! - **After a start nothing is known** until everything that is said of a definition has been
//!   fetched once, to its end; until then, and when that is too long ago, whatever the definition
//!   covers is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::{DefinitionId, Timestamp};

/// The definitions that are written elsewhere, and as of when everything said of each is here.
#[derive(Debug, Default)]
pub struct Elsewhere {
    age_max: Duration,
    known: Mutex<BTreeMap<DefinitionId, Option<Timestamp>>>,
}

impl Elsewhere {
    /// Nothing known yet of `definitions`; what is older than `age_max` is not relied on.
    pub fn new(age_max: Duration, definitions: impl IntoIterator<Item = DefinitionId>) -> Self {
        let known = definitions.into_iter().map(|definition| (definition, None));
        Self {
            age_max,
            known: Mutex::new(known.collect()),
        }
    }

    /// Whether `definition` is written elsewhere.
    pub fn writes(&self, definition: &DefinitionId) -> bool {
        self.known().contains_key(definition)
    }

    /// Everything that was said of `definition` at `at` is here.
    pub fn is_whole(&self, definition: &DefinitionId, at: Timestamp) {
        if let Some(known) = self.known().get_mut(definition) {
            *known = (*known).max(Some(at));
        }
    }

    /// As of when everything said of `definition` is here; `None` where that was never so since
    /// the start, and [`Timestamp`]'s end where it is not written elsewhere.
    pub fn known_at(&self, definition: &DefinitionId) -> Option<Timestamp> {
        let known = self.known().get(definition).copied();
        known.unwrap_or(Some(Timestamp::from_micros(i64::MAX)))
    }

    /// Whether what is here of `definition` may be relied on at `now`. What is not written
    /// elsewhere is not this one's matter.
    pub fn is_known(&self, definition: &DefinitionId, now: Timestamp) -> bool {
        match self.known().get(definition) {
            None => true,
            Some(known) => known.is_some_and(|at| now <= at.plus(self.age_max)),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<DefinitionId, Option<Timestamp>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
