//! Bounds that several tables give together, each two of which have the same dimensions in common.
//!
//! With N persons in all, of whom aᵢ are in a cell of the i-th of n tables, at least
//!
//! ```text
//!   a₁ + … + aₙ − (n − 1) N
//! ```
//!
//! are in all of these cells: those who are not in one of them are N − aᵢ, and cannot be more than
//! the sum of these (Bonferroni; Fréchet's lower bound). The least that this can be, over all N and
//! aᵢ that fit what is shown, must not be from 2 to k−1: that many are known to be in a cell of
//! which nobody knows that it is not few. How many there really are is not asked, for the gateway
//! does not know.
//!
//! What holds: only cells with more than half of the persons make a bound, and a table has one of
//! these at most; so each cell of one table is combined with the largest of the others.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rounding::{Interval, Rules};
use super::{Axis, Seen, Together};
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

/// At least how many persons are in a cell: so many, and so many of all as cannot be elsewhere.
#[derive(Debug, Clone, Copy)]
struct Cell {
    low: i64,
    /// What all others can hold; none where there is no bound.
    others_high: Option<i64>,
}

/// Whether tables tell together that a cell of which nobody knows that it is not few has two
/// persons at least; pairs of tables whose dimensions are `known` have been looked at.
pub(super) fn tell_of_few(together: &Together, rules: Rules, known: &[BTreeSet<&Axis>]) -> bool {
    let mut earlier: Vec<&Seen> = Vec::new();
    for (table, _) in together.earlier.iter().rev() {
        let is_by_others = |one: &Seen| {
            let is_own = |axis: &Axis| table.place_of(axis).is_some();
            one.axes.len() != table.axes.len() || !one.axes.iter().all(is_own)
        };
        if table.shows_anything()
            && is_by_others(&together.new)
            && earlier.iter().all(|one| is_by_others(one))
            && earlier.len() < COMBINED_MAX
        {
            earlier.push(table);
        }
    }
    let mut cores: Vec<Vec<&Axis>> = Vec::new();
    for table in &earlier {
        let core = in_common(&together.new, table);
        if !cores.contains(&core) {
            cores.push(core);
        }
    }
    cores
        .iter()
        .any(|core| Star::of(together, core, &earlier, rules).tells_of_few(known))
}

/// The dimensions that both tables have.
fn in_common<'a>(one: &'a Seen, other: &Seen) -> Vec<&'a Axis> {
    let axes = one.axes.iter();
    axes.filter(|axis| other.place_of(axis).is_some()).collect()
}

/// The new table, and those that have the dimensions of the core in common with it and no others.
struct Star<'a> {
    core: &'a [&'a Axis],
    new: (&'a Seen, Arms<'a>),
    earlier: Vec<(&'a Seen, Arms<'a>)>,
    /// How many persons there can be with each of the core's categories.
    everybody: BTreeMap<Core<'a>, Interval>,
    /// The largest count that the threshold can hide.
    few_max: i64,
}

impl<'a> Star<'a> {
    fn of(
        together: &'a Together,
        core: &'a [&'a Axis],
        earlier: &[&'a Seen],
        rules: Rules,
    ) -> Self {
        let of_core = earlier.iter().filter(|table| {
            table.axes.len() > core.len() && in_common(&together.new, table) == core
        });
        Self {
            core,
            new: (&together.new, arms(&together.new, core, rules)),
            earlier: of_core
                .map(|table| (*table, arms(table, core, rules)))
                .collect(),
            everybody: everybody(together, core, rules),
            few_max: (rules.k() - 1)
                .saturating_mul(together.places)
                .cast_signed(),
        }
    }

    fn tells_of_few(&self, known: &[BTreeSet<&Axis>]) -> bool {
        // The core is a margin of the others, and known as such.
        self.new.0.axes.len() > self.core.len() && self.with(&mut vec![&self.new], 0, known)
    }

