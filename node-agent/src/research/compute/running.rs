//! Runs the engine, so many queries at a time, each within its memory and time.
//!
//! A query holds its place until the engine has really stopped, also when nobody waits for it any
//! more: what is configured bounds what the machine does.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{PermitClearance, Timestamp, Use};
use innsyn_proto::query::CheckedQuery;
use innsyn_proto::receipt::{PersonsAbout, SettingsAge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::refused::Refused;
use super::{Countable, Counting, SettingsRead};
use crate::engine::{Answer, Included};

/// Queries that may wait for a place.
const WAITING_MAX: usize = 16;

/// What queries may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory for one query, in bytes.
    pub memory_bytes: usize,
    /// How long one query may run.
    pub timeout: Duration,
    /// Queries that run at once.
    pub at_once: usize,
}

/// The places that queries run in.
#[derive(Debug)]
pub(super) struct Running {
    limits: Limits,
    /// Those that run or wait.
    present: Arc<Semaphore>,
    /// Those that run.
    at_once: Arc<Semaphore>,
}

/// The right to run one query.
#[derive(Debug)]
pub(super) struct Place {
    _present: OwnedSemaphorePermit,
    _at_once: OwnedSemaphorePermit,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) answer: Answer,
    pub(super) settings_read_at: Timestamp,
    pub(super) settings_age_s: u64,
    pub(super) persons_excluded: PersonsAbout,
    /// What was done with whose data, to be looked at again before the answer leaves.
    of: Use,
    included: Included,
}

/// When a query is to stop though it has not come to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until<'a> {
    /// The call has ended.
    pub(super) cancel: &'a CancellationToken,
    /// The gateway waits no longer.
    pub(super) deadline: Instant,
}

impl Running {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            present: Arc::new(Semaphore::new(limits.at_once.saturating_add(WAITING_MAX))),
            at_once: Arc::new(Semaphore::new(limits.at_once)),
        }
    }

    /// Waits for a place.
    pub(super) async fn place(&self, until: Until<'_>) -> Result<Place, Refused> {
        let waiting_max = WAITING_MAX;
        let present = Arc::clone(&self.present)
            .try_acquire_owned()
            .map_err(|_| Refused::Busy { waiting_max })?;
        let at_once = tokio::select! {
            biased;
            () = until.cancel.cancelled() => return Err(Refused::Cancelled),
            () = tokio::time::sleep_until(until.deadline) => return Err(Refused::PastDeadline),
            at_once = Arc::clone(&self.at_once).acquire_owned() => at_once,
        };
        Ok(Place {
            _present: present,
            // The places are never closed.
            _at_once: at_once.map_err(|_| Refused::Busy { waiting_max })?,
        })
    }

    /// Runs `query` over `data` in `place`, and uses up `clearance`; `now` is when the settings
    /// of the persons are looked at. What `then` makes of the answer, it makes in the same place
    /// and time; it is told how much memory there is, in bytes.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing that a run needs"
    )]
    pub(super) async fn run<T: Send + 'static>(
        &self,
        place: Place,
        clearance: PermitClearance,
        of: Use,
        query: &CheckedQuery,
        data: Arc<dyn Countable>,
        now: Timestamp,
        until: Until<'_>,
        then: impl FnOnce(&Answer, &dyn Countable, usize, &CancellationToken) -> Result<T, Refused>
        + Send
        + 'static,
    ) -> Result<(Ran, T), Refused> {
        let Limits {
            memory_bytes,
            timeout,
            ..
        } = self.limits;
        let end = Instant::now() + timeout;
        let stop = until.cancel.child_token();
        let stopped = stop.clone();
        let query = query.normal().clone();
        let running = tokio::task::spawn_blocking(move || {
            let settings = data.settings(&of, now);
            let included = data.included(&of, now);
            let counting = Counting {
                query: &query,
                purpose: clearance.purpose(),
                included: &included,
                memory_bytes,
                timeout,
                cancel: &stopped,
            };
            let ran = Standing::of(settings, &included, now).and_then(|standing| {
                let answer = data.count(counting)?;
                let made = then(&answer, &*data, memory_bytes, &stopped)?;
                Ok((Ran::of(answer, standing, &included, of), made))
            });
            drop(place);
            ran
        });
        // Dropped in any case but the first, when it stops nothing any more.
        let _stops = stop.drop_guard();
        tokio::select! {
            ran = running => ran.unwrap_or(Err(Refused::EngineEnded)),
            () = until.cancel.cancelled() => Err(Refused::Cancelled),
            () = tokio::time::sleep_until(until.deadline.min(end)) => {
                Err(if end <= until.deadline {
                    Refused::TooSlow(timeout)
                } else {
                    Refused::PastDeadline
                })
            }
        }
    }
}

/// What people's settings are when somebody may be counted by them.
#[derive(Debug, Clone, Copy)]
struct Standing {
    read_at: Timestamp,
    age_s: u64,
    excluded: PersonsAbout,
}

impl Standing {
    /// Of `settings`, by which those of `included` may be counted at `now`.
    fn of(settings: SettingsRead, included: &Included, now: Timestamp) -> Result<Self, Refused> {
        let age = age(settings, now);
        // An empty table would be added to the others as if nobody were ill here.
        if included.persons().is_empty() {
            return Err(if settings.is_too_old {
                Refused::SettingsTooOld(age)
            } else {
                Refused::NobodyIncluded
            });
        }
        let excluded = settings.registered.saturating_sub(included.persons().len());
        Ok(Self {
            read_at: settings.read_at,
            age_s: age.age_s.ok_or(Refused::SettingsTooOld(age))?,
            excluded: PersonsAbout::of(excluded as u64),
        })
    }
}

impl Ran {
    /// Refuses unless the same persons may be counted at `now` as were. It takes time as people
    /// have settings, no I/O.
    pub(super) fn still_holds(&self, data: &dyn Countable, now: Timestamp) -> Result<(), Refused> {
        if data.included(&self.of, now) == self.included {
            return Ok(());
        }
        let settings = data.settings(&self.of, now);
        Err(if settings.is_too_old {
            Refused::SettingsTooOld(age(settings, now))
        } else {
            Refused::SettingsChanged
        })
    }

    fn of(answer: Answer, standing: Standing, included: &Included, of: Use) -> Self {
        Self {
            answer,
            settings_read_at: standing.read_at,
            settings_age_s: standing.age_s,
            persons_excluded: standing.excluded,
            of,
            included: included.clone(),
        }
    }
}

/// How old `settings` are at `now`.
fn age(settings: SettingsRead, now: Timestamp) -> SettingsAge {
    SettingsAge {
        read_at: settings.read_at,
        age_s: settings.seen_at.map(|at| seconds_between(at, now)),
    }
}

/// Whole seconds from `earlier` to `later`; none if it is not later.
fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    let seconds = later.as_seconds().saturating_sub(earlier.as_seconds());
    u64::try_from(seconds).unwrap_or_default()
}
