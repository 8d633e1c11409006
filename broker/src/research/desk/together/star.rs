//! Bounds that several tables give together, each two of which have the same dimensions in common.
//!
//! With N persons in all, of whom aᵢ are in a cell of the i-th of n tables, at least
//!
//! ```text
//!   a₁ + … + aₙ − (n − 1) N
//! ```
//!
//! are in all of these cells: those who are not in one of them are N − aᵢ, and cannot be more than
//! the sum of these (Bonferroni; Fréchet's lower bound). The least that this can be, over the N and
//! aᵢ that fit what these tables show, must not be from 2 to k−1: that many are known to be in a cell
//! of which nobody knows that it is not few. The gateway knows it where the new table A₁ has enough
//! in common with each of the others: at least Σᵢ |A₁ ∩ Aᵢ| − (n − 2) |A₁| are in all.
//!
//! What holds: only cells with more than half of the persons make a bound, and a table has one of
//! these at most; so each cell of one table is combined with the largest of the others.
//!
//! What this does not do: it takes two levels of one variable for two variables.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rounding::{Interval, Rules};
use super::{Axis, InCommon, Seen, Together};
use crate::research::merge::Category;

/// Tables that are combined, the new one with them.
const TABLES_MAX: usize = 4;
/// Earlier tables by other dimensions that are combined, the latest ones.
const COMBINED_MAX: usize = 32;

/// The categories of the dimensions that all tables of a combination have.
type Core<'a> = Vec<&'a Category>;

/// The cells of one table, by their categories of the core.
type Arms<'a> = BTreeMap<Core<'a>, Arm>;

/// The cells of one table that have the same categories of the core.
#[derive(Debug)]
struct Arm {
    cells: Vec<Cell>,
    /// What is known of all of them together.
    all: Interval,
    persons: u64,
}

/// A cell of one table.
#[derive(Debug, Clone, Copy)]
struct Cell {
    known: Interval,
    /// What all others can hold; none where there is no bound.
    others_high: Option<i64>,
    /// Its place in the table and how many are in it, if it is shown.
    exact: Option<(u32, u64)>,
}

/// Whether tables tell together that a cell of which nobody knows that it is not few has two
/// persons at least; pairs of the new table and another whose dimensions are `known` have been
/// looked at.
pub(super) fn tell_of_few(together: &Together, rules: Rules, known: &[BTreeSet<&Axis>]) -> bool {
    let mut tables = vec![Table {
        seen: &together.new,
        with_new: None,
    }];
    for (seen, in_common) in together.earlier.iter().rev() {
        let is_by_others = |one: &Table<'_>| {
            let is_own = |axis: &Axis| seen.place_of(axis).is_some();
            one.seen.axes.len() != seen.axes.len() || !one.seen.axes.iter().all(is_own)
        };
        if tables.iter().all(is_by_others) && tables.len() < COMBINED_MAX {
            tables.push(Table {
                seen,
                with_new: in_common.as_deref(),
            });
        }
    }
    let mut cores: Vec<Vec<&Axis>> = Vec::new();
    for (at, one) in tables.iter().enumerate() {
        for other in tables.iter().take(at) {
            let core = in_common(other.seen, one.seen);
            if !cores.contains(&core) {
                cores.push(core);
            }
        }
    }
    cores
        .iter()
        .any(|core| Star::of(together, core, &tables, rules).tells_of_few(known))
}

/// The dimensions that both tables have.
fn in_common<'a>(one: &'a Seen, other: &Seen) -> Vec<&'a Axis> {
    let axes = one.axes.iter();
    axes.filter(|axis| other.place_of(axis).is_some()).collect()
}

#[derive(Debug, Clone, Copy)]
struct Table<'a> {
    seen: &'a Seen,
    /// What an earlier one has in common with the new one, where that is known.
    with_new: Option<&'a [InCommon]>,
}

/// The tables that have the dimensions of the core, and others.
struct Star<'a> {
    core: &'a [&'a Axis],
    /// The new one first, if it is one of them.
    tables: Vec<(Table<'a>, Arms<'a>)>,
    has_new: bool,
    /// How many persons there can be with each of the core's categories.
    everybody: BTreeMap<Core<'a>, Interval>,
    /// And before the new table.
    before: BTreeMap<Core<'a>, Interval>,
    /// The largest count that the threshold can hide.
    few_max: i64,
}

