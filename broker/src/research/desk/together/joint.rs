//! The joint table of two tables, and what all that is shown tells of its cells.

use std::collections::{BTreeMap, BTreeSet};

use super::super::CELLS_MAX;
use super::super::protect::{Column, Effort, Target};
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
    /// Whether there is one more of each, for all that nobody has.
    has_spare: Vec<bool>,
    period: Option<usize>,
    cells: Vec<(Place, Count)>,
    /// Of each cell that holds anybody, by register.
    persons: BTreeMap<Place, BTreeMap<usize, u64>>,
    /// How many registers may hold the same person.
    registers: usize,
}

impl<'a> Joint<'a> {
    /// The joint table of two; `None` where somebody has another category in one than in the other.
    pub(super) fn of(
        new: &'a Seen,
        earlier: &'a Seen,
        in_common: &[InCommon],
        registers: u64,
    ) -> Option<Self> {
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
        let mut persons: BTreeMap<Place, BTreeMap<usize, u64>> = BTreeMap::new();
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
            let of_cell = persons.entry(place).or_default();
            *of_cell.entry(both.register.into()).or_default() += both.persons;
        }
        let period = new.period_axis();
        let period = period.and_then(|period| axes.iter().position(|own| own.is_same_as(period)));
        let has_spare = axes.iter().enumerate();
        let has_spare: Vec<bool> = has_spare
            .map(|(dimension, axis)| axis.declared.is_none() && period != Some(dimension))
            .collect();
        let registers = usize::try_from(registers).ok()?;
        let count = |place: &Place| {
            let persons = persons.get(place).into_iter().flat_map(BTreeMap::values);
            Count::of(persons.copied(), registers > 1)
        };
        let sizes = categories.iter().zip(&has_spare);
        let sizes = sizes.map(|(categories, spare)| categories.len() + usize::from(*spare));
        let parts = parts(&axes, &sizes.collect::<Vec<_>>(), &persons.keys());
        let all = parts.iter().map(|(_, places)| places.len());
        let places = if all.fold(1, usize::saturating_mul) <= CELLS_MAX {
            every_place(&parts, axes.len())
        } else {
            persons.keys().cloned().collect()
        };
        Some(Self {
            cells: places
                .into_iter()
                .map(|place| {
                    let count = count(&place);
                    (place, count)
                })
                .collect(),
            axes,
            categories,
            has_spare,
            period,
            persons,
            registers,
        })
    }

    /// Whether a cell or a margin of fewer than k persons cannot hold some number from 1 to k−1, or
    /// it is not found in so many steps, of which those that it took are taken away.
    pub(super) fn tells_of_few<'t>(
        &self,
        tables: &(impl Iterator<Item = &'t Seen> + Clone),
        rules: Rules,
        steps_left: &mut u64,
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
        let mut add = |margin: Margin| match margin.cells.as_slice() {
            [one] => {
                if let Some(known) = known.get_mut(*one) {
                    *known = known.and(margin.known);
                }
            }
            _ if margin.known == Interval::ANY && !margin.is_small => {}
            _ => margins.push(margin),
        };
        for table in tables.clone() {
            let Some(of_table) = self.margins_of(table, rules) else {
                return true; // somebody has another category than in another table
            };
            of_table.into_iter().for_each(&mut add);
        }
        let to_come = self.margins_to_come(tables.clone(), rules);
        to_come.into_iter().for_each(&mut add);
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
        let mut could_be_all = |target| {
            possible.clone().all(|value| {
                column.could_be(target, value, Effort::FOR_A_TABLE) && column.steps() < *steps_left
            })
        };
        let tells = !targets.into_iter().all(&mut could_be_all);
        *steps_left = steps_left.saturating_sub(column.steps());
        tells
    }

    fn is_spare(&self, place: &Place) -> bool {
        let mut categories = place.iter().zip(&self.categories);
        categories.any(|(at, own)| *at >= own.len())
    }
}
