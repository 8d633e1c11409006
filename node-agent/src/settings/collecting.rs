//! Collects from the relays' mailboxes what waits for this agent: settings, and messages of dialogs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use innsyn_proto::sealing::ItemKind;
use innsyn_proto::tls::AgentTls;
use innsyn_proto::tunnel::{
    BoxedIo, Dial, MailboxError, Refusal, RelayAddress, connect_to_mailbox,
};
use innsyn_proto::wire::relay::v1::CollectRequest;
use innsyn_proto::wire::relay::v1::mailbox_service_client::MailboxServiceClient;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

mod telling;

use telling::{Came, Telling};

use super::keeper::Keeper;
use super::kept::KeepError;
use crate::cases::{CaseError, SealedCases};

/// The first pause before another attempt; doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// The longest pause before another attempt.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// The pause after a relay has said that it has no mailbox.
const WITHOUT_MAILBOX: Duration = Duration::from_mins(1);
/// How long one attempt may take, the handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle relay is asked whether it is there, and how long it may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Answers to one relay that may be under way.
const TAKEN_UNDER_WAY_MAX: usize = 4;
/// The largest message that a relay may send, in bytes.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Why collecting from one relay ended.
#[derive(Debug, thiserror::Error)]
enum CollectError {
    #[error("no mailbox")]
    Connect(#[from] MailboxError),
    #[error("no HTTP/2 with the mailbox")]
    Http(#[from] tonic::transport::Error),
    #[error("the mailbox says: {}", .0.message())]
    Mailbox(#[from] tonic::Status),
    #[error("what came cannot be kept")]
    Keep(#[from] KeepError),
    #[error("a message that came cannot be kept")]
    Dialog(#[from] CaseError),
}

/// Collects from each of `relays` until `shutdown`. `seed` decides the jitter of the pauses.
pub fn spawn(
    (keeper, dialogs): (&Arc<Keeper>, &Arc<SealedCases>),
    relays: &[RelayAddress],
    dialler: &Arc<dyn Dial>,
    tls: &AgentTls,
    seed: u64,
    shutdown: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    relays
        .iter()
        .zip(seed..)
        .map(|(relay, seed)| {
            let collector = Collector {
                keeper: Arc::clone(keeper),
                dialogs: Arc::clone(dialogs),
                relay: relay.clone(),
                dialler: Arc::clone(dialler),
                tls: Arc::clone(&tls.outer),
            };
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                shutdown.run_until_cancelled(collector.run(seed)).await;
            })
        })
        .collect()
}

struct Collector {
    keeper: Arc<Keeper>,
    dialogs: Arc<SealedCases>,
    relay: RelayAddress,
    dialler: Arc<dyn Dial>,
    tls: Arc<rustls::ClientConfig>,
}

impl Collector {
    async fn run(&self, seed: u64) {
        let mut jitter = SmallRng::seed_from_u64(seed);
        let mut backoff = BACKOFF_MIN;
        loop {
            let mut came = false;
            let ended = self.collect(&mut came).await;
            if came {
                backoff = BACKOFF_MIN;
            }
            let pause = match ended {
                Err(CollectError::Connect(MailboxError::Refused(Refusal::NoMailbox))) => {
                    WITHOUT_MAILBOX
                }
                Err(error) => {
                    tracing::debug!(
                        relay = %self.relay.address,
                        error = &error as &dyn std::error::Error,
                        "mailbox not collected"
                    );
                    backoff
                }
                Ok(()) => backoff,
            };
            sleep(pause.mul_f64(jitter.random_range(0.5..=1.0))).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn collect(&self, came: &mut bool) -> Result<(), CollectError> {
        let io =
            connect_to_mailbox(&*self.dialler, &self.relay, &self.tls, CONNECT_TIMEOUT).await?;
        let mut mailbox = MailboxServiceClient::new(channel_over(io).await?)
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let (taken, requests) = mpsc::channel(TAKEN_UNDER_WAY_MAX);
        let mut items = mailbox
            .collect(ReceiverStream::new(requests))
            .await?
            .into_inner();
        let mut telling = Telling::new();
        loop {
            let response = tokio::select! {
                response = items.message() => response?,
                Some(forget) = telling.due() => {
                    if taken.send(forget).await.is_err() {
                        return Ok(());
                    }
                    continue;
                }
            };
            let Some(response) = response else {
                return Ok(());
            };
            *came = true;
            let at = Came::now();
            let (dialogs, settings): (Vec<_>, Vec<_>) = response
                .items
                .into_iter()
                .map(|item| (item.name.to_vec(), item.sealed.to_vec()))
                .partition(|(_, sealed)| ItemKind::of(sealed) == Some(ItemKind::Dialog));
            let mut forget = self.keeper.take(settings).await?;
            forget.extend(self.dialogs.take(dialogs).await?);
            if !forget.is_empty() {
                let taken = forget.into_iter().map(Bytes::from).collect();
                telling.later(at, CollectRequest { taken });
            }
        }
    }
}

/// A channel over this one connection. When it ends, the channel ends.
async fn channel_over(io: BoxedIo) -> Result<Channel, tonic::transport::Error> {
    let mut io = Some(io);
    Endpoint::from_static("http://mailbox.innsyn.internal")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .connect_with_connector(service_fn(move |_| {
            let io = io.take();
            async move {
                io.map(TokioIo::new)
                    .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected))
            }
        }))
        .await
}
