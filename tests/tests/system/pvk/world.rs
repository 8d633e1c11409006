//! The register, the stand-ins, and whoever asks.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use innsyn_agent::pvk::PATH;
use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1::run_request::Question as Asked;
use innsyn_sim::helseid::{HelseIdStandIn, KnownClient, ServedHelseId};
use innsyn_sim::loopback::LoopbackTls;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::population::Person;
use innsyn_sim::pvk::{AUDIENCE, Definition, PvkStandIn, READ, Receiver, ServedPvk, WRITE};
use innsyn_sim::registers::Status;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::sts::{SystemCall, TestIssuer};
use innsyn_sim::world::{OPT_OUT, World, WorldSpec};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio_util::task::AbortOnDropHandle;

use super::super::asked_agents::AskedAgents;
use super::super::fleet::{Fleet, Prepared, until};
use super::super::log_reading::{Use, uses};
use super::super::research::{persons_by_sex, spec};

/// The register.
pub(super) const REGISTER: &str = "npr";
/// Fetched every second and relied on for four; compared never while a story lasts.
pub(super) const OFTEN: &str = "bulk_every_s = 1\nmax_age_s = 4\nspot_every_s = 3_600\n";
/// Fetched once; compared every second.
pub(super) const ONCE: &str =
    "bulk_every_s = 3_600\nmax_age_s = 7_200\nspot_every_s = 1\nspot_persons = 100\n";
/// Fetched once, and never compared.
pub(super) const NEVER: &str = "bulk_every_s = 3_600\nmax_age_s = 7_200\nspot_every_s = 86_400\n";
/// The number of a setting's change in the log of use.
const SETTING_CHANGE: u8 = 4;

pub(super) struct Story {
    pub(super) fleet: Fleet,
    pub(super) pvk: ServedPvk,
    pub(super) helseid: ServedHelseId,
    pub(super) call: SystemCall,
    receiver: SocketAddr,
    asked: Option<(AskedAgents, Researcher)>,
    pushing: Option<AbortOnDropHandle<()>>,
}

/// A world whose register has a place at the stand-ins, and is not started yet.
pub(super) struct Set {
    pub(super) prepared: Prepared,
    pub(super) pvk: ServedPvk,
    pub(super) helseid: ServedHelseId,
    call: SystemCall,
    receiver: SocketAddr,
}

/// A port below those that outgoing connections have.
fn free_port() -> SocketAddr {
    let mut random: StdRng = rand::make_rng();
    loop {
        let port = random.random_range(10_000..30_000);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr().unwrap();
        }
    }
}

impl Set {
    /// With these times in `[pvk]`.
    pub(super) async fn up(times: &str) -> Self {
        let spec = WorldSpec {
            settings: true,
            ..spec(600, 21)
        };
        let prepared = Prepared::choosing(&spec, |id, _| id == REGISTER);
        let tls = LoopbackTls::new().unwrap();
        let client = KnownClient::new("innsyn-npr", AUDIENCE, &[READ, WRITE]).unwrap();
        let helseid = HelseIdStandIn::start(client.clone(), Some(&tls))
            .await
            .unwrap();
        let definition = Definition {
            guid: OPT_OUT.to_owned(),
            name: "Reservasjon".to_owned(),
            part: "HDIR".to_owned(),
            kind: "reservasjon".to_owned(),
        };
        let pvk = PvkStandIn::start(Arc::clone(&helseid.helseid), vec![definition], Some(&tls));
        let pvk = pvk.await.unwrap();
        let (receiver, sts) = (free_port(), &prepared.world.sts);
        let section = format!(
            r#"
[pvk]
url = "{url}"
ca_file = "pvk-ca.pem"
definitions = ["{OPT_OUT}"]
{times}
[pvk.helseid]
issuer = "{issuer}"
client_id = "{client}"
key_file = "helseid.key"
key_id = "{key_id}"
scopes = ["{READ}", "{WRITE}"]

[pvk.receiver]
listen = "{receiver}"
issuer = "{sts}"
audience = "{REGISTER}"
scope = "personvern"
jwks = "../../sts/jwks.json"
"#,
            url = pvk.pvk.url(),
            issuer = helseid.helseid.issuer(),
            client = client.id,
            key_id = client.key_id,
            sts = sts.names().issuer,
        );
        let config = prepared.world.agent_config(REGISTER);
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text + &section).unwrap();
        let folder = prepared.world.agent_folder(REGISTER);
        fs::write(folder.join("pvk-ca.pem"), &tls.ca).unwrap();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join("helseid.key"))
            .unwrap();
        file.write_all(client.private_key.as_bytes()).unwrap();
        Self {
            prepared,
            pvk,
            helseid,
            call: SystemCall {
                audience: REGISTER.to_owned(),
                scope: "personvern".to_owned(),
            },
            receiver,
        }
    }

    /// People of the register of whom nothing is recorded there.
    pub(super) fn people(&self) -> Vec<Person> {
        people(&self.prepared.world)
    }

    pub(super) async fn start(self) -> Story {
        let fleet = self.prepared.start().await;
        let mut story = Story {
            fleet,
            pvk: self.pvk,
            helseid: self.helseid,
            call: self.call,
            receiver: self.receiver,
            asked: None,
            pushing: None,
        };
        story.pushing = Some(story.pvk.pvk.pushes_to(story.receiver()));
        story
    }
}

