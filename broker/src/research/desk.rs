//! The release desk: what of an exact table may leave.
//!
//! In this order:
//!
//! 1. **Threshold.** A cell of fewer than k persons is hidden. Zero is hidden too: a cell that
//!    shows zero when nobody is there and nothing when somebody is, answers for any cell whether
//!    somebody is in it. Where registers may share persons, k is asked of the largest register's
//!    persons, and the column counts *registrations*.
//! 2. **Rounding.** What is shown is rounded to the nearest multiple of the base, persons and
//!    events alike. Totals are sums of what is shown ([`ReleasedTable::totals`]), never rounded
//!    from exact ones, and so tell nothing that the cells do not.
//! 3. **Complementary check** (`desk/protect.rs`). The same permit may ask for the margins as tables of
//!    their own, where they are rounded from exact ones. So each margin is taken as known as well
//!    as this desk would let it be known, and cells are hidden, the smallest first, until each
//!    cell and each margin that the threshold hides could hold any number from 1 to k−1.
//! 4. **Numbers** (`desk/number.rs`). The mean, sum and variance of a variable leave where at least
//!    2k persons have a value and one person at the clip bound could make at most 85 % of the
//!    cell's total, on a grid as coarse as what one person could move them. The sum is the shown mean times the shown persons. These look
//!    at nothing that is hidden, so they come last.
//!
//! What holds:
//!
//! - **Hidden cells look alike**: reason [`Reason::Few`] does not tell those below the threshold
//!   from those that protect them.
//! - **Rows follow from what is shown.** A hidden cell is named only where each of its categories
//!   has a shown cell; a code that only few persons have is not named at all.
//! - **Every value stays possible**: the check has for every cell that the threshold hides and
//!   every value from 1 to k−1 a whole table that fits all that is shown, cell by cell and margin
//!   by margin. Where it has none, nothing near the cell is shown, and margins over different
//!   dimensions rule the value out together, each a table of its own. Of those not all leave
//!   (`desk/together.rs`).
//!
//! What this does not do:
//!
//! - That tables count persons who are a few apart is the overlap audit's (`overlap.rs`).
//! - It takes margins as this desk rounds them. Who has exact ones from elsewhere knows more.
//! - 0 may be ruled out: that somebody is in a cell can follow from its margins.
//! - Which cells were chosen to protect others follows from the counts. Whoever replays the rules
//!   on every table that there could be can learn from the choice: of two categories nothing where
//!   base and k are equal, of three about half of what they would without the check
//!   (`tests/all_tables.rs`).
//! - Columns are checked one at a time, persons and then events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::merge::{Category, ExactTable, Key};

mod lattice;
mod number;
mod protect;
mod rounding;
mod settle;
#[cfg(test)]
mod tests;
pub mod together;

pub use number::{Clip, Number};
pub use rounding::{Rules, RulesError};

use lattice::Lattice;
use settle::{Check, settle};
use together::{Together, tell_of_few};

/// Cells that a table may have, those without persons included.
pub const CELLS_MAX: usize = 10_000;
/// Dimensions that a table may have; the margins to look at double with each.
pub const DIMENSIONS_MAX: usize = 6;

/// What may leave.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedTable {
    /// What the first column counts.
    pub counted: Counted,
    /// Which dimension is the period in each of which a person counts once.
    pub period: Option<usize>,
    /// Every row, in the order of its categories.
    pub cells: BTreeMap<Key, Value<Cell>>,
}

/// What the column of persons holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Each person once.
    Persons,
    /// A person once for each register that holds them.
    Registrations,
}

/// Something that is shown, or hidden for a reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<T> {
    /// May be seen.
    Shown(T),
    /// May not.
    Hidden(Reason),
}

/// Why something is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Fewer persons than the permit's threshold, or hidden to protect such a cell.
    Few,
    /// One person could make most of the total.
    Dominance,
}

/// A cell that is shown; counts are multiples of the rounding base.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Persons, or registrations.
    pub persons: u64,
    /// Their events.
    pub events: u64,
    /// One for each summed variable, in the query's order.
    pub numbers: Vec<Value<Number>>,
}

/// A sum over the rows that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Persons in the shown rows.
    pub persons: u64,
    /// Their events.
    pub events: u64,
    /// Rows that are hidden and left out.
    pub rows_hidden: usize,
}

/// Which categories a dimension may have, whether anybody has them or not.
///
/// Declared where it can be: an attacker who knows the categories is then answered for exactly,
/// and less is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// These, and those that occur.
    Closed(BTreeSet<Category>),
    /// Nobody has said: those that occur, and perhaps others that nobody has.
    Open,
}

