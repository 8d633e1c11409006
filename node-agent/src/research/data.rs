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
//! A PostgreSQL source publishes nothing for now: its manifest would be its views, and the query
//! would go to it instead of rows coming here.

use std::sync::Arc;

use innsyn_policy::{LegalBasis, Purpose, Settings, Timestamp, may_be_counted};
use innsyn_proto::wire::research::v1::View;

use super::compute::Countable;
use crate::engine::{Included, PersonSet, Snapshot};
use crate::settings::RecordedSettings;
use crate::sources::{Freshness, RegisterData};
use crate::subjects::{MarkKey, Marks, Subjects};

pub use check::check;
pub use error::{ResearchFolderError, ViewError};
pub use publisher::{Publisher, Refreshed, ViewOutcome};
pub use stored::ViewReport;

mod check;
mod digest;
mod error;
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

/// What one load of the register publishes, ready to be counted. While it is held, its files stay.
#[derive(Debug)]
pub struct ResearchData {
    views: Vec<View>,
    snapshot: Snapshot,
    name: SnapshotName,
    subjects: Arc<Subjects>,
    basis: LegalBasis,
    /// Everybody who is registered now.
    registered: PersonSet,
    settings: Arc<RecordedSettings>,
    freshness: Freshness,
    /// Whose each of the settings is, in their order; `None` of people who are not registered now.
    speakers: Vec<Option<u32>>,
}

impl ResearchData {
    /// What `snapshot` called `name` and the people of `data` make.
    fn new(data: &RegisterData, basis: LegalBasis, snapshot: Snapshot, name: SnapshotName) -> Self {
        let subjects = Arc::clone(&data.loaded().subjects);
        let settings = Arc::clone(&data.loaded().settings);
        let mut registered = PersonSet::nobody(snapshot.persons);
        for person in subjects.numbers() {
            registered.insert(person);
        }
        let speakers = settings.each().map(|(tag, _)| subjects.number_of(tag));
        let views = snapshot.views.iter();
        Self {
            views: views.map(|view| view.description.clone()).collect(),
            name,
            basis,
            registered,
            speakers: speakers.collect(),
            subjects,
            freshness: data.freshness().clone(),
            settings,
            snapshot,
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

    /// Everybody who may be counted for `purpose` at `now`: who is registered, and whose settings
    /// and the register's legal basis let them be. It takes time as people have settings, no I/O.
    pub fn included(&self, purpose: Purpose, now: Timestamp) -> Included {
        let may = |settings| may_be_counted(purpose, self.basis, settings, now);
        let of_the_silent = if self.settings.is_unreadable() {
            Settings::Unreadable
        } else {
            self.freshness.relied_on(Settings::Known(&[]), now)
        };
        let mut included = if may(of_the_silent) {
            self.registered.clone()
        } else {
            PersonSet::nobody(self.snapshot.persons)
        };
        for (person, (_, settings)) in self.speakers.iter().zip(self.settings.each()) {
            let Some(person) = *person else { continue };
            if may(self.freshness.relied_on(settings, now)) {
                included.insert(person);
            } else {
                included.remove(person);
            }
        }
        Included::new(included)
    }
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

    fn included(&self, purpose: Purpose, now: Timestamp) -> Included {
        self.included(purpose, now)
    }

    fn marks(&self, key: &MarkKey) -> Marks {
        self.subjects.marks(key)
    }
}
