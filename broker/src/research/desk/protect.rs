//! The complementary check: what an attacker could make of the cells and margins that are known.
//!
//! The attacker knows the rules, what is shown, and an interval for each margin that is shown in
//! a table of its own. The check finds, for a hidden cell and a value, a *witness*: a whole table
//! that has the value there and would be published alike. Starting from the true table, the cell
//! gets the value, and margins that leave their interval are mended by moving persons in or out
//! of other cells, within what is known of those. Where no witness is found, a shown cell is
//! hidden.
//!
//! What holds:
//!
//! - **A value that passes is possible**, because its witness was there.
//! - **Hiding only widens** what is possible, so nothing that has passed is looked at again, and
//!   in the worst case all is hidden and the check ends.
//!
//! What is hidden does not tell why, so a witness may have any number in a hidden cell.
//!
//! Where nothing is left to hide, the margins' own tables rule the value out together, whatever
//! this table shows; those do not all leave (`together.rs`). The search has a bound, and so may hide
//! a cell more than an exact one would.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::rounding::Interval;

/// Moves that are tried at each step, the most promising first.
const WIDTH_MAX: usize = 8;

/// How long a witness is sought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Cells that it may differ in, beside the one that is asked about.
    moves_max: usize,
    /// Moves that are tried for one value in all.
    tries_max: u32,
}

impl Effort {
    /// Where another cell is hidden if there is none.
    pub(super) const FOR_A_CELL: Self = Self {
        moves_max: 8,
        tries_max: 500,
    };
    /// Where a whole table is refused.
    pub(super) const FOR_A_TABLE: Self = Self {
        moves_max: 16,
        tries_max: 50_000,
    };
}

/// What must be able to hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Cell(usize),
    Margin(usize),
}

/// One additive column of a table, true values and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Column {
    cells: Vec<Cell>,
    margins: Vec<Margin>,
    /// Margins whose sum is outside what is known of it; none, but while a witness is sought.
    wrong: BTreeSet<usize>,
    /// Moves that have been tried.
    steps: u64,
}

#[derive(Debug)]
struct Cell {
    value: i64,
    known: Interval,
    /// The rounded value; none where it is hidden.
    shown: Option<u64>,
    margins: Vec<usize>,
}

#[derive(Debug)]
struct Margin {
    cells: Vec<usize>,
    sum: i64,
    known: Interval,
}

/// Moves made in search of a witness: which cell, by how much.
type Trail = Vec<(usize, i64)>;

impl Interval {
    /// By how much `value` must change to lie within; zero if it does.
    fn lack(self, value: i64) -> i64 {
        value.clamp(self.low, self.high) - value
    }
}

impl Column {
    /// A cell of which `known` is known, and `shown` is published if anything is.
    pub(super) fn push_cell(&mut self, value: i64, known: Interval, shown: Option<u64>) {
        self.cells.push(Cell {
            value,
            known,
            shown,
            margins: Vec::new(),
        });
    }

    /// Margins of few cells should come first: they are mended first.
    pub(super) fn push_margin(&mut self, cells: Vec<usize>, known: Interval) {
        let mut sum = 0;
        for at in &cells {
            if let Some(cell) = self.cells.get_mut(*at) {
                sum += cell.value;
                cell.margins.push(self.margins.len());
            }
        }
        self.margins.push(Margin { cells, sum, known });
    }

    pub(super) fn shown(&self) -> Vec<bool> {
        self.cells.iter().map(|cell| cell.shown.is_some()).collect()
    }

    /// Hides a cell that is shown alone in its margin where, without it, the margin could only be
    /// reached with nearly all cells at `few_max`, the largest count that the threshold hides.
    ///
    /// Otherwise a margin in which nothing is shown would tell that each of its cells is nearly
    /// full: 4 and 4, of which 8 is known. Now it may as well be 1 and 7.
    pub(super) fn hide_lone_cells(&mut self, few_max: i64) {
        while let Some(lone) = self.margins.iter().find_map(|margin| {
            let cells = i64::try_from(margin.cells.len()).unwrap_or(i64::MAX);
            let nearly_full =
                1 + (cells - 1) * few_max < margin.known.low && margin.known.low <= cells * few_max;
            let mut shown = margin
                .cells
                .iter()
                .filter(|at| self.rounded(**at).is_some());
            let lone = shown.next().filter(|_| shown.next().is_none());
            lone.filter(|_| nearly_full).copied()
        }) {
            self.hide(lone);
        }
    }

    /// Hides cells until each of the `targets` could have any of the `possible` values: one that
    /// helps if there is one, else the smallest of the target's smallest margin.
    pub(super) fn protect(&mut self, targets: &[Target], possible: &RangeInclusive<i64>) {
        for target in targets {
            for value in possible.clone() {
                while !self.could_be(*target, value, Effort::FOR_A_CELL) {
                    let smallest = self.smallest_beside(*target);
                    if self.hide_what_helps(&smallest, *target, value) {
                        break;
                    }
                    let Some(at) = smallest.first() else {
                        break;
                    };
                    self.hide(*at);
                }
            }
        }
    }

