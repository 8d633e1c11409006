//! Adds up what the registers sent into one exact table.
//!
//! A register sends additive partials only: per cell the persons, the events, and for each summed
//! variable its [`Moments`]. The [`Merge`] keeps them apart by register until the end, because the
//! threshold may need the largest register's persons, and adds in the order of register ids, so
//! that equal parts give equal bits whatever order they came in.
//!
//! What this does not do: decide what may be seen. An [`ExactTable`] never leaves the gateway.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use innsyn_policy::RegisterId;

mod moments;
#[cfg(test)]
mod tests;

pub use moments::Moments;

/// Persons that one register may report in one cell; more is a fault of the register.
pub const PERSONS_MAX: u64 = 1 << 30;
/// Events that one register may report in one cell.
pub const EVENTS_MAX: u64 = 1 << 32;

/// One value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// A code, cut to the level that was asked for.
    Code(Arc<str>),
    /// A band, a bin, a step or a period, by its number.
    Number(i64),
    /// The person has no value.
    Missing,
}

/// A cell's place in the table: one category for each dimension, in the query's order.
pub type Key = Vec<Category>;

/// What one register has in one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// Persons in the cell.
    pub persons: u64,
    /// Their events.
    pub events: u64,
    /// One for each summed variable, in the query's order.
    pub moments: Vec<Moments>,
}

/// What the tables of all registers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many dimensions there are; none makes a table of one cell.
    pub dimensions: usize,
    /// Which of them, from 0, is the row's own period: a person counts once in each.
    pub period: Option<usize>,
    /// How many variables are summed.
    pub variables: usize,
    /// Whether two registers may hold the same person.
    pub persons_shared: bool,
}

/// A register's table that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Its table is in the total already.
    #[error("register `{0}` answered twice")]
    Twice(RegisterId),
    /// The key or the moments of a cell are not as many as the query says.
    #[error("a cell of register `{0}` does not have the query's dimensions and variables")]
    Shape(RegisterId),
    /// A count is beyond [`PERSONS_MAX`] or [`EVENTS_MAX`], a sum is not finite, or a variable
    /// has values of more persons than there are.
    #[error("a number from register `{0}` cannot be true")]
    Impossible(RegisterId),
}

/// A table in the making.
#[derive(Debug)]
pub struct Merge {
    shape: Shape,
    registers: BTreeMap<RegisterId, BTreeMap<Key, Partial>>,
}

/// The total of all registers, exact, and each register's part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactTable {
    shape: Shape,
    cells: BTreeMap<Key, BTreeMap<RegisterId, Partial>>,
}

impl Merge {
    /// An empty table.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            registers: BTreeMap::new(),
        }
    }

    /// Takes in one register's partial table; a refused one leaves the total as it was.
    pub fn add(
        &mut self,
        register: RegisterId,
        table: BTreeMap<Key, Partial>,
    ) -> Result<(), MergeError> {
        for (key, partial) in &table {
            if key.len() != self.shape.dimensions || partial.moments.len() != self.shape.variables {
                return Err(MergeError::Shape(register));
            }
            let possible = partial.persons <= PERSONS_MAX
                && partial.events <= EVENTS_MAX
                && partial.moments.iter().all(|m| m.is_of(partial.persons));
            if !possible {
                return Err(MergeError::Impossible(register));
            }
        }
        match self.registers.entry(register) {
            Entry::Occupied(earlier) => Err(MergeError::Twice(earlier.key().clone())),
            Entry::Vacant(place) => {
                place.insert(table);
                Ok(())
            }
        }
    }

    /// The total. A cell without persons is no cell, whether a register sent it or not.
    pub fn finish(self) -> ExactTable {
        let mut cells: BTreeMap<Key, BTreeMap<RegisterId, Partial>> = BTreeMap::new();
        for (register, table) in self.registers {
            for (key, partial) in table {
                if partial.persons > 0 {
                    cells
                        .entry(key)
                        .or_default()
                        .insert(register.clone(), partial);
                }
            }
        }
        ExactTable {
            shape: self.shape,
            cells,
        }
    }
}

impl ExactTable {
    /// What the table's dimensions and variables are.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Every cell that holds persons, with each register's part.
    pub fn cells(&self) -> &BTreeMap<Key, BTreeMap<RegisterId, Partial>> {
        &self.cells
    }

    /// The cell's total over all registers. `persons` counts registrations where registers may
    /// share persons.
    pub fn total(&self, key: &Key) -> Option<Partial> {
        let parts = self.cells.get(key)?;
        let mut total = Partial {
            persons: 0,
            events: 0,
            moments: vec![Moments::default(); self.shape.variables],
        };
        // INVARIANT: a BTreeMap gives the registers in the order of their ids; floating-point
        // sums depend on the order.
        for part in parts.values() {
            total.persons += part.persons;
            total.events += part.events;
            for (sum, moments) in total.moments.iter_mut().zip(&part.moments) {
                *sum += *moments;
            }
        }
        Some(total)
    }
}