impl<'a> Star<'a> {
    fn of(
        together: &'a Together,
        core: &'a [&'a Axis],
        tables: &[Table<'a>],
        rules: Rules,
    ) -> Self {
        let has_core = |table: &&Table<'_>| {
            table.seen.axes.len() > core.len()
                && core.iter().all(|axis| table.seen.place_of(axis).is_some())
        };
        let of_core = tables.iter().filter(has_core);
        Self {
            core,
            tables: of_core
                .map(|table| (*table, arms(table.seen, core, rules)))
                .collect(),
            has_new: tables.first().as_ref().is_some_and(has_core),
            everybody: everybody(together.tables(), core, rules),
            before: everybody(together.tables().skip(1), core, rules),
            few_max: (rules.k() - 1)
                .saturating_mul(together.places)
                .cast_signed(),
        }
    }

    fn tells_of_few(&self, known: &[BTreeSet<&Axis>]) -> bool {
        self.with(&mut Vec::new(), known)
    }

    /// Continues the tables at these places with some of those after them.
    fn with(&self, places: &mut Vec<usize>, known: &[BTreeSet<&Axis>]) -> bool {
        let from = places.last().map_or(0, |last| last + 1);
        (from..self.tables.len()).any(|at| {
            let table = |at: usize| self.tables.get(at).map(|(table, _)| table.seen);
            let are_apart = places.iter().all(|other| {
                let both = table(*other).zip(table(at));
                both.is_some_and(|(one, other)| in_common(one, other).len() == self.core.len())
            });
            if !are_apart {
                return false;
            }
            places.push(at);
            let found = (places.len() > 1 && self.tell_of_few(places, known))
                || (places.len() < TABLES_MAX && self.with(places, known));
            places.pop();
            found
        })
    }

    fn tell_of_few(&self, places: &[usize], known: &[BTreeSet<&Axis>]) -> bool {
        let tables = places.iter().filter_map(|at| self.tables.get(*at));
        let tables: Vec<&(Table<'_>, Arms<'_>)> = tables.collect();
        let has_new = self.has_new && places.first() == Some(&0);
        if let ([(one, _), (other, _)], true) = (tables.as_slice(), has_new) {
            let axes = one.seen.axes.iter().chain(&other.seen.axes);
            if known.contains(&axes.collect()) {
                return false;
            }
        }
        let with_new: Vec<Option<&[InCommon]>> = if has_new {
            tables
                .iter()
                .skip(1)
                .map(|(table, _)| table.with_new)
                .collect()
        } else {
            Vec::new()
        };
        self.everybody.iter().any(|(place, all)| {
            // What earlier tables tell among themselves, they told before.
            let is_new = has_new || self.before.get(place) != Some(all);
            let arms = tables.iter().map(|(_, arms)| arms.get(place));
            let arms: Option<Vec<&Arm>> = arms.collect();
            is_new && arms.is_some_and(|arms| self.is_few_known(&arms, *all, &with_new))
        })
    }

    /// Whether a cell of each arm have together as few as are not to be known.
    fn is_few_known(&self, arms: &[&Arm], all: Interval, with_new: &[Option<&[InCommon]>]) -> bool {
        let largest: Vec<Option<&Cell>> = arms
            .iter()
            .map(|arm| {
                let mut cells = arm.cells.iter();
                cells.find(|cell| 2 * cell.least(all.low) > all.low)
            })
            .collect();
        arms.iter().enumerate().any(|(free, arm)| {
            arm.cells.iter().any(|cell| {
                let cells = largest.iter().enumerate();
                let cells =
                    cells.map(|(at, largest)| if at == free { Some(cell) } else { *largest });
                let cells: Option<Vec<&Cell>> = cells.collect();
                cells.is_some_and(|cells| {
                    (2..=self.few_max).contains(&least_together(&cells, all))
                        && at_least(&cells, with_new).is_none_or(|least| least <= self.few_max)
                })
            })
        })
    }
}

/// At least how many are in all these cells, of which the first is the new table's, by how many it
/// has in common with each of the others; `None` where that is not known.
fn at_least(cells: &[&Cell], with_new: &[Option<&[InCommon]>]) -> Option<i64> {
    let (new, others) = cells.split_first()?;
    let (place, persons) = new.exact?;
    if with_new.len() != others.len() {
        return None;
    }
    let mut in_both = 0;
    for (other, in_common) in others.iter().zip(with_new) {
        let ((earlier, _), in_common) = (other.exact?, (*in_common)?);
        let from = in_common.partition_point(|both| (both.new, both.earlier) < (place, earlier));
        let both = in_common.iter().skip(from);
        let both = both.take_while(|both| (both.new, both.earlier) == (place, earlier));
        in_both += both.map(|both| both.persons).sum::<u64>();
    }
    let others = (others.len() as u64).checked_sub(1)?;
    Some(in_both.cast_signed() - (others * persons).cast_signed())
}

