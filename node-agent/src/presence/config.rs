//! The `[presence]` section and the pinned gateways.

use std::collections::{BTreeMap, BTreeSet};

use innsyn_proto::identity::{GatewayName, PublicKeyPin};
use innsyn_proto::tunnel::RelayAddress;
use serde::Deserialize;

/// Relays that one agent may park at.
const RELAYS_MAX: usize = 16;
/// Spares that one agent may keep at one relay.
const SPARES_MAX: usize = 16;

/// Where the agent is present; checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PresenceSection")]
pub struct PresenceConfig {
    /// The relays, at least one.
    pub relays: Vec<RelayAddress>,
    /// Idle connections kept at each relay. No more than the relay's own limit.
    pub spares: usize,
    /// Gateways whose inner handshake may be under way at once.
    pub handshakes_at_once_max: usize,
}

/// Why the section is not a presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PresenceConfigError {
    /// Too few or too many relays.
    #[error("`relays` has {0} entries; it must have 1 to {RELAYS_MAX}")]
    Relays(usize),
    /// Too few or too many spares.
    #[error("`spares` is {0}; it must be 1 to {SPARES_MAX}")]
    Spares(usize),
    /// No handshake at all.
    #[error("`handshakes_at_once_max` is 0; it must be at least 1")]
    NoHandshakes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresenceSection {
    relays: Vec<RelayAddress>,
    #[serde(default = "default_spares")]
    spares: usize,
    #[serde(default = "default_handshakes")]
    handshakes_at_once_max: usize,
}

const fn default_spares() -> usize {
    2
}

const fn default_handshakes() -> usize {
    8
}

impl TryFrom<PresenceSection> for PresenceConfig {
    type Error = PresenceConfigError;

    fn try_from(section: PresenceSection) -> Result<Self, PresenceConfigError> {
        if !(1..=RELAYS_MAX).contains(&section.relays.len()) {
            return Err(PresenceConfigError::Relays(section.relays.len()));
        }
        if !(1..=SPARES_MAX).contains(&section.spares) {
            return Err(PresenceConfigError::Spares(section.spares));
        }
        if section.handshakes_at_once_max == 0 {
            return Err(PresenceConfigError::NoHandshakes);
        }
        Ok(Self {
            relays: section.relays,
            spares: section.spares,
            handshakes_at_once_max: section.handshakes_at_once_max,
        })
    }
}

/// The gateways this agent serves: each by its name, with the public keys it may have (more than
/// one while a key is being replaced). Nobody else is served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<GatewayName, BTreeSet<PublicKeyPin>>")]
pub struct PinnedGateways(BTreeMap<GatewayName, BTreeSet<PublicKeyPin>>);

/// Why a list of gateways cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinnedGatewaysError {
    /// Nobody would be served.
    #[error("no gateway is pinned, so nobody would be served; name at least one")]
    Nobody,
    /// A gateway without a key.
    #[error("gateway `{0}` has no public key; write at least one `sha256:…`")]
    NoPin(GatewayName),
}

impl PinnedGateways {
    /// Whether a gateway with this name and key is served.
    pub fn admits(&self, name: &GatewayName, pin: &PublicKeyPin) -> bool {
        self.0.get(name).is_some_and(|pins| pins.contains(pin))
    }
}

impl TryFrom<BTreeMap<GatewayName, BTreeSet<PublicKeyPin>>> for PinnedGateways {
    type Error = PinnedGatewaysError;

    fn try_from(
        gateways: BTreeMap<GatewayName, BTreeSet<PublicKeyPin>>,
    ) -> Result<Self, PinnedGatewaysError> {
        if gateways.is_empty() {
            return Err(PinnedGatewaysError::Nobody);
        }
        match gateways.iter().find(|(_, pins)| pins.is_empty()) {
            Some((name, _)) => Err(PinnedGatewaysError::NoPin(name.clone())),
            None => Ok(Self(gateways)),
        }
    }
}
