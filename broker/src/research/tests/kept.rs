//! Whom a scripted agent counted, and what two counts share.

use std::collections::{BTreeMap, BTreeSet};

use innsyn_proto::wire::node::v1 as node;
use node::category::Category;
use node::measured::Measured;

use super::queries::{band, category, cell, counted};

/// A cell's key and who is in it.
type Cells = Vec<(Vec<node::Category>, BTreeSet<u32>)>;

/// Counts by the entry in the log of use.
#[derive(Debug, Default)]
pub(super) struct Kept {
    counts: BTreeMap<Vec<u8>, Cells>,
    names: u8,
    strangers: u32,
}

impl Kept {
    pub(super) fn forget(&mut self) {
        self.counts.clear();
    }

    /// Keeps a count of persons who were never counted before, and names it.
    pub(super) fn strangers(&mut self, cells: &[node::Cell]) -> [u8; 32] {
        let cells = cells.iter().flat_map(divided);
        let cells = cells.map(|(key, persons)| {
            let first = self.strangers + 1_000_000;
            self.strangers += persons;
            (key, (first..first + persons).collect())
        });
        let cells = cells.collect();
        self.keep(cells)
    }

    /// Keeps a count of these persons, and names it.
    pub(super) fn persons(
        &mut self,
        cells: Vec<(Vec<node::Category>, Vec<u32>)>,
    ) -> (Vec<node::Cell>, [u8; 32]) {
        let cells = cells.into_iter();
        let cells: Cells = cells
            .map(|(key, persons)| (key, persons.into_iter().collect()))
            .collect();
        let told = cells
            .iter()
            .map(|(key, persons)| cell(key.clone(), persons.len() as u64, vec![counted()]));
        (told.collect(), self.keep(cells))
    }

    fn keep(&mut self, cells: Cells) -> [u8; 32] {
        self.names += 1;
        let name = [self.names; 32];
        self.counts.insert(name.to_vec(), cells);
        name
    }

    /// What `part` shares with the counts of `audit`; `None` if one is not kept.
    pub(super) fn overlaps(
        &self,
        part: &node::Part,
        audit: &node::OverlapAudit,
    ) -> Option<node::Overlaps> {
        let own = self.counts.get(part.use_log_leaf.as_ref())?;
        let earlier = audit.earlier.iter().map(|one| {
            let cells = self.counts.get(one.use_log_leaf.as_ref())?;
            let mut overlap = node::Overlap {
                cells: sizes(cells),
                ..node::Overlap::default()
            };
            for (at, (_, persons)) in (0..).zip(own) {
                for (earlier_at, (_, earlier)) in (0..).zip(cells) {
                    let both = persons.intersection(earlier).count() as u64;
                    if both > 0 {
                        overlap.cell.push(at);
                        overlap.earlier_cell.push(earlier_at);
                        overlap.persons.push(both);
                    }
                }
            }
            Some(overlap)
        });
        let earlier = earlier.collect::<Option<_>>()?;
        let counts = audit.earlier.iter().map(|one| one.use_log_leaf.as_ref());
        let counts = counts.chain([part.use_log_leaf.as_ref()]);
        let wholes: Vec<BTreeSet<u32>> = counts
            .map(|leaf| {
                let persons = self.counts[leaf].iter().flat_map(|(_, persons)| persons);
                persons.copied().collect()
            })
            .collect();
        let rows = wholes.iter().enumerate();
        let in_common = rows.flat_map(|(at, one)| {
            let others = wholes.iter().take(at + 1);
            others.map(|other| one.intersection(other).count() as u64)
        });
        Some(node::Overlaps {
            cells: sizes(own),
            earlier,
            persons_in_common: in_common.collect(),
        })
    }
}

fn sizes(cells: &Cells) -> Vec<node::PersonsAt> {
    let cells = cells.iter().map(|(key, persons)| node::PersonsAt {
        key: key.clone(),
        persons: persons.len() as u64,
    });
    cells.collect()
}

/// The cell, or those that its histogram or life table divides it into.
fn divided(cell: &node::Cell) -> Vec<(Vec<node::Category>, u32)> {
    let counts: Vec<u64> = match cell.measures.first().and_then(|one| one.measured.as_ref()) {
        Some(Measured::Histogram(bins)) => bins.persons.clone(),
        Some(Measured::LifeTable(table)) => {
            let steps = table.events.iter().zip(&table.left);
            let steps = steps.flat_map(|(events, left)| [*events, *left]);
            steps.chain([table.beyond]).collect()
        }
        _ => return vec![(cell.key.clone(), u32::try_from(cell.persons).unwrap())],
    };
    let elsewhere = cell.persons.saturating_sub(counts.iter().sum());
    let missing = category(Category::Missing(node::Missing {}));
    let bins = (0..).map(band).zip(counts).chain([(missing, elsewhere)]);
    bins.filter(|(_, persons)| *persons > 0)
        .map(|(bin, persons)| {
            let mut key = cell.key.clone();
            key.push(bin);
            (key, u32::try_from(persons).unwrap())
        })
        .collect()
}