/// Why a table cannot be released at all. It follows from the query, not from the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// Ask for fewer or coarser dimensions.
    #[error("the table has {0} cells, more than {CELLS_MAX}; ask for fewer or coarser dimensions")]
    TooManyCells(usize),
    /// Ask for fewer dimensions.
    #[error("the table has {0} dimensions, more than {DIMENSIONS_MAX}; ask for fewer")]
    TooManyDimensions(usize),
    /// There is not one domain for each dimension.
    #[error("each dimension needs a domain")]
    Domains,
    /// The catalogue's clip bounds are not one rising pair for each summed variable.
    #[error("each summed variable needs clip bounds, the lower below the upper")]
    ClipBounds,
}

/// Settles one table, as [`release`] does.
pub type Release =
    fn(&ExactTable, &[Domain], Rules, &[Clip]) -> Result<ReleasedTable, ReleaseError>;

/// Decides what of an exact table may leave. A seam: what is put together as a production gateway
/// has [`ReleaseDesk::REAL`] and no way to another.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseDesk {
    /// What of one table may be shown.
    pub release: Release,
    /// Whether it tells too much together with earlier ones, as [`tell_of_few`] says.
    pub tell_of_few: fn(&Together, Rules) -> bool,
}

impl ReleaseDesk {
    /// The one that has every rule.
    pub const REAL: Self = Self {
        release,
        tell_of_few,
    };
}

/// Applies the desk's rules to `exact`; `domains` has the categories of each dimension, `clips` the catalogue's bounds of each summed
/// variable, in the query's order.
pub fn release(
    exact: &ExactTable,
    domains: &[Domain],
    rules: Rules,
    clips: &[Clip],
) -> Result<ReleasedTable, ReleaseError> {
    release_with(exact, domains, rules, clips, Check::Made)
}

fn release_with(
    exact: &ExactTable,
    domains: &[Domain],
    rules: Rules,
    clips: &[Clip],
    check: Check,
) -> Result<ReleasedTable, ReleaseError> {
    if clips.len() != exact.shape().variables || !clips.iter().all(Clip::is_rising) {
        return Err(ReleaseError::ClipBounds);
    }
    let lattice = Lattice::of(exact, domains)?;
    let shown = settle(&lattice, rules, check);
    let shown: BTreeSet<Key> = lattice
        .keys()
        .zip(shown)
        .filter_map(|(key, shown)| key.filter(|_| shown))
        .collect();
    let cells = rows(&shown, exact.shape().dimensions)
        .into_iter()
        .map(|key| {
            let cell = shown
                .contains(&key)
                .then(|| cell(exact, &key, rules, clips))
                .flatten();
            (key, cell.map_or(Value::Hidden(Reason::Few), Value::Shown))
        })
        .collect();
    Ok(ReleasedTable {
        counted: if exact.shape().persons_shared {
            Counted::Registrations
        } else {
            Counted::Persons
        },
        period: exact.shape().period,
        cells,
    })
}

/// Every combination of categories that have a shown cell, so that the rows tell nothing that
/// the shown cells do not.
fn rows(shown: &BTreeSet<Key>, dimensions: usize) -> Vec<Key> {
    (0..dimensions).fold(vec![Key::new()], |rows, dimension| {
        let axis: BTreeSet<&Category> = shown.iter().filter_map(|key| key.get(dimension)).collect();
        rows.iter()
            .flat_map(|row| {
                axis.iter().map(|category| {
                    let mut row = row.clone();
                    row.push((*category).clone());
                    row
                })
            })
            .collect()
    })
}

/// The shown cell at `key`.
fn cell(exact: &ExactTable, key: &Key, rules: Rules, clips: &[Clip]) -> Option<Cell> {
    let parts = exact.cells().get(key)?;
    let total = exact.total(key)?;
    let numbers = clips
        .iter()
        .zip(&total.moments)
        .enumerate()
        .map(|(variable, (clip, moments))| {
            let parts = parts.values().filter_map(|part| part.moments.get(variable));
            number::release(*moments, parts, *clip, rules, exact.shape().persons_shared)
        })
        .collect();
    Some(Cell {
        persons: rules.rounded(total.persons),
        events: rules.rounded(total.events),
        numbers,
    })
}

impl ReleasedTable {
    /// The table summed over the dimensions that are not in `kept`, from the rounded cells that
    /// are shown. `None` where that would sum over periods: a person is in many of them.
    pub fn totals(&self, kept: &[usize]) -> Option<BTreeMap<Key, Total>> {
        if self.period.is_some_and(|period| !kept.contains(&period)) {
            return None;
        }
        let mut totals: BTreeMap<Key, Total> = BTreeMap::new();
        for (key, cell) in &self.cells {
            let key = kept.iter().filter_map(|&d| key.get(d).cloned()).collect();
            let total = totals.entry(key).or_default();
            match cell {
                Value::Shown(cell) => {
                    total.persons += cell.persons;
                    total.events += cell.events;
                }
                Value::Hidden(_) => total.rows_hidden += 1,
            }
        }
        Some(totals)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Few => "fewer persons than the permit allows to show, or protects such a cell",
            Self::Dominance => "one person could make most of the total",
        })
    }
}
