//! One register's agent, behind a real tunnel. Its engine is not real: it counts what the test
//! tells it, and tells of overlaps by the sets of persons that it was told.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use innsyn_proto::tls::AgentTls;
use innsyn_proto::tunnel::agent::{self, Summons};
use innsyn_proto::tunnel::{Dial as _, TcpDialler};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use node::compute_response::Message;
use node::compute_service_server::{ComputeService, ComputeServiceServer};
use rustls_pki_types::ServerName;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::kept::Kept;
use super::queries::code;
use super::world::LONG;

/// What an agent does with a query.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Counts(node::Part),
    /// Counts when it is let, one call after the other.
    CountsWhenLet(node::Part),
    /// Waits for its steward first, then counts.
    HoldsThenCounts(node::Part),
    /// Waits for its steward, and says nothing more.
    Holds,
    Refuses(node::Refusal),
    /// Refuses, with a receipt.
    RefusesSigned(node::Refusal, String),
    /// Begins, and says nothing more.
    Hangs,
    /// Begins, and ends without an answer.
    Ends,
    /// Sends a message that says nothing.
    SaysNothing,
}

/// One register's agent.
pub(crate) struct Agent {
    views: Vec<wire::View>,
    snapshot: Mutex<[u8; 32]>,
    behaviour: Mutex<Behaviour>,
    kept: Mutex<Kept>,
    /// Whether it is from before the overlap audit.
    is_old: AtomicBool,
    /// Whether it tells of pairs of cells only, as one from before sums were compared.
    compares_pairs_only: AtomicBool,
    asked: Mutex<Vec<node::ComputeRequest>>,
    /// How many calls have been asked of it that are not over.
    under_way: watch::Sender<usize>,
    /// How often it was dialled.
    connections: AtomicUsize,
    /// How many calls may go on.
    gate: Semaphore,
    /// Told to end every connection that stands.
    cut: Mutex<CancellationToken>,
    pub(crate) parked: Notify,
}

impl Agent {
    /// An agent that publishes `views` and parks at `relay`, until the relay ends.
    pub(crate) fn start(views: Vec<wire::View>, tls: AgentTls, relay: SocketAddr) -> Arc<Self> {
        let agent = Arc::new(Self {
            views,
            snapshot: Mutex::new([1; 32]),
            behaviour: Mutex::new(Behaviour::Hangs),
            kept: Mutex::default(),
            is_old: AtomicBool::new(false),
            compares_pairs_only: AtomicBool::new(false),
            asked: Mutex::default(),
            under_way: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            cut: Mutex::default(),
            parked: Notify::new(),
        });
        tokio::spawn(live(Arc::clone(&agent), tls, relay));
        agent
    }

    pub(crate) fn does(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn counts(&self, cells: Vec<node::Cell>) {
        self.does(Behaviour::Counts(self.part(cells)));
    }

    /// A part with these cells, whose persons were never counted before.
    pub(crate) fn part(&self, cells: Vec<node::Cell>) -> node::Part {
        let leaf = self.kept.lock().unwrap().strangers(&cells);
        self.part_of(cells, leaf)
    }

    /// Counts these persons, by cells with one code each.
    pub(crate) fn counts_persons(&self, cells: &[(&str, Vec<u32>)]) {
        self.counts_cells(by_code(cells));
    }

    /// Counts these persons, by keys of any dimensions.
    pub(crate) fn counts_cells(&self, cells: Vec<(Vec<node::Category>, Vec<u32>)>) {
        let (cells, leaf) = self.kept.lock().unwrap().persons(cells);
        self.does(Behaviour::Counts(self.part_of(cells, leaf)));
    }

    /// Counts these persons when it is let.
    pub(crate) fn counts_persons_when_let(&self, cells: &[(&str, Vec<u32>)]) {
        let (cells, leaf) = self.kept.lock().unwrap().persons(by_code(cells));
        self.does(Behaviour::CountsWhenLet(self.part_of(cells, leaf)));
    }

    /// Lets so many calls go on, in the order in which they came.
    pub(crate) fn lets(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    /// Does not know of overlaps from now on.
    pub(crate) fn is_old(&self) {
        self.is_old.store(true, Ordering::SeqCst);
    }

    /// Does not know what counts have in common from now on, but only what their cells have.
    pub(crate) fn compares_pairs_only(&self) {
        self.compares_pairs_only.store(true, Ordering::SeqCst);
    }

    /// Has lost what it counted.
    pub(crate) fn forgets(&self) {
        self.kept.lock().unwrap().forget();
    }

    /// Will call what it counts next by the names of what it counted first.
    pub(crate) fn begins_anew(&self) {
        *self.kept.lock().unwrap() = Kept::default();
    }

    fn part_of(&self, cells: Vec<node::Cell>, leaf: [u8; 32]) -> node::Part {
        node::Part {
            cells,
            snapshot: self.snapshot.lock().unwrap().to_vec().into(),
            use_log_leaf: leaf.to_vec().into(),
            ..node::Part::default()
        }
    }

    /// The last message of a call that asked for `audit`.
    fn last(&self, mut part: node::Part, audit: Option<&node::OverlapAudit>) -> Message {
        if let (Some(audit), false) = (audit, self.is_old.load(Ordering::SeqCst)) {
            match self.kept.lock().unwrap().overlaps(&part, audit) {
                Some(mut overlaps) => {
                    if self.compares_pairs_only.load(Ordering::SeqCst) {
                        overlaps.persons_in_common.clear();
                    }
                    part.overlaps = Some(overlaps);
                }
                None => return Message::Refusal(node::Refusal::Overlap.into()),
            }
        }
        Message::Part(part)
    }

    /// Its data have changed.
    pub(crate) fn has_snapshot(&self, snapshot: u8) {
        *self.snapshot.lock().unwrap() = [snapshot; 32];
    }

    /// What it was asked, one after the other.
    pub(crate) fn asked(&self) -> Vec<node::ComputeRequest> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Ends every connection that serves, when the agent is parked again.
    pub(crate) async fn loses_its_connections(&self) {
        timeout(LONG, self.parked.notified()).await.unwrap();
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    /// Waits until so many calls are under way.
    pub(crate) async fn has_under_way(&self, calls: usize) {
        let mut under_way = self.under_way.subscribe();
        let reached = timeout(LONG, under_way.wait_for(|now| *now == calls)).await;
        reached.expect("so many calls should be under way").unwrap();
    }
}

struct Service(Arc<Agent>);

/// A call that is under way, until it is dropped.
struct UnderWay(Arc<Agent>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|calls| *calls -= 1);
    }
}

#[tonic::async_trait]
impl ComputeService for Service {
    async fn publish(
        &self,
        _request: Request<node::PublishRequest>,
    ) -> Result<Response<node::PublishResponse>, Status> {
        Ok(Response::new(node::PublishResponse {
            views: self.0.views.clone(),
            snapshot: self.0.snapshot.lock().unwrap().to_vec().into(),
        }))
    }

