//! Persons' rows become cells.

use super::collapse::{Collapse, Slot};
use super::error::EngineError;
use super::month::{NO_MONTH, period_of};
use super::partial::{Cell, Key, PartialTable};
use super::plan::{Dimension, Measure, Plan};
use super::words::{NO_CODE, Words};

mod step;
mod tally;

use step::Step;
use tally::Tally;

/// Most cells that a table has.
pub const CELLS_MAX: usize = 10_000;
/// What a cell takes beside its measures, about, in bytes.
const CELL_BYTES: usize = 256;
/// No value along a dimension.
const NOTHING: u32 = u32::MAX;

/// Where a row is counted: the cell's number, and the part of it that histograms and life tables
/// make, their bins being the digits of one number.
pub(super) type Place = (u32, u64);

/// The cells that anybody is in.
///
/// A cell is found dimension by dimension, the period last: the place of what has been matched so
/// far and the next value give the next place, and the last place is the cell's.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    plan: &'a Plan<'a>,
    steps: Vec<Step>,
    /// By cell, its value along each dimension.
    keys: Vec<Vec<u32>>,
    persons: Vec<u64>,
    events: Vec<u64>,
    tallies: Vec<Tally>,
    /// For each dimension of codes, codes cut to its level.
    cut: Vec<Vec<u32>>,
    /// Where the person's row before has come to by all dimensions but the period, and where its
    /// kept values are: in each period mostly the same.
    before: Option<(usize, u32)>,
    bytes_per_cell: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(plan: &'a Plan<'a>) -> Self {
        let tallies: Vec<_> = plan.measures.iter().map(Tally::new).collect();
        let bytes = tallies.iter().map(Tally::bytes_per_cell);
        let bytes = bytes.fold(CELL_BYTES, usize::saturating_add);
        Self {
            plan,
            steps: plan.dimensions.iter().map(|_| Step::default()).collect(),
            keys: Vec::new(),
            persons: Vec::new(),
            events: Vec::new(),
            tallies,
            cut: vec![Vec::new(); plan.dimensions.len()],
            before: None,
            bytes_per_cell: bytes,
        }
    }

    /// The memory they take, about, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let steps: usize = self.steps.iter().map(Step::memory_bytes).sum();
        let cells = self.keys.len().saturating_mul(self.bytes_per_cell);
        cells.saturating_add(steps)
    }

    /// The rows that follow are another person's.
    pub(super) const fn next_person(&mut self) {
        self.before = None;
    }

    /// Counts the row of one person and tells where; cells may take `bytes_max` bytes.
    pub(super) fn add(
        &mut self,
        rows: &Collapse<'_>,
        slot: &Slot,
        words: &mut Words,
        bytes_max: impl FnOnce() -> usize,
    ) -> Result<Place, CellsError> {
        let cell = self.cell_of(rows, slot, words, bytes_max)?;
        if let (Some(persons), Some(events)) =
            (self.persons.get_mut(cell), self.events.get_mut(cell))
        {
            *persons += 1;
            *events += slot.events;
        }
        let mut part = 0_u64;
        for (tally, measure) in self.tallies.iter_mut().zip(&self.plan.measures) {
            if matches!(measure, Measure::Counted) {
                continue;
            }
            let bin = tally.add(cell, measure, rows, slot);
            if let Some(bins) = tally.bins() {
                let shifted = part.checked_mul(bins as u64 + 1);
                part = shifted.ok_or(CellsError::TooMany)? + bin.unwrap_or(bins) as u64;
            }
        }
        // INVARIANT: there are at most `CELLS_MAX` cells.
        Ok((u32::try_from(cell).unwrap_or(NOTHING), part))
    }

    /// The key of `place`, with a bin for each histogram and life table.
    pub(super) fn key_at(&self, (cell, mut part): Place, words: &Words) -> Vec<Key> {
        let key = self.keys.get(cell as usize);
        let mut key = key.map_or_else(Vec::new, |key| self.key_of(key, words));
        let dimensions = key.len();
        for bins in self.tallies.iter().rev().filter_map(Tally::bins) {
            let bin = part % (bins as u64 + 1);
            part /= bins as u64 + 1;
            let bin = u32::try_from(bin).ok().filter(|bin| (*bin as usize) < bins);
            key.insert(dimensions, bin.map_or(Key::Missing, Key::Band));
        }
        key
    }

    /// The cell of the row, which is made if there is none.
    fn cell_of(
        &mut self,
        rows: &Collapse<'_>,
        slot: &Slot,
        words: &mut Words,
        bytes_max: impl FnOnce() -> usize,
    ) -> Result<usize, CellsError> {
        let place = match self.before {
            Some((kept_at, place)) if kept_at == slot.kept_at => place,
            _ => self.place_of(rows, slot, words),
        };
        self.before = Some((slot.kept_at, place));
        let period = u32::try_from(slot.period).unwrap_or(NOTHING);
        let dimensions = self.steps.iter_mut().zip(&self.plan.dimensions);
        let own = dimensions.filter(|(_, dimension)| matches!(dimension, Dimension::Own));
        let cell = own.fold(place, |place, (step, _)| step.next(place, period)) as usize;
        if cell < self.keys.len() {
            return Ok(cell);
        }
        if cell >= CELLS_MAX {
            return Err(CellsError::TooMany);
        }
        if self.memory_bytes().saturating_add(self.bytes_per_cell) > bytes_max() {
            return Err(CellsError::Memory);
        }
        let dimensions = 0..self.plan.dimensions.len();
        let key = dimensions.map(|at| self.value_of(at, rows, slot, words));
        let key = key.collect();
        self.keys.push(key);
        self.persons.push(0);
        self.events.push(0);
        self.tallies.iter_mut().for_each(Tally::push);
        Ok(cell)
    }

    /// Where the row comes to by all dimensions but the period.
    fn place_of(&mut self, rows: &Collapse<'_>, slot: &Slot, words: &mut Words) -> u32 {
        let mut place = 0;
        for (at, dimension) in self.plan.dimensions.iter().enumerate() {
            if matches!(dimension, Dimension::Own) {
                continue;
            }
            let value = self.value_of(at, rows, slot, words);
            if let Some(step) = self.steps.get_mut(at) {
                place = step.next(place, value);
            }
        }
        place
    }

    /// The row's value along dimension `at`.
    fn value_of(&mut self, at: usize, rows: &Collapse<'_>, slot: &Slot, words: &mut Words) -> u32 {
        match self.plan.dimensions.get(at) {
            None => NOTHING,
            Some(Dimension::Code { kept, characters }) => {
                let code = rows
                    .kept(*kept)
                    .map_or(NO_CODE, |kept| kept.code(slot.kept_at));
                match (characters, self.cut.get_mut(at)) {
                    (Some(characters), Some(known)) => cut(code, *characters, known, words),
                    _ => code,
                }
            }
            Some(Dimension::Bands { kept, begins }) => {
                let number = rows
                    .kept(*kept)
                    .map_or(f64::NAN, |kept| kept.number(slot.kept_at));
                if number.is_nan() {
                    return NOTHING;
                }
                let band = begins.partition_point(|begin| *begin <= number);
                u32::try_from(band).unwrap_or(NOTHING)
            }
            Some(Dimension::Own) => u32::try_from(slot.period).unwrap_or(NOTHING),
            Some(Dimension::Date { kept, months }) => {
                let month = rows
                    .kept(*kept)
                    .map_or(NO_MONTH, |kept| kept.month(slot.kept_at));
                // Of no month there is no period, and it is turned round into a key alike.
                period_of(month, *months).cast_unsigned()
            }
        }
    }

    /// The table, in the order of its keys.
    pub(super) fn finish(self, words: &Words) -> PartialTable {
        let counts = self.persons.iter().zip(&self.events);
        let cells = self.keys.iter().zip(counts).enumerate();
        let cells = cells.map(|(at, (key, (persons, events)))| Cell {
            key: self.key_of(key, words),
            persons: *persons,
            events: *events,
            measures: self.tallies.iter().map(|tally| tally.part(at)).collect(),
        });
        let mut cells: Vec<_> = cells.collect();
        cells.sort_by(|one, other| one.key.cmp(&other.key));
        PartialTable { cells }
    }

    fn key_of(&self, key: &[u32], words: &Words) -> Vec<Key> {
        let key = key.iter().zip(&self.plan.dimensions);
        let key = key.map(|(value, dimension)| match dimension {
            Dimension::Code { .. } => words
                .text_of(*value)
                .map_or(Key::Missing, |text| Key::Code(text.to_owned())),
            Dimension::Bands { .. } if *value == NOTHING => Key::Missing,
            Dimension::Bands { .. } => Key::Band(*value),
            Dimension::Own => self.own_period(*value),
            Dimension::Date { .. } => match value.cast_signed() {
                NO_MONTH => Key::Missing,
                month => Key::Period(month),
            },
        });
        key.collect()
    }

    fn own_period(&self, period: u32) -> Key {
        let first = self.plan.periods.and_then(|periods| {
            let months = i32::try_from(period).ok()?.checked_mul(periods.months)?;
            periods.first.checked_add(months)
        });
        first.map_or(Key::Missing, Key::Period)
    }
}

/// Why there is no room for a cell.
#[derive(Debug, Clone, Copy)]
pub(super) enum CellsError {
    TooMany,
    Memory,
}

impl CellsError {
    /// As it leaves the engine.
    pub(super) const fn told(self, limit_bytes: usize) -> EngineError {
        match self {
            Self::TooMany => EngineError::TooManyCells(CELLS_MAX),
            Self::Memory => EngineError::Memory { limit_bytes },
        }
    }
}

/// `code` cut to so many `characters`; `known` are those cut before.
fn cut(code: u32, characters: usize, known: &mut Vec<u32>, words: &mut Words) -> u32 {
    let at = code as usize;
    if let Some(cut) = known.get(at).filter(|cut| **cut != NO_CODE) {
        return *cut;
    }
    let Some(text) = words.text_of(code) else {
        return NO_CODE;
    };
    let end = text.char_indices().nth(characters).map(|(end, _)| end);
    let short = text.get(..end.unwrap_or(text.len())).map(str::to_owned);
    let cut = short.map_or(code, |short| words.number_of(&short));
    if known.len() <= at {
        known.resize(at + 1, NO_CODE);
    }
    if let Some(known) = known.get_mut(at) {
        *known = cut;
    }
    cut
}
