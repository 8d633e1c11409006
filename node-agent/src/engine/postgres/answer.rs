//! The statement's rows become a table again.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::super::cells::CELLS_MAX;
use super::super::error::EngineError;
use super::super::moments::{Scale, Sums};
use super::super::partial::{Answer, Cell, Key, Part, PartialTable};
use super::super::plan::{Dimension, Measure, Plan};
use super::cells::{CELL, WHO};
use super::who::Who;

/// What a cell takes beside its measures, about, in bytes.
const CELL_BYTES: usize = 256;

/// The rows that have come.
#[derive(Debug)]
pub struct Gathered<'a> {
    plan: &'a Plan<'a>,
    cells: BTreeMap<Vec<Key>, Cell>,
    who: Who,
    memory_bytes: usize,
    bytes_per_cell: usize,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, persons: u32, memory_bytes: usize) -> Self {
        let bins = plan.measures.iter().map(|measure| match measure {
            Measure::Histogram { bins, .. } => *bins,
            Measure::LifeTable(table) => table.steps.saturating_mul(2),
            Measure::Counted
            | Measure::Value { .. }
            | Measure::Values { .. }
            | Measure::PersonTime { .. } => 8,
        });
        let bins = bins.fold(0, usize::saturating_add);
        Self {
            plan,
            cells: BTreeMap::new(),
            who: Who::nobody(persons, memory_bytes),
            memory_bytes,
            bytes_per_cell: bins
                .saturating_mul(size_of::<u64>())
                .saturating_add(CELL_BYTES),
        }
    }

    /// Takes in one row.
    pub fn row(&mut self, row: &Row) -> Result<(), EngineError> {
        let plan = self.plan;
        let part: i32 = value(row, 0)?;
        let key = self.key(row)?;
        let after = 1 + self.plan.dimensions.len();
        match part {
            CELL => {
                let persons = count(row, after + 1)?;
                let events = count(row, after + 2)?;
                let sums: Vec<String> = value(row, after + 3)?;
                let cell = self.cell(key)?;
                cell.persons = persons;
                cell.events = events;
                fill(cell, plan, &sums).ok_or_else(unexpected)
            }
            WHO => {
                let bins: Vec<Option<i64>> = value(row, after + 4)?;
                let words: Vec<i32> = value(row, after + 5)?;
                let persons: Vec<i64> = value(row, after + 6)?;
                let period = self.period(&key);
                self.who
                    .are_in(place(key, &bins)?, period, &words, &persons)
            }
            measure => {
                let bin = count(row, after)?;
                let persons = count(row, after + 1)?;
                let measure = usize::try_from(measure).map_err(|_| unexpected())?;
                let cell = self.cell(key)?;
                let part = cell.measures.get_mut(measure).ok_or_else(unexpected)?;
                put(part, bin, persons).ok_or_else(unexpected)
            }
        }
    }

    /// The table of the rows that came, and who is in it.
    pub fn finish(self) -> Result<Answer, EngineError> {
        // A cell that only a bin named would be one without its counts.
        if self.cells.values().any(|cell| cell.persons == 0) {
            return Err(unexpected());
        }
        let (counted, placed) = self.who.finish(self.plan.periods.is_some())?;
        Ok(Answer {
            table: PartialTable {
                cells: self.cells.into_values().collect(),
            },
            counted,
            placed,
        })
    }

    /// The period of a row in the cell called `key`; of rows without any it is none.
    fn period(&self, key: &[Key]) -> i32 {
        let dimensions = self.plan.dimensions.iter().zip(key);
        let mut periods = dimensions.filter_map(|(dimension, key)| match (dimension, key) {
            (Dimension::Own, Key::Period(period)) => Some(*period),
            _ => None,
        });
        periods.next().unwrap_or_default()
    }

    fn key(&self, row: &Row) -> Result<Vec<Key>, EngineError> {
        let dimensions = self.plan.dimensions.iter().enumerate();
        dimensions
            .map(|(at, dimension)| match dimension {
                Dimension::Code { .. } => {
                    let code: Option<String> = value(row, at + 1)?;
                    Ok(code.map_or(Key::Missing, Key::Code))
                }
                Dimension::Bands { .. } => match value::<Option<i32>>(row, at + 1)? {
                    None => Ok(Key::Missing),
                    Some(band) => Ok(Key::Band(u32::try_from(band).map_err(|_| unexpected())?)),
                },
                Dimension::Own => {
                    let period: i32 = value(row, at + 1)?;
                    let periods = self.plan.periods.ok_or_else(unexpected)?;
                    let first = period.checked_mul(periods.months);
                    let first = first.and_then(|months| periods.first.checked_add(months));
                    first.map(Key::Period).ok_or_else(unexpected)
                }
                Dimension::Date { .. } => {
                    let month: Option<i32> = value(row, at + 1)?;
                    Ok(month.map_or(Key::Missing, Key::Period))
                }
            })
            .collect()
    }

    /// The cell called `key`, which is made if there is none.
    fn cell(&mut self, key: Vec<Key>) -> Result<&mut Cell, EngineError> {
        if !self.cells.contains_key(&key) {
            let cells = self.cells.len() + 1;
            if cells > CELLS_MAX {
                return Err(EngineError::TooManyCells(CELLS_MAX));
            }
            if cells.saturating_mul(self.bytes_per_cell) > self.memory_bytes {
                return Err(EngineError::Memory {
                    limit_bytes: self.memory_bytes,
                });
            }
        }
        let measures = &self.plan.measures;
        Ok(self.cells.entry(key.clone()).or_insert_with(|| Cell {
            key,
            persons: 0,
            events: 0,
            measures: measures.iter().map(nothing).collect(),
        }))
    }
}

