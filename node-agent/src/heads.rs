//! Shows the log's heads to a gateway, and keeps what it countersigns.
//!
//! Every head goes with a proof that it continues the one that the gateway saw before. A gateway
//! that has seen more than the log now holds gets the head without a proof, and will say so: the
//! log is an older copy.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1::witness_heads_request::Message;
use innsyn_proto::wire::node::v1::{WitnessHeadsRequest, WitnessHeadsResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::uselog::{CountersignError, UseLog};

/// Heads on their way to one gateway; it answers each before the next is worth sending.
const HEADS_UNDER_WAY_MAX: usize = 2;

/// Sends `gateway` every head of `log` from now on; takes its countersignatures from `inbound`.
pub fn send(
    log: Arc<UseLog>,
    gateway: GatewayName,
    inbound: Streaming<WitnessHeadsRequest>,
) -> impl Stream<Item = Result<WitnessHeadsResponse, Status>> + Send + use<> {
    let (outbound, heads) = mpsc::channel(HEADS_UNDER_WAY_MAX);
    tokio::spawn(async move {
        if let Err(status) = exchange(&log, &gateway, inbound, &outbound).await {
            tracing::warn!(gateway.name = %gateway, reason = status.message(), "heads not exchanged");
            let _gateway_gone = outbound.send(Err(status)).await;
        }
    });
    ReceiverStream::new(heads)
}

async fn exchange(
    log: &UseLog,
    gateway: &GatewayName,
    mut inbound: Streaming<WitnessHeadsRequest>,
    outbound: &mpsc::Sender<Result<WitnessHeadsResponse, Status>>,
) -> Result<(), Status> {
    let first = inbound.message().await?.and_then(|request| request.message);
    let Some(Message::KnownSize(mut known)) = first else {
        return Err(Status::invalid_argument(
            "the first message says the size that is known",
        ));
    };
    let mut heads = log.heads();
    heads.mark_changed();
    let mut warned = false;
    let mut inbound = inbound.fuse();
    loop {
        tokio::select! {
            changed = heads.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let Some(head) = heads.borrow_and_update().clone() else { continue };
                let consistency = if known > 0 && known < head.size() {
                    log.consistency(known, head.size()).await.unwrap_or_default()
                } else {
                    Vec::new()
                };
                let response = WitnessHeadsResponse {
                    checkpoint: Bytes::copy_from_slice(head.note()),
                    consistency: consistency
                        .iter()
                        .map(|hash| Bytes::copy_from_slice(hash))
                        .collect(),
                    log_key: log.public_key().to_owned(),
                };
                known = head.size();
                if outbound.send(Ok(response)).await.is_err() {
                    return Ok(());
                }
            }
            message = inbound.next() => match message {
                None => return Ok(()),
                Some(message) => {
                    let Some(Message::Countersigned(note)) = message?.message else {
                        return Err(Status::invalid_argument("expected a countersigned head"));
                    };
                    match log.add_countersigned(note.to_vec()).await {
                        Ok(()) => tracing::debug!(gateway.name = %gateway, "head countersigned"),
                        // The gateway keeps the head all the same, which is what counts.
                        Err(error @ CountersignError::NotCountersigned) => {
                            if !std::mem::replace(&mut warned, true) {
                                tracing::warn!(
                                    gateway.name = %gateway,
                                    %error,
                                    "countersignatures are not kept: is this gateway's head_key in \
                                     the configuration?"
                                );
                            }
                        }
                        Err(error) => {
                            let reason = format!("countersignature refused: {error}");
                            return Err(Status::invalid_argument(reason));
                        }
                    }
                }
            },
        }
    }
}
