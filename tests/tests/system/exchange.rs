//! A register on the message exchange: a real RabbitMQ with its AMQP 1.0 plug-in, a helsenorge
//! that writes to the register, and a double for the register's cases.
//!
//! `points` goes through the exchange's own check list for clients, `restarts` stops the broker in
//! the middle of each step, and `openssl` tries envelopes of other hands.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_agent::config::ExchangeSection;
use innsyn_agent::exchange::{
    Exchange, ExchangeParts, Inbox, NotReceived, Received, RegisterMessage, SCHEMA, start,
};
use innsyn_agent::records::Records;
use innsyn_agent::sources::Numbers;
use innsyn_policy::{Environment, NumberRules};
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use keys::keys;
use proxy::Proxy;
use rabbit::{NAMESPACE, PASSWORD, Rabbit, USER};

mod cases;
mod keys;
mod openssl;
mod peer;
mod points;
mod proxy;
mod rabbit;
mod restarts;

/// Pairs of parties that the shared broker has queues for: one for each test.
const PAIRS: u32 = 20;

/// The golden message that most tests send.
const GOLDEN: &str = include_str!("../../../node-agent/src/exchange/tests/golden/melde_feil.xml");
const GOLDEN_ID: &str = "7C1FA3C5-0001-4000-8000-000000000003";

/// The register's HER-id in a pair of parties.
const fn ours(pair: u32) -> u32 {
    80_100 + pair
}

/// helsenorge's.
const fn theirs(pair: u32) -> u32 {
    90_100 + pair
}

/// The broker of all tests that do not stop it.
fn shared() -> &'static Rabbit {
    static SHARED: OnceLock<Rabbit> = OnceLock::new();
    SHARED.get_or_init(|| Rabbit::start(PAIRS))
}

/// A golden message between the parties of a pair, under this id.
fn golden(text: &str, pair: u32, id: &str) -> String {
    let ids = text
        .replace("90002", &theirs(pair).to_string())
        .replace("80001", &ours(pair).to_string());
    let (before, rest) = ids.split_once("MsgId>").expect("an id");
    let (_, after) = rest.split_once("MsgId>").expect("its end");
    let prefix = if before.ends_with("<mh:") { "mh:" } else { "" };
    format!("{before}MsgId>{id}</{prefix}MsgId>{after}")
}

/// The cases of a register: durable, as far as it is told, and idempotent.
struct Cases {
    /// Every message that was given, in order, duplicates too.
    given: Mutex<Vec<RegisterMessage>>,
    /// What was taken, once each.
    taken: Mutex<BTreeSet<String>>,
    /// While it is `true`, nothing that is given is taken.
    held: watch::Sender<bool>,
    /// How many were given.
    arrived: watch::Sender<usize>,
}

impl Cases {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            given: Mutex::default(),
            taken: Mutex::default(),
            held: watch::channel(false).0,
            arrived: watch::channel(0).0,
        })
    }

    /// Waits until so many messages were given, duplicates too.
    async fn given(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        let waited = arrived.wait_for(|arrived| *arrived >= count);
        let waited = tokio::time::timeout(peer::PATIENCE, waited).await;
        waited.expect("in time").expect("the cases are there");
    }

    fn taken(&self) -> Vec<String> {
        self.taken
            .lock()
            .expect("no panic")
            .iter()
            .cloned()
            .collect()
    }
}

impl Inbox for Cases {
    fn receive<'a>(
        &'a self,
        message: &'a RegisterMessage,
    ) -> BoxFuture<'a, Result<Received, NotReceived>> {
        Box::pin(async move {
            self.given.lock().expect("no panic").push(message.clone());
            self.arrived.send_modify(|arrived| *arrived += 1);
            let mut held = self.held.subscribe();
            held.wait_for(|held| !held)
                .await
                .expect("the cases are there");
            if message.text.contains("GIFT") {
                return Err(NotReceived::Later(anyhow::anyhow!("a fault of ours")));
            }
            let id = message.id.as_str().to_ascii_lowercase();
            self.taken.lock().expect("no panic").insert(id.clone());
            Ok(Received {
                receipt: format!("case of {id}"),
            })
        })
    }
}

