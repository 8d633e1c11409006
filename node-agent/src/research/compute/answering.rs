//! From a question to its last message, with the log in between.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use innsyn_policy::{
    Clock, PermitClearance, Purpose, Register, UseDecision, UseRecord, UseSubject,
};
use innsyn_proto::data_permit::{SignedDataPermit, TrustedIssuers};
use innsyn_proto::head::LogHash;
use innsyn_proto::query::CheckedQuery;
use innsyn_proto::wire::node::v1 as wire;
use rand::Rng as _;
use rand::rngs::StdRng;
use roaring::RoaringBitmap;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use wire::compute_response::Message;

use super::super::steward::Steward;
use super::asked::AskedQuery;
use super::budget::{Budget, Charge, Charged};
use super::deciding::Deciding;
use super::kept::{CountedUnder, KeptCounts};
use super::overlap::Comparing;
use super::part::part_to_wire;
use super::record::{self, QueryRecord, ReadRecordError};
use super::refused::Refused;
use super::running::{Limits, Running, Until};
use super::{Countable, CurrentData, locked};
use crate::engine::Answer;
use crate::subjects::MarkKey;
use crate::uselog::{LogUnavailableError, UseLog};

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
#[derive(Debug, Default)]
struct Known {
    permit: Option<SignedDataPermit>,
    query: Option<CheckedQuery>,
    snapshot: Option<[u8; 32]>,
}

/// A table that may leave once its entry is durable.
#[derive(Debug)]
struct Counted {
    answer: Answer,
    /// What it was counted over.
    data: Arc<dyn Countable>,
    under: CountedUnder,
    overlaps: Option<wire::Overlaps>,
    clearance: PermitClearance,
    charge: Charge,
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
    #[error("the record of the query was not written to its end")]
    Ended,
}

