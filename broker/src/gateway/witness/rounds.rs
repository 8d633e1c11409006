//! Shows the heads of all logs to other witnesses, again and again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadKey, LogHash, SignedHead, WitnessKey};
use innsyn_proto::uselog::checked::Doubts;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::witnessing::AddCheckpoint;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use wire::witness_service_client::WitnessServiceClient;

use super::chosen::order;
use super::remote::{Remote, RemoteError};
use super::submitting::{Looks, Outcome, Proves, Said, SubmitError, submit};
use super::turns::Turns;
use super::{Witness, WitnessesConfig};
use crate::gateway::link::Link;

/// Logs whose heads are shown at the same time: few, so that other work does not wait.
const LOGS_AT_ONCE: usize = 2;
/// Agents that are there and are asked, for each that is wanted: some do not witness yet.
const TRIED_FOR_EACH: usize = 4;
/// How long a link may take to give its connection, where it is being made.
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an agent may take to look at a head, or to prove.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What shows heads to other witnesses.
#[derive(Debug)]
pub struct Rounds {
    witness: Arc<Witness>,
    links: Arc<[Option<Arc<Link>>]>,
    agents: usize,
    remotes: Vec<Remote>,
    every: Duration,
}

impl Rounds {
    /// Shows what `witness` keeps, as `config` says, to agents over `links`, which are in the
    /// catalogue's order, and to witnesses elsewhere.
    pub fn new(
        config: &WitnessesConfig,
        witness: Arc<Witness>,
        links: Arc<[Option<Arc<Link>>]>,
    ) -> Result<Self, RemoteError> {
        Ok(Self {
            witness,
            links,
            agents: config.agents,
            remotes: config.remotes()?,
            every: config.every(),
        })
    }

    /// Goes round until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut turns = Turns::new(self.every);
        let _ended = shutdown
            .run_until_cancelled(async {
                loop {
                    turns.next(|| self.is_new()).await;
                    stream::iter(self.links.iter().flatten())
                        .for_each_concurrent(LOGS_AT_ONCE, |link| self.of_log(link))
                        .await;
                    if let Err(error) = self.witness.save().await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "what witnesses have seen is not on disk"
                        );
                    }
                }
            })
            .await;
    }

    /// Whether there is a log of which no other witness has said anything yet.
    fn is_new(&self) -> bool {
        let mut registers = self.links.iter().flatten().map(|link| link.register());
        registers.any(|register| {
            self.witness.kept(register).is_some()
                && self.witness.seen_by_others(register).is_empty()
                && self.witness.doubts(register).is_empty()
        })
    }

    /// Shows the head of one log to its witnesses.
    async fn of_log(&self, link: &Arc<Link>) {
        let register = link.register();
        let Some((log_key, head)) = self.witness.kept_log(register) else {
            return;
        };
        let Ok(log_key) = HeadKey::parse(&log_key) else {
            return;
        };
        // Without the log there is nobody to prove anything.
        let Some(channel) = connection(link).await else {
            return;
        };
        let mut log = Log::over(channel);
        let shown = Shown {
            register,
            log_key: &log_key,
            head: &head,
        };
        let mut left = self.agents;
        let links = || self.links.iter().flatten();
        let named = links().map(|link| link.register());
        let mut tries = self.agents * TRIED_FOR_EACH;
        for place in order(register, named.enumerate()) {
            if left == 0 || tries == 0 {
                break;
            }
            let Some(other) = links().nth(place) else {
                continue;
            };
            let Some((key, _)) = self.witness.kept_log(other.register()) else {
                continue;
            };
            let key = HeadKey::parse(&key).map(|key| key.witness().clone());
            if let (Ok(key), Some(channel)) = (key, connection(other).await) {
                tries -= 1;
                let mut agent = Agent {
                    client: WitnessServiceClient::new(channel),
                    log_key: log_key.text().to_owned(),
                };
                if self.show(&shown, &key, &mut agent, &mut log).await {
                    left -= 1;
                }
            }
        }
        for remote in &self.remotes {
            let mut looks = remote.clone();
            self.show(&shown, remote.key(), &mut looks, &mut log).await;
        }
    }

    /// Shows a head to one witness and keeps what it says; whether it has said anything.
    async fn show(
        &self,
        shown: &Shown<'_>,
        key: &WitnessKey,
        looks: &mut impl Looks,
        log: &mut Log,
    ) -> bool {
        let register = shown.register;
        let seen = self.witness.seen_by_others(register);
        let known = seen.iter().find(|seen| seen.key.name() == key.name());
        let known = known.map(|seen| &seen.head);
        let submitted = submit(shown.head, shown.log_key, key, known, looks, log).await;
        let submitted = match submitted {
            Ok(submitted) => submitted,
            Err(error) => {
                tracing::debug!(
                    node.id = %register,
                    witness = key.name(),
                    error = &error as &dyn std::error::Error,
                    "head not witnessed"
                );
                return false;
            }
        };
        let is_conflict = matches!(submitted.outcome, Outcome::Conflict(_));
        let doubts = Doubts {
            other_key: submitted.other_key,
            disputed: is_conflict || submitted.outcome == Outcome::Disputed,
        };
        if self.witness.note_doubts(register, key.name(), doubts) && doubts != Doubts::default() {
            tracing::error!(
                node.id = %register,
                witness = key.name(),
                doubts.other_key,
                doubts.disputed,
                "another witness knows another log of this register"
            );
        }
        if let Outcome::Seen(head) | Outcome::Conflict(head) = submitted.outcome
            && let Err(error) = self.witness.keep_other(register, key.clone(), head)
        {
            tracing::error!(
                node.id = %register,
                error = &error as &dyn std::error::Error,
                "what a witness has seen is not kept"
            );
        }
        true
    }
}

