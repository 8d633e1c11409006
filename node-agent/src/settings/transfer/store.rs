//! Words, frames and staged changes, on disk.

use std::time::Duration;

use innsyn_policy::{DefinitionId, NationalId, Organisation, Timestamp};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteExecutor, SqliteRow};

use super::TransferError;
use crate::records::{PersonCode, Records, Schema};
use crate::settings::kept::KeepError;
use crate::settings::proofs;

/// The tables of transfers. Times are microseconds since 1970. Frames are sealed: those of exports
/// and imports to the recipient, those of own lists with the records' key.
pub const SCHEMA: Schema = Schema {
    name: "settings_transfer",
    steps: &["\
CREATE TABLE setting_transfer (
    id BLOB PRIMARY KEY,
    recipient TEXT,
    said_at INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0,
    taken_at INTEGER,
    told TEXT,
    refused TEXT,
    register TEXT,
    changes INTEGER,
    digest BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX setting_transfer_waiting ON setting_transfer (said_at) WHERE taken_at IS NULL;
CREATE TABLE setting_transfer_frame (
    transfer BLOB NOT NULL,
    own INTEGER NOT NULL,
    number INTEGER NOT NULL,
    frame BLOB NOT NULL,
    PRIMARY KEY (transfer, own, number)
) STRICT;
CREATE TABLE setting_staged (
    number INTEGER PRIMARY KEY,
    writer TEXT NOT NULL,
    change BLOB NOT NULL,
    person BLOB NOT NULL,
    definition BLOB NOT NULL,
    text_version INTEGER NOT NULL,
    acting BLOB NOT NULL,
    acted_as TEXT NOT NULL,
    organisation TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    active INTEGER NOT NULL,
    until INTEGER,
    said_at INTEGER NOT NULL,
    proof BLOB,
    is_made INTEGER NOT NULL,
    UNIQUE (writer, change)
) STRICT;
"],
};

/// The columns of a change, the same in `setting_change` and `setting_staged`.
pub(super) const COLUMNS: &str = "writer, change, person, definition, text_version, acting, \
                                  acted_as, organisation, sequence, active, until, said_at";

/// How long frames that nobody has come for are kept, and those of a command that did not end.
const FRAMES_KEPT_FOR: Duration = Duration::from_hours(24);

/// What a transfer is called.
pub(super) type TransferId = [u8; 16];

/// A command's word that waits.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) id: TransferId,
    /// Whom to export to; an import has none.
    pub(super) recipient: Option<String>,
}

/// The next word that nobody has taken; imports only if `imports`.
pub(super) async fn waiting(
    records: &Records,
    imports: bool,
) -> Result<Option<Word>, TransferError> {
    let row = sqlx::query(
        "SELECT id, recipient FROM setting_transfer WHERE taken_at IS NULL AND ready = 1 \
         AND (recipient IS NOT NULL OR $1) ORDER BY said_at, id LIMIT 1",
    )
    .bind(imports)
    .fetch_optional(records.pool())
    .await?;
    row.map(|row| {
        Ok(Word {
            id: sixteen(row.try_get("id")?)?,
            recipient: row.try_get("recipient")?,
        })
    })
    .transpose()
}

pub(super) fn sixteen(bytes: Vec<u8>) -> Result<[u8; 16], TransferError> {
    bytes.try_into().map_err(|_| TransferError::Damaged)
}

/// The agent is at it.
pub(super) async fn begin(records: &Records, id: &TransferId) -> Result<(), TransferError> {
    let mut writing = records.write().await?;
    sqlx::query("UPDATE setting_transfer SET begun = 1 WHERE id = $1")
        .bind(&id[..])
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// Ends a word: it is not done.
pub(super) async fn refuse(
    records: &Records,
    id: &TransferId,
    why: &str,
    now: Timestamp,
) -> Result<(), TransferError> {
    let mut writing = records.write().await?;
    sqlx::query("DELETE FROM setting_transfer_frame WHERE transfer = $1")
        .bind(&id[..])
        .execute(&mut *writing)
        .await?;
    sqlx::query(
        "UPDATE setting_transfer SET taken_at = $2, refused = $3, recipient = NULL WHERE id = $1",
    )
    .bind(&id[..])
    .bind(now.as_micros())
    .bind(why)
    .execute(&mut *writing)
    .await?;
    writing.commit().await?;
    Ok(())
}

/// Puts a frame beside the others of its transfer.
pub(super) async fn put_frame(
    on: impl SqliteExecutor<'_>,
    id: &TransferId,
    (own, number): (bool, i64),
    frame: &[u8],
) -> Result<(), TransferError> {
    sqlx::query(
        "INSERT INTO setting_transfer_frame (transfer, own, number, frame) VALUES ($1, $2, $3, $4)",
    )
    .bind(&id[..])
    .bind(own)
    .bind(number)
    .bind(frame)
    .execute(on)
    .await?;
    Ok(())
}

/// One frame of a transfer.
pub(super) async fn frame(
    on: impl SqliteExecutor<'_>,
    id: &TransferId,
    (own, number): (bool, i64),
) -> Result<Option<Vec<u8>>, TransferError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT frame FROM setting_transfer_frame WHERE transfer = $1 AND own = $2 AND number = $3",
    )
    .bind(&id[..])
    .bind(own)
    .bind(number)
    .fetch_optional(on)
    .await?;
    Ok(row.map(|(frame,)| frame))
}

