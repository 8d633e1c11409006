//! What the register's case handlers do: said by a command beside the running agent, taken by it.
//!
//! Two processes share the records. The command ([`Desk`]) writes a word, durably; the running
//! agent, which alone writes the log of use, takes it within [`CLERK_EVERY`](super::CLERK_EVERY):
//! setting first, where it becomes one, then log, then step, notice and the word's end in one
//! transaction. A word that waits while the agent is down is taken when it is back; one that cannot
//! be is refused, in words for the clerk.
//!
//! To look at a case is a word as well, so that it stands in the log before anything is shown.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use innsyn_policy::{
    Act, CaseKind, Organisation, PersonUse, Purpose, QuestionId, Step, Timestamp, UseDecision,
    UseRecord, UseSubject, Verdict,
};
use innsyn_proto::case_receipt::{CaseId, MessageId};
use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio_util::sync::CancellationToken;

use super::keeping::context;
use super::setting::BecomeError;
use super::store::{self, KeptCase, NewStep};
use super::{CLERK_EVERY, CaseError, Cases, SCHEMA, Words, codes, exchanged, noticing, retention};
use crate::exchange;
use crate::records::{OpenRecordsError, RECORDS_FILE, Records, RecordsError};

mod desk;

pub use desk::{Desk, Shown, ShownStep};

/// Words that one look takes.
const WORDS_AT_ONCE_MAX: u32 = 16;
/// What stands for a look, where the others have the number of their act.
const LOOK: i64 = 0;

/// What a clerk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Looks at the case.
    Look,
    /// Takes a step.
    Act(Act),
}

/// A clerk's word about a case.
#[derive(Debug, Clone)]
pub struct ClerkWord {
    /// The case.
    pub case: CaseId,
    /// What is done.
    pub said: Said,
    /// What is said with it.
    pub words: Option<Words>,
    /// The clerk's account.
    pub clerk: String,
}

/// What became of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The agent has not seen it.
    Waiting,
    /// It stands.
    Taken,
    /// It could not be taken, for this reason.
    Refused(String),
}

/// Why a clerk's command cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ClerkError {
    /// There are no records yet.
    #[error("there are no records in `{0}`; the agent makes them at its first start")]
    NoRecords(std::path::PathBuf),
    /// They cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenRecordsError),
    /// No case is called so.
    #[error("no case is called `{0}`; `innsyn-agent cases list --all` names them")]
    NotThere(String),
    /// Several are.
    #[error("several cases begin with `{0}`; give more of the name")]
    Ambiguous(String),
    /// The case stands otherwise, or cannot be read.
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl From<sqlx::Error> for ClerkError {
    fn from(error: sqlx::Error) -> Self {
        Self::Case(error.into())
    }
}

/// A word as it waits.
struct Waiting {
    id: [u8; 16],
    case: CaseId,
    said: Said,
    clerk: Vec<u8>,
    words: Option<Vec<u8>>,
}

/// Why a word was not taken now.
enum NotTaken {
    /// It never will be; what the clerk is told.
    Never(String),
    /// It is tried again.
    Later(CaseError),
}

impl<E: Into<CaseError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        match error.into() {
            error @ (CaseError::Step(_) | CaseError::NoSuchCase | CaseError::Damaged(_)) => {
                Self::Never(error.to_string())
            }
            error => Self::Later(error),
        }
    }
}

