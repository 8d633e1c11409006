//! The relay over loopback, with agents and gateways made by hand.

use std::io;
use std::net::SocketAddr;

use innsyn_policy::{ManualClock, RegisterId, Timestamp};
use innsyn_proto::tls::{AgentTls, GatewayTls, TlsFault, TlsFiles};
use innsyn_proto::tunnel::agent::{self, Summons};
use innsyn_proto::tunnel::gateway::ask_for;
use innsyn_proto::tunnel::word::Word;
use innsyn_proto::tunnel::{
    ConnectError, Dial, Refusal, TcpDialler, TcpRelayListener, TunnelError,
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::enrolment;

mod rules;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);
/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_secs(10);

type Stream = TlsStream<BoxedIo>;

/// A relay on loopback, with a CA of its own.
struct World {
    folder: TempDir,
    clock: Arc<ManualClock>,
    address: SocketAddr,
    metrics: Arc<RelayMetrics>,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl World {
    /// A relay that trusts `helsenorge`, with the lines of `section` and `limits` added.
    fn with(section: &str, limits: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        enrolment::init(folder.path(), &*clock).unwrap();
        let out = issue(&folder, "innsyn://relay/test");
        let text = format!(
            "listen = '127.0.0.1:0'\ncertificate = '{0}/certificate.pem'\nkey = '{0}/key.pem'\n\
             federation_ca = '{0}/federation-ca.pem'\n{section}\n[limits]\n{limits}",
            out.display()
        );
        let config: RelayConfig = toml::from_str(&text).unwrap();
        let relay_clock: Arc<dyn Clock> = clock.clone();
        let relay = Relay::new(config, &relay_clock).unwrap();
        let listener = TcpRelayListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, shutdown) = (relay.metrics(), CancellationToken::new());
        let serving = tokio::spawn(relay.serve(listener, shutdown.clone()));
        Self {
            folder,
            clock,
            address,
            metrics,
            shutdown,
            serving,
        }
    }

    fn new() -> Self {
        Self::with("gateways = ['helsenorge']", "")
    }

    fn node(&self, register: &str) -> Arc<ClientConfig> {
        node(&self.folder, register)
    }

    fn gateway(&self, name: &str) -> GatewayTls {
        gateway(&self.folder, name)
    }

    async fn dial(&self, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
        let io = TcpDialler.dial(&self.address.to_string()).await?;
        let name = ServerName::from(self.address.ip());
        TlsConnector::from(tls.clone()).connect(name, io).await
    }

    async fn park(&self, tls: &Arc<ClientConfig>) -> Result<Stream, TunnelError> {
        let mut io = self.dial(tls).await?;
        agent::park(&mut io, LONG).await?;
        Ok(io)
    }

    /// An agent that takes the first gateway that comes.
    async fn willing_agent(&self, register: &str) -> JoinHandle<Stream> {
        let mut io = self.park(&self.node(register)).await.unwrap();
        tokio::spawn(async move {
            assert_eq!(agent::wait(&mut io, LONG).await.unwrap(), Summons::Gateway);
            agent::accept(&mut io, LONG).await.unwrap();
            io
        })
    }

    async fn ask(&self, gateway: &str, register: &str) -> Result<Stream, ConnectError> {
        let mut io = self.dial(&self.gateway(gateway).outer).await.unwrap();
        ask_for(&mut io, &RegisterId::parse(register).unwrap()).await?;
        Ok(io)
    }

    async fn counts(&self, event: RelayEvent, times: u64) {
        until(|| self.metrics.counted(event) == times, event.label()).await;
    }
}

fn issue(folder: &TempDir, uri: &str) -> std::path::PathBuf {
    let identity: Identity = Identity::parse(uri).unwrap();
    let out = folder.path().join(uri.replace([':', '/'], "-"));
    if !out.exists() {
        let hosts = match identity {
            Identity::Relay(_) => vec!["127.0.0.1".to_owned()],
            _ => Vec::new(),
        };
        let clock = ManualClock::new(NOW);
        enrolment::issue(folder.path(), &identity, &hosts, 30, &out, &clock).unwrap();
    }
    out
}

fn files(folder: &TempDir, uri: &str) -> TlsFiles {
    let out = issue(folder, uri);
    TlsFiles {
        certificate: out.join(enrolment::CERTIFICATE_FILE),
        key: out.join(enrolment::KEY_FILE),
        federation_ca: out.join(enrolment::FEDERATION_CA_FILE),
        relay_ca: out.join(enrolment::RELAY_CA_FILE),
    }
}

/// Agents and gateways live at `NOW`, whatever the relay's clock says.
fn their_clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(NOW))
}

fn node(folder: &TempDir, register: &str) -> Arc<ClientConfig> {
    let files = files(folder, &format!("innsyn://node/{register}"));
    AgentTls::load(&files, &their_clock()).unwrap().outer
}

