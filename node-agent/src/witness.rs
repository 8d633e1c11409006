//! The agent as a witness of other registers' logs, and what it proves of its own.
//!
//! ```text
//!   gateway A ──head of log X──▶ ┐                ┌─▶ the same log: signed
//!                                ├─ this witness ─┤
//!   gateway B ──head of log X──▶ ┘                └─▶ another: refused, with the head that X signed
//! ```
//!
//! A register that shows one log to one gateway and another to the next is found where both ask one
//! witness: only one of the two continues what it has seen.
//!
//! What holds:
//!
//! - **What was signed is on disk first**, and nothing that does not continue it is signed after.
//! - **A log is its name and its key.** A log with another key is another log; that there are two at
//!   one time is told to whoever submits a head of either.
//! - **No person.** A head is a size and a hash.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::head::{HeadKey, SignedHead, origin};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::witnessing::{AddCheckpoint, REQUEST_BYTES_MAX, Refused, cosignature_of};
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::witness_service_server::{WitnessService, WitnessServiceServer};

mod seen;
#[cfg(test)]
mod tests;

pub use seen::SCHEMA;

use seen::{SeenError, SeenLogs};

use crate::records::Records;
use crate::service::{AskedInTime, Caps, peer};
use crate::uselog::{ProveError, UseLog};

/// What one gateway may submit and have proven: a head of every register every few seconds.
const CAPS: Caps = Caps {
    per_minute: 2_000,
    per_day: 1_000_000,
};

/// The gRPC service for all gateways that are pinned.
pub struct Witness {
    own_origin: String,
    log: Arc<UseLog>,
    seen: SeenLogs,
    clock: Arc<dyn Clock>,
    gateways: HashMap<GatewayName, Mutex<AskedInTime>>,
}

impl Witness {
    /// The service of `register`, whose log of use is `log`, ready for a tonic server. It serves
    /// `gateways`, and keeps what it sees in `records`.
    pub fn server(
        register: &RegisterId,
        log: Arc<UseLog>,
        records: Records,
        clock: Arc<dyn Clock>,
        gateways: impl IntoIterator<Item = GatewayName>,
    ) -> WitnessServiceServer<Self> {
        let now = Instant::now();
        let witness = Self {
            own_origin: origin(register),
            log,
            seen: SeenLogs::new(records),
            clock,
            gateways: gateways
                .into_iter()
                .map(|name| (name, Mutex::new(AskedInTime::new(CAPS, now))))
                .collect(),
        };
        WitnessServiceServer::new(witness).max_decoding_message_size(2 * REQUEST_BYTES_MAX)
    }

    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let gateway = peer(request)?.gateway;
        let asked = self.gateways.get(&gateway);
        let asked = asked.ok_or_else(|| Status::permission_denied("no such gateway here"))?;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.admit(Instant::now()) {
            Ok(())
        } else {
            Err(Status::resource_exhausted("too many heads at once"))
        }
    }

    /// Looks at a head; the log's name and key are what `asked` and `log_key` say.
    async fn look_at(
        &self,
        asked: &AddCheckpoint,
        log_key: &str,
    ) -> Result<Result<SignedHead, Refused>, SeenError> {
        let Ok(key) = HeadKey::parse(log_key) else {
            return Ok(Err(Refused::Malformed));
        };
        match asked.origin() {
            Err(refused) => return Ok(Err(refused)),
            // Nobody is a witness of their own log.
            Ok(origin) if origin == self.own_origin || !is_register(&origin) => {
                return Ok(Err(Refused::UnknownLog));
            }
            Ok(origin) if origin != key.name() => return Ok(Err(Refused::Forbidden)),
            Ok(_) => {}
        }
        let now = self.clock.now();
        self.seen
            .replace(&key, now, |seen| {
                self.log.countersign_other(asked, &key, seen, now)
            })
            .await
    }
}

/// Whether a log is called as a register's is.
fn is_register(origin: &str) -> bool {
    let register = origin.strip_prefix("innsyn/");
    register.is_some_and(|register| RegisterId::parse(register).is_ok())
}

#[tonic::async_trait]
impl WitnessService for Witness {
    async fn add_checkpoint(
        &self,
        request: Request<wire::AddCheckpointRequest>,
    ) -> Result<Response<wire::AddCheckpointResponse>, Status> {
        self.admit(&request)?;
        let request = request.into_inner();
        let failed = |error: SeenError| {
            tracing::error!(error = &error as &dyn std::error::Error, "heads not kept");
            Status::unavailable("what was seen cannot be kept")
        };
        let looked = match AddCheckpoint::parse(&request.body) {
            Ok(asked) => self.look_at(&asked, &request.log_key).await,
            Err(refused) => Ok(Err(refused)),
        };
        let (status, body) = match looked.map_err(failed)? {
            Ok(head) => {
                let key = self.log.witness_key();
                let key = key.map_err(|_| Status::internal("no key to witness with"))?;
                (200, cosignature_of(&head, &key))
            }
            Err(refused) => {
                if refused == Refused::Inconsistent {
                    tracing::error!(
                        uselog.key = request.log_key,
                        "a head of another register's log does not continue the one seen before"
                    );
                }
                (refused.status(), refused.body().into_bytes())
            }
        };
        let known = self.seen.known(&request.log_key, self.clock.now()).await;
        let known = known.map_err(failed)?;
        Ok(Response::new(wire::AddCheckpointResponse {
            status: status.into(),
            body: body.into(),
            seen: known.head.map(|head| Bytes::copy_from_slice(head.note())),
            other_keys: known.other_keys,
        }))
    }

    async fn prove_consistency(
        &self,
        request: Request<wire::ProveConsistencyRequest>,
    ) -> Result<Response<wire::ProveConsistencyResponse>, Status> {
        self.admit(&request)?;
        let asked = request.into_inner();
        let head = self.log.heads().borrow().clone();
        // What was not signed is not proven to anybody.
        let is_signed = head.is_some_and(|head| asked.to <= head.size());
        let hashes = if is_signed && asked.from < asked.to {
            match self.log.consistency(asked.from, asked.to).await {
                Ok(proof) => proof,
                Err(ProveError::OutOfRange { .. }) => Vec::new(),
                // An empty proof would be a confession.
                Err(_) => return Err(Status::unavailable("the log of use is unavailable")),
            }
        } else {
            Vec::new()
        };
        let hashes = hashes.iter().map(|hash| Bytes::copy_from_slice(hash));
        Ok(Response::new(wire::ProveConsistencyResponse {
            hashes: hashes.collect(),
        }))
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}
