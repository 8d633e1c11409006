//! What registers hold about a citizen: shown live by those that do, and pointed to at the others.
//!
//! ```text
//!   http_face ─┐                             ┌─ method live query: its tables, or why none
//!              ├─ token ─ every register ────┤
//!   grpc ──────┘    one call, one size       └─ method dialog or link: where to go on
//! ```
//!
//! What holds:
//!
//! - **Every register that can be asked is called**, whatever its method, with as many bytes, and
//!   answers with as many: neither relay nor register learns who shows what, or about whom.
//! - **Every register of the catalogue is accounted for**, exactly once, with its method.
//! - **Nothing is kept.**

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use innsyn_policy::{NoAnswerReason, Outcome, QuestionId, Request, decision::withheld};
use innsyn_proto::convert::{outcome_to_wire, question_to_wire};
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::types::v1 as types;
use node::insight_service_client::InsightServiceClient;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

mod grpc;
mod http_face;
mod json;

pub(super) use grpc::{GrpcInsight, SERVICE};
pub(super) use http_face::{__path_get_insight, router};

use super::everyone::Called;
use super::face::{Admitted, CitizenFace};
use super::refusal::Refusal;

/// The sizes of the call, in bytes: mandates of many areas take the second.
const CALL_SIZES: [usize; 2] = [512, 4 * 1024];
/// The sizes of answers, in bytes; the second is asked of all where one has more to tell.
const REPLY_SIZES: [u32; 2] = [16 * 1024, 256 * 1024];
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// The part of a citizen gateway that shows what registers hold.
pub(super) struct InsightFace {
    face: Arc<CitizenFace>,
    random: Mutex<StdRng>,
}

impl InsightFace {
    /// Insight over `face`; `random` makes the calls' names.
    pub(super) fn new(face: Arc<CitizenFace>, random: StdRng) -> Arc<Self> {
        let random = Mutex::new(random);
        Arc::new(Self { face, random })
    }

    /// What every register holds about the person, and waits until `arrived` and the deadline at the
    /// longest.
    async fn get(
        &self,
        admitted: &Admitted,
        national_id: &str,
        deadline_ms: Option<u32>,
        arrived: Instant,
    ) -> Result<citizen::GetInsightResponse, Refusal> {
        let (request, deadline) = self.face.asked(admitted, national_id, deadline_ms)?;
        let asked = async {
            let _place = self.face.place()?;
            self.ask_all(&request, arrived + deadline).await
        };
        let asked = asked.await;
        asked.map_err(|refusal| self.face.refused(refusal))
    }

    async fn ask_all(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<citizen::GetInsightResponse, Refusal> {
        let everyone = self.face.everyone();
        let mut registers: Vec<Option<citizen::RegisterInsight>> =
            everyone.entries().iter().map(|_| None).collect();
        for reply_bytes in REPLY_SIZES {
            let call = Arc::new(self.call(request, deadline, reply_bytes)?);
            let mut called = everyone.call(deadline, move |_, channel| {
                let call = (*call).clone();
                async move {
                    let mut agent = InsightServiceClient::new(channel)
                        .max_decoding_message_size(ANSWER_BYTES_MAX);
                    Ok(agent.show_insight(call).await?.into_inner())
                }
            });
            let mut is_whole = true;
            while let Some((position, called)) = called.next().await {
                if let Called::Answered(answer) = &called {
                    is_whole &= answer.bytes_needed == 0;
                }
                // What was told in an earlier round is not untold by a later.
                if let Some(place) = registers.get_mut(position)
                    && place.as_ref().is_none_or(|told| told.not_told.is_some())
                {
                    *place = self.told(position, request, called);
                }
            }
            if is_whole {
                break;
            }
        }
        let registers: Vec<_> = registers.into_iter().flatten().collect();
        let is_told = |told: &citizen::RegisterInsight| match &told.not_told {
            None => true,
            Some(not) => not.outcome() != types::Outcome::NoAnswer,
        };
        Ok(citizen::GetInsightResponse {
            complete: registers.iter().all(is_told),
            registers,
        })
    }

    fn call(
        &self,
        request: &Request,
        deadline: Instant,
        reply_bytes: u32,
    ) -> Result<node::ShowInsightRequest, Refusal> {
        let mut id = [0; 16];
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(&mut id);
        drop(random);
        let patience = deadline.saturating_duration_since(Instant::now());
        let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        let mut call = node::ShowInsightRequest {
            who: Some(question_to_wire(QuestionId(id), 0, request, patience)),
            reply_bytes,
            padding: Vec::new(),
        };
        let bytes = call.fits(&CALL_SIZES);
        match bytes.map(|bytes| call.pad_to(bytes)) {
            Some(true) => Ok(call),
            _ => Err(Refusal::RepresentationNotUnderstood),
        }
    }

    /// What one register told; its place in the account is kept whatever it was.
    fn told(
        &self,
        position: usize,
        request: &Request,
        called: Called<node::ShowInsightResponse>,
    ) -> Option<citizen::RegisterInsight> {
        let entry = self.face.everyone().entries().get(position)?;
        let mut told = citizen::RegisterInsight {
            register_id: entry.wire.id.clone(),
            name: entry.wire.name.clone(),
            name_en: entry.wire.name_en.clone(),
            method: entry.wire.insight_method,
            link: entry.wire.insight_link.clone(),
            ..citizen::RegisterInsight::default()
        };
        if told.method() != types::InsightMethod::LiveQuery {
            return Some(told);
        }
        let no_answer = |reason| Err(Outcome::NoAnswer(reason));
        // From who asks about whom alone, as in a listing; the register was asked all the same.
        let withheld = withheld(&request.representation, &entry.register, self.face.now());
        let answered = match (entry.fixed_outcome(), withheld, called) {
            (Some(fixed), _, _) => Err(fixed),
            (None, Some(reason), _) => Err(Outcome::Withheld(reason)),
            (None, None, Called::Silent(outcome)) => Err(outcome),
            (None, None, Called::Refused(_)) => no_answer(NoAnswerReason::Refused),
            (None, None, Called::Answered(answer)) => {
                use node::InsightRefusal as Wire;
                match answer.refusal() {
                    Wire::Unspecified if answer.bytes_needed == 0 => Ok(answer),
                    Wire::Unspecified => no_answer(NoAnswerReason::InvalidAnswer),
                    Wire::OverCap => no_answer(NoAnswerReason::OverCap),
                    Wire::LogUnavailable => no_answer(NoAnswerReason::LogUnavailable),
                    Wire::SourceUnavailable => no_answer(NoAnswerReason::SourceUnavailable),
                    Wire::Denied | Wire::Malformed => no_answer(NoAnswerReason::Refused),
                }
            }
        };
        match answered {
            Ok(answer) => {
                told.tables = answer.tables;
                told.use_log_leaf = answer.use_log_leaf.to_vec();
            }
            Err(outcome) => {
                let (outcome, reason) = outcome_to_wire(&outcome);
                told.not_told = Some(citizen::InsightNotTold {
                    outcome: outcome.into(),
                    reason: reason.into(),
                });
            }
        }
        Some(told)
    }
}
