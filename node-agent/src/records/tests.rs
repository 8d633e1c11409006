//! What the records promise, with tables of no part.

use std::os::unix::fs::PermissionsExt as _;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{OpenRecordsError, RECORDS_FILE, Records, RecordsKey, Schema};
use crate::test_ids::person;

const FIRST: Schema = Schema {
    name: "notes",
    steps: &["CREATE TABLE note (text TEXT NOT NULL) STRICT"],
};
const SECOND: Schema = Schema {
    name: "notes",
    steps: &[
        FIRST.steps[0],
        "ALTER TABLE note ADD COLUMN at INTEGER NOT NULL DEFAULT 7",
    ],
};

async fn open(folder: &std::path::Path, schema: Schema) -> Result<Records, OpenRecordsError> {
    let mut random = StdRng::seed_from_u64(1);
    let (records, key) = (folder.join("records"), folder.join("records.key"));
    Records::open(&records, &key, &[schema], &mut random).await
}

#[tokio::test]
async fn tables_are_brought_up_step_by_step_and_never_back() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path(), FIRST).await.unwrap();
    let mut writing = records.write().await.unwrap();
    sqlx::query("INSERT INTO note (text) VALUES ('kept')")
        .execute(&mut *writing)
        .await
        .unwrap();
    writing.commit().await.unwrap();
    records.close().await;

    let records = open(folder.path(), SECOND).await.unwrap();
    let notes: Vec<(String, i64)> = sqlx::query_as("SELECT text, at FROM note")
        .fetch_all(records.pool())
        .await
        .unwrap();
    assert_eq!(notes, [("kept".to_owned(), 7)]);
    records.close().await;

    let older = open(folder.path(), FIRST).await;
    assert!(matches!(
        older,
        Err(OpenRecordsError::Newer { name: "notes" })
    ));
}

#[tokio::test]
async fn nobody_else_reads_the_records_and_a_lost_key_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), FIRST).await.unwrap().close().await;
    for file in ["records/records.sqlite", "records.key"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    assert!(folder.path().join("records").join(RECORDS_FILE).exists());
    std::fs::remove_file(folder.path().join("records.key")).unwrap();
    let lost = open(folder.path(), FIRST).await;
    assert!(matches!(lost, Err(OpenRecordsError::Key(_))));
}

#[test]
fn a_person_is_told_again_by_the_key_alone() {
    let (key, other) = (RecordsKey::new(&[1; 32]), RecordsKey::new(&[2; 32]));
    for n in 0..100 {
        let code = key.code(&person(n));
        assert_eq!(key.person(code), Some(person(n)));
        assert_eq!(other.person(code), None);
        assert_ne!(code, key.code(&person(n + 1)));
    }
}

#[test]
fn what_is_sealed_is_opened_whole_with_its_context_or_not_at_all() {
    let key = RecordsKey::new(&[1; 32]);
    let mut random = StdRng::seed_from_u64(2);
    let sealed = key.seal(b"said", b"case 1", &mut random);
    assert_eq!(key.unseal(&sealed, b"case 1").unwrap(), b"said");
    assert!(key.unseal(&sealed, b"case 2").is_err());
    assert!(
        RecordsKey::new(&[2; 32])
            .unseal(&sealed, b"case 1")
            .is_err()
    );
    for byte in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[byte] ^= 1;
        assert!(key.unseal(&changed, b"case 1").is_err(), "byte {byte}");
    }
    assert!(key.unseal(&sealed[..4], b"case 1").is_err());
    assert_ne!(sealed, key.seal(b"said", b"case 1", &mut random));
}
