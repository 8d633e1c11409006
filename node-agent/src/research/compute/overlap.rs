//! What a count shares with earlier ones of the same data permit: persons, cell by cell.
//!
//! A gateway that knows the sizes of two cells and how many persons are in both knows in how many
//! persons they differ, and can refuse a table that tells of those few (promise 6). What is told
//! are counts that add up over registers; whose they are stays here.
//!
//! What holds:
//!
//! - **Cells are compared as sets of persons**, whatever they were counted from. A person who is
//!   not in the register's data any more is in no later cell.
//! - **Everybody of each count is compared with everybody of each other** (`wholes`), for what three
//!   and more tables tell together.
//! - **One walk along the persons** of each earlier count: a person is in few cells, so the pairs
//!   that share anybody are few, and no cell is compared with every other.
//! - **What does not fit is refused**: pairs, cells and memory have bounds.

use std::collections::HashMap;
use std::io;

use innsyn_proto::wire::node::v1 as wire;
use roaring::RoaringBitmap;
use tokio_util::sync::CancellationToken;

use super::Countable;
use super::asked::EarlierCount;
use super::kept::{CountedUnder, KeptCount, KeptCounts, cells_of};
use super::roll::{self, GONE, RollName};
use super::wholes::{Departed, Wholes};
use crate::engine::Answer;
use crate::subjects::Marks;

/// Most pairs of cells that are told of: each takes up to 9 bytes of the message.
const PAIRS_MAX: usize = 1_000_000;
/// Most earlier cells that are told of.
const CELLS_MAX: usize = 200_000;
/// Most pairs that have a place each, 4 bytes; where there are more, only those that occur do.
const PLACES_MAX: usize = 4 << 20;
/// Persons between two looks at the token.
const CANCEL_PERSONS: usize = 1 << 16;

/// Why a count cannot be compared. Nothing here says who.
#[derive(Debug, thiserror::Error)]
pub(super) enum OverlapError {
    #[error(
        "an earlier count of this data permit is not kept any more, so that nothing more can be \
         counted under it here; restore `cells` in the folder of research from your backup"
    )]
    NotKept,
    #[error(
        "an earlier count of this data permit is damaged; restore `cells` in the folder of \
         research from your backup"
    )]
    Damaged,
    #[error("the gateway names an earlier count that is of another permit, query or snapshot")]
    OtherCount,
    #[error(
        "the persons of an earlier count cannot be told any more: their roll is missing or \
         damaged; restore `rolls` in the folder of research from your backup"
    )]
    NoRoll,
    #[error(
        "the persons of an earlier count cannot be told any more: the tag key of the log of use \
         or the register's pseudonyms are others than then; the researcher needs a new data permit"
    )]
    OtherMarks,
    #[error(
        "comparing with earlier counts takes more memory or a longer answer than there is; \
         `research.memory_mib` gives more"
    )]
    TooLarge,
    #[error("nobody waited for the comparison any more")]
    Cancelled,
    #[error("earlier counts cannot be read")]
    Io(#[from] io::Error),
}

/// Compares counts over one snapshot with earlier ones.
pub(super) struct Comparing<'a> {
    pub(super) kept: &'a KeptCounts,
    pub(super) data: &'a dyn Countable,
    /// What comparing may take, in bytes.
    pub(super) memory_bytes: usize,
    pub(super) stop: &'a CancellationToken,
}

/// The pairs of cells that share anybody: place in the new count, in the earlier one, and how many.
type Pairs = Vec<(u16, u16, u32)>;

