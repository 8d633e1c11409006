//! A federation whose parts are stopped, killed and started again one by one, and listings that
//! are held against the truth while that happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use innsyn_policy::{Clock as _, Outcome, Presence};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::wire::citizen::v1::{Registration, Summary};
use innsyn_proto::wire::types::v1::{Outcome as WireOutcome, Reason};
use innsyn_sim::caller::{Caller, Question};
use innsyn_sim::country::{Asking, Role};
use innsyn_sim::processes::{Part, Starter, http, wait_until_ready};
use innsyn_sim::researcher::Researcher;
use innsyn_sim::sts::Right;
use innsyn_sim::truth::{Expected, Truth};
use innsyn_sim::world::{World, WorldSpec};
use rand::rngs::StdRng;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// A wait that only a failing test sits out.
pub(super) const LONG: Duration = Duration::from_mins(2);
/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The parts, each a process. They end with this.
pub(super) struct Fleet {
    pub(super) world: Arc<World>,
    pub(super) http: reqwest::Client,
    pub(super) starter: Starter,
    relay: Part,
    gateway: Part,
    research_gateway: Option<Part>,
    research_program: &'static [&'static str],
    agents: BTreeMap<String, Part>,
    _folder: TempDir,
}

/// How a production research gateway is started.
const PRODUCTION: &[&str] = &["broker", "run"];

/// A world on the disk, of which only some registers are connected.
pub(super) struct Prepared {
    pub(super) world: World,
    registers: Vec<String>,
    research_program: &'static [&'static str],
    folder: TempDir,
}

/// Somebody who asks about themself, and what is true of them.
pub(super) struct Citizen {
    asking: Asking,
    truth: BTreeMap<String, Outcome>,
}

/// One listing.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) told: BTreeMap<String, Registration>,
    pub(super) summary: Summary,
    pub(super) took: Duration,
}

impl Prepared {
    /// Makes a world in which the first `connected` registers that can be asked have agents; the
    /// others are in the catalogue as not connected.
    pub(super) fn new(spec: &WorldSpec, connected: usize) -> Self {
        Self::choosing(spec, |_, position| position < connected)
    }

    /// The same for the registers that `choose` takes, by id and position among those that can
    /// be asked.
    pub(super) fn choosing(spec: &WorldSpec, choose: impl Fn(&str, usize) -> bool) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("world");
        let world = World::build(&path, spec, &SystemClock, &ProgressBar::hidden()).unwrap();
        let registers: Vec<String> = world
            .live()
            .map(|register| register.id().to_string())
            .enumerate()
            .filter(|(position, id)| choose(id, *position))
            .map(|(_, id)| id)
            .collect();
        let catalogue = path.join("country/catalogue.toml");
        let text = std::fs::read_to_string(&catalogue).unwrap();
        let mut table: toml::Table = text.parse().unwrap();
        for entry in table["register"].as_array_mut().unwrap() {
            let id = entry["id"].as_str().unwrap().to_owned();
            if entry["listing"].as_str() == Some("live") && !registers.contains(&id) {
                entry["listing"] = "not_connected".into();
            }
        }
        std::fs::write(&catalogue, table.to_string()).unwrap();
        Self {
            world,
            registers,
            research_program: PRODUCTION,
            folder,
        }
    }

    /// Has the research gateway started as `program`, one that only tests have.
    pub(super) fn researching_with(mut self, program: &'static [&'static str]) -> Self {
        self.research_program = program;
        self
    }

    /// The registers that will have an agent.
    #[cfg(feature = "external")]
    pub(super) fn registers(&self) -> &[String] {
        &self.registers
    }

    /// Starts everything and waits until a listing would be complete.
    pub(super) async fn start(self) -> Fleet {
        let starter = Starter::new(PathBuf::from(env!("CARGO_BIN_EXE_innsyn-world")));
        let http = http().unwrap();
        let mut relay = starter.relay(&self.world).unwrap();
        let ready = format!("http://{}/readyz", self.world.relay_status());
        wait_until_ready(&http, &mut relay, &ready).await.unwrap();
        let mut gateway = starter.gateway(&self.world).unwrap();
        let agents = self.registers.into_iter().map(|register| {
            let agent = starter.agent(&self.world, &register, None).unwrap();
            (register, agent)
        });
        let agents = agents.collect();
        let research_gateway = self.world.research_gateway();
        let research_program = self.research_program;
        let research_gateway =
            research_gateway.map(|_| research_gateway_of(&self.world, research_program));
        let ready = format!("{}/healthz", self.world.gateway_url());
        let up = wait_until_ready(&http, &mut gateway, &ready).await;
        up.unwrap_or_else(|error| panic!("{error}: {}", log_of(&self.world, "gateway")));
        let mut fleet = Fleet {
            world: Arc::new(self.world),
            http,
            starter,
            relay,
            gateway,
            research_gateway,
            research_program,
            agents,
            _folder: self.folder,
        };
        fleet.is_connected().await;
        fleet
    }
}

