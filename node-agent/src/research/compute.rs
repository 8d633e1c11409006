//! Counts for research gateways: one register's part of a table, and nothing else.
//!
//! ```text
//!   read ─▶ over the cap? ─▶ permit ─▶ query ─▶ steward ─▶ within the permit? ─▶ wait for a place
//!        ─▶ clear anew ─▶ run the engine ─▶ clear again ─▶ log, durable ─▶ part, with its receipt
//!                                                            └─ cannot: no part
//!   steward asks ─▶ within the permit? ─▶ hold until approved ─▶ as above
//! ```
//!
//! What holds:
//!
//! - **No part without an entry.** A part exists as a message only after the log has said that
//!   its entry is durable, and the entry commits to the persons counted; refusals leave an entry
//!   too. Only what names no asker leaves none: it is no question.
//! - **The register decides for itself.** Signature, query, permit and the steward's rules are
//!   checked here whatever a gateway says, before the run and again before the part leaves.
//! - **Two vocabularies.** The exact ground stands in the entry, in the record beside it and in
//!   the agent's own log; the gateway gets a [`wire::Refusal`], with a signed receipt where the
//!   ground says nothing of anybody in the data (`answering/refusing`).
//! - **Counts can be compared.** What a query counted is kept (`kept`) before its part leaves, and
//!   what a later query of the same permit shares with it is told if the gateway asks (`overlap`).
//!   What cannot be compared is refused.
//! - **The steward is looked at all the time** a query waits or runs, and a no ends it at once.
//! - **Ending the call ends the work**, and everything has a bound: queries at once and waiting,
//!   memory, time. A query that waits for the steward stays in the queue when its call has ended.
//!
//! A query asked again is counted again and leaves another entry, but is charged to its permit
//! once (see `budget`). Hiding small cells is the gateway's, on the sum of all registers; under
//! which rules the part was let go is said in its receipt.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use innsyn_policy::{NumberRules, Purpose, Timestamp, Use};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::wire::research::v1::{Query, View};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};
use wire::compute_response::Message;
use wire::compute_service_server::{ComputeService, ComputeServiceServer};

mod answering;
mod asked;
mod audited;
mod budget;
mod deciding;
mod holding;
mod kept;
mod overlap;
mod part;
mod record;
mod refused;
mod roll;
mod running;
#[cfg(test)]
mod tests;
mod told;
mod wholes;

pub use answering::{Computing, ComputingParts};
pub use audited::{AuditedRecords, RecordCheck, RecordFault};
pub use record::{FOLDER, QueryRecord, ReadRecordError};
pub use running::Limits;
pub use told::CountedRecords;
pub(crate) use told::ToldOfQuery;

use crate::engine::{self, Answer, EngineError, Included, Snapshot};
use crate::presence::Peer;
use crate::service::{AskedInTime, Caps};
use crate::subjects::{MarkKey, Marks};
use asked::AskedQuery;

/// The largest message that a gateway may send, in bytes: the longest data permit, and a query.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Messages of one call that wait to be sent: all that it ever has.
const MESSAGES_MAX: usize = 3;

/// What a register's data are for one query: a snapshot, and whose rows of it may be counted.
pub trait Countable: fmt::Debug + Send + Sync {
    /// The views, as they are published.
    fn views(&self) -> &[View];
    /// The views and where their files are, if their rows are in files.
    fn snapshot(&self) -> &Snapshot;
    /// Names the snapshot: another after a change.
    fn snapshot_name(&self) -> &[u8; 32];
    /// The persons who may be counted in the statistics `of` at `now`; nobody where that is not
    /// known.
    fn included(&self, of: &Use, now: Timestamp) -> Included;
    /// What people have said, as far as it decides who may be counted in the statistics `of` at
    /// `now`.
    fn settings(&self, of: &Use, now: Timestamp) -> SettingsRead;
    /// What the persons are called under `key`, in the order of their numbers: the same in every
    /// snapshot.
    fn marks(&self, key: &MarkKey) -> Marks;

    /// Counts: the one place where it is decided who does it. Here the engine does, over the files
    /// of the snapshot; data that are elsewhere have it done there. Blocks, on a runtime.
    fn count(&self, counting: Counting<'_>) -> Result<Answer, EngineError> {
        counting.over_files(self.snapshot())
    }
}

/// One query to be counted, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Counting<'a> {
    /// The query, in normal form.
    pub query: &'a Query,
    /// What for.
    pub purpose: Purpose,
    /// The persons who may be counted.
    pub included: &'a Included,
    /// The memory it may take here, in bytes.
    pub memory_bytes: usize,
    /// How long it may take.
    pub timeout: Duration,
    /// Ends it.
    pub cancel: &'a CancellationToken,
}

impl Counting<'_> {
    /// Counts with the engine over the files of `snapshot`.
    pub fn over_files(&self, snapshot: &Snapshot) -> Result<Answer, EngineError> {
        engine::run(
            self.query,
            snapshot,
            self.included,
            self.memory_bytes,
            self.cancel,
        )
    }
}

