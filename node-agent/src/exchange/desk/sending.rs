//! Sending what is in the outbox.

use std::future::Future;
use std::time::Duration;

use innsyn_policy::Timestamp;

use super::super::addresses::Party;
use super::super::store::{Due, Purpose, Retry, StoreError};
use super::super::{QueueName, RawHeaders, SIGNED_AND_ENVELOPED, seal};
use super::receiving::ErrorReport;
use super::{Desk, SYNC_TIMEOUT, application_headers};

/// How long a message may lie in a queue.
const ASYNC_TTL: Duration = Duration::from_hours(4 * 24);
/// The first wait before something is tried again; it doubles.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest wait.
const RETRY_MAX: Duration = Duration::from_mins(10);
/// How often something is tried: for about four days.
const TRIES_MAX: u32 = 600;

/// A message as the transport sends it.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Where it goes.
    pub queue: QueueName,
    /// What is on its outside.
    pub headers: RawHeaders,
    /// Its one section of bytes, which may be empty.
    pub body: Vec<u8>,
    /// How long it may lie there.
    pub ttl: Option<Duration>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no broker now: nothing can be sent.
    #[error("the broker cannot be reached")]
    Broker(#[source] anyhow::Error),
    /// The broker does not take this message.
    #[error("the broker does not take the message: {0}")]
    Refused(String),
}

/// Hands a message to the broker; done when the broker has said that it has it.
pub trait Post: Sync {
    /// Sends `wire`.
    fn send(&self, wire: Wire) -> impl Future<Output = Result<(), PostError>> + Send;
}

impl Desk {
    /// Sends what is due, until nothing is; `Err` where nothing can be sent now.
    pub async fn send_due(&self, post: &impl Post) -> anyhow::Result<()> {
        loop {
            let due = self.store.due(self.clock.now()).await?;
            if due.is_empty() {
                return Ok(());
            }
            for due in due {
                self.send_one(post, &due).await?;
            }
        }
    }

    async fn send_one(&self, post: &impl Post, due: &Due) -> anyhow::Result<()> {
        let now = self.clock.now();
        if due.expires_at.is_some_and(|until| until <= now) {
            tracing::warn!(purpose = due.purpose.name(), "too late to be sent, dropped");
            self.store.not_sent(due, Retry::Never, now).await?;
            return Ok(());
        }
        let wire = match self.wire(due, now).await {
            Ok(wire) => wire,
            Err(why) => {
                tracing::warn!(purpose = due.purpose.name(), why, "not sent yet");
                return Ok(self.again(due, now).await?);
            }
        };
        match post.send(wire).await {
            Ok(()) => {
                self.store.sent(due).await?;
                tracing::info!(
                    purpose = due.purpose.name(),
                    message.id = due.transport_id,
                    "sent"
                );
                Ok(())
            }
            Err(PostError::Refused(why)) => {
                tracing::warn!(purpose = due.purpose.name(), why, "not taken by the broker");
                Ok(self.again(due, now).await?)
            }
            Err(PostError::Broker(error)) => Err(error),
        }
    }

    async fn again(&self, due: &Due, now: Timestamp) -> Result<(), StoreError> {
        let retry = match due.tries {
            tries if tries >= TRIES_MAX => Retry::Never,
            tries => Retry::After((RETRY_MIN * 2_u32.pow(tries.min(16))).min(RETRY_MAX)),
        };
        self.store.not_sent(due, retry, now).await
    }

    /// What goes out, made now: certificates may have been changed since it was written.
    async fn wire(&self, due: &Due, now: Timestamp) -> Result<Wire, &'static str> {
        let party = self.addresses.party(due.to).await;
        let party = party.map_err(|_| "the address register cannot be asked")?;
        let party = party.ok_or("the recipient is not in the address register")?;
        if !party.active {
            return Err("the recipient is not active");
        }
        let mut headers = application_headers(self.identity.her_id, due.to, now);
        headers.message_id = Some(due.transport_id.clone());
        headers.subject = Some(due.function.clone());
        headers.correlation_id.clone_from(&due.correlation);
        let queue = match due.purpose {
            Purpose::Error => &party.error_queue,
            Purpose::Receipt | Purpose::Answer => &party.async_queue,
            Purpose::Reply => due.reply_to.as_ref().unwrap_or(&party.async_queue),
        };
        headers.to = Some(queue.to_string());
        let body = if due.purpose == Purpose::Error {
            let report = ErrorReport::read(&due.content).ok_or("the error cannot be read")?;
            headers.content_type = Some("text/plain".to_owned());
            for (name, value) in [
                ("originalMessageId", report.original),
                ("receiverTimeStamp", report.received_at),
                ("errorCondition", report.condition),
                ("errorDescription", report.description),
                ("errorConditionData", String::new()),
            ] {
                headers.application.insert(name.to_owned(), value);
            }
            Vec::new()
        } else {
            headers.content_type = Some(SIGNED_AND_ENVELOPED.to_owned());
            headers.reply_to = Some(format!("{}_async", self.identity.her_id));
            self.seal(due, &party, now).await?
        };
        Ok(Wire {
            queue: queue.clone(),
            headers,
            body,
            ttl: Some(match due.purpose {
                Purpose::Reply => SYNC_TIMEOUT,
                _ => ASYNC_TTL,
            }),
        })
    }

    async fn seal(
        &self,
        due: &Due,
        party: &Party,
        now: Timestamp,
    ) -> Result<Vec<u8>, &'static str> {
        let recipient = party.recipient_at(now).cloned();
        let recipient = recipient.ok_or("no certificate of the recipient's is valid now")?;
        let (content, signing) = (due.content.clone(), self.identity.signing.clone());
        let mut random = self.store.random().await;
        let sealed = tokio::task::spawn_blocking(move || {
            seal(&content, &signing, &recipient, now, &mut random)
        });
        match sealed.await {
            Ok(Ok(sealed)) => Ok(sealed),
            _ => Err("the content cannot be signed and encrypted"),
        }
    }
}
