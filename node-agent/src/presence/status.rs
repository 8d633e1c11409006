//! How present the agent is, for `/readyz`, metrics and `check`.

use std::sync::atomic::{AtomicU64, Ordering};

/// The agent's standing with every relay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresenceStatus {
    /// One for each relay, in the order of the configuration.
    pub relays: Vec<RelayStatus>,
}

impl PresenceStatus {
    /// Whether a gateway could reach this agent through at least one relay.
    pub fn is_reachable(&self) -> bool {
        self.relays.iter().any(|relay| relay.parked > 0)
    }
}

/// The agent's standing with one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayStatus {
    /// The relay's address, as configured.
    pub relay: String,
    /// Connections parked there now.
    pub parked: usize,
    /// What went wrong last, in words, if nothing has gone right since.
    pub last_error: Option<String>,
}

/// What became of the gateways that came.
#[derive(Debug, Default)]
pub struct PresenceCounters {
    served: AtomicU64,
    not_pinned: AtomicU64,
    handshakes_failed: AtomicU64,
}

impl PresenceCounters {
    /// Gateways handed on to be served.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Gateways with a good certificate that this agent has not pinned, and so refused.
    pub fn not_pinned(&self) -> u64 {
        self.not_pinned.load(Ordering::Relaxed)
    }

    /// Inner handshakes that failed, also by being too slow.
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    pub(super) fn count_served(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_not_pinned(&self) {
        self.not_pinned.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }
}
