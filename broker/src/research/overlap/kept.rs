//! What the ledger keeps of a table for later audits.
//!
//! For each register which count it was, for each cell whether it is shown and how many persons
//! each register has in it: nobody, few (1 to k−1) or many; and which population was asked for and
//! by which dimensions, as hashes, with the categories that are declared. That is as little as the
//! audit can do with: a small number of persons at one register is not written down.

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1 as wire;
use prost::Message as _;

use super::asked::Population;
use super::{Asked, Cell, Persons, Table};
use crate::research::desk::together::Axis;
use crate::research::desk::{ReleasedTable, Value};
use crate::research::ledger::Release;
use crate::research::merge::{Category, ExactTable, Key};

/// The form of what is written.
const VERSION: u32 = 1;
const NOBODY: u8 = 0;
const FEW: u8 = 1;
const MANY: u8 = 2;

/// A table that was released, as the audit needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::research) struct Earlier {
    pub(super) table: Table,
    /// The k by which persons were few.
    pub(super) k: u64,
    /// By register that answered: the query and the snapshot that it counted, and its entry in its
    /// log of use.
    counts: BTreeMap<RegisterId, wire::EarlierCount>,
}

/// What is kept of a release is not what an audit can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a release in the ledger has nothing that an overlap audit can use")]
pub(in crate::research) struct KeptError;

