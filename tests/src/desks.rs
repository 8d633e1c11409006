//! Release desks that no production gateway has, for tests that must see what the real one hides.

use std::collections::{BTreeMap, BTreeSet};

use innsyn_broker::research::desk::{
    Cell, Clip, Counted, Domain, Number, Reason, ReleaseDesk, ReleaseError, ReleasedTable, Rules,
    Value, release,
};
use innsyn_broker::research::merge::{Category, ExactTable, Key, Merge, Moments, Partial, Shape};
use innsyn_policy::RegisterId;

#[cfg(test)]
mod tests;

/// A desk that shows every cell that holds somebody, exactly.
pub(crate) const EXACT: ReleaseDesk = ReleaseDesk {
    release: exact,
    tell_of_few: |_, _| false,
};

/// A desk that does all that the real one does but the complementary check, of a table and of tables
/// together.
pub(crate) const UNCHECKED: ReleaseDesk = ReleaseDesk {
    release: unchecked,
    tell_of_few: |_, _| false,
};

/// Shows every cell that holds somebody, exactly.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a release desk may refuse a table, and this one refuses none"
)]
fn exact(
    exact: &ExactTable,
    _domains: &[Domain],
    _rules: Rules,
    clips: &[Clip],
) -> Result<ReleasedTable, ReleaseError> {
    let totals = exact.cells().keys().filter_map(|key| {
        let total = exact.total(key)?;
        let numbers = clips.iter().zip(&total.moments);
        let cell = Cell {
            persons: total.persons,
            events: total.events,
            numbers: numbers.map(|(clip, sums)| number(*sums, *clip)).collect(),
        };
        Some((key.clone(), Value::Shown(cell)))
    });
    Ok(ReleasedTable {
        counted: if exact.shape().persons_shared {
            Counted::Registrations
        } else {
            Counted::Persons
        },
        period: exact.shape().period,
        cells: totals.collect(),
    })
}

/// Does all that the real desk does but the complementary check: each cell is released by the real
/// desk as a table of its own, which has no margin and no neighbour to be protected from.
fn unchecked(
    exact: &ExactTable,
    domains: &[Domain],
    rules: Rules,
    clips: &[Clip],
) -> Result<ReleasedTable, ReleaseError> {
    // What kind of table it is, and whether it can be released at all.
    let checked = release(exact, domains, rules, clips)?;
    let mut shown = BTreeMap::new();
    for (key, parts) in exact.cells() {
        let alone = release(&alone(exact.shape(), parts)?, &[], rules, clips)?;
        if let Some(Value::Shown(cell)) = alone.cells.into_values().next() {
            shown.insert(key.clone(), cell);
        }
    }
    let rows = rows(&shown, exact.shape().dimensions).into_iter();
    let cells = rows.map(|key| {
        let cell = shown.remove(&key);
        (key, cell.map_or(Value::Hidden(Reason::Few), Value::Shown))
    });
    Ok(ReleasedTable {
        cells: cells.collect(),
        ..checked
    })
}

/// The table that has nothing but one cell, which registers have these parts of.
fn alone(shape: Shape, parts: &BTreeMap<RegisterId, Partial>) -> Result<ExactTable, ReleaseError> {
    let mut merge = Merge::new(Shape {
        dimensions: 0,
        period: None,
        ..shape
    });
    for (register, part) in parts {
        let table = BTreeMap::from([(Key::new(), part.clone())]);
        // Each has been merged once, and so can be again.
        let merged = merge.add(register.clone(), table);
        merged.map_err(|_| ReleaseError::Domains)?;
    }
    Ok(merge.finish())
}

/// Every combination of categories that have a shown cell.
fn rows(shown: &BTreeMap<Key, Cell>, dimensions: usize) -> Vec<Key> {
    (0..dimensions).fold(vec![Key::new()], |rows, dimension| {
        let categories = shown.keys().filter_map(|key| key.get(dimension));
        let axis: BTreeSet<&Category> = categories.collect();
        let longer = |row: &Key| {
            let with = |category: &&Category| [row.as_slice(), &[(*category).clone()]].concat();
            axis.iter().map(with).collect::<Vec<_>>()
        };
        rows.iter().flat_map(longer).collect()
    })
}

fn number(moments: Moments, clip: Clip) -> Value<Number> {
    let Some(mean) = moments.mean(clip.centre) else {
        return Value::Hidden(Reason::Few);
    };
    Value::Shown(Number {
        mean,
        sum: moments.sum(clip.centre),
        variance: moments.variance().unwrap_or(f64::NAN),
    })
}
