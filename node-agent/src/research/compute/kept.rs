//! What earlier queries counted, cell by cell, so that later ones can be compared with it.
//!
//! ```text
//!   cells/<leaf of the entry in the log of use>    which person is in which cell
//!   rolls/<SHA-256>                                who the persons of these numbers are
//! ```
//!
//! What holds:
//!
//! - **No part leaves without its count being kept**: the files survive a crash before it does.
//! - **A count is that of one entry.** The same query over the same snapshot counts other persons
//!   after a reservation, so a file is called by the entry's hash, which the gateway got with the
//!   part.
//! - **What is damaged is not used**: a file begins with the SHA-256 of the rest.
//! - **No id is in a file**, and no key.
//!
//! Counts and rolls are kept as long as nobody deletes them. Once one is gone, the data permit that
//! it belongs to gets nothing more here, so delete only those of permits that have ended.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, io};

use innsyn_proto::head::LogHash;
use innsyn_proto::wire::node::v1 as wire;
use prost::Message as _;
use roaring::RoaringBitmap;

use super::overlap::OverlapError;
use super::roll::{self, RollName, sha256};
use super::{Countable, locked, part, record};
use crate::engine::{Answer, Placed};
use crate::subjects::{MarkKey, Marks};

/// The name of the folder in the folder of research.
const FOLDER: &str = "cells";

/// The folders of kept counts.
#[derive(Debug)]
pub(super) struct KeptCounts {
    cells: PathBuf,
    rolls: PathBuf,
    key: MarkKey,
    /// The roll of a snapshot, which is long to make.
    last: Mutex<Option<([u8; 32], RollName)>>,
}

/// What a kept count is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CountedUnder {
    /// The data permit's issuer and number.
    pub(super) permit: String,
    /// The query's name.
    pub(super) query: [u8; 32],
    pub(super) snapshot: [u8; 32],
}

/// A count as it was kept.
pub(super) struct KeptCount {
    /// How many persons were in each cell.
    pub(super) cells: Vec<wire::PersonsAt>,
    /// Numbers of its roll.
    pub(super) persons: RoaringBitmap,
    pub(super) placed: Placed,
    pub(super) roll: RollName,
}

/// The file.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
struct KeptFile {
    #[prost(string, tag = "1")]
    permit: String,
    #[prost(bytes = "vec", tag = "2")]
    query: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    snapshot: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    roll: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    cells: Vec<wire::PersonsAt>,
    /// In the portable Roaring format.
    #[prost(bytes = "vec", tag = "6")]
    persons: Vec<u8>,
    /// One byte for each row where there are few cells, otherwise two, little-endian.
    #[prost(bytes = "vec", tag = "7")]
    rows: Vec<u8>,
    /// Two bytes for each person, little-endian; empty where each has one row.
    #[prost(bytes = "vec", tag = "8")]
    rows_each: Vec<u8>,
}

impl KeptCounts {
    /// Opens the folders in `research`, the folder of research; they are made if they are not
    /// there. Marks are made with `key`.
    pub(super) fn open(research: &Path, key: MarkKey) -> io::Result<Self> {
        let (cells, rolls) = (research.join(FOLDER), research.join(roll::FOLDER));
        record::make_folder(&cells)?;
        record::make_folder(&rolls)?;
        Ok(Self {
            cells,
            rolls,
            key,
            last: Mutex::default(),
        })
    }

    /// Keeps `answer`, counted over `data` and logged as `leaf`, when it survives a crash.
    pub(super) fn keep(
        &self,
        leaf: &LogHash,
        what: &CountedUnder,
        answer: &Answer,
        data: &dyn Countable,
    ) -> io::Result<()> {
        let roll = self.roll_of(data)?;
        let persons = answer.counted.compressed();
        let mut bytes = Vec::with_capacity(persons.serialized_size());
        persons.serialize_into(&mut bytes)?;
        let Placed {
            rows, rows_each, ..
        } = &answer.placed;
        let is_short = is_short(answer.placed.cells.len());
        let rows = rows.iter().flat_map(|row| {
            let [low, high] = row.to_le_bytes();
            std::iter::once(low).chain((!is_short).then_some(high))
        });
        let file = KeptFile {
            permit: what.permit.clone(),
            query: what.query.to_vec(),
            snapshot: what.snapshot.to_vec(),
            roll: roll.to_vec(),
            cells: cells_of(&answer.placed),
            persons: bytes,
            rows: rows.collect(),
            rows_each: rows_each
                .iter()
                .flat_map(|rows| rows.to_le_bytes())
                .collect(),
        };
        let body = file.encode_to_vec();
        let whole = [sha256(&body).as_slice(), &body].concat();
        record::write_whole(&self.cells, &hex::encode(leaf), &whole)
    }

