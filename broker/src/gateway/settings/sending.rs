//! Brings what is in the outbox to a relay's mailbox.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use innsyn_proto::tunnel::{Dial, MailboxError, RelayAddress, connect_to_mailbox};
use innsyn_proto::wire::relay::v1::DepositRequest;
use innsyn_proto::wire::relay::v1::mailbox_service_client::MailboxServiceClient;
use rustls::ClientConfig;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::{GatewaySettings, OutboxError};
use crate::gateway::link::channel_over;

/// How long one relay may take to be reached, the handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a relay may take to make one deposit durable.
const DEPOSIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Numbers that are read from the outbox at a time.
const BATCH: i64 = 32;
/// Numbers of which one agent's items are sent again at a time.
const AGAIN: i64 = 256;
/// The first pause after a failure; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often what is sent again, and what may be forgotten, is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The largest deposit, in bytes.
const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// How a gateway reaches relays' mailboxes.
#[derive(Debug)]
pub struct Sending {
    /// The relays, in the order in which they are tried.
    pub relays: Vec<RelayAddress>,
    /// Reaches them.
    pub dialler: Arc<dyn Dial>,
    /// Proves who we are to them.
    pub tls: Arc<ClientConfig>,
}

/// Why nothing was deposited.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("no relay is configured")]
    NoRelay,
    #[error("no mailbox can be reached")]
    Connect(#[from] MailboxError),
    #[error("no HTTP/2 with the mailbox")]
    Http(#[from] tonic::transport::Error),
    #[error("the mailbox says: {}", .0.message())]
    Mailbox(#[from] tonic::Status),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl Sending {
    /// Sends what is in the outbox of `settings`, and what comes into it, until `shutdown`.
    pub async fn run(self, settings: Arc<GatewaySettings>, shutdown: CancellationToken) {
        let sending = async {
            let mut latest = settings.latest.subscribe();
            let mut mailbox = None;
            let mut pause = PAUSE_MIN;
            let mut looked = Instant::now();
            loop {
                latest.mark_unchanged();
                let sent = self.send(&settings, &mut mailbox).await;
                let sent = match sent {
                    Ok(()) if looked.elapsed() >= LOOK_EVERY => {
                        looked = Instant::now();
                        settings
                            .outbox
                            .forget(settings.clock.now())
                            .await
                            .map_err(SendError::from)
                    }
                    sent => sent,
                };
                match sent {
                    Ok(()) => {
                        pause = PAUSE_MIN;
                        tokio::select! {
                            // The sender lives as long as the settings.
                            _ = latest.changed() => {}
                            () = sleep(LOOK_EVERY) => {}
                        }
                    }
                    Err(error) => {
                        mailbox = None;
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "settings not sent; they wait"
                        );
                        drop(error);
                        sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                    }
                }
            }
        };
        shutdown.run_until_cancelled(sending).await;
    }

    async fn send(
        &self,
        settings: &GatewaySettings,
        mailbox: &mut Option<MailboxServiceClient<Channel>>,
    ) -> Result<(), SendError> {
        loop {
            let batches = settings.outbox.undeposited(BATCH).await?;
            if batches.is_empty() {
                self.send_dialogs(settings, mailbox).await?;
                return self.send_again(settings, mailbox).await;
            }
            for batch in batches {
                self.deposit(mailbox, batch.items).await?;
                let now = settings.clock.now();
                settings.outbox.deposited(&[batch.number], now).await?;
            }
        }
    }

    /// Sends the next of its items again to each agent that stands still, and nothing to others.
    async fn send_again(
        &self,
        settings: &GatewaySettings,
        mailbox: &mut Option<MailboxServiceClient<Channel>>,
    ) -> Result<(), SendError> {
        let next = || {
            let again = settings.again.lock();
            again.unwrap_or_else(PoisonError::into_inner).pop_first()
        };
        while let Some((register, applied)) = next() {
            let items = settings
                .outbox
                .of_register(&register, applied, AGAIN)
                .await?;
            if items.items.is_empty() {
                tracing::error!(
                    node.id = %register,
                    applied,
                    "its next setting is not kept here: it was never met when it was said, or the \
                     setting is too old; its agent refuses secondary use until it is brought up \
                     (`innsyn-agent settings recipient` there)"
                );
            } else {
                self.deposit(mailbox, items).await?;
            }
        }
        Ok(())
    }

    /// Sends the messages of dialogs that are due.
    async fn send_dialogs(
        &self,
        settings: &GatewaySettings,
        mailbox: &mut Option<MailboxServiceClient<Channel>>,
    ) -> Result<(), SendError> {
        let outbox = &settings.outbox;
        while let Some((dialog, items)) = outbox.undeposited_dialog(settings.clock.now()).await? {
            self.deposit(mailbox, items).await?;
            outbox
                .dialog_deposited(dialog, settings.clock.now())
                .await?;
        }
        Ok(())
    }

    async fn deposit(
        &self,
        mailbox: &mut Option<MailboxServiceClient<Channel>>,
        items: DepositRequest,
    ) -> Result<(), SendError> {
        let mailbox = match mailbox {
            Some(mailbox) => mailbox,
            None => mailbox.insert(self.connect().await?),
        };
        let mut request = tonic::Request::new(items);
        request.set_timeout(DEPOSIT_TIMEOUT);
        mailbox.deposit(request).await?;
        Ok(())
    }

    /// The first relay's mailbox that can be reached.
    async fn connect(&self) -> Result<MailboxServiceClient<Channel>, SendError> {
        let mut last = SendError::NoRelay;
        for relay in &self.relays {
            match connect_to_mailbox(&*self.dialler, relay, &self.tls, CONNECT_TIMEOUT).await {
                Ok(io) => {
                    let channel = channel_over(io).await?;
                    return Ok(MailboxServiceClient::new(channel)
                        .max_encoding_message_size(MESSAGE_BYTES_MAX));
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }
}
