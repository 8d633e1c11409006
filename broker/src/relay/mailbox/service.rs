//! The mailbox's gRPC service over one connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use innsyn_policy::RegisterId;
use innsyn_proto::sealing::ItemKind;
use innsyn_proto::wire::relay::v1::mailbox_service_server::{MailboxService, MailboxServiceServer};
use innsyn_proto::wire::relay::v1::{
    CollectRequest, CollectResponse, DepositRequest, DepositResponse, Deposited, MailboxItem,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

use super::pacing::Pacing;
use super::{BOX_ITEMS_MAX, Inner, MailboxPeer, MailboxStoreError, NAME_BYTES};
use crate::relay::OuterStream;

/// Items of one deposit: registers that one gateway may serve.
const DEPOSIT_ITEMS_MAX: usize = 10_000;
/// The largest deposit, in bytes.
const DEPOSIT_BYTES_MAX: usize = 32 << 20;
/// Boxes are looked at for what is too much once in so many deposits.
const TRIM_EVERY: u64 = 1_024;
/// Items that are sent to an agent at a time.
const COLLECT_ITEMS: i64 = 64;
/// How often an idle peer is asked whether it is there, and how long it may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Serves `peer` behind `io` until it leaves or the relay drains.
pub(super) async fn serve(
    inner: Arc<Inner>,
    io: Box<OuterStream>,
    peer: MailboxPeer,
    draining: CancellationToken,
) {
    let service = MailboxServiceServer::new(Service {
        inner,
        peer,
        draining: draining.clone(),
    })
    .max_decoding_message_size(DEPOSIT_BYTES_MAX);
    // The stream never ends by itself, so that the server lives as long as its one connection.
    let (ended, mut end) = watch::channel(());
    let io = One { io, _ended: ended };
    let connection = stream::once(async { Ok::<_, io::Error>(io) }).chain(stream::pending());
    let gone = async move {
        tokio::select! {
            // An error says that the connection, which holds the sender, is gone.
            _ = end.wait_for(|()| false) => {}
            () = draining.cancelled() => {}
        }
    };
    let served = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_service(service)
        .serve_with_incoming_shutdown(connection, gone)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "mailbox connection broke");
    }
}

struct Service {
    inner: Arc<Inner>,
    peer: MailboxPeer,
    draining: CancellationToken,
}

#[tonic::async_trait]
impl MailboxService for Service {
    async fn deposit(
        &self,
        request: Request<DepositRequest>,
    ) -> Result<Response<DepositResponse>, Status> {
        if self.peer != MailboxPeer::Gateway {
            return Err(Status::permission_denied("only gateways deposit"));
        }
        let items = request.into_inner().items;
        if items.len() > DEPOSIT_ITEMS_MAX {
            return Err(Status::invalid_argument(format!(
                "a deposit has at most {DEPOSIT_ITEMS_MAX} items"
            )));
        }
        let items = read(items).ok_or_else(|| {
            Status::invalid_argument(
                "an item has a register, a name of 16 bytes and 4096 or 16384 sealed ones, as \
                 many as all others of its deposit",
            )
        })?;
        self.inner.boxes.deposit(&items).await.map_err(told)?;
        let deposits = self.inner.deposits.fetch_add(1, Ordering::Relaxed);
        if deposits.is_multiple_of(TRIM_EVERY) {
            let registers: Vec<_> = items.iter().map(|(register, ..)| register).collect();
            let trimmed = self.inner.boxes.trim(&registers, BOX_ITEMS_MAX).await;
            trimmed.map_err(told)?;
        }
        self.inner
            .news
            .send_modify(|news| *news = news.wrapping_add(1));
        Ok(Response::new(DepositResponse {}))
    }

    type CollectStream = BoxStream<'static, Result<CollectResponse, Status>>;

