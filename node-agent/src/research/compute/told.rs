//! Tells a person which queries counted them.
//!
//! The record beside a query's entry holds who was counted, as numbers of a snapshot, and names the
//! roll of that snapshot (see [`roll`]), by which a person has a number again. What is shown of the
//! record is that person's membership alone.
//!
//! That a number is the person's own is the register's word: whoever checks sees that the number was
//! counted and that the entry commits to it, and cannot tell whose it is.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innsyn_policy::NationalId;
use innsyn_proto::head::LogHash;

use super::overlap::OverlapError;
use super::record::{self, QueryRecord};
use super::roll::{self, RollName};
use crate::subjects::Mark;
use crate::uselog::counted::{CountedFor, Membership};

/// Gives the mark of nobody, and that of a person, whoever is here.
pub(crate) type MarkOf = Arc<dyn Fn(&NationalId) -> (Mark, Mark) + Send + Sync>;

/// The records of a register's queries.
pub struct CountedRecords {
    counted: PathBuf,
    rolls: PathBuf,
    mark_of: MarkOf,
}

impl fmt::Debug for CountedRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedRecords")
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}

/// One person, who is looked for in records.
pub(crate) struct Counted<'a> {
    records: &'a CountedRecords,
    nobody: Mark,
    mark: Mark,
    /// The person's number in each roll that was looked at; none where it has none.
    numbers: HashMap<RollName, Option<u32>>,
}

/// What can be told of a query and a person.
#[derive(Debug)]
pub(crate) enum ToldOfQuery {
    /// It did not count them.
    NotCounted,
    /// It cannot be told any more.
    Untold,
    /// It counted them.
    Counted(Box<OpenedQuery>),
}

/// A commitment, opened for one person.
#[derive(Debug)]
pub(crate) struct OpenedQuery {
    pub(crate) what: CountedFor,
    pub(crate) root: LogHash,
    pub(crate) membership: Membership,
    /// The data permit's issuer and number.
    pub(crate) permit: String,
    /// Its project, in words.
    pub(crate) project: String,
}

impl CountedRecords {
    /// The records in `research`, the folder of research, about people who are known again by what
    /// `mark_of` gives.
    pub(crate) fn new(research: &Path, mark_of: MarkOf) -> Self {
        Self {
            counted: research.join(record::FOLDER),
            rolls: research.join(roll::FOLDER),
            mark_of,
        }
    }

    /// Looks for `id`.
    pub(crate) fn person(&self, id: &NationalId) -> Counted<'_> {
        let (nobody, mark) = (self.mark_of)(id);
        Counted {
            records: self,
            nobody,
            mark,
            numbers: HashMap::new(),
        }
    }
}

impl Counted<'_> {
    /// Whether the query whose entry has `commitment` counted the person. Blocks on files.
    pub(crate) fn tell(&mut self, commitment: &[u8; 32]) -> ToldOfQuery {
        match self.try_to_tell(commitment) {
            Some(told) => told,
            None => ToldOfQuery::Untold,
        }
    }

    fn try_to_tell(&mut self, commitment: &[u8; 32]) -> Option<ToldOfQuery> {
        let record = QueryRecord::read(&self.records.counted, commitment).ok()?;
        let persons = record.persons().ok()?;
        if persons.persons().is_empty() {
            return Some(ToldOfQuery::NotCounted);
        }
        let roll: RollName = record.roll.as_deref()?.try_into().ok()?;
        let Some(number) = self.number_in(roll).ok()? else {
            return Some(ToldOfQuery::NotCounted);
        };
        let Some((membership, root)) = persons.membership(number) else {
            return Some(ToldOfQuery::NotCounted);
        };
        let what = record.counted_for();
        Some(ToldOfQuery::Counted(Box::new(OpenedQuery {
            what,
            root,
            membership,
            permit: record.permit,
            project: record.project,
        })))
    }

    /// The person's number in a roll.
    fn number_in(&mut self, name: RollName) -> Result<Option<u32>, OverlapError> {
        if let Some(number) = self.numbers.get(&name) {
            return Ok(*number);
        }
        let number = roll::find(&self.records.rolls, &name, self.nobody, self.mark)?;
        self.numbers.insert(name, number);
        Ok(number)
    }
}
