//! Something for one register, and as many bytes of nothing for all others.
//!
//! [`CasesFace::deliver`] is the one place from which a message for a register leaves. A register
//! that is absent gets nothing here: what waits for an absent agent, sealed to it, would be put
//! down in [`CasesFace::deliver`] where it says so.

use futures::StreamExt as _;
use futures::future::BoxFuture;
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
}

impl CasesFace {
    /// Calls every register, with content the one at `register`; what that one answers.
    ///
    /// The others are called to the end even if this one has answered or the caller has gone.
    pub(super) async fn deliver<C: Call>(
        &self,
        register: usize,
        mut call: C,
    ) -> Result<C::Answer, Refusal> {
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
        match answered.await {
            Ok(Called::Answered(answer)) => Ok(answer),
            Ok(Called::Refused(status)) => {
                tracing::warn!(code = ?status.code(), "a register does not take part in dialogs");
                Err(CaseRefusal::NotServed.into())
            }
            // A sealed mailbox for agents that are absent belongs here.
            Ok(Called::Silent(_)) | Err(_) => Err(CaseRefusal::NotDelivered.into()),
        }
    }
}