impl Fleet {
    pub(super) async fn start(spec: &WorldSpec, connected: usize) -> Self {
        Prepared::new(spec, connected).start().await
    }

    /// The invented researcher, once the research gateway knows what every register publishes.
    pub(super) async fn researcher(&self) -> Researcher {
        let mut random: StdRng = rand::make_rng();
        let ends = Instant::now() + LONG;
        loop {
            let now = SystemClock.now();
            let researcher = Researcher::connect(&self.world, now, &mut random).await;
            if let Ok(researcher) = researcher {
                let catalogue = researcher.catalogue().await.unwrap();
                let publishing: BTreeSet<&str> = catalogue
                    .views
                    .iter()
                    .map(|view| view.register_id.as_str())
                    .collect();
                if publishing.len() == self.publishing().count() {
                    return researcher;
                }
            }
            assert!(Instant::now() < ends, "{}", self.research_gateway_log());
            sleep(LOOK_EVERY).await;
        }
    }

    /// The registers with an agent that publish views.
    pub(super) fn publishing(&self) -> impl Iterator<Item = &str> {
        let registers = self.world.country.registers.iter();
        registers
            .filter(|register| register.views().next().is_some())
            .map(|register| register.id().as_str())
            .filter(|id| self.agents.contains_key(*id))
    }

    /// What the research gateway has logged.
    pub(super) fn research_gateway_log(&self) -> String {
        log_of(&self.world, "research")
    }

    /// What the agent of `register` has logged.
    pub(super) fn agent_log(&self, register: &str) -> String {
        log_of(&self.world, &format!("agents/{register}"))
    }

    pub(super) async fn kill_research_gateway(&mut self) {
        let gateway = self.research_gateway.as_mut().unwrap();
        gateway.kill().await.unwrap();
    }

    pub(super) fn restart_research_gateway(&mut self) {
        let gateway = research_gateway_of(&self.world, self.research_program);
        self.research_gateway = Some(gateway);
    }

    /// Waits until the gateway is connected to every agent that was started.
    async fn is_connected(&mut self) {
        let url = format!("{}/readyz", self.world.gateway_url());
        let ends = Instant::now() + LONG;
        loop {
            let ready = self.http.get(&url).send().await.unwrap();
            let ready: serde_json::Value = ready.json().await.unwrap();
            let connected = ready["registersConnected"].as_u64().unwrap();
            if connected == self.agents.len() as u64 {
                return;
            }
            for part in self.agents.values_mut() {
                assert!(
                    !part.has_ended(),
                    "{} ended: {}",
                    part.name,
                    part.last_words()
                );
            }
            assert!(Instant::now() < ends, "only {connected} connected");
            sleep(LOOK_EVERY).await;
        }
    }

    /// The registers with an agent.
    pub(super) fn registers(&self) -> Vec<String> {
        self.agents.keys().cloned().collect()
    }

    pub(super) fn signal(&self, register: &str, signal: Signal) {
        self.agents[register].signal(signal).unwrap();
    }

    pub(super) async fn kill(&mut self, register: &str) {
        self.agents.get_mut(register).unwrap().kill().await.unwrap();
    }

    pub(super) fn restart(&mut self, register: &str) {
        let agent = self.starter.agent(&self.world, register, None).unwrap();
        self.agents.insert(register.to_owned(), agent);
    }

    /// Takes an agent that was started in another way.
    pub(super) fn insert(&mut self, register: &str, agent: Part) {
        self.agents.insert(register.to_owned(), agent);
    }

    /// Ends an agent as its operator does.
    pub(super) async fn stop(&mut self, register: &str) {
        self.agents.remove(register).unwrap().stop().await.unwrap();
    }

    pub(super) async fn kill_gateway(&mut self) {
        self.gateway.kill().await.unwrap();
    }

    pub(super) fn restart_gateway(&mut self) {
        self.gateway = self.starter.gateway(&self.world).unwrap();
    }

    #[cfg(feature = "external")]
    pub(super) const fn relay(&self) -> &Part {
        &self.relay
    }

    pub(super) async fn kill_relay(&mut self) {
        self.relay.kill().await.unwrap();
    }

    pub(super) fn restart_relay(&mut self) {
        self.relay = self.starter.relay(&self.world).unwrap();
    }

    /// How long the threads of the gateway and of this test have been ready to run while others
    /// had the processors. Linux counts it; elsewhere it is zero.
    pub(super) fn starved(&self) -> Duration {
        let gateway = format!("/proc/{}/schedstat", self.gateway.pid().unwrap());
        let waited = |file: &str| -> Option<u64> {
            let text = std::fs::read_to_string(file).ok()?;
            text.split(' ').nth(1)?.parse().ok()
        };
        let threads = [gateway.as_str(), "/proc/thread-self/schedstat"];
        Duration::from_nanos(threads.into_iter().filter_map(waited).sum())
    }

    /// What the gateway has logged.
    pub(super) fn gateway_log(&self) -> String {
        log_of(&self.world, "gateway")
    }

    pub(super) async fn caller(&self) -> Caller {
        Caller::connect(self.world.gateway(), None).await.unwrap()
    }

