//! What a person is shown of settings of theirs that came from paper.

use std::collections::HashMap;

use innsyn_policy::{DefinitionId, NationalId, QuestionId};
use innsyn_proto::setting::paper::PaperUse;

use super::{PapersError, store};
use crate::records::Records;

/// What the sealed words are bound to.
pub(super) fn context(change: &[u8; 16]) -> Vec<u8> {
    [b"paper told".as_slice(), change].concat()
}

/// Of every setting of `person` that came from paper, by its question in the log of use.
pub async fn told_of(
    records: &Records,
    person: &NationalId,
) -> Result<HashMap<QuestionId, PaperUse>, PapersError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT change, told FROM paper WHERE person = $1 AND change IS NOT NULL \
         AND told IS NOT NULL",
    )
    .bind(&records.key().code(person).0[..])
    .fetch_all(records.pool())
    .await?;
    let told = rows.into_iter().map(|(change, sealed)| {
        let change = store::sixteen(change)?;
        Ok((QuestionId(change), opened(records, &change, &sealed)?))
    });
    told.collect()
}

/// Of those settings of `person` that stand and came from paper, by definition.
pub async fn standing_of(
    records: &Records,
    person: &NationalId,
) -> Result<HashMap<DefinitionId, PaperUse>, PapersError> {
    let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT setting.definition, paper.change, paper.told FROM setting \
         JOIN paper ON paper.person = setting.person AND paper.change = setting.change \
         WHERE setting.person = $1 AND paper.told IS NOT NULL",
    )
    .bind(&records.key().code(person).0[..])
    .fetch_all(records.pool())
    .await?;
    let told = rows.into_iter().map(|(definition, change, sealed)| {
        let change = store::sixteen(change)?;
        let definition = DefinitionId::from_bytes(store::sixteen(definition)?);
        Ok((definition, opened(records, &change, &sealed)?))
    });
    told.collect()
}

fn opened(records: &Records, change: &[u8; 16], sealed: &[u8]) -> Result<PaperUse, PapersError> {
    let told = records.key().unseal(sealed, &context(change));
    let told = told.map_err(|_| PapersError::Damaged)?;
    PaperUse::of_bytes(&told).ok_or(PapersError::Damaged)
}
