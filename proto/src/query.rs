//! A researcher's question as data: checked, put in normal form, named and told in words.
//!
//! A question is an [`innsyn.research.v1.Query`](Query). Whoever receives one, the gateway and
//! every agent, checks it against the published views and works with the [`CheckedQuery`] only.
//! `proto/query.md` tells the rules for those who build the same in another language.
//!
//! What holds:
//!
//! - **A [`CheckedQuery`] was checked.** Only [`check`] and [`check_at`] make one: every name is
//!   published, every literal has the type and the grain of its variable, every size is bounded.
//! - **One meaning, one name**, as far as the rewrites of the normal form go: order, repetition,
//!   nesting and the place of a negation do not change a query's [`QueryName`].
//! - **Gateway and agent agree.** The name depends on the query alone, not on who checks it.
//!
//! Whether the asker *may* ask is not decided here, and no data are looked at.

mod check;
mod error;
mod expression;
mod facts;
mod name;
mod normal;
mod published;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;
use prost::Message as _;

pub use error::{QueryError, QueryFault};
pub use facts::{Asking, BORN_YEAR};
pub use name::{ParseQueryNameError, QueryName};
pub use words::Language;

use crate::wire::research::v1::{Query, View};
use check::Checker;
use published::{CheckedBy, Published};

/// Comparisons, code lists, date windows and questions of events in one expression.
pub const PREDICATES_MAX: usize = 6;
/// How deep one expression may be nested.
pub const NESTING_MAX: usize = 16;
/// Codes in one code list.
pub const CODES_MAX: usize = 200;
/// Characters in one code.
pub const CODE_CHARACTERS_MAX: usize = 32;
/// Cells of the table, as far as the catalogue tells how many there will be.
pub const CELLS_MAX: u64 = 10_000;
/// Dimensions of one query.
pub const DIMENSIONS_MAX: usize = 8;
/// Measures of one query.
pub const MEASURES_MAX: usize = 16;
/// Registers named in one query.
pub const REGISTERS_MAX: usize = 10_000;

/// Checks `query` against `views`, the views that all registers publish.
///
/// A view's variables must be the same at every register asked.
pub fn check(query: &Query, views: &[View]) -> Result<CheckedQuery, QueryError> {
    Checker::new(Published::resolve(query, views, CheckedBy::Gateway)?).check(query)
}

/// Checks `query` where `register` answers it, against `views`, which need only be its own.
///
/// Other registers that the query names are not looked at; `register` must be asked.
pub fn check_at(
    register: &RegisterId,
    query: &Query,
    views: &[View],
) -> Result<CheckedQuery, QueryError> {
    Checker::new(Published::resolve(
        query,
        views,
        CheckedBy::Agent(register),
    )?)
    .check(query)
}

/// A query that has been checked, in normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedQuery {
    normal: Query,
    registers: Vec<String>,
    views: BTreeMap<String, View>,
}

impl CheckedQuery {
    /// The query in normal form; what is sent on and what is run.
    pub const fn normal(&self) -> &Query {
        &self.normal
    }

    /// The deterministic encoding of the normal form.
    pub fn encoding(&self) -> Vec<u8> {
        self.normal.encode_to_vec()
    }

    /// The name of the query; equal for queries with the same normal form.
    pub fn name(&self) -> QueryName {
        QueryName::of(&self.encoding())
    }

    /// The registers asked, sorted: those that the query names, or all that publish its view. At
    /// an agent only its own.
    pub fn registers(&self) -> &[String] {
        &self.registers
    }

    /// A view that the query counts or asks of, as all registers asked publish it: the widest
    /// months, persons added up, disjoint only if every register says so, and no register id.
    pub fn view(&self, name: &str) -> Option<&View> {
        self.views.get(name)
    }

    /// The query told to a person who must approve it, or who reads the ledger.
    pub fn words(&self, language: Language) -> String {
        words::tell(self, language)
    }
}