#[derive(Clone, PartialEq, prost::Message)]
struct KeptTable {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint64, tag = "2")]
    k: u64,
    #[prost(bool, tag = "3")]
    persons_shared: bool,
    #[prost(uint32, optional, tag = "4")]
    period: Option<u32>,
    #[prost(message, repeated, tag = "5")]
    registers: Vec<KeptRegister>,
    #[prost(message, repeated, tag = "6")]
    cells: Vec<KeptCell>,
    /// 32 bytes; of a table from before it was kept, none.
    #[prost(bytes = "vec", tag = "7")]
    population: Vec<u8>,
    /// One for each dimension, if the population was kept.
    #[prost(message, repeated, tag = "8")]
    axes: Vec<KeptAxis>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeptAxis {
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    variable: Vec<u8>,
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    level: Vec<u8>,
    #[prost(bool, tag = "3")]
    is_declared: bool,
    #[prost(message, repeated, tag = "4")]
    declared: Vec<KeptCategory>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeptRegister {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(bytes = "vec", tag = "2")]
    use_log_leaf: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeptCell {
    #[prost(message, repeated, tag = "1")]
    key: Vec<KeptCategory>,
    #[prost(bool, tag = "2")]
    is_shown: bool,
    /// One for each of the registers.
    #[prost(bytes = "vec", tag = "3")]
    persons: Vec<u8>,
}

/// Neither is a missing value.
#[derive(Clone, PartialEq, prost::Message)]
struct KeptCategory {
    #[prost(string, optional, tag = "1")]
    code: Option<String>,
    #[prost(sint64, optional, tag = "2")]
    number: Option<i64>,
}

impl Table {
    /// The table of `exact`, of which the desk lets `released` go, and what was `asked` for.
    pub(in crate::research) fn of(
        exact: &ExactTable,
        released: &ReleasedTable,
        asked: Asked,
    ) -> Self {
        let cells = exact.cells().iter().map(|(key, parts)| Cell {
            key: key.clone(),
            is_shown: matches!(released.cells.get(key), Some(Value::Shown(_))),
            persons: parts
                .iter()
                .map(|(register, part)| (register.clone(), Persons::exactly(part.persons)))
                .collect(),
        });
        Self {
            period: exact.shape().period,
            persons_shared: exact.shape().persons_shared,
            asked: Some(asked),
            cells: cells.collect(),
        }
    }

    /// What the ledger keeps of it; `leaves` are the answering registers' entries in their logs.
    pub(in crate::research) fn kept(
        &self,
        leaves: &BTreeMap<RegisterId, [u8; 32]>,
        k: u64,
    ) -> Vec<u8> {
        let cells = self.cells.iter().map(|cell| KeptCell {
            key: cell.key.iter().map(kept_category).collect(),
            is_shown: cell.is_shown,
            persons: leaves
                .keys()
                .map(|register| {
                    let persons = cell.persons.get(register).copied();
                    how_many(persons.unwrap_or_default().least, k)
                })
                .collect(),
        });
        let registers = leaves.iter().map(|(register, leaf)| KeptRegister {
            id: register.to_string(),
            use_log_leaf: leaf.to_vec(),
        });
        KeptTable {
            version: VERSION,
            k,
            persons_shared: self.persons_shared,
            period: self.period.and_then(|period| u32::try_from(period).ok()),
            registers: registers.collect(),
            cells: cells.collect(),
            population: self
                .asked
                .as_ref()
                .map(|asked| asked.population.0.to_vec())
                .unwrap_or_default(),
            axes: self
                .asked
                .iter()
                .flat_map(|asked| &asked.axes)
                .map(kept_axis)
                .collect(),
        }
        .encode_to_vec()
    }
}

impl Earlier {
    /// What `release` keeps for audits.
    pub(in crate::research) fn of(release: &Release) -> Result<Self, KeptError> {
        let kept = KeptTable::decode(release.audit.as_slice()).map_err(|_| KeptError)?;
        if kept.version != VERSION || kept.k == 0 {
            return Err(KeptError);
        }
        let counts = kept.registers.iter().map(|register| {
            let id = RegisterId::parse(&register.id).ok()?;
            let snapshot = release.key.contributors.get(&id)?;
            let count = wire::EarlierCount {
                query_name: release.key.query.as_bytes().to_vec().into(),
                snapshot: snapshot.to_vec().into(),
                use_log_leaf: register.use_log_leaf.clone().into(),
            };
            Some((id, count))
        });
        let counts: BTreeMap<_, _> = counts.collect::<Option<_>>().ok_or(KeptError)?;
        // A register that is not among them would pass for one that had nobody.
        if !counts.keys().eq(release.key.contributors.keys()) {
            return Err(KeptError);
        }
        let period = match kept.period {
            None => None,
            Some(period) => Some(usize::try_from(period).map_err(|_| KeptError)?),
        };
        let cells = kept.cells.into_iter().map(|cell| {
            let has_period = period.is_none_or(|period| period < cell.key.len());
            if cell.persons.len() != counts.len() || !has_period {
                return Err(KeptError);
            }
            let persons = counts.keys().zip(&cell.persons);
            let persons = persons.filter(|(_, how_many)| **how_many != NOBODY);
            let persons = persons
                .map(|(register, how_many)| Ok((register.clone(), between(*how_many, kept.k)?)));
            Ok(Cell {
                key: cell.key.into_iter().map(category).collect(),
                is_shown: cell.is_shown,
                persons: persons.collect::<Result<_, KeptError>>()?,
            })
        });
        let asked = match kept.population.as_slice() {
            [] => None,
            population => Some(Asked {
                population: Population(population.try_into().map_err(|_| KeptError)?),
                axes: kept.axes.into_iter().map(axis).collect::<Result<_, _>>()?,
            }),
        };
        let cells: Vec<Cell> = cells.collect::<Result<_, _>>()?;
        let mut dimensions = cells.iter().map(|cell| cell.key.len());
        let table = Table {
            period,
            persons_shared: kept.persons_shared,
            // A table from before its dimensions were kept is of an unknown population too.
            asked: asked.filter(|asked| dimensions.all(|own| own == asked.axes.len())),
            cells,
        };
        let keys = table.cells.iter().map(|cell| &cell.key);
        if !keys.is_sorted_by(|one, next| one < next) {
            return Err(KeptError);
        }
        Ok(Self {
            table,
            k: kept.k,
            counts,
        })
    }

    /// What `register` counted for it; `None` if it did not answer.
    pub(in crate::research) fn count_of(
        &self,
        register: &RegisterId,
    ) -> Option<&wire::EarlierCount> {
        self.counts.get(register)
    }

    /// The registers that answered.
    pub(in crate::research) fn registers(&self) -> impl Iterator<Item = &RegisterId> {
        self.counts.keys()
    }

    /// The table.
    pub(in crate::research) const fn table(&self) -> &Table {
        &self.table
    }
}

impl Table {
    /// The place of the cell at `key`.
    pub(super) fn place_of(&self, key: &Key) -> Option<usize> {
        self.cells.binary_search_by(|cell| cell.key.cmp(key)).ok()
    }
}

/// What is kept of so many persons.
pub(super) const fn how_many(persons: u64, k: u64) -> u8 {
    match persons {
        0 => NOBODY,
        few if few < k => FEW,
        _ => MANY,
    }
}

fn between(how_many: u8, k: u64) -> Result<Persons, KeptError> {
    match how_many {
        FEW => Ok(Persons {
            least: 1,
            most: k.saturating_sub(1).max(1),
        }),
        MANY => Ok(Persons {
            least: k,
            most: u64::MAX,
        }),
        _ => Err(KeptError),
    }
}

fn kept_category(category: &Category) -> KeptCategory {
    KeptCategory {
        code: match category {
            Category::Code(code) => Some(code.to_string()),
            _ => None,
        },
        number: match category {
            Category::Number(number) => Some(*number),
            _ => None,
        },
    }
}

fn kept_axis(axis: &Axis) -> KeptAxis {
    KeptAxis {
        variable: axis.variable.to_vec(),
        level: axis.level.to_vec(),
        is_declared: axis.declared.is_some(),
        declared: axis.declared.iter().flatten().map(kept_category).collect(),
    }
}

fn axis(kept: KeptAxis) -> Result<Axis, KeptError> {
    let hash = |bytes: Vec<u8>| bytes.try_into().map_err(|_| KeptError);
    let declared = kept.declared.into_iter().map(category);
    Ok(Axis {
        variable: hash(kept.variable)?,
        level: hash(kept.level)?,
        declared: kept.is_declared.then(|| declared.collect()),
    })
}

fn category(kept: KeptCategory) -> Category {
    match (kept.code, kept.number) {
        (Some(code), _) => Category::Code(code.into()),
        (None, Some(number)) => Category::Number(number),
        (None, None) => Category::Missing,
    }
}
