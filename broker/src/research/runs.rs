//! The runs that are under way, so that they can be cancelled.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::claims::Researcher;

/// Names a run.
pub(super) type RunId = [u8; 16];

/// The runs that are under way.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<HashMap<RunId, UnderWay>>);

#[derive(Debug)]
struct UnderWay {
    researcher: Researcher,
    cancel: CancellationToken,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a run has begun; what is returned tells when it is cancelled.
    pub(super) fn begin(&self, id: RunId, researcher: Researcher) -> CancellationToken {
        let cancel = CancellationToken::new();
        let under_way = UnderWay {
            researcher,
            cancel: cancel.clone(),
        };
        self.lock().insert(id, under_way);
        cancel
    }

    pub(super) fn end(&self, id: &RunId) {
        self.lock().remove(id);
    }

    /// Cancels the run `id`, if it is `researcher`'s; says whether there was one.
    pub(super) fn cancel(&self, id: &RunId, researcher: &Researcher) -> bool {
        let runs = self.lock();
        let own = runs.get(id).filter(|run| run.researcher == *researcher);
        own.inspect(|run| run.cancel.cancel()).is_some()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }
}
