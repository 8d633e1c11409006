//! Knows whether the ledger works, so that the gateway's health can say so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use innsyn_policy::{PermitId, RegisterId};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Recorded, Release, ReleaseKey, Store, StoreError};

/// How often a ledger is looked at that nobody uses.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// A ledger, and whether it worked the last time.
#[derive(Debug)]
pub(in crate::research) struct Watched {
    store: Arc<dyn Store>,
    works: AtomicBool,
}

impl Watched {
    /// `store`, which has just been opened.
    pub(in crate::research) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            works: AtomicBool::new(true),
        }
    }

    /// Whether it worked the last time.
    pub(in crate::research) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// Looks at it again and again, until `shutdown`.
    pub(in crate::research) async fn keep_watch(&self, shutdown: CancellationToken) {
        let mut ticks = interval(CHECK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let checks = async {
            loop {
                ticks.tick().await;
                // What comes of it is noted.
                let _ = self.check().await;
            }
        };
        shutdown.run_until_cancelled(checks).await;
    }

    /// Notes how `call` ends.
    fn noted<'a, T: Send + 'a>(
        &'a self,
        call: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        call.inspect(|ended| self.note(ended.as_ref().err()))
            .boxed()
    }

    fn note(&self, error: Option<&StoreError>) {
        let worked = self.works.swap(error.is_none(), Ordering::Relaxed);
        match error {
            Some(error) if worked => tracing::error!(
                error = error as &dyn std::error::Error,
                "ledger failed: nothing is released until it works"
            ),
            Some(error) => tracing::debug!(
                error = error as &dyn std::error::Error,
                "ledger fails still"
            ),
            None if !worked => tracing::info!("ledger works again"),
            None => {}
        }
    }
}

impl Store for Watched {
    fn earlier<'a>(
        &'a self,
        key: &'a ReleaseKey,
    ) -> BoxFuture<'a, Result<Option<Release>, StoreError>> {
        self.noted(self.store.earlier(key))
    }

    fn releases<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<Vec<Release>, StoreError>> {
        self.noted(self.store.releases(permit))
    }

    fn answered<'a>(
        &'a self,
        permit: &'a PermitId,
    ) -> BoxFuture<'a, Result<BTreeMap<RegisterId, u32>, StoreError>> {
        self.noted(self.store.answered(permit))
    }

    fn record(
        &self,
        release: Release,
        audited: usize,
        budget_queries: u32,
    ) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        self.noted(self.store.record(release, audited, budget_queries))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.noted(self.store.check())
    }
}
