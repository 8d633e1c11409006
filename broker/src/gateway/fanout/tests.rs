//! The fan-out over fake agents: a real gRPC service at the other end of a pipe, without TLS.

use std::collections::{BTreeMap, HashMap};
use std::io;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use innsyn_policy::{
    Area, Assurance, Caller, ManualClock, NationalId, NumberRules, Organisation, Presence, Purpose,
    QuestionId, RegisterId, RegisterKind, Representation, Timestamp, Validity, WithheldReason,
};
use innsyn_proto::convert::{NodeAnswer, answer_to_wire, question_from_wire};
use innsyn_proto::tunnel::BoxedIo;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::wire::node::v1::node_service_client::NodeServiceClient;
use innsyn_proto::wire::node::v1::node_service_server::{NodeService, NodeServiceServer};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Server};
use tonic::{Response, Status, Streaming};

use super::super::everyone::{Called, Everyone};
use super::super::link::{self, Beside, Reach, ReachError};
use super::*;

/// How a fake agent behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Answers,
    /// Takes questions and is silent.
    Hangs,
    /// Is not connected to the relay.
    Absent,
    /// The relay itself is gone.
    RelayGone,
}

/// The agents of a federation, and the questions that each was asked.
#[derive(Default)]
struct Agents {
    behaviour: Mutex<HashMap<String, Behaviour>>,
    asked: Mutex<BTreeMap<String, Vec<QuestionId>>>,
    /// Cancelled to cut every connection that stands.
    cut: Mutex<CancellationToken>,
}

impl Agents {
    fn behaviour(&self, register: &str) -> Behaviour {
        self.behaviour
            .lock()
            .unwrap()
            .get(register)
            .copied()
            .unwrap_or(Behaviour::Answers)
    }

    fn become_(&self, register: &str, behaviour: Behaviour) {
        self.behaviour
            .lock()
            .unwrap()
            .insert(register.to_owned(), behaviour);
    }

    fn cut_connections(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    fn asked(&self, register: &str) -> Vec<QuestionId> {
        self.asked
            .lock()
            .unwrap()
            .get(register)
            .cloned()
            .unwrap_or_default()
    }
}

struct FakeAgent {
    register: String,
    agents: Arc<Agents>,
}

#[tonic::async_trait]
impl NodeService for FakeAgent {
    type AskStream = BoxStream<'static, Result<wire::AskResponse, Status>>;
    type WitnessHeadsStream = BoxStream<'static, Result<wire::WitnessHeadsResponse, Status>>;

