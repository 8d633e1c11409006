//! An attacker with an integer programme.
//!
//! They know the rules, and ask for a table and for each of its margins as a table of its own, in
//! any order. They know what leaves: each cell that is shown. One unknown for each cell of the
//! table; what is shown bounds the cell, or the sum of a margin's cells. Then, for each cell of fewer
//! than k persons, of the table or a margin, and each value from 1 to k−1: is there a table with the
//! value there? If not, they have learnt something.

use std::collections::BTreeSet;

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::research::desk::together::{
    Axis, Count, InCommon, Seen, SeenCell, Together, tell_of_few,
};

/// A cell of a table by these dimensions, asked for or not, and a value from 1 to k−1 that it cannot
/// have.
#[derive(Debug, PartialEq)]
pub(super) struct RuledOut {
    pub(super) kept: Vec<usize>,
    pub(super) cell: Key,
    pub(super) value: u64,
}

/// What the attacker knows: these cells together hold from `low` to `high` persons.
struct Known {
    cells: Vec<usize>,
    low: f64,
    high: f64,
}

/// Which of the checks is made.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Checks {
    /// Both.
    Both,
    /// Not the one over tables.
    NotTogether,
    /// Not the one within a table, nor the one over tables.
    Neither,
}

/// A country, and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) shape: Shape,
    pub(super) registers: Vec<Register>,
    /// Whether the categories are not declared.
    pub(super) open: bool,
    pub(super) k: u64,
    pub(super) base: u64,
    /// What each dimension is of; two of one variable are two levels of it.
    pub(super) variables: Vec<u8>,
    /// The dimensions of each table, in the order in which they are asked for.
    pub(super) tables: Vec<Vec<usize>>,
}

