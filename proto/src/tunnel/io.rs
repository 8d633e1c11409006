//! The seam to the network: who dials, who listens. TCP here, a simulated network in tests.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait in the kernel to be accepted. After a relay restarts, every agent of
/// the country dials within seconds.
const BACKLOG: u32 = 4096;

/// A peer that vanished without a word (power, cable, NAT) is noticed after about a minute.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(30))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

/// About the longest TLS record.
const RECORD_BYTES: usize = 16 << 10;

/// A connection of whatever kind.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A connection of whatever kind, behind a pointer. Vectored writes go through.
pub type BoxedIo = Box<dyn Io>;

impl fmt::Debug for dyn Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Io")
    }
}

/// Reaches relays.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Connects to `address` (`host:port`).
    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedIo>>;
}

/// Is reached by agents and gateways.
pub trait Accept: Send + 'static {
    /// Waits for the next connection. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(BoxedIo, SocketAddr)>> + Send;
}

/// Dials with TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialler;

impl Dial for TcpDialler {
    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedIo>> {
        Box::pin(async move { tuned(TcpStream::connect(address).await?) })
    }
}

/// Listens with TCP.
#[derive(Debug)]
pub struct TcpRelayListener(TcpListener);

impl TcpRelayListener {
    /// Listens at `address`, with room for a whole country that reconnects.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self(socket.listen(BACKLOG)?))
    }

    /// Where it listens; tells the port if 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Accept for TcpRelayListener {
    async fn accept(&mut self) -> io::Result<(BoxedIo, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        Ok((tuned(stream)?, from))
    }
}

/// Without `TCP_NODELAY` a listing takes 50 ms instead of 2; without a buffer, TLS asks the
/// kernel for 4 KiB at a time.
fn tuned(stream: TcpStream) -> io::Result<BoxedIo> {
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE)?;
    Ok(Box::new(BufReader::with_capacity(RECORD_BYTES, stream)))
}

/// Where a relay is, and the name that its certificate must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "RelayAddressSection")]
pub struct RelayAddress {
    /// `host:port`.
    pub address: String,
    /// The name in the certificate; the host of `address` unless the configuration says otherwise.
    pub server_name: ServerName<'static>,
}

/// The text is not a relay's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayAddressError {
    /// Not `host:port`.
    #[error("`{0}` is not a relay's address; write `host:port`")]
    NotHostPort(String),
    /// Neither a host name nor an IP address.
    #[error("`{0}` is neither a host name nor an IP address")]
    NotAName(String),
}

impl RelayAddress {
    /// Checks an address, and the certificate's name if it is not the address' host.
    pub fn new(address: &str, server_name: Option<&str>) -> Result<Self, RelayAddressError> {
        let host = address
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map(|(host, _)| host.trim_matches(['[', ']']))
            .ok_or_else(|| RelayAddressError::NotHostPort(address.to_owned()))?;
        let name = server_name.unwrap_or(host);
        Ok(Self {
            address: address.to_owned(),
            server_name: ServerName::try_from(name.to_owned())
                .map_err(|_| RelayAddressError::NotAName(name.to_owned()))?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelayAddressSection {
    address: String,
    server_name: Option<String>,
}

impl TryFrom<RelayAddressSection> for RelayAddress {
    type Error = RelayAddressError;

    fn try_from(section: RelayAddressSection) -> Result<Self, RelayAddressError> {
        Self::new(&section.address, section.server_name.as_deref())
    }
}
