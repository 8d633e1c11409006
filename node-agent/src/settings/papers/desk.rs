//! The records of papers as a clerk's command sees them, beside the running agent.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use innsyn_policy::{ClerkName, EnteredPaper, RegisterId, Timestamp};
use innsyn_proto::setting::paper::{ClerkKey, Paper, PaperNoteError};
use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::Row as _;

use super::store::{self, KeptPaper};
use super::{PapersError, SCHEMA};
use crate::records::{OpenRecordsError, RECORDS_FILE, Records};

/// How often a word is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The papers, as a clerk's command sees them.
#[derive(Debug)]
pub struct PaperDesk {
    records: Records,
    random: Mutex<StdRng>,
}

/// What became of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaperOutcome {
    /// The agent has not seen it.
    Waiting,
    /// It was taken; what there is to say of it.
    Taken(String),
    /// It could not be taken, for this reason.
    Refused(String),
}

/// A paper as a clerk sees it.
#[derive(Debug)]
pub struct ShownPaper {
    /// What it is called.
    pub id: [u8; 16],
    /// How it stands.
    pub entered: EnteredPaper,
    /// What it says.
    pub paper: Paper,
    /// What was signed.
    pub note: String,
}

/// Why a clerk's command cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub enum PaperDeskError {
    /// There are no records yet.
    #[error("there are no records in `{}`; the agent makes them at its first start", .0.display())]
    NoRecords(PathBuf),
    /// They cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenRecordsError),
    /// They cannot be read or written.
    #[error(transparent)]
    Papers(#[from] PapersError),
    /// What was entered is signed by nobody who is a clerk now.
    #[error("a paper cannot be shown")]
    Note(#[from] PaperNoteError),
    /// No paper is called so.
    #[error("no paper is called `{0}`; `innsyn-agent clerk list --all` names them")]
    NotThere(String),
    /// Several are.
    #[error("several papers begin with `{0}`; give more of the name")]
    Ambiguous(String),
}

impl From<sqlx::Error> for PaperDeskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Papers(error.into())
    }
}

impl PaperDesk {
    /// Opens the records in `folder`, which the agent has made.
    pub async fn open(
        folder: &Path,
        key: &Path,
        mut random: StdRng,
    ) -> Result<Self, PaperDeskError> {
        if !folder.join(RECORDS_FILE).exists() {
            return Err(PaperDeskError::NoRecords(folder.to_owned()));
        }
        Ok(Self {
            records: Records::open(folder, key, &[SCHEMA], &mut random).await?,
            random: Mutex::new(random),
        })
    }

    /// Writes down that a paper is entered, as `note` says it; what the paper is called.
    pub async fn enter(&self, note: &str, now: Timestamp) -> Result<[u8; 16], PaperDeskError> {
        let id = self.sixteen_bytes();
        self.say_as(id, id, true, note, now).await
    }

    /// Writes down what `note` says of a paper; what the word is called.
    pub async fn say(
        &self,
        paper: [u8; 16],
        note: &str,
        now: Timestamp,
    ) -> Result<[u8; 16], PaperDeskError> {
        let id = self.sixteen_bytes();
        self.say_as(id, paper, false, note, now).await
    }

    async fn say_as(
        &self,
        id: [u8; 16],
        paper: [u8; 16],
        enters: bool,
        note: &str,
        now: Timestamp,
    ) -> Result<[u8; 16], PaperDeskError> {
        let sealed = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            let context = [b"paper word".as_slice(), &id].concat();
            let key = self.records.key();
            key.seal(note.as_bytes(), &context, &mut *random)
        };
        let mut writing = self.records.write().await.map_err(PapersError::from)?;
        sqlx::query(
            "INSERT INTO paper_word (id, paper, enters, said_at, note) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id.as_slice())
        .bind(paper.as_slice())
        .bind(enters)
        .bind(now.as_micros())
        .bind(sealed)
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(id)
    }

    /// What became of a word, after at most `patience`.
    pub async fn outcome(
        &self,
        id: [u8; 16],
        patience: Duration,
    ) -> Result<PaperOutcome, PaperDeskError> {
        let ends = tokio::time::Instant::now() + patience;
        loop {
            let row = sqlx::query("SELECT taken_at, told, refused FROM paper_word WHERE id = $1")
                .bind(id.as_slice())
                .fetch_one(self.records.pool())
                .await?;
            let taken: Option<i64> = row.try_get("taken_at")?;
            if taken.is_some() {
                let told: Option<String> = row.try_get("told")?;
                return Ok(match row.try_get("refused")? {
                    Some(why) => PaperOutcome::Refused(why),
                    None => PaperOutcome::Taken(told.unwrap_or_default()),
                });
            }
            if tokio::time::Instant::now() >= ends {
                return Ok(PaperOutcome::Waiting);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The papers, the newest first; at most `limit`. One that nobody who is a clerk now has signed
    /// is left out.
    pub async fn list(
        &self,
        clerks: &[ClerkKey],
        register: &RegisterId,
        limit: u32,
    ) -> Result<Vec<ShownPaper>, PaperDeskError> {
        let kept = store::papers(self.records.pool(), limit).await?;
        let mut shown = Vec::with_capacity(kept.len());
        for kept in kept {
            match self.shown(&kept, clerks, register) {
                Ok(paper) => shown.push(paper),
                Err(PaperDeskError::Note(PaperNoteError::NoClerk)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(shown)
    }

    /// The one paper whose name begins with `beginning`.
    pub async fn find(
        &self,
        beginning: &str,
        clerks: &[ClerkKey],
        register: &RegisterId,
    ) -> Result<ShownPaper, PaperDeskError> {
        let is_name = (1..=32).contains(&beginning.len())
            && beginning
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name {
            let begins = beginning.chars().take(40).collect();
            return Err(PaperDeskError::NotThere(begins));
        }
        let rows = sqlx::query(
            "SELECT id FROM paper WHERE lower(substr(hex(id), 1, length($1))) = $1 LIMIT 2",
        )
        .bind(beginning)
        .fetch_all(self.records.pool())
        .await?;
        let [row] = rows.as_slice() else {
            return Err(if rows.is_empty() {
                PaperDeskError::NotThere(beginning.to_owned())
            } else {
                PaperDeskError::Ambiguous(beginning.to_owned())
            });
        };
        let id = store::sixteen(row.try_get("id")?)?;
        let kept = store::paper(self.records.pool(), id).await?;
        self.shown(&kept.ok_or(PapersError::Damaged)?, clerks, register)
    }

    /// Lets the records go.
    pub async fn close(&self) {
        self.records.close().await;
    }

    fn shown(
        &self,
        kept: &KeptPaper,
        clerks: &[ClerkKey],
        register: &RegisterId,
    ) -> Result<ShownPaper, PaperDeskError> {
        let context = [b"paper note".as_slice(), &kept.id].concat();
        let note = self.records.key().unseal(&kept.note, &context);
        let note = note.ok().and_then(|note| String::from_utf8(note).ok());
        let note = note.ok_or(PapersError::Damaged)?;
        let (paper, entered_by): (Paper, &ClerkName) = Paper::read(&note, clerks, register)?;
        Ok(ShownPaper {
            id: kept.id,
            entered: EnteredPaper {
                entered_by: entered_by.clone(),
                entered_at: kept.entered_at,
                ended: kept.ended,
            },
            paper,
            note,
        })
    }

    fn sixteen_bytes(&self) -> [u8; 16] {
        let mut id = [0; 16];
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.fill_bytes(&mut id);
        id
    }
}
