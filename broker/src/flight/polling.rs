//! Queries that are asked for again and again until they are done: `PollFlightInfo`.
//!
//! ```text
//!   a statement ─▶ begins ─▶ told: the share of registers that is accounted for ─▶ where to fetch
//!                    └── not asked for any more ─▶ ends, and its work at the agents with it
//! ```
//!
//! A call waits a little for something new, so that a client may call again at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_flight::{FlightDescriptor, FlightInfo, PollInfo};
use innsyn_policy::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;

use super::asking::Desk;
use super::call::Call;
use super::refusal::{FlightRefusal, told};
use super::results::RESULTS_OF_ONE_MAX;
use super::service::{fetchable, handle};
use crate::research::{Refusal, Researcher};

/// How long a call waits for something new.
const WAIT: Duration = Duration::from_secs(2);
/// How long a query may go without being asked for.
pub(super) const LEASE: Duration = Duration::from_mins(1);

/// Queries that are asked for.
#[derive(Debug, Default)]
pub(super) struct Polls(Arc<Mutex<HashMap<[u8; 16], Arc<Poll>>>>);

/// One query.
#[derive(Debug)]
pub(super) struct Poll {
    id: [u8; 16],
    researcher: Researcher,
    state: watch::Receiver<State>,
    asked_at: watch::Sender<Instant>,
    /// Ends the query with the last that knows of it.
    _ends: DropGuard,
    cancel: CancellationToken,
}

#[derive(Debug, Clone)]
enum State {
    Running(f64),
    Done(Box<FlightInfo>),
    Failed(Status),
}

impl Polls {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Arc<Poll>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the query `sql`.
    pub(super) fn begin(
        &self,
        id: [u8; 16],
        desk: Arc<Desk>,
        call: Call,
        sql: String,
        descriptor: FlightDescriptor,
    ) -> Result<Arc<Poll>, FlightRefusal> {
        let cancel = CancellationToken::new();
        let (tell, state) = watch::channel(State::Running(0.0));
        let (asked_at, lease) = watch::channel(Instant::now());
        let poll = Arc::new(Poll {
            id,
            researcher: call.researcher.clone(),
            state,
            asked_at,
            _ends: cancel.clone().drop_guard(),
            cancel: cancel.clone(),
        });
        let mut polls = self.lock();
        let own = polls
            .values()
            .filter(|other| other.researcher == call.researcher);
        if own.count() >= RESULTS_OF_ONE_MAX {
            return Err(FlightRefusal::Full);
        }
        polls.insert(id, Arc::clone(&poll));
        drop(polls);
        let all = Arc::clone(&self.0);
        tokio::spawn(async move {
            let progress = |share| {
                tell.send_replace(State::Running(share));
            };
            let running = async {
                let waiting = desk.run(&call, &sql, progress).await?;
                Ok::<_, Status>(fetchable(&waiting, descriptor)?)
            };
            let ended = tokio::select! {
                ended = running => ended,
                () = cancel.cancelled() => Err(told(Refusal::Cancelled.into())),
                () = lapsed(lease.clone()) => Err(told(Refusal::Cancelled.into())),
            };
            tell.send_replace(match ended {
                Ok(info) => State::Done(Box::new(info)),
                Err(status) => State::Failed(status),
            });
            // Its end can be asked for as long as it could have been before.
            lapsed(lease).await;
            all.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
        });
        Ok(poll)
    }

    /// The query `id`, which is asked for again.
    pub(super) fn again(
        &self,
        id: &[u8],
        researcher: &Researcher,
    ) -> Result<Arc<Poll>, FlightRefusal> {
        let polls = self.lock();
        let poll = <[u8; 16]>::try_from(id).ok().and_then(|id| polls.get(&id));
        let poll = poll.filter(|poll| poll.researcher == *researcher);
        let poll = poll.ok_or(FlightRefusal::Ticket)?;
        poll.asked_at.send_replace(Instant::now());
        Ok(Arc::clone(poll))
    }

    /// Ends the query `id`; whether there was one of `researcher`'s that was running.
    pub(super) fn cancel(&self, id: &[u8], researcher: &Researcher) -> bool {
        let Ok(poll) = self.again(id, researcher) else {
            return false;
        };
        let was_running = matches!(*poll.state.borrow(), State::Running(_));
        poll.cancel.cancel();
        was_running
    }
}

impl Poll {
    /// How far it is, when there is something new or after a while.
    pub(super) async fn told(&self, now: Timestamp) -> Result<PollInfo, Status> {
        let mut state = self.state.clone();
        if matches!(*state.borrow_and_update(), State::Running(_)) {
            // Whether it changes in time or not, what it is then is told.
            let _ = timeout(WAIT, state.changed()).await;
        }
        let state = state.borrow().clone();
        let share = match state {
            State::Failed(status) => return Err(status),
            State::Done(info) => return Ok(with_progress(PollInfo::new().with_info(*info), 1.0)),
            State::Running(share) => share,
        };
        let again = FlightDescriptor::new_cmd(handle(&self.id));
        let info = FlightInfo::new().with_descriptor(again.clone());
        let mut told = PollInfo::new().with_info(info).with_descriptor(again);
        let lease = i64::try_from(LEASE.as_secs()).unwrap_or_default();
        told.expiration_time.get_or_insert_default().seconds =
            now.as_seconds().saturating_add(lease);
        Ok(with_progress(told, share))
    }
}

const fn with_progress(mut told: PollInfo, share: f64) -> PollInfo {
    told.progress = Some(share);
    told
}

/// Ends when nobody has asked for so long.
pub(super) async fn lapsed(mut asked_at: watch::Receiver<Instant>) {
    loop {
        let until = *asked_at.borrow_and_update() + LEASE;
        tokio::select! {
            () = sleep_until(until) => return,
            changed = asked_at.changed() => if changed.is_err() {
                return;
            },
        }
    }
}
