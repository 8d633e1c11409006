//! What one register tells of its overlaps, read strictly: what does not fit is no answer.

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1 as wire;
use wire::category::Category as ToldCategory;

use super::kept::how_many;
use super::sums::{InCommon, triangle};
use super::{Earlier, Met, PAIRS_MAX, Table};
use crate::research::merge::{Category, Key, Partial};

/// A register's cells, and what they share with its earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::research) struct Told {
    cells: Vec<Key>,
    /// In the order in which they were asked for.
    earlier: Vec<ToldEarlier>,
    /// How many persons every two counts have in common, this one the last; none where there are
    /// too few counts to need them.
    in_common: Option<InCommon>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ToldEarlier {
    cells: Vec<(Key, u64)>,
    /// Place of the new cell and of the earlier one, and how many persons are in both.
    pairs: Vec<(u32, u32, u64)>,
}

/// Why a register's overlaps cannot be used. Tells nothing of what they held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::research) enum ToldError {
    #[error("the agent told no overlaps, as one from before they were asked for does")]
    Absent,
    #[error("the overlaps are not those that were asked for")]
    NotAsked,
    #[error("the overlaps' cells are not those of the part")]
    OtherCells,
    #[error("a cell's key is not one")]
    Key,
    #[error("the pairs of cells that share persons do not fit the cells")]
    Pairs,
    #[error("more than {PAIRS_MAX} pairs of cells share persons")]
    TooMany,
    #[error("the numbers of persons in common do not fit the cells")]
    InCommon,
    #[error("the earlier cells are not those of the release")]
    OtherRelease,
}

impl Told {
    /// Reads what came beside the part with `table`, of which so many `earlier` counts were asked.
    pub(in crate::research) fn read(
        told: Option<&wire::Overlaps>,
        earlier: usize,
        table: &BTreeMap<Key, Partial>,
    ) -> Result<Self, ToldError> {
        use ToldError as E;
        let told = told.ok_or(E::Absent)?;
        if told.earlier.len() != earlier {
            return Err(E::NotAsked);
        }
        let cells = read_cells(&told.cells)?;
        let is_of_part = cells.len() == table.len()
            && cells.iter().all(|(key, persons)| {
                table
                    .get(key)
                    .is_some_and(|partial| partial.persons == *persons)
            });
        if !is_of_part {
            return Err(E::OtherCells);
        }
        let of_earlier = told.earlier.iter().map(|one| {
            let earlier_cells = read_cells(&one.cells)?;
            let count = one.persons.len();
            if one.cell.len() != count || one.earlier_cell.len() != count {
                return Err(E::Pairs);
            }
            let places = one.cell.iter().zip(&one.earlier_cell).zip(&one.persons);
            let pairs: Vec<_> = places
                .map(|((one, other), both)| (*one, *other, *both))
                .collect();
            let size =
                |cells: &[(Key, u64)], at: u32| cells.get(at as usize).map(|(_, size)| *size);
            let fits = pairs.iter().all(|(one, other, both)| {
                let smaller = size(&cells, *one).min(size(&earlier_cells, *other));
                *both > 0 && smaller.is_some_and(|smaller| *both <= smaller)
            });
            let in_order = pairs.is_sorted_by_key(|(one, other, _)| (*one, *other));
            let is_once = pairs.windows(2).all(|two| match two {
                [(a, b, _), (c, d, _)] => (a, b) != (c, d),
                _ => true,
            });
            if !fits || !in_order || !is_once {
                return Err(E::Pairs);
            }
            Ok(ToldEarlier {
                cells: earlier_cells,
                pairs,
            })
        });
        let of_earlier = of_earlier.collect::<Result<Vec<_>, _>>()?;
        let counts = of_earlier.iter().map(|one| one.cells.as_slice());
        let counts: Vec<_> = counts.chain([cells.as_slice()]).collect();
        Ok(Self {
            in_common: read_in_common(&told.persons_in_common, &counts)?,
            earlier: of_earlier,
            cells: cells.into_iter().map(|(key, _)| key).collect(),
        })
    }

    /// How many persons every two of the counts with these numbers have in common, and this count,
    /// which is the last.
    pub(in crate::research) fn in_common(&self, counts: &[usize]) -> Result<InCommon, ToldError> {
        let told = self.in_common.as_ref().ok_or(ToldError::Absent)?;
        let with_own: Vec<usize> = counts.iter().copied().chain([self.earlier.len()]).collect();
        told.of_these(&with_own).ok_or(ToldError::InCommon)
    }

