//! The overlap audit: whether two tables of one data permit differ by a few persons.
//!
//! Who has two tables whose cells differ by one person can subtract them and read that person's
//! data, whatever the tables hide. So each query is compared with everything that its permit has
//! had released before, and refused whole where two cells differ by 1 to k−1 persons.
//!
//! ```text
//!   ledger ─ kept ─▶ earlier tables ─▶ agents: which earlier counts to compare with
//!   agents ─ told ─▶ sizes, and how many persons two cells share, added over registers
//!            |A Δ B| = |A| + |B| − 2 |A ∩ B|  ─▶  1…k−1: not available
//! ```
//!
//! What is compared pair by pair, as *groups* of cells (`groups`): each cell that is shown, and, because
//! whoever sees cells can add them up, the whole of a table and its margins of one dimension,
//! with the hidden cells in them, of one period each. Hidden cells belong to them because that a
//! hidden cell follows from a margin is what the desk prevents (`desk/protect.rs`); here the
//! question is whether another population was counted.
//!
//! And whole tables are added up and subtracted, the new one with up to three earlier ones (`sums`).
//! Tables of the same persons are given to the desk (`same_persons`), which looks at what their cells
//! tell together (`desk/together.rs`).
//!
//! What holds:
//!
//! - **Exact over all registers that answered both times.** Registers that answered once count
//!   with the whole cell. What a silent one had in an earlier cell is known as *nobody*, *few* or
//!   *many* ([`Persons`]), which is all that the ledger keeps of it: if it could make the
//!   difference a few persons, it is taken to.
//! - **Where registers may share persons** the largest register's difference counts, as it does
//!   for the threshold: one person in five registers is not five persons.
//! - **Equal sets pass where they were asked alike**: a table by other dimensions, or with other
//!   numbers. Where population or rows were said otherwise ([`Asked`]) and the whole is the
//!   same, in all periods, that nobody differs would tell as much as a refusal does: it counts as
//!   few, even if it is the same in other words.
//! - **What cannot be compared is refused**, in the same words: an agent that knows no overlaps,
//!   one that cannot tell its earlier persons again, answers that do not fit, a release from
//!   before there was an audit.
//!
//! What this does not do:
//!
//! - **It is per permit.** Two permits do not know of each other.
//! - **Sums of five tables and more are not compared**, nor of four where there are more than 150
//!   earlier ones, nor with tables that other registers have answered; nor sums of cells and
//!   margins of three tables and more of different persons.
//! - **A refusal is an answer.** Refused, that fewer than k differ is known, and mostly not more.
//!   But where the whole differs by many, or is added up of parts, or the query names other
//!   registers or another view, equal sets pass, and then a refusal tells that somebody differs.
//!   The budget bounds how often that can be asked: agents charge a query that they counted,
//!   whatever became of the table.
//! - **Persons are compared, not their events or values.** Two tables of the same persons whose
//!   events are counted over different months tell of events of persons nobody can name; and of
//!   a sum only what the desk's grid shows (`desk/number.rs`).
//! - A sum of some cells that is neither a margin nor the whole is not compared; the rounding of
//!   each cell is what stands against it.
//! - Of a table by periods the whole that is added up is everybody in any of them, and it is
//!   combined with others like it only; of a table of one period it is like any other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use innsyn_policy::RegisterId;

use super::merge::Key;

mod asked;
mod groups;
mod kept;
mod same_persons;
mod sums;
#[cfg(test)]
mod tests;
mod told;

pub(super) use asked::Asked;
pub(super) use kept::Earlier;
pub(super) use same_persons::SamePersons;
pub(super) use sums::Sums;
pub(super) use told::{Told, ToldError};

use groups::Groups;

/// Pairs of cells that one run may be told of, over all registers: about 100 MB.
pub(super) const PAIRS_MAX: usize = 6 << 20;
/// Pairs of groups that share persons in one comparison: about 100 MB.
const GROUP_PAIRS_MAX: usize = 4 << 20;

