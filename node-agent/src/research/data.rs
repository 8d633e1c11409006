//! A register's published views, made ready to be counted.
//!
//! What is published stands in the manifest of the folder source ([`view`] has its form). The
//! [`Publisher`] reads every view's Parquet files and writes them again with a number in the place
//! of each national id, one file for a view, in a folder of the agent's own. [`ResearchData`] is
//! what one load of the register makes of them: the files, what is published of them, and who may
//! be counted.
//!
//! ```text
//!   manifest ──view──▶ what is published      the source's rows ──rows──▶ rows of numbers
//!   rows of numbers ──stored──▶ a file called by its digest ──shelf──▶ kept while it is used
//! ```
//!
//! What holds:
//!
//! - **No id and no key is in a snapshot.** A person is their number in the index of people
//!   (`subjects`). Rows of people who are not registered now are left out.
//! - **A snapshot's name is what it is made of** ([`SnapshotName`]): equal data have an equal name
//!   after a restart, and their files are used again.
//! - **The citizens' listing waits for none of this and fails for none of it.** A view that cannot
//!   be made ready is a [`ViewError`] of that view alone, in the log and in `innsyn-agent check`.
//! - **Numbers and files belong together.** While the people are read again nothing is published.
//! - **Who may be counted is decided by `policy`, person by person**, for the purpose and the
//!   moment of each query; people who are not registered now never are.
//!
//! A PostgreSQL source publishes views of its tables ([`database`] has how): no rows come here, the
//! query goes to them.

use std::sync::Arc;

use innsyn_policy::{LegalBasis, Timestamp, Use};
use innsyn_proto::wire::research::v1::View;

use super::compute::{Countable, Counting, SettingsRead};
use crate::engine::{Answer, EngineError, Included, Snapshot};
use crate::sources::RegisterData;
use crate::subjects::{MarkKey, Marks};

use database::Moment;
use inclusion::{Inclusion, Reliance};

pub use check::check;
pub use error::{ResearchFolderError, ViewError};
pub use publisher::{Publisher, Refreshed, ViewOutcome};
pub use stored::ViewReport;

pub mod database;

mod check;
mod digest;
mod error;
mod inclusion;
mod publisher;
mod rows;
mod shelf;
mod stored;
mod variable;
pub mod view;

#[cfg(test)]
mod tests;

/// The SHA-256 over what a snapshot is made of.
pub type SnapshotName = [u8; 32];

/// What one load of the register publishes, ready to be counted. While it is held, its files stay,
/// or its moment of the database.
#[derive(Debug)]
pub struct ResearchData {
    views: Vec<View>,
    snapshot: Snapshot,
    name: SnapshotName,
    inclusion: Inclusion,
    /// Where the rows are, unless in the snapshot's files.
    moment: Option<Arc<Moment>>,
}

impl ResearchData {
    /// What `snapshot` called `name` and the people of `data` make.
    fn new(data: &RegisterData, basis: LegalBasis, snapshot: Snapshot, name: SnapshotName) -> Self {
        Self {
            views: described(&snapshot),
            name,
            inclusion: Inclusion::of(data, basis),
            snapshot,
            moment: None,
        }
    }

    /// What `moment` of a database has in the views of `snapshot`.
    fn of_database(inclusion: Inclusion, snapshot: Snapshot, moment: Arc<Moment>) -> Self {
        Self {
            views: described(&snapshot),
            name: *moment.name(),
            inclusion,
            snapshot,
            moment: Some(moment),
        }
    }

    /// The same moment of a database, with the people of `data` as far as they were there then,
    /// and what they say now; `None` of files, whose numbers are those of their own load.
    pub(crate) fn renewed(&self, data: &RegisterData) -> Option<Self> {
        let moment = self.moment.clone()?;
        let inclusion = self.inclusion.renewed(data);
        Some(Self::of_database(inclusion, self.snapshot.clone(), moment))
    }

    /// Whether its rows can still be reached.
    fn can_be_counted(&self) -> bool {
        self.moment.as_ref().is_none_or(|moment| moment.is_kept())
    }

    /// Whether it is of the same moment of a database as `other`.
    fn is_of_moment(&self, other: &Self) -> bool {
        match (&self.moment, &other.moment) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The views, as published.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The views and their files, as the engine takes them.
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What the snapshot is called.
    pub const fn snapshot_name(&self) -> &SnapshotName {
        &self.name
    }

    /// Everybody who may be counted in the statistics `of` at `now`: who is registered, and whose
    /// settings and the register's legal basis let them be. It takes time as people have settings,
    /// no I/O.
    pub fn included(&self, of: &Use, now: Timestamp) -> Included {
        let mut included = self.inclusion.included(of, now, Reliance::AsTheyStand);
        if let Some(moment) = &self.moment {
            moment.keep_known(of.purpose, &mut included);
        }
        Included::new(included)
    }
}

fn described(snapshot: &Snapshot) -> Vec<View> {
    let views = snapshot.views.iter();
    views.map(|view| view.description.clone()).collect()
}

impl Countable for ResearchData {
    fn views(&self) -> &[View] {
        self.views()
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot()
    }

    fn snapshot_name(&self) -> &SnapshotName {
        self.snapshot_name()
    }

    fn included(&self, of: &Use, now: Timestamp) -> Included {
        self.included(of, now)
    }

    fn settings(&self, of: &Use, now: Timestamp) -> SettingsRead {
        self.inclusion.settings_read(of, now)
    }

    fn marks(&self, key: &MarkKey) -> Marks {
        self.inclusion.marks(key)
    }

    fn count(&self, counting: Counting<'_>) -> Result<Answer, EngineError> {
        match &self.moment {
            Some(moment) => moment.count(counting, &self.snapshot),
            None => counting.over_files(&self.snapshot),
        }
    }
}
