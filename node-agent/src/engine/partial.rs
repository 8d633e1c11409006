//! What leaves the engine: additive cells, and the set of persons they count.

use super::{PersonSet, Placed};

/// What a query gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What may be sent to be added to other registers' tables.
    pub table: PartialTable,
    /// Whose rows are in the table, for the use log; it stays here.
    pub counted: PersonSet,
    /// Which cell each of them is in, for the overlap audit; it stays here.
    pub placed: Placed,
}

/// One register's part of a table. Cells that nobody is in are not there.
///
/// Adding the tables of disjoint persons cell by cell gives the table of all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartialTable {
    /// Sorted by key, each key once.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// One for each of the query's dimensions, in its order.
    pub key: Vec<Key>,
    /// Persons in the cell, each once.
    pub persons: u64,
    /// Events that their rows are made of; one for each row in a view of persons.
    pub events: u64,
    /// One for each of the query's measures, in its order.
    pub measures: Vec<Part>,
}

/// A cell's place along one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The value is missing.
    Missing,
    /// A code, cut to the level asked for.
    Code(String),
    /// How many of the bands' begins are at or below the value: 0 is below the first.
    Band(u32),
    /// The first month of a period, counted from January 1970.
    Period(i32),
}

/// A cell's part of one measure.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// It is the cell's own count of persons or of events.
    Counted,
    /// Of values that are not missing, each clipped to the catalogue's bounds.
    Moments {
        /// How many values there are.
        values: u64,
        /// The sum of their differences from the catalogue's centre.
        sum: f64,
        /// The sum of the squares of these; only where a variance is asked for.
        squares: Option<f64>,
    },
    /// Persons in each bin; those off the grid are in the bin at that end, those whose value is
    /// missing in none.
    Histogram(Vec<u64>),
    /// Persons by whole steps since they came in. Who has no date of entry, or whose end is
    /// before it, is not there.
    LifeTable {
        /// Persons who had the event in each step.
        events: Vec<u64>,
        /// Persons who left in each step without it.
        left: Vec<u64>,
        /// Persons who were still there after the last step.
        beyond: u64,
    },
}
