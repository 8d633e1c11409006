//! From a question to its last message, with the log in between.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use innsyn_policy::{Clock, Register, Timestamp, UseDecision, UseRecord, UseSubject};
use innsyn_proto::data_permit::{SignedDataPermit, TrustedIssuers};
use innsyn_proto::head::{HeadError, LogHash};
use innsyn_proto::query::CheckedQuery;
use innsyn_proto::receipt::Receipt;
use innsyn_proto::wire::node::v1 as wire;
use rand::Rng as _;
use rand::rngs::StdRng;
use roaring::RoaringBitmap;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use wire::compute_response::Message;

use super::super::steward::{Steward, Verdict};
use super::asked::AskedQuery;
use super::budget::{Budget, Charged};
use super::deciding::{Case, Cleared, Deciding};
use super::holding::{self, Holding};
use super::kept::{CountedUnder, KeptCounts};
use super::overlap::Comparing;
use super::part::part_to_wire;
use super::record::{self, QueryRecord, ReadRecordError};
use super::refused::Refused;
use super::running::{Limits, Ran, Running, Until};
use super::{Countable, CurrentData, alone, locked};
use crate::engine::Answer;
use crate::subjects::MarkKey;
use crate::uselog::{LogUnavailableError, UseLog};
use telling::tell;

mod refusing;
mod telling;

/// What counting is made of.
pub struct ComputingParts {
    /// The register that is asked.
    pub register: Register,
    /// The issuers of data permits that it trusts.
    pub issuers: TrustedIssuers,
    /// The folder of research: the steward's rules, and the records of queries.
    pub folder: PathBuf,
    /// The data.
    pub data: CurrentData,
    /// What queries may take.
    pub limits: Limits,
    /// The log of use.
    pub log: Arc<UseLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For telling persons again in another snapshot.
    pub marks: MarkKey,
    /// For the secrets of commitments; seeded from the system's randomness, except in tests.
    pub secrets: StdRng,
}

/// Counts for one register.
pub struct Computing {
    deciding: Deciding,
    holding: Holding,
    running: Running,
    /// Of the records of queries.
    folder: PathBuf,
    kept: Arc<KeptCounts>,
    data: CurrentData,
    log: Arc<UseLog>,
    clock: Arc<dyn Clock>,
    secrets: Mutex<StdRng>,
}

/// What is known of a question so far.
#[derive(Debug, Clone, Default)]
struct Known {
    permit: Option<SignedDataPermit>,
    query: Option<CheckedQuery>,
    snapshot: Option<[u8; 32]>,
}

/// A table that may leave once its entry is durable.
#[derive(Debug)]
struct Counted {
    ran: Ran,
    /// What it was counted over.
    data: Arc<dyn Countable>,
    under: CountedUnder,
    overlaps: Option<wire::Overlaps>,
    left: Cleared,
}