/// Which counts are shown as `rounded`, by trying them.
fn counts_shown_as(rounded: u64, k: u64, base: u64) -> (f64, f64) {
    let near = rounded.saturating_sub(base)..=rounded + base;
    let mut counts = near.filter(|n| *n >= k && rules(k, base).rounded(*n) == rounded);
    let low = counts.next().unwrap();
    (float(low), float(counts.next_back().unwrap_or(low)))
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// The key's categories of the dimensions that are `kept`.
fn projected(key: &Key, kept: &[usize]) -> Key {
    kept.iter().map(|d| key[*d].clone()).collect()
}

fn place_of(table: &Seen, key: &Key) -> u32 {
    let place = table.cells.binary_search_by(|cell| cell.key.cmp(key));
    u32::try_from(place.unwrap()).unwrap()
}

impl Asked {
    pub(super) fn rules(&self) -> Rules {
        rules(self.k, self.base)
    }

    /// How many persons each register has in each place, if it has any.
    fn persons<K: Ord>(&self, place: impl Fn(&Key) -> K) -> BTreeMap<K, Vec<u64>> {
        let mut all: BTreeMap<K, Vec<u64>> = BTreeMap::new();
        for (at, register) in self.registers.iter().enumerate() {
            for (key, persons) in register.iter().filter(|(_, persons)| **persons > 0) {
                let of_place = all.entry(place(key)).or_default();
                of_place.resize(self.registers.len(), 0);
                of_place[at] += persons;
            }
        }
        all
    }

    fn count(&self, of_place: &[u64]) -> Count {
        Count::of(of_place.iter().copied(), self.shape.persons_shared)
    }

    /// The table by these dimensions, and what the desk shows of it.
    fn seen(&self, kept: &[usize], check: Check) -> Seen {
        let shown = shown_margin(
            self.shape,
            &self.registers,
            kept,
            self.open,
            self.rules(),
            check,
        );
        let of_table = self.persons(|key| projected(key, kept));
        let axes = domains(self.shape, &self.registers, self.open);
        let axes = kept.iter().map(|d| {
            let number = u8::try_from(*d).unwrap();
            Axis {
                variable: [self.variables[*d]; 32],
                level: [number; 32],
                declared: match &axes[*d] {
                    Domain::Closed(categories) => Some(categories.clone()),
                    Domain::Open => None,
                },
            }
        });
        Seen {
            axes: axes.collect(),
            period: self.period_of(kept),
            cells: of_table
                .into_iter()
                .map(|(key, persons)| SeenCell {
                    is_shown: shown.contains_key(&key),
                    key,
                    count: self.count(&persons),
                })
                .collect(),
        }
    }

    fn period_of(&self, kept: &[usize]) -> Option<usize> {
        let period = self.shape.period?;
        kept.iter().position(|d| *d == period)
    }

    /// The tables that leave, each with its dimensions.
    pub(super) fn leave(&self, checks: Checks) -> Vec<(&Vec<usize>, Seen)> {
        let mut left: Vec<(&Vec<usize>, Seen)> = Vec::new();
        for kept in &self.tables {
            let check = match checks {
                Checks::Neither => Check::LeftOut,
                _ => Check::Made,
            };
            let new = self.seen(kept, check);
            let is_shared = self.shape.persons_shared;
            let places = if is_shared { self.registers.len() } else { 1 };
            let mut together = Together::of(new.clone(), places as u64);
            for (of_earlier, earlier) in &left {
                let both = self.persons(|key| (projected(key, kept), projected(key, of_earlier)));
                let in_common = both.iter().flat_map(|((one, other), persons)| {
                    let (new, earlier) = (place_of(&new, one), place_of(earlier, other));
                    let of_registers = (0..).zip(persons).filter(|(_, persons)| **persons > 0);
                    of_registers.map(move |(register, persons)| InCommon {
                        new,
                        earlier,
                        register: if is_shared { register } else { 0 },
                        persons: *persons,
                    })
                });
                together.add(earlier.clone(), Some(in_common.collect()));
            }
            if checks != Checks::Both || !tell_of_few(&together, self.rules()) {
                left.push((kept, new));
            }
        }
        left
    }

    /// Everything that the attacker rules out.
    pub(super) fn attacked(&self, checks: Checks) -> Vec<RuledOut> {
        // Also where nobody has declared them, the attacker knows which categories there are.
        let cells: Vec<Key> = self.registers[0].keys().cloned().collect();
        let mut known = Vec::new();
        for (kept, seen) in self.leave(checks) {
            for shown in seen.cells.iter().filter(|cell| cell.is_shown) {
                let rounded = self.rules().rounded(shown.count.persons);
                let (low, high) = counts_shown_as(rounded, self.k, self.base);
                let within = |at: &usize| projected(&cells[*at], kept) == shown.key;
                let cells = (0..cells.len()).filter(within).collect();
                known.push(Known { cells, low, high });
            }
        }
        let mut ruled_out = Vec::new();
        let all: Vec<usize> = (0..self.shape.dimensions).collect();
        for kept in proper_margins(self.shape).into_iter().chain([all]) {
            let of_key = |key: &Key| projected(key, &kept);
            let persons = self.persons(of_key);
            let keys: BTreeSet<Key> = cells.iter().map(of_key).collect();
            for key in keys {
                let count = self.count(persons.get(&key).map_or(&[], Vec::as_slice));
                if count.threshold >= self.k {
                    continue;
                }
                let within = (0..cells.len()).filter(|at| of_key(&cells[*at]) == key);
                let within: Vec<usize> = within.collect();
                for value in 1..self.k {
                    if !is_possible(cells.len(), &known, &within, value) {
                        ruled_out.push(RuledOut {
                            kept: kept.clone(),
                            cell: key.clone(),
                            value,
                        });
                    }
                }
            }
        }
        ruled_out
    }
}

/// Whether the cells at these places can hold so many together.
fn is_possible(cells: usize, known: &[Known], at: &[usize], value: u64) -> bool {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let unknowns: Vec<_> = (0..cells)
        .map(|_| problem.add_integer_var(0.0, (0, 100_000)))
        .collect();
    let sum: Vec<_> = at.iter().map(|cell| (unknowns[*cell], 1.0)).collect();
    problem.add_constraint(&sum, ComparisonOp::Eq, float(value));
    for Known { cells, low, high } in known {
        let sum: Vec<_> = cells.iter().map(|cell| (unknowns[*cell], 1.0)).collect();
        problem.add_constraint(&sum, ComparisonOp::Ge, *low);
        problem.add_constraint(&sum, ComparisonOp::Le, *high);
    }
    match problem.solve() {
        Ok(_) => true,
        Err(microlp::Error::Infeasible) => false,
        Err(error) => panic!("the programme has no answer: {error}"),
    }
}

/// Tables as they are in small registers: many cells of nobody or few, some of many.
fn persons() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0_u64), 5 => 1..5_u64, 5 => 5..14_u64, 2 => 14..400_u64]
}

