//! Something for one register, and as many bytes of nothing for all others.
//!
//! [`CasesFace::call_one`] is the one place from which a call for a register leaves. What is said to
//! a register ([`CasesFace::deliver_said`]) waits for it, sealed, where it is absent; and whether it
//! is or not, an item goes to every register's mailbox afterwards.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use innsyn_policy::{NoAnswerReason, Outcome, Timestamp};
use innsyn_proto::dialog::DialogCall;
use innsyn_proto::padding::Padded;
use innsyn_proto::wire::node::v1 as node;
use node::cases_service_client::CasesServiceClient;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::Channel;

use super::{CaseRefusal, CasesFace, DELIVERY_TIMEOUT};
use crate::gateway::everyone::Called;
use crate::gateway::refusal::Refusal;
use crate::gateway::settings::{WaitError, WaitingMessage};

/// The sizes of calls, in bytes: without files, with small ones, with large ones.
const CALL_SIZES: [usize; 3] = [8 * 1024, 64 * 1024, 384 * 1024];
/// The sizes of answers, in bytes.
pub(super) const REPLY_SIZES: [u32; 3] = [8 * 1024, 64 * 1024, 512 * 1024];
/// The size of a receipt with its summary, in bytes.
pub(super) const SAID_REPLY_BYTES: u32 = 2 * 1024;

/// A call to an agent that has content for one of them.
pub(super) trait Call: Padded + Clone + Send + Sync + 'static {
    type Answer: Send + 'static;
    /// The same call without content.
    fn silent(&self) -> Self;
    fn send(
        self,
        agent: CasesServiceClient<Channel>,
    ) -> BoxFuture<'static, Result<Self::Answer, Status>>;
}

macro_rules! calls {
    ($($request:ident, $answer:ident, $method:ident);+ $(;)?) => {$(
        impl Call for node::$request {
            type Answer = node::$answer;

            fn silent(&self) -> Self {
                Self { reply_bytes: self.reply_bytes, ..Self::default() }
            }

            fn send(
                self,
                mut agent: CasesServiceClient<Channel>,
            ) -> BoxFuture<'static, Result<Self::Answer, Status>> {
                Box::pin(async move { Ok(agent.$method(self).await?.into_inner()) })
            }
        }
    )+};
}

calls! {
    OpenCaseRequest, OpenCaseResponse, open_case;
    AddMessageRequest, AddMessageResponse, add_message;
    AppealCaseRequest, AppealCaseResponse, appeal_case;
    GetCaseRequest, GetCaseResponse, get_case;
    FindMessageRequest, FindMessageResponse, find_message;
}

/// A call that says something to a register, which can wait for it.
pub(super) trait SaidCall: Call {
    fn waiting(self) -> DialogCall;
}

impl SaidCall for node::OpenCaseRequest {
    fn waiting(self) -> DialogCall {
        DialogCall::Open(self)
    }
}

impl SaidCall for node::AddMessageRequest {
    fn waiting(self) -> DialogCall {
        DialogCall::Message(self)
    }
}

impl SaidCall for node::AppealCaseRequest {
    fn waiting(self) -> DialogCall {
        DialogCall::Appeal(self)
    }
}

/// Where something that was said is.
pub(super) enum Said<A> {
    /// At the register, which has answered.
    Answered(A),
    /// It waits for the register, durably.
    Waits,
}

impl CasesFace {
    /// Says something to the register at `register`, or has it wait for it. `message` is its name.
    ///
    /// Goes on to its end if the caller has gone: who asks again, under the same name, is told.
    pub(super) async fn deliver_said<C: SaidCall>(
        self: &Arc<Self>,
        register: usize,
        message: Vec<u8>,
        call: C,
    ) -> Result<Said<C::Answer>, Refusal> {
        let cases = Arc::clone(self);
        let delivering = tokio::spawn(async move {
            let at = cases.face.now();
            match cases.call_one(register, call.clone()).await? {
                Called::Answered(answer) => {
                    cases.silence(at).await;
                    Ok(Said::Answered(answer))
                }
                Called::Refused(status) => {
                    cases.silence(at).await;
                    Err(not_served(&status))
                }
                Called::Silent(_) => cases.wait(register, message, call.waiting(), at).await,
            }
        });
        let delivered = delivering.await;
        delivered.unwrap_or_else(|_| Err(CaseRefusal::NotDelivered.into()))
    }

