//! Countersigns the heads of the registers' logs of use.
//!
//! For each register the gateway keeps one head, the last it countersigned (a size and a hash,
//! nothing else), and the log's key, which it takes on trust the first time. A head that does not
//! continue the one kept is not countersigned, and an operator is told: the log was shortened,
//! rewritten or replaced. What is kept is on disk before the countersignature leaves.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadKey, HeadSigner, LogHash, SignedHead, countersign};
use innsyn_proto::wire::node::v1::node_service_client::NodeServiceClient;
use innsyn_proto::wire::node::v1::witness_heads_request::Message;
use innsyn_proto::wire::node::v1::{WitnessHeadsRequest, WitnessHeadsResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::link::Beside;

mod kept;
#[cfg(test)]
mod tests;

pub use kept::KeptHeadsError;
use kept::{Kept, KeptHeads};

/// Countersignatures on their way to one agent.
const UNDER_WAY_MAX: usize = 4;

/// Why a head is not countersigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The log signs with another key than the one kept.
    #[error("the log of use signs with another key than the one kept")]
    OtherKey,
    /// The head is not one, or does not continue the one kept.
    #[error("the head is refused")]
    Head(#[from] HeadError),
    /// What is kept cannot be written.
    #[error("the head cannot be kept")]
    Keep(#[from] KeptHeadsError),
}

/// Keeps and countersigns heads.
#[derive(Debug)]
pub struct Witness {
    kept: Arc<KeptHeads>,
    signer: HeadSigner,
}

impl Witness {
    /// A witness that signs with `signer` and keeps its heads in `folder`, which is made if it is
    /// not there.
    pub fn new(folder: &Path, signer: HeadSigner) -> Result<Self, KeptHeadsError> {
        Ok(Self {
            kept: Arc::new(KeptHeads::open(folder)?),
            signer,
        })
    }

    /// The public key that agents check countersignatures with.
    pub fn public_key(&self) -> &str {
        self.signer.public_text()
    }

    /// The last head countersigned for `register`, if there is one.
    pub fn kept(&self, register: &RegisterId) -> Option<SignedHead> {
        self.kept.get(register).map(|kept| kept.head)
    }

    /// The key of the log of `register` and the last head countersigned for it, if there is one.
    pub fn kept_log(&self, register: &RegisterId) -> Option<(String, SignedHead)> {
        let kept = self.kept.get(register)?;
        Some((kept.log_key, kept.head))
    }

    /// The keys of the witnesses that are known here: its own.
    pub fn known(&self) -> Vec<HeadKey> {
        self.signer.public().into_iter().collect()
    }

    /// Checks a head against the one kept, keeps it, and returns it countersigned once it is on
    /// disk. The first key and the first head of a register are taken on trust.
    pub async fn witness(
        &self,
        register: &RegisterId,
        log_key: &str,
        checkpoint: &[u8],
        consistency: &[LogHash],
    ) -> Result<SignedHead, WitnessError> {
        let (head, change) = self.kept.replace(register, |kept| {
            if kept.is_some_and(|kept| kept.log_key != log_key) {
                return Err(WitnessError::OtherKey);
            }
            let key = HeadKey::parse(log_key)?;
            let seen = kept.map(|kept| &kept.head);
            Ok(Kept {
                head: countersign(checkpoint, &key, seen, consistency, &self.signer)?,
                log_key: log_key.to_owned(),
            })
        })?;
        self.kept.saved(change).await?;
        Ok(head)
    }
}

/// The last head that the gateway which keeps its heads in `folder` countersigned for `register`.
pub fn head_in(folder: &Path, register: &RegisterId) -> Result<Option<SignedHead>, KeptHeadsError> {
    Ok(kept::read(folder)?.remove(register).map(|kept| kept.head))
}

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
    let mut heads = NodeServiceClient::new(channel)
        .witness_heads(ReceiverStream::new(requests))
        .await?
        .into_inner();
    while let Some(response) = heads.message().await? {
        match look_at(&witness, &register, &response).await {
            Ok(head) => {
                send(Message::Countersigned(Bytes::copy_from_slice(head.note()))).await?;
            }
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

async fn look_at(
    witness: &Witness,
    register: &RegisterId,
    response: &WitnessHeadsResponse,
) -> Result<SignedHead, WitnessError> {
    let consistency = response
        .consistency
        .iter()
        .map(|hash| LogHash::try_from(hash.as_ref()).map_err(|_| HeadError::Malformed))
        .collect::<Result<Vec<_>, _>>()?;
    witness
        .witness(
            register,
            &response.log_key,
            &response.checkpoint,
            &consistency,
        )
        .await
}
