//! What was staged is logged, and then counts all at once.

use std::collections::BTreeMap;

use innsyn_policy::{DefinitionId, SettingKind, Timestamp, UseDecision};
use innsyn_proto::identity::GatewayName;
use sqlx::{Row as _, Sqlite, Transaction};

use super::exporting::numbers_text;
use super::importing::Staged;
use super::store::{self, COLUMNS, Word};
use super::{ROWS_AT_ONCE, TransferError, Transfers};
use crate::records::PersonCode;
use crate::settings::kept::{Said, is_logged, use_of};

impl Transfers {
    /// Logs what was staged, and has it count: settings and numbers in one write.
    pub(super) async fn apply(&self, word: &Word, staged: &Staged) -> Result<(), TransferError> {
        let (keeper, records, now) = (&self.keeper, self.keeper.records(), self.keeper.now());
        // Nothing is taken from mailboxes meanwhile, so that nothing is logged twice.
        let held = keeper.hold().await;
        let new = self.log_staged(now).await?;
        let numbers: BTreeMap<_, _> = staged
            .gateways
            .iter()
            .map(|(gateway, number)| {
                let before_waiting = held.first_waiting(gateway).map(|first| first - 1);
                let to = before_waiting.map_or(*number, |it| it.min(*number));
                (gateway.clone(), to)
            })
            .collect();
        let mut writing = records.write().await?;
        self.write_staged(&mut writing, now).await?;
        write_numbers(&mut writing, &numbers, &staged.gateways).await?;
        let from = &staged.export.from;
        sqlx::query(
            "UPDATE setting_transfer SET taken_at = $2, told = $3, register = $4, changes = $5, \
             digest = $6 WHERE id = $1",
        )
        .bind(&word.id[..])
        .bind(now.as_micros())
        .bind(format!(
            "{new} changes were new, of {} from `{from}` and {} of the register's own; whole up to \
             {}",
            staged.export.changes,
            staged.own,
            numbers_text(&staged.gateways)
        ))
        .bind(from.as_str())
        .bind(staged.export.changes.cast_signed())
        .bind(&staged.export.digest[..])
        .execute(&mut *writing)
        .await?;
        store::drop_frames(&mut *writing, &word.id).await?;
        writing.commit().await?;
        self.note_staged(now).await?;
        for (gateway, number) in &numbers {
            keeper.kept().currency().applied(gateway, *number);
        }
        drop(held);
        tracing::info!(
            from.register = %from,
            changes = staged.export.changes,
            own = staged.own,
            new,
            "settings of national definitions imported"
        );
        store::drop_staged(records, &word.id).await?;
        // What has waited for a number follows now.
        keeper.take([]).await?;
        Ok(())
    }

