//! The tunnel as a whole: relay, agent and gateway, with both layers of TLS.

use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::presence::{self, PresenceCounters, PresenceParts, PresenceStatus, Tunnelled};
use innsyn_broker::enrolment;
use innsyn_broker::relay::{Relay, RelayMetrics};
use innsyn_policy::{Clock, ManualClock, RegisterId, Timestamp};
use innsyn_proto::identity::{Identity, PublicKeyPin};
use innsyn_proto::tls::{AgentTls, GatewayTls, TlsFault, TlsFiles};
use innsyn_proto::tunnel::{
    ConnectError, Dial, InnerStream, Refusal, RelayAddress, TcpDialler, TcpRelayListener,
    connect_to_node,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

mod lies;
mod partition;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_secs(10);

/// A federation's certificates.
struct Federation(TempDir);

impl Federation {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        enrolment::init(folder.path(), &ManualClock::new(NOW)).unwrap();
        Self(folder)
    }

    /// The files of a party, which is enrolled if it was not.
    fn files(&self, uri: &str) -> TlsFiles {
        let identity = Identity::parse(uri).unwrap();
        let out = self.0.path().join(uri.replace([':', '/'], "-"));
        if !out.exists() {
            let hosts = match identity {
                Identity::Relay(_) => vec!["127.0.0.1".to_owned(), "relay.example".to_owned()],
                _ => Vec::new(),
            };
            let clock = ManualClock::new(NOW);
            enrolment::issue(self.0.path(), &identity, &hosts, 30, &out, &clock).unwrap();
        }
        TlsFiles {
            certificate: out.join(enrolment::CERTIFICATE_FILE),
            key: out.join(enrolment::KEY_FILE),
            federation_ca: out.join(enrolment::FEDERATION_CA_FILE),
            relay_ca: out.join(enrolment::RELAY_CA_FILE),
        }
    }

    fn node(&self, register: &str) -> AgentTls {
        AgentTls::load(&self.files(&format!("innsyn://node/{register}")), &clock()).unwrap()
    }

    fn gateway(&self, name: &str) -> GatewayTls {
        GatewayTls::load(&self.files(&format!("innsyn://gateway/{name}")), &clock()).unwrap()
    }

    fn relay(&self) -> Relay {
        let files = self.files("innsyn://relay/test");
        let text = format!(
            "listen = '127.0.0.1:0'\ncertificate = '{}'\nkey = '{}'\nfederation_ca = '{}'\n\
             gateways = ['helsenorge', 'stranger']",
            files.certificate.display(),
            files.key.display(),
            files.federation_ca.display()
        );
        Relay::new(toml::from_str(&text).unwrap(), &clock()).unwrap()
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(NOW))
}