fn people(world: &World) -> Vec<Person> {
    let country = &world.country;
    let register = RegisterId::parse(REGISTER).unwrap();
    let place = country.registers.iter().position(|r| *r.id() == register);
    let people = (0..country.population.everyone()).filter_map(|number| country.person(number));
    let people = people.filter(|person| {
        let records = country.records_of(person.number);
        let mut here = records.iter().filter(|r| Some(r.register) == place);
        here.any(|r| r.status == Status::Registered && r.settings.is_empty())
    });
    people.collect()
}

impl Story {
    pub(super) fn people(&self) -> Vec<Person> {
        people(&self.fleet.world)
    }

    /// The register's receiver, and the token it is called with.
    pub(super) fn receiver(&self) -> Receiver {
        Receiver {
            url: format!("http://{}{PATH}", self.receiver),
            sts: TestIssuer::open(&self.fleet.world.folder.join("sts")).unwrap(),
            call: self.call.clone(),
        }
    }

    /// Somebody says at helsenorge whether their opt-out stands.
    pub(super) fn says(&self, person: &Person, active: bool) -> i64 {
        self.pvk.pvk.says(person.id.expose_str(), OPT_OUT, active)
    }

    /// How many persons the register counts; `None` where it refuses.
    pub(super) async fn counted(&mut self) -> Option<u64> {
        self.part().await.ok()
    }

    /// How many persons the register counts, or why it does not.
    pub(super) async fn part(&mut self) -> anyhow::Result<u64> {
        if self.asked.is_none() {
            let agents = AskedAgents::of(&self.fleet.world);
            self.asked = Some((agents, self.fleet.researcher().await));
        }
        let (agents, researcher) = self.asked.as_mut().unwrap();
        let number = agents.permit_number();
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, &number).unwrap();
            });
        let request = researcher.asks(Asked::Query(persons_by_sex(&[REGISTER])));
        let planned = researcher.dry_run(request).await?;
        let part = agents.part(REGISTER, &planned, permit.unwrap()).await?;
        Ok(part.cells.iter().map(|cell| cell.persons).sum())
    }

    /// How many it counts, when it does.
    pub(super) async fn counts(&mut self) -> u64 {
        let ends = tokio::time::Instant::now() + super::super::fleet::LONG;
        loop {
            if let Some(persons) = self.counted().await {
                return persons;
            }
            let warnings = self.warnings().await;
            assert!(tokio::time::Instant::now() < ends, "{warnings:?}");
        }
    }

    /// What `/readyz` warns of.
    pub(super) async fn warnings(&self) -> Vec<String> {
        let status = self.fleet.world.agent_status(REGISTER).unwrap();
        let ready = self.fleet.http.get(format!("http://{status}/readyz"));
        let ready: serde_json::Value = ready.send().await.unwrap().json().await.unwrap();
        let warnings = ready["warnings"].as_array().unwrap().iter();
        warnings.map(|it| it.as_str().unwrap().to_owned()).collect()
    }

    /// Whether `/readyz` warns of something with these words.
    pub(super) async fn warns(&self, words: &str) -> bool {
        self.warnings().await.iter().any(|it| it.contains(words))
    }

    /// What the agent has counted.
    pub(super) async fn metric(&self, name: &str) -> u64 {
        let status = self.fleet.world.agent_status(REGISTER).unwrap();
        let metrics = self.fleet.http.get(format!("http://{status}/metrics"));
        let metrics = metrics.send().await.unwrap().text().await.unwrap();
        let name = format!("innsyn_agent_pvk_{name} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap().parse().unwrap()
    }

    /// Waits until the agent has received `pushes` settings since its start.
    pub(super) async fn received(&self, pushes: u64) {
        until("what was pushed is received", async || {
            self.metric("received_total").await == pushes
        })
        .await;
    }

    /// The changes of settings in the log of use of the agent, which is stopped for it.
    pub(super) async fn logged(&mut self) -> Vec<Use> {
        self.fleet.stop(REGISTER).await;
        let folder = self.fleet.world.agent_folder(REGISTER).join("log");
        let uses = uses(&folder).into_iter();
        uses.filter(|it| it.kind == SETTING_CHANGE).collect()
    }

    /// Nobody is named in what the agent has logged for its operator.
    pub(super) fn log_names_nobody(&self) {
        let log = self.fleet.agent_log(REGISTER);
        for person in self.people() {
            assert!(!log.contains(person.id.expose_str()), "a person in a log");
        }
    }
}