impl Comparing<'_> {
    /// What `answer` shares with each of `earlier`, which were counted under `permit`.
    pub(super) fn overlaps(
        &self,
        answer: &Answer,
        permit: &str,
        earlier: &[EarlierCount],
    ) -> Result<wire::Overlaps, OverlapError> {
        let own = self.kept.roll_of(self.data)?;
        let later = Later::of(answer);
        let mut carried = Carried::default();
        let mut overlaps = wire::Overlaps {
            cells: cells_of(&answer.placed),
            earlier: Vec::with_capacity(earlier.len()),
            persons_in_common: Vec::new(),
        };
        let mut wholes = Wholes::new(self.memory_bytes / 4);
        // It is there twice and a half while it is decoded.
        let file_bytes_max = self.memory_bytes / 4;
        let (mut pairs_left, mut cells_left) = (PAIRS_MAX, CELLS_MAX);
        for one in earlier {
            let what = CountedUnder {
                permit: permit.to_owned(),
                query: one.query,
                snapshot: one.snapshot,
            };
            let count = self.kept.read(&one.use_log_leaf, &what, file_bytes_max)?;
            let left =
                |left: usize, used: usize| left.checked_sub(used).ok_or(OverlapError::TooLarge);
            cells_left = left(cells_left, count.cells.len())?;
            let numbers = (count.roll != own)
                .then(|| carried.to(&count.roll, self))
                .transpose()?;
            let pairs = self.pairs(&later, &count, numbers, pairs_left)?;
            pairs_left = left(pairs_left, pairs.len())?;
            wholes.add(match numbers {
                None => count.persons,
                Some(numbers) => {
                    let persons = count.persons.iter();
                    let now = |person| numbers.get(person as usize).copied();
                    // A number that the roll does not have is a count that is damaged.
                    let now = persons.map(now).collect::<Option<RoaringBitmap>>();
                    now.ok_or(OverlapError::Damaged)?
                }
            })?;
            overlaps.earlier.push(wire::Overlap {
                cells: count.cells,
                cell: pairs.iter().map(|(cell, _, _)| u32::from(*cell)).collect(),
                earlier_cell: pairs.iter().map(|(_, cell, _)| u32::from(*cell)).collect(),
                persons: pairs.iter().map(|(_, _, both)| u64::from(*both)).collect(),
            });
        }
        wholes.add(answer.counted.compressed())?;
        overlaps.persons_in_common = wholes.in_common(self.stop)?;
        Ok(overlaps)
    }

    /// The pairs that share anybody, at most `pairs_max`; `numbers` are what the persons of
    /// `earlier` are called now, if that is something else.
    fn pairs(
        &self,
        later: &Later<'_>,
        earlier: &KeptCount,
        numbers: Option<&[u32]>,
        pairs_max: usize,
    ) -> Result<Pairs, OverlapError> {
        let cells = later.answer.placed.cells.len();
        let mut pairs = Counting::of(cells, earlier.cells.len());
        let persons = earlier.placed.by_person(earlier.persons.iter());
        for (at, (person, rows)) in persons.enumerate() {
            if at % CANCEL_PERSONS == 0 && self.stop.is_cancelled() {
                return Err(OverlapError::Cancelled);
            }
            let person = match numbers {
                None => person,
                Some(numbers) => numbers.get(person as usize).copied().unwrap_or(GONE),
            };
            for cell in later.rows_of(person) {
                for earlier_cell in rows {
                    pairs.count(*cell, *earlier_cell, pairs_max)?;
                }
            }
        }
        pairs.told(pairs_max)
    }

    fn check_memory(&self, bytes: usize) -> Result<(), OverlapError> {
        if bytes > self.memory_bytes {
            return Err(OverlapError::TooLarge);
        }
        Ok(())
    }
}

/// The new count, by person.
struct Later<'a> {
    answer: &'a Answer,
    /// Where each person's rows begin, and one more: where the last one's end.
    begins: Vec<u32>,
}

