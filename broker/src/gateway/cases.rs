//! A citizen's dialogs with registers: one is addressed, all are called.
//!
//! ```text
//!   api_http ─┐                              ┌─ the register that is meant: the message
//!             ├─ token ─ request ─ delivery ─┤
//!   api_grpc ─┘                              └─ every other: as many bytes, and nothing in them
//! ```
//!
//! What holds:
//!
//! - **Neither the relay nor traffic tells which register is meant.** Every register that can be
//!   asked gets a call of one size and gives an answer of one size ([`delivery`]).
//! - **The other registers learn nothing**: what they get names no person.
//! - **Nothing is kept that could be read here.** What is said to a register that is absent waits for
//!   it, sealed, with items that say nothing for all others
//!   ([`keep_dialog`](super::settings::GatewaySettings::keep_dialog)); what cannot wait is not
//!   delivered, and the caller is told so. Sent again with its message's id, it is delivered once.
//! - **The account of all cases names every register** exactly once ([`account`]).

mod account;
mod api_grpc;
mod api_http;
mod delivery;
mod json;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use innsyn_policy::{CASE_TEXT_BYTES_MAX, CaseText, QuestionId, Request};
use innsyn_proto::convert::question_to_wire;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::types::v1 as types;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::{Duration, Instant};

pub(super) use api_grpc::{GrpcCases, SERVICE};
pub(super) use api_http::{
    __path_appeal, __path_find, __path_get_case, __path_list, __path_message, __path_open, router,
};
pub use refusal::CaseRefusal;

use super::face::{Admitted, CitizenFace};
use super::refusal::Refusal;

/// How long a register has to say that it has a message, or to show a case.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest body of a request with files, in bytes; of a gRPC message too.
pub(super) const BODY_BYTES_MAX: usize = 512 * 1024;
const ATTACHMENTS_MAX: usize = 4;
const ATTACHMENTS_BYTES_MAX: usize = 256 * 1024;

/// The dialogs' part of a citizen gateway.
pub(super) struct CasesFace {
    face: Arc<CitizenFace>,
    random: Mutex<StdRng>,
}

/// A message from a citizen, as both faces read it.
pub(super) struct Said {
    national_id: String,
    register_id: String,
    message_id: Vec<u8>,
    text: String,
    attachments: Vec<types::CaseAttachment>,
}

/// What it is to.
enum To {
    New(types::CaseKind),
    Message(Vec<u8>),
    Appeal(Vec<u8>),
}

/// What the register says of it.
struct Taken {
    summary: types::CaseSummary,
    receipt: String,
}

/// Where a message is.
enum Delivered {
    /// At its register.
    Taken(Taken),
    /// It waits for its register.
    Waits,
}

impl CasesFace {
    /// The dialogs of `face`; `random` makes the calls' names.
    pub(super) fn new(face: Arc<CitizenFace>, random: StdRng) -> Arc<Self> {
        let random = Mutex::new(random);
        Arc::new(Self { face, random })
    }

    async fn admit(&self, headers: &HeaderMap, arrived: Instant) -> Result<Admitted, Refusal> {
        self.face.admit(headers, arrived).await
    }

    /// Has one register take a message, or has it wait for that register.
    async fn say(
        self: &Arc<Self>,
        admitted: &Admitted,
        said: Said,
        to: To,
    ) -> Result<Delivered, Refusal> {
        let said = self.try_say(admitted, said, to).await;
        said.map_err(|refusal| self.face.refused(refusal))
    }

    async fn try_say(
        self: &Arc<Self>,
        admitted: &Admitted,
        said: Said,
        to: To,
    ) -> Result<Delivered, Refusal> {
        let request = self.face.request_of(admitted, &said.national_id)?;
        let register = self.register(&said.register_id)?;
        let who = Some(self.question(&request, DELIVERY_TIMEOUT));
        let message = said.message_id.clone();
        let words = Some(words(said.message_id, &said.text, said.attachments)?);
        let reply_bytes = delivery::SAID_REPLY_BYTES;
        match to {
            To::New(kind) => {
                if kind == types::CaseKind::Unspecified {
                    return Err(CaseRefusal::Kind.into());
                }
                let call = node::OpenCaseRequest {
                    who,
                    kind: kind.into(),
                    words,
                    reply_bytes,
                    padding: Vec::new(),
                };
                let said = self.deliver_said(register, message, call).await?;
                delivered(said, |it| (it.refusal(), it.summary, it.receipt))
            }
            To::Message(id) => {
                let call = node::AddMessageRequest {
                    who,
                    case_id: case_id(id)?,
                    words,
                    reply_bytes,
                    padding: Vec::new(),
                };
                let said = self.deliver_said(register, message, call).await?;
                delivered(said, |it| (it.refusal(), it.summary, it.receipt))
            }
            To::Appeal(id) => {
                let call = node::AppealCaseRequest {
                    who,
                    case_id: case_id(id)?,
                    words,
                    reply_bytes,
                    padding: Vec::new(),
                };
                let said = self.deliver_said(register, message, call).await?;
                delivered(said, |it| (it.refusal(), it.summary, it.receipt))
            }
        }
    }

