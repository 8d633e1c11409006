//! Whether an agent knows that it has every setting: rules without sockets.
//!
//! ```text
//!   heartbeat at t: "my latest is n" ───┐
//!                                       ├─ applied reaches n ──▶ current as of t
//!   number applied here, without a gap ─┘
//!                                       └─ until then its age grows
//! ```
//!
//! What holds:
//!
//! - **Age counts from the last heartbeat without a gap**, by the agent's own clock: a relay that
//!   withholds, reorders or drops items, or all of a gateway's traffic, only lets it grow. What
//!   comes in between does not: an agent to which changes come all the time is as old as the
//!   newest heartbeat whose number it has reached.
//! - **It is current only if every gateway says so**, since each may have items of its own.
//! - **After a start nothing is current** until a heartbeat has come.
//! - **One that lacks something and gets nothing is stuck**: the gateway has sent again what it has
//!   by then, so that the next one was never sealed to this agent, or is too old.
//! - **A gateway that says less than was applied** was overtaken by its own item, or has lost its
//!   memory, and is not believed either way: its age grows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::Timestamp;
use innsyn_proto::identity::GatewayName;

#[cfg(test)]
mod tests;

/// Heartbeats that may wait for their number; one more takes the place of the newest.
const WAITING_MAX: usize = 64;
/// An agent that lacks something, hears its gateway and has got nothing for so long will not get it:
/// the gateway sends again after 20 seconds.
const STUCK_AFTER: Duration = Duration::from_secs(45);

/// How an agent stands with one gateway's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Every item up to this number has been applied.
    pub applied: u64,
    /// The latest number that the gateway has told, if it has told one since the start.
    pub latest: Option<u64>,
    /// When it last told a number that was applied.
    pub current_at: Option<Timestamp>,
}

/// How an agent stands with all its gateways.
#[derive(Debug)]
pub struct Currency {
    age_max: Duration,
    gateways: Mutex<BTreeMap<GatewayName, Heard>>,
}

/// What is known of one gateway.
#[derive(Debug, Default)]
struct Heard {
    standing: Standing,
    /// Heartbeats whose number is not yet applied, in order: the number, and when it was heard.
    waiting: VecDeque<(u64, Timestamp)>,
    /// Since when the next item is missing.
    lacking_since: Option<Timestamp>,
}

impl Heard {
    fn applied(&mut self, number: u64) {
        if number > self.standing.applied {
            self.standing.applied = number;
            self.lacking_since = None;
        }
        while let Some((latest, at)) = self.waiting.front().copied()
            && latest <= self.standing.applied
        {
            self.standing.current_at = self.standing.current_at.max(Some(at));
            self.waiting.pop_front();
        }
    }

    fn latest(&mut self, latest: u64, now: Timestamp) {
        self.standing.latest = Some(latest);
        self.lacking_since = (latest > self.standing.applied)
            .then(|| self.lacking_since.map_or(now, |since| since.min(now)));
        match latest.cmp(&self.standing.applied) {
            Ordering::Equal => {
                self.standing.current_at = Some(now);
                self.waiting.clear();
            }
            // What it said before is in doubt with it.
            Ordering::Less => self.waiting.clear(),
            Ordering::Greater => {
                let is_newest = self.waiting.back().is_some_and(|(last, _)| *last >= latest);
                if is_newest || self.waiting.len() == WAITING_MAX {
                    self.waiting.pop_back();
                }
                self.waiting.push_back((latest, now));
            }
        }
    }
}

impl Currency {
    /// Nothing heard yet of `gateways`; what is older than `age_max` is not relied on.
    pub fn new(age_max: Duration, gateways: impl IntoIterator<Item = GatewayName>) -> Self {
        let standing = |gateway| (gateway, Heard::default());
        Self {
            age_max,
            gateways: Mutex::new(gateways.into_iter().map(standing).collect()),
        }
    }

    /// Items up to `number` of `gateway` are applied.
    pub fn applied(&self, gateway: &GatewayName, number: u64) {
        if let Some(heard) = self.gateways().get_mut(gateway) {
            heard.applied(number);
        }
    }

    /// `gateway` has said at `now` that its latest item is `latest`. Gives how it stands then.
    pub fn heard(&self, gateway: &GatewayName, latest: u64, now: Timestamp) -> Standing {
        let mut gateways = self.gateways();
        let Some(heard) = gateways.get_mut(gateway) else {
            return Standing::default();
        };
        heard.latest(latest, now);
        heard.standing
    }

    /// How `gateway` stands.
    pub fn standing(&self, gateway: &GatewayName) -> Option<Standing> {
        self.gateways().get(gateway).map(|heard| heard.standing)
    }

    /// The gateways whose next item does not come any more at `now`, and how each stands.
    pub fn stuck(&self, now: Timestamp) -> Vec<(GatewayName, Standing)> {
        let gateways = self.gateways();
        let is_stuck = |heard: &Heard| {
            heard
                .lacking_since
                .is_some_and(|since| now >= since.plus(STUCK_AFTER))
        };
        let stuck = gateways.iter().filter(|(_, heard)| is_stuck(heard));
        stuck
            .map(|(gateway, heard)| (gateway.clone(), heard.standing))
            .collect()
    }

    /// As of when everything that every gateway has is here; `None` where that was never so since
    /// the start, and [`Timestamp`]'s end where there is no gateway that sends any.
    pub fn current_at(&self) -> Option<Timestamp> {
        let gateways = self.gateways();
        let all = gateways.values().map(|heard| heard.standing.current_at);
        all.min().unwrap_or(Some(Timestamp::from_micros(i64::MAX)))
    }

    /// Whether what is here may be relied on at `now`.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.current_at()
            .is_some_and(|at| now <= at.plus(self.age_max))
    }

    fn gateways(&self) -> MutexGuard<'_, BTreeMap<GatewayName, Heard>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
