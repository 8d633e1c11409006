//! The `[relay]` section of the broker's configuration.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use innsyn_policy::RegisterId;
use innsyn_policy::register::ParseRegisterIdError;
use innsyn_proto::identity::{GatewayName, ParseNameError, ParsePinError, PublicKeyPin};
use serde::Deserialize;

use super::mailbox::MailboxConfig;

/// How a relay is set up; checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RelaySection")]
pub struct RelayConfig {
    /// Where agents and gateways dial.
    pub listen: SocketAddr,
    /// Where the operator finds health and metrics; nowhere if absent.
    pub status_listen: Option<SocketAddr>,
    /// The relay's certificate, PEM, issued by the relay CA.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The CA that signs nodes and gateways, PEM.
    pub federation_ca: PathBuf,
    /// The gateways that are let through.
    pub gateways: Vec<GatewayEntry>,
    /// The registers that are served; `None` means every one with a good certificate.
    pub registers: Option<BTreeSet<RegisterId>>,
    /// Where items for agents wait; nowhere if absent.
    pub mailbox: Option<MailboxConfig>,
    /// Bounds.
    pub limits: RelayLimits,
}

/// A gateway that is let through: by its name, or more strictly by its public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEntry {
    /// Whoever has a good certificate with this name.
    Name(GatewayName),
    /// Whoever has this key.
    Pin(PublicKeyPin),
}

/// Why the section is not a relay's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayConfigError {
    /// An entry of `gateways`.
    #[error("`{text}` in `gateways` is no gateway's name")]
    Gateway {
        /// The entry.
        text: String,
        /// What was wrong.
        source: ParseNameError,
    },
    /// An entry of `gateways` that begins like a pin.
    #[error("`{text}` in `gateways` is no public-key pin")]
    Pin {
        /// The entry.
        text: String,
        /// What was wrong.
        source: ParsePinError,
    },
    /// An entry of `registers`.
    #[error("`{text}` in `registers` is no register id")]
    Register {
        /// The entry.
        text: String,
        /// What was wrong.
        source: ParseRegisterIdError,
    },
    /// No gateway at all, so that the relay would serve nobody.
    #[error("`gateways` is empty, so nobody could use this relay; name at least one")]
    NoGateway,
    /// A limit of 0, which would stop everything.
    #[error("`{0}` is 0; it must be at least 1")]
    Zero(&'static str),
}

/// Bounds on what a relay does at once and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayLimits {
    /// Open connections of any kind; two for each splice.
    pub connections_max: usize,
    /// New connections per second, averaged over a second; more wait in the kernel.
    pub connections_per_second_max: u32,
    /// Connections that have not said what they want yet.
    pub handshakes_at_once_max: usize,
    /// How long a connection may take to say what it wants, TLS included.
    pub handshake_timeout: Duration,
    /// Idle connections kept for one register.
    pub parked_per_register_max: usize,
    /// Time between pings on a parked connection.
    pub ping_interval: Duration,
    /// How long a parked agent may take to answer.
    pub answer_timeout: Duration,
    /// How long a splice lives on after one side has said its last.
    pub half_closed_max: Duration,
    /// How long splices may go on when the relay is told to stop.
    pub drain_max: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        LimitsSection::default().into()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelaySection {
    listen: SocketAddr,
    status_listen: Option<SocketAddr>,
    certificate: PathBuf,
    key: PathBuf,
    federation_ca: PathBuf,
    gateways: Vec<String>,
    registers: Option<Vec<String>>,
    mailbox: Option<MailboxConfig>,
    #[serde(default)]
    limits: LimitsSection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsSection {
    connections_max: usize,
    connections_per_second_max: u32,
    handshakes_at_once_max: usize,
    handshake_timeout_ms: u64,
    parked_per_register_max: usize,
    ping_interval_ms: u64,
    answer_timeout_ms: u64,
    half_closed_max_ms: u64,
    drain_max_ms: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            connections_per_second_max: 2_000,
            handshakes_at_once_max: 256,
            handshake_timeout_ms: 5_000,
            parked_per_register_max: 4,
            ping_interval_ms: 15_000,
            answer_timeout_ms: 2_000,
            half_closed_max_ms: 5_000,
            drain_max_ms: 10_000,
        }
    }
}

impl From<LimitsSection> for RelayLimits {
    fn from(section: LimitsSection) -> Self {
        Self {
            connections_max: section.connections_max,
            connections_per_second_max: section.connections_per_second_max,
            handshakes_at_once_max: section.handshakes_at_once_max,
            handshake_timeout: Duration::from_millis(section.handshake_timeout_ms),
            parked_per_register_max: section.parked_per_register_max,
            ping_interval: Duration::from_millis(section.ping_interval_ms),
            answer_timeout: Duration::from_millis(section.answer_timeout_ms),
            half_closed_max: Duration::from_millis(section.half_closed_max_ms),
            drain_max: Duration::from_millis(section.drain_max_ms),
        }
    }
}

impl TryFrom<RelaySection> for RelayConfig {
    type Error = RelayConfigError;

    fn try_from(section: RelaySection) -> Result<Self, RelayConfigError> {
        let limits = &section.limits;
        for (name, is_zero) in [
            ("connections_max", limits.connections_max == 0),
            (
                "connections_per_second_max",
                limits.connections_per_second_max == 0,
            ),
            ("handshakes_at_once_max", limits.handshakes_at_once_max == 0),
            ("handshake_timeout_ms", limits.handshake_timeout_ms == 0),
            (
                "parked_per_register_max",
                limits.parked_per_register_max == 0,
            ),
            ("ping_interval_ms", limits.ping_interval_ms == 0),
            ("answer_timeout_ms", limits.answer_timeout_ms == 0),
        ] {
            if is_zero {
                return Err(RelayConfigError::Zero(name));
            }
        }
        if section.gateways.is_empty() {
            return Err(RelayConfigError::NoGateway);
        }
        let gateways = section.gateways.into_iter().map(gateway_entry);
        let registers = section
            .registers
            .map(|registers| registers.into_iter().map(register).collect());
        Ok(Self {
            listen: section.listen,
            status_listen: section.status_listen,
            certificate: section.certificate,
            key: section.key,
            federation_ca: section.federation_ca,
            gateways: gateways.collect::<Result<_, _>>()?,
            registers: registers.transpose()?,
            mailbox: section.mailbox,
            limits: section.limits.into(),
        })
    }
}

fn gateway_entry(text: String) -> Result<GatewayEntry, RelayConfigError> {
    if text.starts_with("sha256:") {
        let pin = text.parse().map(GatewayEntry::Pin);
        pin.map_err(|source| RelayConfigError::Pin { text, source })
    } else {
        let name = text.parse().map(GatewayEntry::Name);
        name.map_err(|source| RelayConfigError::Gateway { text, source })
    }
}

fn register(text: String) -> Result<RegisterId, RelayConfigError> {
    RegisterId::parse(&text).map_err(|source| RelayConfigError::Register { text, source })
}
