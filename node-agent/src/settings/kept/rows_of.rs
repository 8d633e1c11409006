//! Whoever has said something of one definition, read from disk, where persons have their names.

use std::collections::HashMap;

use innsyn_policy::{DefinitionId, NationalId, Timestamp};

use super::{KeepError, KeptSettings, Said};
use crate::records::{PersonCode, Records};

type Stored = (Vec<u8>, i64, bool, i64, Option<i64>);

impl KeptSettings {
    /// What everybody has said of `definition`, as it stands.
    pub async fn of_definition(
        &self,
        definition: &DefinitionId,
        records: &Records,
    ) -> Result<HashMap<NationalId, Said>, KeepError> {
        let rows: Vec<Stored> = sqlx::query_as(
            "SELECT person, sequence, active, since, until FROM setting WHERE definition = $1",
        )
        .bind(&definition.bytes()[..])
        .fetch_all(records.pool())
        .await?;
        rows.into_iter()
            .map(|row| read(definition, row, records))
            .collect()
    }

    /// The same of at most `at_most` persons, drawn anew each time.
    pub async fn some_of_definition(
        &self,
        definition: &DefinitionId,
        at_most: u32,
        records: &Records,
    ) -> Result<HashMap<NationalId, Said>, KeepError> {
        let rows: Vec<Stored> = sqlx::query_as(
            "SELECT person, sequence, active, since, until FROM setting WHERE definition = $1 \
             ORDER BY random() LIMIT $2",
        )
        .bind(&definition.bytes()[..])
        .bind(i64::from(at_most))
        .fetch_all(records.pool())
        .await?;
        rows.into_iter()
            .map(|row| read(definition, row, records))
            .collect()
    }
}

fn read(
    definition: &DefinitionId,
    (person, sequence, active, since, until): Stored,
    records: &Records,
) -> Result<(NationalId, Said), KeepError> {
    let code = <[u8; 16]>::try_from(person).ok().map(PersonCode);
    let person = code
        .and_then(|code| records.key().person(code))
        .ok_or(KeepError::Damaged)?;
    let said = Said {
        definition: *definition,
        sequence,
        active,
        since: Timestamp::from_micros(since),
        until: until.map(Timestamp::from_micros),
    };
    Ok((person, said))
}
