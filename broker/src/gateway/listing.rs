//! One listing on its way to the caller: updates as they come, then the summary.
//!
//! What holds:
//!
//! - **Exactly one outcome per register**, and then exactly one summary. What the fan-out fails
//!   to tell is told as *no answer*, and its bug is logged; what it tells twice is not.
//! - **The books close at the deadline**, even if the fan-out does not.
//! - **Leaving early costs nothing**: dropping the listing drops its fan-out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use innsyn_policy::NoAnswerReason;
use innsyn_proto::wire::citizen::v1::Summary;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::account::Account;
use super::fanout::{Update, Updates};
use super::metrics::CitizenMetrics;

/// How long after the deadline a fan-out that has not ended is cut off. It is to end at the
/// deadline; this only bounds its bug.
const DEADLINE_GRACE: Duration = Duration::from_millis(25);

/// What a listing yields.
#[derive(Debug)]
pub enum Event {
    /// What became of the question at one register.
    Registration(Update),
    /// The account of the whole. Comes once, last.
    Summary(Summary),
}

/// A listing under way.
pub struct Listing {
    state: State,
    account: Account,
    began: Instant,
    metrics: Arc<CitizenMetrics>,
    _place: OwnedSemaphorePermit,
}

enum State {
    /// Updates come, until the fan-out ends or is cut off.
    Open(Updates, Pin<Box<Sleep>>),
    /// What the fan-out did not tell is told.
    Closing(std::vec::IntoIter<Update>),
    /// The summary has been told.
    Told,
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing")
            .field("open", &self.account.open())
            .finish_non_exhaustive()
    }
}

impl Listing {
    /// A listing over `registers` registers that began at `began` and is to end at `deadline`.
    pub(super) fn new(
        registers: usize,
        updates: Updates,
        (began, deadline): (Instant, Instant),
        metrics: Arc<CitizenMetrics>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let cut_off = tokio::time::sleep_until(deadline + DEADLINE_GRACE);
        metrics.listings_in_flight.inc();
        Self {
            state: State::Open(updates, Box::pin(cut_off)),
            account: Account::new(registers),
            began,
            metrics,
            _place: place,
        }
    }

    /// The next update that can be booked; `Err` when there will be no more.
    fn poll_update(&mut self, cx: &mut Context<'_>) -> Poll<Result<Update, NoAnswerReason>> {
        let State::Open(updates, cut_off) = &mut self.state else {
            return Poll::Ready(Err(NoAnswerReason::InvalidAnswer));
        };
        while self.account.open() > 0 {
            match updates.poll_next_unpin(cx) {
                Poll::Ready(Some(update)) => match self.account.book(&update) {
                    Ok(()) => return Poll::Ready(Ok(update)),
                    Err(error) => tracing::error!(
                        register.position = update.register,
                        error = &error as &dyn std::error::Error,
                        "update not booked"
                    ),
                },
                Poll::Ready(None) => {
                    tracing::error!(
                        registers.missing = self.account.open(),
                        "the fan-out left registers out"
                    );
                    break;
                }
                Poll::Pending if cut_off.as_mut().poll(cx).is_ready() => {
                    tracing::error!(
                        registers.missing = self.account.open(),
                        "the fan-out outlived its deadline"
                    );
                    return Poll::Ready(Err(NoAnswerReason::Timeout));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Err(NoAnswerReason::InvalidAnswer))
    }
}

impl Stream for Listing {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Open(..) => match std::task::ready!(this.poll_update(cx)) {
                    Ok(update) => {
                        this.metrics.outcome(&update.outcome);
                        return Poll::Ready(Some(Event::Registration(update)));
                    }
                    Err(reason) => {
                        this.state = State::Closing(this.account.close(reason).into_iter());
                    }
                },
                State::Closing(missing) => {
                    if let Some(update) = missing.next() {
                        this.metrics.outcome(&update.outcome);
                        return Poll::Ready(Some(Event::Registration(update)));
                    }
                    this.state = State::Told;
                    let elapsed = this.began.elapsed();
                    this.metrics.listing_seconds.observe(elapsed.as_secs_f64());
                    return Poll::Ready(Some(Event::Summary(this.account.summary(elapsed))));
                }
                State::Told => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.metrics.listings_in_flight.dec();
        if !matches!(self.state, State::Told) {
            self.metrics.listings_abandoned.inc();
        }
    }
}
