//! What becomes of a message that came.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use innsyn_policy::Timestamp;
use zeroize::Zeroizing;

use super::super::addresses::{AddressesUnavailable, Party};
use super::super::msghead::{self, Body, Content, Unfit};
use super::super::store::{Earlier, Letter, Purpose, Retry, StoreError, Taken};
use super::super::{
    AppRec, AppRecError, AppRecStatus, AppRecVersion, Certificate, Condition, Fault, Headers,
    HerId, NotReceived, QueueName, RawHeaders, RegisterMessage, open,
};
use super::{Desk, SYNC_TIMEOUT};

/// How long until something is sent again that was only refused for the time being.
const BOUNCED_WAIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Which of our queues something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Messages and receipts.
    Async,
    /// Requests that wait for a reply.
    Sync,
    /// Errors about what we sent.
    Error,
    /// Replies to our requests.
    SyncReply,
}

/// A message as the transport got it.
#[derive(Clone)]
pub struct Incoming {
    /// Where it came from.
    pub queue: Queue,
    /// What is on its outside.
    pub headers: RawHeaders,
    /// Its one section of bytes; `None` if it has no such body.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("queue", &self.queue)
            .field("bytes", &self.body.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// How the transport settles a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It was taken, or its sender will be told why not; durably.
    Accept,
    /// Nobody can be told of it: the broker puts it aside.
    Reject,
    /// It could not be handled: the broker gives it again, so many times.
    Release,
    /// We cannot handle any now: it is kept and tried again here.
    Hold,
}

/// Why a message is not settled as its content deserves.
enum Stopped {
    /// Its sender is told.
    Fault(Fault),
    /// Nobody can be.
    Nobody(&'static str),
    /// The message cannot be handled now, and others may.
    Later(anyhow::Error),
    /// Nothing can be handled now.
    Ours(anyhow::Error),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<AddressesUnavailable> for Stopped {
    fn from(error: AddressesUnavailable) -> Self {
        Self::Ours(error.into())
    }
}

/// A message that was opened and read.
struct Opened {
    headers: Headers,
    content: Content,
    digest: [u8; 32],
}

impl Desk {
    /// Handles a message, durably, and says how it is to be settled.
    pub async fn receive(&self, incoming: Incoming) -> Settlement {
        match incoming.queue {
            Queue::Error => return self.receive_error(&incoming.headers).await,
            Queue::SyncReply => {
                if !self.calls.tell(incoming) {
                    tracing::warn!("reply that nobody waits for any more dropped");
                }
                return Settlement::Accept;
            }
            Queue::Async | Queue::Sync => {}
        }
        let handled = match self.handle(&incoming).await {
            Err(Stopped::Fault(fault)) => self.tell_sender(&incoming, fault).await,
            handled => handled,
        };
        match handled {
            Ok(()) => Settlement::Accept,
            Err(Stopped::Nobody(why)) => {
                tracing::warn!(why, "message put aside: its sender cannot be told");
                Settlement::Reject
            }
            Err(Stopped::Fault(fault)) => {
                tracing::warn!(%fault, "message put aside: its sender cannot be told");
                Settlement::Reject
            }
            Err(Stopped::Later(error)) => {
                tracing::warn!(error = format!("{error:#}"), "message left to the broker");
                Settlement::Release
            }
            Err(Stopped::Ours(error)) => {
                tracing::error!(error = format!("{error:#}"), "no message can be taken now");
                Settlement::Hold
            }
        }
    }

    async fn handle(&self, incoming: &Incoming) -> Result<(), Stopped> {
        let opened = self.open(incoming).await?;
        let reply = self.reply_of(incoming, &opened.headers)?;
        match opened.content.body.clone() {
            Body::Unsupported => Err(Fault::new(
                Condition::UnsupportedMessage,
                "this message is none that registers take",
            )
            .into()),
            Body::AppRec(receipt) => self.receive_receipt(&receipt).await,
            Body::Unfit(unfit) => self.refuse(&opened, &unfit, None, reply).await,
            Body::Register(message) => self.take(&opened, *message, reply).await,
        }
    }

    /// Opens the envelope, and looks that inside and outside agree.
    async fn open(&self, incoming: &Incoming) -> Result<Opened, Stopped> {
        let headers = incoming.headers.check()?;
        if headers.to != self.identity.her_id {
            return Err(Fault::field("the header toHerId names another party").into());
        }
        let party = self.sender(headers.from).await?;
        let now = self.clock.now();
        let body = incoming.body.clone().filter(|body| !body.is_empty());
        let body = body.ok_or(Fault::field("the body is not one section of bytes"))?;
        let signers: Vec<Certificate> = party.signers_at(now)?.into_iter().cloned().collect();
        let keys = self.identity.decryption.clone();
        let mut random = self.store.random().await;
        // RSA and parsing: no work for the runtime's own threads.
        let opened = tokio::task::spawn_blocking(move || {
            let signers: Vec<&Certificate> = signers.iter().collect();
            open(&body, &keys, &signers, &mut random)
        });
        let opened = opened.await.map_err(|error| Stopped::Ours(error.into()))?;
        let text = opened.map_err(|_| {
            Fault::new(
                Condition::InvalidCertificate,
                "the envelope cannot be opened, or is not signed by its sender",
            )
        })?;
        let content = msghead::read(&text, self.numbers())?;
        if content.from != headers.from || content.to != headers.to {
            return Err(Fault::new(
                Condition::SpoofingAttack,
                "the headers name other parties than the content",
            )
            .into());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&SHA256, &text).as_ref());
        Ok(Opened {
            headers,
            content,
            digest,
        })
    }

    async fn sender(&self, her: HerId) -> Result<Arc<Party>, Stopped> {
        match self.addresses.party(her).await? {
            Some(party) if party.active => Ok(party),
            Some(_) => Err(Stopped::Nobody("the sender is not active")),
            None => Err(Stopped::Nobody("the sender is not in the address register")),
        }
    }

    /// Where and until when a reply is expected, if one is.
    fn reply_of(&self, incoming: &Incoming, headers: &Headers) -> Result<Option<Reply>, Fault> {
        if incoming.queue != Queue::Sync {
            return Ok(None);
        }
        let (Some(queue), Some(request)) = (&headers.reply_to, &headers.message_id) else {
            return Err(Fault::field(
                "a request needs the headers reply-to and message-id",
            ));
        };
        Ok(Some(Reply {
            queue: queue.clone(),
            request: request.clone(),
            until: self.clock.now().plus(SYNC_TIMEOUT),
        }))
    }

    /// Gives a message to the inbox, unless it had it before.
    async fn take(
        &self,
        opened: &Opened,
        message: RegisterMessage,
        reply: Option<Reply>,
    ) -> Result<(), Stopped> {
        let unfit = |why| Unfit {
            id: message.id.clone(),
            kind: message.kind,
            made_at: message.made_at,
            wants_receipt: message.wants_receipt,
            why,
        };
        match self
            .store
            .earlier(message.from, &message.id, &opened.digest)
            .await?
        {
            Earlier::Another => {
                return Err(Fault::field("another message had this MsgId before").into());
            }
            Earlier::Same if reply.is_none() => {
                tracing::info!(message.id = %message.id, "message came again");
                return Ok(());
            }
            Earlier::Same | Earlier::New => {}
        }
        if let Some(register) = &message.register
            && !self.identity.register_ids.contains(register)
        {
            let why = AppRecError::other("meldingen gjelder et annet register");
            return self
                .refuse(opened, &unfit(why), Some(&message), reply)
                .await;
        }
        let received = match self.inbox.receive(&message).await {
            Ok(received) => received,
            Err(NotReceived::Refused(why)) => {
                let why = AppRecError::other(&why);
                return self
                    .refuse(opened, &unfit(why), Some(&message), reply)
                    .await;
            }
            Err(NotReceived::Later(error)) => return Err(Stopped::Later(error)),
            Err(NotReceived::Ours(error)) => return Err(Stopped::Ours(error)),
        };
        let taken = Taken {
            from: message.from,
            id: &message.id,
            digest: opened.digest,
            kind: message.kind,
            person: Some(&message.person),
            first: message.conversation.first.as_ref(),
            receipt: Some(&received.receipt),
        };
        self.owe(
            &taken,
            &unfit(AppRecError::other("")),
            AppRecStatus::Ok,
            reply,
        )
        .await?;
        tracing::info!(message.id = %message.id, message.process = message.kind.process(), "message taken");
        Ok(())
    }

    /// Refuses a message for what it says, with a receipt.
    async fn refuse(
        &self,
        opened: &Opened,
        unfit: &Unfit,
        message: Option<&RegisterMessage>,
        reply: Option<Reply>,
    ) -> Result<(), Stopped> {
        let from = opened.content.from;
        match self.store.earlier(from, &unfit.id, &opened.digest).await? {
            Earlier::Another => {
                return Err(Fault::field("another message had this MsgId before").into());
            }
            Earlier::Same if reply.is_none() => return Ok(()),
            Earlier::Same | Earlier::New => {}
        }
        let taken = Taken {
            from,
            id: &unfit.id,
            digest: opened.digest,
            kind: unfit.kind,
            person: message.map(|message| &message.person),
            first: None,
            receipt: None,
        };
        let status = AppRecStatus::Rejected(vec![unfit.why.clone()]);
        self.owe(&taken, unfit, status, reply).await?;
        tracing::info!(message.id = %unfit.id, message.process = unfit.kind.process(), "message refused");
        Ok(())
    }

    /// Keeps that a message was dealt with, together with the receipt that is owed for it.
    async fn owe(
        &self,
        taken: &Taken<'_>,
        about: &Unfit,
        status: AppRecStatus,
        reply: Option<Reply>,
    ) -> Result<(), Stopped> {
        let now = self.clock.now();
        if !about.wants_receipt && reply.is_none() {
            return Ok(self.store.take(taken, None, now).await?);
        }
        let (id, transport_id) = (self.store.new_id().await, self.store.new_id().await);
        let receipt = AppRec {
            version: AppRecVersion::V1_1,
            id: id.clone(),
            made_at: now,
            from: self.identity.her_id,
            to: taken.from,
            status,
            original_process: about.kind.process().to_owned(),
            original_made_at: Some(about.made_at),
            original: about.id.clone(),
        };
        let text = receipt
            .write()
            .map_err(|error| Stopped::Ours(error.into()))?;
        let message = taken.id.key();
        let letter = Letter {
            cause: match &reply {
                None => format!("receipt {} {message}", taken.from),
                Some(reply) => format!("reply {} {}", taken.from, reply.request),
            },
            transport_id: &transport_id,
            business_id: Some(&id),
            purpose: match &reply {
                None => Purpose::Receipt,
                Some(_) => Purpose::Reply,
            },
            to: taken.from,
            reply_to: reply.as_ref().map(|reply| &reply.queue),
            correlation: reply.as_ref().map(|reply| reply.request.as_str()),
            function: "APPREC",
            content: Zeroizing::new(text),
            expires_at: reply.as_ref().map(|reply| reply.until),
            receipt_due_at: None,
        };
        Ok(self.store.take(taken, Some(letter), now).await?)
    }

    /// A receipt for something that we sent.
    async fn receive_receipt(&self, receipt: &AppRec) -> Result<(), Stopped> {
        let rejected = matches!(receipt.status, AppRecStatus::Rejected(_));
        let (from, original) = (receipt.from, &receipt.original);
        if !self.store.acknowledge(from, original, rejected).await? {
            tracing::info!(message.id = %original, "receipt for what waits for none");
        } else if rejected {
            tracing::warn!(message.id = %original, exchange.party = %from, "answer rejected by its recipient");
        }
        Ok(())
    }

    /// Puts an error into the outbox, for the queue of whoever says to have sent the message.
    async fn tell_sender(&self, incoming: &Incoming, fault: Fault) -> Result<(), Stopped> {
        let from = incoming.headers.sender();
        let from = from.ok_or(Stopped::Nobody("the sender is not named"))?;
        self.sender(from).await?;
        let now = self.clock.now();
        let original = incoming.headers.message_id.clone().unwrap_or_default();
        let original: String = original.chars().take(512).collect();
        let cause = match original.as_str() {
            "" => {
                let body = incoming.body.as_deref().unwrap_or_default();
                hex::encode(digest::digest(&SHA256, body))
            }
            original => original.to_owned(),
        };
        let content = ErrorReport::new(fault, original, now);
        let letter = Letter {
            cause: format!("error {from} {cause}"),
            transport_id: &self.store.new_id().await,
            business_id: None,
            purpose: Purpose::Error,
            to: from,
            reply_to: None,
            correlation: None,
            function: "AMQP_SOAP_FAULT",
            content: content.write(),
            expires_at: None,
            receipt_due_at: None,
        };
        self.store.post_alone(letter, now).await?;
        tracing::warn!(exchange.party = %from, %fault, "message not taken, its sender is told");
        Ok(())
    }

    /// An error about something that we sent. Whatever it is, no error is sent for it.
    async fn receive_error(&self, headers: &RawHeaders) -> Settlement {
        let property = |name| headers.application.get(name).map(|value| value.trim());
        let original = property("originalMessageId").unwrap_or_default();
        let condition = property("errorCondition").and_then(Condition::parse);
        let name = condition.map_or("unknown", Condition::name);
        let retry = match condition {
            Some(condition) if condition.is_temporary() => Retry::After(BOUNCED_WAIT),
            _ => Retry::Never,
        };
        match self.store.bounced(original, retry, self.clock.now()).await {
            Ok(true) => {
                tracing::warn!(condition = name, "what was sent came back as an error");
                Settlement::Accept
            }
            Ok(false) => {
                tracing::warn!(
                    condition = name,
                    "error about something that was not sent here"
                );
                Settlement::Accept
            }
            Err(error) => {
                tracing::error!(%error, "an error cannot be kept now");
                Settlement::Hold
            }
        }
    }
}

/// Where and until when a reply is expected.
struct Reply {
    queue: QueueName,
    request: String,
    until: Timestamp,
}

/// What is sent to a sender's error queue: headers alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ErrorReport {
    pub(super) original: String,
    pub(super) received_at: String,
    pub(super) condition: String,
    pub(super) description: String,
}

impl ErrorReport {
    fn new(fault: Fault, original: String, now: Timestamp) -> Self {
        Self {
            original,
            received_at: super::super::apprec::written(now),
            condition: fault.condition.name().to_owned(),
            description: fault.description.to_owned(),
        }
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}