    /// Logs the staged changes that are not here; gives how many these are.
    async fn log_staged(&self, now: Timestamp) -> Result<u64, TransferError> {
        let (records, log) = (self.keeper.records(), self.keeper.log());
        let (mut after, mut new) = (0_i64, 0);
        loop {
            let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT number, {COLUMNS}, proof FROM setting_staged AS staged \
                 WHERE number > $1 AND NOT EXISTS (SELECT 1 FROM setting_change AS here \
                 WHERE here.writer = staged.writer AND here.change = staged.change) \
                 ORDER BY number LIMIT $2"
            )))
            .bind(after)
            .bind(ROWS_AT_ONCE)
            .fetch_all(records.pool())
            .await?;
            let Some(last) = rows.last() else {
                return Ok(new);
            };
            after = last.try_get("number")?;
            let mut uses = Vec::with_capacity(rows.len());
            for row in &rows {
                let (change, said_at) = store::change_of(row, records)?;
                let decision = self.decided(&change, said_at)?;
                new += u64::from(decision == UseDecision::Answered);
                // An earlier try may have logged it, or the agent before it lost its records; and a
                // refused change leaves no row by which it is known to be here.
                if !is_logged(log, &change, decision).await {
                    uses.push(use_of(&change, decision, now));
                }
            }
            if !uses.is_empty() {
                log.append(uses).await?;
            }
        }
    }

    /// Writes the staged changes, and what stands by the rule of [`KeptSettings`].
    ///
    /// [`KeptSettings`]: crate::settings::KeptSettings
    async fn write_staged(
        &self,
        writing: &mut Transaction<'static, Sqlite>,
        now: Timestamp,
    ) -> Result<(), TransferError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO setting_change ({COLUMNS}, taken_at) SELECT {COLUMNS}, $1 \
             FROM setting_staged WHERE is_made = 1 ORDER BY number \
             ON CONFLICT (writer, change) DO NOTHING"
        )))
        .bind(now.as_micros())
        .execute(&mut **writing)
        .await?;
        sqlx::query(
            "INSERT INTO setting_proof (writer, change, person, proof, archived_at) \
             SELECT writer, change, person, proof, $1 FROM setting_staged \
             WHERE is_made = 1 AND proof IS NOT NULL ON CONFLICT (writer, change) DO NOTHING",
        )
        .bind(now.as_micros())
        .execute(&mut **writing)
        .await?;
        let definitions: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT DISTINCT definition FROM setting_staged WHERE is_made = 1")
                .fetch_all(&mut **writing)
                .await?;
        for (definition,) in definitions {
            let id = DefinitionId::from_bytes(store::sixteen(definition)?);
            let known = self.keeper.kept().definitions().get(&id);
            let yes_is_active = known.is_none_or(|it| it.kind == SettingKind::Consent);
            // INVARIANT: the same rule as `KeptSettings::wins`, which a test holds it to.
            sqlx::query(
                "INSERT INTO setting (person, definition, sequence, active, since, until, change) \
                 SELECT person, definition, sequence, active, said_at, until, change \
                 FROM setting_staged WHERE is_made = 1 AND definition = $1 ORDER BY number \
                 ON CONFLICT (person, definition) DO UPDATE SET sequence = excluded.sequence, \
                 active = excluded.active, since = excluded.since, until = excluded.until, \
                 change = excluded.change WHERE excluded.sequence > setting.sequence \
                 OR (excluded.sequence = setting.sequence AND excluded.change <> setting.change \
                     AND (excluded.active <> $2 OR setting.active = $2))",
            )
            .bind(&id.bytes()[..])
            .bind(yes_is_active)
            .execute(&mut **writing)
            .await?;
        }
        Ok(())
    }

    /// What was staged and stands binds from now on.
    async fn note_staged(&self, now: Timestamp) -> Result<(), TransferError> {
        let records = self.keeper.records();
        let mut after = 0_i64;
        loop {
            type Standing = (i64, Vec<u8>, Vec<u8>, i64, bool, i64, Option<i64>);
            let rows: Vec<Standing> = sqlx::query_as(
                "SELECT staged.number, standing.person, standing.definition, standing.sequence, \
                 standing.active, standing.since, standing.until FROM setting_staged AS staged \
                 JOIN setting AS standing ON standing.person = staged.person \
                 AND standing.definition = staged.definition AND standing.change = staged.change \
                 WHERE staged.number > $1 ORDER BY staged.number LIMIT $2",
            )
            .bind(after)
            .bind(ROWS_AT_ONCE)
            .fetch_all(records.pool())
            .await?;
            let Some((last, ..)) = rows.last() else {
                return Ok(());
            };
            after = *last;
            let mut notes = Vec::with_capacity(rows.len());
            for (_, person, definition, sequence, active, since, until) in rows {
                let person = records.key().person(PersonCode(store::sixteen(person)?));
                let said = Said {
                    definition: DefinitionId::from_bytes(store::sixteen(definition)?),
                    sequence,
                    active,
                    since: Timestamp::from_micros(since),
                    until: until.map(Timestamp::from_micros),
                };
                notes.push((person.ok_or(TransferError::Damaged)?, said));
            }
            self.keeper.kept().bind_unless_later(notes, now);
        }
    }
}

/// Writes up to where each gateway's items count as applied, and up to where its national settings
/// are here.
async fn write_numbers(
    writing: &mut Transaction<'static, Sqlite>,
    applied: &BTreeMap<GatewayName, u64>,
    here: &BTreeMap<GatewayName, u64>,
) -> Result<(), TransferError> {
    for (gateway, number) in applied {
        sqlx::query(
            "INSERT INTO setting_delivery (gateway, applied) VALUES ($1, $2) \
             ON CONFLICT (gateway) DO UPDATE SET applied = max(applied, excluded.applied)",
        )
        .bind(gateway.to_string())
        .bind(number.cast_signed())
        .execute(&mut **writing)
        .await?;
    }
    for (gateway, number) in here {
        sqlx::query(
            "INSERT INTO setting_brought_up (gateway, up_to) VALUES ($1, $2) \
             ON CONFLICT (gateway) DO UPDATE SET up_to = max(up_to, excluded.up_to)",
        )
        .bind(gateway.to_string())
        .bind(number.cast_signed())
        .execute(&mut **writing)
        .await?;
    }
    Ok(())
}