/// How what people have said about the use of their data stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsRead {
    /// When it was read.
    pub read_at: Timestamp,
    /// When it was last seen to be still the same and whole; `None` where it has not been since the
    /// start.
    pub seen_at: Option<Timestamp>,
    /// Whether that is too long ago to rely on it.
    pub is_too_old: bool,
    /// How many persons are registered, whatever they have said.
    pub registered: usize,
}

/// Gives the data as they stand now; `None` where nothing is published.
pub type CurrentData = Arc<dyn Fn() -> Option<Arc<dyn Countable>> + Send + Sync>;

/// The gRPC service for research gateways.
pub struct Compute {
    computing: Arc<Computing>,
    /// What each gateway has asked.
    gateways: HashMap<GatewayName, Mutex<AskedInTime>>,
    /// Gateways that are pinned, asked, and may not ask queries.
    turned_away: Mutex<HashSet<GatewayName>>,
    rules: NumberRules,
}

impl Compute {
    /// The service over `computing`, ready for a tonic server. It serves the gateways that `caps`
    /// name; researchers' national ids are read by `rules`.
    pub fn server(
        computing: Arc<Computing>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
        rules: NumberRules,
    ) -> ComputeServiceServer<Self> {
        ComputeServiceServer::new(Self::new(computing, caps, rules))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    fn new(
        computing: Arc<Computing>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
        rules: NumberRules,
    ) -> Self {
        let now = Instant::now();
        let gateways = caps
            .into_iter()
            .map(|(name, caps)| (name, Mutex::new(AskedInTime::new(caps, now))))
            .collect();
        Self {
            computing,
            gateways,
            turned_away: Mutex::default(),
            rules,
        }
    }

    /// What the gateway at the other end has asked; an error where it is none that is served.
    fn gateway<T>(&self, request: &Request<T>) -> Result<&Mutex<AskedInTime>, Status> {
        let Some(Peer { gateway, .. }) = request.extensions().get() else {
            return Err(Status::unauthenticated(
                "the connection did not come through the tunnel",
            ));
        };
        self.gateways.get(gateway).ok_or_else(|| {
            self.tell_of_stranger(gateway);
            Status::permission_denied("the register does not serve this gateway")
        })
    }

    /// Says once what would let `gateway` ask: it asks again every few seconds.
    fn tell_of_stranger(&self, gateway: &GatewayName) {
        // Bounded by the gateways that are pinned, for no other comes this far.
        if locked(&self.turned_away).insert(gateway.clone()) {
            tracing::warn!(
                gateway.name = %gateway,
                "gateway is not served: its section lacks `may_ask = [\"queries\"]`"
            );
        }
    }
}

#[tonic::async_trait]
impl ComputeService for Compute {
    async fn publish(
        &self,
        request: Request<wire::PublishRequest>,
    ) -> Result<Response<wire::PublishResponse>, Status> {
        self.gateway(&request)?;
        let data = self.computing.data().ok_or_else(|| {
            Status::failed_precondition("the register publishes nothing for research now")
        })?;
        Ok(Response::new(wire::PublishResponse {
            views: data.views().to_vec(),
            snapshot: data.snapshot_name().to_vec().into(),
        }))
    }

    type ComputeStream = Answers;

    async fn compute(
        &self,
        request: Request<wire::ComputeRequest>,
    ) -> Result<Response<Self::ComputeStream>, Status> {
        let now = Instant::now();
        let is_within_caps = {
            let mut asked = locked(self.gateway(&request)?);
            asked.admit(now)
        };
        let asked = AskedQuery::read(request.into_inner(), self.rules, now)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let (messages, answers) = mpsc::channel(MESSAGES_MAX);
        let cancel = CancellationToken::new();
        let guard = cancel.clone().drop_guard();
        let computing = Arc::clone(&self.computing);
        // In a task of its own: if the call ends now, what became of it is still logged.
        tokio::spawn(async move {
            computing
                .answer(&asked, is_within_caps, &messages, &cancel)
                .await;
        });
        Ok(Response::new(Answers {
            messages: ReceiverStream::new(answers),
            _ends_the_work: guard,
        }))
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute").finish_non_exhaustive()
    }
}

/// The messages of one call. When they are dropped, the call has ended and so does its work.
#[derive(Debug)]
pub struct Answers {
    messages: ReceiverStream<wire::ComputeResponse>,
    _ends_the_work: DropGuard,
}

impl Stream for Answers {
    type Item = Result<wire::ComputeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.messages)
            .poll_next(cx)
            .map(|response| response.map(Ok))
    }
}

/// `message` with nothing beside it.
const fn alone(message: Message) -> wire::ComputeResponse {
    wire::ComputeResponse {
        message: Some(message),
        refusal_receipt: String::new(),
    }
}

/// What `mutex` holds. Nobody panics half-way through a change of it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
