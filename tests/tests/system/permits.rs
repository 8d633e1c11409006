//! The permit matrix: each field of a data permit violated once is refused by the agent, whatever
//! the gateway says, with the field in the register's own records and a coarse reason outside.
//!
//! The questions go to the agent's own service, through the relay, with the certificate of the
//! research gateway that the agent pins: as a gateway would ask that says yes to everything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::research::compute::{FOLDER, QueryRecord};
use innsyn_broker::gateway::link::{Reach as _, channel_over};
use innsyn_broker::gateway::reach::ThroughRelays;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms};
use innsyn_policy::{Clock, DataPermit, Organisation, PermitId, RegisterId, Timestamp, Validity};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::data_permit::IssuerSigner;
use innsyn_proto::query::check_at;
use innsyn_proto::tls::{GatewayTls, TlsFiles};
use innsyn_proto::tunnel::{RelayAddress, TcpDialler};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_proto::wire::types::v1::Purpose;
use innsyn_sim::world::World;
use node::Refusal as R;
use node::compute_response::Message;
use node::compute_service_client::ComputeServiceClient;
use rcgen::{KeyPair, PKCS_ED25519};
use tokio::process::Command;
use tonic::transport::Channel;

use super::federation::until;
use super::fleet::{Fleet, Prepared};
use super::research::{persons_by_sex, spec};

/// The register that trusts the invented issuer, and one that trusts another.
const REGISTER: &str = "kreft";
const ELSEWHERE: &str = "npr";
const DAY: Duration = Duration::from_hours(24);

/// One violation: its name in the register's records, what the gateway is told, and how it is done.
type Violation = (
    &'static str,
    R,
    fn(&mut Terms),
    fn(&mut node::ComputeRequest),
);

const fn nothing(_: &mut node::ComputeRequest) {}
const fn nowhere(_: &mut Terms) {}

/// Each field that limits a query. (Project, number and legal reference only name the permit; that
/// nobody has changed them is the signature's matter, and so below.)
const VIOLATIONS: [Violation; 14] = [
    (
        "people",
        R::OutsidePermit,
        |permit| permit.people = permit.people.iter().map(|_| other_person()).collect(),
        nothing,
    ),
    ("organisation", R::OutsidePermit, nowhere, |asked| {
        asked.organisation = "974760673".to_owned();
    }),
    ("purpose", R::OutsidePermit, nowhere, |asked| {
        asked.purpose = Purpose::Administration.into();
    }),
    (
        "legal_basis",
        R::OutsidePermit,
        |permit| permit.legal_basis = PermitBasis::Consent,
        nothing,
    ),
    (
        "registers",
        R::OutsidePermit,
        |permit| permit.registers = [RegisterId::parse(ELSEWHERE).unwrap()].into(),
        nothing,
    ),
    (
        "variables",
        R::OutsidePermit,
        |permit| {
            let persons = permit.variables.get_mut("persons").unwrap();
            assert!(persons.remove("sex"), "the view has the variable");
        },
        nothing,
    ),
    (
        "born_years",
        R::OutsidePermit,
        |permit| permit.born_years = Some(1900..2000),
        nothing,
    ),
    (
        "months",
        R::OutsidePermit,
        |permit| permit.months = permit.months.end - 1..permit.months.end,
        nothing,
    ),
    (
        "own_unit",
        R::OutsidePermit,
        |permit| {
            permit.kind = PermitKind::OwnUnit {
                variable: "sex".to_owned(),
                code: "K".to_owned(),
            };
        },
        nothing,
    ),
    (
        "kinds",
        R::OutsidePermit,
        |permit| permit.kinds = [QueryKind::Count].into(),
        nothing,
    ),
    ("smallest_cell", R::OutsidePermit, nowhere, |asked| {
        asked.smallest_cell = 4;
    }),
    ("rounding_base", R::OutsidePermit, nowhere, |asked| {
        asked.rounding_base = 4;
    }),
    // Not valid yet, and not any more.
    (
        "permit",
        R::Permit,
        |permit| permit.validity.from = permit.validity.from.plus(DAY),
        nothing,
    ),
    (
        "permit",
        R::Permit,
        |permit| {
            permit.validity = Validity {
                from: permit.validity.from.minus(2 * DAY),
                until: permit.validity.from.minus(DAY),
            };
        },
        nothing,
    ),
];

fn other_person() -> innsyn_policy::NationalId {
    // Invented, as all are: the month is 81.
    let rules = innsyn_policy::NumberRules::default();
    innsyn_policy::NationalId::parse("01817010055", rules).unwrap()
}

