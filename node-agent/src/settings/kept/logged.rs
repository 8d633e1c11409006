//! Whether the log of use has a change already.
//!
//! A change is in the log before it is in the records, so that an agent which ends in between finds
//! it brought again: then it is logged once all the same.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use innsyn_policy::{UseDecision, UseKind};
use innsyn_proto::setting::Change;
use sqlx::{Sqlite, Transaction};
use tokio::task::spawn_blocking;

use super::rows::Writer;
use crate::uselog::UseLog;

/// Entries about the person that are looked at, the newest first.
const LOOKED_BACK_MAX: usize = 64;

/// The writers of whom it is known that what they brought last is in the log and in the records
/// alike. Of all others, what they bring first was perhaps logged before: as many changes as were
/// brought together, in their order, so that none is after one that was not.
#[derive(Debug, Default)]
pub(super) struct Settled(Mutex<HashSet<String>>);

/// How it stands with one writer.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    settled: &'a Settled,
    writer: String,
    is_settled: bool,
    /// What the writer brings may come again at any time, not only after a start.
    comes_again: bool,
}

impl Settled {
    /// How it stands with `writer`, from whom something comes. Until [`Standing::done`], it counts
    /// as not settled.
    pub(super) fn of(&self, writer: &Writer) -> Standing<'_> {
        let comes_again = matches!(writer, Writer::Clerk | Writer::Case);
        let writer = writer.to_string();
        let is_settled = self.writers().remove(&writer);
        Standing {
            settled: self,
            writer,
            is_settled,
            comes_again,
        }
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing<'_> {
    /// Whether `change`, which is the next and not yet in the records that are being written, stands
    /// in the log as it was decided. One that is in the records has its entry already, and whoever
    /// brings another under its name has that logged as well.
    pub(super) async fn is_logged(
        &mut self,
        writing: &mut Transaction<'static, Sqlite>,
        log: &Arc<UseLog>,
        change: &Change,
        decision: UseDecision,
    ) -> Result<bool, sqlx::Error> {
        let is_logged = !self.is_settled
            && is_logged(log, change, decision).await
            && !is_recorded(writing, change).await?;
        self.is_settled = !is_logged;
        Ok(is_logged)
    }

    /// All that came is in the log and in the records.
    pub(super) fn done(self) {
        if self.is_settled && !self.comes_again {
            self.settled.writers().insert(self.writer);
        }
    }
}

/// Whether anybody has brought `change`.
async fn is_recorded(
    writing: &mut Transaction<'static, Sqlite>,
    change: &Change,
) -> Result<bool, sqlx::Error> {
    let known: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM setting_change WHERE change = $1")
        .bind(&change.id.0[..])
        .fetch_optional(&mut **writing)
        .await?;
    Ok(known.is_some())
}

/// Whether `change` stands in the log, decided so: the agent may have ended between its entry there and its row
/// in the records. What cannot be read is not there, and is logged again.
pub(in crate::settings) async fn is_logged(
    log: &Arc<UseLog>,
    change: &Change,
    decision: UseDecision,
) -> bool {
    let (reader, tag) = (log.reader(), log.tagger().subject(&change.person));
    let id = change.id;
    let looked = spawn_blocking(move || {
        let mut next = reader.newest(&tag);
        for _ in 0..LOOKED_BACK_MAX {
            let placed = next.and_then(|position| reader.about(&tag, position).ok());
            let Some(placed) = placed else {
                return false;
            };
            let entry = &placed.entry;
            let is_of_change = entry.kind() == UseKind::SettingChange && entry.question.0 == id.0;
            if is_of_change && entry.decision == decision {
                return true;
            }
            next = placed.before;
        }
        false
    });
    looked.await.unwrap_or(false)
}