/// Forgets the frames of `id`.
pub(super) async fn drop_frames(
    on: impl SqliteExecutor<'_>,
    id: &TransferId,
) -> Result<(), TransferError> {
    sqlx::query("DELETE FROM setting_transfer_frame WHERE transfer = $1")
        .bind(&id[..])
        .execute(on)
        .await?;
    Ok(())
}

/// Forgets what was staged of `id`.
pub(super) async fn drop_staged(records: &Records, _of: &TransferId) -> Result<(), TransferError> {
    let mut writing = records.write().await?;
    sqlx::query("DELETE FROM setting_staged")
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// Forgets frames that nobody needs any more.
pub(super) async fn forget(records: &Records, now: Timestamp) -> Result<(), TransferError> {
    let before = now.minus(FRAMES_KEPT_FOR).as_micros();
    let mut writing = records.write().await?;
    sqlx::query(
        "DELETE FROM setting_transfer_frame WHERE transfer IN (SELECT id FROM setting_transfer \
         WHERE taken_at < $1 OR ready = 0 AND said_at < $1)",
    )
    .bind(before)
    .execute(&mut *writing)
    .await?;
    sqlx::query("DELETE FROM setting_transfer WHERE ready = 0 AND said_at < $1")
        .bind(before)
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// Puts `change`, which `writer` has brought, beside the others that are imported together.
pub(super) async fn stage(
    on: impl SqliteExecutor<'_>,
    records: &Records,
    (writer, said_at, is_made): (&str, Timestamp, bool),
    change: &Change,
) -> Result<(), TransferError> {
    let key = records.key();
    let proof = change
        .acted_as
        .proof()
        .map(|proof| proofs::sealed(records, change.id, proof));
    sqlx::query(
        "INSERT INTO setting_staged (writer, change, person, definition, text_version, acting, \
         acted_as, organisation, sequence, active, until, said_at, proof, is_made) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (writer, change) DO NOTHING",
    )
    .bind(writer)
    .bind(&change.id.0[..])
    .bind(&key.code(&change.person).0[..])
    .bind(&change.definition.bytes()[..])
    .bind(i64::from(change.text_version))
    .bind(&key.code(&change.by).0[..])
    .bind(change.acted_as.name())
    .bind(change.organisation.as_str())
    .bind(change.sequence)
    .bind(change.active)
    .bind(change.until.map(Timestamp::as_micros))
    .bind(said_at.as_micros())
    .bind(proof)
    .bind(is_made)
    .execute(on)
    .await?;
    Ok(())
}

/// The change in a row that has [`COLUMNS`] and `proof`, and when it was said. Of a parent, when the
/// child was born is not kept.
pub(super) fn change_of(
    row: &SqliteRow,
    records: &Records,
) -> Result<(Change, Timestamp), TransferError> {
    let person = |column| -> Result<NationalId, TransferError> {
        let code = PersonCode(sixteen(row.try_get(column)?)?);
        records.key().person(code).ok_or(TransferError::Damaged)
    };
    let id = ChangeId(sixteen(row.try_get("change")?)?);
    let proof: Option<Vec<u8>> = row.try_get("proof")?;
    let proof = proof
        .map(|sealed| proofs::unsealed(records, id, &sealed))
        .transpose()?;
    let acted_as = match (row.try_get::<&str, _>("acted_as")?, proof) {
        ("own", None) => ActedAs::Own,
        ("parent", None) => ActedAs::Parent(None),
        ("guardian", Some(proof)) => ActedAs::Guardian(proof),
        ("power-of-attorney", Some(proof)) => ActedAs::PowerOfAttorney(proof),
        _ => return Err(KeepError::Damaged.into()),
    };
    let organisation = Organisation::parse(row.try_get("organisation")?);
    let until: Option<i64> = row.try_get("until")?;
    let change = Change {
        id,
        definition: DefinitionId::from_bytes(sixteen(row.try_get("definition")?)?),
        text_version: u32::try_from(row.try_get::<i64, _>("text_version")?)
            .map_err(|_| TransferError::Damaged)?,
        person: person("person")?,
        by: person("acting")?,
        organisation: organisation.map_err(|_| TransferError::Damaged)?,
        acted_as,
        sequence: row.try_get("sequence")?,
        active: row.try_get("active")?,
        until: until.map(Timestamp::from_micros),
    };
    let said_at = Timestamp::from_micros(row.try_get("said_at")?);
    Ok((change, said_at))
}
