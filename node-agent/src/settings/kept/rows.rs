//! Settings on disk, and how they are taken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use innsyn_policy::{
    Clock, DefinitionId, DenyReason, NationalId, PersonUse, QuestionId, Representation,
    SettingKind, Timestamp, UseDecision, UseRecord,
};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::setting::{ActedAs, Change, Item};
use sqlx::{Sqlite, Transaction};

use super::{KeptSettings, Said};
use crate::records::{PersonCode, Records, RecordsError, Schema};
use crate::settings::forwarding;
use crate::settings::proofs;
use crate::settings::representing::{JudgeError, request_of};
use crate::uselog::{LogUnavailableError, UseLog};

/// The tables of settings.
pub const SCHEMA: Schema = Schema {
    name: "settings",
    steps: &[
        "\
        CREATE TABLE setting ( \
            person BLOB NOT NULL, \
            definition BLOB NOT NULL, \
            sequence INTEGER NOT NULL, \
            active INTEGER NOT NULL, \
            since INTEGER NOT NULL, \
            until INTEGER, \
            change BLOB NOT NULL, \
            PRIMARY KEY (person, definition) \
        ) STRICT, WITHOUT ROWID; \
        CREATE TABLE setting_change ( \
            number INTEGER PRIMARY KEY, \
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
            said_at INTEGER NOT NULL, \
            taken_at INTEGER NOT NULL, \
            UNIQUE (writer, change) \
        ) STRICT; \
        CREATE INDEX setting_change_of_person ON setting_change (person); \
        CREATE TABLE setting_delivery ( \
            gateway TEXT PRIMARY KEY, \
            applied INTEGER NOT NULL \
        ) STRICT, WITHOUT ROWID",
        "\
        CREATE TABLE setting_brought_up ( \
            gateway TEXT PRIMARY KEY, \
            up_to INTEGER NOT NULL \
        ) STRICT, WITHOUT ROWID",
    ],
};

/// Why settings are not taken or read. Nothing of them is in effect then that was not before.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The records fail.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The log of use fails; what is not logged is not done.
    #[error(transparent)]
    Log(#[from] LogUnavailableError),
    /// Whose change it is to make cannot be told now.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// A row is not one that was written here.
    #[error("a setting in the agent's records cannot be read; restore them from a copy")]
    Damaged,
    /// Somebody else writes settings of this definition.
    #[error(
        "settings of this definition are written elsewhere, and only there; have it said there \
         (`pvk.definitions` names them)"
    )]
    WrittenElsewhere,
}

impl From<sqlx::Error> for KeepError {
    fn from(error: sqlx::Error) -> Self {
        Self::Records(error.into())
    }
}

/// Who brought a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A gateway, for a citizen.
    Gateway(GatewayName),
    /// Personvernkomponenten.
    Pvk,
    /// A clerk of the register, from paper.
    Clerk,
    /// The register, which has accepted a case.
    Case,
    /// The register's own list, when its agent was brought up.
    List,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(name) => write!(f, "gateway:{name}"),
            Self::Pvk => f.write_str("pvk"),
            Self::Clerk => f.write_str("clerk"),
            Self::Case => f.write_str("case"),
            Self::List => f.write_str("list"),
        }
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenItem {
    /// It was the next, and is applied.
    Applied,
    /// It was applied before.
    Before,
    /// One before it is missing.
    AfterGap,
}

/// A setting as it stands in its row: sequence, active, change, and who brought it.
type Row = (i64, bool, Vec<u8>, Option<String>);

