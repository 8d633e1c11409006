//! Papers and words about them, on disk.

use innsyn_policy::{PaperEnd, Timestamp};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteExecutor, SqliteRow};

use super::PapersError;
use crate::records::Schema;

/// The tables of papers. Times are microseconds since 1970; notes are sealed, and opened with the
/// records' key alone.
pub const SCHEMA: Schema = Schema {
    name: "papers",
    steps: &["\
CREATE TABLE paper (
    id BLOB PRIMARY KEY,
    person BLOB NOT NULL,
    definition BLOB NOT NULL,
    note BLOB NOT NULL,
    entered_at INTEGER NOT NULL,
    ended INTEGER,
    ended_at INTEGER,
    word BLOB,
    change BLOB,
    told BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX paper_of_person ON paper (person);
CREATE INDEX paper_waiting ON paper (entered_at) WHERE ended IS NULL;
CREATE TABLE paper_word (
    id BLOB PRIMARY KEY,
    paper BLOB NOT NULL,
    enters INTEGER NOT NULL,
    said_at INTEGER NOT NULL,
    note BLOB,
    taken_at INTEGER,
    told TEXT,
    refused TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX paper_word_waiting ON paper_word (said_at) WHERE taken_at IS NULL;
"],
};

/// What a paper is called.
pub(super) type PaperId = [u8; 16];

/// A paper as it is kept.
#[derive(Debug)]
pub(super) struct KeptPaper {
    pub(super) id: PaperId,
    /// Sealed.
    pub(super) note: Vec<u8>,
    pub(super) entered_at: Timestamp,
    pub(super) ended: Option<PaperEnd>,
}

/// A word that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: [u8; 16],
    pub(super) paper: PaperId,
    /// Whether it enters the paper.
    pub(super) enters: bool,
    /// Sealed.
    pub(super) note: Vec<u8>,
}

const fn code_of(end: PaperEnd) -> i64 {
    match end {
        PaperEnd::Confirmed => 1,
        PaperEnd::Withdrawn => 2,
    }
}

fn end_of(code: Option<i64>) -> Result<Option<PaperEnd>, PapersError> {
    match code {
        None => Ok(None),
        Some(1) => Ok(Some(PaperEnd::Confirmed)),
        Some(2) => Ok(Some(PaperEnd::Withdrawn)),
        Some(_) => Err(PapersError::Damaged),
    }
}

pub(super) fn sixteen(bytes: Vec<u8>) -> Result<[u8; 16], PapersError> {
    bytes.try_into().map_err(|_| PapersError::Damaged)
}

fn kept(row: &SqliteRow) -> Result<KeptPaper, PapersError> {
    Ok(KeptPaper {
        id: sixteen(row.try_get("id")?)?,
        note: row.try_get("note")?,
        entered_at: Timestamp::from_micros(row.try_get("entered_at")?),
        ended: end_of(row.try_get("ended")?)?,
    })
}

const COLUMNS: &str = "SELECT id, note, entered_at, ended FROM paper";

/// The paper called `id`.
pub(super) async fn paper(
    on: impl SqliteExecutor<'_>,
    id: PaperId,
) -> Result<Option<KeptPaper>, PapersError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1")))
        .bind(id.as_slice())
        .fetch_optional(on)
        .await?;
    row.as_ref().map(kept).transpose()
}

/// The papers, the newest first; at most `limit`.
pub(super) async fn papers(
    on: impl SqliteExecutor<'_>,
    limit: u32,
) -> Result<Vec<KeptPaper>, PapersError> {
    let sql = format!("{COLUMNS} ORDER BY entered_at DESC, id LIMIT $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(i64::from(limit))
        .fetch_all(on)
        .await?;
    rows.iter().map(kept).collect()
}

/// Words that nobody has taken, in the order in which they were said.
pub(super) async fn waiting(
    on: impl SqliteExecutor<'_>,
    limit: u32,
) -> Result<Vec<Waiting>, PapersError> {
    let rows = sqlx::query(
        "SELECT id, paper, enters, note FROM paper_word WHERE taken_at IS NULL \
         ORDER BY said_at, id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(on)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                id: sixteen(row.try_get("id")?)?,
                paper: sixteen(row.try_get("paper")?)?,
                enters: row.try_get("enters")?,
                note: row
                    .try_get::<Option<_>, _>("note")?
                    .ok_or(PapersError::Damaged)?,
            })
        })
        .collect()
}

/// Ends a word: taken, with what the clerk is told, or refused.
pub(super) async fn end_word(
    on: impl SqliteExecutor<'_>,
    id: [u8; 16],
    now: Timestamp,
    said: Result<&str, &str>,
) -> Result<(), PapersError> {
    sqlx::query(
        "UPDATE paper_word SET taken_at = $2, told = $3, refused = $4, note = NULL \
         WHERE id = $1 AND taken_at IS NULL",
    )
    .bind(id.as_slice())
    .bind(now.as_micros())
    .bind(said.ok())
    .bind(said.err())
    .execute(on)
    .await?;
    Ok(())
}

/// Ends a paper; `told` is what its person is shown, sealed, where it became the setting `change`.
pub(super) async fn end_paper(
    on: impl SqliteExecutor<'_>,
    (id, end, now): (PaperId, PaperEnd, Timestamp),
    word: &[u8],
    change: Option<&[u8]>,
    told: Option<&[u8]>,
) -> Result<(), PapersError> {
    sqlx::query(
        "UPDATE paper SET ended = $2, ended_at = $3, word = $4, change = $5, told = $6 \
         WHERE id = $1",
    )
    .bind(id.as_slice())
    .bind(code_of(end))
    .bind(now.as_micros())
    .bind(word)
    .bind(change)
    .bind(told)
    .execute(on)
    .await?;
    Ok(())
}
