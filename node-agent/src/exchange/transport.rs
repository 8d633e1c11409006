//! The sockets: AMQP 1.0 over TLS, with a broker that comes and goes.
//!
//! ```text
//!   dial ──▶ SASL PLAIN ──▶ session ──▶ one receiver per queue, one sender per target
//!    ▲                                       │
//!    └──────────── backoff ◀── anything ends ┘
//! ```
//!
//! What holds: **a message is settled by what the desk said, after it said it**; one whose
//! settlement is lost with the connection comes again, and the desk knows it. Nothing here decides
//! anything about a message.

mod dial;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::link::delivery::DeliveryInfo;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::messaging::{Body, Outcome, Source};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Receiver, Sender, Session};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Post, PostError, Queue, Settlement, Wire};
use super::envelope::ENVELOPE_BYTES_MAX;
use super::{Dialect, HerId, QueueName};

pub(super) use dial::{Broker, Tls};

/// Messages that a queue may have under way to us at once.
const CREDIT: u32 = 25;
/// The largest message that is taken, headers included.
const MESSAGE_BYTES_MAX: u64 = ENVELOPE_BYTES_MAX as u64 + (64 << 10);
/// The first wait before the broker is dialled again; it doubles.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long the broker may take to say that it has a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the broker may take to open the queues.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages that may wait to be sent at once.
const DIRECT_MAX: usize = 16;
/// How often the outbox is looked at without being told of anything new.
const LOOK: Duration = Duration::from_secs(5);
/// How often old records are looked after.
const LOOK_AFTER: Duration = Duration::from_mins(10);
/// Targets that a link is kept open to.
const SENDERS_MAX: usize = 32;
/// How long the broker may take to hear that we leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How a queue is served.
#[derive(Debug, Clone)]
pub(super) struct Served {
    /// How the broker's queues are addressed.
    pub(super) dialect: Dialect,
    /// The namespace that is sent to.
    pub(super) namespace: String,
    /// The queue for replies to our requests, if we make any.
    pub(super) reply_queue: Option<QueueName>,
    /// How long a message that could not be handled stays unsettled before the broker gets it
    /// back.
    pub(super) release_after: Duration,
    /// How long before something is tried again here that failed for a reason of ours.
    pub(super) hold: Duration,
}

type Session_ = fe2o3_amqp::session::SessionHandle<()>;

/// A message that somebody waits for to be sent.
#[derive(Debug)]
pub(super) struct Direct {
    wire: Wire,
    done: oneshot::Sender<Result<(), PostError>>,
}

/// Sends messages through the connection that is there, if one is.
#[derive(Debug, Clone)]
pub struct Line(mpsc::Sender<Direct>);

impl Line {
    /// A line, and its other end for [`serve`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Direct>) {
        let (line, other_end) = mpsc::channel(DIRECT_MAX);
        (Self(line), other_end)
    }
}

impl Post for Line {
    async fn send(&self, wire: Wire) -> Result<(), PostError> {
        let gone = || PostError::Broker(anyhow::anyhow!("the exchange has been left"));
        let (done, sent) = oneshot::channel();
        let direct = Direct { wire, done };
        self.0.send(direct).await.map_err(|_| gone())?;
        sent.await.map_err(|_| gone())?
    }
}

/// Serves the register's queues and sends what is in the outbox, and what comes over `line`, until
/// `shutdown`.
pub(super) async fn serve(
    desk: Arc<Desk>,
    broker: Broker,
    served: Served,
    mut line: mpsc::Receiver<Direct>,
    seen: Arc<Seen>,
    shutdown: CancellationToken,
) {
    let mut backoff = BACKOFF_MIN;
    while !shutdown.is_cancelled() {
        let ended = connected(&desk, &broker, &served, &mut line, &seen, &shutdown).await;
        let was_up = seen.set_down();
        if shutdown.is_cancelled() {
            break;
        }
        if let Err(error) = ended {
            tracing::warn!(
                error = format!("{error:#}"),
                "no connection to the exchange"
            );
        }
        backoff = if was_up {
            BACKOFF_MIN
        } else {
            (backoff * 2).min(BACKOFF_MAX)
        };
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = shutdown.cancelled() => {}
        }
    }
    tracing::info!("exchange left");
}

