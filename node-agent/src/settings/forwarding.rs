//! What people have said here of definitions that are written elsewhere, until it is said there.
//!
//! What holds:
//!
//! - **It is on disk in the same write** that says to the gateway that it was taken.
//! - **In order**: of one person and definition, nothing is said before what came before it.
//! - **What stood elsewhere when it was first tried is remembered**, so that a try whose answer was
//!   lost is not made again.

use innsyn_policy::{DefinitionId, NationalId, Organisation, Timestamp};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use sqlx::{Sqlite, Transaction};

use super::kept::{KeepError, Writer};
use crate::records::{PersonCode, Records, Schema};

/// The table of what is on its way.
pub const SCHEMA: Schema = Schema {
    name: "settings_elsewhere",
    steps: &["\
        CREATE TABLE setting_forward ( \
            number INTEGER PRIMARY KEY AUTOINCREMENT, \
            writer TEXT NOT NULL, \
            change BLOB NOT NULL, \
            person BLOB NOT NULL, \
            definition BLOB NOT NULL, \
            text_version INTEGER NOT NULL, \
            acting BLOB NOT NULL, \
            acted_as TEXT NOT NULL, \
            organisation TEXT NOT NULL, \
            sequence INTEGER NOT NULL, \
            active INTEGER NOT NULL, \
            until INTEGER, \
            stood INTEGER, \
            own INTEGER, \
            refused INTEGER NOT NULL DEFAULT 0, \
            UNIQUE (writer, change) \
        ) STRICT"],
};

/// Something that is to be said elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Forward {
    /// Its place in the row.
    pub number: i64,
    /// What was said here.
    pub change: Change,
    /// The sequence that stood elsewhere when this was first tried; `None` if it never was.
    pub stood: Option<i64>,
    /// The sequence elsewhere that what was said before it here has led to, if anything has.
    pub own: Option<i64>,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// How much is on its way, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnTheirWay {
    /// Not said elsewhere yet.
    pub waiting: u64,
    /// Refused there, and kept here until somebody looks.
    pub refused: u64,
}

/// Puts `change` last in the row; once, however often it comes.
pub(super) async fn put(
    writing: &mut Transaction<'static, Sqlite>,
    records: &Records,
    writer: &Writer,
    change: &Change,
) -> Result<(), KeepError> {
    let (person, acting) = (
        records.key().code(&change.person),
        records.key().code(&change.by),
    );
    sqlx::query(
        "INSERT INTO setting_forward (writer, change, person, definition, text_version, acting, \
         acted_as, organisation, sequence, active, until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (writer, change) DO NOTHING",
    )
    .bind(writer.to_string())
    .bind(&change.id.0[..])
    .bind(&person.0[..])
    .bind(&change.definition.bytes()[..])
    .bind(i64::from(change.text_version))
    .bind(&acting.0[..])
    .bind(change.acted_as.name())
    .bind(change.organisation.as_str())
    .bind(change.sequence)
    .bind(change.active)
    .bind(change.until.map(Timestamp::as_micros))
    .execute(&mut **writing)
    .await?;
    Ok(())
}

type Row = (
    i64,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    i64,
    Vec<u8>,
    String,
    String,
    i64,
    bool,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

const COLUMNS: &str = "number, change, person, definition, text_version, acting, acted_as, \
                       organisation, sequence, active, until, stood, own";

/// The first `at_most` of what waits.
pub async fn waiting(records: &Records, at_most: u32) -> Result<Vec<Forward>, KeepError> {
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM setting_forward WHERE refused = 0 ORDER BY number LIMIT $1"
    )))
    .bind(i64::from(at_most))
    .fetch_all(records.pool())
    .await?;
    rows.iter().map(|row| read(row, records)).collect()
}

/// The last that was tried of what `person` has said of `definition`.
pub async fn tried_of(
    records: &Records,
    person: &NationalId,
    definition: &DefinitionId,
) -> Result<Option<Forward>, KeepError> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM setting_forward WHERE person = $1 AND definition = $2 \
         AND stood IS NOT NULL AND refused = 0 ORDER BY number DESC LIMIT 1"
    )))
    .bind(&records.key().code(person).0[..])
    .bind(&definition.bytes()[..])
    .fetch_optional(records.pool())
    .await?;
    row.as_ref().map(|row| read(row, records)).transpose()
}

/// Remembers that `stood` was the sequence elsewhere before `forward` was tried.
pub async fn tries(records: &Records, forward: &Forward, stood: i64) -> Result<(), KeepError> {
    let mut writing = records.write().await?;
    sqlx::query("UPDATE setting_forward SET stood = $2 WHERE number = $1")
        .bind(forward.number)
        .bind(stood)
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// `forward` is said elsewhere, or something later is, and stands there at `sequence`: it is
/// forgotten here, and what waits behind it knows whose sequence that is.
pub async fn said(records: &Records, forward: &Forward, sequence: i64) -> Result<(), KeepError> {
    let mut writing = records.write().await?;
    sqlx::query("UPDATE setting_forward SET own = $3 WHERE person = $1 AND definition = $2")
        .bind(&records.key().code(&forward.change.person).0[..])
        .bind(&forward.change.definition.bytes()[..])
        .bind(sequence)
        .execute(&mut *writing)
        .await?;
    sqlx::query("DELETE FROM setting_forward WHERE number = $1")
        .bind(forward.number)
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// `forward` is refused elsewhere, for good.
pub async fn refused(records: &Records, forward: &Forward) -> Result<(), KeepError> {
    let mut writing = records.write().await?;
    sqlx::query("UPDATE setting_forward SET refused = 1 WHERE number = $1")
        .bind(forward.number)
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(())
}

/// How much there is.
pub async fn on_their_way(records: &Records) -> Result<OnTheirWay, KeepError> {
    let (waiting, refused): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE refused = 0), count(*) FILTER (WHERE refused = 1) \
         FROM setting_forward",
    )
    .fetch_one(records.pool())
    .await?;
    Ok(OnTheirWay {
        waiting: waiting.unsigned_abs(),
        refused: refused.unsigned_abs(),
    })
}

fn read(row: &Row, records: &Records) -> Result<Forward, KeepError> {
    let (number, change, person, definition, text_version, acting, acted_as, organisation, ..) =
        &row;
    let (.., sequence, active, until, stood, own) = row;
    let person_of = |code: &[u8]| {
        let code = <[u8; 16]>::try_from(code).ok().map(PersonCode);
        code.and_then(|code| records.key().person(code))
    };
    let change = || {
        Some(Change {
            id: ChangeId(change.as_slice().try_into().ok()?),
            definition: DefinitionId::from_bytes(definition.as_slice().try_into().ok()?),
            text_version: u32::try_from(*text_version).ok()?,
            person: person_of(person)?,
            by: person_of(acting)?,
            organisation: Organisation::parse(organisation).ok()?,
            acted_as: ActedAs::parse(acted_as)?,
            sequence: *sequence,
            active: *active,
            until: until.map(Timestamp::from_micros),
        })
    };
    Ok(Forward {
        number: *number,
        change: change().ok_or(KeepError::Damaged)?,
        stood: *stood,
        own: *own,
    })
}
