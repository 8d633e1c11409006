//! Holds the records beside the log of use against its entries, for `innsyn-agent uselog verify`.
//!
//! Each entry of a query commits to its record; without it nobody can be shown that they were
//! counted, or that they were not. A record without an entry is none of this: it stands for a query
//! that nobody had an answer to.

use std::io;
use std::path::{Path, PathBuf};

use innsyn_policy::UseDecision;

use super::record::{ANSWERED, QueryRecord, ReadRecordError};
use crate::uselog::{Entry, EntrySubject};

/// So many faults are told one by one.
const TOLD_MAX: usize = 20;

/// What has been found so far.
#[derive(Debug)]
pub struct AuditedRecords {
    folder: PathBuf,
    /// Entries whose record is as it should be.
    pub whole: u64,
    /// Entries whose record is not.
    pub faults: u64,
    /// The first of these.
    pub told: Vec<RecordFault>,
}

/// A record that is not as its entry says.
#[derive(Debug, thiserror::Error)]
#[error("entry {entry}: {check}")]
pub struct RecordFault {
    /// The entry's number, from zero.
    pub entry: u64,
    /// What is wrong.
    pub check: RecordCheck,
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordCheck {
    /// There is none.
    #[error("the record is missing; restore it from your backup")]
    Missing,
    /// It cannot be read, is damaged or another.
    #[error(transparent)]
    Read(ReadRecordError),
    /// It says another outcome; by that, budgets are kept.
    #[error("the record says `{0}`, and the entry something else; restore it from your backup")]
    Outcome(String),
}

impl AuditedRecords {
    /// Nothing yet; the records are in `folder`.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            whole: 0,
            faults: 0,
            told: Vec::new(),
        }
    }

    /// Looks at the record of the entry with this number, if it is a query's.
    pub fn look(&mut self, number: u64, entry: &Entry) {
        let EntrySubject::Counted(commitment) = entry.subject else {
            return;
        };
        let Err(check) = check(&self.folder, &commitment, entry.decision) else {
            self.whole += 1;
            return;
        };
        self.faults += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(RecordFault {
                entry: number,
                check,
            });
        }
    }
}

fn check(folder: &Path, commitment: &[u8; 32], decision: UseDecision) -> Result<(), RecordCheck> {
    let record = QueryRecord::read(folder, commitment).map_err(|error| match error {
        ReadRecordError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            RecordCheck::Missing
        }
        other => RecordCheck::Read(other),
    })?;
    let (told, done) = (
        record.outcome == ANSWERED,
        decision == UseDecision::Answered,
    );
    if told == done {
        Ok(())
    } else {
        Err(RecordCheck::Outcome(record.outcome))
    }
}
