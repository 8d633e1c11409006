//! The task that owns one link's connection: makes it, reads answers, makes it again.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use innsyn_policy::{NoAnswerReason, Outcome, RegisterId};
use innsyn_proto::convert::answer_from_wire;
use innsyn_proto::tunnel::BoxedIo;
use innsyn_proto::wire::node::v1::AskResponse;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::codec::AskCodec;
use super::queue::Batches;
use super::rules::{Event, Standing};
use super::{Link, Reach, ReachError};
use crate::gateway::fanout::Update;

/// The first pause before another attempt; doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(25);
/// The longest pause before another attempt.
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// How long one attempt to reach an agent may take, all handshakes included.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a link without traffic is checked by an HTTP/2 ping, and how long the answer to one
/// may take.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How often an unresponsive agent with nothing under way is probed.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// The largest message that an agent may send.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

const ASK: PathAndQuery = PathAndQuery::from_static("/innsyn.node.v1.NodeService/Ask");

/// What else is done on a link's connection while it stands. A seam for the witness of heads.
pub trait Beside: Send + Sync + 'static {
    /// Runs until the connection ends; dropped then.
    fn beside(&self, register: RegisterId, channel: Channel) -> BoxFuture<'static, ()>;
}

/// Several things that are done on a link's connection.
pub struct AllBeside(pub Vec<Arc<dyn Beside>>);

impl std::fmt::Debug for AllBeside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AllBeside").field(&self.0.len()).finish()
    }
}

impl Beside for AllBeside {
    fn beside(&self, register: RegisterId, channel: Channel) -> BoxFuture<'static, ()> {
        let all = self
            .0
            .iter()
            .map(|one| one.beside(register.clone(), channel.clone()));
        let all = futures::future::join_all(all);
        Box::pin(async move { drop(all.await) })
    }
}

/// Keeps `link` up until `shutdown`. `seed` decides the jitter of its pauses.
pub async fn run(
    link: Arc<Link>,
    reach: Arc<dyn Reach>,
    beside: Arc<dyn Beside>,
    seed: u64,
    shutdown: CancellationToken,
) {
    let mut jitter = SmallRng::seed_from_u64(seed);
    let mut backoff = BACKOFF_MIN;
    let _ended = shutdown
        .run_until_cancelled(async {
            loop {
                match timeout(REACH_TIMEOUT, reach.reach(&link.register)).await {
                    Ok(Ok(io)) => {
                        if serve(&link, io, &*beside).await {
                            backoff = BACKOFF_MIN;
                        }
                        link.on(Event::Lost);
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(
                            node.id = %link.register,
                            error = &error as &dyn std::error::Error,
                            "node not reached"
                        );
                        not_reached(
                            &link,
                            match error {
                                ReachError::RelayUnreachable(_) => Event::RelayUnreachable,
                                ReachError::NotParked => Event::NotParked,
                                ReachError::Refused(_) => Event::Refused,
                            },
                        );
                    }
                    Err(_elapsed) => not_reached(&link, Event::Refused),
                }
                sleep(backoff.mul_f64(jitter.random_range(0.5..=1.0))).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        })
        .await;
}

/// While it lives, the link's connection can be called on.
struct Here<'a>(&'a Link);

impl<'a> Here<'a> {
    fn new(link: &'a Link, channel: Channel) -> Self {
        link.channel.send_replace(Some(channel));
        Self(link)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.channel.send_replace(None);
    }
}

/// Tells everybody who waits, unless waiting is still worth it.
fn not_reached(link: &Link, event: Event) {
    if let Some(reason) = link.on(event).not_worth_waiting() {
        give_up(link, reason);
        // Who waits for the connection looks again how the register stands.
        link.channel.send_replace(None);
    }
}

fn give_up(link: &Link, reason: NoAnswerReason) {
    for question in link.queue.drain() {
        let outcome = Outcome::NoAnswer(reason);
        question.deliver(Update {
            register: link.position,
            outcome,
            use_log_leaf: None,
        });
    }
}

/// Asks and reads answers over one connection until it ends; says whether the agent ever
/// answered on it.
async fn serve(link: &Arc<Link>, io: BoxedIo, beside: &dyn Beside) -> bool {
    let mut answered = false;
    match ask_over(link, io, beside, &mut answered).await {
        Ok(()) => tracing::info!(node.id = %link.register, "node closed the link"),
        Err(status) => {
            tracing::info!(node.id = %link.register, code = ?status.code(), "link lost");
        }
    }
    answered
}

async fn ask_over(
    link: &Arc<Link>,
    io: BoxedIo,
    beside: &dyn Beside,
    answered: &mut bool,
) -> Result<(), tonic::Status> {
    let channel = channel_over(io).await.map_err(|error| {
        tonic::Status::unavailable(format!("no HTTP/2 over the tunnel: {error}"))
    })?;
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(RESPONSE_BYTES_MAX);
    grpc.ready()
        .await
        .map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let batches = Batches {
        link: Arc::clone(link),
        connection: link.queue.begin_connection(),
    };
    let response = grpc
        .streaming(tonic::Request::new(batches), ASK, AskCodec)
        .await?;
    let mut answers = response.into_inner();
    let _here = Here::new(link, channel.clone());
    let mut beside = beside.beside(link.register.clone(), channel);
    let mut beside_done = false;
    let mut probe = interval(PROBE_EVERY);
    loop {
        tokio::select! {
            biased;
            message = answers.message() => match message? {
                Some(response) => {
                    *answered = true;
                    deliver(link, &response);
                    link.answered();
                }
                None => return Ok(()),
            },
            () = &mut beside, if !beside_done => beside_done = true,
            _ = probe.tick() => if link.standing() == Standing::Unresponsive {
                link.queue.probe();
            },
        }
    }
}

impl Link {
    /// Notes an answer; takes the lock of the rules only if that changes how the node stands.
    fn answered(&self) {
        if self.standing() != Standing::Up {
            self.on(Event::Answered);
        }
    }
}

/// Hands each answer to the listing that waits for it.
fn deliver(link: &Link, response: &AskResponse) {
    let numbers = response
        .answers
        .iter()
        .map(|answer| answer.number.unwrap_or_default());
    let questions = link.queue.answered(response.batches_done, numbers);
    for (answer, question) in response.answers.iter().zip(questions) {
        // The listing has ended, or nobody asked: nothing to do.
        let Some(question) = question else { continue };
        let update = match answer_from_wire(answer) {
            Ok(answer) => Update {
                register: link.position,
                outcome: answer.outcome,
                use_log_leaf: answer.use_log_leaf,
            },
            Err((_, error)) => {
                tracing::error!(node.id = %link.register, %error, "answer not understood");
                Update {
                    register: link.position,
                    outcome: Outcome::NoAnswer(NoAnswerReason::InvalidAnswer),
                    use_log_leaf: None,
                }
            }
        };
        question.deliver(update);
    }
}

/// A channel over this one connection. When it ends, the channel ends: it is never dialled anew
/// behind our back.
pub async fn channel_over(io: BoxedIo) -> Result<Channel, tonic::transport::Error> {
    let mut io = Some(io);
    Endpoint::from_static("http://node.innsyn.internal")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .connect_with_connector(service_fn(move |_| {
            let io = io.take();
            async move {
                io.map(TokioIo::new)
                    .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected))
            }
        }))
        .await
}
