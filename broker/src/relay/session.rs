//! One connection, from its handshake to its end.

use std::net::SocketAddr;

use innsyn_policy::RegisterId;
use innsyn_proto::identity::{Identity, PeerCertificate};
use innsyn_proto::tls::{TlsFault, peer_certificate};
use innsyn_proto::tunnel::word::Word;
use innsyn_proto::tunnel::{BoxedIo, Hello, Refusal, TunnelError, relay as words};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use tokio_rustls::TlsAcceptor;

use super::config::{GatewayEntry, RelayConfig};
use super::mailbox::MailboxPeer;
use super::metrics::RelayEvent;
use super::registry::ParkId;
use super::splice::{End, splice};
use super::{OuterStream, Relay};

/// How others reach the task that owns a parked connection.
pub(super) type Parked = mpsc::Sender<Summons>;

/// Messages waiting for a parked connection's task: a summons and at most one probe.
const SUMMONS_MAX: usize = 2;

/// What is said to the task that owns a parked connection.
#[derive(Debug)]
pub(super) enum Summons {
    /// A gateway is here: if the agent takes it, hand the connection over.
    Gateway(oneshot::Sender<Box<OuterStream>>),
    /// Find out now whether the agent is alive.
    Probe,
}

/// What a connection may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admitted {
    /// Wait for a gateway, as this register's agent.
    Park(RegisterId),
    /// Be spliced to this register's agent.
    Connect(RegisterId),
    /// Speak to the mailbox.
    Mailbox(MailboxPeer),
}