impl KeptSettings {
    /// Reads what is on disk.
    pub async fn load(&self, records: &Records) -> Result<(), KeepError> {
        type Stored = (Vec<u8>, Vec<u8>, i64, bool, i64, Option<i64>);
        let rows: Vec<Stored> = sqlx::query_as(
            "SELECT person, definition, sequence, active, since, until FROM setting",
        )
        .fetch_all(records.pool())
        .await?;
        for (person, definition, sequence, active, since, until) in rows {
            let person = <[u8; 16]>::try_from(person).ok().map(PersonCode);
            let person = person
                .and_then(|code| records.key().person(code))
                .ok_or(KeepError::Damaged)?;
            let definition = definition.try_into().map_err(|_| KeepError::Damaged)?;
            let said = Said {
                definition: DefinitionId::from_bytes(definition),
                sequence,
                active,
                since: Timestamp::from_micros(since),
                until: until.map(Timestamp::from_micros),
            };
            self.note([(person, said)]);
        }
        let applied: Vec<(String, i64)> =
            sqlx::query_as("SELECT gateway, applied FROM setting_delivery")
                .fetch_all(records.pool())
                .await?;
        for (gateway, number) in applied {
            let gateway = gateway.parse().map_err(|_| KeepError::Damaged)?;
            let number = u64::try_from(number).map_err(|_| KeepError::Damaged)?;
            self.currency().applied(&gateway, number);
        }
        Ok(())
    }

    /// Applies `items` of one gateway, each if it is the next; tells what became of each. All of
    /// it is on disk, and in the log, before this returns, and binds from then on.
    pub async fn take_items(
        &self,
        items: &[Item],
        records: &Records,
        log: &Arc<UseLog>,
        clock: &dyn Clock,
    ) -> Result<Vec<TakenItem>, KeepError> {
        let Some(first) = items.first() else {
            return Ok(Vec::new());
        };
        let gateway = &first.gateway;
        let mut writing = records.write().await?;
        let applied: Option<(i64,)> =
            sqlx::query_as("SELECT applied FROM setting_delivery WHERE gateway = $1")
                .bind(gateway.to_string())
                .fetch_optional(&mut *writing)
                .await?;
        let mut applied = applied.map_or(0, |(number,)| number.unsigned_abs());
        let brought_up: Option<(i64,)> =
            sqlx::query_as("SELECT up_to FROM setting_brought_up WHERE gateway = $1")
                .bind(gateway.to_string())
                .fetch_optional(&mut *writing)
                .await?;
        let brought_up = brought_up.map_or(0, |(number,)| number.unsigned_abs());
        let now = clock.now();
        let writer = Writer::Gateway(gateway.clone());
        let mut standing = self.settled.of(&writer);
        let mut taken = Vec::with_capacity(items.len());
        let (mut uses, mut notes) = (Vec::new(), Vec::new());
        for item in items {
            let is_next = item.number == applied + 1 && item.gateway == *gateway;
            let is_before = item.number <= applied;
            taken.push(match (is_before, is_next) {
                (true, _) => TakenItem::Before,
                (_, true) => TakenItem::Applied,
                _ => TakenItem::AfterGap,
            });
            if is_next {
                applied = item.number;
            }
            // Where the agent was brought up, an item of its own may come when its number is passed,
            // and what is national in it is perhaps here.
            let is_brought_up = item.number <= brought_up && item.gateway == *gateway;
            let Some(change) = item.content.as_ref().filter(|_| is_next || is_brought_up) else {
                continue;
            };
            if is_brought_up && is_here(&mut writing, &writer, change).await? {
                continue;
            }
            let decision = self.judge(change, item.at)?;
            let is_made = decision == UseDecision::Answered;
            if is_made && self.elsewhere().writes(&change.definition) {
                forwarding::put(&mut writing, records, &writer, change, now).await?;
                continue;
            }
            if !standing
                .is_logged(&mut writing, log, change, decision)
                .await?
            {
                uses.push(use_of(change, decision, now));
            }
            if is_made {
                notes.extend(
                    self.write(&mut writing, records, &writer, change, item.at, now)
                        .await?
                        .map(|said| (change.person, said)),
                );
            }
        }
        sqlx::query(
            "INSERT INTO setting_delivery (gateway, applied) VALUES ($1, $2) \
             ON CONFLICT (gateway) DO UPDATE SET applied = excluded.applied",
        )
        .bind(gateway.to_string())
        .bind(applied.cast_signed())
        .execute(&mut *writing)
        .await?;
        if !uses.is_empty() {
            log.append(uses).await?;
        }
        writing.commit().await?;
        standing.done();
        self.bind(notes, now);
        self.currency().applied(gateway, applied);
        Ok(taken)
    }

