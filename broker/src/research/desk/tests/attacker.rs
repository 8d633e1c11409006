//! An attacker with an integer programme.
//!
//! They know the rules, every cell that is shown, and every margin as the desk shows it when it
//! is asked for as a table of its own. One unknown for each cell; what is shown bounds the cell,
//! or the sum of a margin's cells. Then, for each cell that the threshold hides and each value
//! from 1 to k−1: is there a table with the value there? If not, they have learnt something.

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use proptest::prelude::*;

use super::*;

/// A cell that is hidden, and a value from 1 to k−1 that it cannot have.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
struct RuledOut {
    cell: Key,
    holds: u64,
    value: u64,
    /// Whether the margins' own tables rule it out together, whatever this table shows.
    by_margins_alone: bool,
}

/// What the attacker knows: these cells together hold from `low` to `high` persons.
struct Known {
    cells: Vec<usize>,
    low: f64,
    high: f64,
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

/// Everything that the attacker rules out of the table released with `check`.
fn attack(
    shape: Shape,
    registers: &[Register],
    open: bool,
    (k, base): (u64, u64),
    check: Check,
) -> Vec<RuledOut> {
    let exact = exact(shape, registers);
    let rules = rules(k, base);
    // Also where nobody has declared them, the attacker knows which categories there are.
    let cells: Vec<Key> = registers[0].keys().cloned().collect();
    let domains = domains(shape, registers, open);
    let table = shown(&release_with(&exact, &domains, rules, &[], check).unwrap());
    let all: Vec<usize> = (0..shape.dimensions).collect();
    let mut known = Vec::new();
    for kept in proper_margins(shape).iter().chain([&all]) {
        let shown = if *kept == all {
            table.clone()
        } else {
            shown_margin(shape, registers, kept, open, rules)
        };
        for (key, rounded) in shown {
            let (low, high) = counts_shown_as(rounded, k, base);
            let within = |cell: &Key| {
                kept.iter()
                    .zip(&key)
                    .all(|(d, category)| cell[*d] == *category)
            };
            let cells = (0..cells.len()).filter(|at| within(&cells[*at])).collect();
            known.push(Known { cells, low, high });
        }
    }
    let of_margins = known.len() - table.len();
    let mut ruled_out = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        let parts = exact.cells().get(cell);
        let holds = parts.map_or(0, |parts| parts.values().map(|p| p.persons).sum());
        let largest = parts.map_or(0, |parts| parts.values().map(|p| p.persons).max().unwrap());
        if (if shape.persons_shared { largest } else { holds }) >= k {
            continue;
        }
        for value in 1..k {
            if !is_possible(cells.len(), &known, at, value) {
                ruled_out.push(RuledOut {
                    cell: cell.clone(),
                    holds,
                    value,
                    by_margins_alone: !is_possible(cells.len(), &known[..of_margins], at, value),
                });
            }
        }
    }
    ruled_out
}

fn is_possible(cells: usize, known: &[Known], at: usize, value: u64) -> bool {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let value = i32::try_from(value).unwrap();
    let unknowns: Vec<_> = (0..cells)
        .map(|cell| {
            let bounds = if cell == at {
                (value, value)
            } else {
                (0, 100_000)
            };
            problem.add_integer_var(0.0, bounds)
        })
        .collect();
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

fn rows_of(dimensions: &'static [i64]) -> Vec<Key> {
    dimensions.iter().fold(vec![Key::new()], |rows, size| {
        let longer = |row: &Key| {
            (0..*size)
                .map(|c| [&row[..], &key(&[c])].concat())
                .collect::<Vec<_>>()
        };
        rows.iter().flat_map(longer).collect()
    })
}

/// A shape, and one or two registers' tables of it.
fn tables() -> impl Strategy<Value = (Shape, Vec<Register>)> {
    (
        prop::sample::select(&SIZES[..]),
        any::<bool>(),
        any::<bool>(),
        1..3_usize,
    )
        .prop_flat_map(|(sizes, with_period, persons_shared, registers)| {
            let keys = rows_of(sizes);
            let shape = Shape {
                dimensions: sizes.len(),
                period: (with_period && sizes.len() > 1).then_some(0),
                variables: 0,
                persons_shared,
            };
            let register = prop::collection::vec(persons(), keys.len())
                .prop_map(move |persons| keys.iter().cloned().zip(persons).collect::<Register>());
            (Just(shape), prop::collection::vec(register, registers))
        })
}

/// How many categories each dimension has.
const SIZES: [&[i64]; 5] = [&[5], &[2, 2], &[3, 4], &[2, 3, 2], &[4, 2]];

const RULES: [(u64, u64); 5] = [(5, 5), (3, 3), (5, 10), (8, 5), (10, 5)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The margins of two dimensions, each a table of its own, may rule a value out together;
    /// then this table adds nothing to that.
    #[test]
    fn every_value_below_the_threshold_stays_possible(
        (shape, registers) in tables(),
        open in any::<bool>(),
        (k, base) in prop::sample::select(&RULES[..]),
    ) {
        let mut ruled_out = attack(shape, &registers, open, (k, base), Check::Made);
        if shape.dimensions > 1 {
            ruled_out.retain(|value| !value.by_margins_alone);
        }
        prop_assert!(ruled_out.is_empty(), "{:?}", ruled_out);
    }
}

/// The same attacker wins when the complementary check is left out.
#[test]
fn without_the_complementary_check_the_attacker_rules_values_out() {
    let cells: &[(&[i64], u64)] = &[(&[0], 8), (&[1], 8), (&[2], 1)];
    let registers = [register(cells)];
    let found = attack(plain(1), &registers, false, (5, 5), Check::LeftOut);
    let values: Vec<u64> = found.iter().map(|f| f.value).collect();
    assert_eq!(values, [2, 3, 4], "{found:?}");
    assert!(attack(plain(1), &registers, false, (5, 5), Check::Made).is_empty());
}

/// Why the property leaves out what the margins' own tables rule out together. Rows have 4 and 13
/// persons, columns 9 and 8, and all 17. The row of 4 is hidden, and has no more than 4, for the
/// other is shown as 15, which is 13 at least, and all as 15, which is 17 at most. The columns are
/// shown as 10, which is 8 at least: so of the second, 4 at least are in the second row, and they
/// are 4. The table of rows does not know the one of columns.
#[test]
fn margins_can_tell_together_what_the_table_cannot_hide() {
    let cells: &[(&[i64], u64)] = &[(&[0, 0], 0), (&[0, 1], 4), (&[1, 0], 9), (&[1, 1], 4)];
    let registers = [register(cells)];
    let found = attack(plain(2), &registers, false, (5, 5), Check::Made);
    let found: Vec<_> = found
        .iter()
        .map(|f| (f.cell.clone(), f.value, f.by_margins_alone))
        .collect();
    let cell = |value| (key(&[1, 1]), value, true);
    assert_eq!(found, [cell(1), cell(2), cell(3)]);
}