    /// Continues `tables` with some of the earlier ones, from this one on.
    fn with<'s>(
        &'s self,
        tables: &mut Vec<&'s (&'a Seen, Arms<'a>)>,
        from: usize,
        known: &[BTreeSet<&Axis>],
    ) -> bool {
        self.earlier
            .iter()
            .enumerate()
            .skip(from)
            .any(|(at, table)| {
                // Those of one star have nothing in common but the core.
                let others = tables.iter().skip(1);
                let mut in_common = others.map(|(other, _)| in_common(other, table.0).len());
                if in_common.any(|axes| axes > self.core.len()) {
                    return false;
                }
                tables.push(table);
                let found = self.tell_of_few(tables, known)
                    || (tables.len() < TABLES_MAX && self.with(tables, at + 1, known));
                tables.pop();
                found
            })
    }

    fn tell_of_few(&self, tables: &[&(&Seen, Arms<'_>)], known: &[BTreeSet<&Axis>]) -> bool {
        if let [(one, _), (other, _)] = tables {
            let axes: BTreeSet<&Axis> = one.axes.iter().chain(&other.axes).collect();
            if known.contains(&axes) {
                return false;
            }
        }
        self.everybody.iter().any(|(place, all)| {
            let arms = tables.iter().map(|(_, arms)| arms.get(place));
            let arms: Option<Vec<&Arm>> = arms.collect();
            arms.is_some_and(|arms| self.is_few_known(&arms, *all))
        })
    }

    /// Whether a cell of each arm have together as few as are not to be known.
    fn is_few_known(&self, arms: &[&Arm], all: Interval) -> bool {
        let largest: Vec<Option<&Cell>> = arms
            .iter()
            .map(|arm| {
                let mut cells = arm.cells.iter();
                cells.find(|cell| 2 * cell.least(all.low) > all.low)
            })
            .collect();
        arms.iter().enumerate().any(|(free, arm)| {
            let others = largest.iter().enumerate().filter(|(at, _)| *at != free);
            let others: Option<Vec<&Cell>> = others.map(|(_, cell)| *cell).collect();
            let Some(others) = others else {
                return false;
            };
            arm.cells.iter().any(|cell| {
                let cells: Vec<&Cell> = others.iter().copied().chain([cell]).collect();
                (2..=self.few_max).contains(&least_together(&cells, all))
            })
        })
    }
}

/// How many persons there can be with each of the core's categories, by every table that has
/// them all; and by the core and its margins as tables of their own, which may be asked for.
fn everybody<'a>(
    together: &'a Together,
    core: &[&Axis],
    rules: Rules,
) -> BTreeMap<Core<'a>, Interval> {
    let mut everybody: BTreeMap<Core<'a>, Interval> = BTreeMap::new();
    let mut persons: BTreeMap<Core<'a>, u64> = BTreeMap::new();
    for table in together.tables() {
        for (place, arm) in arms(table, core, rules) {
            persons.insert(place.clone(), arm.persons);
            let known = everybody.entry(place).or_insert(Interval::ANY);
            *known = known.and(arm.all);
        }
    }
    for kept in 0..1_usize << core.len() {
        let of_kept = |place: &Core<'a>| -> Core<'a> {
            let own = place.iter().enumerate();
            own.filter(|(at, _)| kept >> at & 1 == 1)
                .map(|(_, category)| *category)
                .collect()
        };
        let mut sums: BTreeMap<Core<'a>, u64> = BTreeMap::new();
        for (place, persons) in &persons {
            *sums.entry(of_kept(place)).or_default() += persons;
        }
        for (margin, persons) in sums {
            if persons >= rules.k() {
                let parts = everybody.iter_mut();
                let parts = parts.filter(|(place, _)| of_kept(place) == margin);
                let parts = parts.map(|(_, known)| known).collect();
                leave_room(parts, rules.known(persons));
            }
        }
    }
    everybody
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
        self.low.max(left)
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
        .filter_map(|cell| Some(cell.others_high? + cell.low));
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
    let mut shown: BTreeMap<Core<'a>, (Vec<Interval>, u64)> = BTreeMap::new();
    for cell in &table.cells {
        let place = places.iter().filter_map(|place| cell.key.get(*place));
        let (shown, persons) = shown.entry(place.collect()).or_default();
        *persons += cell.count.persons;
        if cell.is_shown {
            shown.push(rules.known(cell.count.persons));
        }
    }
    shown
        .into_iter()
        .map(|(place, (shown, persons))| (place, Arm::of(&shown, persons, parts)))
        .collect()
}

impl Arm {
    /// So many cells of so many persons in all, of which some are `shown`.
    fn of(shown: &[Interval], persons: u64, parts: usize) -> Self {
        let low = shown.iter().map(|known| known.low).sum();
        let high: i64 = shown.iter().map(|known| known.high).sum();
        let hidden = parts.saturating_sub(shown.len());
        let of_shown = shown.iter().map(|known| Cell {
            low: known.low,
            others_high: (hidden == 0).then_some(high - known.high),
        });
        let of_hidden = (hidden == 1).then_some(Cell {
            low: 0,
            others_high: Some(high),
        });
        Self {
            persons,
            cells: of_shown.chain(of_hidden).collect(),
            all: Interval {
                low,
                high: if hidden == 0 {
                    high
                } else {
                    Interval::ANY.high
                },
            },
        }
    }
}
