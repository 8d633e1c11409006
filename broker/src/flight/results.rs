//! Results that wait to be fetched, and the last report under each permit.
//!
//! What holds: a result is its researcher's alone; nobody guesses a ticket; it is gone after
//! [`LIFETIME_S`] seconds, or earlier if the same researcher makes more than
//! [`RESULTS_OF_ONE_MAX`]; all together take a bounded number of bytes, and nobody's result is
//! lost to another researcher's.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use innsyn_policy::{PermitId, Timestamp};

use super::refusal::FlightRefusal;
use crate::research::Researcher;

/// How long a result can be fetched, in seconds.
pub(super) const LIFETIME_S: i64 = 300;
/// Results that one researcher can have waiting; the oldest is left out for another.
pub(super) const RESULTS_OF_ONE_MAX: usize = 16;
/// All results together, in bytes.
const RESULTS_BYTES_MAX: usize = 256 << 20;
/// Reports that are kept; the oldest is left out for another.
const REPORTS_MAX: usize = 4_096;

/// What fetches a result.
pub(super) type Ticket = [u8; 16];

/// Everything that is kept.
#[derive(Debug, Default)]
pub(super) struct Results(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    results: VecDeque<Waiting>,
    reports: VecDeque<Report>,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    researcher: Researcher,
    until: Timestamp,
    batch: RecordBatch,
}

#[derive(Debug)]
struct Report {
    researcher: Researcher,
    permit: PermitId,
    batch: RecordBatch,
}

impl Results {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `batch` for `researcher` under `ticket`; until when.
    pub(super) fn keep(
        &self,
        ticket: Ticket,
        researcher: &Researcher,
        batch: RecordBatch,
        now: Timestamp,
    ) -> Result<Timestamp, FlightRefusal> {
        let until = Timestamp::from_seconds(now.as_seconds().saturating_add(LIFETIME_S));
        let results = &mut self.lock().results;
        results.retain(|kept| kept.until > now);
        let own = results.iter().filter(|kept| kept.researcher == *researcher);
        if own.count() >= RESULTS_OF_ONE_MAX {
            let oldest = results
                .iter()
                .position(|kept| kept.researcher == *researcher);
            oldest.and_then(|oldest| results.remove(oldest));
        }
        let bytes: usize = results.iter().map(|kept| bytes(&kept.batch)).sum();
        if bytes.saturating_add(self::bytes(&batch)) > RESULTS_BYTES_MAX {
            return Err(FlightRefusal::Full);
        }
        results.push_back(Waiting {
            ticket,
            researcher: researcher.clone(),
            until,
            batch,
        });
        Ok(until)
    }

    /// What waits under `ticket`, if it is `researcher`'s.
    pub(super) fn get(
        &self,
        ticket: &[u8],
        researcher: &Researcher,
        now: Timestamp,
    ) -> Result<RecordBatch, FlightRefusal> {
        let kept = self.lock();
        let mut results = kept.results.iter();
        let found = results.find(|kept| {
            kept.ticket == ticket && kept.researcher == *researcher && kept.until > now
        });
        found
            .map(|kept| kept.batch.clone())
            .ok_or(FlightRefusal::Ticket)
    }

    /// Forgets what waits under `ticket`; whether there was anything of `researcher`'s.
    pub(super) fn forget(&self, ticket: &[u8], researcher: &Researcher) -> bool {
        let results = &mut self.lock().results;
        let before = results.len();
        results.retain(|kept| kept.ticket != ticket || kept.researcher != *researcher);
        results.len() < before
    }

    /// Keeps the report of a query, in place of the last one's.
    pub(super) fn keep_report(
        &self,
        researcher: &Researcher,
        permit: &PermitId,
        batch: RecordBatch,
    ) {
        let reports = &mut self.lock().reports;
        reports.retain(|report| report.researcher != *researcher || report.permit != *permit);
        if reports.len() >= REPORTS_MAX {
            reports.pop_front();
        }
        reports.push_back(Report {
            researcher: researcher.clone(),
            permit: permit.clone(),
            batch,
        });
    }

    /// The report of the last query under `permit`.
    pub(super) fn report(
        &self,
        researcher: &Researcher,
        permit: &PermitId,
    ) -> Result<RecordBatch, FlightRefusal> {
        let kept = self.lock();
        let mut reports = kept.reports.iter();
        reports
            .find(|report| report.researcher == *researcher && report.permit == *permit)
            .map(|report| report.batch.clone())
            .ok_or(FlightRefusal::NoReport)
    }
}

fn bytes(batch: &RecordBatch) -> usize {
    batch.get_array_memory_size()
}