/// Where somebody in the cell called `key` is placed, in these `bins` of its measures.
fn place(mut key: Vec<Key>, bins: &[Option<i64>]) -> Result<Vec<Key>, EngineError> {
    for bin in bins {
        key.push(match bin {
            None => Key::Missing,
            Some(bin) => Key::Band(u32::try_from(*bin).map_err(|_| unexpected())?),
        });
    }
    Ok(key)
}

/// A measure of a cell before its rows have come.
fn nothing(measure: &Measure) -> Part {
    match measure {
        Measure::Counted => Part::Counted,
        Measure::Value { with_squares, .. } | Measure::Values { with_squares, .. } => {
            Part::Moments {
                values: 0,
                sum: 0.0,
                squares: with_squares.then_some(0.0),
            }
        }
        Measure::PersonTime { .. } => Part::Moments {
            values: 0,
            sum: 0.0,
            squares: None,
        },
        Measure::Histogram { bins, .. } => Part::Histogram(vec![0; *bins]),
        Measure::LifeTable(table) => Part::LifeTable {
            events: vec![0; table.steps],
            left: vec![0; table.steps],
            beyond: 0,
        },
    }
}

/// Puts the exact `sums` into the moments of `cell`, in the order of the measures.
fn fill(cell: &mut Cell, plan: &Plan<'_>, sums: &[String]) -> Option<()> {
    let mut sums = sums.iter();
    for (part, measure) in cell.measures.iter_mut().zip(&plan.measures) {
        if let Part::Moments {
            values,
            sum,
            squares,
        } = part
        {
            let scale = scale_of(measure)?;
            let exact = Sums {
                values: sums.next()?.parse().ok()?,
                sum: sums.next()?.parse().ok()?,
                squares: match squares {
                    Some(_) => sums.next()?.parse().ok()?,
                    None => 0,
                },
            };
            let (of_values, of_squares) = exact.in_scale(scale);
            (*values, *sum) = (exact.values, of_values);
            *squares = squares.map(|_| of_squares);
        }
    }
    Some(())
}

const fn scale_of(measure: &Measure) -> Option<&Scale> {
    match measure {
        Measure::Value { scale, .. }
        | Measure::Values { scale, .. }
        | Measure::PersonTime { scale, .. } => Some(scale),
        Measure::Counted | Measure::Histogram { .. } | Measure::LifeTable(_) => None,
    }
}

/// Puts `persons` into `bin` of a measure.
fn put(part: &mut Part, bin: u64, persons: u64) -> Option<()> {
    let bin = usize::try_from(bin).ok()?;
    let count = match part {
        Part::Histogram(bins) => bins.get_mut(bin)?,
        Part::LifeTable {
            events,
            left,
            beyond,
        } => {
            let steps = if bin % 2 == 0 { events } else { left };
            match steps.get_mut(bin / 2) {
                Some(count) => count,
                None => beyond,
            }
        }
        Part::Counted | Part::Moments { .. } => return None,
    };
    *count = persons;
    Some(())
}

fn value<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, EngineError> {
    row.try_get(at).map_err(|_| unexpected())
}

fn count(row: &Row, at: usize) -> Result<u64, EngineError> {
    let count: i64 = value(row, at)?;
    u64::try_from(count).map_err(|_| unexpected())
}

/// The rows are not what the statement gives.
pub(super) fn unexpected() -> EngineError {
    EngineError::Database {
        state: "none".to_owned(),
    }
}
