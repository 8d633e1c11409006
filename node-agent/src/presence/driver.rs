//! The tasks behind [`Presence`]: one per spare, and one that decides.

use std::sync::Arc;

use innsyn_proto::tls::AgentTls;
use innsyn_proto::tunnel::Dial;
use innsyn_proto::tunnel::agent::Summons;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::HANDSHAKE_TIMEOUT;
use super::config::{PinnedGateways, PresenceConfig};
use super::rules::{Action, Event, Presence, RelayIndex};
use super::spare::{self, Refused, SpareError};
use super::status::{PresenceCounters, PresenceStatus, RelayStatus};
use super::tunnelled::Tunnelled;

/// Events that spares may have told and the deciding task not yet heard.
const EVENTS_MAX: usize = 64;

/// What a presence is made of.
#[derive(Debug)]
pub struct PresenceParts {
    /// Where to be present.
    pub config: PresenceConfig,
    /// Who is served.
    pub gateways: PinnedGateways,
    /// Both layers of TLS.
    pub tls: AgentTls,
    /// Reaches relays.
    pub dialler: Arc<dyn Dial>,
    /// Spreads agents' attempts in time.
    pub seed: u64,
    /// Where gateways that proved themselves go; see [`super::incoming`].
    pub arrivals: mpsc::Sender<Tunnelled>,
    /// Where the agent's standing is told.
    pub status: watch::Sender<PresenceStatus>,
    /// What is counted.
    pub counters: Arc<PresenceCounters>,
}

/// Keeps the agent present at its relays until `shutdown`. Connections already handed on live
/// their own life.
pub async fn keep(parts: PresenceParts, shutdown: CancellationToken) {
    let config = parts.config.clone();
    let status = parts.status.clone();
    let site = Arc::new(Site {
        handshakes: Semaphore::new(config.handshakes_at_once_max),
        parts,
    });
    status.send_replace(PresenceStatus {
        relays: config.relays.iter().map(not_parked).collect(),
    });

    let mut presence = Presence::new(config.relays.len(), config.spares, site.parts.seed);
    let (tell, mut told) = mpsc::channel(EVENTS_MAX);
    let mut spares = JoinSet::new();
    let mut happened = (Event::Woken, None);
    loop {
        let (event, error) = happened;
        for Action::Dial(relay) in presence.on(event, Instant::now()) {
            spares.spawn(live(site.clone(), relay, tell.clone()));
        }
        publish(&status, &presence, event, error);
        while spares.try_join_next().is_some() {}

        let wakes_at = presence.wakes_at();
        happened = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(happened) = told.recv() => happened,
            () = sleep_until(wakes_at.unwrap_or_else(Instant::now)), if wakes_at.is_some() => {
                (Event::Woken, None)
            }
        };
    }
}

/// What all spares share.
#[derive(Debug)]
struct Site {
    handshakes: Semaphore,
    parts: PresenceParts,
}

/// The life of one spare, from dialling to hand-over or loss.
async fn live(site: Arc<Site>, relay: RelayIndex, tell: mpsc::Sender<(Event, Option<SpareError>)>) {
    let parts = &site.parts;
    let Some(address) = parts.config.relays.get(relay) else {
        return;
    };
    // The deciding task outlives its spares, so that telling it cannot fail.
    let tell = async |event, error| drop(tell.send((event, error)).await);
    let mut io = match spare::park(&*parts.dialler, address, &parts.tls).await {
        Ok(io) => io,
        Err(error) => return tell(Event::DialFailed(relay), Some(error)).await,
    };
    let parked_at = Instant::now();
    tell(Event::Parked(relay), None).await;
    match spare::wait(&mut io).await {
        Ok(Summons::Gateway) => {
            tell(Event::Spliced(relay), None).await;
            match take(&site, io).await {
                Ok(()) => parts.counters.count_served(),
                Err(error @ Refused::NotPinned { .. }) => {
                    parts.counters.count_not_pinned();
                    tracing::warn!(%error, "gateway not pinned");
                }
                Err(error) => {
                    parts.counters.count_handshake_failed();
                    tracing::warn!(%error, "gateway not taken");
                }
            }
        }
        Ok(Summons::Drain) => tell(Event::Drained(relay), None).await,
        Err(error) => tell(Event::Lost(relay, parked_at.elapsed()), Some(error)).await,
    }
}

/// Proves who the gateway is, and hands it on.
async fn take(site: &Site, io: Box<super::tunnelled::OuterStream>) -> Result<(), Refused> {
    let too_long = |_| Refused::TimedOut(HANDSHAKE_TIMEOUT);
    let parts = &site.parts;
    let handshake = async {
        // Never closed, so that there is always a permit to wait for.
        let _permit = site.handshakes.acquire().await;
        let tunnelled = spare::welcome(io, &parts.tls, &parts.gateways).await?;
        // If nobody serves any more, the agent is going down and the gateway sees it close.
        drop(parts.arrivals.send(tunnelled).await);
        Ok(())
    };
    timeout(HANDSHAKE_TIMEOUT, Box::pin(handshake))
        .await
        .map_err(too_long)?
}

fn not_parked(relay: &innsyn_proto::tunnel::RelayAddress) -> RelayStatus {
    RelayStatus {
        relay: relay.address.clone(),
        parked: 0,
        last_error: None,
    }
}

/// Tells the agent's standing after `event`; logs when a relay is gained or lost.
fn publish(
    status: &watch::Sender<PresenceStatus>,
    presence: &Presence,
    event: Event,
    error: Option<SpareError>,
) {
    status.send_modify(|status| {
        for (index, relay) in status.relays.iter_mut().enumerate() {
            let before = std::mem::replace(&mut relay.parked, presence.parked(index));
            match (before, relay.parked) {
                (0, 1..) => tracing::info!(relay.address = relay.relay, "parked at relay"),
                (1.., 0) if event != Event::Spliced(index) => {
                    tracing::warn!(relay.address = relay.relay, "no longer parked at relay");
                }
                _ => {}
            }
        }
        let (Event::Parked(relay) | Event::DialFailed(relay) | Event::Lost(relay, _)) = event
        else {
            return;
        };
        if let Some(relay) = status.relays.get_mut(relay) {
            relay.last_error = error.map(|error| error.to_string());
            if let Some(error) = &relay.last_error {
                tracing::debug!(relay.address = relay.relay, error, "spare lost");
            }
        }
    });
}
