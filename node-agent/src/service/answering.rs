//! From a batch of questions to a batch of answers, with the log in between.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use innsyn_policy::{
    Clearance, Clock, Decision, NoAnswerReason, NumberRules, Outcome, PersonUse, QuestionId,
    Register, Timestamp, UseDecision, UseRecord, decide,
};
use innsyn_proto::convert::{NodeAnswer, NodeQuestion, answer_to_wire, question_from_wire};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1::{Answer, Question};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::caps::{self, Caps};
use super::recent::{Asked, Given, Place, Recent};
use crate::sources::{HeldSettings, RegisterData, SubjectsStore};
use crate::subjects::Found;
use crate::uselog::UseLog;

/// Answers questions for one register.
pub struct Answering {
    register: Register,
    rules: NumberRules,
    subjects: Arc<SubjectsStore<Arc<dyn Clock>>>,
    log: Arc<UseLog>,
    clock: Arc<dyn Clock>,
    /// What each pinned gateway has asked. One gateway's batches are dealt with one after the
    /// other, so that a question asked again on a new connection waits for its first answer.
    gateways: HashMap<GatewayName, Mutex<Gateway>>,
    counts: Counts,
}

/// What has been answered since the start, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Questions answered, whatever the answer; never by hit or miss.
    pub answered: AtomicU64,
    /// Questions answered from memory, because they were asked again.
    pub repeated: AtomicU64,
    /// Questions refused by the rules.
    pub denied: AtomicU64,
    /// Questions over the cap.
    pub over_cap: AtomicU64,
    /// Questions that could not be read.
    pub unreadable: AtomicU64,
    /// Questions not answered because the log could not be written.
    pub unlogged: AtomicU64,
}

#[derive(Debug)]
struct Gateway {
    asked: caps::Asked,
    recent: Recent,
}

/// What all questions of a batch share.
struct Batch {
    data: Arc<RegisterData>,
    /// When it came, by the clock that the log shows.
    at: Timestamp,
    /// When it came, by the clock that never goes back.
    asked_at: Instant,
    /// What is to be logged, in order.
    records: Vec<UseRecord>,
}

/// One question on its way through a batch.
enum Step {
    /// Nothing to be logged: its answer stands.
    Settled(NodeAnswer),
    /// Asked before, on an earlier connection or earlier in this batch: its answer again.
    Again { number: u64, id: QuestionId },
    /// Answered once the entry with this position in the batch is durable.
    ToBeLogged {
        number: u64,
        place: Place,
        outcome: Outcome,
        clearance: Option<Clearance>,
    },
}

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answering")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

impl Answering {
    /// Answers for `register`, from `subjects`, to the gateways that `caps` names.
    pub fn new(
        register: Register,
        rules: NumberRules,
        subjects: Arc<SubjectsStore<Arc<dyn Clock>>>,
        log: Arc<UseLog>,
        clock: Arc<dyn Clock>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
    ) -> Self {
        let now = Instant::now();
        let gateway = |caps| Gateway {
            asked: caps::Asked::new(caps, now),
            recent: Recent::default(),
        };
        Self {
            register,
            rules,
            subjects,
            log,
            clock,
            gateways: caps
                .into_iter()
                .map(|(name, caps)| (name, Mutex::new(gateway(caps))))
                .collect(),
            counts: Counts::default(),
        }
    }

    /// The log of use.
    pub const fn log(&self) -> &Arc<UseLog> {
        &self.log
    }

