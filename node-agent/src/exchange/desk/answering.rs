//! What the register answers a citizen, and what it asks another party itself.

use innsyn_policy::Timestamp;
use zeroize::Zeroizing;

use super::super::calls::TooManyCalls;
use super::super::msghead::{self, Outgoing};
use super::super::store::{Letter, Purpose, StoreError};
use super::super::{
    Answer, Certificate, Condition, Conversation, HerId, OpenError, QueueName,
    SIGNED_AND_ENVELOPED, open, seal,
};
use super::sending::{Post, PostError, Wire};
use super::{Desk, RECEIPT_DUE, SYNC_TIMEOUT, application_headers};

/// Why an answer is not on its way.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It could not be kept, or what it answers is not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be written.
    #[error("the answer cannot be written as XML")]
    Write(#[from] std::io::Error),
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Too many wait already.
    #[error(transparent)]
    TooMany(#[from] TooManyCalls),
    /// The party takes no requests, or nothing can be encrypted to it now.
    #[error("party {0} takes no requests")]
    Unreachable(HerId),
    /// The address register cannot be asked.
    #[error(transparent)]
    Addresses(#[from] super::super::AddressesUnavailable),
    /// The request could not be made or sent.
    #[error("the request cannot be sent")]
    Send(#[source] anyhow::Error),
    /// No reply came in time; one that comes later is dropped.
    #[error("no reply within 15 seconds")]
    Timeout,
    /// The reply is not from whom it should be.
    #[error(transparent)]
    Reply(#[from] OpenError),
    /// The party replied with an error.
    #[error("the party replied {0}")]
    Refused(Condition),
}

impl Desk {
    /// Puts an answer into the outbox: durable when this returns, and sent once, however often it
    /// is given under the same id. That it is sent is logged by whoever answers.
    pub async fn answer(&self, answer: &Answer) -> Result<(), AnswerError> {
        let now = self.clock.now();
        let answered = self.store.answered(answer.to, &answer.in_reply_to).await?;
        let conversation = Conversation {
            first: answered.first.or_else(|| Some(answered.written.clone())),
            parent: Some(answered.written),
        };
        let text = msghead::write(&Outgoing {
            id: &answer.id,
            kind: answered.kind,
            made_at: now,
            from: self.identity.her_id,
            to: answer.to,
            person: &answered.person,
            conversation: &conversation,
            text: &answer.text,
            attachments: &answer.attachments,
        })?;
        let transport_id = self.store.new_id().await;
        let letter = Letter {
            cause: format!("answer {}", answer.id.key()),
            transport_id: &transport_id,
            business_id: Some(&answer.id),
            purpose: Purpose::Answer,
            to: answer.to,
            reply_to: None,
            correlation: None,
            function: answered.kind.process(),
            content: Zeroizing::new(text),
            expires_at: None,
            receipt_due_at: Some(now.plus(RECEIPT_DUE)),
        };
        Ok(self.store.post_alone(letter, now).await?)
    }

    /// Sends a request to the sync queue of `to`, and waits 15 seconds for the reply on `reply_to`.
    pub async fn call(
        &self,
        post: &impl Post,
        to: HerId,
        reply_to: &QueueName,
        function: &str,
        content: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let now = self.clock.now();
        let party = self.addresses.party(to).await?.filter(|party| party.active);
        let party = party.ok_or(CallError::Unreachable(to))?;
        let (Some(queue), Some(recipient)) = (&party.sync_queue, party.recipient_at(now)) else {
            return Err(CallError::Unreachable(to));
        };
        let mut random = self.store.random().await;
        let body = seal(content, &self.identity.signing, recipient, now, &mut random)
            .map_err(|error| CallError::Send(error.into()))?;
        let id = self.store.new_id().await;
        let mut headers = application_headers(self.identity.her_id, to, now);
        headers.message_id = Some(id.to_string());
        headers.to = Some(queue.to_string());
        headers.subject = Some(function.to_owned());
        headers.reply_to = Some(reply_to.to_string());
        headers.content_type = Some(SIGNED_AND_ENVELOPED.to_owned());
        let mut waiting = self.calls.expect(id.as_str())?;
        let wire = Wire {
            queue: queue.clone(),
            headers,
            body,
            ttl: Some(SYNC_TIMEOUT),
        };
        let asked = async {
            let sent: Result<(), PostError> = post.send(wire).await;
            sent.map_err(|error| CallError::Send(error.into()))?;
            waiting.reply().await.ok_or(CallError::Timeout)
        };
        let reply = tokio::time::timeout(SYNC_TIMEOUT, asked)
            .await
            .map_err(|_| CallError::Timeout)??;
        if let Some(condition) = reply.headers.application.get("errorCondition") {
            let condition = Condition::parse(condition).unwrap_or(Condition::InternalError);
            return Err(CallError::Refused(condition));
        }
        let signers = party.signers_at(self.clock.now());
        let signers: Vec<&Certificate> = signers.map_err(|_| OpenError)?;
        let body = reply.body.unwrap_or_default();
        Ok(open(
            &body,
            &self.identity.decryption,
            &signers,
            &mut random,
        )?)
    }

    /// Says which answers should have had a receipt by now, each once, and forgets what is old.
    pub async fn look_after(&self) -> Result<(), StoreError> {
        let now: Timestamp = self.clock.now();
        for id in self.store.overdue(now).await? {
            tracing::warn!(message.id = id, "answer without a receipt for 180 minutes");
        }
        self.store.forget(now).await
    }
}