    /// The count that was logged as `leaf`, if it is of `what`; its file has at most `bytes_max`
    /// bytes.
    pub(super) fn read(
        &self,
        leaf: &LogHash,
        what: &CountedUnder,
        bytes_max: usize,
    ) -> Result<KeptCount, OverlapError> {
        let path = self.cells.join(hex::encode(leaf));
        let metadata = fs::metadata(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OverlapError::NotKept,
            _ => OverlapError::Io(error),
        })?;
        if metadata.len() > bytes_max as u64 {
            return Err(OverlapError::TooLarge);
        }
        let bytes = fs::read(&path)?;
        let body = bytes.split_at_checked(32);
        let body = body.filter(|(hash, body)| sha256(body) == *hash);
        let (_, body) = body.ok_or(OverlapError::Damaged)?;
        let file = KeptFile::decode(body).map_err(|_| OverlapError::Damaged)?;
        let is_it = file.permit == what.permit
            && file.query == what.query
            && file.snapshot == what.snapshot;
        if !is_it {
            return Err(OverlapError::OtherCount);
        }
        file.count().ok_or(OverlapError::Damaged)
    }

    /// The marks of the roll called `name`.
    pub(super) fn marks(&self, name: &RollName) -> Result<Marks, OverlapError> {
        roll::read(&self.rolls, name)
    }

    /// The marks of the persons of `data`.
    pub(super) fn marks_of(&self, data: &dyn Countable) -> Marks {
        data.marks(&self.key)
    }

    /// The roll of the persons of `data`, which is written if it is not there.
    pub(super) fn roll_of(&self, data: &dyn Countable) -> io::Result<RollName> {
        let mut last = locked(&self.last);
        match *last {
            Some((snapshot, roll)) if snapshot == *data.snapshot_name() => Ok(roll),
            _ => {
                let roll = roll::write(&self.rolls, &data.marks(&self.key))?;
                *last = Some((*data.snapshot_name(), roll));
                Ok(roll)
            }
        }
    }
}

/// The cells of a count, as they are told.
pub(super) fn cells_of(placed: &Placed) -> Vec<wire::PersonsAt> {
    let cells = placed.cells.iter().cloned().zip(placed.sizes());
    let cells = cells.map(|(key, persons)| wire::PersonsAt {
        key: key.into_iter().map(part::category).collect(),
        persons,
    });
    cells.collect()
}

/// Whether a row of a table of so many cells takes one byte.
const fn is_short(cells: usize) -> bool {
    cells <= 1 << u8::BITS
}

impl KeptFile {
    /// `None` if it does not hold together.
    fn count(self) -> Option<KeptCount> {
        let cells = self.cells.len();
        let rows = if is_short(cells) {
            self.rows.iter().map(|row| u16::from(*row)).collect()
        } else {
            two_by_two(&self.rows)?
        };
        let placed = Placed {
            cells: vec![Vec::new(); cells],
            rows,
            rows_each: two_by_two(&self.rows_each)?,
        };
        let persons = RoaringBitmap::deserialize_from(self.persons.as_slice()).ok()?;
        let rows: u64 = if placed.rows_each.is_empty() {
            persons.len()
        } else {
            placed.rows_each.iter().copied().map(u64::from).sum()
        };
        let is_whole = placed.rows.len() as u64 == rows
            && (placed.rows_each.is_empty() || placed.rows_each.len() as u64 == persons.len())
            && placed.rows.iter().all(|row| usize::from(*row) < cells);
        is_whole.then_some(KeptCount {
            cells: self.cells,
            persons,
            placed,
            roll: self.roll.try_into().ok()?,
        })
    }
}

fn two_by_two(bytes: &[u8]) -> Option<Vec<u16>> {
    let (numbers, rest) = bytes.as_chunks();
    let numbers = numbers.iter().map(|number| u16::from_le_bytes(*number));
    rest.is_empty().then(|| numbers.collect())
}
