//! Queries that wait for the steward, and the steward's word while others run.
//!
//! What the steward says is looked at again every [`LOOK_EVERY`] while a query waits or runs: in
//! files, so that the steward's command needs no way to this process, and at that pace rather than
//! on a notice of the file system, which not every file system gives.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Timestamp;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::super::steward::queue::{HeldQuery, Queue};
use super::super::steward::{StewardRefusal, Verdict};
use super::refused::Refused;
use super::running::Until;

/// How often the steward's word is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Calls that wait for the steward at once; for more, the query waits without its call.
const CALLS_MAX: usize = 64;

/// The calls that wait for the steward.
#[derive(Debug)]
pub(super) struct Holding {
    calls: Arc<Semaphore>,
    /// Held while a query is put into the queue, whose bounds are looked at first.
    queue: Mutex<Queue>,
}

impl Holding {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            queue: Mutex::new(queue),
        }
    }

    /// The right to wait.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let place = Arc::clone(&self.calls).try_acquire_owned();
        place.map_err(|_| StewardRefusal::NotDecided.into())
    }

    /// Puts `query` before the steward, whose rules of this digest ask; returns when that survives
    /// a crash.
    pub(super) async fn put(
        &self,
        query: HeldQuery,
        rules: String,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let locked = self.queue.lock().await;
        let queue = locked.clone();
        let held = spawn_blocking(move || queue.hold(&query, &rules, now)).await;
        drop(locked);
        let held = held.map_err(|_| Refused::EngineEnded)?;
        Ok(held.map_err(StewardRefusal::from)?)
    }
}

/// Waits until the steward, looked at with `look`, has approved the query.
pub(super) async fn approved(
    look: impl Fn() -> Result<Verdict, Refused>,
    until: Until<'_>,
) -> Result<(), Refused> {
    let decided = async {
        loop {
            if let Verdict::Allowed(_) = look()? {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        biased;
        () = until.cancel.cancelled() => Err(Refused::Cancelled),
        decided = decided => decided,
        () = tokio::time::sleep_until(until.deadline) => Err(StewardRefusal::NotDecided.into()),
    }
}

/// Waits until the steward, looked at with `look`, says no to a query that was allowed; for ever
/// where they do not.
pub(super) async fn refused(look: impl Fn() -> Result<Verdict, Refused>) -> Refused {
    loop {
        sleep(LOOK_EVERY).await;
        match look() {
            Ok(Verdict::Allowed(_)) => {}
            Ok(Verdict::Asks { .. }) => return StewardRefusal::NotDecided.into(),
            Err(refused) => return refused,
        }
    }
}
