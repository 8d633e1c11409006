//! From a request to a page, with the log in between.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{
    Clock, Decision, DenyReason, NationalId, NumberRules, PersonUse, Purpose, QuestionId, Register,
    Request, Settings, Timestamp, UseDecision, UseKind, UseRecord, decide,
};
use innsyn_proto::convert::{NodeQuestion, path_to_wire, question_from_wire};
use innsyn_proto::head::SignedHead;
use innsyn_proto::setting::paper::PaperUse;
use innsyn_proto::uselog::receipt::ReadingReceipt;
use innsyn_proto::wire::node::v1 as wire;
use tokio::task::spawn_blocking;
use tonic::Status;

use super::delay::Delay;
use super::page::{From, Showing, pad};
use crate::records::Records;
use crate::research::compute::CountedRecords;
use crate::settings::papers;
use crate::uselog::{LogUnavailableError, UseLog};

/// How long after a reading its later pages are given.
const PAGES_FOR: Duration = Duration::from_mins(10);
/// Heads that one request may hold the log to.
const KNOWN_SIZES_MAX: usize = 32;

/// What reading is made of.
pub struct ReadingParts {
    /// The register.
    pub register: Register,
    /// By which national ids are read.
    pub rules: NumberRules,
    /// The log.
    pub log: Arc<UseLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is told later.
    pub delays: Vec<Delay>,
    /// Who was counted by queries; none where the register counts nothing.
    pub counted: Option<CountedRecords>,
    /// Where papers are kept; none where no settings are.
    pub records: Option<Records>,
}

impl fmt::Debug for ReadingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadingParts")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

/// Reads the log for the people it is about.
pub struct Reading {
    register: Register,
    rules: NumberRules,
    log: Arc<UseLog>,
    clock: Arc<dyn Clock>,
    delays: Arc<[Delay]>,
    counted: Option<Arc<CountedRecords>>,
    records: Option<Records>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

impl Reading {
    /// Puts the parts together.
    pub fn new(parts: ReadingParts) -> Self {
        Self {
            register: parts.register,
            rules: parts.rules,
            log: parts.log,
            clock: parts.clock,
            delays: parts.delays.into(),
            counted: parts.counted.map(Arc::new),
            records: parts.records,
        }
    }

    /// One page of what the log has about the subject, which has its reading in the log, durable,
    /// before this returns.
    pub(super) async fn list(
        &self,
        is_within_caps: bool,
        asked: &wire::ListUsesRequest,
    ) -> Result<wire::ListUsesResponse, Status> {
        let question = asked.question.as_ref();
        let question = question.ok_or_else(|| Status::invalid_argument("no question"))?;
        let question = question_from_wire(question, self.rules)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        if question.request.purpose != Purpose::OwnInsight {
            return Err(Status::invalid_argument("the log is read for own insight"));
        }
        if asked.known_sizes.len() > KNOWN_SIZES_MAX {
            return Err(Status::invalid_argument("too many heads at once"));
        }
        let mut page = match &asked.continued {
            None => self.begin(is_within_caps, asked, &question).await?,
            Some(continued) => {
                self.go_on(is_within_caps, asked, &question, continued)
                    .await?
            }
        };
        self.log.public_key().clone_into(&mut page.log_key);
        pad(&mut page);
        Ok(page)
    }

    /// Logs the reading, and makes the first page.
    async fn begin(
        &self,
        is_within_caps: bool,
        asked: &wire::ListUsesRequest,
        question: &NodeQuestion,
    ) -> Result<wire::ListUsesResponse, Status> {
        let decision = self
            .logged(is_within_caps, question.id, &question.request)
            .await
            .map_err(|_| log_unavailable())?;
        refused(decision)?;
        let head = self.head().await.ok_or_else(log_unavailable)?;
        let from = From::Newest {
            entries: head.size(),
        };
        let mut page = self.page(asked, question, from).await?;
        self.prove_head(&mut page, &head, asked).await?;
        page.receipt = self.receipt(&page, &head, &question.request)?;
        Ok(page)
    }

    /// Decides on a reading, and has it in the log, durable.
    pub(super) async fn logged(
        &self,
        is_within_caps: bool,
        id: QuestionId,
        request: &Request,
    ) -> Result<UseDecision, LogUnavailableError> {
        let now = self.clock.now();
        let decision = self.decide(is_within_caps, request, now);
        let record = UseRecord::of_person(PersonUse::LogReading, id, request, decision, now);
        self.log.append(vec![record]).await?;
        Ok(decision)
    }

    /// The log as it is signed now.
    pub(super) async fn head(&self) -> Option<SignedHead> {
        self.log.sign_head().await.ok().flatten()
    }

    /// A later page of a reading that is in the log.
    async fn go_on(
        &self,
        is_within_caps: bool,
        asked: &wire::ListUsesRequest,
        question: &NodeQuestion,
        continued: &wire::Continued,
    ) -> Result<wire::ListUsesResponse, Status> {
        let now = self.clock.now();
        refused(self.decide(is_within_caps, &question.request, now))?;
        let head = self.log.heads().borrow().clone();
        let is_shown = head.is_some_and(|head| continued.entries <= head.size());
        let other = || Status::invalid_argument("the page is of no reading of this log");
        if !is_shown || continued.reading >= continued.entries {
            return Err(other());
        }
        let (reader, tagger) = (self.log.reader(), self.log.tagger());
        let subject = tagger.subject(&question.request.subject);
        let caller = tagger.caller(&question.request.caller.person);
        let position = continued.reading;
        let reading = spawn_blocking(move || reader.about(&subject, position));
        let reading = reading.await.map_err(|_| failed())?.map_err(|_| other())?;
        let entry = reading.entry;
        let is_it = entry.kind() == UseKind::LogReading
            && entry.question == question.id
            && entry.caller == caller
            && entry.decision == UseDecision::Answered
            && now < entry.at.plus(PAGES_FOR);
        if !is_it {
            return Err(other());
        }
        let from = From::Continued(*continued);
        self.page(asked, question, from).await
    }

