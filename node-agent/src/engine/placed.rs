//! Which cell each person is in: for the overlap audit, and for nothing that leaves.
//!
//! A row of a person is one number of 16 bits, in the order of the persons, so that a table of a
//! million persons takes 2 MB and two tables are compared in one walk along both. A set of
//! persons for each cell would take as much, and be slower to make and to compare.
//!
//! A histogram and a life table divide the cells of the table further, because each of their
//! counts is a count of persons that may be shown: here each bin is a cell of its own.

use std::collections::HashMap;

use super::cells::{Cells, CellsError, Place};
use super::partial::Key;
use super::words::Words;

/// Which cell each of the persons counted is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Sorted, each once, and in each is somebody: the key of the table's cell, then for each
    /// histogram and life table [`Key::Band`] with the bin, or [`Key::Missing`].
    pub cells: Vec<Vec<Key>>,
    /// The cells of the persons' rows: persons rising, each person's periods rising.
    pub rows: Vec<u16>,
    /// How many rows each person has; empty where each has one.
    pub rows_each: Vec<u16>,
}

impl Placed {
    /// The `counted`, who are those placed here in the order of their numbers, each with the cells
    /// of their rows.
    pub fn by_person(
        &self,
        counted: impl Iterator<Item = u32>,
    ) -> impl Iterator<Item = (u32, &[u16])> {
        let mut rest = self.rows.as_slice();
        let mut rows_each = self.rows_each.iter();
        counted.map(move |person| {
            let rows = rows_each.next().map_or(1, |rows| usize::from(*rows));
            let (own, others) = rest.split_at(rows.min(rest.len()));
            rest = others;
            (person, own)
        })
    }

    /// How many persons each cell holds.
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0; self.cells.len()];
        for cell in &self.rows {
            if let Some(size) = sizes.get_mut(usize::from(*cell)) {
                *size += 1;
            }
        }
        sizes
    }
}

/// Writes down each person's cells while they are counted.
#[derive(Debug)]
pub(super) struct Placing {
    has_periods: bool,
    /// By number; the number of a place is given when somebody is first in it.
    places: Vec<Place>,
    numbers: HashMap<Place, u16, ahash::RandomState>,
    /// The place of the row before and its number: neighbours are often alike.
    last: Option<(Place, u16)>,
    rows: Vec<u16>,
    rows_each: Vec<u16>,
    rows_of_person: u16,
}

impl Placing {
    /// Nobody yet; `has_periods` says whether a person may have several rows.
    pub(super) fn new(has_periods: bool) -> Self {
        Self {
            has_periods,
            places: Vec::new(),
            numbers: HashMap::default(),
            last: None,
            rows: Vec::new(),
            rows_each: Vec::new(),
            rows_of_person: 0,
        }
    }

    /// The memory that rows take, about, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        (self.rows.capacity() + self.rows_each.capacity()) * size_of::<u16>()
            + self.places.len() * 2 * size_of::<(Place, u16)>()
    }

    /// The next row of the person is in `place`.
    pub(super) fn add(&mut self, place: Place) -> Result<(), CellsError> {
        let number = match self.last {
            Some((last, number)) if last == place => number,
            _ => self.number_of(place)?,
        };
        self.last = Some((place, number));
        push(&mut self.rows, number);
        self.rows_of_person = self.rows_of_person.saturating_add(1);
        Ok(())
    }

    /// The person has no more rows, but at least one.
    pub(super) fn next_person(&mut self) {
        let rows = std::mem::take(&mut self.rows_of_person);
        if self.has_periods {
            push(&mut self.rows_each, rows);
        }
    }

    fn number_of(&mut self, place: Place) -> Result<u16, CellsError> {
        if let Some(number) = self.numbers.get(&place) {
            return Ok(*number);
        }
        let number = u16::try_from(self.places.len()).map_err(|_| CellsError::TooMany)?;
        self.places.push(place);
        self.numbers.insert(place, number);
        Ok(number)
    }

    /// The rows, with the keys of `cells`.
    pub(super) fn finish(self, cells: &Cells<'_>, words: &Words) -> Placed {
        let keys = self.places.iter().map(|place| cells.key_at(*place, words));
        let mut keyed: Vec<_> = keys.zip(0_u16..).collect();
        keyed.sort();
        let mut sorted = vec![0_u16; keyed.len()];
        for ((_, number), at) in keyed.iter().zip(0_u16..) {
            if let Some(place) = sorted.get_mut(usize::from(*number)) {
                *place = at;
            }
        }
        let mut rows = self.rows;
        for row in &mut rows {
            *row = sorted.get(usize::from(*row)).copied().unwrap_or_default();
        }
        Placed {
            cells: keyed.into_iter().map(|(key, _)| key).collect(),
            rows,
            rows_each: self.rows_each,
        }
    }
}

/// Appends to what may be nearly all that there is memory for: it grows by a quarter, not to twice.
fn push(numbers: &mut Vec<u16>, number: u16) {
    if numbers.len() == numbers.capacity() {
        numbers.reserve_exact(numbers.len() / 4 + 16);
    }
    numbers.push(number);
}
