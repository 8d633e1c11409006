//! What a relay sees of a question and its answer: the sizes of records, the same for every kind.
//!
//! Gateway and agent are the real ones; the relay between them has a relay's certificate, speaks
//! the tunnel's words and keeps what it copies, as a dishonest one would.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, join_all};
use indicatif::ProgressBar;
use innsyn_agent::sources::Silent;
use innsyn_broker::catalog::Catalogue;
use innsyn_broker::gateway::fanout::{AskEveryRegister as _, Fanout};
use innsyn_broker::gateway::link::{self, Beside, Link};
use innsyn_broker::gateway::reach::ThroughRelays;
use innsyn_policy::{
    Area, Assurance, Caller, Clock, NationalId, NoAnswerReason, NumberRules, Organisation, Outcome,
    Purpose, RegisterId, Representation, Request, Validity,
};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::tls::{Authority, Credentials, GatewayTls, relay_server};
use innsyn_proto::tunnel::word::Word;
use innsyn_proto::tunnel::{Accept as _, Hello, TcpDialler, TcpRelayListener, relay as words};
use innsyn_sim::registers::Status;
use innsyn_sim::world::{World, WorldSpec};
use jiff::civil::date;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

const PERSONS: u32 = 2_000;
const SEED: u64 = 6;
/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_secs(20);
/// Questions in a large batch.
const BATCH: usize = 16;
/// A TLS record that holds an HTTP/2 ping (9 + 8 bytes, a type, a tag): sent by the clock,
/// whatever is asked.
const PING_RECORD_BYTES: usize = 9 + 8 + 1 + 16;

/// A person's situation at one register, and what its agent says to it.
struct Kind {
    name: &'static str,
    request: Request,
    outcome: fn(&Outcome) -> bool,
}

/// What went each way, as the relay copied it.
#[derive(Default)]
struct Seen {
    questions: Vec<u8>,
    answers: Vec<u8>,
}

/// The sizes of the records that went each way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sizes {
    questions: Vec<usize>,
    answers: Vec<usize>,
}

/// A relay that looks.
#[derive(Clone, Default)]
struct Onlooker(Arc<Mutex<Seen>>);

type Outer = TlsStream<innsyn_proto::tunnel::BoxedIo>;

