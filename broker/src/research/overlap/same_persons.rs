//! Tables of one permit that count the same persons, for the desk to hold together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use innsyn_policy::RegisterId;

use super::{Met, Table};
use crate::research::desk::together::{Count, InCommon, JOINT_CELLS_MAX, Seen, SeenCell, Together};
use crate::research::merge::Category;

#[cfg(test)]
mod tests;

/// A new table, and the earlier ones of the same persons.
#[derive(Debug)]
pub(in crate::research) struct SamePersons<'a> {
    new: &'a Table,
    /// None of a table of which it is not known what was asked.
    together: Option<Together>,
}

impl<'a> SamePersons<'a> {
    /// A new table, and no earlier one.
    pub(in crate::research) fn of(new: &'a Table) -> Self {
        let registers = new.cells.iter().flat_map(|cell| cell.persons.keys());
        let registers: BTreeSet<&RegisterId> = registers.collect();
        let places = match registers.len() {
            some @ 1.. if new.persons_shared => some,
            _ => 1,
        };
        Self {
            new,
            together: new
                .seen(new.counts())
                .map(|seen| Together::of(seen, places as u64)),
        }
    }

    /// Adds an earlier table, of which `met` is what each register told that answered both; one of
    /// another population, of other registers or of other persons is left out.
    pub(in crate::research) fn add(&mut self, earlier: &Table, met: &BTreeMap<RegisterId, Met>) {
        let Some(together) = &mut self.together else {
            return;
        };
        if !self.new.is_of_population_of(earlier)
            || self.new.persons_shared != earlier.persons_shared
            || !self.new.has_periods_of(earlier)
            || !earlier.is_of_registers(met)
        {
            return;
        }
        let of_earlier = (0..earlier.cells.len()).map(|at| {
            let sizes = met.values().filter_map(|met| met.sizes.get(at));
            Count::of(sizes.copied(), earlier.persons_shared)
        });
        let of_earlier: Vec<Count> = of_earlier.collect();
        let mut in_both = 0;
        let mut in_common: HashMap<(u32, u32, u16), u64> = HashMap::new();
        for (register, met) in (0..).zip(met.values()) {
            let register = if self.new.persons_shared { register } else { 0 };
            for (new, old, both) in &met.pairs {
                if self.new.period_at(*new) != earlier.period_at(*old) {
                    continue;
                }
                in_both += both;
                if in_common.len() <= JOINT_CELLS_MAX {
                    *in_common.entry((*new, *old, register)).or_default() += both;
                }
            }
        }
        let in_new: u64 = self.new.counts().map(|count| count.persons).sum();
        let in_earlier: u64 = of_earlier.iter().map(|count| count.persons).sum();
        if in_both != in_new || in_both != in_earlier {
            return;
        }
        let in_common = (in_common.len() <= JOINT_CELLS_MAX).then(|| {
            let pairs = in_common.into_iter();
            let mut pairs: Vec<InCommon> = pairs
                .map(|((new, earlier, register), persons)| InCommon {
                    new,
                    earlier,
                    register,
                    persons,
                })
                .collect();
            pairs.sort_unstable();
            pairs
        });
        if let Some(seen) = earlier.seen(of_earlier.into_iter()) {
            together.add(seen, in_common);
        }
    }

    /// The tables.
    pub(in crate::research) const fn together(&self) -> Option<&Together> {
        self.together.as_ref()
    }
}

impl Table {
    /// How many are in each cell of a table of which that is known exactly.
    fn counts(&self) -> impl Iterator<Item = Count> {
        self.cells.iter().map(|cell| {
            let persons = cell.persons.values().map(|persons| persons.least);
            Count::of(persons, self.persons_shared)
        })
    }

    /// What is seen of it, with so many in each cell.
    fn seen(&self, counts: impl Iterator<Item = Count>) -> Option<Seen> {
        let cells = self.cells.iter().zip(counts).map(|(cell, count)| SeenCell {
            key: cell.key.clone(),
            count,
            is_shown: cell.is_shown,
        });
        Some(Seen {
            axes: self.asked.as_ref()?.axes.clone(),
            period: self.period,
            cells: cells.collect(),
        })
    }

    /// Whether nobody is in it but what these registers have.
    fn is_of_registers(&self, met: &BTreeMap<RegisterId, Met>) -> bool {
        let mut registers = self.cells.iter().flat_map(|cell| cell.persons.keys());
        registers.all(|register| met.contains_key(register))
    }

    /// Whether both are by the same periods, or by none.
    fn has_periods_of(&self, other: &Self) -> bool {
        let axis = |table: &'_ Self| {
            let axes = &table.asked.as_ref()?.axes;
            Some(axes.get(table.period?)?.level)
        };
        self.period.is_some() == other.period.is_some() && axis(self) == axis(other)
    }

    /// The period of the cell at a place, if there are any.
    fn period_at(&self, place: u32) -> Option<&Category> {
        self.cells.get(place as usize)?.key.get(self.period?)
    }
}
