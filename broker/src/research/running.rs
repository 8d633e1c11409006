//! One run: every register asked at once, every register accounted for, one table or none.
//!
//! ```text
//!   released before? ─yes─▶ the earlier table
//!      │ no
//!   ask all, until the deadline ─▶ read ─▶ merge ─▶ desk ─▶ audit ─▶ ledger ─▶ the table
//!      ▲                                                          │
//!      └──── the permit has had another table meanwhile ──────────┘
//! ```
//!
//! The run is a task of its own. Whoever drops the stream of its updates, or cancels it by its id,
//! ends the task, and with it every call to an agent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt as _};
use innsyn_policy::{PermitClearance, RegisterId};
use innsyn_proto::convert::purpose_to_wire;
use innsyn_proto::query::Language;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use node::compute_response::Message;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::RegisterState as State;
use wire::run_response::Message as Update;

use super::agents::CallError;
use super::auditing::{Answered, Audit};
use super::coverage::{Account, Coverage, RegisterOutcome};
use super::face::{Prepared, ResearchFace};
use super::ledger::{Recorded, Release, ReleaseKey, Store as _};
use super::merge::{ExactTable, Merge};
use super::part::{self, Counted};
use super::receipts;
use super::refusal::Refusal;
use super::runs::RunId;
use super::said_no::{Missing, SaidNo};
use no_part::NoPart;
use releasing::{again, progress, released, state};

mod no_part;
mod releasing;

/// Updates that one register can give rise to: asked, held, running, its outcome.
const UPDATES_PER_REGISTER: usize = 4;
/// What else is told: that it began, and how it ended.
const UPDATES_BESIDE: usize = 2;

/// How often a run asks anew because its permit has had other tables meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// Starts the run of `prepared`; dropping the stream cancels it.
pub(crate) fn start(
    face: &Arc<ResearchFace>,
    prepared: Prepared,
) -> Result<impl Stream<Item = Result<wire::RunResponse, Status>> + use<>, Refusal> {
    let place = Arc::clone(&face.places).try_acquire_owned();
    let place = place.map_err(|_| Refusal::Overloaded)?;
    let id = face.random_id();
    let cancel = face.runs.begin(id, prepared.researcher.clone());
    let registers = prepared.query.registers().len() + prepared.unknown.len();
    // Room for everything that there is to tell, so that nobody waits for a slow caller.
    let most = registers * UPDATES_PER_REGISTER * ATTEMPTS_MAX + UPDATES_BESIDE;
    let (told, updates) = mpsc::channel(most);
    let run = Run {
        face: Arc::clone(face),
        id,
        told,
        held: Mutex::default(),
        _place: place,
    };
    let dropped = cancel.clone().drop_guard();
    tokio::spawn(async move {
        let shown = prepared.shown.clone();
        let whole = Box::pin(run.whole(prepared));
        let ended = cancel.run_until_cancelled(whole).await;
        let ended = ended.unwrap_or(Err(Refusal::Cancelled));
        run.finish(ended.and_then(|table| match shown {
            None => Ok(table),
            Some(shown) => shown.show(table).map_err(|_| Refusal::Failed),
        }));
    });
    Ok(ReceiverStream::new(updates).map(move |update| {
        let _ends_with_the_stream = &dropped;
        update
    }))
}

struct Run {
    face: Arc<ResearchFace>,
    id: RunId,
    told: mpsc::Sender<Result<wire::RunResponse, Status>>,
    /// Registers that wait for their steward now.
    held: Mutex<BTreeSet<RegisterId>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.face.runs.end(&self.id);
    }
}

impl Run {
    fn tell(&self, update: Update) {
        let response = wire::RunResponse {
            message: Some(update),
        };
        // The caller has gone, and the run ends for it; or there is no room, which there is.
        let _ = self.told.try_send(Ok(response));
    }

    fn tell_state(&self, register: &RegisterId, state: State, said: Option<&SaidNo>) {
        self.tell(Update::Progress(progress(register, state, said)));
    }

