//! The cells' parts of one measure.

use super::super::collapse::{Collapse, Slot};
use super::super::kept::Kept;
use super::super::moments::{Scale, Sums};
use super::super::month::NO_MONTH;
use super::super::partial::Part;
use super::super::plan::{Follow, LifeTable, Measure};

/// A measure, by cell.
#[derive(Debug)]
pub(super) enum Tally {
    Counted,
    Moments {
        scale: Scale,
        with_squares: bool,
        sums: Vec<Sums>,
    },
    Histogram {
        bins: usize,
        persons: Vec<Vec<u64>>,
    },
    LifeTable {
        steps: usize,
        persons: Vec<Followed>,
    },
}

/// One cell's part of a life table.
#[derive(Debug)]
pub(super) struct Followed {
    events: Vec<u64>,
    left: Vec<u64>,
    beyond: u64,
}

impl Tally {
    pub(super) const fn new(measure: &Measure) -> Self {
        match measure {
            Measure::Counted => Self::Counted,
            Measure::Value {
                scale,
                with_squares,
                ..
            }
            | Measure::Values {
                scale,
                with_squares,
                ..
            } => Self::Moments {
                scale: *scale,
                with_squares: *with_squares,
                sums: Vec::new(),
            },
            Measure::Histogram { bins, .. } => Self::Histogram {
                bins: *bins,
                persons: Vec::new(),
            },
            Measure::LifeTable(table) => Self::LifeTable {
                steps: table.steps,
                persons: Vec::new(),
            },
            Measure::PersonTime { scale, .. } => Self::Moments {
                scale: *scale,
                with_squares: false,
                sums: Vec::new(),
            },
        }
    }

    /// What a cell takes, in bytes; twice, since it is told before it is forgotten.
    pub(super) fn bytes_per_cell(&self) -> usize {
        let numbers: usize = match self {
            Self::Counted => 0,
            Self::Moments { .. } => return 2 * size_of::<Sums>(),
            Self::Histogram { bins, .. } => *bins,
            Self::LifeTable { steps, .. } => steps.saturating_mul(2),
        };
        numbers.saturating_mul(2 * size_of::<u64>())
    }

    /// Makes room for one more cell.
    pub(super) fn push(&mut self) {
        match self {
            Self::Counted => {}
            Self::Moments { sums, .. } => sums.push(Sums::default()),
            Self::Histogram { bins, persons } => persons.push(vec![0; *bins]),
            Self::LifeTable { steps, persons } => persons.push(Followed {
                events: vec![0; *steps],
                left: vec![0; *steps],
                beyond: 0,
            }),
        }
    }

    /// How many bins divide a cell's persons, if any do. A life table has two for each step, the
    /// event and having left, and one at last for those who were still there.
    pub(super) const fn bins(&self) -> Option<usize> {
        match self {
            Self::Counted | Self::Moments { .. } => None,
            Self::Histogram { bins, .. } => Some(*bins),
            Self::LifeTable { steps, .. } => Some(steps.saturating_mul(2).saturating_add(1)),
        }
    }