/// A table as the audit sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Which dimension is the period in each of which a person counts once.
    pub(super) period: Option<usize>,
    /// Whether two registers may hold the same person.
    pub(super) persons_shared: bool,
    /// Of whom it was asked and by what; unknown of a table from before that was kept.
    pub(super) asked: Option<Asked>,
    /// In the order of their keys; in each is somebody.
    pub(super) cells: Vec<Cell>,
}

impl Table {
    /// Whether each person is in it once at most.
    pub(super) fn is_each_once(&self) -> bool {
        let periods = |period: usize| self.cells.iter().map(move |cell| cell.key.get(period));
        self.period
            .is_none_or(|period| periods(period).collect::<BTreeSet<_>>().len() < 2)
    }

    /// Whether both were asked of one population.
    fn is_of_population_of(&self, other: &Self) -> bool {
        match (&self.asked, &other.asked) {
            (Some(own), Some(other)) => own.population == other.population,
            _ => false,
        }
    }

    /// Whether anything is shown.
    pub(super) fn shows_anything(&self) -> bool {
        self.cells.iter().any(|cell| cell.is_shown)
    }
}

/// A cell, hidden ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) key: Key,
    pub(super) is_shown: bool,
    /// By register, where it has anybody.
    pub(super) persons: BTreeMap<RegisterId, Persons>,
}

/// How many persons there are, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Persons {
    pub(super) least: u64,
    /// [`u64::MAX`] where there is no bound.
    pub(super) most: u64,
}

/// What one register told of one earlier table, with the places of both tables' cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// Of each earlier cell.
    pub(super) sizes: Vec<u64>,
    /// The place of a new cell and of an earlier one, and how many persons are in both.
    pub(super) pairs: Vec<(u32, u32, u64)>,
}

/// Why tables cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CompareError {
    #[error("two cells share more persons than are in them")]
    Impossible,
    #[error("more than {GROUP_PAIRS_MAX} pairs of cells share persons")]
    TooMany,
}

impl Persons {
    pub(super) const fn exactly(persons: u64) -> Self {
        Self {
            least: persons,
            most: persons,
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self.most.saturating_add(other.most),
        }
    }

    /// These without so many who are surely among them.
    fn without(self, persons: u64) -> Result<Self, CompareError> {
        Ok(Self {
            least: self
                .least
                .checked_sub(persons)
                .ok_or(CompareError::Impossible)?,
            most: match self.most {
                u64::MAX => u64::MAX,
                most => most.checked_sub(persons).ok_or(CompareError::Impossible)?,
            },
        })
    }
}

/// Whether a table that shows cells of at least `k` persons, and an earlier one, have groups that
/// differ by 1 to `k` − 1 persons, or could; or wholes that differ by nobody, if the tables were
/// asked of different populations. `met` has what each register told that answered both.
pub(super) fn differ_by_few(
    table: &Table,
    earlier: &Table,
    met: &BTreeMap<RegisterId, Met>,
    k: u64,
) -> Result<bool, CompareError> {
    let new = Groups::of(table, |_, register, cell| {
        cell.persons.get(register).copied().unwrap_or_default()
    });
    let old = Groups::of(earlier, |at, register, cell| match met.get(register) {
        Some(met) => Persons::exactly(met.sizes.get(at).copied().unwrap_or_default()),
        None => cell.persons.get(register).copied().unwrap_or_default(),
    });
    let are_compared = !table.is_of_population_of(earlier) && new.has_wholes_as(&old);
    // Groups that share nobody differ by at least the k persons of either.
    if table.persons_shared || earlier.persons_shared {
        let mut shared = BTreeMap::new();
        let mut pairs = HashSet::new();
        for (register, met) in met {
            let own = shared_by(&new, &old, [met])?;
            pairs.extend(own.keys().copied());
            if pairs.len() > GROUP_PAIRS_MAX {
                return Err(CompareError::TooMany);
            }
            shared.insert(register, own);
        }
        if are_compared && largest_difference_of_wholes(&new, &old, &shared)?.is_few(0, k) {
            return Ok(true);
        }
        pairs.into_iter().try_fold(false, |found, pair| {
            let differ = largest_difference(&new, &old, &shared, pair)?;
            Ok(found || differ.is_few(1, k))
        })
    } else {
        let both = shared_by(&new, &old, met.values())?;
        let wholes = || difference_of_wholes(&new, &old, Some(&both), Groups::total);
        if are_compared && wholes()?.is_few(0, k) {
            return Ok(true);
        }
        both.into_iter()
            .try_fold(false, |found, ((one, other), both)| {
                let total = new.total(one).and(old.total(other));
                Ok(found || total.without(2 * both)?.is_few(1, k))
            })
    }
}

