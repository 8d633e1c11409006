//! The agents as the research gateway calls them: one kept connection to each.
//!
//! A connection is made when it is first needed, through the same tunnel as a citizen's listing,
//! and kept. One that has broken meanwhile is made anew, once, and the call repeated under the
//! same question id, by which an agent can tell that it was asked before.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1::compute_service_client::ComputeServiceClient;
use innsyn_proto::wire::node::v1::{
    ComputeRequest, ComputeResponse, PublishRequest, PublishResponse,
};
use tokio::sync::Mutex;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::gateway::link::{Reach, ReachError, channel_over};

/// The largest message that an agent may send, in bytes: the largest table, and more.
const RESPONSE_BYTES_MAX: usize = 16 << 20;

/// Connections to agents.
#[derive(Debug)]
pub(super) struct Agents {
    reach: Reaching,
    kept: BTreeMap<RegisterId, Mutex<Option<Kept>>>,
}

/// How agents are reached, without anything to print.
struct Reaching(Arc<dyn Reach>);

/// A connection, and how many there were before it.
#[derive(Debug, Clone)]
struct Kept {
    number: u64,
    channel: Channel,
}

/// Why an agent gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the register is not one of this gateway's")]
    NoSuchRegister,
    #[error("the agent is not reached")]
    Reach(#[from] ReachError),
    #[error("no HTTP/2 over the tunnel")]
    Transport(#[from] tonic::transport::Error),
    #[error("the call failed with {:?}", .0.code())]
    Call(Status),
}

impl std::fmt::Debug for Reaching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reaching")
    }
}

impl CallError {
    /// Whether the agent is of a kind that knows no research.
    pub(super) fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Call(status) if status.code() == Code::Unimplemented)
    }

    /// Whether the register does not serve this gateway: its agent pins it, and not for queries.
    pub(super) fn is_not_served(&self) -> bool {
        matches!(self, Self::Call(status) if status.code() == Code::PermissionDenied)
    }
}

type Call<T> = fn(ComputeServiceClient<Channel>, ComputeRequest) -> BoxFuture<'static, Called<T>>;
type Called<T> = Result<tonic::Response<T>, Status>;

impl Agents {
    /// The agents of `registers`, none of which is connected yet.
    pub(super) fn new(reach: Arc<dyn Reach>, registers: impl Iterator<Item = RegisterId>) -> Self {
        Self {
            reach: Reaching(reach),
            kept: registers
                .map(|register| (register, Mutex::default()))
                .collect(),
        }
    }

    /// What the register publishes.
    pub(super) async fn publish(
        &self,
        register: &RegisterId,
    ) -> Result<PublishResponse, CallError> {
        let call: Call<_> =
            |mut client, _| Box::pin(async move { client.publish(PublishRequest {}).await });
        self.call(register, ComputeRequest::default(), call).await
    }

    /// Asks the register to compute. Dropping the stream, or this future, ends the work.
    pub(super) async fn compute(
        &self,
        register: &RegisterId,
        request: ComputeRequest,
    ) -> Result<Streaming<ComputeResponse>, CallError> {
        let call: Call<_> =
            |mut client, request| Box::pin(async move { client.compute(request).await });
        self.call(register, request, call).await
    }

    async fn call<T>(
        &self,
        register: &RegisterId,
        request: ComputeRequest,
        call: Call<T>,
    ) -> Result<T, CallError> {
        let mut broken = None;
        loop {
            let (kept, is_new) = self.connection(register, broken).await?;
            let client = ComputeServiceClient::new(kept.channel)
                .max_decoding_message_size(RESPONSE_BYTES_MAX);
            match call(client, request.clone()).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) if !is_new && is_of_the_connection(&status) => {
                    broken = Some(kept.number);
                }
                Err(status) => return Err(CallError::Call(status)),
            }
        }
    }

    /// The kept connection, unless it is the one that is `broken`, and whether it is new.
    async fn connection(
        &self,
        register: &RegisterId,
        broken: Option<u64>,
    ) -> Result<(Kept, bool), CallError> {
        let kept = self.kept.get(register).ok_or(CallError::NoSuchRegister)?;
        let mut kept = kept.lock().await;
        let number = match &*kept {
            Some(known) if Some(known.number) != broken => return Ok((known.clone(), false)),
            Some(known) => known.number + 1,
            None => 0,
        };
        // One that is given up is not tried again, whatever becomes of the next.
        *kept = None;
        let channel = channel_over(self.reach.0.reach(register).await?).await?;
        let new = Kept { number, channel };
        *kept = Some(new.clone());
        Ok((new, true))
    }
}

/// Whether our own end made the status, and not the agent.
fn is_of_the_connection(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}