    /// Counts the row of one person in `cell`; tells the bin, if it is in one.
    pub(super) fn add(
        &mut self,
        cell: usize,
        measure: &Measure,
        rows: &Collapse<'_>,
        slot: &Slot,
    ) -> Option<usize> {
        let number = |kept| {
            let kept: Option<&Kept> = rows.kept(kept);
            kept.map_or(f64::NAN, |kept| kept.number(slot.kept_at))
        };
        match (self, measure) {
            (Self::Moments { sums, .. }, Measure::Value { kept, scale, .. }) => {
                let value = number(*kept);
                if let (Some(sums), false) = (sums.get_mut(cell), value.is_nan()) {
                    sums.add(Sums::of(scale.units_of(value)));
                }
                None
            }
            (Self::Moments { sums, .. }, Measure::Values { added, .. }) => {
                if let Some(sums) = sums.get_mut(cell) {
                    sums.add(rows.sums(*added, slot));
                }
                None
            }
            (
                Self::Histogram { persons, .. },
                Measure::Histogram {
                    kept,
                    from,
                    width,
                    bins,
                },
            ) => {
                let bin = bin_of(number(*kept), *from, *width, *bins);
                let cell = persons.get_mut(cell).zip(bin);
                if let Some(count) = cell.and_then(|(cell, bin)| cell.get_mut(bin)) {
                    *count += 1;
                }
                bin
            }
            (Self::Moments { sums, .. }, Measure::PersonTime { follow, scale }) => {
                let followed = follow.months(rows, slot);
                if let (Some(sums), Some((months, _))) = (sums.get_mut(cell), followed) {
                    sums.add(Sums::of(scale.units_of(months.into())));
                }
                None
            }
            (Self::LifeTable { persons, .. }, Measure::LifeTable(table)) => {
                let followed = persons.get_mut(cell);
                followed.and_then(|followed| followed.add(table, rows, slot))
            }
            _ => None,
        }
    }

    /// What `cell` has.
    pub(super) fn part(&self, cell: usize) -> Part {
        match self {
            Self::Counted => Part::Counted,
            Self::Moments {
                scale,
                with_squares,
                sums,
            } => {
                let sums = sums.get(cell).copied().unwrap_or_default();
                let (sum, squares) = sums.in_scale(scale);
                Part::Moments {
                    values: sums.values,
                    sum,
                    squares: with_squares.then_some(squares),
                }
            }
            Self::Histogram { persons, .. } => {
                Part::Histogram(persons.get(cell).cloned().unwrap_or_default())
            }
            Self::LifeTable { persons, .. } => {
                let followed = persons.get(cell);
                Part::LifeTable {
                    events: followed.map_or_else(Vec::new, |cell| cell.events.clone()),
                    left: followed.map_or_else(Vec::new, |cell| cell.left.clone()),
                    beyond: followed.map_or(0, |cell| cell.beyond),
                }
            }
        }
    }
}

/// The bin of `value`; off the grid it is the one at that end.
fn bin_of(value: f64, from: f64, width: f64, bins: usize) -> Option<usize> {
    if value.is_nan() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not NaN, and the cast stays within the ends"
    )]
    let bin = ((value - from) / width).floor() as usize;
    Some(bin.min(bins - 1))
}

impl Followed {
    /// Counts someone by the steps from entry to the event, or to having left without it.
    /// Tells the bin, as [`Tally::bins`] counts them.
    fn add(&mut self, table: &LifeTable, rows: &Collapse<'_>, slot: &Slot) -> Option<usize> {
        let (months, had_event) = table.follow.months(rows, slot)?;
        let step = usize::try_from(months / table.months).unwrap_or(usize::MAX);
        let counts = if had_event {
            &mut self.events
        } else {
            &mut self.left
        };
        if let Some(count) = counts.get_mut(step) {
            *count += 1;
            Some(step * 2 + usize::from(!had_event))
        } else {
            self.beyond += 1;
            Some(table.steps * 2)
        }
    }
}

impl Follow {
    /// For how many months someone is followed, and whether they then have the event. None of
    /// whom no entry is known, or who left before it.
    ///
    /// Who left before the event did not have it; who did neither left with the last month.
    fn months(&self, rows: &Collapse<'_>, slot: &Slot) -> Option<(i32, bool)> {
        let month = |kept| {
            let month = rows.kept(kept).map(|kept| kept.month(slot.kept_at));
            month.filter(|month| *month != NO_MONTH)
        };
        let entry = month(self.entry)?;
        let (event, exit) = (month(self.event), month(self.exit));
        let exit_or_last = exit.unwrap_or(self.last_month);
        let had_event = event.is_some_and(|event| exit.is_none_or(|exit| event <= exit));
        let end = if had_event { event } else { Some(exit_or_last) };
        let months = end.unwrap_or(exit_or_last).saturating_sub(entry);
        (months >= 0).then_some((months, had_event))
    }
}