/// Decides what a connection may do, from its certificate, its wish and the configuration.
pub(super) fn admit(
    config: &RelayConfig,
    peer: &PeerCertificate,
    hello: Hello,
) -> Result<Admitted, Refusal> {
    let is_trusted = |name| {
        config.gateways.iter().any(|entry| match entry {
            GatewayEntry::Name(trusted) => trusted == name,
            GatewayEntry::Pin(trusted) => *trusted == peer.pin,
        })
    };
    let (register, admitted) = match (&peer.identity, hello) {
        (Identity::Node(register), Hello::Park) => {
            (register.clone(), Admitted::Park(register.clone()))
        }
        (Identity::Node(register), Hello::Mailbox) => {
            let box_of = MailboxPeer::Node(register.clone());
            (register.clone(), Admitted::Mailbox(box_of))
        }
        (Identity::Gateway(name), Hello::Connect(register)) if is_trusted(name) => {
            (register.clone(), Admitted::Connect(register))
        }
        (Identity::Gateway(name), Hello::Mailbox) if is_trusted(name) => {
            return Ok(Admitted::Mailbox(MailboxPeer::Gateway));
        }
        (Identity::Gateway(_), Hello::Connect(_) | Hello::Mailbox) => {
            return Err(Refusal::NotTrusted);
        }
        _ => return Err(Refusal::WrongRole),
    };
    match &config.registers {
        Some(served) if !served.contains(&register) => Err(Refusal::UnknownRegister),
        _ => Ok(admitted),
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    relay: &Relay,
    io: BoxedIo,
    from: SocketAddr,
    handshake: OwnedSemaphorePermit,
) {
    let opened = tokio::select! {
        opened = open(relay, io, from) => opened,
        () = relay.draining.cancelled() => return,
    };
    drop(handshake);
    let Some((mut stream, peer, hello)) = opened else {
        return;
    };
    match admit(&relay.config, &peer, hello) {
        Ok(Admitted::Park(register)) => park(relay, register, stream).await,
        Ok(Admitted::Connect(register)) => connect(relay, &register, stream).await,
        Ok(Admitted::Mailbox(peer)) => mailbox(relay, peer, stream).await,
        Err(refusal) => {
            tracing::warn!(peer.identity = %peer.identity, cause = refusal.label(), "peer refused");
            refuse(relay, &mut stream, refusal).await;
        }
    }
}

/// Finishes the handshake and hears what the other side wants. `None` when that came to nothing,
/// which has been counted and logged.
async fn open(
    relay: &Relay,
    io: BoxedIo,
    from: SocketAddr,
) -> Option<(Box<OuterStream>, PeerCertificate, Hello)> {
    let bound = relay.config.limits.handshake_timeout;
    let failed = |event: RelayEvent| {
        relay.metrics.count(event);
        tracing::info!(peer.address = %from, cause = event.label(), "handshake failed");
    };
    let began = Instant::now();
    let mut stream = match timeout(bound, TlsAcceptor::from(relay.tls.clone()).accept(io)).await {
        Ok(Ok(stream)) => Box::new(stream),
        Ok(Err(error)) => {
            failed(RelayEvent::HandshakeFailed(TlsFault::of(&error)));
            return None;
        }
        Err(_) => {
            failed(RelayEvent::HandshakeTimedOut);
            return None;
        }
    };
    let Ok(peer) = peer_certificate(stream.get_ref().1) else {
        failed(RelayEvent::NoIdentity);
        return None;
    };
    match words::hello(&mut stream, bound.saturating_sub(began.elapsed())).await {
        Ok(hello) => Some((stream, peer, hello)),
        Err(error) => {
            failed(RelayEvent::NoHello);
            if let Some(refusal) = words::refusal_for(&error) {
                refuse(relay, &mut stream, refusal).await;
            }
            None
        }
    }
}

/// Keeps an agent's connection until a gateway needs it, the agent leaves or the relay drains.
async fn park(relay: &Relay, register: RegisterId, mut io: Box<OuterStream>) {
    let (summon, mut summons) = mpsc::channel(SUMMONS_MAX);
    let parked = relay.registry().park(&register, summon);
    let id = match parked {
        Ok(id) => id,
        Err(others) => {
            for other in others {
                // A full channel has a summons in it, which is as good a probe.
                let _ = other.try_send(Summons::Probe);
            }
            return refuse(relay, &mut io, Refusal::Overloaded).await;
        }
    };
    let spot = Spot {
        relay,
        register,
        id,
    };
    relay.metrics.count(RelayEvent::Parked);
    tracing::debug!(node.id = %spot.register, "agent parked");
    let ended = {
        let _parked = relay.metrics.parked();
        keep(relay, &mut io, &mut summons).await
    };
    drop(spot);
    match ended {
        Ok(Kept::Summoned(gateway)) => {
            match words::summon(&mut io, relay.config.limits.answer_timeout).await {
                // A gateway that has left meanwhile takes this connection with it.
                Ok(()) => drop(gateway.send(io)),
                Err(_) => relay.metrics.count(RelayEvent::AgentFrozen),
            }
        }
        Ok(Kept::Draining) => {
            let bound = relay.config.limits.answer_timeout;
            let _ = words::say(&mut io, Word::Drain, bound).await;
            let _ = timeout(bound, io.shutdown()).await;
        }
        Err(TunnelError::Silent(_)) => relay.metrics.count(RelayEvent::AgentSilent),
        Err(_) => relay.metrics.count(RelayEvent::Unparked),
    }
}

/// Why a parked connection is parked no more, though nothing is wrong with it.
enum Kept {
    Summoned(oneshot::Sender<Box<OuterStream>>),
    Draining,
}

async fn keep(
    relay: &Relay,
    io: &mut OuterStream,
    summons: &mut mpsc::Receiver<Summons>,
) -> Result<Kept, TunnelError> {
    let limits = &relay.config.limits;
    words::say(io, Word::Parked, limits.answer_timeout).await?;
    let mut pinged = false;
    let mut next = Instant::now() + limits.ping_interval;
    loop {
        tokio::select! {
            biased;
            summons = summons.recv() => match summons {
                Some(Summons::Gateway(gateway)) => return Ok(Kept::Summoned(gateway)),
                Some(Summons::Probe) if !pinged => next = Instant::now(),
                Some(Summons::Probe) => {}
                // Whoever took the handle left without using it.
                None => return Err(TunnelError::Malformed),
            },
            () = relay.draining.cancelled() => return Ok(Kept::Draining),
            word = Word::read(io) => match word? {
                Word::Pong if pinged => {
                    pinged = false;
                    next = Instant::now() + limits.ping_interval;
                }
                _ => return Err(TunnelError::Malformed),
            },
            () = sleep_until(next) => {
                if pinged {
                    return Err(TunnelError::Silent(limits.answer_timeout));
                }
                words::say(io, Word::Ping, limits.answer_timeout).await?;
                pinged = true;
                next = Instant::now() + limits.answer_timeout;
            }
        }
    }
}

/// Lets an agent or a gateway speak to the mailbox, if there is one, until it leaves.
async fn mailbox(relay: &Relay, peer: MailboxPeer, mut io: Box<OuterStream>) {
    let Some(mailbox) = &relay.mailbox else {
        return refuse(relay, &mut io, Refusal::NoMailbox).await;
    };
    let bound = relay.config.limits.answer_timeout;
    if words::say(&mut io, Word::Go, bound).await.is_ok() {
        mailbox.serve(io, peer, relay.draining.clone()).await;
    }
}

/// Finds an agent that is awake for the gateway behind `io`, and copies until they are done.
async fn connect(relay: &Relay, register: &RegisterId, mut io: Box<OuterStream>) {
    let Some(agent) = summon_one(relay, register).await else {
        let refusal = if relay.draining.is_cancelled() {
            Refusal::Draining
        } else {
            Refusal::NoParkedConnection
        };
        return refuse(relay, &mut io, refusal).await;
    };
    let limits = &relay.config.limits;
    if words::say(&mut io, Word::Go, limits.answer_timeout)
        .await
        .is_err()
    {
        return;
    }
    relay.metrics.count(RelayEvent::Spliced);
    let _spliced = relay.metrics.splice();
    tracing::debug!(node.id = %register, "gateway and agent spliced");
    if splice(io, agent, limits.half_closed_max, &relay.metrics).await == End::HalfClosed {
        relay.metrics.count(RelayEvent::HalfClosedEnded);
    }
}

/// Tries parked connections until an agent takes the gateway; at most as many as may be parked,
/// so that an agent that parks and never answers cannot keep a gateway for ever.
async fn summon_one(relay: &Relay, register: &RegisterId) -> Option<Box<OuterStream>> {
    for _ in 0..relay.config.limits.parked_per_register_max {
        let parked = relay.registry().take(register)?;
        let (hand_over, handed) = oneshot::channel();
        if parked.send(Summons::Gateway(hand_over)).await.is_ok()
            && let Ok(agent) = handed.await
        {
            return Some(agent);
        }
    }
    None
}

async fn refuse(relay: &Relay, io: &mut OuterStream, refusal: Refusal) {
    relay.metrics.count(RelayEvent::Refused(refusal));
    let bound = relay.config.limits.answer_timeout;
    if words::say(io, Word::Refused(refusal), bound).await.is_ok() {
        let _ = timeout(bound, io.shutdown()).await;
    }
}

/// A place in the registry, given up when dropped.
struct Spot<'a> {
    relay: &'a Relay,
    register: RegisterId,
    id: ParkId,
}

impl Drop for Spot<'_> {
    fn drop(&mut self) {
        self.relay.registry().remove(&self.register, self.id);
    }
}