    /// The first `citizens` people, with the truth of each as the files have it.
    pub(super) fn citizens(&self, citizens: u32) -> Vec<Citizen> {
        let now = SystemClock.now();
        let country = &self.world.country;
        let askings: Vec<Asking> = (0..citizens)
            .map(|number| country.asking(number, Role::Oneself, None, now).unwrap())
            .collect();
        let people = askings.iter().map(|asking| &asking.subject);
        let truth = Truth::read(&self.world.folder.join("country"), people).unwrap();
        let citizen = |asking: Asking| match truth.expected(&asking.subject, &Right::Own, now) {
            Expected::Listing(truth) => Citizen {
                asking,
                truth: truth.into_iter().collect(),
            },
            Expected::Refused => panic!("one may always ask about oneself"),
        };
        askings.into_iter().map(citizen).collect()
    }

    /// Makes a listing, which must end and must not be wrong about anybody.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        citizen: &Citizen,
        deadline: Option<Duration>,
    ) -> Listing {
        let question = citizen.question(&self.world, deadline);
        let listing = list(caller, &question).await.unwrap();
        listing.is_nowhere_wrong(citizen);
        listing
    }
}

/// Starts the research gateway as `program`.
fn research_gateway_of(world: &World, program: &[&str]) -> Part {
    let config = world.research_gateway_config();
    let config = ["--config", &config.to_string_lossy()];
    let args = [program, &config].concat();
    let log = world.folder.join("research/log.txt");
    let world = Path::new(env!("CARGO_BIN_EXE_innsyn-world"));
    Part::start("research gateway", world, &args, &log).unwrap()
}

fn log_of(world: &World, part: &str) -> String {
    std::fs::read_to_string(world.folder.join(part).join("log.txt")).unwrap()
}

/// Makes a listing.
pub(super) async fn list(caller: &Caller, question: &Question) -> anyhow::Result<Listing> {
    let began = Instant::now();
    let mut told = BTreeMap::new();
    let summary = caller
        .list(question, |registration| {
            let twice = told.insert(registration.register_id.clone(), registration.clone());
            assert!(twice.is_none(), "one outcome for each register");
        })
        .await?;
    Ok(Listing {
        told,
        summary,
        took: began.elapsed(),
    })
}

impl Citizen {
    /// What this citizen sends, with a fresh token.
    pub(super) fn question(&self, world: &World, deadline: Option<Duration>) -> Question {
        let mut random: StdRng = rand::make_rng();
        let question = world.question(&self.asking, SystemClock.now(), &mut random);
        Question {
            deadline_ms: deadline.map(|it| u32::try_from(it.as_millis()).unwrap()),
            omit_catalogue: true,
            ..question.unwrap()
        }
    }

    /// The number by which registers know this person.
    #[cfg(feature = "external")]
    pub(super) fn national_id(&self) -> &str {
        self.asking.subject.id.expose_str()
    }

    /// How many registers the catalogue has.
    #[cfg(feature = "external")]
    pub(super) fn registers(&self) -> usize {
        self.truth.len()
    }
}

impl Listing {
    /// Panics if the listing says anything that is not true of `citizen`. *No answer* is
    /// incomplete, and never wrong.
    pub(super) fn is_nowhere_wrong(&self, citizen: &Citizen) {
        assert_eq!(self.told.len(), citizen.truth.len(), "registers told of");
        for (register, truth) in &citizen.truth {
            let told = &self.told[register];
            if told.outcome() != WireOutcome::NoAnswer {
                assert!(agrees(told, truth), "{register}: {truth:?}, not {told:?}");
            }
        }
        assert_eq!(self.summary.complete, self.silent().is_empty());
    }

    /// The registers that gave no answer, and why.
    pub(super) fn silent(&self) -> BTreeMap<&str, Reason> {
        let told = self.told.iter();
        told.filter(|(_, told)| told.outcome() == WireOutcome::NoAnswer)
            .map(|(register, told)| (register.as_str(), told.reason()))
            .collect()
    }

    /// The register's outcome here.
    #[cfg(feature = "external")]
    pub(super) fn at(&self, register: &str) -> WireOutcome {
        self.told[register].outcome()
    }

    /// Which entry of its log of use the register named, if it answered.
    pub(super) fn leaf(&self, register: &str) -> Option<[u8; 32]> {
        let leaf = &self.told[register].use_log_leaf;
        (!leaf.is_empty()).then(|| leaf.as_slice().try_into().unwrap())
    }
}

fn agrees(told: &Registration, truth: &Outcome) -> bool {
    let presence = match truth {
        Outcome::Registered(presence) | Outcome::Deleted(presence) => *presence,
        _ => Presence::default(),
    };
    (told.outcome(), told.reason()) == outcome_to_wire(truth)
        && told.registered_since == presence.since.map(|date| date.to_string())
        && told.last_changed == presence.last_changed.map(|date| date.to_string())
}

/// Waits until `holds`, and says how long it took.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < LONG, "in vain: {what}");
        sleep(LOOK_EVERY).await;
    }
    began.elapsed()
}
