use std::collections::BTreeMap;

use innsyn_policy::RegisterId;

use super::*;
use crate::research::merge::{Merge, Moments, Partial, Shape};

mod all_tables;
mod attacker;
mod cells;
mod numbers;
mod together;

/// What one register has: persons by key, each with one event.
type Register = BTreeMap<Key, u64>;

fn rules(k: u64, base: u64) -> Rules {
    Rules::new(k, base).unwrap()
}

fn key(categories: &[i64]) -> Key {
    categories.iter().map(|c| Category::Number(*c)).collect()
}

fn register(cells: &[(&[i64], u64)]) -> Register {
    cells
        .iter()
        .map(|(at, persons)| (key(at), *persons))
        .collect()
}

/// A table of the registers' persons, `shape.variables` being 0.
fn exact(shape: Shape, registers: &[Register]) -> ExactTable {
    let mut merge = Merge::new(shape);
    for (n, register) in registers.iter().enumerate() {
        let table = register
            .iter()
            .map(|(key, persons)| {
                let (persons, events) = (*persons, *persons);
                (
                    key.clone(),
                    Partial {
                        persons,
                        events,
                        moments: vec![],
                    },
                )
            })
            .collect();
        merge
            .add(RegisterId::parse(&format!("r{n}")).unwrap(), table)
            .unwrap();
    }
    merge.finish()
}

/// A table without periods whose registers hold different persons.
fn plain(dimensions: usize) -> Shape {
    Shape {
        dimensions,
        period: None,
        variables: 0,
        persons_shared: false,
    }
}

/// The domains that declare every category of the registers' keys.
fn declared(dimensions: usize, registers: &[Register]) -> Vec<Domain> {
    let categories = |d: usize| {
        registers
            .iter()
            .flat_map(|r| r.keys())
            .map(move |k| k[d].clone())
    };
    (0..dimensions)
        .map(|d| Domain::Closed(categories(d).collect()))
        .collect()
}

/// The domains declared, or all left open.
fn domains(shape: Shape, registers: &[Register], open: bool) -> Vec<Domain> {
    if open {
        vec![Domain::Open; shape.dimensions]
    } else {
        declared(shape.dimensions, registers)
    }
}

/// What the desk releases of a table, its categories declared.
fn desk(shape: Shape, registers: &[Register], rules: Rules) -> ReleasedTable {
    let domains = declared(shape.dimensions, registers);
    release(&exact(shape, registers), &domains, rules, &[]).unwrap()
}

/// The persons that are shown, by key.
fn shown(table: &ReleasedTable) -> BTreeMap<Key, u64> {
    let shown = table.cells.iter().filter_map(|(key, cell)| match cell {
        Value::Shown(cell) => Some((key.clone(), cell.persons)),
        Value::Hidden(_) => None,
    });
    shown.collect()
}

/// What is shown of a table of one dimension: a number for each category, none where it is hidden.
fn shown_of_line(persons: &[u64], rules: Rules, check: Check) -> Vec<Option<u64>> {
    let registers = [(0..).zip(persons).map(|(at, n)| (key(&[at]), *n)).collect()];
    let (exact, domains) = (exact(plain(1), &registers), declared(1, &registers));
    let shown = shown(&release_with(&exact, &domains, rules, &[], check).unwrap());
    (0..)
        .zip(persons)
        .map(|(at, _)| shown.get(&key(&[at])).copied())
        .collect()
}

/// The registers' tables summed over the dimensions that are not in `kept`, as if the margin had
/// been asked for as a table of its own.
fn collapsed(registers: &[Register], kept: &[usize]) -> Vec<Register> {
    let collapse = |register: &Register| {
        let mut margin = Register::new();
        for (key, persons) in register {
            let key = kept.iter().map(|d| key[*d].clone()).collect();
            *margin.entry(key).or_default() += persons;
        }
        margin
    };
    registers.iter().map(collapse).collect()
}

/// Every set of dimensions that does not keep them all, the period among them if there is one.
fn proper_margins(shape: Shape) -> Vec<Vec<usize>> {
    (0..(1_usize << shape.dimensions) - 1)
        .map(|set| {
            (0..shape.dimensions)
                .filter(|d| set >> d & 1 == 1)
                .collect::<Vec<_>>()
        })
        .filter(|kept| shape.period.is_none_or(|period| kept.contains(&period)))
        .collect()
}

/// What the desk shows of the margin when it is asked for alone.
fn shown_margin(
    shape: Shape,
    registers: &[Register],
    kept: &[usize],
    open: bool,
    rules: Rules,
    check: Check,
) -> BTreeMap<Key, u64> {
    let period = shape
        .period
        .and_then(|period| kept.iter().position(|d| *d == period));
    let shape = Shape {
        dimensions: kept.len(),
        period,
        ..shape
    };
    let registers = collapsed(registers, kept);
    let domains = domains(shape, &registers, open);
    shown(&release_with(&exact(shape, &registers), &domains, rules, &[], check).unwrap())
}