fn gateway(folder: &TempDir, name: &str) -> GatewayTls {
    let files = files(folder, &format!("innsyn://gateway/{name}"));
    GatewayTls::load(&files, &their_clock()).unwrap()
}

async fn until(condition: impl Fn() -> bool, what: &str) {
    let waited = timeout(LONG, async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "never happened: {what}");
}

/// Reads until the other side closes, one way or another.
async fn rest(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(LONG, io.read_to_end(&mut bytes)).await;
    let _either_way = read.expect("the relay should have closed the connection");
    bytes
}

fn refused_with<T>(result: &Result<T, ConnectError>) -> Option<Refusal> {
    match result {
        Err(ConnectError::Refused(refusal)) => Some(*refusal),
        _ => None,
    }
}

#[tokio::test]
async fn a_gateway_is_spliced_to_the_agent_it_asks_for() {
    let world = World::new();
    let agent = world.willing_agent("kreft").await;
    let mut gateway = world.ask("helsenorge", "kreft").await.unwrap();
    let mut agent = agent.await.unwrap();

    let question = vec![7; 1 << 20];
    let (asked, answered) = tokio::join!(gateway.write_all(&question), async {
        let mut read = vec![0; question.len()];
        agent.read_exact(&mut read).await.unwrap();
        agent.write_all(b"answer").await.unwrap();
        agent.shutdown().await.unwrap();
        read
    });
    asked.unwrap();
    assert_eq!(answered, question);
    assert_eq!(rest(&mut gateway).await, b"answer");
    drop((gateway, agent));
    until(|| world.metrics.snapshot().connections == 0, "all closed").await;
    assert_eq!(world.metrics.counted(RelayEvent::Spliced), 1);
    assert_eq!(world.metrics.snapshot().splices, 0);
}

#[tokio::test]
async fn a_register_without_an_agent_is_refused_by_name_of_the_cause() {
    let world = World::new();
    let _other = world.park(&world.node("msis")).await.unwrap();
    let asked = world.ask("helsenorge", "kreft").await;
    assert_eq!(refused_with(&asked), Some(Refusal::NoParkedConnection));
}

#[tokio::test]
async fn a_certificate_is_good_for_its_own_role_only() {
    let world = World::new();
    let gateway = world.gateway("helsenorge").outer;
    let parked = world.park(&gateway).await;
    assert!(matches!(
        parked,
        Err(TunnelError::Refused(Refusal::WrongRole))
    ));

    let _agent = world.park(&world.node("kreft")).await.unwrap();
    let mut node = world.dial(&world.node("msis")).await.unwrap();
    let asked = ask_for(&mut node, &RegisterId::parse("kreft").unwrap()).await;
    assert_eq!(refused_with(&asked), Some(Refusal::WrongRole));
    assert_eq!(
        world
            .metrics
            .counted(RelayEvent::Refused(Refusal::WrongRole)),
        2
    );
}

#[tokio::test]
async fn only_gateways_that_the_configuration_names_are_let_through() {
    let world = World::new();
    let _agent = world.willing_agent("kreft").await;
    let asked = world.ask("stranger", "kreft").await;
    assert_eq!(refused_with(&asked), Some(Refusal::NotTrusted));
    world.ask("helsenorge", "kreft").await.unwrap();
}

#[tokio::test]
async fn a_relay_for_some_registers_serves_no_other() {
    let section = "gateways = ['helsenorge']\nregisters = ['kreft']";
    let world = World::with(section, "");
    let parked = world.park(&world.node("msis")).await;
    assert!(matches!(
        parked,
        Err(TunnelError::Refused(Refusal::UnknownRegister))
    ));
    let asked = world.ask("helsenorge", "msis").await;
    assert_eq!(refused_with(&asked), Some(Refusal::UnknownRegister));
    world.park(&world.node("kreft")).await.unwrap();
}

#[tokio::test]
async fn bad_certificates_are_told_apart_in_the_relays_own_count() {
    let world = World::new();
    let stranger = TempDir::new().unwrap();
    enrolment::init(stranger.path(), &ManualClock::new(NOW)).unwrap();
    // The stranger trusts our relay, but the relay does not know the stranger's CA.
    let mut strange = files(&stranger, "innsyn://node/kreft");
    strange.relay_ca = world.folder.path().join(enrolment::RELAY_CA_FILE);
    let strange = AgentTls::load(&strange, &their_clock()).unwrap().outer;
    let relay_as_node = files(&world.folder, "innsyn://relay/test");
    let relay_as_node = AgentTls::load(&relay_as_node, &their_clock())
        .unwrap()
        .outer;

    // On the wire both are only a TLS alert.
    for tls in [strange, relay_as_node] {
        let error = world.park(&tls).await.unwrap_err();
        let TunnelError::Broken(error) = error else {
            panic!("{error}")
        };
        assert_eq!(TlsFault::of(&error), TlsFault::RefusedByPeer);
    }
    let failed = RelayEvent::HandshakeFailed;
    assert_eq!(world.metrics.counted(failed(TlsFault::UnknownIssuer)), 1);
    assert_eq!(world.metrics.counted(failed(TlsFault::WrongPurpose)), 1);

    let good = world.node("kreft");
    world.clock.advance(31 * DAY);
    world.park(&good).await.unwrap_err();
    assert_eq!(world.metrics.counted(failed(TlsFault::Expired)), 1);
    world.clock.set(NOW.minus(DAY));
    world.park(&good).await.unwrap_err();
    assert_eq!(world.metrics.counted(failed(TlsFault::NotYetValid)), 1);
    assert_eq!(world.metrics.counted(RelayEvent::Parked), 0);
}

