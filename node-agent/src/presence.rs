//! The agent's presence at its relays.
//!
//! An agent dials out and keeps a few idle connections, *spares*, parked at every relay; a relay
//! never dials in. When a gateway asks for this register, the relay splices one spare to it, and
//! the agent parks another.
//!
//! ```text
//!   dialling ──parked──▶ parked ──gateway──▶ inner TLS ──pinned──▶ served (tonic has it)
//!      ▲                   │                     └── refused, counted
//!      └──────back-off─────┴── relay drains, dies or falls silent
//! ```
//!
//! What holds:
//!
//! - **Never more than the configured spares** dialling or parked at a relay; exactly so many at
//!   one that is well, and one attempt at a time at one that is not.
//! - **A parked connection carries no authority.** Who the gateway is, is proved end to end inside
//!   the splice; a gateway whose public key this agent's own configuration does not name is served
//!   nothing, whatever a CA has signed.
//! - **A dead relay is noticed** after [`SILENCE_MAX`] without a ping, half-open or not.
//! - **One relay's trouble is its own.** Relays share nothing here but the limit on handshakes.
//!
//! The rules live in [`Presence`], which does no I/O and is told the time. [`keep`] owns the tasks,
//! feeds it [`Event`]s and carries out the [`Action`]s it returns.

use std::time::Duration;

pub use config::{PinnedGateways, PinnedGatewaysError, PresenceConfig, PresenceConfigError};
pub use driver::{PresenceParts, keep};
pub use rules::{Action, Event, Presence, RelayIndex};
pub use spare::{Refused, SpareError, prove_gateway, try_relay};
pub use status::{PresenceCounters, PresenceStatus, RelayStatus};
pub use tunnelled::{Peer, Tunnelled, incoming};

mod config;
mod driver;
mod rules;
mod spare;
mod status;
#[cfg(test)]
mod tests;
mod tunnelled;

/// A parked relay that has not pinged for this long is dead. Relays ping every 15 s.
pub const SILENCE_MAX: Duration = Duration::from_secs(40);
/// How long dialling, the outer handshake and parking may take together.
pub const PARK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the inner handshake may take, from the gateway's arrival to its hand-over.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest wait before a relay is tried again; doubles up to [`BACKOFF_MAX`].
pub const BACKOFF_MIN: Duration = Duration::from_millis(25);
/// The longest wait before a relay is tried again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(1);
