//! One connection to a relay: dial and park it, then prove who comes through it.

use std::io;
use std::time::Duration;

use innsyn_proto::identity::{GatewayName, Identity, IdentityError, PublicKeyPin};
use innsyn_proto::tls::{AgentTls, TlsFault, peer_certificate};
use innsyn_proto::tunnel::agent::{self, Summons};
use innsyn_proto::tunnel::{Dial, Refusal, RelayAddress, TunnelError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::config::PinnedGateways;
use super::tunnelled::{OuterStream, Peer, Tunnelled};
use super::{HANDSHAKE_TIMEOUT, PARK_TIMEOUT, SILENCE_MAX};

/// Why a connection is not, or no longer, parked at a relay.
#[derive(Debug, thiserror::Error)]
pub enum SpareError {
    /// Nobody listens there, or the network is down.
    #[error("the relay cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// The outer handshake failed.
    #[error("no TLS with the relay: {0}")]
    Tls(TlsFault),
    /// The relay answered, with no.
    #[error("the relay refused: {0}")]
    Refused(Refusal),
    /// The relay's words make no sense, or the connection broke.
    #[error("{0}")]
    Tunnel(#[source] TunnelError),
    /// It took too long.
    #[error("not parked within {0:?}")]
    TimedOut(Duration),
}

/// Tries whether a connection could be parked at `relay`, and lets it go again. For `check`.
pub async fn try_relay(
    dialler: &dyn Dial,
    relay: &RelayAddress,
    tls: &AgentTls,
) -> Result<(), SpareError> {
    park(dialler, relay, tls).await.map(drop)
}

/// Dials `relay` and parks the connection there.
pub(super) async fn park(
    dialler: &dyn Dial,
    relay: &RelayAddress,
    tls: &AgentTls,
) -> Result<Box<OuterStream>, SpareError> {
    let parked = async {
        let io = dialler
            .dial(&relay.address)
            .await
            .map_err(SpareError::Unreachable)?;
        let outer = TlsConnector::from(tls.outer.clone())
            .connect(relay.server_name.clone(), io)
            .await
            .map_err(|error| SpareError::Tls(TlsFault::of(&error)))?;
        let mut outer = Box::new(outer);
        match agent::park(&mut outer, PARK_TIMEOUT).await {
            Ok(()) => Ok(outer),
            Err(TunnelError::Refused(refusal)) => Err(SpareError::Refused(refusal)),
            // In TLS 1.3 a client learns only here that the server did not like its certificate.
            Err(TunnelError::Broken(error)) => Err(SpareError::Tls(TlsFault::of(&error))),
            Err(error) => Err(SpareError::Tunnel(error)),
        }
    };
    timeout(PARK_TIMEOUT, Box::pin(parked))
        .await
        .unwrap_or(Err(SpareError::TimedOut(PARK_TIMEOUT)))
}

/// Waits on a parked connection until a gateway comes or the relay drains.
pub(super) async fn wait(io: &mut OuterStream) -> Result<Summons, SpareError> {
    agent::wait(io, SILENCE_MAX)
        .await
        .map_err(SpareError::Tunnel)
}

/// Why a gateway that came is not served.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The relay or the gateway was gone before the handshake began.
    #[error("the gateway was gone before it was taken")]
    Gone(#[source] TunnelError),
    /// The inner handshake failed.
    #[error("no TLS with the gateway: {0}")]
    Tls(TlsFault),
    /// The inner handshake took too long.
    #[error("no TLS with the gateway within {0:?}")]
    TimedOut(Duration),
    /// Its certificate names nobody.
    #[error("the gateway's certificate is not for Innsyn")]
    NoIdentity(#[from] IdentityError),
    /// It is a node, with a good certificate, that poses as a gateway.
    #[error("`{0}` is not a gateway")]
    NotAGateway(Identity),
    /// It is a gateway that this agent's configuration does not name with this key.
    #[error("gateway `{name}` is not pinned with key {pin}")]
    NotPinned {
        /// The gateway.
        name: GatewayName,
        /// Its key.
        pin: PublicKeyPin,
    },
}

/// Takes the gateway that has come, and finds out who it is.
pub(super) async fn welcome(
    mut io: Box<OuterStream>,
    tls: &AgentTls,
    gateways: &PinnedGateways,
) -> Result<Tunnelled, Refused> {
    agent::accept(&mut io, HANDSHAKE_TIMEOUT)
        .await
        .map_err(Refused::Gone)?;
    prove_gateway(*io, tls, gateways).await
}

/// The inner layer over `io`: proves that the other end is one of `gateways`.
pub async fn prove_gateway<I>(
    io: I,
    tls: &AgentTls,
    gateways: &PinnedGateways,
) -> Result<Tunnelled<I>, Refused>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = TlsAcceptor::from(tls.inner.clone()).accept(io);
    let inner = timeout(HANDSHAKE_TIMEOUT, Box::pin(handshake))
        .await
        .map_err(|_| Refused::TimedOut(HANDSHAKE_TIMEOUT))?
        .map_err(|error| Refused::Tls(TlsFault::of(&error)))?;
    let certificate = peer_certificate(inner.get_ref().1)?;
    match certificate.identity {
        Identity::Gateway(name) if gateways.admits(&name, &certificate.pin) => {
            let peer = Peer {
                gateway: name,
                pin: certificate.pin,
            };
            Ok(Tunnelled::new(inner, peer))
        }
        Identity::Gateway(name) => Err(Refused::NotPinned {
            name,
            pin: certificate.pin,
        }),
        other => Err(Refused::NotAGateway(other)),
    }
}