/// A register's agent, as far as the exchange sees it.
struct Register {
    pair: u32,
    folder: TempDir,
    cases: Arc<Cases>,
    proxy: Proxy,
    running: Option<(Exchange, Records, CancellationToken)>,
    more: String,
}

impl Register {
    /// A register with everything that is usual.
    async fn start(port: u16, pair: u32) -> Self {
        Self::start_with(port, pair, "").await
    }

    /// A register with `more` in its configuration.
    async fn start_with(port: u16, pair: u32, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = keys();
        keys.our_signing_pem.put(folder.path(), "sign");
        keys.our_decryption_pem.put(folder.path(), "crypt");
        keys.their_signing_pem.put(folder.path(), "their-sign");
        keys.their_decryption_pem.put(folder.path(), "their-crypt");
        keys.expired_pem.put(folder.path(), "expired");
        fs::write(folder.path().join("password"), PASSWORD).expect("a file");
        let mut register = Self {
            pair,
            folder,
            cases: Cases::new(),
            proxy: Proxy::to(port).await,
            running: None,
            more: more.to_owned(),
        };
        register.parties("\"their-sign.pem\"");
        register.run().await;
        register
    }

    /// Writes the file of parties; helsenorge signs with `signers`.
    fn parties(&self, signers: &str) {
        let her = theirs(self.pair);
        let text = format!(
            "[[party]]\nher_id = {her}\nasync_queue = \"sb.test.nhn.no/{NAMESPACE}/{her}_async\"\n\
             sync_queue = \"{her}_sync\"\nerror_queue = \"{her}_error\"\nsigners = [{signers}]\n\
             recipients = [\"their-crypt.pem\"]\n"
        );
        fs::write(self.parties_file(), text).expect("a file");
    }

    fn parties_file(&self) -> std::path::PathBuf {
        self.folder.path().join("parties.toml")
    }

    /// Starts the agent, over what it had.
    async fn run(&mut self) {
        let mut random: StdRng = rand::make_rng();
        let at = |name: &str| self.folder.path().join(name);
        let (folder, key) = (at("records"), at("records.key"));
        let records = Records::open(&folder, &key, &[SCHEMA], &mut random)
            .await
            .expect("records");
        let parts = ExchangeParts {
            records: records.clone(),
            inbox: self.cases.clone(),
            clock: Arc::new(SystemClock),
            numbers: Numbers {
                rules: NumberRules::default(),
                environment: Environment::Test,
            },
            random,
        };
        let shutdown = CancellationToken::new();
        let running = start(&self.section(), parts, shutdown.clone()).await;
        self.running = Some((running.expect("it starts"), records, shutdown));
    }

    fn section(&self) -> ExchangeSection {
        let folder: &Path = self.folder.path();
        let at = |name: &str| folder.join(name).display().to_string();
        let mut table: toml::Table = format!(
            r#"address = "{address}"
            tls = "disabled"
            dialect = "rabbitmq"
            namespace = "{NAMESPACE}"
            user = "{USER}"
            password_file = "{password}"
            her_id = {her}
            register_ids = ["KREFT"]
            signing = {{ certificate = "{sign}.pem", key = "{sign}.key" }}
            decryption = [{{ certificate = "{crypt}.pem", key = "{crypt}.key" }}]
            parties_file = "{parties}"
            parties_fresh_s = 1
            reply_queue = "{her}_syncreply"
            release_after_s = 1"#,
            address = self.proxy.address(),
            password = at("password"),
            her = ours(self.pair),
            sign = at("sign"),
            crypt = at("crypt"),
            parties = at("parties.toml"),
        )
        .parse()
        .expect("TOML");
        table.extend(self.more.parse::<toml::Table>().expect("TOML"));
        table.try_into().expect("a section")
    }

    fn exchange(&self) -> &Exchange {
        &self.running.as_ref().expect("it runs").0
    }

    /// Stops the agent as an operator does.
    async fn stop(&mut self) {
        let (exchange, records, shutdown) = self.running.take().expect("it runs");
        shutdown.cancel();
        exchange.serving.await.expect("it ends");
        records.close().await;
    }

    /// Waits until the exchange is connected, or is not.
    async fn connected(&self, up: bool) {
        let waited = tokio::time::timeout(peer::PATIENCE, async {
            while self.exchange().seen.is_up() != up {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.expect("in time");
    }
}