    /// Takes one change that `writer` brings outside any row of items. Brought again, it changes
    /// nothing and leaves no second entry.
    pub async fn take_change(
        &self,
        writer: &Writer,
        change: &Change,
        records: &Records,
        log: &Arc<UseLog>,
        clock: &dyn Clock,
    ) -> Result<(), KeepError> {
        let change = [(change.clone(), clock.now())];
        self.take_changes(writer, &change, records, log, clock)
            .await?;
        Ok(())
    }

    /// Takes `changes`, each with when it was said, as [`KeptSettings::take_change`] does: all of
    /// them, or none. Gives how many were new.
    pub async fn take_changes(
        &self,
        writer: &Writer,
        changes: &[(Change, Timestamp)],
        records: &Records,
        log: &Arc<UseLog>,
        clock: &dyn Clock,
    ) -> Result<usize, KeepError> {
        let of_others =
            |change: &Change| *writer != Writer::Pvk && self.elsewhere().writes(&change.definition);
        if changes.iter().any(|(change, _)| of_others(change)) {
            return Err(KeepError::WrittenElsewhere);
        }
        let now = clock.now();
        let mut writing = records.write().await?;
        let mut standing = self.settled.of(writer);
        let (mut uses, mut notes, mut new) = (Vec::new(), Vec::new(), 0);
        for (change, said_at) in changes {
            if is_here(&mut writing, writer, change).await? {
                continue;
            }
            new += 1;
            let decision = match writer {
                // Who it is that says it was checked there.
                Writer::Pvk => UseDecision::Answered,
                _ => self.judge(change, now)?,
            };
            if !standing
                .is_logged(&mut writing, log, change, decision)
                .await?
            {
                uses.push(use_of(change, decision, now));
            }
            if decision == UseDecision::Answered {
                let said = self
                    .write(&mut writing, records, writer, change, *said_at, now)
                    .await?;
                notes.extend(said.map(|said| (change.person, said)));
            }
        }
        if !uses.is_empty() {
            log.append(uses).await?;
        }
        writing.commit().await?;
        standing.done();
        self.bind(notes, now);
        Ok(new)
    }

    /// From `now` on, when they are on disk, `notes` bind.
    pub(super) fn bind(&self, notes: Vec<(NationalId, Said)>, now: Timestamp) {
        if !notes.is_empty() {
            self.note(notes);
            self.changed_at.store(now.as_micros(), Ordering::Release);
        }
    }

    /// Whether the change is its maker's to make, as of `at`.
    pub(in crate::settings) fn judge(
        &self,
        change: &Change,
        at: Timestamp,
    ) -> Result<UseDecision, KeepError> {
        match self.representing.get() {
            Some(representing) => Ok(representing.judge(change, at)?),
            None if change.acted_as == ActedAs::Own && change.by == change.person => {
                Ok(UseDecision::Answered)
            }
            None => Ok(UseDecision::Denied(DenyReason::RepresentationUnproven)),
        }
    }