    /// The smallest shown cell of each margin that the target has a part in.
    fn smallest_beside(&self, target: Target) -> Vec<usize> {
        let margins: BTreeSet<usize> = self
            .cells_of(target)
            .iter()
            .filter_map(|at| self.cells.get(*at))
            .flat_map(|cell| cell.margins.iter().copied())
            .collect();
        let mut smallest: Vec<usize> = Vec::new();
        for margin in margins.into_iter().filter_map(|at| self.margins.get(at)) {
            let cells = margin.cells.iter();
            let cells = cells.filter_map(|at| Some((self.rounded(*at)?, *at)));
            let known = margin.known != Interval::ANY;
            if let Some((_, at)) = cells
                .min()
                .filter(|(_, at)| known && !smallest.contains(at))
            {
                smallest.push(at);
            }
        }
        smallest
    }

    /// Hides the first of `cells` with which hidden the target could have `value`, if one is.
    fn hide_what_helps(&mut self, cells: &[usize], target: Target, value: i64) -> bool {
        cells.iter().any(|at| {
            let before = self.cells.get(*at).map(|cell| (cell.shown, cell.known));
            self.hide(*at);
            let helps = self.could_be(target, value, Effort::FOR_A_CELL);
            if let (false, Some(cell), Some(before)) = (helps, self.cells.get_mut(*at), before) {
                (cell.shown, cell.known) = before;
            }
            helps
        })
    }

    /// How many moves have been tried.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether there is a witness for the target having `value`.
    pub(super) fn could_be(&mut self, target: Target, value: i64, effort: Effort) -> bool {
        let exactly = Interval {
            low: value,
            high: value,
        };
        let mut trail = Trail::new();
        let before = self.set_known(target, exactly);
        if let Target::Cell(at) = target {
            let change = self
                .cells
                .get(at)
                .map_or(0, |cell| exactly.lack(cell.value));
            self.shift(at, change);
            trail.push((at, change));
        }
        let found = self.mend(&mut trail, &mut effort.clone());
        for (at, change) in trail {
            self.shift(at, -change);
        }
        self.set_known(target, before);
        found
    }

    /// Moves until no margin is wrong; the moves are in `trail`, those in vain undone.
    fn mend(&mut self, trail: &mut Trail, left: &mut Effort) -> bool {
        let Some(margin) = self.wrong.first().and_then(|at| self.margins.get(*at)) else {
            return true;
        };
        if trail.len() > left.moves_max {
            return false;
        }
        let lack = margin.known.lack(margin.sum);
        let wrong: i64 = self
            .wrong
            .iter()
            .filter_map(|at| self.margins.get(*at))
            .map(|margin| margin.known.lack(margin.sum).abs())
            .sum();
        // The most promising first; one that mends everything ends the search at once.
        let mut moves: Vec<(i64, usize, i64)> = Vec::new();
        for at in &margin.cells {
            let Some(cell) = self.cells.get(*at) else {
                continue;
            };
            let change = lack.clamp(
                (cell.known.low - cell.value).min(0),
                (cell.known.high - cell.value).max(0),
            );
            let back = |(was, by): &(usize, i64)| was == at && by.signum() == -lack.signum();
            if change == 0 || trail.iter().any(back) {
                continue;
            }
            let after = wrong + self.wrong_after(cell, change);
            if after == 0 {
                let at = *at;
                self.shift(at, change);
                trail.push((at, change));
                return true;
            }
            moves.push((after, *at, change));
        }
        moves.sort_unstable();
        for (_, at, change) in moves.into_iter().take(WIDTH_MAX) {
            if left.tries_max == 0 {
                return false;
            }
            left.tries_max -= 1;
            self.steps += 1;
            self.shift(at, change);
            trail.push((at, change));
            if self.mend(trail, left) {
                return true;
            }
            trail.pop();
            self.shift(at, -change);
        }
        false
    }

    /// By how much less or more the cell's margins would be wrong if the cell changed.
    fn wrong_after(&self, cell: &Cell, change: i64) -> i64 {
        cell.margins
            .iter()
            .filter_map(|at| self.margins.get(*at))
            .map(|m| m.known.lack(m.sum + change).abs() - m.known.lack(m.sum).abs())
            .sum()
    }

    fn shift(&mut self, at: usize, change: i64) {
        let Some(cell) = self.cells.get_mut(at) else {
            return;
        };
        cell.value += change;
        for at in &cell.margins {
            if let Some(margin) = self.margins.get_mut(*at) {
                margin.sum += change;
                if margin.known.lack(margin.sum) == 0 {
                    self.wrong.remove(at);
                } else {
                    self.wrong.insert(*at);
                }
            }
        }
    }

    /// Replaces what is known of the target, and returns what was.
    fn set_known(&mut self, target: Target, known: Interval) -> Interval {
        match target {
            Target::Cell(at) => self.cells.get_mut(at).map(|cell| &mut cell.known),
            Target::Margin(at) => self.margins.get_mut(at).map(|margin| {
                if known.lack(margin.sum) == 0 {
                    self.wrong.remove(&at);
                } else {
                    self.wrong.insert(at);
                }
                &mut margin.known
            }),
        }
        .map_or(known, |place| std::mem::replace(place, known))
    }

    fn cells_of(&self, target: Target) -> Vec<usize> {
        match target {
            Target::Cell(at) => vec![at],
            Target::Margin(at) => self
                .margins
                .get(at)
                .map_or_else(Vec::new, |m| m.cells.clone()),
        }
    }

    fn rounded(&self, at: usize) -> Option<u64> {
        self.cells.get(at)?.shown
    }

    fn hide(&mut self, at: usize) {
        if let Some(cell) = self.cells.get_mut(at) {
            cell.shown = None;
            cell.known = Interval::ANY;
        }
    }
}
