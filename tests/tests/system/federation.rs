//! A running federation, as the stories speak of it: an invented country, relay and gateway and
//! some registers' agents, each a process of its own, over real TLS.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use indicatif::ProgressBar;
use innsyn_policy::{Clock as _, Outcome, Presence};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::wire::citizen::v1::{Registration, Summary};
use innsyn_proto::wire::types::v1 as wire;
use innsyn_sim::caller::{Caller, Question};
use innsyn_sim::country::{Asking, Role};
use innsyn_sim::processes::{Part, Starter, http, wait_until_ready};
use innsyn_sim::world::{World, WorldSpec};
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tonic_types::StatusExt as _;

/// A wait that only a failing test sits out.
pub(super) const LONG: Duration = Duration::from_mins(2);
/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A federation on the disk, whose configuration may still be changed.
pub(super) struct Prepared {
    folder: TempDir,
    pub(super) world: World,
}

/// A federation that runs. Its processes end with it.
pub(super) struct Federation {
    pub(super) world: World,
    pub(super) http: reqwest::Client,
    relay: Part,
    gateway: Part,
    agents: BTreeMap<String, Part>,
    _folder: TempDir,
}

/// What a listing said about one register, in the words of the JSON interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) outcome: String,
    /// Empty where the outcome speaks for itself.
    pub(super) reason: String,
    pub(super) since: Option<String>,
    pub(super) last_changed: Option<String>,
}

/// A whole listing.
#[derive(Debug)]
pub(super) struct Listing {
    /// By register.
    pub(super) told: BTreeMap<String, Told>,
    pub(super) summary: Summary,
}

impl Prepared {
    /// Invents the country and writes everything that its processes need.
    pub(super) fn new(spec: &WorldSpec) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("world");
        let world = World::build(&path, spec, &SystemClock, &ProgressBar::hidden()).unwrap();
        Self { folder, world }
    }

    /// Starts relay, gateway and the agents of `registers`, and waits until they are connected.
    pub(super) async fn start(self, registers: &[&str]) -> Federation {
        let http = http().unwrap();
        let mut relay = starter().relay(&self.world).unwrap();
        let ready = format!("http://{}/readyz", self.world.relay_status());
        wait_until_ready(&http, &mut relay, &ready).await.unwrap();
        let gateway = starter().gateway(&self.world).unwrap();
        let mut federation = Federation {
            world: self.world,
            http,
            relay,
            gateway,
            agents: BTreeMap::new(),
            _folder: self.folder,
        };
        for register in registers {
            let agent = starter().agent(&federation.world, register, None);
            federation
                .agents
                .insert((*register).to_owned(), agent.unwrap());
        }
        federation.is_connected().await;
        federation
    }
}

impl Federation {
    /// The same in one step.
    pub(super) async fn start(spec: &WorldSpec, registers: &[&str]) -> Self {
        Prepared::new(spec).start(registers).await
    }

