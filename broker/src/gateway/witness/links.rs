//! Countersigns what comes over one link.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadKey, LogHash, SignedHead, check_continues};
use innsyn_proto::wire::node::v1::node_service_client::NodeServiceClient;
use innsyn_proto::wire::node::v1::witness_heads_request::Message;
use innsyn_proto::wire::node::v1::{WitnessHeadsRequest, WitnessHeadsResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::rounds::{Log, hashes};
use super::submitting::Proves as _;
use super::{Witness, WitnessError};
use crate::gateway::link::Beside;

/// Countersignatures on their way to one agent.
const UNDER_WAY_MAX: usize = 4;

/// Countersigns what comes over one link.
#[derive(Debug, Clone)]
pub struct WitnessLinks(pub Arc<Witness>);

impl Beside for WitnessLinks {
    fn beside(&self, register: RegisterId, channel: Channel) -> BoxFuture<'static, ()> {
        let witness = Arc::clone(&self.0);
        Box::pin(async move {
            if let Err(status) = exchange(witness, register.clone(), channel).await {
                tracing::debug!(node.id = %register, code = ?status.code(), "heads not exchanged");
            }
        })
    }
}

async fn exchange(
    witness: Arc<Witness>,
    register: RegisterId,
    channel: Channel,
) -> Result<(), tonic::Status> {
    let (outbound, requests) = mpsc::channel(UNDER_WAY_MAX);
    let send = async |message| {
        let request = WitnessHeadsRequest {
            message: Some(message),
        };
        outbound
            .send(request)
            .await
            .map_err(|_| tonic::Status::unavailable("the link is gone"))
    };
    let known_size = witness.kept(&register).map_or(0, |head| head.size());
    send(Message::KnownSize(known_size)).await?;
    let mut heads = NodeServiceClient::new(channel.clone())
        .witness_heads(ReceiverStream::new(requests))
        .await?
        .into_inner();
    while let Some(response) = heads.message().await? {
        let mut log = Log::over(channel.clone());
        match look_at(&witness, &register, &response, &mut log).await {
            Ok(Some(head)) => {
                send(Message::Countersigned(Bytes::copy_from_slice(head.note()))).await?;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    node.id = %register,
                    error = &error as &dyn std::error::Error,
                    "log of use not countersigned"
                );
                return Err(tonic::Status::failed_precondition(error.to_string()));
            }
        }
    }
    Ok(())
}

/// Countersigns a head; `None` where a later one of the same log is countersigned already.
///
/// The proof that comes with a head leads from the one before on this link. Another gateway may have
/// submitted one in between: then the log proves once more.
async fn look_at(
    witness: &Witness,
    register: &RegisterId,
    response: &WitnessHeadsResponse,
    log: &mut Log,
) -> Result<Option<SignedHead>, WitnessError> {
    let (key, note) = (&response.log_key, &response.checkpoint);
    let consistency = hashes(&response.consistency)?;
    let refused = match witness.witness(register, key, note, &consistency).await {
        Err(WitnessError::Head(error)) => error,
        looked => return looked.map(Some),
    };
    let Some(kept) = witness.kept(register) else {
        return Err(refused.into());
    };
    let head = SignedHead::read(note, &HeadKey::parse(key)?)?;
    let (from, to) = (head.size().min(kept.size()), head.size().max(kept.size()));
    let proof: Vec<LogHash> = match log.prove(from, to).await {
        Ok(proof) if from < to => proof,
        _ => return Err(refused.into()),
    };
    if matches!(refused, HeadError::Shrunk { .. }) {
        return match check_continues(&kept, &head, &proof) {
            Ok(()) => Ok(None),
            Err(_) => Err(refused.into()),
        };
    }
    witness.witness(register, key, note, &proof).await.map(Some)
}