/// A gateway that the agents pin, which says yes to everything.
struct Gateway<'a> {
    world: &'a World,
    agent: ComputeServiceClient<Channel>,
    register: &'static str,
    issuer: IssuerSigner,
    /// What the agent publishes.
    views: Vec<wire::View>,
    questions: u8,
}

impl<'a> Gateway<'a> {
    async fn of(world: &'a World, register: &'static str) -> Self {
        let folder = world.folder.join("research");
        let files = TlsFiles {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
            federation_ca: folder.join("federation-ca.pem"),
            relay_ca: folder.join("relay-ca.pem"),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let tls = GatewayTls::load(&files, &clock).unwrap();
        let config = fs::read_to_string(world.relay_config()).unwrap();
        let config: toml::Table = config.parse().unwrap();
        let relay = RelayAddress::new(config["relay"]["listen"].as_str().unwrap(), None).unwrap();
        let relays = ThroughRelays::new(Arc::new(TcpDialler), vec![relay], tls);
        let io = relays.reach(&RegisterId::parse(register).unwrap()).await;
        let channel = channel_over(io.unwrap()).await.unwrap();
        let key = fs::read_to_string(world.folder.join("issuer/key.pem")).unwrap();
        Self {
            world,
            agent: ComputeServiceClient::new(channel),
            register,
            issuer: IssuerSigner::from_pem(&key).unwrap(),
            views: Vec::new(),
            questions: 0,
        }
    }

    async fn publishes(&mut self) -> bool {
        let published = self.agent.clone().publish(node::PublishRequest {}).await;
        let views = published.map(|published| published.into_inner().views);
        self.views = views.unwrap_or_default();
        !self.views.is_empty()
    }

    fn name_of(&self, query: &wire::Query) -> Vec<u8> {
        let register = RegisterId::parse(self.register).unwrap();
        let checked = check_at(&register, query, &self.views).unwrap();
        checked.name().as_bytes().to_vec()
    }

    /// The permit of the invented researcher, as it would be issued now.
    fn terms(&self, now: Timestamp) -> Terms {
        let researcher = self.world.researcher().unwrap().id;
        let registers = &self.world.country.registers;
        self.world
            .permits
            .terms(registers, researcher, now)
            .unwrap()
    }

    /// A good question under `permit`.
    fn asks(&mut self, permit: String) -> node::ComputeRequest {
        self.questions += 1;
        let terms = self.terms(SystemClock.now());
        node::ComputeRequest {
            question_id: vec![self.questions; 16].into(),
            query_name: self.name_of(&persons_by_sex(&[])).into(),
            query: Some(persons_by_sex(&[])),
            data_permit: permit,
            researcher: self.world.researcher().unwrap().id.expose_number(),
            organisation: terms.organisation.to_string(),
            smallest_cell: terms.smallest_cell,
            rounding_base: terms.rounding_base,
            deadline_ms: 30_000,
            purpose: Purpose::Research.into(),
            ..node::ComputeRequest::default()
        }
    }

    /// The last message of the agent.
    async fn told(&self, asked: node::ComputeRequest) -> Message {
        let mut answers = self
            .agent
            .clone()
            .compute(asked)
            .await
            .unwrap()
            .into_inner();
        let mut last = None;
        while let Some(answer) = answers.message().await.unwrap() {
            last = answer.message;
        }
        last.expect("a part or a refusal")
    }

    /// The agent refuses, says so coarsely, and names the ground in its record and its log.
    async fn is_refused(&self, asked: node::ComputeRequest, told: R, ground: &str) {
        let before = self.records();
        let words = self.log_lines(ground);
        let refusal = self.told(asked).await;
        assert_eq!(refusal, Message::Refusal(told.into()), "{ground}");
        let new: Vec<String> = self.records().difference(&before).cloned().collect();
        let [record] = new.as_slice() else {
            panic!("{ground}: one record more, not {new:?}");
        };
        assert_eq!(self.outcome(record), ground);
        assert_eq!(self.log_lines(ground), words + 1, "{ground}");
    }

    fn folder(&self) -> std::path::PathBuf {
        self.world
            .agent_folder(self.register)
            .join("research")
            .join(FOLDER)
    }

    /// The names of the records beside the log of use.
    fn records(&self) -> BTreeSet<String> {
        let files = fs::read_dir(self.folder()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    fn outcome(&self, record: &str) -> String {
        let mut commitment = [0; 32];
        for (byte, at) in commitment.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&record[at..at + 2], 16).unwrap();
        }
        QueryRecord::read(&self.folder(), &commitment)
            .unwrap()
            .outcome
    }

    /// How often the agent's own log names `ground`.
    fn log_lines(&self, ground: &str) -> usize {
        let log = fs::read_to_string(self.world.agent_folder(self.register).join("log.txt"));
        let named = format!("ground=\"{ground}\"");
        log.unwrap()
            .lines()
            .filter(|line| line.contains(&named))
            .count()
    }
}

fn signed(issuer: &IssuerSigner, terms: Terms) -> String {
    issuer.sign(&DataPermit::new(terms).unwrap()).unwrap()
}

/// Two agents, of which one trusts another issuer than the world's.
async fn fleet() -> Fleet {
    let chosen = |id: &str, _| id == REGISTER || id == ELSEWHERE;
    let prepared = Prepared::choosing(&spec(400, 11), chosen);
    let config = prepared.world.agent_config(ELSEWHERE);
    let name = format!("name = \"{}\"", prepared.world.permits.name());
    changed(&config, &name, "name = \"another.example\"");
    prepared.start().await
}

fn changed(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn each_field_of_a_permit_violated_once_is_refused_by_the_agent_though_the_gateway_says_yes()
{
    let fleet = fleet().await;
    let mut gateway = Gateway::of(&fleet.world, REGISTER).await;
    until("the views are ready", async || gateway.publishes().await).await;
    let now = SystemClock.now();
    let good = gateway.terms(now);

    // The question that is violated is answered as it stands.
    let permit = signed(&gateway.issuer, good.clone());
    let asked = gateway.asks(permit.clone());
    assert!(matches!(gateway.told(asked).await, Message::Part(_)));

    for (ground, told, permit, question) in VIOLATIONS {
        let mut terms = good.clone();
        permit(&mut terms);
        let permit = signed(&gateway.issuer, terms);
        let mut asked = gateway.asks(permit);
        question(&mut asked);
        gateway.is_refused(asked, told, ground).await;
    }

    // The budget is for other queries than this one, which was answered under another number.
    let small = Terms {
        id: PermitId::new(gateway.world.permits.name(), "small").unwrap(),
        budget_queries: 1,
        ..good.clone()
    };
    let small = signed(&gateway.issuer, small);
    let asked = gateway.asks(small.clone());
    assert!(matches!(gateway.told(asked).await, Message::Part(_)));
    let in_all = wire::Query {
        dimensions: Vec::new(),
        ..persons_by_sex(&[])
    };
    let mut other = gateway.asks(small);
    other.query_name = gateway.name_of(&in_all).into();
    other.query = Some(in_all);
    gateway.is_refused(other, R::OverBudget, "budget").await;

    // The issuer: one that nobody here knows, one who only says that they are the known one, and
    // a permit of which a word was changed after it was signed.
    let another = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let another = IssuerSigner::from_pem(&another.serialize_pem()).unwrap();
    let unknown = Terms {
        id: PermitId::new("unknown.example", "1").unwrap(),
        ..good.clone()
    };
    let organisation = Terms {
        organisation: Organisation::parse("974760673").unwrap(),
        ..good.clone()
    };
    let others = signed(&gateway.issuer, organisation);
    let [_, claims, _] = parts(&others);
    let [header, _, signature] = parts(&permit);
    for forged in [
        signed(&gateway.issuer, unknown),
        signed(&another, good.clone()),
        [header, claims, signature].join("."),
    ] {
        let asked = gateway.asks(forged);
        gateway.is_refused(asked, R::Permit, "permit").await;
    }

    // After all that, the good one is good, and every question stands in the log of use.
    let asked = gateway.asks(permit);
    assert!(matches!(gateway.told(asked).await, Message::Part(_)));
    let verified = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", "uselog", "verify", "--config"])
        .arg(fleet.world.agent_config(REGISTER))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(verified.stdout).unwrap();
    let records = format!("records of queries: {} hold\n", gateway.questions);
    assert!(
        verified.status.success() && said.contains(&records),
        "{said}"
    );
}

fn parts(permit: &str) -> [&str; 3] {
    let parts: Vec<&str> = permit.split('.').collect();
    parts.try_into().unwrap()
}

#[tokio::test]
async fn an_agent_that_trusts_another_issuer_refuses() {
    let fleet = fleet().await;
    let mut gateway = Gateway::of(&fleet.world, ELSEWHERE).await;
    until("the views are ready", async || gateway.publishes().await).await;
    let good = gateway.terms(SystemClock.now());
    assert!(
        good.registers
            .contains(&RegisterId::parse(ELSEWHERE).unwrap())
    );
    let permit = signed(&gateway.issuer, good);
    let asked = gateway.asks(permit);
    gateway.is_refused(asked, R::Permit, "permit").await;
}