    type ComputeStream = BoxStream<'static, Result<node::ComputeResponse, Status>>;

    async fn compute(
        &self,
        request: Request<node::ComputeRequest>,
    ) -> Result<Response<Self::ComputeStream>, Status> {
        let agent = &self.0;
        let request = request.into_inner();
        let audit = request.audit.clone();
        agent.asked.lock().unwrap().push(request);
        agent.under_way.send_modify(|calls| *calls += 1);
        let under_way = UnderWay(Arc::clone(agent));
        let running = Some(Message::Running(node::Running {}));
        let silence = || stream::pending().boxed();
        let end = || stream::empty().boxed();
        let behaviour = agent.behaviour.lock().unwrap().clone();
        let receipt = match &behaviour {
            Behaviour::RefusesSigned(_, receipt) => receipt.clone(),
            _ => String::new(),
        };
        let (messages, rest): (_, BoxStream<'static, Option<Message>>) = match behaviour {
            Behaviour::Counts(part) => {
                (vec![running, Some(agent.last(part, audit.as_ref()))], end())
            }
            Behaviour::CountsWhenLet(part) => {
                let agent = Arc::clone(agent);
                let last = async move {
                    agent.gate.acquire().await.unwrap().forget();
                    Some(agent.last(part, audit.as_ref()))
                };
                (vec![running], stream::once(last).boxed())
            }
            Behaviour::HoldsThenCounts(part) => {
                let held = Some(Message::Held(node::Held {}));
                let last = Some(agent.last(part, audit.as_ref()));
                (vec![held, running, last], end())
            }
            Behaviour::Holds => (vec![Some(Message::Held(node::Held {}))], silence()),
            Behaviour::Refuses(refusal) | Behaviour::RefusesSigned(refusal, _) => {
                (vec![Some(Message::Refusal(refusal.into()))], end())
            }
            Behaviour::Hangs => (vec![running], silence()),
            Behaviour::Ends => (vec![running], end()),
            Behaviour::SaysNothing => (vec![None], end()),
        };
        let messages = stream::iter(messages).chain(rest);
        let responses = messages.map(move |message| {
            let _until_the_call_ends = &under_way;
            Ok(node::ComputeResponse {
                message,
                refusal_receipt: receipt.clone(),
            })
        });
        Ok(Response::new(responses.boxed()))
    }
}

/// Parks at the relay again and again, and serves the gateways that come.
async fn live(agent: Arc<Agent>, tls: AgentTls, relay: SocketAddr) -> io::Result<()> {
    loop {
        let io = TcpDialler.dial(&relay.to_string()).await?;
        let connector = TlsConnector::from(Arc::clone(&tls.outer));
        let mut io = connector.connect(ServerName::from(relay.ip()), io).await?;
        agent::park(&mut io, LONG).await.map_err(io::Error::other)?;
        agent.parked.notify_one();
        match agent::wait(&mut io, LONG * 10)
            .await
            .map_err(io::Error::other)?
        {
            Summons::Gateway => {}
            Summons::Drain => return Ok(()),
        }
        agent::accept(&mut io, LONG)
            .await
            .map_err(io::Error::other)?;
        agent.connections.fetch_add(1, Ordering::SeqCst);
        let cut = agent.cut.lock().unwrap().clone();
        let (agent, inner) = (Arc::clone(&agent), Arc::clone(&tls.inner));
        let (near, mut far) = tokio::io::duplex(1 << 16);
        tokio::spawn(
            Server::builder()
                .add_service(ComputeServiceServer::new(Service(agent)))
                .serve_with_incoming(tokio_stream::once(Ok::<_, io::Error>(near))),
        );
        tokio::spawn(cut.run_until_cancelled_owned(async move {
            let mut io = TlsAcceptor::from(inner).accept(io).await?;
            tokio::io::copy_bidirectional(&mut io, &mut far).await
        }));
    }
}

fn by_code(cells: &[(&str, Vec<u32>)]) -> Vec<(Vec<node::Category>, Vec<u32>)> {
    let cells = cells.iter();
    cells
        .map(|(text, persons)| (vec![code(text)], persons.clone()))
        .collect()
}
