//! The archive of signed mandates: the proof of every change that somebody made for somebody else.
//!
//! Whoever takes an act on a power of attorney must keep the signed mandate. It stands here, sealed,
//! beside the change that it was for, in the same transaction.

use innsyn_policy::{NationalId, Timestamp};
use innsyn_proto::mandate::SignedMandate;
use innsyn_proto::setting::{Change, ChangeId};
use rand::rngs::StdRng;
use sqlx::{Sqlite, Transaction};

use super::kept::KeepError;
use crate::records::{Records, Schema};

/// The table of the archive.
pub const SCHEMA: Schema = Schema {
    name: "proofs",
    steps: &["\
CREATE TABLE setting_proof (
    writer TEXT NOT NULL,
    change BLOB NOT NULL,
    person BLOB NOT NULL,
    proof BLOB NOT NULL,
    archived_at INTEGER NOT NULL,
    PRIMARY KEY (writer, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX setting_proof_of_person ON setting_proof (person);
"],
};

/// Archives the mandate of `change`, if it came with one.
pub(super) async fn archive(
    writing: &mut Transaction<'static, Sqlite>,
    records: &Records,
    writer: &str,
    change: &Change,
    now: Timestamp,
) -> Result<(), KeepError> {
    let Some(proof) = change.acted_as.proof() else {
        return Ok(());
    };
    let key = records.key();
    let sealed = sealed(records, change.id, proof);
    sqlx::query(
        "INSERT INTO setting_proof (writer, change, person, proof, archived_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (writer, change) DO NOTHING",
    )
    .bind(writer)
    .bind(&change.id.0[..])
    .bind(&key.code(&change.person).0[..])
    .bind(sealed)
    .bind(now.as_micros())
    .execute(&mut **writing)
    .await?;
    Ok(())
}

/// The mandates by which others have changed settings of `person`, the oldest first.
pub async fn proofs_of(
    records: &Records,
    person: &NationalId,
) -> Result<Vec<(ChangeId, SignedMandate)>, KeepError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT change, proof FROM setting_proof WHERE person = $1 ORDER BY archived_at, change",
    )
    .bind(&records.key().code(person).0[..])
    .fetch_all(records.pool())
    .await?;
    rows.into_iter()
        .map(|(change, sealed)| {
            let change = ChangeId(change.try_into().map_err(|_| KeepError::Damaged)?);
            Ok((change, unsealed(records, change, &sealed)?))
        })
        .collect()
}

/// The mandate of `change`, as it is archived.
pub(super) fn sealed(records: &Records, change: ChangeId, proof: &SignedMandate) -> Vec<u8> {
    let mut random: StdRng = rand::make_rng();
    let key = records.key();
    key.seal(proof.expose().as_bytes(), &context(change), &mut random)
}

/// The archived mandate of `change`.
pub(super) fn unsealed(
    records: &Records,
    change: ChangeId,
    sealed: &[u8],
) -> Result<SignedMandate, KeepError> {
    let proof = records.key().unseal(sealed, &context(change)).ok();
    let proof = proof.and_then(|text| String::from_utf8(text).ok());
    let proof = proof.and_then(|text| SignedMandate::parse(&text).ok());
    proof.ok_or(KeepError::Damaged)
}

/// What a sealed mandate is bound to.
fn context(change: ChangeId) -> Vec<u8> {
    [b"setting proof".as_slice(), &change.0].concat()
}
