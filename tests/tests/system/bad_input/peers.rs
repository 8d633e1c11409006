//! Whatever comes to a relay that should not: each is told apart in its counters and its log, and
//! no register is any the worse.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_broker::enrolment;
use innsyn_policy::{Clock, ManualClock, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use innsyn_proto::tls::{AgentTls, GatewayTls, TlsFiles};
use innsyn_proto::tunnel::gateway::ask_for;
use innsyn_proto::tunnel::{ConnectError, Refusal, TunnelError, agent};
use innsyn_sim::country::Role;
use innsyn_sim::world::World;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::federation::{Federation, LONG, Prepared, list, program, spec_of_today, until};

/// The register that is up, and the one that others pose as.
const UP: &str = "kreft";
const POSED_AS: &str = "npr";

/// A relay that loses patience sooner than is usual.
fn impatient(world: &World) {
    let config = fs::read_to_string(world.relay_config()).unwrap();
    let limits = "limits = { handshake_timeout_ms = 1000, ping_interval_ms = 300 }\n";
    fs::write(world.relay_config(), config + limits).unwrap();
}

fn relay_address(world: &World) -> SocketAddr {
    let config = fs::read_to_string(world.relay_config()).unwrap();
    let config: toml::Table = config.parse().unwrap();
    config["relay"]["listen"].as_str().unwrap().parse().unwrap()
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join(enrolment::CERTIFICATE_FILE),
        key: folder.join(enrolment::KEY_FILE),
        federation_ca: folder.join(enrolment::FEDERATION_CA_FILE),
        relay_ca: folder.join(enrolment::RELAY_CA_FILE),
    }
}

async fn dial(world: &World, tls: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let address = relay_address(world);
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::from(address.ip());
    TlsConnector::from(tls).connect(name, tcp).await.unwrap()
}

impl Federation {
    /// Waits until the relay has counted `cause`, and sees that it has logged it.
    async fn relay_noticed(&self, series: &str, cause: &str) {
        let name = format!("innsyn_relay_{series}=\"{cause}\"}}");
        until(cause, async || {
            self.metric(self.world.relay_status(), &name).await > 0
        })
        .await;
        let log = fs::read_to_string(self.world.folder.join("relay/log.txt")).unwrap();
        assert!(log.contains(cause), "{cause} is not in the relay's log");
    }
}

/// What `agent COMMAND` says with the configuration in `folder`, and that it fails.
async fn agent_says(command: &str, folder: &Path) -> String {
    let output = Command::new(program())
        .args(["agent", command, "--config"])
        .arg(folder.join("agent.toml"))
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LONG, output).await.unwrap().unwrap();
    assert!(!output.status.success());
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn a_relay_tells_bad_peers_apart_and_no_register_is_the_worse() {
    let mut spec = spec_of_today(2_000, 1);
    spec.log_filter = "trace".to_owned();
    let prepared = Prepared::new(&spec);
    impatient(&prepared.world);
    let federation = prepared.start(&[UP]).await;
    let world = &federation.world;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let posed_as = world.agent_folder(POSED_AS);

    // Garbage instead of TLS.
    let mut garbage = TcpStream::connect(relay_address(world)).await.unwrap();
    let id = federation.question(0, Role::Oneself).national_id;
    let request = format!("GET /{id} HTTP/1.1\r\n\r\n");
    garbage.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let _reset = garbage.read_to_end(&mut said).await;
    assert!(said.len() <= 7, "an alert at most");
    federation
        .relay_noticed("tls_faults_total{cause", "not_tls")
        .await;

    // Nothing at all.
    let mut mute = TcpStream::connect(relay_address(world)).await.unwrap();
    assert_eq!(mute.read(&mut [0]).await.unwrap_or(0), 0);
    federation
        .relay_noticed("events_total{event", "handshake_timed_out")
        .await;

    // A certificate that expired.
    let tls = AgentTls::load(&files(&expired(world, POSED_AS)), &clock).unwrap();
    let mut io = dial(world, tls.outer).await;
    assert!(agent::park(&mut io, LONG).await.is_err());
    federation
        .relay_noticed("tls_faults_total{cause", "certificate_expired")
        .await;

    // A gateway's certificate used as a node's, and a node's used as a gateway's.
    let tls = GatewayTls::load(&files(&world.folder.join("gateway")), &clock).unwrap();
    let mut io = dial(world, tls.outer).await;
    let refused = agent::park(&mut io, LONG).await;
    assert!(
        matches!(refused, Err(TunnelError::Refused(Refusal::WrongRole))),
        "{refused:?}"
    );
    let tls = AgentTls::load(&files(&posed_as), &clock).unwrap();
    let mut io = dial(world, tls.outer.clone()).await;
    let refused = ask_for(&mut io, &RegisterId::parse(UP).unwrap()).await;
    assert!(
        matches!(refused, Err(ConnectError::Refused(Refusal::WrongRole))),
        "{refused:?}"
    );
    federation
        .relay_noticed("refusals_total{reason", "wrong_role")
        .await;

    // A parked connection that never speaks: neither to a ping nor to a gateway.
    let mut parked = dial(world, tls.outer).await;
    agent::park(&mut parked, LONG).await.unwrap();
    until("the mute agent is given up", async || {
        let status = world.relay_status();
        let silent = "innsyn_relay_events_total{event=\"agent_silent\"}";
        let frozen = "innsyn_relay_events_total{event=\"agent_frozen\"}";
        federation.metric(status, silent).await + federation.metric(status, frozen).await > 0
    })
    .await;

    // None of them reached a register, and none is in the way of one.
    assert_eq!(federation.uses(UP).await, 0);
    let caller = federation.caller().await;
    let question = federation.question(0, Role::Oneself);
    let listing = list(&caller, &question).await.unwrap();
    assert_eq!(listing.told[POSED_AS].outcome, "NO_ANSWER");
    assert_eq!(listing.summary.answered, 1);
    assert_eq!(federation.uses(UP).await, 1);
    for (path, log) in federation.logs() {
        assert!(!log.contains(&id), "{}", path.display());
    }
}

#[tokio::test]
async fn an_agent_says_what_is_wrong_with_its_certificate() {
    let prepared = Prepared::new(&spec_of_today(100, 1));
    let world = &prepared.world;
    let own = world.agent_folder(UP);
    let use_certificate = |from: &Path| {
        for file in [enrolment::CERTIFICATE_FILE, enrolment::KEY_FILE] {
            fs::copy(from.join(file), own.join(file)).unwrap();
        }
    };
    // Another register's, and a gateway's: it does not even start.
    for (folder, whose) in [
        (world.agent_folder(POSED_AS), "innsyn://node/npr"),
        (world.folder.join("gateway"), "innsyn://gateway/helsenorge"),
    ] {
        use_certificate(&folder);
        let said = agent_says("run", &own).await;
        let wrong = format!(
            "the certificate is for `{whose}` and the configuration for `innsyn://node/kreft`"
        );
        assert!(said.contains(&wrong), "{said}");
    }
    use_certificate(&expired(world, UP));
    let said = agent_says("check", &own).await;
    assert!(said.contains("the certificate expired on"), "{said}");
    assert!(!own.join("log").exists(), "no log of use was begun");
}

/// A node's certificate that expired long ago.
fn expired(world: &World, register: &str) -> PathBuf {
    let last_year = ManualClock::new(SystemClock.now().minus(Duration::from_hours(365 * 24)));
    let node = Identity::Node(RegisterId::parse(register).unwrap());
    let folder = world.folder.join("expired");
    enrolment::issue(&world.ca(), &node, &[], 1, &folder, &last_year).unwrap();
    folder
}