    /// Notes whether `register` waits for its steward.
    fn is_held(&self, register: &RegisterId, is_held: bool) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if is_held {
            held.insert(register.clone());
        } else {
            held.remove(register);
        }
    }

    /// What became of `register`, which has not answered when the run ends.
    fn unanswered(&self, register: &RegisterId) -> RegisterOutcome {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains(register) {
            RegisterOutcome::Held
        } else {
            RegisterOutcome::Silent
        }
    }

    fn finish(&self, ended: Result<wire::ReleasedTable, Refusal>) {
        let run_id = hex::encode(self.id);
        match ended {
            Ok(table) => {
                tracing::info!(run.id = run_id, rows = table.rows.len(), "run ended");
                self.tell(Update::Table(table));
            }
            Err(refusal) => {
                tracing::info!(
                    run.id = run_id,
                    reason = refusal.reason(),
                    "run without table"
                );
                let _ = self.told.try_send(Err(refusal.into()));
            }
        }
    }

    async fn whole(&self, mut prepared: Prepared) -> Result<wire::ReleasedTable, Refusal> {
        tracing::info!(
            run.id = hex::encode(self.id),
            query.name = %prepared.query.name(),
            permit = %prepared.permit.permit().terms().id,
            registers = prepared.query.registers().len(),
            "run began"
        );
        self.tell(Update::Started(wire::RunStarted {
            run_id: self.id.to_vec(),
            plan: Some(prepared.told()),
        }));
        if let Some(expected) = &prepared.expected
            && let Some(release) = self.face.ledger.earlier(expected).await?
        {
            return Ok(again(release));
        }
        for _ in 0..ATTEMPTS_MAX {
            match Box::pin(self.attempt(prepared)).await? {
                Attempt::Ended(table) => return Ok(table),
                Attempt::Overtaken(overtaken) => prepared = *overtaken,
            }
            self.face.clear_again(&mut prepared).await?;
        }
        Err(Refusal::Overtaken)
    }

    /// Asks everybody, and records the table if nothing came between.
    async fn attempt(&self, prepared: Prepared) -> Result<Attempt, Refusal> {
        let permit = &prepared.permit.permit().terms().id;
        let audit = Audit::begin(&self.face.ledger, permit).await?;
        let asked = self.ask_all(prepared, audit).await?;
        let Asked {
            prepared,
            coverage,
            contributors,
            exact,
            receipts,
            said,
            audit,
        } = asked;
        let missing: Vec<Missing> = coverage
            .iter()
            .filter(|(_, outcome)| *outcome != RegisterOutcome::Answered)
            .map(|(register, _)| Missing {
                register: register.clone(),
                reason: said.get(register).map(SaidNo::reason).unwrap_or_default(),
            })
            .collect();
        let held: Vec<RegisterId> = coverage.with(RegisterOutcome::Held).cloned().collect();
        let is_complete_but_for_held = prepared.must_be_complete && held.len() == missing.len();
        if !held.is_empty() && (is_complete_but_for_held || contributors.is_empty()) {
            return Err(Refusal::Held(held));
        }
        if prepared.must_be_complete && !missing.is_empty() {
            return Err(Refusal::Incomplete(missing));
        }
        if contributors.is_empty() {
            return Err(Refusal::NobodyAnswered(missing));
        }
        let key = ReleaseKey {
            permit: prepared.permit.permit().terms().id.clone(),
            query: prepared.query.name(),
            contributors,
        };
        if let Some(release) = self.face.ledger.earlier(&key).await? {
            return Ok(Attempt::Ended(again(release)));
        }
        let now = self.face.clock.now();
        let desk = self.face.desk;
        // Which cells protect others can take a while to find.
        let (prepared, released) = tokio::task::spawn_blocking(move || {
            let table = released(
                desk, &prepared, &exact, &coverage, &said, receipts, audit, now,
            );
            (prepared, table)
        })
        .await
        .map_err(|_| Refusal::Failed)?;
        let (table, passed) = released?;
        let release = Release {
            key,
            at: now,
            words_nb: prepared.query.words(Language::Bokmal),
            words_en: prepared.query.words(Language::English),
            table: table.clone(),
            audit: passed.kept,
        };
        let budget = prepared.permit.permit().terms().budget_queries;
        let recording = self.face.ledger.record(release, passed.audited, budget);
        match recording.await? {
            Recorded::New => Ok(Attempt::Ended(table)),
            Recorded::Earlier(release) => Ok(Attempt::Ended(again(*release))),
            Recorded::Changed => Ok(Attempt::Overtaken(Box::new(prepared))),
            Recorded::OverBudget(register) => Err(Refusal::Outside {
                register,
                field: innsyn_policy::OutsidePermit::Budget,
            }),
        }
    }

    /// Asks every register that is cleared, all at once, until the deadline.
    async fn ask_all(&self, mut prepared: Prepared, mut audit: Audit) -> Result<Asked, Refusal> {
        let cleared = std::mem::replace(&mut prepared.cleared, Ok(Vec::new()))?;
        let ids = cleared.iter().map(|cleared| cleared.register().clone());
        let mut account = Account::new(ids.chain(prepared.unknown.keys().cloned()));
        for (register, outcome) in &prepared.unknown {
            self.book(&mut account, register, *outcome, None)?;
        }
        let mut merge = Merge::new(prepared.plan.shape());
        let mut contributors = BTreeMap::new();
        let mut receipts = BTreeMap::new();
        let mut said = BTreeMap::new();
        let ends_at = Instant::now() + prepared.deadline;
        let request = self.request(&prepared);
        let mut legs: FuturesUnordered<_> = cleared
            .into_iter()
            .map(|cleared| {
                let request = node::ComputeRequest {
                    audit: audit.asked_of(cleared.register()),
                    ..request.clone()
                };
                self.ask(cleared, request, &prepared)
            })
            .collect();
        while let Ok(Some((register, answer))) = timeout_at(ends_at, legs.next()).await {
            let outcome = match answer {
                Ok(Share {
                    counted,
                    answered,
                    receipt,
                }) => match merge.add(register.clone(), counted.table) {
                    Ok(()) => {
                        contributors.insert(register.clone(), counted.snapshot);
                        receipts.extend(receipt.map(|receipt| (register.clone(), receipt)));
                        audit.has(register.clone(), answered);
                        RegisterOutcome::Answered
                    }
                    Err(error) => {
                        tracing::error!(node.id = %register, %error, "part not understood");
                        RegisterOutcome::Silent
                    }
                },
                Err(error) => {
                    if error.is_of_the_audit() {
                        audit.cannot_compare(&register, &error);
                    }
                    let outcome = error.outcome(&register);
                    said.extend(error.said().map(|said| (register.clone(), said)));
                    outcome
                }
            };
            self.book(&mut account, &register, outcome, said.get(&register))?;
        }
        drop(legs);
        let open: Vec<RegisterId> = account.open_registers().cloned().collect();
        for register in &open {
            let outcome = self.unanswered(register);
            tracing::info!(node.id = %register, outcome = ?outcome, "no answer in time");
            self.book(&mut account, register, outcome, None)?;
        }
        Ok(Asked {
            prepared,
            coverage: account.close(),
            contributors,
            exact: merge.finish(),
            receipts: receipts.into_values().collect(),
            said,
            audit,
        })
    }

    /// Books and tells what became of `register`.
    fn book(
        &self,
        account: &mut Account,
        register: &RegisterId,
        outcome: RegisterOutcome,
        said: Option<&SaidNo>,
    ) -> Result<(), Refusal> {
        // Each register is asked once, so it is booked once.
        if let Err(error) = account.book(register, outcome) {
            tracing::error!(%error, "register not booked");
            return Err(Refusal::Failed);
        }
        self.tell_state(register, state(outcome), said);
        Ok(())
    }

    /// What each register is asked.
    fn request(&self, prepared: &Prepared) -> node::ComputeRequest {
        node::ComputeRequest {
            question_id: self.face.random_id().to_vec().into(),
            query: Some(prepared.query.normal().clone()),
            data_permit: prepared.permit.as_str().to_owned(),
            researcher: prepared.researcher.person.expose_number(),
            organisation: prepared.researcher.organisation.to_string(),
            smallest_cell: u32::try_from(prepared.rules.k()).unwrap_or_default(),
            rounding_base: u32::try_from(prepared.rules.base()).unwrap_or_default(),
            deadline_ms: u32::try_from(prepared.deadline.as_millis()).unwrap_or(u32::MAX),
            purpose: purpose_to_wire(prepared.purpose).into(),
            query_name: prepared.query.name().as_bytes().to_vec().into(),
            audit: None,
        }
    }

    /// Asks the register of `cleared`, which is used up by it.
    async fn ask(
        &self,
        cleared: PermitClearance,
        request: node::ComputeRequest,
        prepared: &Prepared,
    ) -> (RegisterId, Result<Share, NoPart>) {
        let register = cleared.register().clone();
        let answer = self.answer(&register, request, prepared).await;
        (register, answer)
    }

    async fn answer(
        &self,
        register: &RegisterId,
        request: node::ComputeRequest,
        prepared: &Prepared,
    ) -> Result<Share, NoPart> {
        self.is_held(register, false);
        self.tell_state(register, State::Asked, None);
        let audit = request.audit.clone();
        let mut responses = self.face.agents.compute(register, request).await?;
        let mut told = State::Asked;
        loop {
            let response = responses.message().await.map_err(CallError::Call)?;
            let node::ComputeResponse {
                message,
                refusal_receipt,
            } = response.ok_or(NoPart::Ended)?;
            let next = match message.ok_or(NoPart::NotUnderstood)? {
                Message::Part(part) => {
                    let counted = part::read(&part, &prepared.plan)?;
                    let key = self.face.log_key(register);
                    let receipt = receipts::check(register, &part, prepared, key)?;
                    let answered = Answered::read(&part, audit.as_ref(), &counted.table)?;
                    return Ok(Share {
                        counted,
                        answered,
                        receipt,
                    });
                }
                Message::Refusal(refusal) => {
                    let refusal = match node::Refusal::try_from(refusal) {
                        Ok(node::Refusal::Unspecified) | Err(_) => {
                            return Err(NoPart::NotUnderstood);
                        }
                        Ok(refusal) => refusal,
                    };
                    let key = self.face.log_key(register);
                    let receipt = receipts::check_refusal(
                        register,
                        refusal,
                        &refusal_receipt,
                        prepared,
                        key,
                    )?;
                    return Err(NoPart::Refused(SaidNo { refusal, receipt }));
                }
                Message::Held(_) => State::Held,
                Message::Running(_) => State::Running,
            };
            // Held, then running, each once: there is room to tell so much.
            if next > told {
                self.is_held(register, next == State::Held);
                self.tell_state(register, next, None);
                told = next;
            }
        }
    }
}

/// What came of asking.
struct Asked {
    prepared: Prepared,
    coverage: Coverage,
    contributors: BTreeMap<RegisterId, [u8; 32]>,
    exact: ExactTable,
    receipts: Vec<wire::Receipt>,
    /// By whom it was refused, with what they said.
    said: BTreeMap<RegisterId, SaidNo>,
    audit: Audit,
}

/// How one attempt ended.
enum Attempt {
    Ended(wire::ReleasedTable),
    /// The permit has had another table since the audit began.
    Overtaken(Box<Prepared>),
}

/// A register's share of the table.
struct Share {
    counted: Counted,
    answered: Answered,
    /// If it gave one.
    receipt: Option<wire::Receipt>,
}
