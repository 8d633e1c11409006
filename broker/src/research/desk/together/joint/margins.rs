//! What a table shows of sums of a joint table's cells.

use std::collections::{BTreeMap, HashMap};

use super::{Axis, Count, Joint, Place, Seen};
use crate::research::desk::lattice::{Counts, Kept, Lattice};
use crate::research::desk::rounding::{Interval, Rules};
use crate::research::desk::settle::{Check, settle_these};
use crate::research::desk::{CELLS_MAX, DIMENSIONS_MAX};

/// Cells of a margin, beyond which it is not settled before it is asked for: those of a table, and of
/// all that nobody has.
const SETTLED_MAX: usize = 2 * CELLS_MAX;

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
    /// Whether fewer than k persons are in it, asked for or not.
    pub(super) is_small: bool,
}

impl Joint<'_> {
    /// The sums that `table` tells of; `None` where it has somebody elsewhere, as one of another
    /// snapshot may.
    pub(super) fn margins_of(&self, table: &Seen, rules: Rules) -> Option<Vec<Margin>> {
        self.added_up(&self.project(table, rules)?, rules)
    }

    /// What margins of the tables will tell, if they are asked for: the desk shows a margin whatever
    /// has been shown of what it is a margin of, so that it is taken as known before. And what no
    /// table may tell of any margin: one of fewer than k persons is few like a cell.
    pub(super) fn margins_to_come<'t>(
        &self,
        tables: impl Iterator<Item = &'t Seen>,
        rules: Rules,
    ) -> Vec<Margin> {
        let axes = self.categories.iter().cloned();
        let axes: Vec<_> = axes.zip(self.has_spare.iter().copied()).collect();
        let persons = self.persons.iter().flat_map(|(place, of_cell)| {
            of_cell
                .iter()
                .map(|(register, persons)| (place.clone(), *register, *persons))
        });
        let lattice = Lattice::of_places(&axes, self.period, self.registers, persons);
        let of_tables: Vec<Kept> = tables
            .filter(|table| table.shows_anything())
            .map(|table| {
                let places = table.axes.iter().filter_map(|axis| self.place_of(axis));
                Kept::these(places)
            })
            .collect();
        let is_within = |kept: Kept| of_tables.iter().any(|table| kept.is_within(*table));
        let is_to_come = |kept: Kept| is_within(kept) && lattice.len(kept) <= SETTLED_MAX;
        let settled = settle_these(&lattice, rules, Check::Made, is_to_come);
        let mut margins = Vec::new();
        for (kept, shown) in settled {
            let known = |(count, shown): (&Counts, bool)| {
                if shown {
                    rules.known(count.persons)
                } else {
                    Interval::ANY
                }
            };
            let counts = lattice.counts(kept);
            let known = counts.iter().zip(shown).map(known);
            margins.extend(self.by(&lattice, kept, known.map(|known| (known, false))));
        }
        if self.axes.len() <= DIMENSIONS_MAX {
            let looked_at = lattice.margins().into_iter();
            for kept in looked_at.filter(|kept| lattice.len(*kept) <= CELLS_MAX) {
                let spare = lattice.spare(kept).into_iter();
                let counts = lattice.counts(kept).into_iter().zip(spare);
                let is_small = counts.map(|(count, spare)| count.threshold < rules.k() && !spare);
                let small = is_small.map(|is_small| (Interval::ANY, is_small));
                let of_several = self.by(&lattice, kept, small).into_iter();
                margins.extend(of_several.filter(|margin| margin.cells.len() > 1));
            }
        }
        margins
    }

    /// The cells of a margin, of which this is known and told to be small.
    fn by(
        &self,
        lattice: &Lattice,
        kept: Kept,
        margins: impl Iterator<Item = (Interval, bool)>,
    ) -> Vec<Margin> {
        let mut margins: Vec<Margin> = margins
            .map(|(known, is_small)| Margin {
                cells: Vec::new(),
                known,
                is_small,
            })
            .collect();
        for (at, (place, _)) in self.cells.iter().enumerate() {
            if let Some(margin) = margins.get_mut(lattice.index(kept, place)) {
                margin.cells.push(at);
            }
        }
        margins.retain(|margin| !margin.cells.is_empty());
        margins
    }

    fn place_of(&self, axis: &Axis) -> Option<usize> {
        self.axes.iter().position(|own| own.is_same_as(axis))
    }

    /// `table` by the dimensions that it has in common with this one; `None` where it has somebody
    /// elsewhere.
    fn project(&self, table: &Seen, rules: Rules) -> Option<Projected> {
        let places = table.axes.iter().map(|axis| self.place_of(axis));
        let places: Vec<Option<usize>> = places.collect();
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
