//! A person's cases at all registers: every register asked, every register accounted for.

use std::sync::Arc;

use futures::StreamExt as _;
use innsyn_policy::{NoAnswerReason, Outcome, Request, decision::withheld};
use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::node::v1 as node;
use node::cases_service_client::CasesServiceClient;
use tokio::time::Instant;

use super::delivery::REPLY_SIZES;
use super::{CaseRefusal, CasesFace};
use crate::gateway::everyone::Called;
use crate::gateway::face::Admitted;
use crate::gateway::refusal::Refusal;

/// The sizes of the call, in bytes: mandates of many areas take the second.
const CALL_SIZES: [usize; 2] = [512, 4 * 1024];

impl CasesFace {
    /// Asks every register for the person's cases there, and waits until `arrived` and the deadline
    /// at the longest.
    pub(super) async fn list_cases(
        &self,
        admitted: &Admitted,
        national_id: &str,
        deadline_ms: Option<u32>,
        arrived: Instant,
    ) -> Result<citizen::ListCasesResponse, Refusal> {
        let listed = async {
            let deadline = arrived + self.face.deadline(deadline_ms)?;
            let request = self.face.request_of(admitted, national_id)?;
            let _place = self.face.place()?;
            self.ask_all(&request, deadline).await
        };
        let listed = listed.await;
        listed.map_err(|refusal| self.face.refused(refusal))
    }

    async fn ask_all(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<citizen::ListCasesResponse, Refusal> {
        let everyone = self.face.everyone();
        let mut registers: Vec<Option<citizen::CasesAtRegister>> =
            everyone.entries().iter().map(|_| None).collect();
        for reply_bytes in REPLY_SIZES {
            let patience = deadline.saturating_duration_since(Instant::now());
            let mut call = node::ListCasesRequest {
                who: Some(self.question(request, patience)),
                reply_bytes,
                padding: Vec::new(),
            };
            let bytes = call.fits(&CALL_SIZES).ok_or(CaseRefusal::NotUnderstood)?;
            if !call.pad_to(bytes) {
                return Err(CaseRefusal::NotUnderstood.into());
            }
            let call = Arc::new(call);
            let mut called = everyone.call(deadline, move |_, channel| {
                let call = (*call).clone();
                async move {
                    let answer = CasesServiceClient::new(channel).list_cases(call).await?;
                    Ok(answer.into_inner())
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
        Ok(citizen::ListCasesResponse {
            complete: registers.iter().all(|told| match &told.not_told {
                None => true,
                Some(not) => not.outcome() != innsyn_proto::wire::types::v1::Outcome::NoAnswer,
            }),
            registers,
        })
    }

    /// What one register told; its place in the account is kept whatever it was.
    fn told(
        &self,
        position: usize,
        request: &Request,
        called: Called<node::ListCasesResponse>,
    ) -> Option<citizen::CasesAtRegister> {
        let entry = self.face.everyone().entries().get(position)?;
        let no_answer = |reason| Err(Outcome::NoAnswer(reason));
        // From who asks about whom alone, as in a listing; the register was asked all the same.
        let withheld = withheld(&request.representation, &entry.register, self.face.now());
        let cases = match (entry.fixed_outcome(), withheld, called) {
            (Some(fixed), _, _) => Err(fixed),
            (None, Some(reason), _) => Err(Outcome::Withheld(reason)),
            (None, None, Called::Silent(outcome)) => Err(outcome),
            (None, None, Called::Refused(_)) => no_answer(NoAnswerReason::Refused),
            (None, None, Called::Answered(answer)) => {
                use node::CaseRefusal as Wire;
                match answer.refusal() {
                    Wire::Unspecified if answer.bytes_needed == 0 => Ok(answer.cases),
                    Wire::Unspecified => no_answer(NoAnswerReason::InvalidAnswer),
                    Wire::OverCap => no_answer(NoAnswerReason::OverCap),
                    Wire::LogUnavailable => no_answer(NoAnswerReason::LogUnavailable),
                    Wire::RecordsUnavailable => no_answer(NoAnswerReason::SourceUnavailable),
                    _ => no_answer(NoAnswerReason::Refused),
                }
            }
        };
        let (cases, not_told) = match cases {
            Ok(cases) => (cases, None),
            Err(outcome) => {
                let (outcome, reason) = outcome_to_wire(&outcome);
                let not_told = citizen::NotTold {
                    outcome: outcome.into(),
                    reason: reason.into(),
                };
                (Vec::new(), Some(not_told))
            }
        };
        Some(citizen::CasesAtRegister {
            register_id: entry.register.id.to_string(),
            not_told,
            cases,
        })
    }
}
