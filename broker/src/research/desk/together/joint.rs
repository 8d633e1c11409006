//! The joint table of two tables, and what all that is shown tells of its cells.

use std::collections::{BTreeMap, BTreeSet};

use super::super::CELLS_MAX;
use super::super::protect::{Column, Target};
use super::super::rounding::{Interval, Rules};
use super::{Axis, Count, InCommon, Seen};
use crate::research::merge::Category;

mod margins;
mod places;

use margins::Margin;
use places::{every_place, parts};

/// A cell's place: for each dimension the place of its category, or one more for all those that
/// nobody has where they are not declared.
type Place = Vec<usize>;

/// Everybody in two tables, by the dimensions of both.
#[derive(Debug)]
pub(super) struct Joint<'a> {
    axes: Vec<&'a Axis>,
    /// Of each dimension, in order.
    categories: Vec<Vec<&'a Category>>,
    cells: Vec<(Place, Count)>,
}

impl<'a> Joint<'a> {
    /// The joint table of two; `None` where somebody has another category in one than in the other.
    pub(super) fn of(new: &'a Seen, earlier: &'a Seen, in_common: &[InCommon]) -> Option<Self> {
        let mut axes: Vec<&Axis> = new.axes.iter().collect();
        let mut categories: Vec<BTreeSet<&Category>> =
            (0..axes.len()).map(|d| new.categories(d)).collect();
        // Where each dimension of the earlier table is.
        let mut places_of = Vec::new();
        for (dimension, axis) in earlier.axes.iter().enumerate() {
            let own = earlier.categories(dimension);
            if let Some(place) = new.place_of(axis) {
                categories.get_mut(place)?.extend(own);
                places_of.push(place);
            } else {
                places_of.push(axes.len());
                axes.push(axis);
                categories.push(own);
            }
        }
        let categories: Vec<Vec<&Category>> = categories
            .into_iter()
            .map(|of_axis| of_axis.into_iter().collect())
            .collect();
        let place_in = |dimension: usize, category: &Category| {
            categories.get(dimension)?.binary_search(&category).ok()
        };
        let mut counts: BTreeMap<Place, Count> = BTreeMap::new();
        for both in in_common {
            let one = new.cells.get(both.new as usize)?;
            let other = earlier.cells.get(both.earlier as usize)?;
            let mut place: Place = vec![usize::MAX; axes.len()];
            let of_new = one.key.iter().enumerate();
            let of_earlier = places_of.iter().copied().zip(&other.key);
            for (dimension, category) in of_new.chain(of_earlier) {
                let at = place_in(dimension, category)?;
                let slot = place.get_mut(dimension)?;
                if *slot != usize::MAX && *slot != at {
                    return None;
                }
                *slot = at;
            }
            counts.insert(place, both.count);
        }
        let is_period = |axis: &Axis| new.period_axis().is_some_and(|own| own.is_same_as(axis));
        let parts = parts(&axes, &categories, &counts, is_period);
        let all = parts.iter().map(|(_, tuples)| tuples.len());
        let cells = if all.fold(1, usize::saturating_mul) <= CELLS_MAX {
            let places = every_place(&parts, axes.len()).into_iter();
            let counted = places.map(|place| {
                let count = counts.get(&place).copied().unwrap_or_default();
                (place, count)
            });
            counted.collect()
        } else {
            counts.into_iter().collect()
        };
        Some(Self {
            axes,
            categories,
            cells,
        })
    }

    /// How many cells are looked at.
    pub(super) const fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Whether a cell of fewer than k persons cannot hold some number from 1 to k−1, or one that a
    /// table hides for being few cannot.
    pub(super) fn tells_of_few<'t>(
        &self,
        tables: impl Iterator<Item = &'t Seen>,
        rules: Rules,
    ) -> bool {
        let mut known: Vec<Interval> = self
            .cells
            .iter()
            .map(|(place, _)| {
                if self.is_spare(place) {
                    Interval::NOBODY
                } else {
                    Interval::ANY
                }
            })
            .collect();
        let mut margins: Vec<Margin> = Vec::new();
        for table in tables {
            for margin in self.margins_of(table, rules) {
                match margin.cells.as_slice() {
                    [one] => {
                        if let Some(known) = known.get_mut(*one) {
                            *known = known.and(margin.known);
                        }
                    }
                    _ if margin.known == Interval::ANY && !margin.is_small => {}
                    _ => margins.push(margin),
                }
            }
        }
        // Those of few cells are mended first.
        margins.sort_by_key(|margin| margin.cells.len());
        let mut targets = Vec::new();
        let mut column = Column::default();
        for (at, ((_, count), known)) in self.cells.iter().zip(known).enumerate() {
            column.push_cell(count.persons.cast_signed(), known, None);
            if count.threshold < rules.k() {
                targets.push(Target::Cell(at));
            }
        }
        for (at, margin) in margins.into_iter().enumerate() {
            column.push_margin(margin.cells, margin.known);
            if margin.is_small {
                targets.push(Target::Margin(at));
            }
        }
        let possible = 1..=(rules.k() - 1).cast_signed();
        targets
            .into_iter()
            .any(|target| !possible.clone().all(|value| column.could_be(target, value)))
    }

    fn is_spare(&self, place: &Place) -> bool {
        let mut categories = place.iter().zip(&self.categories);
        categories.any(|(at, own)| *at >= own.len())
    }
}
