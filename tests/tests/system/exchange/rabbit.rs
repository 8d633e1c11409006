//! A RabbitMQ of our own, with its AMQP 1.0 plug-in: new, on free ports, with a node name, a cookie
//! and a port mapper of its own, and gone with whoever started it.
//!
//! It needs Debian's `rabbitmq-server` package, of which no service is used.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

/// Who logs in, and with what.
pub(super) const USER: &str = "innsyn";
pub(super) const PASSWORD: &str = "secret";
/// The hash of the password with four bytes of salt, as RabbitMQ has it.
const PASSWORD_HASH: &str = "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz";
/// The exchange that is sent to.
pub(super) const NAMESPACE: &str = "NHNTestServiceBus";
/// Where the broker puts aside what it gave too often.
pub(super) const DEAD: &str = "dead";
/// Redeliveries after the first: ten tries in all.
const REDELIVERIES_MAX: u32 = 9;
/// How long it may take to start, on a machine that builds at the same time.
const START_MAX: Duration = Duration::from_mins(5);

/// A program that ends with us, however we end: a shell waits for our end of a pipe.
struct Guarded(Child);

impl Guarded {
    fn spawn(command: &Command) -> Self {
        const WATCH: &str =
            "setsid \"$@\" >/dev/null 2>&1 </dev/null & cat >/dev/null; kill -KILL -$!";
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "sh"]).arg(command.get_program());
        shell.args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(child.spawn().expect("a shell"))
    }

    /// Kills it, at once.
    fn end(&mut self) {
        drop(self.0.stdin.take());
        let ended = self.0.wait().expect("the shell ends");
        assert!(ended.success(), "what was started is killed");
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.0.stdin.is_some() {
            self.end();
        }
    }
}

/// A running broker, with the queues of some pairs of parties.
pub(super) struct Rabbit {
    // Ended in this order, before the folder goes.
    node: Guarded,
    _ports: Guarded,
    folder: TempDir,
    port: u16,
    tls_port: u16,
    mapper: u16,
    distribution: u16,
}

