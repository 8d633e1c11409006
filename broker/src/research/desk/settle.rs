//! Which cells are shown: threshold, then the complementary check, margin by margin.
//!
//! The margins are settled before the tables they add up, from the grand total on, by the same
//! rules: what a margin's own table would show is what may be known of it when the finer table
//! is settled.

use super::lattice::{Counts, Kept, Lattice};
use super::protect::{Column, Target};
use super::rounding::{Interval, Rules};

/// Whether the complementary check is made. Only tests leave it out, to see what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Made,
    #[cfg(test)]
    LeftOut,
}

/// A margin, or the table itself, when it is settled.
struct Settled {
    kept: Kept,
    counts: Vec<Counts>,
    spare: Vec<bool>,
    shown: Vec<bool>,
}

/// Which cells of the table are shown.
pub(super) fn settle(lattice: &Lattice, rules: Rules, check: Check) -> Vec<bool> {
    let table = settle_these(lattice, rules, check, |_| true).pop();
    table.map(|(_, shown)| shown).unwrap_or_default()
}

/// Which cells are shown of each of the lattice's margins that are `wanted`, and so are all margins
/// of them.
pub(super) fn settle_these(
    lattice: &Lattice,
    rules: Rules,
    check: Check,
    wanted: impl Fn(Kept) -> bool,
) -> Vec<(Kept, Vec<bool>)> {
    let mut settled: Vec<Settled> = Vec::new();
    for kept in lattice.margins().into_iter().filter(|kept| wanted(*kept)) {
        let counts = lattice.counts(kept);
        let shown = counts.iter().map(|c| c.threshold >= rules.k()).collect();
        let mut table = Settled {
            kept,
            counts,
            spare: lattice.spare(kept),
            shown,
        };
        if check == Check::Made {
            let margins: Vec<(&Settled, Vec<usize>)> = settled
                .iter()
                .filter(|margin| margin.kept.is_margin_of(kept))
                .map(|margin| (margin, lattice.projection(kept, margin.kept)))
                .rev()
                .collect();
            check_persons(&mut table, &margins, rules, lattice.few_max(rules.k()));
            check_events(&mut table, &margins, rules);
        }
        settled.push(table);
    }
    let settled = settled.into_iter();
    settled.map(|table| (table.kept, table.shown)).collect()
}

/// Hides until every cell and margin below the threshold could hold any number from 1 to k−1.
fn check_persons(
    table: &mut Settled,
    margins: &[(&Settled, Vec<usize>)],
    rules: Rules,
    few_max: u64,
) {
    let persons = |counts: &Counts| counts.persons;
    let few_max = few_max.cast_signed();
    let mut column = column(table, margins, rules, persons);
    column.hide_lone_cells(few_max);
    let possible = 1..=(rules.k() - 1).cast_signed();
    let targets = small(table, margins, rules, |_| true);
    column.protect(&targets, &possible);
    table.shown = column.shown();
}

/// Hides until those could have k−1 events: each person has one at least, so a cell known to have
/// fewer events has fewer persons. More are always possible, for one person may have many.
fn check_events(table: &mut Settled, margins: &[(&Settled, Vec<usize>)], rules: Rules) {
    if table.counts.iter().all(|counts| counts.events == 0) {
        return; // nobody has counted them
    }
    let events = |counts: &Counts| counts.events;
    let mut column = column(table, margins, rules, events);
    let possible = (rules.k() - 1).cast_signed()..=(rules.k() - 1).cast_signed();
    let targets = small(table, margins, rules, |counts| {
        counts.events < rules.k() - 1
    });
    column.protect(&targets, &possible);
    table.shown = column.shown();
}

/// One column of the table with what is known of its cells and margins.
fn column(
    table: &Settled,
    margins: &[(&Settled, Vec<usize>)],
    rules: Rules,
    value: impl Fn(&Counts) -> u64,
) -> Column {
    let mut column = Column::default();
    for ((counts, shown), spare) in table.counts.iter().zip(&table.shown).zip(&table.spare) {
        let value = value(counts);
        let known = match (shown, spare) {
            (true, _) => rules.known(value),
            (false, true) => Interval::NOBODY,
            (false, false) => Interval::ANY,
        };
        let rounded = shown.then(|| rules.rounded(value));
        column.push_cell(value.cast_signed(), known, rounded);
    }
    for (margin, projection) in margins {
        let mut cells: Vec<Vec<usize>> = vec![Vec::new(); margin.counts.len()];
        for (cell, at) in projection.iter().enumerate() {
            if let Some(cells) = cells.get_mut(*at) {
                cells.push(cell);
            }
        }
        for ((counts, shown), cells) in margin.counts.iter().zip(&margin.shown).zip(cells) {
            let known = shown.then(|| rules.known(value(counts)));
            column.push_margin(cells, known.unwrap_or(Interval::ANY));
        }
    }
    column
}

/// What must be protected: each cell and each margin that the threshold hides and that `also`.
/// A spare margin is left to its cells.
fn small(
    table: &Settled,
    margins: &[(&Settled, Vec<usize>)],
    rules: Rules,
    also: impl Fn(&Counts) -> bool,
) -> Vec<Target> {
    let small = |counts: &Counts| counts.threshold < rules.k() && also(counts);
    let cells = table.counts.iter().enumerate();
    let cells = cells.filter_map(|(at, c)| small(c).then_some(Target::Cell(at)));
    let of_margins = margins
        .iter()
        .flat_map(|(margin, _)| margin.counts.iter().zip(&margin.spare))
        .enumerate();
    let of_margins = of_margins
        .filter_map(|(at, (c, spare))| (small(c) && !spare).then_some(Target::Margin(at)));
    cells.chain(of_margins).collect()
}
