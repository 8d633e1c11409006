//! The table's cells as places in a grid, the empty ones included, and its margins.

use std::collections::{BTreeSet, HashMap};

use super::{CELLS_MAX, DIMENSIONS_MAX, Domain, ReleaseError};
use crate::research::merge::{Category, ExactTable, Key};

/// Some of the table's dimensions, one bit for each: the dimensions that a margin keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept(u32);

/// What is in one cell of the table or of a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) persons: u64,
    /// The persons that the threshold is asked of.
    pub(super) threshold: u64,
    pub(super) events: u64,
}

/// The table laid out: every combination of the categories that there may be.
///
/// In a dimension whose categories are not declared, one more stands for all those that nobody
/// has. Its cells are [spare](Lattice::spare): somebody may be in one of them, so each must be
/// able to hold some, but there may be no such category, so they cannot hold any for others.
#[derive(Debug)]
pub(super) struct Lattice {
    axes: Vec<Axis>,
    period: Option<usize>,
    shared: bool,
    registers: usize,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Axis {
    categories: Vec<Category>,
    /// How many places there are: one more than the categories where these are not declared.
    len: usize,
}

/// One register's part of one cell.
#[derive(Debug)]
struct Part {
    place: Vec<usize>,
    register: usize,
    persons: u64,
    events: u64,
}

impl Kept {
    /// These dimensions.
    pub(super) fn these(dimensions: impl Iterator<Item = usize>) -> Self {
        Self(dimensions.fold(0, |kept, dimension| kept | 1 << dimension))
    }

    /// Whether it is this one or a margin of it.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.0 & other.0 == self.0
    }

    fn has(self, dimension: usize) -> bool {
        self.0 >> dimension & 1 == 1
    }

    /// Whether this margin adds up cells of that one.
    pub(super) fn is_margin_of(self, other: Self) -> bool {
        self != other && self.is_within(other)
    }
}

impl Lattice {
    /// A table of so many places in each dimension, the last of which stands for what nobody has
    /// where categories are not declared; and each register's persons in them.
    pub(super) fn of_places(
        axes: &[(Vec<&Category>, bool)],
        period: Option<usize>,
        registers: usize,
        persons: impl Iterator<Item = (Vec<usize>, usize, u64)>,
    ) -> Self {
        let axes = axes.iter().map(|(categories, has_spare)| Axis {
            len: categories.len() + usize::from(*has_spare),
            categories: categories.iter().copied().cloned().collect(),
        });
        let parts = persons.map(|(place, register, persons)| Part {
            place,
            register,
            persons,
            events: 0,
        });
        Self {
            axes: axes.collect(),
            period,
            shared: registers > 1,
            registers,
            parts: parts.collect(),
        }
    }

    pub(super) fn of(exact: &ExactTable, domains: &[Domain]) -> Result<Self, ReleaseError> {
        let shape = exact.shape();
        if shape.dimensions > DIMENSIONS_MAX {
            return Err(ReleaseError::TooManyDimensions(shape.dimensions));
        }
        if shape.dimensions != domains.len() {
            return Err(ReleaseError::Domains);
        }
        let axes: Vec<Axis> = domains
            .iter()
            .enumerate()
            .map(|(dimension, domain)| {
                let used = exact.cells().keys().filter_map(|key| key.get(dimension));
                let mut categories: BTreeSet<&Category> = used.collect();
                if let Domain::Closed(declared) = domain {
                    categories.extend(declared);
                }
                // No margin is over periods, so that nothing is told of one from the others.
                let spare = *domain == Domain::Open && shape.period != Some(dimension);
                Axis {
                    len: categories.len() + usize::from(spare),
                    categories: categories.into_iter().cloned().collect(),
                }
            })
            .collect();
        let lengths = axes.iter().map(|axis| axis.categories.len());
        let cells = lengths.fold(1, usize::saturating_mul);
        if cells > CELLS_MAX {
            return Err(ReleaseError::TooManyCells(cells));
        }
        let mut registers: Vec<_> = exact
            .cells()
            .values()
            .flat_map(|parts| parts.keys())
            .collect();
        registers.sort();
        registers.dedup();
        let mut parts = Vec::new();
        for (key, cell) in exact.cells() {
            let place: Vec<usize> = axes
                .iter()
                .zip(key)
                .filter_map(|(axis, category)| axis.categories.binary_search(category).ok())
                .collect();
            for (register, part) in cell {
                parts.push(Part {
                    place: place.clone(),
                    register: registers.binary_search(&register).unwrap_or_default(),
                    persons: part.persons,
                    events: part.events,
                });
            }
        }
        Ok(Self {
            axes,
            period: shape.period,
            shared: shape.persons_shared,
            registers: registers.len(),
            parts,
        })
    }

