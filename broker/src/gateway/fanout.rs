//! Asks every register, and accounts for every register.
//!
//! A listing begins with [`AskEveryRegister::list`] and is the stream that it returns: one
//! [`Update`] for each register of the catalogue, never fewer and never more, the last one at
//! the deadline at the latest. When the stream ends or is dropped, nothing of the question is
//! left, because links hold it weakly; only where some outcome is withheld does it live on to the
//! deadline, so that these registers are asked all the same.
//!
//! What holds:
//!
//! - **Silence is never an answer.** Whatever has not answered by the deadline becomes
//!   `NO_ANSWER`, with the reason that its link knows.
//! - **No leg waits for another.** Each register has a queue and a connection of its own.
//! - **Always all of them.** Every register that can be asked is asked, whatever the question,
//!   so that traffic tells nothing about the person. Also a register whose outcome is withheld
//!   is asked: the attempt belongs in its log of use. What it answers is not looked at.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use futures::task::AtomicWaker;
use innsyn_policy::decision::withheld;
use innsyn_policy::{Clock, NoAnswerReason, Outcome, QuestionId, Request};
use innsyn_proto::convert::encode_question;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::link::Link;
use crate::catalog::Catalogue;

#[cfg(test)]
mod tests;

/// How long an answer waits for others to be told with, unless it is the last. Each telling is
/// work for the gateway and for the caller, and this is shorter than anybody can see.
const GATHER: Duration = Duration::from_millis(5);

/// What became of the question at one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// The register's position in the catalogue.
    pub register: usize,
    /// What became of the question there.
    pub outcome: Outcome,
    /// The hash of the entry that it left in the register's log of use, if it left one.
    pub use_log_leaf: Option<[u8; 32]>,
}

/// One update for each register of the catalogue, then the end.
pub type Updates = BoxStream<'static, Update>;

/// How much of the federation can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// Registers whose agent answers now.
    pub registers_connected: usize,
    /// Registers of the catalogue that can be asked.
    pub registers_expected: usize,
    /// Whether a relay can be reached.
    pub relay_reachable: bool,
}

/// Starts listings. A seam, so that the gateway's face can be tested without a federation.
pub trait AskEveryRegister: Send + Sync + 'static {
    /// Starts one listing at every register; yields exactly one [`Update`] for each register of
    /// the catalogue, then ends, at the latest `deadline` from now.
    fn list(&self, request: Request, deadline: Duration) -> Updates;

    /// How much of the federation can be reached now.
    fn readiness(&self) -> Readiness;
}

/// One question on its way to every register. Its links hold it weakly: when the stream that the
/// caller reads is gone, the question is forgotten.
pub(super) struct Question {
    /// Its number on every link's stream.
    pub(super) number: u64,
    /// The encoded question, made once for all links.
    pub(super) encoded: Bytes,
    delivered: Mutex<Delivered>,
    listing: AtomicWaker,
}

/// What came since the listing last looked.
#[derive(Default)]
struct Delivered {
    /// Each link delivers at most one.
    updates: Vec<Update>,
    /// The listing is complete with so many, and wants to know at once.
    complete_at: usize,
}

impl Question {
    /// Delivers what became of it at one register. Never blocks.
    pub(super) fn deliver(&self, update: Update) {
        let mut delivered = self.delivered();
        delivered.updates.push(update);
        let news = delivered.updates.len() == 1;
        let complete = delivered.updates.len() >= delivered.complete_at;
        drop(delivered);
        if news || complete {
            self.listing.wake();
        }
    }

    fn delivered(&self) -> MutexGuard<'_, Delivered> {
        self.delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fan-out over the links to every register.
pub struct Fanout {
    catalogue: Arc<Catalogue>,
    /// The link to each register of the catalogue, in its order; `None` where it is not asked.
    links: Arc<[Option<Arc<Link>>]>,
    clock: Arc<dyn Clock>,
    next_number: AtomicU64,
    ids: Mutex<StdRng>,
}

impl std::fmt::Debug for Fanout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fanout")
            .field("registers", &self.links.len())
            .finish_non_exhaustive()
    }
}

impl Fanout {
    /// A fan-out over `links`, one for each register of `catalogue` that can be asked. Question
    /// ids are drawn from `seed`, which outside a simulation is the operating system's randomness.
    pub fn new(
        catalogue: Arc<Catalogue>,
        links: Arc<[Option<Arc<Link>>]>,
        clock: Arc<dyn Clock>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            catalogue,
            links,
            clock,
            next_number: AtomicU64::new(1),
            ids: Mutex::new(StdRng::from_seed(seed)),
        }
    }

    fn next_id(&self) -> QuestionId {
        QuestionId(
            self.ids
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .random(),
        )
    }
}