/// A relay that serves on loopback.
struct RunningRelay {
    address: RelayAddress,
    metrics: Arc<RelayMetrics>,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl RunningRelay {
    fn start(federation: &Federation, address: &str) -> Self {
        let relay = federation.relay();
        let listener = TcpRelayListener::bind(address.parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        Self {
            address: RelayAddress::new(&address, None).unwrap(),
            metrics: relay.metrics(),
            serving: tokio::spawn(relay.serve(listener, shutdown.clone())),
            shutdown,
        }
    }

    /// Ends it without a word to anybody.
    async fn crash(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
    }
}

/// An agent that echoes whatever a gateway sends, after the gateway's name.
struct RunningAgent {
    status: watch::Receiver<PresenceStatus>,
    counters: Arc<PresenceCounters>,
    shutdown: CancellationToken,
}

impl RunningAgent {
    fn start(
        tls: AgentTls,
        dialler: impl Dial,
        relays: &[&RelayAddress],
        helsenorge: PublicKeyPin,
    ) -> Self {
        let relays: Vec<_> = relays.iter().map(|relay| relay_line(relay)).collect();
        let config = toml::from_str(&format!("relays = [{}]", relays.join(", "))).unwrap();
        let gateways = toml::from_str(&format!("helsenorge = ['{helsenorge}']")).unwrap();
        let (arrivals, mut arrived) = mpsc::channel::<Tunnelled>(16);
        let (status, watched) = watch::channel(PresenceStatus::default());
        let counters = Arc::<PresenceCounters>::default();
        let shutdown = CancellationToken::new();
        let parts = PresenceParts {
            config,
            gateways,
            tls,
            dialler: Arc::new(dialler),
            seed: 1,
            arrivals,
            status,
            counters: counters.clone(),
        };
        tokio::spawn(presence::keep(parts, shutdown.clone()));
        tokio::spawn(async move {
            while let Some(mut gateway) = arrived.recv().await {
                tokio::spawn(async move {
                    let name = gateway.peer().gateway.to_string();
                    gateway.write_all(name.as_bytes()).await?;
                    let (mut read, mut write) = tokio::io::split(gateway);
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        Self {
            status: watched,
            counters,
            shutdown,
        }
    }

    /// Waits until so many connections are parked at each relay.
    async fn parked(&mut self, wanted: &[usize]) {
        let parked = self.status.wait_for(|status| {
            let parked = status.relays.iter().map(|relay| relay.parked);
            parked.eq(wanted.iter().copied())
        });
        let in_time = timeout(LONG, parked).await;
        assert!(in_time.is_ok(), "never parked {wanted:?}");
    }

    async fn notices_that_the_first_relay_is_gone(&mut self) {
        let noticed = self.status.wait_for(|status| {
            status
                .relays
                .first()
                .is_some_and(|relay| relay.parked == 0 && relay.last_error.is_some())
        });
        let noticed = timeout(LONG, noticed).await.unwrap().unwrap();
        assert!(noticed.is_reachable(), "the other relay still stands");
    }
}

fn relay_line(relay: &RelayAddress) -> String {
    let name = relay.server_name.to_str();
    format!(
        "{{ address = '{}', server_name = '{name}' }}",
        relay.address
    )
}

async fn connect(
    gateway: &GatewayTls,
    relay: &RelayAddress,
    register: &str,
) -> Result<InnerStream, ConnectError> {
    let register = RegisterId::parse(register).unwrap();
    connect_to_node(&TcpDialler, relay, gateway, &register, LONG).await
}

/// Sends a word and expects it back after the gateway's own name.
async fn is_echoed(io: &mut InnerStream) {
    io.write_all(b", hello").await.unwrap();
    io.flush().await.unwrap();
    let mut read = [0; 17];
    io.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"helsenorge, hello");
}

#[tokio::test]
async fn a_gateway_reaches_an_agent_and_the_agent_knows_the_gateway() {
    let federation = Federation::new();
    let relay = RunningRelay::start(&federation, "127.0.0.1:0");
    let gateway = federation.gateway("helsenorge");
    let pin = gateway.certificate.pin;
    let mut agent =
        RunningAgent::start(federation.node("kreft"), TcpDialler, &[&relay.address], pin);
    agent.parked(&[2]).await;
    // More often than there are spares: each one used is replaced.
    for served in 1..=6 {
        let mut io = connect(&gateway, &relay.address, "kreft").await.unwrap();
        is_echoed(&mut io).await;
        assert_eq!(agent.counters.served(), served);
        agent.parked(&[2]).await;
    }
    agent.shutdown.cancel();
}

#[tokio::test]
async fn a_gateway_that_is_not_pinned_gets_nothing() {
    let federation = Federation::new();
    let relay = RunningRelay::start(&federation, "127.0.0.1:0");
    let pin = federation.gateway("helsenorge").certificate.pin;
    let mut agent =
        RunningAgent::start(federation.node("kreft"), TcpDialler, &[&relay.address], pin);
    agent.parked(&[2]).await;

    // Certificate and relay are in order; only the agent's own configuration says no. The second
    // one even has the name, from the same CA, but another key.
    let stranger = federation.gateway("stranger");
    let namesake = {
        let out = federation.0.path().join("namesake");
        let identity = Identity::parse("innsyn://gateway/helsenorge").unwrap();
        let clock = ManualClock::new(NOW);
        enrolment::issue(federation.0.path(), &identity, &[], 30, &out, &clock).unwrap();
        let files = TlsFiles {
            certificate: out.join(enrolment::CERTIFICATE_FILE),
            key: out.join(enrolment::KEY_FILE),
            ..federation.files("innsyn://gateway/stranger")
        };
        GatewayTls::load(&files, &self::clock()).unwrap()
    };
    for (refused, gateway) in [(1, stranger), (2, namesake)] {
        let mut io = connect(&gateway, &relay.address, "kreft").await.unwrap();
        let mut got = Vec::new();
        let ended = timeout(LONG, io.read_to_end(&mut got)).await;
        assert!(ended.is_ok(), "the agent should have closed the connection");
        assert_eq!(got, b"");
        assert_eq!(agent.counters.not_pinned(), refused);
        agent.parked(&[2]).await;
    }
    assert_eq!(agent.counters.served(), 0);
}

#[tokio::test]
async fn a_gateway_that_never_begins_holds_up_nobody() {
    let federation = Federation::new();
    let relay = RunningRelay::start(&federation, "127.0.0.1:0");
    let gateway = federation.gateway("helsenorge");
    let pin = gateway.certificate.pin;
    let mut agent =
        RunningAgent::start(federation.node("kreft"), TcpDialler, &[&relay.address], pin);
    agent.parked(&[2]).await;

    let io = TcpDialler.dial(&relay.address.address).await.unwrap();
    let mut mute = outer_tls(&gateway, &relay.address, io).await;
    let register = RegisterId::parse("kreft").unwrap();
    innsyn_proto::tunnel::gateway::ask_for(&mut mute, &register)
        .await
        .unwrap();
    let mut io = connect(&gateway, &relay.address, "kreft").await.unwrap();
    is_echoed(&mut io).await;
}

async fn outer_tls(
    gateway: &GatewayTls,
    relay: &RelayAddress,
    io: innsyn_proto::tunnel::BoxedIo,
) -> tokio_rustls::client::TlsStream<innsyn_proto::tunnel::BoxedIo> {
    tokio_rustls::TlsConnector::from(gateway.outer.clone())
        .connect(relay.server_name.clone(), io)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_agent_parks_again_after_its_relay_has_restarted() {
    let federation = Federation::new();
    let first = RunningRelay::start(&federation, "127.0.0.1:0");
    let second = RunningRelay::start(&federation, "127.0.0.1:0");
    let gateway = federation.gateway("helsenorge");
    let pin = gateway.certificate.pin;
    let relays = [&first.address, &second.address];
    let mut agent = RunningAgent::start(federation.node("kreft"), TcpDialler, &relays, pin);
    agent.parked(&[2, 2]).await;

    let address = first.address.clone();
    first.crash().await;
    // A process that another test is just starting has the listening socket too, for a moment.
    let mut gone = connect(&gateway, &address, "kreft").await;
    while matches!(gone, Err(ConnectError::OuterTls(_))) {
        gone = connect(&gateway, &address, "kreft").await;
    }
    assert!(
        matches!(gone, Err(ConnectError::RelayUnreachable(_))),
        "{:?}",
        gone.err()
    );
    agent.notices_that_the_first_relay_is_gone().await;
    // One relay's trouble is its own.
    let mut io = connect(&gateway, &second.address, "kreft").await.unwrap();
    is_echoed(&mut io).await;

    let _again = RunningRelay::start(&federation, &address.address);
    agent.parked(&[2, 2]).await;
    let mut io = connect(&gateway, &address, "kreft").await.unwrap();
    is_echoed(&mut io).await;
}

#[tokio::test]
async fn a_relay_that_is_drained_is_left_and_its_work_taken_over() {
    let federation = Federation::new();
    let first = RunningRelay::start(&federation, "127.0.0.1:0");
    let gateway = federation.gateway("helsenorge");
    let pin = gateway.certificate.pin;
    let mut agent =
        RunningAgent::start(federation.node("kreft"), TcpDialler, &[&first.address], pin);
    agent.parked(&[2]).await;
    let mut before = connect(&gateway, &first.address, "kreft").await.unwrap();
    is_echoed(&mut before).await;

    first.shutdown.cancel();
    agent.parked(&[0]).await;
    // What is spliced goes on while it drains.
    before.write_all(b"still").await.unwrap();
    let mut read = [0; 5];
    before.read_exact(&mut read).await.unwrap();
    drop(before);
    first.serving.await.unwrap();
    let _second = RunningRelay::start(&federation, &first.address.address);
    agent.parked(&[2]).await;
}

#[tokio::test]
async fn a_register_without_an_agent_is_told_from_a_relay_without_a_register() {
    let federation = Federation::new();
    let relay = RunningRelay::start(&federation, "127.0.0.1:0");
    let gateway = federation.gateway("helsenorge");
    let refused = connect(&gateway, &relay.address, "kreft").await;
    assert!(matches!(
        refused,
        Err(ConnectError::Refused(Refusal::NoParkedConnection))
    ));
    // A certificate that has been lost to another CA.
    let other = Federation::new().gateway("helsenorge");
    let refused = connect(&other, &relay.address, "kreft").await;
    assert!(matches!(
        refused,
        Err(ConnectError::OuterTls(TlsFault::UnknownIssuer))
    ));
    assert_eq!(relay.metrics.snapshot().splices, 0);
}

#[tokio::test]
async fn a_relay_can_be_tried_out() {
    let federation = Federation::new();
    let relay = RunningRelay::start(&federation, "127.0.0.1:0");
    let tls = federation.node("kreft");
    let tried = presence::try_relay(&TcpDialler, &relay.address, &tls).await;
    tried.unwrap();
    let elsewhere = RelayAddress::new("127.0.0.1:1", None).unwrap();
    let tried = presence::try_relay(&TcpDialler, &elsewhere, &tls).await;
    assert!(matches!(tried, Err(presence::SpareError::Unreachable(_))));
}
