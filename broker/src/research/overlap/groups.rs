//! Cells, margins and wholes of one table: what whoever sees the table sees.
//!
//! A person is in several periods, so nothing is added up over them: of a table by period the
//! whole of each period is one group, and so is each margin in it.

use std::collections::{BTreeMap, HashMap};

use innsyn_policy::RegisterId;

use super::{Cell, Persons, Table};
use crate::research::merge::Category;

/// The groups of a table in which anything is shown.
#[derive(Debug)]
pub(super) struct Groups {
    /// By cell, the groups that it is in.
    of_cell: Vec<Vec<u32>>,
    /// By group.
    persons: Vec<BTreeMap<RegisterId, Persons>>,
    /// The groups that are the whole of a table, or of one of its periods.
    wholes: HashMap<u32, Option<Category>>,
}

/// Which cells a group is of.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Group<'a> {
    Cell(usize),
    /// All that have this category of a dimension, of one period if there are any.
    Margin(usize, &'a Category, Option<&'a Category>),
    /// All, of one period if there are any.
    Whole(Option<&'a Category>),
}

impl Groups {
    /// The groups of `table`; `persons` tells how many a register has in the cell at a place.
    pub(super) fn of(
        table: &Table,
        persons: impl Fn(usize, &RegisterId, &Cell) -> Persons,
    ) -> Self {
        let mut numbers: HashMap<Group<'_>, u32> = HashMap::new();
        // A group is seen if one of its cells is.
        for (at, cell) in table.cells.iter().enumerate() {
            if cell.is_shown {
                for group in groups_of(table.period, at, cell) {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    numbers.entry(group).or_insert(next);
                }
            }
        }
        let mut groups = Self {
            of_cell: Vec::with_capacity(table.cells.len()),
            persons: vec![BTreeMap::new(); numbers.len()],
            wholes: HashMap::new(),
        };
        for (at, cell) in table.cells.iter().enumerate() {
            let own = groups_of(table.period, at, cell);
            let own: Vec<u32> = own
                .filter_map(|group| numbers.get(&group).copied())
                .collect();
            // The whole is a cell's last group.
            if let Some(whole) = own.last() {
                let of_period = table.period.and_then(|period| cell.key.get(period));
                groups.wholes.insert(*whole, of_period.cloned());
            }
            for group in &own {
                let Some(of_group) = groups.persons.get_mut(*group as usize) else {
                    continue;
                };
                for register in cell.persons.keys() {
                    let sum: &mut Persons = of_group.entry(register.clone()).or_default();
                    *sum = sum.and(persons(at, register, cell));
                }
            }
            groups.of_cell.push(own);
        }
        groups
    }

    /// The groups that the cell at `place` is in.
    pub(super) fn of_cell(&self, place: u32) -> &[u32] {
        let groups = self.of_cell.get(place as usize);
        groups.map(Vec::as_slice).unwrap_or_default()
    }

    /// The groups that are wholes: one, or one of each period.
    pub(super) fn wholes(&self) -> impl Iterator<Item = u32> {
        self.wholes.keys().copied()
    }

    /// Whether the wholes of `others` can be compared with these: both have some, and either each
    /// has periods, or each has one whole.
    pub(super) fn has_wholes_as(&self, others: &Self) -> bool {
        let has_periods = |groups: &Self| groups.wholes.values().all(Option::is_some);
        match (self.wholes.len(), others.wholes.len()) {
            (0, _) | (_, 0) => false,
            (1, 1) => true,
            _ => has_periods(self) && has_periods(others),
        }
    }

    /// Whether `group` is the whole of its table and `other` that of `others`, of one and the same
    /// period if both have periods.
    pub(super) fn is_whole_as(&self, group: u32, others: &Self, other: u32) -> bool {
        match (self.wholes.get(&group), others.wholes.get(&other)) {
            (Some(Some(period)), Some(Some(of_other))) => period == of_other,
            (Some(_), Some(_)) => true,
            _ => false,
        }
    }

    /// The registers that have anybody in `group`.
    pub(super) fn registers(&self, group: u32) -> impl Iterator<Item = &RegisterId> {
        let persons = self.persons.get(group as usize);
        persons.into_iter().flat_map(BTreeMap::keys)
    }

    /// How many persons `register` has in `group`.
    pub(super) fn at(&self, group: u32, register: &RegisterId) -> Persons {
        let persons = self.persons.get(group as usize);
        let persons = persons.and_then(|persons| persons.get(register));
        persons.copied().unwrap_or_default()
    }

    /// How many persons all registers have in `group`.
    pub(super) fn total(&self, group: u32) -> Persons {
        let persons = self.persons.get(group as usize);
        let persons = persons.into_iter().flat_map(BTreeMap::values);
        persons.fold(Persons::default(), |sum, persons| sum.and(*persons))
    }
}

/// The groups of the cell at place `at`.
fn groups_of(period: Option<usize>, at: usize, cell: &Cell) -> impl Iterator<Item = Group<'_>> {
    let of_period = period.and_then(|period| cell.key.get(period));
    let others = cell.key.iter().enumerate();
    let others = others.filter(move |(dimension, _)| Some(*dimension) != period);
    // With one dimension the margins are the cells, and with none the whole is.
    let dimensions = cell.key.len() - usize::from(period.is_some());
    let margins =
        others.map(move |(dimension, category)| Group::Margin(dimension, category, of_period));
    std::iter::once(Group::Cell(at))
        .chain(margins.filter(move |_| dimensions > 1))
        .chain((dimensions > 0).then_some(Group::Whole(of_period)))
}