/// How many persons there can be with each of the core's categories, by every table that has
/// them all; and by the core and its margins as tables of their own, which may be asked for.
fn everybody<'a>(
    tables: impl Iterator<Item = &'a Seen>,
    core: &[&Axis],
    rules: Rules,
) -> BTreeMap<Core<'a>, Interval> {
    let mut everybody: BTreeMap<Core<'a>, (Interval, u64)> = BTreeMap::new();
    for table in tables {
        for (place, arm) in arms(table, core, rules) {
            let (known, persons) = everybody.entry(place).or_insert((Interval::ANY, 0));
            *known = known.and(arm.all);
            *persons = arm.persons;
        }
    }
    for kept in 0..1_usize << core.len() {
        let of_kept = |place: &Core<'a>| -> Core<'a> {
            let own = place.iter().enumerate();
            own.filter(|(at, _)| kept >> at & 1 == 1)
                .map(|(_, category)| *category)
                .collect()
        };
        let mut margins: BTreeMap<Core<'a>, (Vec<&mut Interval>, u64)> = BTreeMap::new();
        for (place, (known, persons)) in &mut everybody {
            let (parts, sum) = margins.entry(of_kept(place)).or_default();
            parts.push(known);
            *sum += *persons;
        }
        for (parts, persons) in margins.into_values() {
            if persons >= rules.k() {
                leave_room(parts, rules.known(persons));
            }
        }
    }
    let everybody = everybody.into_iter();
    everybody
        .map(|(place, (known, _))| (place, known))
        .collect()
}

/// Narrows what is known of some counts by what is known of their sum: the others have room too.
fn leave_room(counts: Vec<&mut Interval>, sum: Interval) {
    let low: i64 = counts.iter().map(|known| known.low).sum();
    let high = counts
        .iter()
        .map(|known| known.high)
        .fold(0, i64::saturating_add);
    for known in counts {
        *known = known.and(Interval {
            low: sum.low.saturating_sub(high.saturating_sub(known.high)),
            high: sum.high - (low - known.low),
        });
    }
}

impl Cell {
    /// At least how many are in it, of so many.
    fn least(&self, all: i64) -> i64 {
        let left = self.others_high.map_or(0, |others| all - others);
        self.known.low.max(left)
    }
}

/// At least how many are in all these cells: the least over how many there can be of all. It falls
/// and then rises, in straight lines.
fn least_together(cells: &[&Cell], all: Interval) -> i64 {
    let others = i64::try_from(cells.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let least = |all: i64| {
        let sum: i64 = cells.iter().map(|cell| cell.least(all)).sum();
        sum - others.saturating_mul(all)
    };
    let turns = cells
        .iter()
        .filter_map(|cell| Some(cell.others_high? + cell.known.low));
    turns
        .chain([all.low, all.high])
        .filter(|at| (all.low..=all.high).contains(at))
        .map(least)
        .min()
        .unwrap_or_default()
}

/// The cells of `table` by their categories of the core; nothing if it does not have them all.
fn arms<'a>(table: &'a Seen, core: &[&Axis], rules: Rules) -> Arms<'a> {
    let places = core.iter().map(|axis| table.place_of(axis));
    let Some(places) = places.collect::<Option<Vec<usize>>>() else {
        return BTreeMap::new();
    };
    let own = (0..table.axes.len()).filter(|dimension| !places.contains(dimension));
    let parts = own.map(|dimension| table.categories(dimension).len());
    let parts = parts.fold(1, usize::saturating_mul);
    let mut shown: BTreeMap<Core<'a>, (Vec<Cell>, u64)> = BTreeMap::new();
    for (at, cell) in (0..).zip(&table.cells) {
        let place = places.iter().filter_map(|place| cell.key.get(*place));
        let (shown, persons) = shown.entry(place.collect()).or_default();
        *persons += cell.count.persons;
        if cell.is_shown {
            shown.push(Cell {
                known: rules.known(cell.count.persons),
                others_high: None,
                exact: Some((at, cell.count.persons)),
            });
        }
    }
    shown
        .into_iter()
        .map(|(place, (shown, persons))| (place, Arm::of(shown, persons, parts)))
        .collect()
}

impl Arm {
    /// So many cells of so many persons in all, of which some are `shown`.
    fn of(mut shown: Vec<Cell>, persons: u64, parts: usize) -> Self {
        let low = shown.iter().map(|cell| cell.known.low).sum();
        let high: i64 = shown.iter().map(|cell| cell.known.high).sum();
        let all = match parts.saturating_sub(shown.len()) {
            0 => {
                for cell in &mut shown {
                    cell.others_high = Some(high - cell.known.high);
                }
                Interval { low, high }
            }
            hidden => {
                if hidden == 1 {
                    shown.push(Cell {
                        known: Interval::ANY,
                        others_high: Some(high),
                        exact: None,
                    });
                }
                Interval {
                    low,
                    ..Interval::ANY
                }
            }
        };
        Self {
            cells: shown,
            all,
            persons,
        }
    }
}
