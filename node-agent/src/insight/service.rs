//! The gRPC service of insight, for citizen gateways.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use innsyn_proto::identity::GatewayName;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::node::v1 as wire;
use prost::Message as _;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};
use wire::insight_service_server::{InsightService, InsightServiceServer};

use super::{ANSWER_EVERY, Insight};
use crate::service::{AskedInTime, Caps, peer};

/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// The bounds of the size of an answer, in bytes.
const REPLY_BYTES_MIN: usize = 1024;
const REPLY_BYTES_MAX: usize = 512 * 1024;

/// The service of insight.
pub struct InsightFace {
    insight: Arc<Insight>,
    /// What each gateway has asked.
    gateways: HashMap<GatewayName, Mutex<AskedInTime>>,
    /// Gateways that are pinned, asked, and may not ask for insight.
    turned_away: Mutex<HashSet<GatewayName>>,
}

impl fmt::Debug for InsightFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsightFace").finish_non_exhaustive()
    }
}

impl InsightFace {
    /// The service over `insight`, ready for a tonic server. It serves the gateways that `caps` name.
    pub fn server(
        insight: Arc<Insight>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
    ) -> InsightServiceServer<Self> {
        InsightServiceServer::new(Self::new(insight, caps))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    pub(super) fn new(
        insight: Arc<Insight>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
    ) -> Self {
        let now = Instant::now();
        let gateway = |(name, caps)| (name, Mutex::new(AskedInTime::new(caps, now)));
        Self {
            insight,
            gateways: caps.into_iter().map(gateway).collect(),
            turned_away: Mutex::default(),
        }
    }

    /// Counts a question of the gateway at the other end; whether it is within its cap.
    fn admit<T>(&self, request: &Request<T>) -> Result<bool, Status> {
        let gateway = peer(request)?.gateway;
        let Some(asked) = self.gateways.get(&gateway) else {
            let turned_away = self.turned_away.lock();
            let mut told = turned_away.unwrap_or_else(PoisonError::into_inner);
            if told.insert(gateway.clone()) {
                tracing::warn!(
                    gateway.name = %gateway,
                    "gateway is not served: its section lacks `insight` in `may_ask`"
                );
            }
            return Err(Status::permission_denied(
                "the register does not serve this gateway",
            ));
        };
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(asked.admit(Instant::now()))
    }
}

#[tonic::async_trait]
impl InsightService for InsightFace {
    async fn show_insight(
        &self,
        request: Request<wire::ShowInsightRequest>,
    ) -> Result<Response<wire::ShowInsightResponse>, Status> {
        let arrived = Instant::now();
        let is_within_caps = self.admit(&request)?;
        let wire::ShowInsightRequest {
            who, reply_bytes, ..
        } = request.into_inner();
        let bytes = usize::try_from(reply_bytes).unwrap_or(usize::MAX);
        if !(REPLY_BYTES_MIN..=REPLY_BYTES_MAX).contains(&bytes) {
            return Err(Status::invalid_argument(format!(
                "`reply_bytes` is {REPLY_BYTES_MIN} to {REPLY_BYTES_MAX}"
            )));
        }
        let who = who.ok_or_else(|| Status::invalid_argument("`who` is absent"))?;
        let insight = Arc::clone(&self.insight);
        // In a task of its own: if the call ends now, what has begun is still logged.
        let shown = tokio::spawn(async move { insight.show(&who, is_within_caps).await });
        let mut answer = shown
            .await
            .map_err(|_| Status::internal("the agent failed on this call"))?;
        if !answer.pad_to(bytes) {
            let needed = u32::try_from(answer.encoded_len().saturating_add(16));
            answer = wire::ShowInsightResponse {
                bytes_needed: needed.unwrap_or(u32::MAX),
                use_log_leaf: answer.use_log_leaf,
                ..wire::ShowInsightResponse::default()
            };
            if !answer.pad_to(bytes) {
                return Err(Status::internal("an empty answer is too long"));
            }
        }
        sleep_until(leaves_at(arrived, Instant::now())).await;
        Ok(Response::new(answer))
    }
}

/// The first step of [`ANSWER_EVERY`] after `arrived` that is not before `now`.
fn leaves_at(arrived: Instant, now: Instant) -> Instant {
    let took = now.saturating_duration_since(arrived);
    let steps = took.as_millis() / ANSWER_EVERY.as_millis() + 1;
    arrived + ANSWER_EVERY * u32::try_from(steps).unwrap_or(u32::MAX)
}