pub(super) fn rows_of(dimensions: &'static [i64]) -> Vec<Key> {
    dimensions.iter().fold(vec![Key::new()], |rows, size| {
        let longer = |row: &Key| {
            (0..*size)
                .map(|c| [&row[..], &key(&[c])].concat())
                .collect::<Vec<_>>()
        };
        rows.iter().flat_map(longer).collect()
    })
}

/// One or two registers' tables, and what is asked of them: tables by some of the dimensions, all of
/// them or not, each once, in any order.
fn asked() -> impl Strategy<Value = Asked> {
    (
        prop::sample::select(&SIZES[..]),
        any::<bool>(),
        any::<bool>(),
        1..3_usize,
        any::<bool>(),
        prop::sample::select(&RULES[..]),
    )
        .prop_flat_map(
            |(sizes, with_period, persons_shared, registers, open, (k, base))| {
                let keys = rows_of(sizes);
                let shape = Shape {
                    dimensions: sizes.len(),
                    period: (with_period && sizes.len() > 1).then_some(0),
                    variables: 0,
                    persons_shared,
                };
                let register =
                    prop::collection::vec(persons(), keys.len()).prop_map(move |persons| {
                        keys.iter().cloned().zip(persons).collect::<Register>()
                    });
                let mut tables = proper_margins(shape);
                tables.push((0..shape.dimensions).collect());
                (
                    prop::collection::vec(register, registers),
                    1..=tables.len(),
                    Just(tables).prop_shuffle(),
                )
                    .prop_map(move |(registers, asked, mut tables)| {
                        tables.truncate(asked);
                        Asked {
                            variables: (0..).take(shape.dimensions).collect(),
                            shape,
                            registers,
                            open,
                            k,
                            base,
                            tables,
                        }
                    })
            },
        )
}

/// How many categories each dimension has.
const SIZES: [&[i64]; 5] = [&[5], &[2, 2], &[3, 4], &[2, 3, 2], &[4, 2]];

const RULES: [(u64, u64); 5] = [(5, 5), (3, 3), (5, 10), (8, 5), (10, 5)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_value_below_the_threshold_stays_possible(asked in asked()) {
        let ruled_out = asked.attacked(Checks::Both);
        prop_assert!(ruled_out.is_empty(), "{:?}", ruled_out);
    }
}

/// Protection that refuses everything protects, too.
#[test]
fn nearly_all_tables_leave() {
    let mut runner = TestRunner::deterministic();
    let mut of_dimensions: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for _ in 0..600 {
        let asked = asked().new_tree(&mut runner).unwrap().current();
        let left = asked.leave(Checks::Both).len();
        let tally = of_dimensions.entry(asked.shape.dimensions).or_default();
        *tally = (tally.0 + left, tally.1 + asked.tables.len());
    }
    for (dimensions, (left, asked)) in of_dimensions {
        let most = if dimensions < 3 { 98 } else { 92 };
        assert!(100 * left > most * asked, "{dimensions}: {left} of {asked}");
    }
}