    /// What has been answered since the start.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Answers each of `questions`, in order. Every answer about a person has its entry in the
    /// log, durable, before this returns.
    pub async fn answer(&self, gateway: &GatewayName, questions: Vec<Question>) -> Vec<Answer> {
        let Some(gateway) = self.gateways.get(gateway) else {
            // Presence lets pinned gateways through only; should it fail, nobody is answered.
            return questions
                .iter()
                .map(|q| refusal(q.number, NoAnswerReason::Refused))
                .collect();
        };
        let mut gateway = gateway.lock().await;
        let asked_at = Instant::now();
        gateway.recent.forget(asked_at);
        let mut batch = Batch {
            data: self.subjects.current(),
            at: self.clock.now(),
            asked_at,
            records: Vec::with_capacity(questions.len()),
        };
        let steps: Vec<Step> = questions
            .iter()
            .map(|question| self.step(&mut gateway, question, &mut batch))
            .collect();
        let records = std::mem::take(&mut batch.records);
        drop((questions, batch));

        let leaves = if records.is_empty() {
            Ok(Vec::new())
        } else {
            self.log.append(records).await
        };
        let mut leaves = match leaves {
            Ok(leaves) => leaves.into_iter(),
            Err(error) => {
                tracing::error!(%error, "no answers: the log of use cannot be written");
                Vec::new().into_iter()
            }
        };
        let now = self.clock.now();
        steps
            .into_iter()
            .map(|step| match step {
                Step::Settled(answer) => answer_to_wire(&answer),
                Step::Again { number, id } => {
                    add(&self.counts.repeated);
                    match gateway.recent.get(&id) {
                        Some(given) => answer_to_wire(&NodeAnswer {
                            number,
                            outcome: given.outcome,
                            use_log_leaf: Some(given.use_log_leaf),
                        }),
                        // Asked twice in one batch, whose entries could not be written.
                        None => refusal(number, NoAnswerReason::LogUnavailable),
                    }
                }
                Step::ToBeLogged {
                    number,
                    place,
                    outcome,
                    clearance,
                } => {
                    let Some(use_log_leaf) = leaves.next() else {
                        add(&self.counts.unlogged);
                        gateway.recent.unanswered(place);
                        return refusal(number, NoAnswerReason::LogUnavailable);
                    };
                    // Looked at again before data leave: the log may have taken its time.
                    let outcome = match clearance {
                        Some(clearance) if !clearance.holds_at(now) => {
                            Outcome::NoAnswer(NoAnswerReason::Refused)
                        }
                        _ => outcome,
                    };
                    let given = Given {
                        outcome,
                        use_log_leaf,
                    };
                    gateway.recent.answered(place, given);
                    add(&self.counts.answered);
                    answer_to_wire(&NodeAnswer {
                        number,
                        outcome,
                        use_log_leaf: Some(use_log_leaf),
                    })
                }
            })
            .collect()
    }

    /// Everything about one question but the log.
    fn step(&self, gateway: &mut Gateway, question: &Question, batch: &mut Batch) -> Step {
        let number = question.number;
        let settled = |reason| {
            let outcome = Outcome::NoAnswer(reason);
            Step::Settled(NodeAnswer {
                number,
                outcome,
                use_log_leaf: None,
            })
        };
        let question = match question_from_wire(question, self.rules) {
            Ok(question) => question,
            Err(error) => {
                add(&self.counts.unreadable);
                tracing::warn!(%error, "question not understood");
                return settled(NoAnswerReason::Refused);
            }
        };
        let id = question.id;
        let deadline = batch.asked_at + Duration::from_millis(question.deadline_ms.into());
        let place = match gateway.recent.asked(id, deadline) {
            Asked::First(place) => place,
            Asked::Again => return Step::Again { number, id },
            Asked::NoRoom => return settled(NoAnswerReason::Overloaded),
        };
        let (decision, outcome, clearance) = if gateway.asked.admit(batch.asked_at) {
            self.look(&question, batch)
        } else {
            add(&self.counts.over_cap);
            (
                UseDecision::OverCap,
                Outcome::NoAnswer(NoAnswerReason::OverCap),
                None,
            )
        };
        let record = UseRecord::of_person(
            PersonUse::Listing,
            id,
            &question.request,
            decision,
            batch.at,
        );
        batch.records.push(record);
        Step::ToBeLogged {
            number,
            place,
            outcome,
            clearance,
        }
    }

    /// Decides, and looks the person up if it may.
    fn look(
        &self,
        question: &NodeQuestion,
        batch: &Batch,
    ) -> (UseDecision, Outcome, Option<Clearance>) {
        let request = &question.request;
        // The person's settings are about secondary use; own insight does not wait for them.
        let settings = if request.purpose.is_secondary() {
            batch.data.settings_of(&request.subject, batch.at)
        } else {
            HeldSettings::Known(Vec::new())
        };
        match decide(request, &self.register, settings.as_settings(), batch.at) {
            Decision::Allow(clearance) => {
                let outcome = match batch.data.find(&clearance) {
                    Found::Registered(presence) => Outcome::Registered(presence),
                    Found::Deleted(presence) => Outcome::Deleted(presence),
                    Found::Absent => Outcome::NotRegistered,
                };
                (UseDecision::Answered, outcome, Some(clearance))
            }
            Decision::Withhold(clearance, reason) => {
                // The work is done all the same, and what it found is thrown away.
                black_box(batch.data.find(&clearance));
                (
                    UseDecision::Withheld(reason),
                    Outcome::Withheld(reason),
                    Some(clearance),
                )
            }
            Decision::Deny(reason) => {
                add(&self.counts.denied);
                (
                    UseDecision::Denied(reason),
                    Outcome::NoAnswer(NoAnswerReason::Refused),
                    None,
                )
            }
        }
    }
}

fn refusal(number: u64, reason: NoAnswerReason) -> Answer {
    answer_to_wire(&NodeAnswer {
        number,
        outcome: Outcome::NoAnswer(reason),
        use_log_leaf: None,
    })
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