    /// The largest count that the threshold can hide.
    pub(super) fn few_max(&self, k: u64) -> u64 {
        let places = if self.shared {
            self.registers as u64
        } else {
            1
        };
        (k - 1) * places.max(1)
    }

    /// The margins that add up, the table itself last: a margin comes before what it adds up.
    /// Persons do not add up over periods, so every margin keeps the period.
    pub(super) fn margins(&self) -> Vec<Kept> {
        let mut margins: Vec<Kept> = (0..1_u32 << self.axes.len())
            .map(Kept)
            .filter(|kept| self.period.is_none_or(|period| kept.has(period)))
            .collect();
        margins.sort_by_key(|kept| (kept.0.count_ones(), kept.0));
        margins
    }

    /// How many cells the margin has.
    pub(super) fn len(&self, kept: Kept) -> usize {
        self.kept_axes(kept).map(|(_, axis)| axis.len).product()
    }

    /// What is in each cell of the margin.
    pub(super) fn counts(&self, kept: Kept) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); self.len(kept)];
        let mut of_register: HashMap<(usize, usize), u64> = HashMap::new();
        for part in &self.parts {
            let index = self.index(kept, &part.place);
            let register = if self.shared { part.register } else { 0 };
            let of_register = of_register.entry((index, register)).or_default();
            *of_register += part.persons;
            if let Some(cell) = counts.get_mut(index) {
                cell.persons += part.persons;
                cell.events += part.events;
                cell.threshold = cell.threshold.max(*of_register);
            }
        }
        counts
    }

    /// For each cell of `of`, in which cell of its margin `kept` it is counted.
    pub(super) fn projection(&self, of: Kept, kept: Kept) -> Vec<usize> {
        (0..self.len(of))
            .map(|index| self.index(kept, &self.place(of, index)))
            .collect()
    }

    /// For each cell of the margin, whether it is spare.
    pub(super) fn spare(&self, kept: Kept) -> Vec<bool> {
        let is_spare = |index| {
            let place = self.place(kept, index);
            self.kept_axes(kept).any(|(dimension, axis)| {
                place
                    .get(dimension)
                    .is_some_and(|at| *at >= axis.categories.len())
            })
        };
        (0..self.len(kept)).map(is_spare).collect()
    }

    /// The table's cells in the order of their places; a spare one has no key.
    pub(super) fn keys(&self) -> impl Iterator<Item = Option<Key>> {
        let all = Kept(u32::MAX);
        (0..self.len(all)).map(move |index| {
            let place = self.place(all, index);
            let categories = self.axes.iter().zip(place);
            categories
                .map(|(axis, at)| axis.categories.get(at).cloned())
                .collect()
        })
    }

    fn kept_axes(&self, kept: Kept) -> impl DoubleEndedIterator<Item = (usize, &Axis)> {
        self.axes
            .iter()
            .enumerate()
            .filter(move |(dimension, _)| kept.has(*dimension))
    }

    /// Where in the margin the place is.
    pub(super) fn index(&self, kept: Kept, place: &[usize]) -> usize {
        self.kept_axes(kept).fold(0, |index, (dimension, axis)| {
            index * axis.len + place.get(dimension).copied().unwrap_or_default()
        })
    }

    /// The inverse of [`Self::index`]; zero in the dimensions that are not kept.
    fn place(&self, kept: Kept, mut index: usize) -> Vec<usize> {
        let mut place = vec![0; self.axes.len()];
        for (dimension, axis) in self.kept_axes(kept).rev() {
            if let Some(at) = place.get_mut(dimension) {
                *at = index % axis.len;
            }
            index /= axis.len;
        }
        place
    }
}
