//! A gateway's connection as tonic sees it, and who the gateway is.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use innsyn_proto::identity::{GatewayName, PublicKeyPin};
use innsyn_proto::tunnel::BoxedIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_rustls::{client, server};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// A gateway that has proved who it is, and that this agent has pinned. A handler finds it among
/// a request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The gateway's name.
    pub gateway: GatewayName,
    /// The public key it proved to have.
    pub pin: PublicKeyPin,
}

/// An open connection to a pinned gateway: inner TLS, in outer TLS, in whatever was dialled.
#[derive(Debug)]
pub struct Tunnelled<I = OuterStream> {
    io: Box<server::TlsStream<I>>,
    peer: Peer,
}

pub(super) type OuterStream = client::TlsStream<BoxedIo>;

impl<I> Tunnelled<I> {
    pub(super) fn new(io: server::TlsStream<I>, peer: Peer) -> Self {
        Self {
            io: Box::new(io),
            peer,
        }
    }

    /// Who the gateway is.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// The connections in `arrivals`, in the form that `serve_with_incoming` takes.
pub fn incoming<I>(
    arrivals: mpsc::Receiver<Tunnelled<I>>,
) -> impl Stream<Item = Result<Tunnelled<I>, Infallible>> {
    ReceiverStream::new(arrivals).map(Ok)
}

impl<I> Connected for Tunnelled<I> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tunnelled<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tunnelled<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
