//! When to dial which relay. No I/O; told events and the time.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::{BACKOFF_MAX, BACKOFF_MIN};

/// A relay, by its place in the configuration.
pub type RelayIndex = usize;

/// What happened to one spare, or to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A spare that was being dialled is parked.
    Parked(RelayIndex),
    /// A spare that was being dialled failed.
    DialFailed(RelayIndex),
    /// A parked spare was given to a gateway.
    Spliced(RelayIndex),
    /// A parked spare's connection ended, after so long.
    Lost(RelayIndex, Duration),
    /// A parked spare was sent elsewhere, because the relay is going away.
    Drained(RelayIndex),
    /// The time that [`Presence::wakes_at`] named has come, or the agent has just started.
    Woken,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Dial this relay once and park the connection there.
    Dial(RelayIndex),
}

/// The rules of being present.
#[derive(Debug)]
pub struct Presence {
    relays: Vec<Standing>,
    spares: usize,
    rng: StdRng,
}

/// How the agent stands with one relay.
#[derive(Debug, Clone, Default)]
struct Standing {
    dialling: usize,
    parked: usize,
    /// Failures since the relay was last known to be well.
    failures: u32,
    /// No dialling before this.
    retry_at: Option<Instant>,
}

impl Presence {
    /// Rules for so many relays and spares at each. `seed` spreads agents' attempts in time.
    pub fn new(relays: usize, spares: usize, seed: u64) -> Self {
        Self {
            relays: vec![Standing::default(); relays],
            spares,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Takes in what happened, and says what to do about it.
    pub fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        self.note(event, now);
        let spares = self.spares;
        let relays = self.relays.iter_mut().enumerate();
        relays
            .flat_map(|(index, standing)| {
                let dials = standing.dials_due(spares, now);
                standing.dialling += dials;
                (0..dials).map(move |_| Action::Dial(index))
            })
            .collect()
    }

    /// When to be woken next, if nothing else happens.
    pub fn wakes_at(&self) -> Option<Instant> {
        let retries = self.relays.iter().filter_map(|standing| standing.retry_at);
        retries.min()
    }

    /// Spares parked at a relay.
    pub fn parked(&self, relay: RelayIndex) -> usize {
        self.relays.get(relay).map_or(0, |standing| standing.parked)
    }

    fn note(&mut self, event: Event, now: Instant) {
        let (Event::Parked(relay)
        | Event::DialFailed(relay)
        | Event::Spliced(relay)
        | Event::Lost(relay, _)
        | Event::Drained(relay)) = event
        else {
            return;
        };
        let Some(standing) = self.relays.get_mut(relay) else {
            return;
        };
        match event {
            Event::Parked(_) => {
                standing.dialling = standing.dialling.saturating_sub(1);
                standing.parked += 1;
            }
            Event::DialFailed(_) => {
                standing.dialling = standing.dialling.saturating_sub(1);
                standing.fail(now, &mut self.rng);
            }
            Event::Spliced(_) => {
                standing.parked = standing.parked.saturating_sub(1);
                standing.failures = 0;
            }
            Event::Lost(_, after) => {
                standing.parked = standing.parked.saturating_sub(1);
                // A relay that parks and loses connections at once is not well.
                if after >= BACKOFF_MAX {
                    standing.failures = 0;
                }
                standing.fail(now, &mut self.rng);
            }
            Event::Drained(_) => {
                standing.parked = standing.parked.saturating_sub(1);
                // It said so itself: it will be gone for a while.
                standing.failures = u32::MAX;
                standing.retry_at = None;
                standing.fail(now, &mut self.rng);
            }
            Event::Woken => {}
        }
    }
}

impl Standing {
    /// Starts a wait, unless one is running: spares that die together count once.
    fn fail(&mut self, now: Instant, rng: &mut StdRng) {
        if self.retry_at.is_none() {
            let doublings = self.failures.min(BACKOFF_MAX.as_millis().ilog2());
            let full = BACKOFF_MIN
                .saturating_mul(2_u32.saturating_pow(doublings))
                .min(BACKOFF_MAX);
            self.failures = self.failures.saturating_add(1);
            self.retry_at = Some(now + full.mul_f64(rng.random_range(0.5..=1.0)));
        }
    }

    /// How many to dial now: all that are missing, but only one to find out whether a relay that
    /// failed is well again.
    fn dials_due(&mut self, spares: usize, now: Instant) -> usize {
        if self.retry_at.is_some_and(|at| now < at) {
            return 0;
        }
        self.retry_at = None;
        let wanted = if self.failures > 0 && self.parked == 0 {
            1
        } else {
            spares
        };
        wanted.saturating_sub(self.dialling + self.parked)
    }
}
