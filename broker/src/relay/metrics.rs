//! What a relay counts. Labels are fixed words, never a name from a certificate.

use std::sync::atomic::{AtomicU64, Ordering};

use innsyn_proto::tls::TlsFault;
use innsyn_proto::tunnel::Refusal;

/// Something that happened at a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayEvent {
    /// A connection came.
    Accepted,
    /// The system could not accept a connection.
    AcceptFailed,
    /// A connection had to wait because too many came in a second.
    Paced,
    /// A connection was closed because too many were open.
    OverConnectionLimit,
    /// A connection never finished its TLS handshake.
    HandshakeTimedOut,
    /// A connection failed its TLS handshake.
    HandshakeFailed(TlsFault),
    /// A good certificate named nobody.
    NoIdentity,
    /// A connection did not say what it wants, in time or at all.
    NoHello,
    /// A connection was refused.
    Refused(Refusal),
    /// An agent parked.
    Parked,
    /// A parked agent went away.
    Unparked,
    /// A parked agent no longer answered pings.
    AgentSilent,
    /// A parked agent did not take the gateway that came.
    AgentFrozen,
    /// A gateway was spliced to an agent.
    Spliced,
    /// A splice was ended because one side had left long ago.
    HalfClosedEnded,
    /// A connection was cut because the relay had waited long enough for it to end.
    Cut,
}

impl RelayEvent {
    /// Every event that is not counted by cause, in order.
    const PLAIN: [Self; 14] = [
        Self::Accepted,
        Self::AcceptFailed,
        Self::Paced,
        Self::OverConnectionLimit,
        Self::HandshakeTimedOut,
        Self::NoIdentity,
        Self::NoHello,
        Self::Parked,
        Self::Unparked,
        Self::AgentSilent,
        Self::AgentFrozen,
        Self::Spliced,
        Self::HalfClosedEnded,
        Self::Cut,
    ];

    /// A short fixed label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AcceptFailed => "accept_failed",
            Self::Paced => "paced",
            Self::OverConnectionLimit => "over_connection_limit",
            Self::HandshakeTimedOut => "handshake_timed_out",
            Self::HandshakeFailed(fault) => fault.label(),
            Self::NoIdentity => "no_identity",
            Self::NoHello => "no_hello",
            Self::Refused(refusal) => refusal.label(),
            Self::Parked => "parked",
            Self::Unparked => "unparked",
            Self::AgentSilent => "agent_silent",
            Self::AgentFrozen => "agent_frozen",
            Self::Spliced => "spliced",
            Self::HalfClosedEnded => "half_closed_ended",
            Self::Cut => "cut",
        }
    }
}

/// The counters of one relay.
#[derive(Debug, Default)]
pub struct RelayMetrics {
    events: [AtomicU64; RelayEvent::PLAIN.len()],
    refusals: [AtomicU64; Refusal::ALL.len()],
    tls_faults: [AtomicU64; TlsFault::ALL.len()],
    connections: AtomicU64,
    parked: AtomicU64,
    splices: AtomicU64,
    bytes_copied: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySnapshot {
    /// Connections open now.
    pub connections: u64,
    /// Connections parked now.
    pub parked: u64,
    /// Splices now.
    pub splices: u64,
    /// Bytes copied, both ways together.
    pub bytes_copied: u64,
    /// How often each event happened, by label.
    pub events: Vec<(&'static str, u64)>,
    /// How often each refusal was given, by label.
    pub refusals: Vec<(&'static str, u64)>,
    /// How often a TLS handshake failed, by cause.
    pub tls_faults: Vec<(&'static str, u64)>,
}

impl RelayMetrics {
    /// The counters now.
    pub fn snapshot(&self) -> RelaySnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RelaySnapshot {
            connections: load(&self.connections),
            parked: load(&self.parked),
            splices: load(&self.splices),
            bytes_copied: load(&self.bytes_copied),
            events: labelled(RelayEvent::PLAIN.map(RelayEvent::label), &self.events),
            refusals: labelled(Refusal::ALL.map(Refusal::label), &self.refusals),
            tls_faults: labelled(TlsFault::ALL.map(TlsFault::label), &self.tls_faults),
        }
    }

    /// How often `event` has happened.
    pub fn counted(&self, event: RelayEvent) -> u64 {
        self.counter(event)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub(super) fn count(&self, event: RelayEvent) {
        if let Some(counter) = self.counter(event) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn copied(&self, bytes: usize) {
        self.bytes_copied.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn open_connection(&self) -> Gauged<'_> {
        Gauged::new(&self.connections)
    }

    pub(super) fn parked(&self) -> Gauged<'_> {
        Gauged::new(&self.parked)
    }

    pub(super) fn splice(&self) -> Gauged<'_> {
        Gauged::new(&self.splices)
    }

    fn counter(&self, event: RelayEvent) -> Option<&AtomicU64> {
        fn at<'a, T: PartialEq>(
            all: &[T],
            it: &T,
            counters: &'a [AtomicU64],
        ) -> Option<&'a AtomicU64> {
            counters.get(all.iter().position(|other| other == it)?)
        }
        match event {
            RelayEvent::Refused(refusal) => at(&Refusal::ALL, &refusal, &self.refusals),
            RelayEvent::HandshakeFailed(fault) => at(&TlsFault::ALL, &fault, &self.tls_faults),
            plain => at(&RelayEvent::PLAIN, &plain, &self.events),
        }
    }
}

fn labelled<const N: usize>(
    labels: [&'static str; N],
    counters: &[AtomicU64; N],
) -> Vec<(&'static str, u64)> {
    let values = counters
        .iter()
        .map(|counter| counter.load(Ordering::Relaxed));
    labels.into_iter().zip(values).collect()
}

/// One more in a gauge, as long as it lives.
#[derive(Debug)]
pub(super) struct Gauged<'a>(&'a AtomicU64);

impl<'a> Gauged<'a> {
    fn new(gauge: &'a AtomicU64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Gauged<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
