//! Whether an agent knows that it has every setting: rules without sockets.
//!
//! ```text
//!   gateway's latest number, by heartbeat ──┐
//!                                           ├─ equal ──▶ current as of now
//!   number applied here, without a gap ─────┘
//!                                           └─ behind ─▶ its age grows
//! ```
//!
//! What holds:
//!
//! - **Age counts from the last heartbeat without a gap**, by the agent's own clock: a relay that
//!   withholds, reorders or drops items, or all of a gateway's traffic, only lets it grow.
//! - **It is current only if every gateway says so**, since each may have items of its own.
//! - **After a start nothing is current** until a heartbeat has come.
//! - **A gateway that says less than was applied** has lost its memory or is not who it was: the
//!   agent is not current until somebody looks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::Timestamp;
use innsyn_proto::identity::GatewayName;

#[cfg(test)]
mod tests;

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
    gateways: Mutex<BTreeMap<GatewayName, Standing>>,
}

impl Currency {
    /// Nothing heard yet of `gateways`; what is older than `age_max` is not relied on.
    pub fn new(age_max: Duration, gateways: impl IntoIterator<Item = GatewayName>) -> Self {
        let standing = |gateway| (gateway, Standing::default());
        Self {
            age_max,
            gateways: Mutex::new(gateways.into_iter().map(standing).collect()),
        }
    }

    /// Items up to `number` of `gateway` are applied.
    pub fn applied(&self, gateway: &GatewayName, number: u64) {
        if let Some(standing) = self.gateways().get_mut(gateway) {
            standing.applied = standing.applied.max(number);
        }
    }

    /// `gateway` has said at `now` that its latest item is `latest`. Gives how it stands then.
    pub fn heard(&self, gateway: &GatewayName, latest: u64, now: Timestamp) -> Standing {
        let mut gateways = self.gateways();
        let Some(standing) = gateways.get_mut(gateway) else {
            return Standing::default();
        };
        standing.latest = Some(latest);
        if latest == standing.applied {
            standing.current_at = Some(now);
        }
        *standing
    }

    /// How `gateway` stands.
    pub fn standing(&self, gateway: &GatewayName) -> Option<Standing> {
        self.gateways().get(gateway).copied()
    }

    /// As of when everything that every gateway has is here; `None` where that was never so since
    /// the start, and [`Timestamp`]'s end where there is no gateway that sends any.
    pub fn current_at(&self) -> Option<Timestamp> {
        let gateways = self.gateways();
        let all = gateways.values().map(|standing| standing.current_at);
        all.min().unwrap_or(Some(Timestamp::from_micros(i64::MAX)))
    }

    /// Whether what is here may be relied on at `now`.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.current_at()
            .is_some_and(|at| now <= at.plus(self.age_max))
    }

    fn gateways(&self) -> MutexGuard<'_, BTreeMap<GatewayName, Standing>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
