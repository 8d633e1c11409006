//! A register's views in its own PostgreSQL database, counted where they are.
//!
//! ```text
//!   schema of the agent's own, written by the keeper           the register's tables
//!   ┌─────────────────────────────────────────────────┐        ┌───────────────────┐
//!   │ "Person": key, number, purposes                 │◀─join──│ admissions, …     │
//!   │ views with security_barrier: person, values … ──┼───────▶│ (only ever read)  │
//!   └──────────▲──────────────────────────────────────┘        └───────────────────┘
//!              └── the reader: SELECT on these views, and nothing else
//! ```
//!
//! What holds:
//!
//! - **Nobody outside is looked at.** A view gives the rows of the persons who are included for the
//!   purpose of the query, and the server evaluates nothing of a query below a `security_barrier`
//!   but comparisons that it knows to tell nothing of what they compare and to raise no error.
//! - **One moment.** Publishing opens a transaction (repeatable, read only), exports its snapshot
//!   and keeps it open; every query imports it, so all see the rows that [`SnapshotName`] is made
//!   of. A database that stops the transaction stops the queries until the views are looked at
//!   again. It locks no table; it holds back clean-up of dead rows, as a report of that length
//!   would. A table that is truncated or rewritten meanwhile is noticed, and nothing counted.
//! - **The name is made of the content**: of the numbers of persons, and of hashes over each view's
//!   rows that the server adds up. Publishing what has not changed gives the name it had.
//! - **A no counts at once, a yes at the next look.** Who may be counted is written when the views
//!   are looked at; whoever may not be any more at the moment of a query is left out of it by
//!   number, inside the barrier.
//! - **What crosses the wire** of a query are cells, bins, and the numbers of the persons in each
//!   cell, 32 to a word; never a row, a value of one person, or an id. When the views are looked at,
//!   the ids of people cross it as they do for the listing, and codes that look like ids.
//! - **The server's words stay there.** Only its code for what went wrong is told or logged.
//!
//! A register that allows no schema of ours exports its views to a folder instead: without tables
//! that both roles see there is no barrier that the reader cannot take away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use innsyn_policy::{Persons as _, Purpose};

use super::SnapshotName;
use crate::engine::PersonSet;
use crate::sources::Session;
use crate::sources::config::PostgresConfig;

pub use check::check;
pub(super) use publishing::DatabasePublisher;

use looking::Storage;

mod check;
mod columns;
mod counting;
mod looking;
mod people;
mod publishing;
mod roles;
mod schema;

/// The purposes that people are counted for, each with its bit in `"Person".purposes`.
const PURPOSES: [(Purpose, i32); 3] = [
    (Purpose::QualityImprovement, 1),
    (Purpose::Research, 2),
    (Purpose::Administration, 4),
];

/// The settings of a session that a view reads: for which purpose, and whom to leave out.
const FOR_PURPOSE: &str = "innsyn.purpose";
const LEFT_OUT: &str = "innsyn.left_out";

/// The register's database as it stood at one moment, kept while it is held.
#[derive(Debug)]
pub(super) struct Moment {
    config: Arc<PostgresConfig>,
    /// What the server calls the snapshot.
    exported: String,
    /// Holds the transaction that exported it.
    keeper: Session,
    /// Where the rows are that it sees.
    storage: Storage,
    /// Its rows were found to be elsewhere.
    is_gone: AtomicBool,
    /// Who was written down as included.
    included: BTreeMap<Purpose, PersonSet>,
    name: SnapshotName,
}

impl Moment {
    /// Whether queries can still be run over it.
    pub(super) fn is_kept(&self) -> bool {
        !self.keeper.client.is_closed() && !self.is_gone.load(Ordering::Relaxed)
    }

    /// What the content is called.
    pub(super) const fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// Takes everybody out of `included` who was not written down as included for `purpose`.
    pub(super) fn keep_known(&self, purpose: Purpose, included: &mut PersonSet) {
        match self.included(purpose) {
            Some(known) => included.keep_only(known),
            None => *included = PersonSet::nobody(included.persons()),
        }
    }

    /// Who was included for `purpose` when the views were looked at.
    fn included(&self, purpose: Purpose) -> Option<&PersonSet> {
        self.included.get(&purpose)
    }
}

/// The bit of `purpose`; none of a purpose that counts nobody.
fn bit_of(purpose: Purpose) -> i32 {
    let found = PURPOSES.iter().find(|(one, _)| *one == purpose);
    found.map_or(0, |(_, bit)| *bit)
}
