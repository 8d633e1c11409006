//! What a table shows of sums of a joint table's cells.

use std::collections::{BTreeMap, HashMap};

use super::{Axis, Count, Joint, Place, Seen};
use crate::research::desk::rounding::{Interval, Rules};

/// The cells of a table, added up to those of the joint table's dimensions that it has.
struct Projected {
    /// Which of the joint table's dimensions it has.
    kept: Vec<usize>,
    /// Whether it has no others.
    is_margin: bool,
    cells: HashMap<Place, Sum>,
    /// Cells that make one, those of nobody among them.
    parts: usize,
}

/// Some cells of a table, added up.
struct Sum {
    count: Count,
    low: i64,
    high: i64,
    shown: usize,
}

/// Some cells of the joint table of which the sum is known.
pub(super) struct Margin {
    pub(super) cells: Vec<usize>,
    pub(super) known: Interval,
    /// Whether a table hides it for being few.
    pub(super) is_small: bool,
}

impl Joint<'_> {
    /// The sums that `table` tells of; none where it has somebody elsewhere, as one of another
    /// snapshot may.
    pub(super) fn margins_of(&self, table: &Seen, rules: Rules) -> Vec<Margin> {
        let projected = self.project(table, rules);
        let margins = projected.and_then(|projected| self.added_up(&projected, rules));
        margins.unwrap_or_default()
    }

    /// `table` by the dimensions that it has in common with this one; `None` where it has somebody
    /// elsewhere.
    fn project(&self, table: &Seen, rules: Rules) -> Option<Projected> {
        let place_of = |axis: &Axis| self.axes.iter().position(|own| own.is_same_as(axis));
        let places: Vec<Option<usize>> = table.axes.iter().map(place_of).collect();
        let outside = places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.is_none());
        let parts = outside.map(|(dimension, _)| table.categories(dimension).len());
        let mut projected = Projected {
            kept: places.iter().flatten().copied().collect(),
            is_margin: places.iter().all(Option::is_some),
            cells: HashMap::new(),
            parts: parts.fold(1, usize::saturating_mul),
        };
        for cell in &table.cells {
            let mut place = Place::new();
            for (category, dimension) in cell.key.iter().zip(&places) {
                if let Some(dimension) = dimension {
                    place.push(
                        self.categories
                            .get(*dimension)?
                            .binary_search(&category)
                            .ok()?,
                    );
                }
            }
            let sum = projected.cells.entry(place).or_insert(Sum {
                count: Count::default(),
                low: 0,
                high: 0,
                shown: 0,
            });
            sum.count.persons += cell.count.persons;
            sum.count.threshold += cell.count.threshold;
            if cell.is_shown {
                let known = rules.known(cell.count.persons);
                sum.low += known.low;
                sum.high += known.high;
                sum.shown += 1;
            }
        }
        Some(projected)
    }

    /// The cells that make each of the projected ones; `None` where somebody is elsewhere.
    fn added_up(&self, projected: &Projected, rules: Rules) -> Option<Vec<Margin>> {
        let mut cells_of: BTreeMap<Place, (Vec<usize>, u64)> = BTreeMap::new();
        for (at, (place, count)) in self.cells.iter().enumerate() {
            let kept = projected.kept.iter();
            let own = kept.filter_map(|dimension| place.get(*dimension).copied());
            let (cells, persons) = cells_of.entry(own.collect()).or_default();
            cells.push(at);
            *persons += count.persons;
        }
        let mut margins = Vec::with_capacity(cells_of.len());
        for (place, (cells, persons)) in cells_of {
            let sum = projected.cells.get(&place);
            let count = sum.map_or_else(Count::default, |sum| sum.count);
            if count.persons != persons {
                return None;
            }
            let is_spare = projected.kept.iter().zip(&place).any(|(dimension, at)| {
                let categories = self.categories.get(*dimension).map_or(0, Vec::len);
                *at >= categories
            });
            margins.push(Margin {
                cells,
                known: sum.map_or(Interval::ANY, |sum| sum.known(projected.parts)),
                is_small: projected.is_margin && !is_spare && count.threshold < rules.k(),
            });
        }
        Some(margins)
    }
}

impl Sum {
    /// What is known of it, if it is made of so many cells.
    fn known(&self, parts: usize) -> Interval {
        Interval {
            low: self.low,
            high: if self.shown == parts {
                self.high
            } else {
                Interval::ANY.high
            },
        }
    }
}