#[tokio::test]
async fn a_relay_with_another_name_or_ca_is_not_believed() {
    let world = World::new();
    let tls = world.node("kreft");
    let io = TcpDialler.dial(&world.address.to_string()).await.unwrap();
    let name = ServerName::try_from("relay.example").unwrap();
    let error = TlsConnector::from(tls).connect(name, io).await.unwrap_err();
    assert_eq!(TlsFault::of(&error), TlsFault::WrongName);

    // A relay cannot pose as a node either: agents and gateways know its CA for relays only.
    let mut files = files(&world.folder, "innsyn://node/kreft");
    files.relay_ca.clone_from(&files.federation_ca);
    let tls = AgentTls::load(&files, &their_clock()).unwrap().outer;
    let error = world.dial(&tls).await.unwrap_err();
    assert_eq!(TlsFault::of(&error), TlsFault::UnknownIssuer);
}

#[tokio::test]
async fn garbage_instead_of_tls_is_closed_and_counted() {
    let world = World::new();
    let mut io = TcpDialler.dial(&world.address.to_string()).await.unwrap();
    io.write_all(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n")
        .await
        .unwrap();
    rest(&mut io).await;
    let not_tls = RelayEvent::HandshakeFailed(TlsFault::NotTls);
    assert_eq!(world.metrics.counted(not_tls), 1);
}

#[tokio::test]
async fn garbage_inside_tls_is_refused() {
    let world = World::new();
    let mut io = world.dial(&world.node("kreft")).await.unwrap();
    io.write_all(b"\x01X").await.unwrap();
    let refused = Word::Refused(Refusal::Malformed).byte();
    assert_eq!(rest(&mut io).await, [refused]);
    let mut io = world.dial(&world.node("kreft")).await.unwrap();
    io.write_all(&[99, b'P']).await.unwrap();
    let refused = Word::Refused(Refusal::UnknownVersion).byte();
    assert_eq!(rest(&mut io).await, [refused]);
}

#[tokio::test]
async fn a_connection_that_never_speaks_is_closed() {
    let world = World::with("gateways = ['helsenorge']", "handshake_timeout_ms = 500");
    let mut mute = TcpDialler.dial(&world.address.to_string()).await.unwrap();
    rest(&mut mute).await;
    world.counts(RelayEvent::HandshakeTimedOut, 1).await;
    // The same after a perfectly good handshake.
    let mut mute = world.dial(&world.node("kreft")).await.unwrap();
    rest(&mut mute).await;
    world.counts(RelayEvent::NoHello, 1).await;
}

#[tokio::test]
async fn mute_connections_do_not_keep_others_out_for_longer_than_a_handshake() {
    let limits = "handshake_timeout_ms = 500\nhandshakes_at_once_max = 2";
    let world = World::with("gateways = ['helsenorge']", limits);
    let mut mute = Vec::new();
    for _ in 0..4 {
        mute.push(TcpDialler.dial(&world.address.to_string()).await.unwrap());
    }
    world.park(&world.node("kreft")).await.unwrap();
    world.counts(RelayEvent::HandshakeTimedOut, 4).await;
}

#[tokio::test]
async fn a_frozen_agent_is_passed_over() {
    let world = World::with("gateways = ['helsenorge']", "answer_timeout_ms = 500");
    let awake = world.willing_agent("kreft").await;
    let _frozen = world.park(&world.node("kreft")).await.unwrap();
    world.ask("helsenorge", "kreft").await.unwrap();
    awake.await.unwrap();
    assert_eq!(world.metrics.counted(RelayEvent::AgentFrozen), 1);
    // Nobody is left, and the frozen one is not tried again.
    let asked = world.ask("helsenorge", "kreft").await;
    assert_eq!(refused_with(&asked), Some(Refusal::NoParkedConnection));
}

#[tokio::test]
async fn a_parked_agent_that_answers_no_ping_is_let_go() {
    let limits = "ping_interval_ms = 50\nanswer_timeout_ms = 500";
    let world = World::with("gateways = ['helsenorge']", limits);
    let mut io = world.park(&world.node("kreft")).await.unwrap();
    // This one answers its first ping and no other.
    assert_eq!(io.read_u8().await.unwrap(), Word::Ping.byte());
    Word::Pong.send(&mut io).await.unwrap();
    assert_eq!(rest(&mut io).await, [Word::Ping.byte()]);
    world.counts(RelayEvent::AgentSilent, 1).await;
    assert_eq!(world.metrics.snapshot().parked, 0);
}

#[tokio::test]
async fn dead_spares_make_room_for_new_ones() {
    let limits = "parked_per_register_max = 1\nanswer_timeout_ms = 500";
    let world = World::with("gateways = ['helsenorge']", limits);
    let mut dead = world.park(&world.node("kreft")).await.unwrap();
    let refused = world.park(&world.node("kreft")).await;
    assert!(matches!(
        refused,
        Err(TunnelError::Refused(Refusal::Overloaded))
    ));
    // The limit is for each register by itself.
    world.park(&world.node("msis")).await.unwrap();
    // The relay has asked the old one, long before its next ping was due.
    assert_eq!(rest(&mut dead).await, [Word::Ping.byte()]);
    world.park(&world.node("kreft")).await.unwrap();
}

#[tokio::test]
async fn a_half_closed_splice_ends() {
    let world = World::with("gateways = ['helsenorge']", "half_closed_max_ms = 100");
    let agent = world.willing_agent("kreft").await;
    let mut gateway = world.ask("helsenorge", "kreft").await.unwrap();
    let agent = agent.await.unwrap();
    gateway.shutdown().await.unwrap();
    // The agent never closes its side.
    assert_eq!(rest(&mut gateway).await, b"");
    world.counts(RelayEvent::HalfClosedEnded, 1).await;
    drop(agent);
}

#[tokio::test]
async fn an_agent_that_breaks_off_ends_its_splice_at_once() {
    let world = World::new();
    let agent = world.willing_agent("kreft").await;
    let mut gateway = world.ask("helsenorge", "kreft").await.unwrap();
    drop(agent.await.unwrap());
    timeout(LONG, rest(&mut gateway)).await.unwrap();
}

#[tokio::test]
async fn connections_over_the_limit_are_closed() {
    let world = World::with("gateways = ['helsenorge']", "connections_max = 1");
    let first = world.park(&world.node("kreft")).await.unwrap();
    world.park(&world.node("kreft")).await.unwrap_err();
    world.counts(RelayEvent::OverConnectionLimit, 1).await;
    drop(first);
    until(|| world.metrics.snapshot().connections == 0, "closed").await;
    world.park(&world.node("kreft")).await.unwrap();
}

#[tokio::test]
async fn a_draining_relay_sends_agents_elsewhere_and_lets_splices_end() {
    let world = World::new();
    let agent = world.willing_agent("kreft").await;
    let mut gateway = world.ask("helsenorge", "kreft").await.unwrap();
    let mut agent = agent.await.unwrap();
    let mut parked = world.park(&world.node("kreft")).await.unwrap();

    world.shutdown.cancel();
    let summons = agent::wait(&mut parked, LONG).await.unwrap();
    assert_eq!(summons, Summons::Drain);
    gateway.write_all(b"still here").await.unwrap();
    let mut read = [0; 10];
    agent.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"still here");
    drop((gateway, agent));
    timeout(LONG, world.serving).await.unwrap().unwrap();
    assert_eq!(world.metrics.counted(RelayEvent::Cut), 0);
}

#[tokio::test]
async fn a_draining_relay_cuts_splices_that_do_not_end() {
    let world = World::with("gateways = ['helsenorge']", "drain_max_ms = 100");
    let agent = world.willing_agent("kreft").await;
    let _gateway = world.ask("helsenorge", "kreft").await.unwrap();
    let _agent = agent.await.unwrap();
    world.shutdown.cancel();
    timeout(LONG, world.serving).await.unwrap().unwrap();
    assert_eq!(world.metrics.counted(RelayEvent::Cut), 1);
}

#[tokio::test]
async fn a_relay_does_not_start_with_a_nodes_certificate() {
    let folder = TempDir::new().unwrap();
    enrolment::init(folder.path(), &ManualClock::new(NOW)).unwrap();
    let files = files(&folder, "innsyn://node/kreft");
    let config = RelayConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        status_listen: None,
        certificate: files.certificate,
        key: files.key,
        federation_ca: files.federation_ca,
        gateways: Vec::new(),
        registers: None,
        mailbox: None,
        limits: RelayLimits::default(),
    };
    let relay = Relay::new(config, &their_clock());
    assert!(matches!(relay, Err(StartRelayError::NotARelay(_))));
}