/// Pairs of groups, and how many persons are in both.
type Shared = HashMap<(u32, u32), u64>;

/// The pairs of groups that share anybody.
fn shared_by<'a>(
    new: &Groups,
    old: &Groups,
    met: impl IntoIterator<Item = &'a Met>,
) -> Result<Shared, CompareError> {
    let mut shared = Shared::new();
    for (cell, earlier_cell, both) in met.into_iter().flat_map(|met| &met.pairs) {
        for one in new.of_cell(*cell) {
            for other in old.of_cell(*earlier_cell) {
                *shared.entry((*one, *other)).or_default() += both;
            }
        }
        if shared.len() > GROUP_PAIRS_MAX {
            return Err(CompareError::TooMany);
        }
    }
    Ok(shared)
}

/// In how many persons two groups differ at least and at most, where a person may be in several
/// registers.
fn largest_difference(
    new: &Groups,
    old: &Groups,
    shared: &BTreeMap<&RegisterId, Shared>,
    (one, other): (u32, u32),
) -> Result<Persons, CompareError> {
    let registers = new.registers(one).chain(old.registers(other));
    let mut largest = Persons::default();
    for register in registers {
        let of_register = shared.get(register);
        let both = of_register.and_then(|shared| shared.get(&(one, other)));
        let size = new.at(one, register).and(old.at(other, register));
        let differ = size.without(2 * both.copied().unwrap_or_default())?;
        largest.least = largest.least.max(differ.least);
        largest.most = largest.most.max(differ.most);
    }
    Ok(largest)
}

/// In how many persons the wholes of two tables differ, added up over their periods; `size` tells
/// how many are in a group, and `shared` in two.
fn difference_of_wholes(
    new: &Groups,
    old: &Groups,
    shared: Option<&Shared>,
    size: impl Fn(&Groups, u32) -> Persons,
) -> Result<Persons, CompareError> {
    let of = |groups: &Groups| {
        let sizes = groups.wholes().map(|whole| size(groups, whole));
        sizes.fold(Persons::default(), Persons::and)
    };
    let pairs = shared.into_iter().flatten();
    let both = pairs.filter(|((one, other), _)| new.is_whole_as(*one, old, *other));
    let both: u64 = both.map(|(_, both)| both).sum();
    of(new).and(of(old)).without(2 * both)
}

/// The same where a person may be in several registers.
fn largest_difference_of_wholes(
    new: &Groups,
    old: &Groups,
    shared: &BTreeMap<&RegisterId, Shared>,
) -> Result<Persons, CompareError> {
    let of = |groups: &Groups| {
        let registers = groups.wholes().flat_map(|whole| groups.registers(whole));
        registers.cloned().collect::<BTreeSet<_>>()
    };
    let mut largest = Persons::default();
    for register in of(new).union(&of(old)) {
        let shared = shared.get(register);
        let size = |groups: &Groups, whole: u32| groups.at(whole, register);
        let differ = difference_of_wholes(new, old, shared, size)?;
        largest.least = largest.least.max(differ.least);
        largest.most = largest.most.max(differ.most);
    }
    Ok(largest)
}

impl Persons {
    /// Whether so many can be at least `least` and fewer than `k`.
    const fn is_few(self, least: u64, k: u64) -> bool {
        self.most >= least && self.least < k
    }
}