    /// Waits until the gateway is connected to every agent that was started.
    async fn is_connected(&mut self) {
        let url = format!("{}/readyz", self.world.gateway_url());
        let ends = Instant::now() + LONG;
        loop {
            let connected = match self.http.get(&url).send().await {
                Ok(ready) => ready.json::<serde_json::Value>().await.unwrap()["registersConnected"]
                    .as_u64()
                    .unwrap(),
                Err(_) => 0,
            };
            if connected == self.agents.len() as u64 {
                return;
            }
            let parts = self.agents.values_mut();
            for part in parts.chain([&mut self.relay, &mut self.gateway]) {
                assert!(!part.has_ended(), "{} ended", part.name);
            }
            assert!(Instant::now() < ends, "only {connected} connected");
            sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn caller(&self) -> Caller {
        Caller::connect(self.world.gateway(), None).await.unwrap()
    }

    /// A question about person `number`, asked now as `role`, with a fresh token.
    pub(super) fn question(&self, number: u32, role: Role) -> Question {
        let now = SystemClock.now();
        let asking = self.world.country.asking(number, role, None, now).unwrap();
        self.question_of(&asking)
    }

    pub(super) fn question_of(&self, asking: &Asking) -> Question {
        let mut random: StdRng = rand::make_rng();
        let question = self.world.question(asking, SystemClock.now(), &mut random);
        Question {
            omit_catalogue: true,
            ..question.unwrap()
        }
    }

    /// The last value of one of an agent's metrics.
    pub(super) async fn agent_metric(&self, register: &str, name: &str) -> u64 {
        let status = self.world.agent_status(register).unwrap();
        self.metric(status, name).await
    }

    /// How many uses the register has logged.
    pub(super) async fn uses(&self, register: &str) -> u64 {
        self.agent_metric(register, "innsyn_agent_log_entries_total")
            .await
    }

    /// The value of the metric `name`, labels included, that is served at `status`.
    pub(super) async fn metric(&self, status: SocketAddr, name: &str) -> u64 {
        let url = format!("http://{status}/metrics");
        let text = self.http.get(url).send().await.unwrap().text().await;
        let text = text.unwrap();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .parse()
            .unwrap()
    }

    /// Starts another gateway beside the first, with the first one's configuration as `edit`
    /// changes it, and the certificate in `folder`; waits until it listens.
    pub(super) async fn another_gateway(
        &self,
        folder: &Path,
        edit: impl FnOnce(String) -> String,
    ) -> (Part, SocketAddr) {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listen = free.local_addr().unwrap();
        drop(free);
        let config = fs::read_to_string(self.world.gateway_config()).unwrap();
        let config = config.replace(&self.world.gateway().to_string(), &listen.to_string());
        let path = folder.join("another.toml");
        fs::write(&path, edit(config)).unwrap();
        let args = ["broker", "run", "--config", path.to_str().unwrap()];
        let log = folder.join("another-log.txt");
        let mut part = Part::start("another gateway", &program(), &args, &log).unwrap();
        let alive = format!("http://{listen}/healthz");
        wait_until_ready(&self.http, &mut part, &alive)
            .await
            .unwrap();
        (part, listen)
    }

    pub(super) async fn kill_gateway(&mut self) {
        self.gateway.kill().await.unwrap();
    }

    /// Starts the gateway again, and waits until it is connected as before.
    pub(super) async fn restart_gateway(&mut self) {
        self.gateway = starter().gateway(&self.world).unwrap();
        self.is_connected().await;
    }

    /// Ends an agent as its operator does.
    pub(super) async fn stop(&mut self, register: &str) {
        self.agents.remove(register).unwrap().stop().await.unwrap();
    }

    pub(super) fn restart(&mut self, register: &str) {
        let agent = starter().agent(&self.world, register, None).unwrap();
        self.agents.insert(register.to_owned(), agent);
    }

    /// What the gateway has logged.
    pub(super) fn gateway_log(&self) -> String {
        fs::read_to_string(self.world.folder.join("gateway/log.txt")).unwrap()
    }

    /// What all processes have logged, by file.
    pub(super) fn logs(&self) -> Vec<(PathBuf, String)> {
        let mut logs = Vec::new();
        read_logs(&self.world.folder, &mut logs);
        logs
    }
}

/// `persons` people who are today as old as the age pyramid says, so that a child of 13 stays one
/// however old this test becomes.
pub(super) fn spec_of_today(persons: u32, seed: u64) -> WorldSpec {
    let mut spec = WorldSpec::new(persons, seed);
    spec.population.as_of = SystemClock.now().date_in_norway().unwrap();
    spec
}

/// The program under test.
pub(super) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_innsyn-world"))
}

pub(super) fn starter() -> Starter {
    Starter::new(program())
}

/// What `innsyn-broker head` says of the log of `register`.
pub(super) fn head_of(federation: &Federation, register: &str) -> Output {
    Command::new(program())
        .args(["broker", "head", "--config"])
        .arg(federation.world.gateway_config())
        .arg(register)
        .output()
        .unwrap()
}

pub(super) fn read_logs(folder: &Path, logs: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_logs(&path, logs);
        } else if path.to_string_lossy().ends_with("log.txt") {
            let text = fs::read_to_string(&path).unwrap();
            logs.push((path, text));
        }
    }
}

/// Waits until `holds`.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !holds().await {
        assert!(Instant::now() < ends, "in vain: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// Makes one listing. A refusal gives its stable reason.
pub(super) async fn list(caller: &Caller, question: &Question) -> Result<Listing, String> {
    let mut told = BTreeMap::new();
    let summary = caller
        .list(question, |registration| {
            let register = registration.register_id.clone();
            let twice = told.insert(register, Told::from(registration));
            assert_eq!(twice, None, "one outcome for each register");
        })
        .await;
    match summary {
        Ok(summary) => Ok(Listing { told, summary }),
        Err(error) => Err(refusal(&error)),
    }
}

fn refusal(error: &anyhow::Error) -> String {
    let status: &tonic::Status = error.downcast_ref().expect("a refusal");
    let details = status.get_error_details();
    details.error_info().expect("a reason").reason.clone()
}

impl From<&Registration> for Told {
    fn from(registration: &Registration) -> Self {
        Self::new(
            registration.outcome(),
            registration.reason(),
            registration.registered_since.clone(),
            registration.last_changed.clone(),
        )
    }
}

impl From<&Outcome> for Told {
    fn from(outcome: &Outcome) -> Self {
        let presence = match outcome {
            Outcome::Registered(presence) | Outcome::Deleted(presence) => *presence,
            _ => Presence::default(),
        };
        let (outcome, reason) = outcome_to_wire(outcome);
        let text = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
        Self::new(
            outcome,
            reason,
            text(presence.since),
            text(presence.last_changed),
        )
    }
}

impl Told {
    fn new(
        outcome: wire::Outcome,
        reason: wire::Reason,
        since: Option<String>,
        last_changed: Option<String>,
    ) -> Self {
        let outcome = outcome.as_str_name().trim_start_matches("OUTCOME_");
        let reason = match reason {
            wire::Reason::Unspecified => "",
            reason => reason.as_str_name().trim_start_matches("REASON_"),
        };
        Self {
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            since,
            last_changed,
        }
    }

    /// Outcome and reason, as a table has them: `REGISTERED`, `WITHHELD/AREA_NOT_COVERED`.
    pub(super) fn words(&self) -> String {
        match self.reason.as_str() {
            "" => self.outcome.clone(),
            reason => format!("{}/{reason}", self.outcome),
        }
    }
}
