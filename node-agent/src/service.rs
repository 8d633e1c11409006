//! Answers the gateways' questions.
//!
//! ```text
//!   read ─▶ asked before? ─▶ over the cap? ─▶ decide ─▶ look up ─▶ log, durable ─▶ answer
//!                │                                                      │
//!                └─ the same answer again                               └─ cannot: no answer
//! ```
//!
//! What holds:
//!
//! - **No answer without an entry.** An answer exists as a value only after the log has said
//!   that its entry is durable; refusals leave an entry too.
//! - **The same work for hit and miss.** Every question is decided, looked up and logged the same
//!   way, and its answer has the same size.
//! - **Nothing twice.** A question asked again under its id, after a connection was lost, gets the
//!   answer that it had.
//!
//! Who the gateway is was proved by its certificate before anything here runs.

mod answering;
mod caps;
mod recent;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use innsyn_proto::wire::node::v1::node_service_server::{NodeService, NodeServiceServer};
use innsyn_proto::wire::node::v1::{
    AskRequest, AskResponse, WitnessHeadsRequest, WitnessHeadsResponse,
};
use tonic::{Request, Response, Status, Streaming};

pub use answering::{Answering, Counts};
pub(crate) use caps::Asked as AskedInTime;
pub use caps::Caps;

use crate::heads;
use crate::presence::Peer;

/// Questions that one message may carry.
const BATCH_QUESTIONS_MAX: usize = 1024;
/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The gRPC service of one register's agent.
#[derive(Debug, Clone)]
pub struct Service {
    answering: Arc<Answering>,
}

impl Service {
    /// The service over `answering`, ready for a tonic server.
    pub fn server(answering: Arc<Answering>) -> NodeServiceServer<Self> {
        NodeServiceServer::new(Self { answering }).max_decoding_message_size(REQUEST_BYTES_MAX)
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The gateway at the other end, as its certificate named it.
pub(crate) fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    request
        .extensions()
        .get::<Peer>()
        .cloned()
        .ok_or_else(|| Status::unauthenticated("the connection did not come through the tunnel"))
}

#[tonic::async_trait]
impl NodeService for Service {
    type AskStream = Answers<AskResponse>;

    async fn ask(
        &self,
        request: Request<Streaming<AskRequest>>,
    ) -> Result<Response<Self::AskStream>, Status> {
        let gateway = peer(&request)?.gateway;
        let answering = Arc::clone(&self.answering);
        let mut batches_done = 0;
        let answers = request.into_inner().then(move |batch| {
            batches_done += 1;
            let (answering, gateway) = (Arc::clone(&answering), gateway.clone());
            async move {
                let batch = batch?;
                if batch.questions.len() > BATCH_QUESTIONS_MAX {
                    return Err(Status::invalid_argument(format!(
                        "a message carries at most {BATCH_QUESTIONS_MAX} questions"
                    )));
                }
                // In a task of its own: if the connection is lost now, what has begun is still
                // finished, so that the question asked again finds its answer.
                let answers =
                    tokio::spawn(async move { answering.answer(&gateway, batch.questions).await });
                let answers = answers
                    .await
                    .map_err(|_| Status::internal("the agent failed on this message"))?;
                Ok(AskResponse {
                    answers,
                    batches_done,
                })
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }

    type WitnessHeadsStream = Answers<WitnessHeadsResponse>;

    async fn witness_heads(
        &self,
        request: Request<Streaming<WitnessHeadsRequest>>,
    ) -> Result<Response<Self::WitnessHeadsStream>, Status> {
        let gateway = peer(&request)?.gateway;
        let heads = heads::send(
            Arc::clone(self.answering.log()),
            gateway,
            request.into_inner(),
        );
        Ok(Response::new(Box::pin(heads)))
    }
}