/// Why a use was not logged.
#[derive(Debug, thiserror::Error)]
enum LogUseError {
    #[error("the record of the query cannot be written")]
    Record(#[from] ReadRecordError),
    #[error(transparent)]
    Log(#[from] LogUnavailableError),
    #[error("the log of use gave no hash")]
    NoLeaf,
    #[error("the receipt cannot be signed")]
    Receipt(#[from] HeadError),
    #[error("the record of the query was not written to its end")]
    Ended,
}

impl Computing {
    /// Makes ready to count: reads what permits have had answered before. Blocks on files.
    pub fn open(parts: ComputingParts) -> io::Result<Self> {
        let folder = parts.folder.join(record::FOLDER);
        record::make_folder(&folder)?;
        let steward = Steward::in_folder(&parts.folder);
        steward.queue().make_folder().map_err(io::Error::other)?;
        let holding = Holding::new(steward.queue().clone());
        let budget = Arc::new(Budget::default());
        let (records, damaged) = QueryRecord::all(&folder)?;
        for record in records {
            if record.outcome == record::ANSWERED {
                let what = record.counted_for();
                let charged = Charged {
                    query: what.query,
                    snapshot: what.snapshot,
                };
                budget.answered(&record.permit, charged);
            }
        }
        if damaged > 0 {
            tracing::error!(
                records = damaged,
                "records of queries are damaged; what they charged is not counted"
            );
        }
        Ok(Self {
            deciding: Deciding {
                register: parts.register,
                issuers: parts.issuers,
                steward,
                budget,
            },
            holding,
            running: Running::new(parts.limits),
            folder,
            kept: Arc::new(KeptCounts::open(&parts.folder, parts.marks)?),
            data: parts.data,
            log: parts.log,
            clock: parts.clock,
            secrets: Mutex::new(parts.secrets),
        })
    }

    /// The data as they stand now.
    pub(super) fn data(&self) -> Option<Arc<dyn Countable>> {
        (self.data)()
    }

    /// Answers one question: messages on its way, and the part or the refusal as the last, which
    /// has its entry in the log before it is sent.
    pub(super) async fn answer(
        &self,
        asked: &AskedQuery,
        is_within_caps: bool,
        messages: &mpsc::Sender<wire::ComputeResponse>,
        cancel: &CancellationToken,
    ) {
        let mut known = Known::default();
        let counted = if is_within_caps {
            self.count(asked, &mut known, messages, cancel).await
        } else {
            Err(Refused::OverCap)
        };
        let last = self.conclude(asked, known, counted).await;
        // Who asked may have gone; the entry is there all the same.
        let _ = messages.send(last).await;
    }

    async fn count(
        &self,
        asked: &AskedQuery,
        known: &mut Known,
        messages: &mpsc::Sender<wire::ComputeResponse>,
        cancel: &CancellationToken,
    ) -> Result<Counted, Refused> {
        let until = Until {
            cancel,
            deadline: asked.deadline,
        };
        loop {
            let data = self.data().ok_or(Refused::NothingPublished)?;
            let snapshot = *known.snapshot.insert(*data.snapshot_name());
            let permit = self.deciding.permit(asked, self.clock.now())?;
            let permit = &*known.permit.insert(permit);
            let query = self.deciding.query(asked, &*data)?;
            let query = &*known.query.insert(query);
            let case = Case {
                asked,
                query,
                permit,
                snapshot,
            };
            match self.deciding.steward(case, self.clock.now())? {
                Verdict::Allowed(_) => {
                    return self.count_allowed(case, data, messages, until).await;
                }
                // From the beginning when it is approved: data and settings may be others by then.
                Verdict::Asks { rule } => self.hold(case, rule, messages, until).await?,
            }
        }
    }

    /// Waits until the steward has approved the query.
    async fn hold(
        &self,
        case: Case<'_>,
        rule: u32,
        messages: &mpsc::Sender<wire::ComputeResponse>,
        until: Until<'_>,
    ) -> Result<(), Refused> {
        let now = self.clock.now();
        // Outside its permit, the steward is not asked; and it is charged when it is counted.
        drop(self.deciding.within(case, now)?);
        let _place = self.holding.place()?;
        let (held, rules) = self.deciding.for_steward(case, rule, now)?;
        self.holding.put(held, rules, now).await?;
        tracing::info!(
            question.id = hex::encode(case.asked.id.0),
            query.name = %case.query.name(),
            permit.id = %case.permit.permit().terms().id,
            rule,
            "query held for the steward"
        );
        // Who asked may have gone; then the wait ends.
        let _ = messages.send(alone(Message::Held(wire::Held {}))).await;
        let look = || self.deciding.steward(case, self.clock.now());
        holding::approved(look, until).await?;
        tracing::info!(
            question.id = hex::encode(case.asked.id.0),
            query.name = %case.query.name(),
            "steward has approved the query"
        );
        Ok(())
    }

    /// Counts what the steward allows, as long as they do.
    async fn count_allowed(
        &self,
        case: Case<'_>,
        data: Arc<dyn Countable>,
        messages: &mpsc::Sender<wire::ComputeResponse>,
        until: Until<'_>,
    ) -> Result<Counted, Refused> {
        let clear = |now| self.deciding.clear(case, now);
        let under = CountedUnder {
            permit: case.permit.permit().terms().id.to_string(),
            query: *case.query.name().as_bytes(),
            snapshot: case.snapshot,
        };
        let compare = self.comparing(case.asked, &under);
        let counted_over = Arc::clone(&data);
        let counted = async {
            // Refused before it waits; cleared anew after, for the wait may have been long.
            let waiting = clear(self.clock.now())?;
            let place = self.running.place(until).await?;
            let now = self.clock.now();
            let running = clear(now)?;
            drop(waiting);
            // Who asked may have gone; then the run is cancelled.
            let running_now = Message::Running(wire::Running {});
            let _ = messages.send(alone(running_now)).await;
            self.running
                .run(
                    place,
                    running.clearance,
                    self.deciding.use_of(case),
                    case.query,
                    data,
                    now,
                    until,
                    compare,
                )
                .await
        };
        let look = || self.deciding.steward(case, self.clock.now());
        let (ran, overlaps) = tokio::select! {
            biased;
            refused = holding::refused(look) => return Err(refused),
            ran = counted => ran?,
        };
        // So do settings: whoever has said no meanwhile must not be in the answer.
        let ran = still_holds(ran, Arc::clone(&counted_over), self.clock.now()).await?;
        // Looked at again before data leave: rules and permits end, and runs take time.
        Ok(Counted {
            ran,
            data: counted_over,
            under,
            overlaps,
            left: clear(self.clock.now())?,
        })
    }

    /// Logs what became of the question, and makes its last message.
    async fn conclude(
        &self,
        asked: &AskedQuery,
        known: Known,
        counted: Result<Counted, Refused>,
    ) -> wire::ComputeResponse {
        let refused = |refusal: wire::Refusal| alone(Message::Refusal(refusal.into()));
        tell(asked, &known, &counted);
        let logged = self.log_use(asked, &known, &counted).await;
        let left = match (logged, counted) {
            (Ok(leaf), Ok(counted)) => self.leave(asked, &known, counted, &leaf).await,
            (Ok(leaf), Err(ground)) => return self.refuse(&known, asked, &ground, &leaf),
            (Err(error), _) => Err(error),
        };
        match left {
            Ok(Ok(part)) => alone(Message::Part(part)),
            Ok(Err(ground)) => refused(ground),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "no part: the log of use, or what was counted, cannot be written"
                );
                refused(wire::Refusal::LogUnavailable)
            }
        }
    }

    /// Keeps what was counted, now that its entry `leaf` is durable, and makes the part of it with
    /// its receipt; a refusal if its clearance is over meanwhile, or people have changed their
    /// settings.
    async fn leave(
        &self,
        asked: &AskedQuery,
        known: &Known,
        counted: Counted,
        leaf: &LogHash,
    ) -> Result<Result<wire::Part, wire::Refusal>, LogUseError> {
        let Counted {
            ran,
            data,
            under,
            overlaps,
            left,
        } = counted;
        let now = self.clock.now();
        let (Some(permit), Some(query)) = (&known.permit, &known.query) else {
            return Ok(Err(wire::Refusal::Permit));
        };
        // The log may have taken its time.
        if !left.clearance.holds_at(now) {
            return Ok(Err(wire::Refusal::Permit));
        }
        let receipt = Receipt {
            register: left.clearance.register().clone(),
            query: query.name(),
            permit: left.clearance.permit().clone(),
            permit_digest: *permit.digest(),
            snapshot: under.snapshot,
            purpose: left.clearance.purpose(),
            settings_read_at: ran.settings_read_at,
            settings_age_s: ran.settings_age_s,
            smallest_cell: asked.smallest_cell,
            rounding_base: asked.rounding_base,
            steward: left.steward,
            persons_excluded: ran.persons_excluded,
            use_log_leaf: *leaf,
            at: now,
        };
        let receipt = self.log.sign(&receipt)?;
        let (kept, leaf) = (Arc::clone(&self.kept), *leaf);
        let keeping = spawn_blocking(move || -> io::Result<Result<wire::Part, wire::Refusal>> {
            // The entry says that it was answered, so no receipt says otherwise.
            if let Err(ground) = ran.still_holds(&*data, now) {
                return Ok(Err(ground.told()));
            }
            kept.keep(&leaf, &under, &ran.answer, &*data)?;
            left.charge.keep();
            let table = ran.answer.table;
            Ok(Ok(wire::Part {
                receipt,
                ..part_to_wire(table, &under.snapshot, &leaf, overlaps)
            }))
        });
        let part = keeping.await.map_err(|_| LogUseError::Ended)?;
        Ok(part.map_err(ReadRecordError::from)?)
    }

    /// Compares what is counted `under` a permit with the earlier counts that `asked` names.
    fn comparing(
        &self,
        asked: &AskedQuery,
        under: &CountedUnder,
    ) -> impl FnOnce(
        &Answer,
        &dyn Countable,
        usize,
        &CancellationToken,
    ) -> Result<Option<wire::Overlaps>, Refused>
    + Send
    + use<> {
        let (kept, earlier) = (Arc::clone(&self.kept), asked.audit.clone());
        let permit = under.permit.clone();
        move |answer, data, memory_bytes, stop| {
            if earlier.is_empty() {
                return Ok(None);
            }
            let comparing = Comparing {
                kept: &kept,
                data,
                memory_bytes,
                stop,
            };
            Ok(Some(comparing.overlaps(answer, &permit, &earlier)?))
        }
    }

    /// Writes the record and then the entry; returns the entry's hash when both are durable.
    async fn log_use(
        &self,
        asked: &AskedQuery,
        known: &Known,
        counted: &Result<Counted, Refused>,
    ) -> Result<LogHash, LogUseError> {
        let (decision, outcome, persons) = match counted {
            Ok(Counted { ran, .. }) => (
                UseDecision::Answered,
                record::ANSWERED,
                Some(ran.answer.counted.clone()),
            ),
            Err(ground) => (ground.decision(), ground.label(), None),
        };
        let Known {
            permit,
            query,
            snapshot,
        } = known.clone();
        let mut secret = [0; 32];
        locked(&self.secrets).fill_bytes(&mut secret);
        let folder = self.folder.clone();
        let kept = Arc::clone(&self.kept);
        let data = counted
            .as_ref()
            .ok()
            .map(|counted| Arc::clone(&counted.data));
        let written = spawn_blocking(move || {
            let persons = persons.map_or_else(RoaringBitmap::new, |set| set.compressed());
            let roll = data.map(|data| kept.roll_of(&*data)).transpose()?;
            let record = QueryRecord {
                query_name: query.as_ref().map(|q| q.name().as_bytes().to_vec()),
                query: query.map(|query| query.normal().clone()),
                permit: permit
                    .as_ref()
                    .map_or_else(String::new, |p| p.permit().terms().id.to_string()),
                project: permit
                    .as_ref()
                    .map_or_else(String::new, |p| p.permit().terms().project.clone()),
                roll: roll.map(|roll| roll.to_vec()),
                permit_digest: permit.map(|permit| permit.digest().to_vec()),
                snapshot: snapshot.map(|snapshot| snapshot.to_vec()),
                outcome: outcome.to_owned(),
                ..QueryRecord::counting(&persons, secret)?
            };
            record.write(&folder)
        });
        let commitment = written.await.map_err(|_| LogUseError::Ended)??;
        let record = UseRecord {
            at: self.clock.now(),
            question: asked.id,
            subject: UseSubject::Counted(commitment),
            caller: asked.researcher,
            organisation: asked.organisation,
            purpose: asked.purpose,
            decision,
        };
        let leaves = self.log.append(vec![record]).await?;
        leaves.first().copied().ok_or(LogUseError::NoLeaf)
    }
}

/// Refuses unless the same persons may still be counted at `now`.
async fn still_holds(ran: Ran, data: Arc<dyn Countable>, now: Timestamp) -> Result<Ran, Refused> {
    let looking = spawn_blocking(move || ran.still_holds(&*data, now).map(|()| ran));
    looking.await.unwrap_or(Err(Refused::EngineEnded))
}

impl fmt::Debug for Computing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computing")
            .field("deciding", &self.deciding)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ComputingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComputingParts")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}
