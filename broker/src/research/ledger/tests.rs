//! The stores that need nothing but this program. The one in PostgreSQL is tested with the whole
//! system.

use std::path::Path;
use std::sync::Arc;

use super::suite::{is_a_ledger, is_one_ledger};
use super::*;

mod postgres_url;
mod sqlite;
mod watched;

/// The ledger in `file`, as another gateway would open it.
async fn opened(file: &Path) -> Result<Arc<dyn Store>, OpenLedgerError> {
    let config = LedgerConfig::Sqlite {
        file: file.to_owned(),
    };
    config.open().await
}

#[tokio::test]
async fn the_ledger_in_memory_is_a_ledger() {
    is_a_ledger(&InMemory::default()).await;
    let store = InMemory::default();
    is_one_ledger([&store, &store]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_a_file_is_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    is_a_ledger(&*opened(&file).await.unwrap()).await;
    let (one, other) = (opened(&file).await.unwrap(), opened(&file).await.unwrap());
    is_one_ledger([&*one, &*other]).await;
}
