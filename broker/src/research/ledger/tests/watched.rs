//! Whether the gateway knows that its ledger works.

use super::*;

#[tokio::test]
async fn a_ledger_that_fails_does_not_work_until_it_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let ledger = Watched::new(opened(&file).await.unwrap());
    let permit = PermitId::new("helsedata.example", "1").unwrap();
    ledger.check().await.unwrap();
    assert!(ledger.works());

    let url = format!("sqlite://{}", file.display());
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    let rename = "ALTER TABLE innsyn_release RENAME TO away";
    sqlx::raw_sql(rename).execute(&mut other).await.unwrap();
    ledger.releases(&permit).await.unwrap_err();
    assert!(!ledger.works());

    let back = "ALTER TABLE away RENAME TO innsyn_release";
    sqlx::raw_sql(back).execute(&mut other).await.unwrap();
    ledger.releases(&permit).await.unwrap();
    assert!(ledger.works());
}
