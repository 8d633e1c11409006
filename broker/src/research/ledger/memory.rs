//! A ledger that is forgotten when the program ends: for trying things out and for simulation.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};
use innsyn_policy::{PermitId, RegisterId};

use super::{Recorded, Release, ReleaseKey, Store, StoreError};

/// Releases by permit, in order.
type Releases = BTreeMap<PermitId, Vec<Release>>;

/// A ledger in memory.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<Releases>);

impl InMemory {
    fn lock(&self) -> MutexGuard<'_, Releases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(releases: &'a [Release], key: &ReleaseKey) -> Option<&'a Release> {
    releases.iter().find(|release| release.key == *key)
}

/// How many of `releases` each register has contributed to.
fn answered(releases: &[Release]) -> BTreeMap<RegisterId, u32> {
    let mut answered = BTreeMap::new();
    let contributors = releases.iter().flat_map(|one| one.key.contributors.keys());
    for register in contributors {
        *answered.entry(register.clone()).or_default() += 1;
    }
    answered
}

impl Store for InMemory {
    fn earlier<'a>(
        &'a self,
        key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>> {
        let releases = self.lock();
        let found = releases.get(&key.permit).and_then(|of| find(of, key));
        Box::pin(ready(Ok(found.cloned())))
    }

    fn releases<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>> {
        let releases = self.lock().get(permit).cloned();
        Box::pin(ready(Ok(releases.unwrap_or_default())))
    }

    fn answered<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>> {
        let answered = self.lock().get(permit).map(|of| answered(of));
        Box::pin(ready(Ok(answered.unwrap_or_default())))
    }

    fn record(
        &self,
        release: Release,
        audited: usize,
        budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        let mut releases = self.lock();
        let of_permit = releases.entry(release.key.permit.clone()).or_default();
        let recorded = if let Some(earlier) = find(of_permit, &release.key) {
            Recorded::Earlier(Box::new(earlier.clone()))
        } else if of_permit.len() != audited {
            Recorded::Changed
        } else {
            let answered = answered(of_permit);
            let mut registers = release.key.contributors.keys();
            let is_spent = |register: &&_| answered.get(*register) >= Some(&budget_queries);
            let spent = registers.find(is_spent).cloned();
            if let Some(register) = spent {
                Recorded::OverBudget(register)
            } else {
                of_permit.push(release);
                Recorded::New
            }
        };
        Box::pin(ready(Ok(recorded)))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}
