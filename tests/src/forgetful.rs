//! A ledger that forgets, for tests that must see a promise broken: no query is ever compared with
//! an earlier one.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use innsyn_broker::research::ledger::{Recorded, Release, ReleaseKey, Store, StoreError};
use innsyn_policy::{PermitId, RegisterId};

#[derive(Debug)]
pub(crate) struct Forgetful;

impl Store for Forgetful {
    fn earlier<'a>(
        &'a self,
        _key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>> {
        ready(Ok(None)).boxed()
    }

    fn releases<'a>(
        &'a self,
        _permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn answered<'a>(
        &'a self,
        _permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>> {
        ready(Ok(BTreeMap::new())).boxed()
    }

    fn record(
        &self,
        _release: Release,
        _audited: usize,
        _budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        ready(Ok(Recorded::New)).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }
}