    /// Has a message wait for its register, if it can.
    async fn wait<A>(
        &self,
        register: usize,
        message: Vec<u8>,
        call: DialogCall,
        at: Timestamp,
    ) -> Result<Said<A>, Refusal> {
        let entry = self.face.everyone().entries().get(register);
        let (Some(waits), Some(entry)) = (self.face.waits(), entry) else {
            return Err(CaseRefusal::NotDelivered.into());
        };
        let waiting = WaitingMessage {
            register: entry.register.id.clone(),
            message,
            call,
        };
        let refusal = match waits.keep_dialog(waiting, at).await {
            Ok(()) => return Ok(Said::Waits),
            Err(WaitError::TooLong) => CaseRefusal::FilesCannotWait,
            Err(WaitError::NameUsed) => CaseRefusal::MessageIdUsed,
            Err(error @ (WaitError::NotMet | WaitError::Seal | WaitError::Outbox(_))) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a message cannot wait for its register"
                );
                CaseRefusal::NotDelivered
            }
        };
        self.silence(at).await;
        Err(refusal.into())
    }

    /// Has an item that says nothing follow a call at `at`.
    async fn silence(&self, at: Timestamp) {
        if let Some(waits) = self.face.waits()
            && let Err(error) = waits.keep_silence(at).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no items follow a call: whoever watches the relay can see that"
            );
        }
    }

    /// Calls every register, with content the one at `register`; what that one answers.
    pub(super) async fn deliver<C: Call>(
        &self,
        register: usize,
        call: C,
    ) -> Result<C::Answer, Refusal> {
        match self.call_one(register, call).await? {
            Called::Answered(answer) => Ok(answer),
            Called::Refused(status) => Err(not_served(&status)),
            Called::Silent(_) => Err(CaseRefusal::NotDelivered.into()),
        }
    }

    /// Calls every register, with content the one at `register`; what became of that call.
    ///
    /// The others are called to the end even if this one has answered or the caller has gone.
    async fn call_one<C: Call>(
        &self,
        register: usize,
        mut call: C,
    ) -> Result<Called<C::Answer>, Refusal> {
        let place = self.face.place()?;
        let mut silent = call.silent();
        let bytes = call.fits(&CALL_SIZES).ok_or(CaseRefusal::Attachments)?;
        if !call.pad_to(bytes) || !silent.pad_to(bytes) {
            return Err(CaseRefusal::Attachments.into());
        }
        let calls = Arc::new((call, silent));
        let everyone = self.face.everyone();
        let mut called = everyone.call(
            Instant::now() + DELIVERY_TIMEOUT,
            move |position, channel| {
                let (call, silent) = &*calls;
                let call = if position == register { call } else { silent };
                call.clone().send(CasesServiceClient::new(channel))
            },
        );
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let mut answer = Some(answer);
            while let Some((position, called)) = called.next().await {
                if let Some(answer) = (position == register).then(|| answer.take()).flatten() {
                    // Who does not wait any more asks again, under the same id.
                    let _gone = answer.send(called);
                }
            }
            drop(place);
        });
        let down = Outcome::NoAnswer(NoAnswerReason::Down);
        Ok(answered.await.unwrap_or(Called::Silent(down)))
    }
}

fn not_served(status: &Status) -> Refusal {
    tracing::warn!(code = ?status.code(), "a register does not take part in dialogs");
    CaseRefusal::NotServed.into()
}