impl AskEveryRegister for Fanout {
    fn list(&self, request: Request, deadline: Duration) -> Updates {
        let ends_at = Instant::now() + deadline;
        let now = self.clock.now();
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let deadline_ms = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
        let question = Arc::new(Question {
            number,
            encoded: encode_question(self.next_id(), number, &request, deadline_ms),
            delivered: Mutex::default(),
            listing: AtomicWaker::new(),
        });

        // Whether somebody is asked whose answer is settled already.
        let mut nobody_listens = false;
        let mut known = Vec::with_capacity(self.links.len());
        let mut awaited = vec![false; self.links.len()].into_boxed_slice();
        let registers = self
            .catalogue
            .entries()
            .iter()
            .zip(self.links.iter())
            .enumerate();
        for ((register, (entry, link)), awaited) in registers.zip(awaited.iter_mut()) {
            let asked = link.as_ref().map(|link| link.ask(&question));
            let settled = entry.fixed_outcome().or_else(|| {
                withheld(&request.representation, &entry.register, now).map(Outcome::Withheld)
            });
            let outcome = match (settled, asked) {
                (Some(outcome), asked) => {
                    nobody_listens |= matches!(asked, Some(Ok(())));
                    outcome
                }
                (None, Some(Ok(()))) => {
                    *awaited = true;
                    continue;
                }
                (None, Some(Err(reason))) => Outcome::NoAnswer(reason),
                (None, None) => Outcome::NoAnswer(NoAnswerReason::Down),
            };
            known.push(Update {
                register,
                outcome,
                use_log_leaf: None,
            });
        }
        if nobody_listens {
            // The listing may end before these were sent the question; it lives until then.
            let question = Arc::clone(&question);
            tokio::spawn(async move {
                sleep_until(ends_at).await;
                drop(question);
            });
        }
        Box::pin(Listing {
            question,
            known,
            left: awaited.iter().filter(|awaited| **awaited).count(),
            awaited,
            gathering: None,
            deadline: Box::pin(sleep_until(ends_at)),
            links: Arc::clone(&self.links),
        })
    }

    fn readiness(&self) -> Readiness {
        let links = || self.links.iter().flatten();
        Readiness {
            registers_connected: links().filter(|link| link.is_up()).count(),
            registers_expected: links().count(),
            relay_reachable: links().any(|link| !link.relay_is_down()),
        }
    }
}

/// One listing under way.
struct Listing {
    /// Alive for the links for as long as somebody reads this.
    question: Arc<Question>,
    /// Updates to be told next.
    known: Vec<Update>,
    /// Which registers are still to answer.
    awaited: Box<[bool]>,
    /// How many of them.
    left: usize,
    /// Until when updates gather that are to be told together.
    gathering: Option<Pin<Box<Sleep>>>,
    deadline: Pin<Box<Sleep>>,
    links: Arc<[Option<Arc<Link>>]>,
}

impl Listing {
    /// Takes what was delivered of the registers that are awaited.
    fn receive(&mut self) {
        self.gathering = None;
        self.known.append(&mut self.question.delivered().updates);
        self.known.retain(|update| {
            let awaited = self.awaited.get_mut(update.register);
            let counts = awaited.is_some_and(std::mem::take);
            self.left -= usize::from(counts);
            counts
        });
    }

    /// Ready when what was delivered is to be told: all of it, or what gathered for a while.
    fn poll_gathered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.question.listing.register(cx.waker());
        let mut delivered = self.question.delivered();
        delivered.complete_at = self.left;
        let came = delivered.updates.len();
        drop(delivered);
        if came >= self.left {
            return Poll::Ready(());
        }
        if came == 0 {
            return Poll::Pending;
        }
        let gathering = self
            .gathering
            .get_or_insert_with(|| Box::pin(sleep(GATHER)));
        gathering.as_mut().poll(cx)
    }

    /// The deadline has come: whoever is still awaited has given no answer.
    fn close(&mut self) {
        for (register, awaited) in self.awaited.iter_mut().enumerate() {
            if std::mem::take(awaited) {
                let reason = self
                    .links
                    .get(register)
                    .and_then(Option::as_ref)
                    .map_or(NoAnswerReason::Timeout, |link| link.missed());
                let outcome = Outcome::NoAnswer(reason);
                self.known.push(Update {
                    register,
                    outcome,
                    use_log_leaf: None,
                });
            }
        }
        self.left = 0;
    }
}

impl Stream for Listing {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let this = &mut *self;
        loop {
            if let Some(update) = this.known.pop() {
                return Poll::Ready(Some(update));
            }
            if this.left == 0 {
                return Poll::Ready(None);
            }
            if this.poll_gathered(cx).is_ready() {
                this.receive();
            } else {
                ready!(this.deadline.as_mut().poll(cx));
                this.receive();
                this.close();
            }
        }
    }
}
