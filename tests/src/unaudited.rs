//! A ledger that tells the overlap audit of nothing, for tests that must see a promise broken: it
//! keeps releases, gives them again and charges them as the one behind it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use innsyn_broker::research::ledger::{Recorded, Release, ReleaseKey, Store, StoreError};
use innsyn_policy::{PermitId, RegisterId};

#[derive(Debug)]
pub(crate) struct Unaudited(pub(crate) Arc<dyn Store>);

impl Store for Unaudited {
    fn earlier<'a>(
        &'a self,
        key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>> {
        self.0.earlier(key)
    }

    fn releases<'a>(
        &'a self,
        _permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn answered<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>> {
        self.0.answered(permit)
    }

    fn record(
        &self,
        release: Release,
        _audited: usize,
        budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        async move {
            let before = self.0.releases(&release.key.permit).await?;
            self.0.record(release, before.len(), budget_queries).await
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.check()
    }
}