    async fn ask(
        &self,
        request: tonic::Request<Streaming<wire::AskRequest>>,
    ) -> Result<Response<Self::AskStream>, Status> {
        let (register, agents) = (self.register.clone(), Arc::clone(&self.agents));
        let mut batches_done = 0;
        let answers = request.into_inner().then(move |batch| {
            batches_done += 1;
            let (register, agents) = (register.clone(), Arc::clone(&agents));
            async move {
                let batch = batch?;
                for question in &batch.questions {
                    let id = question_from_wire(question, NumberRules::default())
                        .unwrap()
                        .id;
                    agents
                        .asked
                        .lock()
                        .unwrap()
                        .entry(register.clone())
                        .or_default()
                        .push(id);
                }
                while agents.behaviour(&register) == Behaviour::Hangs {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                let answer = |question: &wire::Question| {
                    answer_to_wire(&NodeAnswer {
                        number: question.number,
                        outcome: Outcome::Registered(Presence::default()),
                        use_log_leaf: Some([1; 32]),
                    })
                };
                let answers = batch.questions.iter().map(answer).collect();
                Ok(wire::AskResponse {
                    answers,
                    batches_done,
                })
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn witness_heads(
        &self,
        _request: tonic::Request<Streaming<wire::WitnessHeadsRequest>>,
    ) -> Result<Response<Self::WitnessHeadsStream>, Status> {
        Err(Status::unimplemented("no heads here"))
    }
}

struct Pipes(Arc<Agents>);

impl Reach for Pipes {
    fn reach<'a>(&'a self, register: &'a RegisterId) -> BoxFuture<'a, Result<BoxedIo, ReachError>> {
        Box::pin(async move {
            match self.0.behaviour(register.as_str()) {
                Behaviour::Absent => return Err(ReachError::NotParked),
                Behaviour::RelayGone => {
                    let error = io::Error::from(io::ErrorKind::ConnectionRefused);
                    return Err(ReachError::RelayUnreachable(error.into()));
                }
                Behaviour::Answers | Behaviour::Hangs => {}
            }
            let (ours, mut near) = tokio::io::duplex(1 << 16);
            let (mut far, theirs) = tokio::io::duplex(1 << 16);
            let cut = self.0.cut.lock().unwrap().clone();
            tokio::spawn(cut.run_until_cancelled_owned(async move {
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            }));
            let agent = FakeAgent {
                register: register.to_string(),
                agents: Arc::clone(&self.0),
            };
            tokio::spawn(
                Server::builder()
                    .add_service(NodeServiceServer::new(agent))
                    .serve_with_incoming(tokio_stream::once(Ok::<_, io::Error>(theirs))),
            );
            let ours: BoxedIo = Box::new(ours);
            Ok(ours)
        })
    }
}

struct Nothing;

impl Beside for Nothing {
    fn beside(&self, _register: RegisterId, _channel: Channel) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A gateway and its agents.
struct World {
    agents: Arc<Agents>,
    fanout: Fanout,
    everyone: Everyone,
    _shutdown: tokio_util::sync::DropGuard,
}

const REGISTERS: [(&str, &str, &str); 6] = [
    ("dar", "mandatory", "live"),
    ("kreft", "mandatory", "live"),
    ("hunt", "consent", "live"),
    ("norm", "deidentified", "cannot_be_asked"),
    ("iplos", "pseudonymous", "cannot_be_asked"),
    ("saminor", "consent", "not_connected"),
];

impl World {
    async fn up() -> Self {
        let world = Self::starting();
        while world.fanout.readiness().registers_connected < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        world
    }

    fn starting() -> Self {
        let register = |(id, basis, listing): &(&str, &str, &str)| {
            let kind = if *id == "hunt" { "survey" } else { "central" };
            format!(
                "[[register]]\nid = \"{id}\"\nname = \"{id}\"\nname_en = \"{id}\"\n\
                 description = \"invented\"\nkind = \"{kind}\"\nlegal_basis = \"{basis}\"\n\
                 membership_is_sensitive = false\ncontroller = \"nobody\"\n\
                 contact_email = \"nobody@example.invalid\"\n\
                 insight = {{ method = \"live_query\" }}\nlisting = \"{listing}\"\n"
            )
        };
        let toml = REGISTERS.iter().map(register).collect::<Vec<_>>().concat();
        let catalogue = Arc::new(Catalogue::parse(&toml).unwrap());
        let agents = Arc::new(Agents::default());
        let shutdown = CancellationToken::new();
        let links = catalogue
            .entries()
            .iter()
            .enumerate()
            .map(|(position, entry)| {
                entry.fixed_outcome().is_none().then(|| {
                    let link = Link::new(position, entry.register.id.clone());
                    tokio::spawn(link::run(
                        Arc::clone(&link),
                        Arc::new(Pipes(Arc::clone(&agents))),
                        Arc::new(Nothing),
                        7,
                        shutdown.clone(),
                    ));
                    link
                })
            })
            .collect();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let links: Arc<[_]> = links;
        let everyone = Everyone::new(Arc::clone(&catalogue), Arc::clone(&links));
        let fanout = Fanout::new(catalogue, links, clock, [3; 32]);
        Self {
            agents,
            fanout,
            everyone,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// Lists and returns each register's outcome, and how long it took.
    async fn lists(&self, request: Request) -> (BTreeMap<&'static str, Outcome>, Duration) {
        let began = Instant::now();
        let updates: Vec<Update> = self
            .fanout
            .list(request, Duration::from_secs(3))
            .collect()
            .await;
        let took = began.elapsed();
        assert_eq!(
            updates.len(),
            REGISTERS.len(),
            "one update for each register"
        );
        let by_register: BTreeMap<_, _> = updates
            .iter()
            .map(|u| (REGISTERS[u.register].0, u.outcome))
            .collect();
        assert_eq!(by_register.len(), REGISTERS.len(), "no register twice");
        (by_register, took)
    }
}

fn oneself() -> Request {
    let id = NationalId::parse("01817010055", NumberRules::default()).unwrap();
    Request {
        subject: id,
        caller: Caller {
            person: id,
            organisation: Organisation::parse("983658776").unwrap(),
            assurance: Assurance::High,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    }
}

const REGISTERED: Outcome = Outcome::Registered(Presence {
    since: None,
    last_changed: None,
});

#[tokio::test(start_paused = true)]
async fn promise_1_every_register_has_exactly_one_outcome() {
    let world = World::up().await;
    world.agents.become_("hunt", Behaviour::Absent);
    world.agents.cut_connections();
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.agents.become_("kreft", Behaviour::Hangs);

    let (outcomes, _) = world.lists(oneself()).await;

    assert_eq!(outcomes["dar"], REGISTERED);
    assert_eq!(
        outcomes["kreft"],
        Outcome::NoAnswer(NoAnswerReason::Timeout)
    );
    assert_eq!(outcomes["hunt"], Outcome::NoAnswer(NoAnswerReason::Down));
    assert!(matches!(outcomes["norm"], Outcome::CannotBeAsked(_)));
    assert!(matches!(outcomes["iplos"], Outcome::CannotBeAsked(_)));
    assert_eq!(outcomes["saminor"], Outcome::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn a_call_beside_the_stream_reaches_everybody_and_accounts_for_everybody() {
    let world = World::up().await;
    world.agents.become_("hunt", Behaviour::Absent);
    world.agents.cut_connections();
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.agents.become_("kreft", Behaviour::Hangs);

    let began = Instant::now();
    let calls = world
        .everyone
        .call(began + Duration::from_secs(2), async |_, channel| {
            let mut client = NodeServiceClient::new(channel);
            let probe = futures::stream::iter([wire::AskRequest::default()]);
            let mut answers = client.ask(probe).await?.into_inner();
            answers.message().await
        });
    let called: BTreeMap<_, _> = calls
        .map(|(at, called)| (REGISTERS[at].0, called))
        .collect()
        .await;

    assert_eq!(called.len(), REGISTERS.len());
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(2),
        "one that hangs holds up nobody longer"
    );
    assert!(matches!(&called["dar"], Called::Answered(Some(answer)) if answer.batches_done == 1));
    let silent = |id: &str| match &called[id] {
        Called::Silent(outcome) => *outcome,
        other => panic!("{id} is not silent but {other:?}"),
    };
    assert_eq!(silent("kreft"), Outcome::NoAnswer(NoAnswerReason::Timeout));
    assert_eq!(silent("hunt"), Outcome::NoAnswer(NoAnswerReason::Down));
    assert!(matches!(silent("norm"), Outcome::CannotBeAsked(_)));
    assert_eq!(silent("saminor"), Outcome::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_link_that_is_being_made() {
    let world = World::starting();
    let calls = world.everyone.call(
        Instant::now() + Duration::from_secs(2),
        async |_, channel| {
            let probe = futures::stream::iter([wire::AskRequest::default()]);
            NodeServiceClient::new(channel).ask(probe).await.map(drop)
        },
    );
    let called: Vec<_> = calls.collect().await;
    let answered = called
        .iter()
        .filter(|(_, called)| matches!(called, Called::Answered(())))
        .count();
    assert_eq!(answered, 3);
}

#[tokio::test(start_paused = true)]
async fn answers_are_told_together_and_the_last_at_once() {
    let world = World::up().await;
    world.agents.become_("kreft", Behaviour::Hangs);
    let began = Instant::now();
    let mut updates = world.fanout.list(oneself(), Duration::from_secs(3));
    let mut told = BTreeMap::new();
    let position = |id: &str| REGISTERS.iter().position(|(of, ..)| *of == id).unwrap();
    while told.len() < REGISTERS.len() {
        if told.len() == REGISTERS.len() - 1 {
            world.agents.become_("kreft", Behaviour::Answers);
        }
        let update = updates.next().await.unwrap();
        told.insert(update.register, began.elapsed());
    }
    let at = |id: &str| told[&position(id)];
    assert_eq!(at("norm"), Duration::ZERO);
    assert_eq!(at("dar"), at("hunt"));
    let (first, last) = (at("dar"), at("kreft"));
    assert!(
        (GATHER..=GATHER + Duration::from_millis(2)).contains(&first),
        "{first:?}"
    );
    // It looks every 10 ms whether it still hangs.
    assert!(last < Duration::from_millis(12), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn promise_7_a_hung_register_costs_one_deadline_and_then_nobody_waits() {
    let world = World::up().await;
    world.agents.become_("kreft", Behaviour::Hangs);

    let (outcomes, took) = world.lists(oneself()).await;
    assert_eq!(
        outcomes["kreft"],
        Outcome::NoAnswer(NoAnswerReason::Timeout)
    );
    assert_eq!(outcomes["dar"], REGISTERED);
    // Tokio's timers count whole milliseconds, and fire at the next.
    let late = took.checked_sub(Duration::from_secs(3)).unwrap();
    assert!(late <= Duration::from_millis(1), "{took:?}");

    let (outcomes, took) = world.lists(oneself()).await;
    assert_eq!(
        outcomes["kreft"],
        Outcome::NoAnswer(NoAnswerReason::Unresponsive)
    );
    assert_eq!(outcomes["dar"], REGISTERED);
    assert!(took < Duration::from_millis(50), "{took:?}");

    world.agents.become_("kreft", Behaviour::Answers);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (outcomes, _) = world.lists(oneself()).await;
    assert_eq!(
        outcomes["kreft"], REGISTERED,
        "waited for again once it answers"
    );
}

#[tokio::test(start_paused = true)]
async fn promise_7_a_lost_connection_loses_no_question_that_the_deadline_allows() {
    let world = World::up().await;
    world.agents.become_("kreft", Behaviour::Hangs);
    let listing = world.lists(oneself());
    let trouble = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for (register, ..) in &REGISTERS[..3] {
            world.agents.become_(register, Behaviour::RelayGone);
        }
        world.agents.cut_connections();
        tokio::time::sleep(Duration::from_secs(1)).await;
        for (register, ..) in &REGISTERS[..3] {
            world.agents.become_(register, Behaviour::Answers);
        }
    };
    let ((outcomes, took), ()) = futures::join!(listing, trouble);

    assert_eq!(outcomes["kreft"], REGISTERED);
    assert!(took < Duration::from_secs(3), "{took:?}");
    let asked = world.agents.asked("kreft");
    assert_eq!(asked.len(), 2, "asked again");
    assert_eq!(asked[0], asked[1], "under the same id");
}

#[tokio::test(start_paused = true)]
async fn a_withheld_register_is_asked_and_not_listened_to() {
    let world = World::up().await;
    world.agents.become_("dar", Behaviour::Absent);
    world.agents.cut_connections();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut request = oneself();
    request.caller.person = NationalId::parse("29820050124", NumberRules::default()).unwrap();
    request.representation = Representation::PowerOfAttorney {
        areas: [Area::Kind(RegisterKind::Survey)].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(2_000_000_000),
        },
    };

    let (outcomes, _) = world.lists(request).await;

    let withheld = Outcome::Withheld(WithheldReason::AreaNotCovered);
    assert_eq!(outcomes["kreft"], withheld);
    assert_eq!(outcomes["dar"], withheld, "also where the register is down");
    assert_eq!(outcomes["hunt"], REGISTERED);
    assert!(matches!(outcomes["norm"], Outcome::CannotBeAsked(_)));
    assert_eq!(
        world.agents.asked("kreft").len(),
        1,
        "the attempt is in its log"
    );
}

#[tokio::test(start_paused = true)]
async fn registers_are_asked_even_if_every_outcome_is_settled_before() {
    let world = World::up().await;
    let mut request = oneself();
    request.caller.person = NationalId::parse("29820050124", NumberRules::default()).unwrap();
    let elsewhere = Area::Register(RegisterId::parse("nowhere").unwrap());
    request.representation = Representation::PowerOfAttorney {
        areas: [elsewhere].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(2_000_000_000),
        },
    };

    let (outcomes, took) = world.lists(request).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert_eq!(
        outcomes["dar"],
        Outcome::Withheld(WithheldReason::AreaNotCovered)
    );
    assert!(took < Duration::from_millis(50), "{took:?}");
    for register in ["dar", "kreft", "hunt"] {
        assert_eq!(world.agents.asked(register).len(), 1, "{register}");
    }
}

#[tokio::test(start_paused = true)]
async fn promise_3_a_question_is_gone_when_nobody_reads_its_answers() {
    let world = World::up().await;
    world.agents.become_("kreft", Behaviour::Hangs);
    let mut updates = world.fanout.list(oneself(), Duration::from_secs(3));
    updates.next().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let links = || world.fanout.links.iter().flatten();
    assert_eq!(links().map(|link| link.questions_held()).sum::<usize>(), 1);

    drop(updates);

    assert_eq!(links().map(|link| link.questions_held()).sum::<usize>(), 0);
}