    /// Writes `change`; gives what stands from now on, unless what stood before wins.
    async fn write(
        &self,
        writing: &mut Transaction<'static, Sqlite>,
        records: &Records,
        writer: &Writer,
        change: &Change,
        said_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Said>, KeepError> {
        let (person, acting) = (
            records.key().code(&change.person),
            records.key().code(&change.by),
        );
        let definition = &change.definition.bytes()[..];
        let until = change.until.map(Timestamp::as_micros);
        sqlx::query(
            "INSERT INTO setting_change (writer, change, person, definition, text_version, \
             acting, acted_as, organisation, sequence, active, until, said_at, taken_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (writer, change) DO NOTHING",
        )
        .bind(writer.to_string())
        .bind(&change.id.0[..])
        .bind(&person.0[..])
        .bind(definition)
        .bind(i64::from(change.text_version))
        .bind(&acting.0[..])
        .bind(change.acted_as.name())
        .bind(change.organisation.as_str())
        .bind(change.sequence)
        .bind(change.active)
        .bind(until)
        .bind(said_at.as_micros())
        .bind(now.as_micros())
        .execute(&mut **writing)
        .await?;
        proofs::archive(writing, records, &writer.to_string(), change, now).await?;
        let before: Option<Row> = sqlx::query_as(
            "SELECT sequence, active, change, (SELECT writer FROM setting_change AS said \
             WHERE said.change = setting.change AND said.person = setting.person LIMIT 1) \
             FROM setting WHERE person = $1 AND definition = $2",
        )
        .bind(&person.0[..])
        .bind(definition)
        .fetch_optional(&mut **writing)
        .await?;
        if before.is_some_and(|before| !self.wins(writer, change, &before)) {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO setting (person, definition, sequence, active, since, until, change) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (person, definition) DO UPDATE SET \
             sequence = excluded.sequence, active = excluded.active, since = excluded.since, \
             until = excluded.until, change = excluded.change",
        )
        .bind(&person.0[..])
        .bind(definition)
        .bind(change.sequence)
        .bind(change.active)
        .bind(said_at.as_micros())
        .bind(until)
        .bind(&change.id.0[..])
        .execute(&mut **writing)
        .await?;
        Ok(Some(Said {
            definition: change.definition,
            sequence: change.sequence,
            active: change.active,
            since: said_at,
            until: change.until,
        }))
    }

    /// Whether `change` stands over what was said `before`: it is later, or says no where neither
    /// is. Whoever alone writes a definition counts by itself: its word stands over what others
    /// brought before it did.
    fn wins(&self, writer: &Writer, change: &Change, (sequence, active, id, by): &Row) -> bool {
        if *writer == Writer::Pvk && by.as_ref() != Some(&writer.to_string()) {
            return true;
        }
        let definition = self.definitions().get(&change.definition);
        let yes_is_active = definition.is_none_or(|it| it.kind == SettingKind::Consent);
        let says_no = change.active != yes_is_active;
        let said_no = *active != yes_is_active;
        change.sequence > *sequence
            || change.sequence == *sequence && change.id.0[..] != id[..] && (says_no || !said_no)
    }

    /// How many changes of `person`'s settings are on disk, for tests and the operator.
    pub async fn changes_of(
        &self,
        person: &NationalId,
        records: &Records,
    ) -> Result<u64, KeepError> {
        let (changes,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM setting_change WHERE person = $1")
                .bind(&records.key().code(person).0[..])
                .fetch_one(records.pool())
                .await?;
        Ok(changes.unsigned_abs())
    }
}

/// Whether `change`, which `writer` brings, is here.
async fn is_here(
    writing: &mut Transaction<'static, Sqlite>,
    writer: &Writer,
    change: &Change,
) -> Result<bool, KeepError> {
    let known: Option<(i64,)> =
        sqlx::query_as("SELECT 1 FROM setting_change WHERE writer = $1 AND change = $2")
            .bind(writer.to_string())
            .bind(&change.id.0[..])
            .fetch_optional(&mut **writing)
            .await?;
    Ok(known.is_some())
}

/// The entry that a change leaves in the log of use.
pub(in crate::settings) fn use_of(
    change: &Change,
    decision: UseDecision,
    now: Timestamp,
) -> UseRecord {
    // Both people are named; by what right stands beside the change.
    let request = request_of(change, Representation::Own);
    let id = QuestionId(change.id.0);
    UseRecord::of_person(PersonUse::SettingChange, id, &request, decision, now)
}
