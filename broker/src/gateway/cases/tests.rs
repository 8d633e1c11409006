//! One register is meant, all are called: fake agents at the other end of pipes.

mod waiting;

use std::collections::BTreeMap;
use std::io;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use http::HeaderValue;
use innsyn_policy::RegisterId;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::tunnel::BoxedIo;
use innsyn_proto::wire::citizen::v1::NotTold;
use innsyn_proto::wire::node::v1 as wire;
use node::cases_service_server::{CasesService, CasesServiceServer};
use node::node_service_server::{NodeService, NodeServiceServer};
use prost::Message as _;
use rand::SeedableRng as _;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::{Channel, Server};
use tonic::{Response, Status, Streaming};

use super::*;
use crate::catalog::Catalogue;
use crate::gateway::everyone::Everyone;
use crate::gateway::link::{self, Beside, Link, Reach, ReachError};
use crate::gateway::settings::GatewaySettings;
use crate::gateway::tests::support::{self, KARI};
use crate::gateway::{CitizenFace, CitizenFaceParts, CitizenMetrics};

/// What an agent was sent: by which call, how many bytes, and whether somebody was named.
type Heard = (&'static str, usize, bool);

/// The agents, and what each was sent.
#[derive(Default)]
struct Agents {
    heard: Mutex<BTreeMap<String, Vec<Heard>>>,
    absent: Mutex<Vec<String>>,
    /// How many cases this register has, too many for a small answer.
    cases: Mutex<BTreeMap<String, u32>>,
}

#[derive(Clone)]
struct Agent {
    register: String,
    agents: Arc<Agents>,
}

impl Agent {
    fn hears(&self, call: &'static str, bytes: usize, named: bool) {
        let mut heard = self.agents.heard.lock().unwrap();
        heard
            .entry(self.register.clone())
            .or_default()
            .push((call, bytes, named));
    }
}

#[tonic::async_trait]
impl CasesService for Agent {
    async fn open_case(
        &self,
        request: tonic::Request<wire::OpenCaseRequest>,
    ) -> Result<Response<wire::OpenCaseResponse>, Status> {
        let request = request.into_inner();
        self.hears("open", request.encoded_len(), request.who.is_some());
        let mut answer = wire::OpenCaseResponse::default();
        if request.who.is_some() {
            answer.summary = Some(types::CaseSummary::default());
            answer.receipt = format!("receipt of {}", self.register);
        }
        assert!(answer.pad_to(request.reply_bytes as usize));
        Ok(Response::new(answer))
    }

    async fn add_message(
        &self,
        request: tonic::Request<wire::AddMessageRequest>,
    ) -> Result<Response<wire::AddMessageResponse>, Status> {
        let request = request.into_inner();
        self.hears("message", request.encoded_len(), request.who.is_some());
        let refusal = wire::CaseRefusal::Answered.into();
        Ok(Response::new(wire::AddMessageResponse {
            refusal,
            ..wire::AddMessageResponse::default()
        }))
    }

    async fn appeal_case(
        &self,
        _: tonic::Request<wire::AppealCaseRequest>,
    ) -> Result<Response<wire::AppealCaseResponse>, Status> {
        Err(Status::permission_denied("does not take part"))
    }

    async fn list_cases(
        &self,
        request: tonic::Request<wire::ListCasesRequest>,
    ) -> Result<Response<wire::ListCasesResponse>, Status> {
        let request = request.into_inner();
        self.hears("list", request.encoded_len(), request.who.is_some());
        let cases = self.agents.cases.lock().unwrap();
        let cases = cases.get(&self.register).copied().unwrap_or_default();
        let summary = types::CaseSummary {
            case_id: vec![7; 16],
            ..types::CaseSummary::default()
        };
        let mut answer = wire::ListCasesResponse {
            cases: vec![summary; cases as usize],
            ..wire::ListCasesResponse::default()
        };
        let needed = answer.encoded_len() + 2;
        if !answer.pad_to(request.reply_bytes as usize) {
            answer = wire::ListCasesResponse {
                bytes_needed: u32::try_from(needed).unwrap(),
                ..wire::ListCasesResponse::default()
            };
        }
        Ok(Response::new(answer))
    }

    async fn get_case(
        &self,
        request: tonic::Request<wire::GetCaseRequest>,
    ) -> Result<Response<wire::GetCaseResponse>, Status> {
        let request = request.into_inner();
        self.hears("get", request.reply_bytes as usize, request.who.is_some());
        let mut answer = wire::GetCaseResponse::default();
        if request.who.is_some() {
            if request.reply_bytes < 10_000 {
                answer.bytes_needed = 10_000;
            } else {
                answer.case = Some(types::Case::default());
            }
        }
        Ok(Response::new(answer))
    }

    async fn find_message(
        &self,
        request: tonic::Request<wire::FindMessageRequest>,
    ) -> Result<Response<wire::FindMessageResponse>, Status> {
        let request = request.into_inner();
        self.hears("find", request.encoded_len(), request.who.is_some());
        let mut answer = wire::FindMessageResponse::default();
        if request.message_id[..] == [1; 16] {
            answer.found = true;
            answer.summary = Some(types::CaseSummary::default());
        }
        assert!(answer.pad_to(request.reply_bytes as usize));
        Ok(Response::new(answer))
    }

    type NoticesStream = BoxStream<'static, Result<wire::NoticesResponse, Status>>;

    async fn notices(
        &self,
        _: tonic::Request<Streaming<wire::NoticesRequest>>,
    ) -> Result<Response<Self::NoticesStream>, Status> {
        Err(Status::unimplemented("none here"))
    }
}

#[tonic::async_trait]
impl NodeService for Agent {
    type AskStream = BoxStream<'static, Result<wire::AskResponse, Status>>;
    type WitnessHeadsStream = BoxStream<'static, Result<wire::WitnessHeadsResponse, Status>>;

    async fn ask(
        &self,
        _: tonic::Request<Streaming<wire::AskRequest>>,
    ) -> Result<Response<Self::AskStream>, Status> {
        Ok(Response::new(stream::pending().boxed()))
    }

    async fn witness_heads(
        &self,
        _: tonic::Request<Streaming<wire::WitnessHeadsRequest>>,
    ) -> Result<Response<Self::WitnessHeadsStream>, Status> {
        Err(Status::unimplemented("no heads here"))
    }
}

struct Pipes(Arc<Agents>);

impl Reach for Pipes {
    fn reach<'a>(&'a self, register: &'a RegisterId) -> BoxFuture<'a, Result<BoxedIo, ReachError>> {
        Box::pin(async move {
            let register = register.to_string();
            if self.0.absent.lock().unwrap().contains(&register) {
                return Err(ReachError::NotParked);
            }
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let agents = Arc::clone(&self.0);
            let agent = Agent { register, agents };
            tokio::spawn(
                Server::builder()
                    .add_service(NodeServiceServer::new(agent.clone()))
                    .add_service(CasesServiceServer::new(agent).max_decoding_message_size(1 << 20))
                    .serve_with_incoming(tokio_stream::once(Ok::<_, io::Error>(theirs))),
            );
            let ours: BoxedIo = Box::new(ours);
            Ok(ours)
        })
    }
}

struct Nothing;

impl Beside for Nothing {
    fn beside(&self, _: RegisterId, _: Channel) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

const REGISTERS: [(&str, &str, &str); 5] = [
    ("dar", "mandatory", "live"),
    ("kreft", "mandatory", "live"),
    ("hunt", "consent", "live"),
    ("norm", "deidentified", "cannot_be_asked"),
    ("saminor", "consent", "not_connected"),
];

struct World {
    agents: Arc<Agents>,
    cases: Arc<CasesFace>,
    headers: HeaderMap,
    _links: DropGuard,
    _support: support::World,
}

impl World {
    async fn with_absent(absent: &[&str]) -> Self {
        Self::with(absent, None).await
    }

    async fn with(absent: &[&str], settings: Option<Arc<GatewaySettings>>) -> Self {
        let support = support::World::new().await;
        let rows = REGISTERS.map(|(id, basis, listing)| {
            format!(
                "[[register]]\nid = \"{id}\"\nname = \"{id}\"\nname_en = \"{id}\"\n\
                 description = \"invented\"\nkind = \"central\"\nlegal_basis = \"{basis}\"\n\
                 membership_is_sensitive = false\ncontroller = \"nobody\"\n\
                 contact_email = \"nobody@example.invalid\"\n\
                 insight = {{ method = \"live_query\" }}\nlisting = \"{listing}\"\n"
            )
        });
        let catalogue = Arc::new(Catalogue::parse(&rows.concat()).unwrap());
        let agents = Arc::new(Agents::default());
        *agents.absent.lock().unwrap() = absent.iter().map(|it| (*it).to_owned()).collect();
        let shutdown = CancellationToken::new();
        let links: Arc<[Option<Arc<Link>>]> = catalogue
            .entries()
            .iter()
            .enumerate()
            .map(|(position, entry)| {
                let is_asked = entry.fixed_outcome().is_none();
                is_asked.then(|| Link::new(position, entry.register.id.clone()))
            })
            .collect();
        for link in links.iter().flatten() {
            tokio::spawn(link::run(
                Arc::clone(link),
                Arc::new(Pipes(Arc::clone(&agents))),
                Arc::new(Nothing),
                1,
                shutdown.clone(),
            ));
        }
        let mut registry = prometheus_client::registry::Registry::default();
        let tokens = support.config.open_verifier(support.clock.clone());
        let face = CitizenFace::new(CitizenFaceParts {
            config: support.config.clone(),
            catalogue: Arc::clone(&catalogue),
            registers: support.registers.clone(),
            everyone: Everyone::new(catalogue, links),
            settings,
            tokens: Arc::new(tokens.await.unwrap()),
            clock: support.clock.clone(),
            metrics: Arc::new(CitizenMetrics::register(&mut registry)),
        });
        let mut headers = HeaderMap::new();
        let token = HeaderValue::from_str(&format!("Bearer {}", support.token())).unwrap();
        headers.insert(http::header::AUTHORIZATION, token);
        Self {
            agents,
            cases: CasesFace::new(face, StdRng::seed_from_u64(1)),
            headers,
            _links: shutdown.drop_guard(),
            _support: support,
        }
    }

    async fn admitted(&self) -> Admitted {
        self.cases
            .admit(&self.headers, Instant::now())
            .await
            .unwrap()
    }

    async fn says(&self, register: &str, to: To, file: usize) -> Result<Delivered, Refusal> {
        let said = Said {
            national_id: KARI.to_owned(),
            register_id: register.to_owned(),
            message_id: vec![1; 16],
            text: "Er dette riktig?".to_owned(),
            attachments: (file > 0)
                .then(|| types::CaseAttachment {
                    name: "fil".to_owned(),
                    media_type: "text/plain".to_owned(),
                    content: vec![0; file],
                    bytes: 0,
                })
                .into_iter()
                .collect(),
        };
        self.cases.say(&self.admitted().await, said, to).await
    }

    /// What all agents were sent, once everyone who is there was called `calls` times.
    async fn heard(&self, calls: usize, agents: usize) -> BTreeMap<String, Vec<Heard>> {
        for _ in 0..1_000 {
            let heard = self.agents.heard.lock().unwrap().clone();
            if heard.len() == agents && heard.values().all(|heard| heard.len() == calls) {
                return heard;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not everybody was called");
    }
}

fn is(refusal: Result<Delivered, Refusal>, expected: CaseRefusal) {
    assert_eq!(refusal.map(|_| ()).unwrap_err(), Refusal::Case(expected));
}

#[tokio::test]
async fn promise_2_every_register_gets_as_many_bytes_and_only_one_of_them_a_person() {
    for (file, bytes) in [(0, 8 * 1024), (20_000, 64 * 1024), (256 * 1024, 384 * 1024)] {
        let world = World::with_absent(&[]).await;
        let kind = types::CaseKind::Correction;
        let said = world.says("kreft", To::New(kind), file).await.unwrap();
        let Delivered::Taken(taken) = said else {
            panic!("taken");
        };
        assert_eq!(taken.receipt, "receipt of kreft");
        let heard = world.heard(1, 3).await;
        for (register, heard) in heard {
            assert_eq!(heard, [("open", bytes, register == "kreft")], "{register}");
        }
    }
}

#[tokio::test]
async fn a_larger_answer_is_asked_of_every_register() {
    let world = World::with_absent(&[]).await;
    let admitted = world.admitted().await;
    let got = world
        .cases
        .get(&admitted, KARI, "hunt", vec![7; 16], 0)
        .await;
    got.unwrap();
    for (register, heard) in world.heard(2, 3).await {
        let named = register == "hunt";
        assert_eq!(heard, [("get", 8 * 1024, named), ("get", 64 * 1024, named)]);
    }
}

#[tokio::test]
async fn who_is_absent_has_not_got_it_and_the_others_are_called_all_the_same() {
    let world = World::with_absent(&["kreft"]).await;
    let kind = types::CaseKind::Insight;
    is(
        world.says("kreft", To::New(kind), 0).await,
        CaseRefusal::NotDelivered,
    );
    for heard in world.heard(1, 2).await.values() {
        assert_eq!(heard, &[("open", 8 * 1024, false)]);
    }
}

#[tokio::test]
async fn a_registers_no_is_told_by_its_reason() {
    let world = World::with_absent(&[]).await;
    is(
        world.says("kreft", To::Message(vec![7; 16]), 0).await,
        CaseRefusal::Answered,
    );
    is(
        world.says("kreft", To::Appeal(vec![7; 16]), 0).await,
        CaseRefusal::NotServed,
    );
    for (register, why) in [
        ("norm", CaseRefusal::RegisterWithoutDialogs),
        ("saminor", CaseRefusal::RegisterWithoutDialogs),
        ("nowhere", CaseRefusal::RegisterUnknown),
    ] {
        let to = To::New(types::CaseKind::Insight);
        is(world.says(register, to, 0).await, why);
    }
    is(
        world.says("kreft", To::Message(vec![7; 15]), 0).await,
        CaseRefusal::CaseId,
    );
    let to = To::New(types::CaseKind::Unspecified);
    is(world.says("kreft", to, 0).await, CaseRefusal::Kind);
    is(
        world.says("kreft", To::Message(vec![7; 16]), 300_000).await,
        CaseRefusal::Attachments,
    );
}

#[tokio::test]
async fn promise_1_every_register_is_in_the_account_of_cases_once() {
    let world = World::with_absent(&["dar"]).await;
    // More than a small answer holds: everybody is asked for a larger one.
    world
        .agents
        .cases
        .lock()
        .unwrap()
        .insert("hunt".to_owned(), 600);
    let (admitted, now) = (world.admitted().await, Instant::now());
    let listed = world
        .cases
        .list_cases(&admitted, KARI, None, now)
        .await
        .unwrap();
    let told: Vec<_> = listed
        .registers
        .iter()
        .map(|at| {
            let outcome = at.not_told.as_ref().map(NotTold::outcome);
            (at.register_id.as_str(), at.cases.len(), outcome)
        })
        .collect();
    let expected = [
        ("dar", 0, Some(types::Outcome::NoAnswer)),
        ("kreft", 0, None),
        ("hunt", 600, None),
        ("norm", 0, Some(types::Outcome::CannotBeAsked)),
        ("saminor", 0, Some(types::Outcome::NotConnected)),
    ];
    assert_eq!(told, expected);
    assert!(!listed.complete);
    for heard in world.heard(2, 2).await.values() {
        assert!(
            heard.iter().all(|it| *it == ("list", 512, true)),
            "{heard:?}"
        );
    }
}