    async fn collect(
        &self,
        request: Request<Streaming<CollectRequest>>,
    ) -> Result<Response<Self::CollectStream>, Status> {
        let MailboxPeer::Node(register) = self.peer.clone() else {
            return Err(Status::permission_denied("only agents collect"));
        };
        let collecting = Collecting {
            inner: Arc::clone(&self.inner),
            news: self.inner.news.subscribe(),
            register,
            taken: request.into_inner(),
            after: 0,
            pacing: Pacing::default(),
            draining: self.draining.clone(),
        };
        let items = stream::unfold(Some(collecting), async |collecting| {
            let mut collecting = collecting?;
            match collecting.next().await {
                Ok(Some(response)) => Some((Ok(response), Some(collecting))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        });
        Ok(Response::new(items.boxed()))
    }
}

/// One agent that collects.
struct Collecting {
    inner: Arc<Inner>,
    news: watch::Receiver<u64>,
    register: RegisterId,
    taken: Streaming<CollectRequest>,
    /// The number of the last item that was sent.
    after: i64,
    pacing: Pacing,
    draining: CancellationToken,
}

impl Collecting {
    /// The next items, when there are any; `None` when the agent leaves or the relay drains.
    async fn next(&mut self) -> Result<Option<CollectResponse>, Status> {
        loop {
            self.pacing.rest().await;
            // Marked before looking, so that what comes while we look is looked for again.
            self.news.mark_unchanged();
            let boxes = &self.inner.boxes;
            let waiting = boxes
                .collect(&self.register, self.after, COLLECT_ITEMS)
                .await;
            let waiting: VecDeque<_> = waiting.map_err(told)?.into();
            if let Some(last) = waiting.back() {
                self.after = last.number;
                let items = waiting.into_iter().map(|waiting| MailboxItem {
                    name: Bytes::copy_from_slice(&waiting.name),
                    sealed: waiting.sealed.into(),
                });
                return Ok(Some(CollectResponse {
                    items: items.collect(),
                }));
            }
            self.pacing.was_empty();
            loop {
                tokio::select! {
                    _ = self.news.changed() => break,
                    () = self.draining.cancelled() => return Ok(None),
                    taken = self.taken.message() => match taken? {
                        Some(taken) => self.forget(&taken).await?,
                        None => return Ok(None),
                    },
                }
            }
        }
    }

    async fn forget(&self, taken: &CollectRequest) -> Result<(), Status> {
        let names = taken
            .taken
            .iter()
            .filter_map(|name| <[u8; NAME_BYTES]>::try_from(&**name).ok());
        let taken = names.map(|name| (self.register.clone(), name)).collect();
        let forgotten = self.inner.forgetting.send(taken).await;
        forgotten.map_err(|_| Status::unavailable("the mailbox ends"))
    }
}

/// For whom an item is, its name, and what is sealed.
pub(super) type Item = (RegisterId, [u8; NAME_BYTES], Vec<u8>);

/// The items of one deposit, which are all of one size.
pub(super) fn read(items: Vec<Deposited>) -> Option<Vec<Item>> {
    let first = items.first().and_then(|deposited| deposited.item.as_ref());
    let kind = first.and_then(|item| ItemKind::of(&item.sealed));
    let read = items.into_iter().map(|deposited| {
        let item = deposited.item?;
        let register = RegisterId::parse(&deposited.register_id).ok()?;
        let name = <[u8; NAME_BYTES]>::try_from(&*item.name).ok()?;
        let alike = kind.is_some() && ItemKind::of(&item.sealed) == kind;
        alike.then(|| (register, name, item.sealed.to_vec()))
    });
    read.collect()
}

/// What the peer is told; the log of the relay has the whole of it.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn told(error: MailboxStoreError) -> Status {
    tracing::error!(error = &error as &dyn std::error::Error, "mailbox fails");
    Status::unavailable("the mailbox cannot be read or written now")
}

/// The one connection of a server.
struct One {
    io: Box<OuterStream>,
    /// Dropped with it.
    _ended: watch::Sender<()>,
}

impl Connected for One {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for One {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for One {
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
