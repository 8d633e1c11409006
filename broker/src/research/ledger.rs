//! What has been released under each data permit.
//!
//! What holds, in every [`Store`]:
//!
//! - **One question, one table.** The same query by the same permit over the same registers and
//!   snapshots has one release; whoever records it again gets the first one.
//! - **Nothing is charged twice, and never beyond the budget.** Looking for an earlier release,
//!   counting and writing are one step.
//! - **Nothing is recorded beside a release that its audit has not seen.** That step also compares
//!   how many releases the permit has with how many there were when the overlap audit began. It
//!   is the one place that puts the queries of a permit in order, over all gateways of a store.
//!
//! The people who asked are not in it: a permit says who may, and each register's own log of use
//! says that its data were counted.

use std::collections::BTreeMap;
use std::fmt;

use futures::future::BoxFuture;
use innsyn_policy::{PermitId, RegisterId, Timestamp};
use innsyn_proto::query::QueryName;
use innsyn_proto::wire::research::v1 as wire;

mod memory;
mod open;
mod postgres;
mod sql;
mod sqlite;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
mod watched;

pub use memory::InMemory;
pub use open::{LedgerConfig, OpenLedgerError};
pub(crate) use postgres::options_in as postgres_options;
pub(super) use watched::Watched;

/// What makes two questions the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseKey {
    /// The data permit.
    pub permit: PermitId,
    /// The query's normal form.
    pub query: QueryName,
    /// The registers whose parts are in the table, each with the name of its snapshot.
    pub contributors: BTreeMap<RegisterId, [u8; 32]>,
}

/// A table that has left.
#[derive(Clone, PartialEq)]
pub struct Release {
    /// What it answers.
    pub key: ReleaseKey,
    /// When it left.
    pub at: Timestamp,
    /// The query in words, in Norwegian (bokmål) and in English.
    pub words_nb: String,
    /// Likewise.
    pub words_en: String,
    /// As it was given first.
    pub table: wire::ReleasedTable,
    /// What the overlap audit of later queries needs to know of it: bytes, a few for each cell
    /// and register (at most 1 MB), which a store keeps as they are and nobody else reads.
    pub audit: Vec<u8>,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("key", &self.key)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What became of a release that was to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// It stands in the ledger, and is charged.
    New,
    /// It was released before: this is the first one, and nothing is charged.
    Earlier(Box<Release>),
    /// The permit has had other releases since the audit began; nothing was recorded.
    Changed,
    /// The permit's budget is used up at this register; nothing was recorded.
    OverBudget(RegisterId),
}

/// The ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the ledger of releases cannot be read or written")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps the ledger. A seam; every store passes the same tests.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The release of exactly this.
    fn earlier<'a>(
        &'a self,
        key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>>;

    /// What has been released under `permit`, in the order in which it was recorded.
    fn releases<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>>;

    /// How many queries of `permit` each register has answered.
    fn answered<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>>;

    /// Records `release` unless, looked at in this order, it was recorded before; its permit has
    /// not exactly `audited` releases; or one of its registers has answered `budget_queries`
    /// queries of its permit already.
    fn record(
        &self,
        release: Release,
        audited: usize,
        budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>>;

    /// Whether it can be read and written now.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