    /// How many pairs of cells were told of.
    pub(in crate::research) fn pairs(&self) -> usize {
        self.earlier.iter().map(|one| one.pairs.len()).sum()
    }

    /// What `register` told of the `at`-th count that it was asked, as places in `table` and in
    /// `earlier`.
    pub(in crate::research) fn met(
        &self,
        at: usize,
        register: &RegisterId,
        table: &Table,
        earlier: &Earlier,
    ) -> Result<Met, ToldError> {
        use ToldError as E;
        let told = self.earlier.get(at).ok_or(E::NotAsked)?;
        let mut sizes = vec![0; earlier.table.cells.len()];
        let mut earlier_places = Vec::with_capacity(told.cells.len());
        for (key, persons) in &told.cells {
            let place = earlier.table.place_of(key).ok_or(E::OtherRelease)?;
            if let Some(size) = sizes.get_mut(place) {
                *size = *persons;
            }
            earlier_places.push(u32::try_from(place).map_err(|_| E::OtherRelease)?);
        }
        // The register counts the same persons as when the table was released.
        let as_released = earlier.table.cells.iter().zip(&sizes).all(|(cell, size)| {
            let kept = cell.persons.get(register).copied().unwrap_or_default();
            how_many(kept.least, earlier.k) == how_many(*size, earlier.k)
        });
        if !as_released {
            return Err(E::OtherRelease);
        }
        let places = self.cells.iter().map(|key| {
            let place = table.place_of(key).ok_or(E::OtherCells)?;
            u32::try_from(place).map_err(|_| E::OtherCells)
        });
        let places = places.collect::<Result<Vec<u32>, _>>()?;
        let pairs = told.pairs.iter().map(|(one, other, both)| {
            let one = places.get(*one as usize).ok_or(E::Pairs)?;
            let other = earlier_places.get(*other as usize).ok_or(E::Pairs)?;
            Ok((*one, *other, *both))
        });
        Ok(Met {
            sizes,
            pairs: pairs.collect::<Result<_, _>>()?,
        })
    }
}

/// How many persons every two of `counts` have in common, of which the cells are known.
fn read_in_common(told: &[u64], counts: &[&[(Key, u64)]]) -> Result<Option<InCommon>, ToldError> {
    if told.is_empty() {
        // Between two counts the cells' pairs say everything.
        return match counts.len() {
            ..=2 => Ok(None),
            _ => Err(ToldError::Absent),
        };
    }
    let in_common = InCommon::of(told.to_vec());
    let fits = |(at, cells): (usize, &&[(Key, u64)])| {
        let sizes = cells.iter().map(|(_, persons)| *persons);
        let least = sizes.clone().max().unwrap_or_default();
        // Who has several periods is in several cells.
        let most = sizes.fold(0, u64::saturating_add);
        let whole = in_common.at(at, at);
        whole.is_some_and(|whole| (least..=most).contains(&whole))
            && (0..at).all(|other| in_common.at(at, other) <= whole.min(in_common.at(other, other)))
    };
    if told.len() == triangle(counts.len()) && counts.iter().enumerate().all(fits) {
        Ok(Some(in_common))
    } else {
        Err(ToldError::InCommon)
    }
}

/// Cells, each once, in each of which is somebody.
fn read_cells(told: &[wire::PersonsAt]) -> Result<Vec<(Key, u64)>, ToldError> {
    let cells = told.iter().map(|cell| {
        let key = cell.key.iter().map(category).collect::<Option<Key>>();
        let key = key.filter(|_| cell.persons > 0);
        Ok((key.ok_or(ToldError::Key)?, cell.persons))
    });
    let cells = cells.collect::<Result<Vec<_>, _>>()?;
    let mut keys: Vec<&Key> = cells.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    let is_once = keys.windows(2).all(|two| match two {
        [one, next] => one != next,
        _ => true,
    });
    is_once.then_some(cells).ok_or(ToldError::Key)
}

fn category(told: &wire::Category) -> Option<Category> {
    Some(match told.category.as_ref()? {
        ToldCategory::Missing(_) => Category::Missing,
        ToldCategory::Code(code) => Category::Code(code.as_str().into()),
        ToldCategory::Band(band) => Category::Number((*band).into()),
        ToldCategory::FirstMonth(month) => Category::Number((*month).into()),
    })
}