impl Onlooker {
    async fn serve(self, mut listener: TcpRelayListener, outer: Arc<ServerConfig>) {
        let (park, parked) = mpsc::channel(16);
        let parked = Arc::new(tokio::sync::Mutex::new(parked));
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let (this, outer) = (self.clone(), outer.clone());
            let (park, parked) = (park.clone(), parked.clone());
            tokio::spawn(async move {
                let mut io = TlsAcceptor::from(outer).accept(io).await.unwrap();
                match words::hello(&mut io, LONG).await.unwrap() {
                    Hello::Park => {
                        words::say(&mut io, Word::Parked, LONG).await.unwrap();
                        park.send(io).await.unwrap();
                    }
                    Hello::Connect(_) => {
                        let mut agent: Outer = parked.lock().await.recv().await.unwrap();
                        words::summon(&mut agent, LONG).await.unwrap();
                        words::say(&mut io, Word::Go, LONG).await.unwrap();
                        this.splice(io, agent).await;
                    }
                    Hello::Mailbox => unreachable!("this onlooker keeps none"),
                }
            });
        }
    }

    async fn splice(&self, gateway: Outer, agent: Outer) {
        let (from_gateway, to_gateway) = tokio::io::split(gateway);
        let (from_agent, to_agent) = tokio::io::split(agent);
        let there = self.copy(from_gateway, to_agent, |seen| &mut seen.questions);
        let back = self.copy(from_agent, to_gateway, |seen| &mut seen.answers);
        tokio::join!(there, back);
    }

    async fn copy(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        way: fn(&mut Seen) -> &mut Vec<u8>,
    ) {
        let mut bytes = vec![0; 1 << 14];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            way(&mut self.0.lock().unwrap()).extend_from_slice(&bytes[..read]);
            to.write_all(&bytes[..read]).await.unwrap();
            to.flush().await.unwrap();
        }
    }

    /// Everything seen so far.
    fn sizes(&self) -> Sizes {
        let seen = self.0.lock().unwrap();
        Sizes {
            questions: records(&seen.questions),
            answers: records(&seen.answers),
        }
    }

    /// What was seen after `before`, once as many answers have passed as in `expected`. (A
    /// withheld register's answer is on its way when its listing has ended.)
    async fn sizes_since(&self, before: &Sizes, expected: Option<&Sizes>) -> Sizes {
        let since = |now: Sizes| Sizes {
            questions: now.questions[before.questions.len()..].to_vec(),
            answers: now.answers[before.answers.len()..].to_vec(),
        };
        let enough = expected.map_or(1, |sizes| sizes.answers.len());
        let passed = async {
            while since(self.sizes()).answers.len() < enough {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // What did not come is seen by the comparison.
        let _too_few = timeout(LONG, passed).await;
        since(self.sizes())
    }
}

/// The lengths of the TLS records in `bytes`, but for pings.
fn records(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let [_type, _major, _minor, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(next) = rest.get(length..) else {
            break;
        };
        lengths.push(length);
        bytes = next;
    }
    lengths.retain(|length| *length != PING_RECORD_BYTES);
    lengths
}

struct Nothing;

impl Beside for Nothing {
    fn beside(&self, _register: RegisterId, _channel: Channel) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A gateway's fan-out to one register's agent, with an onlooking relay between.
struct Federation {
    fanout: Fanout,
    position: usize,
    onlooker: Onlooker,
    _shutdown: tokio_util::sync::DropGuard,
}

impl Federation {
    /// The agent answers `questions_max` questions and is over the cap then.
    async fn start(world: &World, register: &str, questions_max: u32) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let shutdown = CancellationToken::new();
        let config = innsyn_broker::config::Config::load(&world.relay_config()).unwrap();
        let relay = config.relay.unwrap();
        let credentials = Credentials::load(&relay.certificate, &relay.key).unwrap();
        let authority = Authority::load(&relay.federation_ca).unwrap();
        let outer = relay_server(&credentials, &authority, &clock).unwrap();
        let listener = TcpRelayListener::bind(relay.listen).unwrap();
        let onlooker = Onlooker::default();
        tokio::spawn(onlooker.clone().serve(listener, outer));

        let path = world.agent_config(register);
        let mut config = innsyn_agent::config::Config::load(&path).unwrap();
        config.status_listen = None;
        config.numbers.rules.accept_2032 = false;
        config.gateways[0].questions_per_day_max = questions_max;
        tokio::spawn(innsyn_agent::run(
            config,
            Arc::new(TcpDialler),
            clock.clone(),
            Arc::new(Silent),
            shutdown.clone(),
        ));

        let config = innsyn_broker::config::Config::load(&world.gateway_config()).unwrap();
        let (gateway, federation) = config.citizen_gateway.unwrap();
        let catalogue = Arc::new(Catalogue::load(&gateway.catalogue).unwrap());
        let tls = GatewayTls::load(&federation.tls, &clock).unwrap();
        let reach = Arc::new(ThroughRelays::new(
            Arc::new(TcpDialler),
            federation.relays,
            tls,
        ));
        let ids = catalogue.entries().iter().map(|entry| &entry.register.id);
        let position = ids.clone().position(|id| id.as_str() == register).unwrap();
        let links: Arc<[_]> = ids
            .enumerate()
            .map(|(at, id)| (at == position).then(|| Link::new(at, id.clone())))
            .collect();
        let link = links[position].clone().unwrap();
        let beside = Arc::new(Nothing);
        tokio::spawn(link::run(link.clone(), reach, beside, 1, shutdown.clone()));
        let up = async {
            while !link.is_up() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(timeout(LONG, up).await.is_ok(), "the agent never came");
        Self {
            fanout: Fanout::new(catalogue, links, clock, [2; 32]),
            position,
            onlooker,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// Asks `kind` so many times at once; what the relay saw of it. Nothing is awaited between
    /// the questions, so that they travel in one batch.
    async fn ask(&self, kind: &Kind, questions: usize, expected: Option<&Sizes>) -> Sizes {
        let before = self.onlooker.sizes();
        let listings = (0..questions).map(|_| self.fanout.list(kind.request.clone(), LONG));
        let mut listings: Vec<_> = listings.collect();
        let told = listings.iter_mut().map(StreamExt::collect::<Vec<_>>);
        for updates in join_all(told).await {
            let of_agent = updates.iter().find(|it| it.register == self.position);
            let outcome = &of_agent.unwrap().outcome;
            assert!((kind.outcome)(outcome), "{}: {outcome:?}", kind.name);
        }
        self.onlooker.sizes_since(&before, expected).await
    }
}

fn oneself(id: NationalId) -> Request {
    Request {
        subject: id,
        caller: Caller {
            person: id,
            organisation: Organisation::parse("helsenorge").unwrap(),
            assurance: Assurance::High,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    }
}

/// A register, and one person of each kind there. The last kinds are not counted by the cap.
fn kinds(world: &World) -> (String, Vec<Kind>) {
    let country = &world.country;
    let living = 0..country.population.living();
    let of = |register: usize, status: Option<Status>| {
        let has = |number: &u32| {
            let records = country.records_of(*number);
            let record = records.iter().find(|record| record.register == register);
            record.map(|record| record.status) == status
        };
        let number = living.clone().find(has)?;
        Some(country.person(number).unwrap().id)
    };
    let live: Vec<&str> = world
        .live()
        .map(|register| register.id().as_str())
        .collect();
    let (register, registered, deleted, absent) = country
        .registers
        .iter()
        .enumerate()
        .filter(|(_, register)| live.contains(&register.id().as_str()))
        .find_map(|(at, register)| {
            let registered = of(at, Some(Status::Registered))?;
            Some((
                register,
                registered,
                of(at, Some(Status::Deleted))?,
                of(at, None)?,
            ))
        })
        .expect("a register where somebody was deleted");
    let elsewhere = live.iter().find(|id| **id != register.id().as_str());
    let now = SystemClock.now();
    let day = Duration::from_hours(24);
    let represented = |representation| Request {
        subject: registered,
        representation,
        ..oneself(absent)
    };
    let withheld = represented(Representation::PowerOfAttorney {
        areas: [Area::Register(
            RegisterId::parse(elsewhere.unwrap()).unwrap(),
        )]
        .into_iter()
        .collect(),
        validity: Validity {
            from: now.minus(day),
            until: now.plus(day),
        },
    });
    let denied = represented(Representation::Parent {
        child_born: Some(date(1990, 1, 1)),
    });
    let kind = |name, request, outcome| Kind {
        name,
        request,
        outcome,
    };
    let refused = |outcome: &Outcome| *outcome == Outcome::NoAnswer(NoAnswerReason::Refused);
    let kinds = vec![
        kind("registered", oneself(registered), |outcome| {
            matches!(outcome, Outcome::Registered(_))
        }),
        kind("not registered", oneself(absent), |outcome| {
            matches!(outcome, Outcome::NotRegistered)
        }),
        kind("deleted", oneself(deleted), |outcome| {
            matches!(outcome, Outcome::Deleted(_))
        }),
        kind("withheld", withheld, |outcome| {
            matches!(outcome, Outcome::Withheld(_))
        }),
        kind("denied", denied, refused),
        kind("not understood", oneself(of_2032()), refused),
        kind("over the cap", oneself(registered), |outcome| {
            *outcome == Outcome::NoAnswer(NoAnswerReason::OverCap)
        }),
    ];
    (register.id().to_string(), kinds)
}

/// A synthetic number whose control digits an agent may not know yet.
fn of_2032() -> NationalId {
    let old = NumberRules {
        accept_2032: false,
        strict_series: false,
    };
    (0..100_000)
        .map(|tail| format!("018150{tail:05}"))
        .filter(|text| NationalId::parse(text, old).is_err())
        .find_map(|text| NationalId::parse(&text, NumberRules::default()).ok())
        .expect("a number with control digits of 2032")
}

fn world(folder: &Path) -> World {
    let spec = WorldSpec::new(PERSONS, SEED);
    World::build(folder, &spec, &SystemClock, &ProgressBar::hidden()).unwrap()
}

#[expect(clippy::print_stdout, reason = "the sizes seen")]
#[tokio::test]
async fn promise_2_every_kind_of_answer_has_the_same_records_at_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let (register, kinds) = kinds(&world);
    // All kinds but the last two are counted by the cap, and the first once more to begin with.
    let counted = u32::try_from(1 + (kinds.len() - 2) * (1 + BATCH)).unwrap();
    let federation = Federation::start(&world, &register, counted).await;
    federation.ask(&kinds[0], 1, None).await;

    let (mut one, mut many) = (None, None);
    for kind in &kinds {
        for (questions, expected) in [(1, &mut one), (BATCH, &mut many)] {
            let sizes = federation.ask(kind, questions, expected.as_ref()).await;
            let expected = expected.get_or_insert_with(|| {
                println!("{questions} at once: {sizes:?}");
                sizes.clone()
            });
            assert_eq!(sizes, *expected, "{questions} × {}", kind.name);
        }
    }
    // Both sizes are of one batch, or the test has not tested what it should.
    let total = |sizes: &Option<Sizes>| sizes.as_ref().unwrap().answers.iter().sum::<usize>();
    assert_eq!(many.as_ref().unwrap().answers.len(), 1, "{many:?}");
    assert!(total(&many) > 10 * (total(&one) - 60), "{one:?} {many:?}");
}