impl Computing {
    /// Makes ready to count: reads what permits have had answered before. Blocks on files.
    pub fn open(parts: ComputingParts) -> io::Result<Self> {
        let folder = parts.folder.join(record::FOLDER);
        record::make_folder(&folder)?;
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
                steward: Steward::in_folder(&parts.folder),
                budget,
            },
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
        messages: &mpsc::Sender<Message>,
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
        messages: &mpsc::Sender<Message>,
        cancel: &CancellationToken,
    ) -> Result<Counted, Refused> {
        let until = Until {
            cancel,
            deadline: asked.deadline,
        };
        let data = self.data().ok_or(Refused::NothingPublished)?;
        let snapshot = *known.snapshot.insert(*data.snapshot_name());
        let permit = self.deciding.permit(asked, self.clock.now())?;
        let permit = &*known.permit.insert(permit);
        let query = self.deciding.query(asked, &*data)?;
        let query = &*known.query.insert(query);
        let clear = |now| self.deciding.clear(asked, query, permit, &snapshot, now);

        // Refused before it waits; cleared anew after, for the wait may have been long.
        let waiting = clear(self.clock.now())?;
        let place = self.running.place(until).await?;
        let now = self.clock.now();
        let running = clear(now)?;
        drop(waiting);
        // Who asked may have gone; then the run is cancelled.
        let _ = messages.send(Message::Running(wire::Running {})).await;
        let under = CountedUnder {
            permit: permit.permit().terms().id.to_string(),
            query: *query.name().as_bytes(),
            snapshot,
        };
        let compare = self.comparing(asked, &under);
        let counted = Arc::clone(&data);
        let (answer, overlaps) = self
            .running
            .run(place, running.clearance, query, data, now, until, compare)
            .await?;
        // Looked at again before data leave: rules and permits end, and runs take time.
        let leaving = clear(self.clock.now())?;
        Ok(Counted {
            answer,
            data: counted,
            under,
            overlaps,
            clearance: leaving.clearance,
            charge: leaving.charge,
        })
    }

    /// Logs what became of the question, and makes its last message.
    async fn conclude(
        &self,
        asked: &AskedQuery,
        known: Known,
        counted: Result<Counted, Refused>,
    ) -> Message {
        let refused = |refusal: wire::Refusal| Message::Refusal(refusal.into());
        tell(asked, &known, &counted);
        let leaf = match self.log_use(asked, known, &counted).await {
            Ok(leaf) => leaf,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "no part: the log of use cannot be written");
                return refused(wire::Refusal::LogUnavailable);
            }
        };
        match counted {
            // The log may have taken its time.
            Ok(counted) if !counted.clearance.holds_at(self.clock.now()) => {
                refused(wire::Refusal::Permit)
            }
            Ok(counted) => match self.keep(leaf, counted).await {
                Ok(part) => Message::Part(part),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "no part: what was counted cannot be kept");
                    refused(wire::Refusal::LogUnavailable)
                }
            },
            Err(ground) => refused(ground.told()),
        }
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

    /// Keeps what was counted, and makes the part of it.
    async fn keep(&self, leaf: LogHash, counted: Counted) -> Result<wire::Part, LogUseError> {
        let kept = Arc::clone(&self.kept);
        let keeping = spawn_blocking(move || -> io::Result<wire::Part> {
            let Counted {
                answer,
                data,
                under,
                overlaps,
                charge,
                ..
            } = counted;
            kept.keep(&leaf, &under, &answer, &*data)?;
            charge.keep();
            Ok(part_to_wire(answer.table, &under.snapshot, &leaf, overlaps))
        });
        let part = keeping.await.map_err(|_| LogUseError::Ended)?;
        Ok(part.map_err(ReadRecordError::from)?)
    }

    /// Writes the record and then the entry; returns the entry's hash when both are durable.
    async fn log_use(
        &self,
        asked: &AskedQuery,
        known: Known,
        counted: &Result<Counted, Refused>,
    ) -> Result<LogHash, LogUseError> {
        let (decision, outcome, persons) = match counted {
            Ok(Counted { answer, .. }) => (
                UseDecision::Answered,
                record::ANSWERED,
                Some(answer.counted.clone()),
            ),
            Err(ground) => (ground.decision(), ground.label(), None),
        };
        let Known {
            permit,
            query,
            snapshot,
        } = known;
        // A query whose permit cannot be read has no purpose; research is what it came for.
        let purpose = permit
            .as_ref()
            .map_or(Purpose::Research, |p| p.permit().terms().purpose);
        let mut secret = [0; 32];
        locked(&self.secrets).fill_bytes(&mut secret);
        let folder = self.folder.clone();
        let written = spawn_blocking(move || {
            let persons: RoaringBitmap =
                persons.map_or_else(RoaringBitmap::new, |set| set.iter().collect());
            let record = QueryRecord {
                query_name: query.as_ref().map(|q| q.name().as_bytes().to_vec()),
                query: query.map(|query| query.normal().clone()),
                permit: permit
                    .as_ref()
                    .map_or_else(String::new, |p| p.permit().terms().id.to_string()),
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
            purpose,
            decision,
        };
        let leaves = self.log.append(vec![record]).await?;
        leaves.first().copied().ok_or(LogUseError::NoLeaf)
    }
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

/// Says in the agent's own log what became of the question.
fn tell(asked: &AskedQuery, known: &Known, counted: &Result<Counted, Refused>) {
    let question = hex::encode(asked.id.0);
    let permit = known
        .permit
        .as_ref()
        .map(|p| p.permit().terms().id.to_string());
    let query = known.query.as_ref().map(|query| query.name().to_string());
    match counted {
        Ok(counted) => tracing::info!(
            question.id = question,
            query.name = query,
            permit.id = permit,
            cells = counted.answer.table.cells.len(),
            "query counted"
        ),
        Err(ground) => {
            let error: &dyn std::error::Error = ground;
            tracing::warn!(
                question.id = question,
                query.name = query,
                permit.id = permit,
                ground = ground.label(),
                error,
                "query not counted"
            );
        }
    }
}
