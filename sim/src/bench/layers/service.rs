//! The service of an agent that decides or logs, or does not, and remembers no question.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use innsyn_agent::heads;
use innsyn_agent::presence::Peer;
use innsyn_agent::sources::SubjectsStore;
use innsyn_agent::subjects::Found;
use innsyn_agent::uselog::UseLog;
use innsyn_policy::{
    Clearance, Clock, Decision, NoAnswerReason, NumberRules, Outcome, PersonUse, Register, Request,
    Settings, Timestamp, UseDecision, UseRecord, decide,
};
use innsyn_proto::convert::{NodeAnswer, answer_to_wire, question_from_wire};
use innsyn_proto::wire::node::v1::node_service_server::NodeService;
use innsyn_proto::wire::node::v1::{
    Answer, AskRequest, AskResponse, Question, WitnessHeadsRequest, WitnessHeadsResponse,
};
use tonic::{Request as GrpcRequest, Response, Status, Streaming};

/// What stands for the hash of an entry that nobody wrote.
const MADE_UP_LEAF: [u8; 32] = [7; 32];

/// Answers with what there is.
#[derive(Clone)]
pub(super) struct Reduced {
    pub(super) register: Register,
    pub(super) rules: NumberRules,
    /// Who is registered; nobody is asked about if absent.
    pub(super) subjects: Option<Arc<SubjectsStore<Arc<dyn Clock>>>>,
    /// The log of use; nothing is logged if absent.
    pub(super) log: Option<Arc<UseLog>>,
    pub(super) clock: Arc<dyn Clock>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl NodeService for Reduced {
    type AskStream = Answers<AskResponse>;

    async fn ask(
        &self,
        request: GrpcRequest<Streaming<AskRequest>>,
    ) -> Result<Response<Self::AskStream>, Status> {
        let agent = self.clone();
        let mut batches_done = 0;
        let answers = request.into_inner().then(move |batch| {
            batches_done += 1;
            let agent = agent.clone();
            async move {
                let questions = batch?.questions;
                // In a task of its own, as the whole agent does it.
                let answers = tokio::spawn(async move { agent.answer(questions).await });
                Ok(AskResponse {
                    answers: answers.await.map_err(internal)??,
                    batches_done,
                })
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }

    type WitnessHeadsStream = Answers<WitnessHeadsResponse>;

    async fn witness_heads(
        &self,
        request: GrpcRequest<Streaming<WitnessHeadsRequest>>,
    ) -> Result<Response<Self::WitnessHeadsStream>, Status> {
        let no_log = || Status::unimplemented("there is no log");
        let log = self.log.clone().ok_or_else(no_log)?;
        let peer = request.extensions().get::<Peer>().cloned();
        let gateway = peer.ok_or_else(no_log)?.gateway;
        let heads = heads::send(log, gateway, request.into_inner());
        Ok(Response::new(Box::pin(heads)))
    }
}

impl Reduced {
    async fn answer(&self, questions: Vec<Question>) -> Result<Vec<Answer>, Status> {
        if self.subjects.is_none() && self.log.is_none() {
            let answer = |question: &Question| {
                wire_answer(question.number, Outcome::NotRegistered, MADE_UP_LEAF)
            };
            return Ok(questions.iter().map(answer).collect());
        }
        let at = self.clock.now();
        let mut records = Vec::with_capacity(questions.len());
        let mut looked = Vec::with_capacity(questions.len());
        for question in &questions {
            let question = question_from_wire(question, self.rules).map_err(internal)?;
            let (decision, outcome, clearance) = self.look(&question.request, at);
            looked.push((question.number, outcome, clearance));
            let record = UseRecord::of_person(
                PersonUse::Listing,
                question.id,
                &question.request,
                decision,
                at,
            );
            records.push(record);
        }
        let leaves = match &self.log {
            Some(log) => log.append(records).await.map_err(internal)?,
            None => vec![MADE_UP_LEAF; records.len()],
        };
        let now = self.clock.now();
        let answers = looked.into_iter().zip(leaves);
        Ok(answers
            .map(|((number, outcome, clearance), leaf)| match clearance {
                Some(clearance) if !clearance.holds_at(now) => {
                    wire_answer(number, Outcome::NoAnswer(NoAnswerReason::Refused), leaf)
                }
                _ => wire_answer(number, outcome, leaf),
            })
            .collect())
    }

    /// Decides, and looks the person up; nobody is here where there is nothing to look in.
    fn look(&self, request: &Request, at: Timestamp) -> (UseDecision, Outcome, Option<Clearance>) {
        let Some(subjects) = &self.subjects else {
            return (UseDecision::Answered, Outcome::NotRegistered, None);
        };
        let data = subjects.current();
        // What is asked here is own insight, which waits for nobody's settings.
        match decide(request, &self.register, Settings::Known(&[]), at) {
            Decision::Allow(clearance) => {
                let outcome = match data.find(&clearance) {
                    Found::Registered(presence) => Outcome::Registered(presence),
                    Found::Deleted(presence) => Outcome::Deleted(presence),
                    Found::Absent => Outcome::NotRegistered,
                };
                (UseDecision::Answered, outcome, Some(clearance))
            }
            Decision::Withhold(clearance, reason) => {
                std::hint::black_box(data.find(&clearance));
                let outcome = Outcome::Withheld(reason);
                (UseDecision::Withheld(reason), outcome, Some(clearance))
            }
            Decision::Deny(reason) => {
                let outcome = Outcome::NoAnswer(NoAnswerReason::Refused);
                (UseDecision::Denied(reason), outcome, None)
            }
        }
    }
}

fn wire_answer(number: u64, outcome: Outcome, leaf: [u8; 32]) -> Answer {
    answer_to_wire(&NodeAnswer {
        number,
        outcome,
        use_log_leaf: Some(leaf),
    })
}

fn internal(error: impl std::error::Error) -> Status {
    Status::internal(error.to_string())
}