    /// Where a message is that was sent to one register.
    async fn find(
        &self,
        admitted: &Admitted,
        national_id: &str,
        register_id: &str,
        message: Vec<u8>,
    ) -> Result<Delivered, Refusal> {
        let found = async {
            let request = self.face.request_of(admitted, national_id)?;
            let register = self.register(register_id)?;
            if message.len() != 16 {
                return Err(CaseRefusal::MessageId.into());
            }
            let call = node::FindMessageRequest {
                who: Some(self.question(&request, DELIVERY_TIMEOUT)),
                message_id: message.clone().into(),
                reply_bytes: delivery::SAID_REPLY_BYTES,
                padding: Vec::new(),
            };
            let not_there = match self.deliver(register, call).await {
                Ok(answer) if answer.found => {
                    let taken = taken(answer.refusal(), answer.summary, answer.receipt);
                    return taken.map(Delivered::Taken);
                }
                Ok(answer) => {
                    refusal::check(answer.refusal())?;
                    CaseRefusal::MessageUnknown.into()
                }
                Err(refusal) => refusal,
            };
            let entry = self.face.everyone().entries().get(register);
            let (Some(waits), Some(entry)) = (self.face.waits(), entry) else {
                return Err(not_there);
            };
            let id = &entry.register.id;
            match waits.has_kept_dialog(id, &message).await {
                Ok(true) => Ok(Delivered::Waits),
                Ok(false) => Err(not_there),
                Err(_) => Err(CaseRefusal::NotDelivered.into()),
            }
        };
        let found: Result<_, Refusal> = found.await;
        found.map_err(|refusal| self.face.refused(refusal))
    }

    /// One case at one register, with what was said in it.
    async fn get(
        &self,
        admitted: &Admitted,
        national_id: &str,
        register_id: &str,
        case: Vec<u8>,
        step: u32,
    ) -> Result<types::Case, Refusal> {
        let got = async {
            let request = self.face.request_of(admitted, national_id)?;
            let register = self.register(register_id)?;
            let case_id = case_id(case)?;
            // Larger answers are asked for only where there is more to tell, of all registers then.
            for reply_bytes in delivery::REPLY_SIZES {
                let call = node::GetCaseRequest {
                    who: Some(self.question(&request, DELIVERY_TIMEOUT)),
                    case_id: case_id.clone(),
                    step,
                    reply_bytes,
                    padding: Vec::new(),
                };
                let answer = self.deliver(register, call).await?;
                if answer.bytes_needed > 0 {
                    continue;
                }
                refusal::check(answer.refusal())?;
                return answer.case.ok_or(CaseRefusal::NotUnderstood.into());
            }
            Err(CaseRefusal::NotUnderstood.into())
        };
        let got: Result<_, Refusal> = got.await;
        got.map_err(|refusal| self.face.refused(refusal))
    }

    /// The position of the register that is called so.
    fn register(&self, id: &str) -> Result<usize, Refusal> {
        let entries = self.face.everyone().entries();
        let register = entries.iter().enumerate();
        let mut register = register.filter(|(_, entry)| entry.register.id.as_str() == id);
        let (position, entry) = register.next().ok_or(CaseRefusal::RegisterUnknown)?;
        if entry.fixed_outcome().is_some() {
            return Err(CaseRefusal::RegisterWithoutDialogs.into());
        }
        Ok(position)
    }

    fn question(&self, request: &Request, patience: Duration) -> node::Question {
        let mut id = [0; 16];
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(&mut id);
        drop(random);
        let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        question_to_wire(QuestionId(id), 0, request, patience)
    }
}

/// A message within its bounds, which the register looks at again.
fn words(
    message_id: Vec<u8>,
    text: &str,
    attachments: Vec<types::CaseAttachment>,
) -> Result<node::CaseWords, Refusal> {
    if message_id.len() != 16 || message_id.iter().all(|byte| *byte == 0) {
        return Err(CaseRefusal::MessageId.into());
    }
    const { assert!(CASE_TEXT_BYTES_MAX == 4_000, "as the refusal says") };
    let text = CaseText::parse(text).map_err(|_| CaseRefusal::Text)?;
    let bytes: usize = attachments.iter().map(|file| file.content.len()).sum();
    if attachments.len() > ATTACHMENTS_MAX || bytes > ATTACHMENTS_BYTES_MAX {
        return Err(CaseRefusal::Attachments.into());
    }
    Ok(node::CaseWords {
        message_id: message_id.into(),
        text: text.expose().to_owned(),
        attachments,
    })
}

fn case_id(id: Vec<u8>) -> Result<Bytes, Refusal> {
    if id.len() == 16 {
        Ok(id.into())
    } else {
        Err(CaseRefusal::CaseId.into())
    }
}

/// What became of what was said, as `told` reads the register's answer.
fn delivered<A>(
    said: delivery::Said<A>,
    told: impl FnOnce(A) -> (node::CaseRefusal, Option<types::CaseSummary>, String),
) -> Result<Delivered, Refusal> {
    match said {
        delivery::Said::Waits => Ok(Delivered::Waits),
        delivery::Said::Answered(answer) => {
            let (refusal, summary, receipt) = told(answer);
            taken(refusal, summary, receipt).map(Delivered::Taken)
        }
    }
}

fn taken(
    refusal: node::CaseRefusal,
    summary: Option<types::CaseSummary>,
    receipt: String,
) -> Result<Taken, Refusal> {
    refusal::check(refusal)?;
    let summary = summary.ok_or(CaseRefusal::NotUnderstood)?;
    Ok(Taken { summary, receipt })
}
