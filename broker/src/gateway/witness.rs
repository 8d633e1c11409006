//! Countersigns the heads of the registers' logs of use.
//!
//! For each register the gateway keeps one head, the last it countersigned (a size and a hash,
//! nothing else), and the log's key, which it takes on trust the first time. A head that does not
//! continue the one kept is not countersigned, and an operator is told: the log was shortened,
//! rewritten or replaced. What is kept is on disk before the countersignature leaves.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadKey, HeadSigner, LogHash, SignedHead, countersign};
use innsyn_proto::wire::node::v1::node_service_client::NodeServiceClient;
use innsyn_proto::wire::node::v1::witness_heads_request::Message;
use innsyn_proto::wire::node::v1::{WitnessHeadsRequest, WitnessHeadsResponse};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::link::Beside;

#[cfg(test)]
mod tests;

/// Countersignatures on their way to one agent.
const UNDER_WAY_MAX: usize = 4;

/// Why a head is not countersigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The log signs with another key than the one kept.
    #[error("the log of use signs with another key than the one kept in `{0}`")]
    OtherKey(PathBuf),
    /// The head is not one, or does not continue the one kept.
    #[error("the head is refused")]
    Head(#[from] HeadError),
    /// What is kept cannot be read or written.
    #[error("`{0}` cannot be read or written")]
    Store(PathBuf, #[source] io::Error),
}

/// Keeps and countersigns heads.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    signer: HeadSigner,
}

impl Witness {
    /// A witness that signs with `signer` and keeps its heads in `folder`, which is made if it is
    /// not there.
    pub fn new(folder: &Path, signer: HeadSigner) -> Result<Self, WitnessError> {
        fs::create_dir_all(folder)
            .map_err(|error| WitnessError::Store(folder.to_owned(), error))?;
        Ok(Self {
            folder: folder.to_owned(),
            signer,
        })
    }

    /// The public key that agents check countersignatures with.
    pub fn public_key(&self) -> &str {
        self.signer.public_text()
    }

    /// The last head countersigned for `register`, if there is one.
    pub fn kept(&self, register: &RegisterId) -> Result<Option<SignedHead>, WitnessError> {
        let (Some(key), Some(note)) = (self.read(register, "key")?, self.read(register, "head")?)
        else {
            return Ok(None);
        };
        let key = HeadKey::parse(&String::from_utf8_lossy(&key))?;
        Ok(Some(SignedHead::read(&note, &key)?))
    }

    /// Checks a head against the one kept, keeps it, and returns it countersigned. The first key
    /// and the first head of a register are taken on trust.
    pub fn witness(
        &self,
        register: &RegisterId,
        log_key: &str,
        checkpoint: &[u8],
        consistency: &[LogHash],
    ) -> Result<SignedHead, WitnessError> {
        let kept_key = self.read(register, "key")?;
        if kept_key
            .as_deref()
            .is_some_and(|kept| kept != log_key.as_bytes())
        {
            return Err(WitnessError::OtherKey(self.path(register, "key")));
        }
        let key = HeadKey::parse(log_key)?;
        let kept = self.kept(register)?;
        let head = countersign(checkpoint, &key, kept.as_ref(), consistency, &self.signer)?;
        if kept_key.is_none() {
            self.write(register, "key", log_key.as_bytes())?;
        }
        self.write(register, "head", head.note())?;
        Ok(head)
    }

    /// Register ids are file names by their alphabet: `a-z`, `0-9` and `-`.
    fn path(&self, register: &RegisterId, what: &str) -> PathBuf {
        self.folder.join(format!("{register}.{what}"))
    }

    fn read(&self, register: &RegisterId, what: &str) -> Result<Option<Vec<u8>>, WitnessError> {
        let path = self.path(register, what);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(WitnessError::Store(path, error)),
        }
    }

    fn write(&self, register: &RegisterId, what: &str, bytes: &[u8]) -> Result<(), WitnessError> {
        let path = self.path(register, what);
        let write = || {
            let fresh = self.path(register, &format!("{what}.new"));
            let mut file = fs::File::create(&fresh)?;
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(&fresh, &path)
        };
        write().map_err(|error| WitnessError::Store(path.clone(), error))
    }
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
    let known_size = witness
        .kept(&register)
        .ok()
        .flatten()
        .map_or(0, |head| head.size());
    send(Message::KnownSize(known_size)).await?;
    let mut heads = NodeServiceClient::new(channel)
        .witness_heads(ReceiverStream::new(requests))
        .await?
        .into_inner();
    while let Some(response) = heads.message().await? {
        let (witness, of) = (Arc::clone(&witness), register.clone());
        let witnessed = spawn_blocking(move || look_at(&witness, &of, &response)).await;
        match witnessed {
            Ok(Ok(head)) => {
                send(Message::Countersigned(Bytes::copy_from_slice(head.note()))).await?;
            }
            Ok(Err(error)) => {
                tracing::error!(
                    node.id = %register,
                    error = &error as &dyn std::error::Error,
                    "log of use not countersigned"
                );
                return Err(tonic::Status::failed_precondition(error.to_string()));
            }
            Err(_panicked) => return Err(tonic::Status::internal("the witness failed")),
        }
    }
    Ok(())
}

fn look_at(
    witness: &Witness,
    register: &RegisterId,
    response: &WitnessHeadsResponse,
) -> Result<SignedHead, WitnessError> {
    let consistency = response
        .consistency
        .iter()
        .map(|hash| LogHash::try_from(hash.as_ref()).map_err(|_| HeadError::Malformed))
        .collect::<Result<Vec<_>, _>>()?;
    witness.witness(
        register,
        &response.log_key,
        &response.checkpoint,
        &consistency,
    )
}