/// A head that is shown.
struct Shown<'a> {
    register: &'a RegisterId,
    log_key: &'a HeadKey,
    head: &'a SignedHead,
}

/// The link's connection, if there is one or will be in a moment.
async fn connection(link: &Link) -> Option<Channel> {
    timeout(CONNECTION_TIMEOUT, link.channel()).await.ok()?.ok()
}

/// A register's agent, which proves its log.
pub(super) struct Log(WitnessServiceClient<Channel>);

impl Log {
    pub(super) fn over(channel: Channel) -> Self {
        Self(WitnessServiceClient::new(channel))
    }
}

impl Proves for Log {
    async fn prove(&mut self, from: u64, to: u64) -> Result<Vec<LogHash>, SubmitError> {
        let mut request = tonic::Request::new(wire::ProveConsistencyRequest { from, to });
        request.set_timeout(CALL_TIMEOUT);
        let proven = self.0.prove_consistency(request).await?.into_inner();
        hashes(&proven.hashes).map_err(|_| SubmitError::Answer)
    }
}

/// Another register's agent, as a witness.
struct Agent {
    client: WitnessServiceClient<Channel>,
    /// The key of the log whose head it is shown.
    log_key: String,
}

impl Looks for Agent {
    async fn add(&mut self, asked: &AddCheckpoint) -> Result<Said, SubmitError> {
        let mut request = tonic::Request::new(wire::AddCheckpointRequest {
            body: asked.to_bytes().into(),
            log_key: self.log_key.clone(),
        });
        request.set_timeout(CALL_TIMEOUT);
        let said = self.client.add_checkpoint(request).await?.into_inner();
        Ok(Said {
            status: u16::try_from(said.status).map_err(|_| SubmitError::Answer)?,
            body: said.body.to_vec(),
            seen: said.seen.map(|seen| seen.to_vec()),
            other_key: !said.other_keys.is_empty(),
        })
    }
}

/// Reads the hashes of a proof.
pub(super) fn hashes(proof: &[Bytes]) -> Result<Vec<LogHash>, HeadError> {
    let hashes = proof.iter().map(|hash| hash.as_ref().try_into());
    hashes
        .collect::<Result<_, _>>()
        .map_err(|_| HeadError::Malformed)
}