impl Cases {
    /// Takes clerks' words as they come, until `shutdown`.
    pub fn spawn_clerk(
        self: &Arc<Self>,
        shutdown: CancellationToken,
    ) -> tokio::task::JoinHandle<()> {
        let cases = Arc::clone(self);
        tokio::spawn(async move {
            let mut failing = false;
            let mut old = tokio::time::interval(retention::LOOK_EVERY);
            old.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut every = tokio::time::interval(CLERK_EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let taking = async {
                loop {
                    tokio::select! {
                        _ = every.tick() => {}
                        _ = old.tick() => {
                            if let Err(error) = cases.remove_old().await {
                                tracing::error!(
                                    error = &error as &dyn std::error::Error,
                                    "what is old is not removed; it is tried again"
                                );
                            }
                            continue;
                        }
                    }
                    let taken = cases.take_words().await;
                    if let Err(error) = &taken
                        && !failing
                    {
                        tracing::error!(
                            error = error as &dyn std::error::Error,
                            "what a case handler said is not taken; it is tried again"
                        );
                    }
                    failing = taken.is_err();
                }
            };
            let _ended = shutdown.run_until_cancelled(taking).await;
        })
    }

    /// Takes what clerks have said and nobody has taken; how many words that was.
    pub async fn take_words(&self) -> Result<usize, CaseError> {
        let rows = sqlx::query(
            "SELECT id, case_id, act, clerk, words FROM case_words WHERE taken_at IS NULL \
             ORDER BY said_at, id LIMIT $1",
        )
        .bind(i64::from(WORDS_AT_ONCE_MAX))
        .fetch_all(self.records.pool())
        .await?;
        let mut taken = 0;
        for row in &rows {
            let id = store::sixteen(row.try_get("id")?)?;
            match self.take_word(id, row).await {
                Ok(()) => {}
                Err(NotTaken::Never(why)) => {
                    sqlx::query(
                        "UPDATE case_words SET taken_at = $2, refused = $3, words = NULL \
                         WHERE id = $1 AND taken_at IS NULL",
                    )
                    .bind(id.as_slice())
                    .bind(self.clock.now().as_micros())
                    .bind(why)
                    .execute(self.records.pool())
                    .await?;
                }
                Err(NotTaken::Later(error)) => return Err(error),
            }
            taken += 1;
        }
        Ok(taken)
    }

    async fn take_word(&self, id: [u8; 16], row: &SqliteRow) -> Result<(), NotTaken> {
        let waiting = waiting(id, row)?;
        let kept = store::case(self.records.pool(), waiting.case).await?;
        let kept = kept.ok_or(CaseError::NoSuchCase)?;
        match waiting.said {
            Said::Look => self.look(&waiting, &kept).await,
            Said::Act(act) => self.act(&waiting, &kept, act).await,
        }
    }

    async fn look(&self, waiting: &Waiting, kept: &KeptCase) -> Result<(), NotTaken> {
        self.logged_by_register(waiting.id, kept).await?;
        let mut records = self.records.write().await?;
        end(&mut records, waiting.id, self.clock.now()).await?;
        records.commit().await?;
        Ok(())
    }

    async fn act(&self, waiting: &Waiting, kept: &KeptCase, act: Act) -> Result<(), NotTaken> {
        let words = self.words_of(waiting)?;
        let step = |kept: &KeptCase| Step {
            act,
            by: innsyn_policy::Party::Clerk,
            at: self.clock.now().max(kept.case.last_at()),
            has_words: words.as_ref().is_some_and(Words::has_text),
        };
        // Before anything is made a setting of.
        kept.case
            .clone()
            .take(step(kept))
            .map_err(CaseError::from)?;
        let kind = kept.case.kind();
        if act == Act::Answer(Verdict::Accepted) && kind.becomes_setting() {
            self.becomes_setting(kept, kind).await?;
        }
        let mut records = self.records.write().await?;
        let now_kept = store::case(&mut *records, kept.id).await?;
        let mut kept = now_kept.ok_or(CaseError::NoSuchCase)?;
        let step = step(&kept);
        kept.case.take(step).map_err(CaseError::from)?;
        kept.steps += 1;
        if end(&mut records, waiting.id, step.at).await? != 1 {
            // Somebody was faster; it stands.
            return Ok(());
        }
        let leaf = self.logged_by_register(waiting.id, &kept).await?;
        let silent = || Words::new(None, Vec::new()).map_err(CaseError::from);
        let said = words.map_or_else(silent, Ok)?;
        let digest = said.digest(MessageId(waiting.id));
        let receipt = self.sign(&kept, step, digest, leaf)?;
        let new = NewStep {
            case: kept.id,
            number: kept.steps,
            step,
            person: kept.person,
            actor: None,
            message: Some(MessageId(waiting.id)),
            clerk: Some(waiting.clerk.clone()),
            digest: Some(self.seal(&digest, b"case digest", kept.id, kept.steps)),
            words: (said.has_text() || !said.attachments().is_empty())
                .then(|| self.seal(&said.to_bytes(), b"case words", kept.id, kept.steps)),
            receipt: self.seal(receipt.as_bytes(), b"case receipt", kept.id, kept.steps),
        };
        store::insert_step(&mut records, new).await?;
        let mut by_exchange = false;
        if is_told(act) {
            // Whoever wrote by the exchange is answered and told there.
            let answer = exchange::MessageId::from_random(self.sixteen_bytes());
            by_exchange = exchanged::owe(&mut records, (kept.id, kept.steps), &answer).await?;
        }
        if is_told(act) && !by_exchange {
            let mut key = [0; 32];
            self.random().fill_bytes(&mut key);
            noticing::insert(&mut records, key, kept.opener, step.at).await?;
        }
        records.commit().await?;
        if by_exchange {
            self.owed.notify_one();
        }
        tracing::info!(case.id = %kept.id, act = act.name(), "case step taken");
        Ok(())
    }

    /// Sees to it that what is accepted is a setting, before anybody is told that it is accepted.
    async fn becomes_setting(&self, kept: &KeptCase, kind: CaseKind) -> Result<(), NotTaken> {
        let never = |why: &str| NotTaken::Never(why.to_owned());
        let Some(becomes) = &self.becomes else {
            return Err(never(
                "this agent keeps no settings, so that a blocking or reservation cannot be \
                 accepted here; answer `partly` and say in words what was done by hand",
            ));
        };
        let person = self.records.key().person(kept.person);
        let person = person.ok_or(CaseError::Damaged(kept.id))?;
        match becomes.become_setting(person, kind, kept.id).await {
            Ok(()) => Ok(()),
            Err(error @ BecomeError::NotDefined) => Err(never(&error.to_string())),
            Err(BecomeError::Unavailable(error)) => {
                let error = sqlx::Error::Io(std::io::Error::other(error));
                Err(NotTaken::Later(RecordsError::from(error).into()))
            }
        }
    }

    fn words_of(&self, waiting: &Waiting) -> Result<Option<Words>, NotTaken> {
        let Some(sealed) = &waiting.words else {
            return Ok(None);
        };
        let context = context(b"clerk words", waiting.case, 0);
        let damaged = || CaseError::Damaged(waiting.case);
        let bytes = self.records.key().unseal(sealed, &context);
        let bytes = bytes.map_err(|_| damaged())?;
        Ok(Some(Words::of_bytes(&bytes).ok_or_else(damaged)?))
    }

    /// Writes into the log that the register itself used the case: on whose request, through
    /// itself.
    async fn logged_by_register(
        &self,
        word: [u8; 16],
        kept: &KeptCase,
    ) -> Result<[u8; 32], CaseError> {
        let key = self.records.key();
        let damaged = || CaseError::Damaged(kept.id);
        let subject = key.person(kept.person).ok_or_else(damaged)?;
        let record = UseRecord {
            at: self.clock.now(),
            question: QuestionId(word),
            subject: UseSubject::Person(subject, PersonUse::Dialog),
            caller: key.person(kept.opener).ok_or_else(damaged)?,
            organisation: self.itself().ok_or_else(damaged)?,
            purpose: Purpose::OwnInsight,
            decision: UseDecision::Answered,
        };
        self.logged_record(record).await
    }

    /// The register as an organisation: its id, as far as there is room.
    fn itself(&self) -> Option<Organisation> {
        let id = self.register.id.as_str();
        Organisation::parse(id.get(..16).unwrap_or(id)).ok()
    }
}

/// Whether the citizen is told that there is something new.
const fn is_told(act: Act) -> bool {
    match act {
        Act::Message | Act::Extend | Act::Answer(_) => true,
        Act::Open | Act::Begin | Act::Appeal => false,
    }
}

/// Ends a word; how many words that were.
async fn end(
    connection: &mut sqlx::sqlite::SqliteConnection,
    id: [u8; 16],
    now: Timestamp,
) -> Result<u64, RecordsError> {
    let ended = sqlx::query(
        "UPDATE case_words SET taken_at = $2, words = NULL WHERE id = $1 AND taken_at IS NULL",
    )
    .bind(id.as_slice())
    .bind(now.as_micros())
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

fn waiting(id: [u8; 16], row: &SqliteRow) -> Result<Waiting, CaseError> {
    let case = CaseId(store::sixteen(row.try_get("case_id")?)?);
    let said = match row.try_get("act")? {
        LOOK => Said::Look,
        code => Said::Act(codes::act(code).ok_or(CaseError::Damaged(case))?),
    };
    Ok(Waiting {
        id,
        case,
        said,
        clerk: row.try_get("clerk")?,
        words: row.try_get("words")?,
    })
}
