//! The gateway's side: through the relay to one register's agent.

use std::io;
use std::time::Duration;

use innsyn_policy::RegisterId;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::io::{BoxedIo, Dial, RelayAddress};
use super::word::{Hello, Refusal, TunnelError, Word};
use crate::identity::{Identity, IdentityError};
use crate::tls::{GatewayTls, TlsFault, peer_certificate};

/// A connection to an agent: inner TLS in outer TLS in whatever was dialled.
pub type InnerStream = TlsStream<TlsStream<BoxedIo>>;

/// Why a gateway does not get through to an agent. Each is somebody else's to repair.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, or the network is down.
    #[error("the relay cannot be reached")]
    RelayUnreachable(#[source] io::Error),
    /// The outer handshake failed.
    #[error("no TLS with the relay: {0}")]
    OuterTls(TlsFault),
    /// The relay answered, with no.
    #[error("the relay refused: {0}")]
    Refused(Refusal),
    /// The relay does not speak as it should.
    #[error("the relay does not keep to the tunnel's words")]
    Tunnel(#[source] TunnelError),
    /// The inner handshake failed.
    #[error("no TLS with the agent: {0}")]
    InnerTls(TlsFault),
    /// The other end proved to be somebody else.
    #[error("the other end is `{0}` and not the register asked for")]
    WrongNode(Identity),
    /// The other end's certificate names nobody.
    #[error("the other end's certificate is not for Innsyn")]
    NoIdentity(#[from] IdentityError),
    /// All of it took too long.
    #[error("no connection to the agent within {0:?}")]
    TimedOut(Duration),
}

impl ConnectError {
    /// Whether the cause lies between us and the relay, so that another relay may do better.
    pub const fn another_relay_may_help(&self) -> bool {
        !matches!(self, Self::InnerTls(_) | Self::WrongNode(_))
    }
}

/// Connects to the agent of `register` through `relay`, within `bound`.
///
/// What is returned has been proved end to end to be that register's agent. The agent may still
/// not want this gateway; it then closes the connection before it answers anything.
pub async fn connect_to_node(
    dialler: &dyn Dial,
    relay: &RelayAddress,
    tls: &GatewayTls,
    register: &RegisterId,
    bound: Duration,
) -> Result<InnerStream, ConnectError> {
    let connected = Box::pin(connect(dialler, relay, tls, register));
    timeout(bound, connected)
        .await
        .unwrap_or(Err(ConnectError::TimedOut(bound)))
}

async fn connect(
    dialler: &dyn Dial,
    relay: &RelayAddress,
    tls: &GatewayTls,
    register: &RegisterId,
) -> Result<InnerStream, ConnectError> {
    let io = dialler
        .dial(&relay.address)
        .await
        .map_err(ConnectError::RelayUnreachable)?;
    let mut outer = TlsConnector::from(tls.outer.clone())
        .connect(relay.server_name.clone(), io)
        .await
        .map_err(|error| ConnectError::OuterTls(TlsFault::of(&error)))?;
    ask_for(&mut outer, register).await?;
    prove_node(outer, tls, register).await
}

/// The inner layer over `io`: proves that the other end is the agent of `register`.
pub async fn prove_node<I>(
    io: I,
    tls: &GatewayTls,
    register: &RegisterId,
) -> Result<TlsStream<I>, ConnectError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let node = Identity::Node(register.clone());
    // A register id whose name cannot stand in a certificate has no agent either.
    let name = node
        .dns_name()
        .and_then(|name| ServerName::try_from(name).ok())
        .ok_or(ConnectError::InnerTls(TlsFault::WrongName))?;
    let inner = TlsConnector::from(tls.inner.clone())
        .connect(name, io)
        .await
        .map_err(|error| ConnectError::InnerTls(TlsFault::of(&error)))?;
    let identity = peer_certificate(inner.get_ref().1)?.identity;
    if identity != node {
        return Err(ConnectError::WrongNode(identity));
    }
    Ok(inner)
}

/// Speaks the gateway's words; returns when the next byte reaches the agent.
pub async fn ask_for<I>(io: &mut I, register: &RegisterId) -> Result<(), ConnectError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let answer = async {
        io.write_all(&Hello::Connect(register.clone()).encode())
            .await?;
        io.flush().await?;
        Word::read(io).await
    };
    match answer.await {
        Ok(Word::Go) => Ok(()),
        Ok(Word::Refused(refusal)) => Err(ConnectError::Refused(refusal)),
        Ok(_) => Err(ConnectError::Tunnel(TunnelError::Malformed)),
        // In TLS 1.3 a client learns only here that the server did not like its certificate.
        Err(TunnelError::Broken(error)) => Err(ConnectError::OuterTls(TlsFault::of(&error))),
        Err(error) => Err(ConnectError::Tunnel(error)),
    }
}
