//! What an agent that came late says, and needs to be brought up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use innsyn_proto::identity::GatewayName;
use innsyn_proto::sealing::OpeningKey;
use tokio::sync::MutexGuard;

use super::{Early, Keeper};
use crate::settings::KeptSettings;
use crate::settings::currency::Standing;
use crate::uselog::UseLog;

/// Nothing is taken out of mailboxes while it is held.
#[derive(Debug)]
pub(in crate::settings) struct Held<'a> {
    early: MutexGuard<'a, Early>,
    kept: &'a KeptSettings,
}

impl Held<'_> {
    /// The number of the first item of `gateway` that waits here for one before it.
    pub(in crate::settings) fn first_waiting(&self, gateway: &GatewayName) -> Option<u64> {
        let standing = self.kept.currency().standing(gateway);
        let next = standing.unwrap_or_default().applied.saturating_add(1);
        let mut waiting = self
            .early
            .range((gateway.clone(), next)..=(gateway.clone(), u64::MAX));
        waiting.next().map(|((_, number), _)| *number)
    }
}

impl Keeper {
    /// The log of use.
    pub(in crate::settings) const fn log(&self) -> &Arc<UseLog> {
        &self.parts.log
    }

    /// What opens what is sealed to this agent.
    pub(in crate::settings) const fn opening(&self) -> &OpeningKey {
        &self.opening
    }

    /// The gateways that may speak of settings here.
    pub(in crate::settings) fn gateways(&self) -> impl Iterator<Item = &GatewayName> {
        self.parts.gateways.keys()
    }

    /// Whether any gateway may.
    pub(in crate::settings) fn has_gateways(&self) -> bool {
        !self.parts.gateways.is_empty()
    }

    /// Has nothing taken out of mailboxes while what this gives is held.
    pub(in crate::settings) async fn hold(&self) -> Held<'_> {
        Held {
            early: self.early.lock().await,
            kept: &self.parts.kept,
        }
    }

    /// The gateways whose next item will not come by itself; each with how it stands.
    pub fn stuck(&self) -> Vec<(GatewayName, Standing)> {
        let now = self.parts.clock.now();
        self.parts.kept.currency().stuck(now)
    }

    /// Tells an operator once that what is missing will not come, and what to do.
    pub(super) fn tell_if_stuck(&self) {
        let stuck = self.stuck();
        if self.told_stuck.swap(!stuck.is_empty(), Ordering::Relaxed) {
            return;
        }
        for (gateway, standing) in stuck {
            tracing::error!(
                gateway.name = %gateway,
                applied = standing.applied,
                latest = standing.latest,
                "settings before this agent's time are missing and do not come by themselves; \
                 nothing is counted until it is brought up: run `innsyn-agent settings recipient`"
            );
        }
    }
}