impl<'a> Later<'a> {
    fn of(answer: &'a Answer) -> Self {
        let persons = answer.counted.persons();
        let mut begins = Vec::with_capacity(persons as usize + 1);
        let mut rows_before = 0_u32;
        for (person, rows) in answer.placed.by_person(answer.counted.iter()) {
            begins.resize(person as usize + 1, rows_before);
            // INVARIANT: memory ends before there are so many rows.
            rows_before = rows_before.saturating_add(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        }
        begins.resize(persons as usize + 1, rows_before);
        Self { answer, begins }
    }

    fn rows_of(&self, person: u32) -> &'a [u16] {
        let begin_of = |at: usize| self.begins.get(at).map(|begin| *begin as usize);
        let at = person as usize;
        let rows = begin_of(at).zip(begin_of(at.saturating_add(1)));
        let rows = rows.and_then(|(from, to)| self.answer.placed.rows.get(from..to));
        rows.unwrap_or_default()
    }
}

/// The persons of a roll as they are called now; one roll at a time.
#[derive(Default)]
struct Carried {
    now: Option<Marks>,
    numbers: Option<(RollName, Vec<u32>)>,
    departed: Departed,
}

impl Carried {
    fn to(&mut self, roll: &RollName, comparing: &Comparing<'_>) -> Result<&[u32], OverlapError> {
        let numbers = match self.numbers.take() {
            Some((known, numbers)) if known == *roll => numbers,
            _ => {
                let persons = comparing.data.snapshot().persons as usize;
                let earlier = comparing.kept.marks(roll)?;
                let bytes = roll::memory_bytes(earlier.persons.len(), persons);
                comparing.check_memory(bytes)?;
                let now = self
                    .now
                    .get_or_insert_with(|| comparing.kept.marks_of(comparing.data));
                let mut numbers = roll::carried_over(&earlier, now, comparing.stop)?;
                let bytes_max = comparing.memory_bytes / 4;
                self.departed
                    .number(&mut numbers, &earlier, persons, bytes_max)?;
                numbers
            }
        };
        let (_, numbers) = self.numbers.insert((*roll, numbers));
        Ok(numbers)
    }
}

/// Pairs of cells, and how many persons are in both.
enum Counting {
    /// All that there can be: the earlier cells of each new one.
    All { earlier: usize, counts: Vec<u32> },
    /// Those that occur.
    Some(HashMap<(u16, u16), u32, ahash::RandomState>),
}

impl Counting {
    fn of(cells: usize, earlier: usize) -> Self {
        match cells.saturating_mul(earlier) {
            places if places <= PLACES_MAX => Self::All {
                earlier,
                counts: vec![0; places],
            },
            _ => Self::Some(HashMap::default()),
        }
    }

    fn count(&mut self, cell: u16, in_earlier: u16, max: usize) -> Result<(), OverlapError> {
        match self {
            Self::All { earlier, counts } => {
                let at = usize::from(cell) * *earlier + usize::from(in_earlier);
                if let Some(count) = counts.get_mut(at) {
                    *count += 1;
                }
            }
            Self::Some(counts) => {
                *counts.entry((cell, in_earlier)).or_default() += 1;
                if counts.len() > max {
                    return Err(OverlapError::TooLarge);
                }
            }
        }
        Ok(())
    }

    /// Those that share anybody, in order; at most `max`.
    fn told(self, max: usize) -> Result<Pairs, OverlapError> {
        let pairs: Pairs = match self {
            Self::All { earlier, counts } => {
                let of_cells = counts.chunks(earlier.max(1)).zip(0_u16..);
                let pairs = of_cells.flat_map(|(counts, cell)| {
                    let counts = counts.iter().zip(0_u16..);
                    counts.map(move |(both, in_earlier)| (cell, in_earlier, *both))
                });
                pairs
                    .filter(|(_, _, both)| *both > 0)
                    .take(max + 1)
                    .collect()
            }
            Self::Some(counts) => {
                let pairs = counts.into_iter();
                let mut pairs: Pairs = pairs
                    .map(|((one, other), both)| (one, other, both))
                    .collect();
                pairs.sort_unstable();
                pairs
            }
        };
        if pairs.len() > max {
            return Err(OverlapError::TooLarge);
        }
        Ok(pairs)
    }
}