    fn decide(&self, is_within_caps: bool, request: &Request, now: Timestamp) -> UseDecision {
        if !is_within_caps {
            return UseDecision::OverCap;
        }
        // The person's settings are about secondary use; own insight does not wait for them.
        match decide(request, &self.register, Settings::Known(&[]), now) {
            Decision::Allow(_) => UseDecision::Answered,
            Decision::Withhold(_, reason) => UseDecision::Withheld(reason),
            Decision::Deny(reason) => UseDecision::Denied(reason),
        }
    }

    async fn page(
        &self,
        asked: &wire::ListUsesRequest,
        question: &NodeQuestion,
        from: From,
    ) -> Result<wire::ListUsesResponse, Status> {
        let papers = self.papers_of(&question.request.subject).await?;
        let showing = Showing {
            papers,
            since: Timestamp::from_seconds(asked.since),
            down_to: asked.down_to,
            ..self.showing(question.id, &question.request)
        };
        let page = spawn_blocking(move || showing.page(from));
        page.await.map_err(|_| failed())?.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the log of use cannot be read");
            failed()
        })
    }

    /// What there is of the person's settings that came from paper.
    async fn papers_of(
        &self,
        person: &NationalId,
    ) -> Result<HashMap<QuestionId, PaperUse>, Status> {
        let Some(records) = &self.records else {
            return Ok(HashMap::new());
        };
        let papers = papers::told_of(records, person).await;
        papers.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "papers cannot be read");
            failed()
        })
    }

    /// Everything about the subject of `request`, without what is told of papers.
    pub(super) fn showing(&self, id: QuestionId, request: &Request) -> Showing {
        let tagger = self.log.tagger();
        Showing {
            reader: self.log.reader(),
            tag: tagger.subject(&request.subject),
            own: tagger.caller(&request.subject),
            caller: tagger.caller(&request.caller.person),
            subject: request.subject,
            question: id,
            since: Timestamp::from_micros(i64::MIN),
            down_to: 0,
            now: self.clock.now(),
            delays: Arc::clone(&self.delays),
            counted: self.counted.clone(),
            papers: HashMap::new(),
        }
    }

    /// Puts the head on the page, with what it continues.
    async fn prove_head(
        &self,
        page: &mut wire::ListUsesResponse,
        head: &SignedHead,
        asked: &wire::ListUsesRequest,
    ) -> Result<(), Status> {
        let witnessed = self.log.countersigned().borrow().clone();
        let witnessed = witnessed.filter(|witnessed| witnessed.size() <= head.size());
        let (reader, to) = (self.log.reader(), head.size());
        let mut sizes = asked.known_sizes.clone();
        sizes.extend(witnessed.as_ref().map(SignedHead::size));
        let proofs = spawn_blocking(move || {
            let proof = |size: &u64| {
                // Of a log that was longer there is no proof, and whoever asked will say so.
                let proof = (*size <= to).then(|| reader.consistency(*size, to));
                proof.unwrap_or_else(|| Ok(Vec::new()))
            };
            sizes.iter().map(proof).collect::<Result<Vec<_>, _>>()
        });
        let mut proofs = proofs.await.map_err(|_| failed())?.map_err(|_| failed())?;
        if let Some(witnessed) = witnessed {
            page.witnessed = Some(witnessed.note().to_vec().into());
            page.witnessed_consistency = proofs.pop().map(|path| path_to_wire(&path));
        }
        page.checkpoint = head.note().to_vec().into();
        page.known_consistency = proofs.iter().map(|path| path_to_wire(path)).collect();
        Ok(())
    }

    fn receipt(
        &self,
        page: &wire::ListUsesResponse,
        head: &SignedHead,
        request: &Request,
    ) -> Result<String, Status> {
        let newest = page.uses.first().ok_or_else(failed)?;
        let receipt = ReadingReceipt {
            register: self.register.id.clone(),
            person: self.log.tagger().subject(&request.subject),
            entries: head.size(),
            root: head.root(),
            newest: newest.number,
            position: newest.position,
            at: Timestamp::from_seconds(self.clock.now().as_seconds()),
        };
        self.log.sign_reading(&receipt).map_err(|_| failed())
    }
}

/// The refusal that `decision` is; the exact ground stands in the log.
fn refused(decision: UseDecision) -> Result<(), Status> {
    match decision {
        UseDecision::Answered => Ok(()),
        UseDecision::Withheld(_) => Err(Status::permission_denied("withheld")),
        UseDecision::OverCap => Err(Status::resource_exhausted("the gateway is over its cap")),
        UseDecision::Denied(DenyReason::HoldsNoIdentities) => Err(Status::failed_precondition(
            "the register holds no identities",
        )),
        _ => Err(Status::permission_denied("refused")),
    }
}

fn log_unavailable() -> Status {
    Status::failed_precondition("the log of use cannot be written")
}

fn failed() -> Status {
    Status::internal("the log of use cannot be read")
}