impl Rabbit {
    /// Starts a broker with queues for the `pairs` first pairs of parties.
    pub(super) fn start(pairs: u32) -> Self {
        assert!(
            server().exists(),
            "RabbitMQ is installed (apt install rabbitmq-server)"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let [port, tls_port, mapper, distribution] = std::array::from_fn(|_| free_port());
        configure(folder.path(), port, tls_port, pairs);
        let mut epmd = Command::new("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &mapper.to_string()]);
        let ports = Guarded::spawn(&epmd);
        let node = node(folder.path(), mapper, distribution);
        let rabbit = Self {
            node,
            _ports: ports,
            folder,
            port,
            tls_port,
            mapper,
            distribution,
        };
        rabbit.wait();
        rabbit
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The certificate of the CA that signed the broker's.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// It falls: no connection is closed, nothing is written any more.
    pub(super) fn kill(&mut self) {
        self.node.end();
        // The kernel takes its sockets down a little later.
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < until, "it is down");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// It is started again over what it has on disk.
    pub(super) fn start_again(&mut self) {
        self.node = node(self.folder.path(), self.mapper, self.distribution);
        self.wait();
    }

    fn wait(&self) {
        let until = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = self.folder.path().join("log");
            assert!(
                Instant::now() < until,
                "RabbitMQ has not started: {}",
                logged(&log)
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn server() -> PathBuf {
    PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server")
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a free port").port()
}

fn logged(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .collect()
}

fn node(folder: &Path, mapper: u16, distribution: u16) -> Guarded {
    let mut command = Command::new(server());
    for (name, value) in [
        ("HOME", "home"),
        ("RABBITMQ_MNESIA_BASE", "mnesia"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
        ("RABBITMQ_CONF_ENV_FILE", "no-such-file"),
    ] {
        command.env(name, folder.join(value));
    }
    // One scheduler: it shares the machine with everything else.
    command.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1");
    // Killed in the middle, it leaves its dump in its own folder.
    command.env("ERL_CRASH_DUMP", folder.join("erl_crash.dump"));
    command.env(
        "RABBITMQ_NODENAME",
        format!("innsyn-{distribution}@localhost"),
    );
    command.env("RABBITMQ_DIST_PORT", distribution.to_string());
    command.env("ERL_EPMD_PORT", mapper.to_string());
    command.env("ERL_EPMD_ADDRESS", "127.0.0.1");
    Guarded::spawn(&command)
}

fn configure(folder: &Path, port: u16, tls_port: u16, pairs: u32) {
    for name in ["home", "mnesia", "log"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    let (ca, certificate, key) = certificates();
    let at = |name: &str| folder.join(name).display().to_string();
    let settings = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{tls_port}\n\
         ssl_options.cacertfile = {}\nssl_options.certfile = {}\nssl_options.keyfile = {}\n\
         ssl_options.versions.1 = tlsv1.3\nssl_options.verify = verify_none\n\
         load_definitions = {}\nauth_mechanisms.1 = PLAIN\nlog.file.level = warning\n",
        at("ca.pem"),
        at("server.pem"),
        at("server.key"),
        at("definitions.json"),
    );
    for (name, content) in [
        ("rabbitmq.conf", settings),
        ("enabled_plugins", "[rabbitmq_amqp1_0].\n".to_owned()),
        ("definitions.json", definitions(pairs)),
        ("ca.pem", ca),
        ("server.pem", certificate),
        ("server.key", key),
    ] {
        fs::write(folder.join(name), content).expect("a file");
    }
}

fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    let ca = CertifiedIssuer::self_signed(params, key).expect("a certificate");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).expect("names");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &ca).expect("a certificate");
    (ca.pem(), certificate.pem(), key.serialize_pem())
}

/// A user, the exchange and the queues, as whoever runs the broker would have set them up.
fn definitions(pairs: u32) -> String {
    let quorum = json!({
        "x-queue-type": "quorum",
        "x-delivery-limit": REDELIVERIES_MAX,
        "x-dead-letter-exchange": DEAD,
    });
    let mut queues = vec![queue(DEAD, &json!({}))];
    let mut bindings = vec![binding(DEAD, DEAD, "")];
    for pair in 0..pairs {
        for (her, is_ours) in [(super::ours(pair), true), (super::theirs(pair), false)] {
            for kind in ["async", "sync", "error", "syncreply"] {
                let name = format!("{her}_{kind}");
                let is_quorum = is_ours && kind != "syncreply";
                let arguments = if is_quorum { quorum.clone() } else { json!({}) };
                queues.push(queue(&name, &arguments));
                bindings.push(binding(NAMESPACE, &name, &name));
            }
        }
    }
    let exchange = |name: &str, kind: &str| {
        json!({ "name": name, "vhost": "/", "type": kind, "durable": true,
            "auto_delete": false, "internal": false, "arguments": {} })
    };
    json!({
        "vhosts": [{ "name": "/" }],
        "users": [{ "name": USER, "password_hash": PASSWORD_HASH, "tags": [], "limits": {},
            "hashing_algorithm": "rabbit_password_hashing_sha256" }],
        "permissions": [{ "user": USER, "vhost": "/", "configure": ".*", "write": ".*",
            "read": ".*" }],
        "exchanges": [exchange(NAMESPACE, "direct"), exchange(DEAD, "fanout")],
        "queues": queues,
        "bindings": bindings,
    })
    .to_string()
}

fn queue(name: &str, arguments: &serde_json::Value) -> serde_json::Value {
    json!({ "name": name, "vhost": "/", "durable": true, "auto_delete": false,
        "arguments": arguments })
}

fn binding(source: &str, queue: &str, key: &str) -> serde_json::Value {
    json!({ "source": source, "vhost": "/", "destination": queue, "destination_type": "queue",
        "routing_key": key, "arguments": {} })
}