/// Whether there is a connection, for the operator.
#[derive(Debug, Default)]
pub struct Seen(std::sync::atomic::AtomicBool);

impl Seen {
    /// Whether the exchange is connected now.
    pub fn is_up(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn set_up(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    fn set_down(&self) -> bool {
        self.0.swap(false, std::sync::atomic::Ordering::Relaxed)
    }
}

async fn connected(
    desk: &Desk,
    broker: &Broker,
    served: &Served,
    line: &mut mpsc::Receiver<Direct>,
    seen: &Seen,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let connecting = broker.connect();
    let mut connection = tokio::select! {
        connection = connecting => connection?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let her = desk.her_id();
    let opened = tokio::time::timeout(OPEN_TIMEOUT, open(&mut connection, her, served)).await;
    let opened = opened.context("the broker has not opened the queues within 30 seconds")??;
    let Opened {
        session: _session,
        receivers,
        outlet,
    } = opened;
    seen.set_up();
    tracing::info!(exchange.her_id = %her, "exchange connected");

    let mut receiving: FuturesUnordered<_> = receivers
        .into_iter()
        .map(|(queue, receiver)| receive(desk, queue, receiver, served, shutdown))
        .collect();
    let ended = tokio::select! {
        Some(ended) = receiving.next() => ended,
        ended = send(desk, &outlet, line) => ended,
        ended = connection.on_close() => match ended {
            Ok(()) => bail!("the broker closed the connection"),
            Err(error) => Err(error).context("the connection ended"),
        },
        () = shutdown.cancelled() => Ok(()),
    };
    drop(receiving);
    let _late = tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await;
    ended
}

/// A connection with all that is received and sent by.
struct Opened {
    /// Lives as long as its receivers are used.
    session: Session_,
    receivers: Vec<(Queue, Receiver)>,
    outlet: Outlet,
}

async fn open(
    connection: &mut ConnectionHandle<()>,
    her: HerId,
    served: &Served,
) -> anyhow::Result<Opened> {
    let session = Session::begin(connection).await;
    let mut session = session.context("no session")?;
    let mut receivers = Vec::new();
    let own = [
        (Queue::Async, "async"),
        (Queue::Sync, "sync"),
        (Queue::Error, "error"),
    ];
    for (queue, name) in own {
        let name = QueueName::parse(&format!("{her}_{name}"))?;
        receivers.push((queue, attach(&mut session, served, &name).await?));
    }
    if let Some(name) = &served.reply_queue {
        receivers.push((Queue::SyncReply, attach(&mut session, served, name).await?));
    }
    let outlet = Outlet::new(served.clone(), Session::begin(connection).await?);
    Ok(Opened {
        session,
        receivers,
        outlet,
    })
}

async fn attach(
    session: &mut Session_,
    served: &Served,
    queue: &QueueName,
) -> anyhow::Result<Receiver> {
    let address = served.dialect.source(&served.namespace, queue);
    let source = Source::builder().address(address).build();
    Receiver::builder()
        .name(format!("innsyn-{queue}"))
        .source(source)
        .max_message_size(MESSAGE_BYTES_MAX)
        .credit_mode(CreditMode::Auto(CREDIT))
        .attach(session)
        .await
        .with_context(|| format!("queue `{queue}` cannot be received from"))
}

/// Takes one message after the other from a queue. Ends only where the queue does.
async fn receive(
    desk: &Desk,
    queue: Queue,
    mut receiver: Receiver,
    served: &Served,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let disposer = receiver.disposer();
    // Bounded by the credit: what is not settled gives none back.
    let mut waiting = FuturesUnordered::new();
    loop {
        let delivery = tokio::select! {
            delivery = receiver.recv::<Body<Value>>() => delivery.context("a queue ended")?,
            Some(info) = waiting.next(), if !waiting.is_empty() => {
                let info: DeliveryInfo = info;
                disposer.release(info).await.context("a message cannot be given back")?;
                continue;
            }
            () = shutdown.cancelled() => return Ok(()),
        };
        let (info, message) = delivery.into_parts();
        let incoming = wire::read(queue, message);
        let settlement = loop {
            match desk.receive(incoming.clone()).await {
                Settlement::Hold => tokio::time::sleep(served.hold).await,
                settlement => break settlement,
            }
        };
        let settled = match settlement {
            Settlement::Accept => receiver.accept(info).await,
            Settlement::Reject => receiver.reject(info, None).await,
            Settlement::Release | Settlement::Hold => {
                let after = served.release_after;
                waiting.push(async move {
                    tokio::time::sleep(after).await;
                    info
                });
                Ok(())
            }
        };
        settled.context("a message cannot be settled")?;
    }
}

/// Sends what is due, as it becomes so.
async fn send(
    desk: &Desk,
    outlet: &Outlet,
    line: &mut mpsc::Receiver<Direct>,
) -> anyhow::Result<()> {
    let mut looked_after = None;
    loop {
        desk.send_due(outlet).await?;
        let now = tokio::time::Instant::now();
        if looked_after.is_none_or(|at| now.duration_since(at) >= LOOK_AFTER) {
            desk.look_after().await?;
            looked_after = Some(now);
        }
        tokio::select! {
            () = desk.news() => {}
            () = tokio::time::sleep(LOOK) => {}
            Some(direct) = line.recv() => {
                // Whoever waited no more has given up.
                let _given_up = direct.done.send(outlet.send(direct.wire).await);
            }
        }
    }
}

/// Where messages go out.
struct Outlet {
    served: Served,
    links: Mutex<(Session_, HashMap<QueueName, Sender>)>,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlet")
    }
}

impl Outlet {
    fn new(served: Served, session: Session_) -> Self {
        Self {
            served,
            links: Mutex::new((session, HashMap::new())),
        }
    }

    async fn transfer(&self, wire: Wire) -> Result<(), PostError> {
        let mut links = self.links.lock().await;
        let (session, senders) = &mut *links;
        let queue = wire.queue.clone();
        if !senders.contains_key(&queue) {
            if senders.len() >= SENDERS_MAX {
                // All at once: it is rare, and they are made again as they are needed.
                senders.clear();
            }
            let target = self.served.dialect.target(&self.served.namespace, &queue);
            let name = format!("innsyn-to-{queue}");
            let sender = Sender::attach(session, name, target).await;
            let sender = sender
                .with_context(|| format!("queue `{queue}` cannot be sent to"))
                .map_err(PostError::Broker)?;
            senders.insert(queue.clone(), sender);
        }
        let sender = senders
            .get_mut(&queue)
            .ok_or_else(|| PostError::Refused("no link".to_owned()))?;
        let outcome = sender.send(wire::write(wire)).await;
        match outcome.context("the broker did not say that it has the message") {
            Ok(Outcome::Accepted(_)) => Ok(()),
            Ok(Outcome::Rejected(rejected)) => {
                let why = rejected.error.map(|error| format!("{:?}", error.condition));
                Err(PostError::Refused(
                    why.unwrap_or_else(|| "rejected".to_owned()),
                ))
            }
            Ok(_) => Err(PostError::Refused("released".to_owned())),
            Err(error) => Err(PostError::Broker(error)),
        }
    }
}

impl Post for Outlet {
    async fn send(&self, wire: Wire) -> Result<(), PostError> {
        match tokio::time::timeout(SEND_TIMEOUT, self.transfer(wire)).await {
            Ok(sent) => sent,
            Err(_) => Err(PostError::Broker(anyhow::anyhow!(
                "the broker has not said within 30 seconds that it has the message"
            ))),
        }
    }
}
