//! Where agents and gateways meet; copies bytes.
//!
//! An agent dials in and *parks* idle connections; a gateway dials in and asks for a register; the
//! relay hands one parked connection to it and copies bytes between the two until one side leaves.
//!
//! ```text
//!   accepted ──TLS, hello──▶ admitted ──node────▶ parked ──summoned──▶ (its stream is handed over)
//!      │                        │                                           │
//!      └── refused, counted ◀───┴──gateway──▶ takes a parked one ──────▶ spliced
//! ```
//!
//! What holds:
//!
//! - **The relay is blind.** What it copies is TLS between gateway and agent, and there is no code
//!   here that looks at a copied byte. It knows certificates, register ids, sizes and times.
//! - **A certificate speaks for itself only.** A node parks for the register in its certificate;
//!   a gateway connects if this relay's configuration names it.
//! - **Everything is bounded**: connections, handshakes at once, new connections per second,
//!   parked connections per register, every wait, and the buffers of a splice (8 KiB each way,
//!   besides the 64 KiB that TLS may hold).
//! - **A frozen agent costs its own gateway at most one bound per parked connection**, and
//!   nobody else anything.
//!
//! Beside that it may keep a [`mailbox`]: items sealed to agents, which it cannot open either.
//!
//! Of connections it keeps nothing: after a restart, agents park again by themselves. Made for a current-thread
//! runtime, where it is fastest; relays scale by running several, which share no state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innsyn_policy::Clock;
use innsyn_proto::identity::Identity;
use innsyn_proto::tls::{Authority, Credentials, LoadTlsError, relay_server};
use innsyn_proto::tunnel::{Accept, BoxedIo};
use rustls::ServerConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{GatewayEntry, RelayConfig, RelayConfigError, RelayLimits};
pub use metrics::{RelayEvent, RelayMetrics, RelaySnapshot};

use limits::Pace;
use mailbox::Mailbox;
use registry::Registry;
use session::Parked;

mod config;
mod limits;
pub mod mailbox;
mod metrics;
mod registry;
mod session;
mod splice;
#[cfg(test)]
mod tests;

/// How long to wait after the system refused to accept a connection (no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartRelayError {
    /// Certificate, key or CA cannot be used.
    #[error("the relay's certificates cannot be used")]
    Tls(#[from] LoadTlsError),
    /// The certificate is a node's or a gateway's.
    #[error("`{0}` is not a relay; issue a certificate with `innsyn-broker ca issue relay`")]
    NotARelay(Identity),
}

/// A relay, ready to serve.
#[derive(Debug)]
pub struct Relay {
    config: RelayConfig,
    tls: Arc<ServerConfig>,
    registry: Mutex<Registry<Parked>>,
    metrics: Arc<RelayMetrics>,
    /// What waits for agents; kept nowhere without it.
    mailbox: Option<Mailbox>,
    /// Cancelled when the relay begins to go away: parked agents are sent elsewhere.
    draining: CancellationToken,
    /// Cancelled when it has waited long enough: what is left is cut.
    cut: CancellationToken,
}

impl Relay {
    /// Reads the certificates that `config` names.
    pub fn new(config: RelayConfig, clock: &Arc<dyn Clock>) -> Result<Self, StartRelayError> {
        let credentials = Credentials::load(&config.certificate, &config.key)?;
        if !matches!(credentials.certificate.identity, Identity::Relay(_)) {
            return Err(StartRelayError::NotARelay(credentials.certificate.identity));
        }
        let federation = Authority::load(&config.federation_ca)?;
        let tls = relay_server(&credentials, &federation, clock)?;
        Ok(Self {
            registry: Mutex::new(Registry::new(config.limits.parked_per_register_max)),
            tls,
            metrics: Arc::default(),
            mailbox: None,
            draining: CancellationToken::new(),
            cut: CancellationToken::new(),
            config,
        })
    }

    /// The same relay, which keeps in `mailbox` what waits for agents.
    #[must_use]
    pub fn with_mailbox(self, mailbox: Mailbox) -> Self {
        Self {
            mailbox: Some(mailbox),
            ..self
        }
    }

    /// What the relay counts.
    pub fn metrics(&self) -> Arc<RelayMetrics> {
        self.metrics.clone()
    }

    /// Serves until `shutdown`, then drains: parked agents are told to go elsewhere, and splices
    /// have the configured time to end.
    pub async fn serve(self, listener: impl Accept, shutdown: CancellationToken) {
        let relay = Arc::new(self);
        // Whoever drops this future ends the sessions as well.
        let _cut_if_dropped = relay.cut.clone().drop_guard();
        let sessions = TaskTracker::new();
        // Biased towards shutdown: a crowd at the door does not hold up the end.
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = accept_forever(&relay, listener, &sessions) => {}
        }
        tracing::info!(sessions = sessions.len(), "relay drains");
        relay.draining.cancel();
        sessions.close();
        if timeout(relay.config.limits.drain_max, sessions.wait())
            .await
            .is_err()
        {
            relay.cut.cancel();
            sessions.wait().await;
        }
        tracing::info!("relay ended");
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Parked>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a relay until `shutdown`. The same as [`Relay::new`] and [`Relay::serve`].
pub async fn run(
    config: RelayConfig,
    listener: impl Accept,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<(), StartRelayError> {
    Relay::new(config, &clock)?.serve(listener, shutdown).await;
    Ok(())
}

async fn accept_forever(relay: &Arc<Relay>, mut listener: impl Accept, sessions: &TaskTracker) {
    let limits = &relay.config.limits;
    let handshakes = Arc::new(Semaphore::new(limits.handshakes_at_once_max));
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let mut pace = Pace::new(limits.connections_per_second_max, Instant::now());
    loop {
        // Taken before accepting, so that a crowd waits in the kernel and not in our memory.
        let Ok(handshake) = handshakes.clone().acquire_owned().await else {
            return;
        };
        let (io, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                relay.metrics.count(RelayEvent::AcceptFailed);
                tracing::warn!(%error, "connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let wait = pace.take(Instant::now());
        if !wait.is_zero() {
            relay.metrics.count(RelayEvent::Paced);
            sleep(wait).await;
        }
        let Ok(connection) = connections.clone().try_acquire_owned() else {
            relay.metrics.count(RelayEvent::OverConnectionLimit);
            continue;
        };
        relay.metrics.count(RelayEvent::Accepted);
        let relay = relay.clone();
        sessions.spawn(async move {
            let _open = relay.metrics.open_connection();
            let session = Box::pin(session::serve(&relay, io, from, handshake));
            if relay.cut.run_until_cancelled(session).await.is_none() {
                relay.metrics.count(RelayEvent::Cut);
            }
            drop::<OwnedSemaphorePermit>(connection);
        });
    }
}

/// An agent's or gateway's connection, after the outer handshake.
type OuterStream = tokio_rustls::server::TlsStream<BoxedIo>;
