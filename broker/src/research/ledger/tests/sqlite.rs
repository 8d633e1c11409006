//! What a ledger in a file does when it is opened, and when the file is not what it should be.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tempfile::TempDir;

use super::*;

fn key() -> ReleaseKey {
    ReleaseKey {
        permit: PermitId::new("helsedata.example", "1").unwrap(),
        query: QueryName::from_bytes([1; 32]),
        contributors: [(RegisterId::parse("nord").unwrap(), [1; 32])].into(),
    }
}

fn release() -> Release {
    Release {
        key: key(),
        at: Timestamp::from_micros(1_234_567),
        words_nb: "personer".to_owned(),
        words_en: "persons".to_owned(),
        table: wire::ReleasedTable {
            smallest_cell: 5,
            ..wire::ReleasedTable::default()
        },
        audit: vec![1, 2],
    }
}

/// A ledger with one release, closed.
async fn ledger() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let store = opened(&file).await.unwrap();
    assert_eq!(store.record(release(), 0, 1).await.unwrap(), Recorded::New);
    (folder, file)
}

/// Runs a statement behind the ledger's back.
async fn tamper(file: &Path, statement: &'static str) {
    let url = format!("sqlite://{}", file.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let done = sqlx::raw_sql(statement).execute(&mut connection).await;
    assert!(done.unwrap().rows_affected() > 0, "{statement}");
    connection.close().await.unwrap();
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(chain);
    format!("{error}: {}", source.unwrap_or_default())
}

#[tokio::test]
async fn what_was_released_is_known_after_a_restart_and_charged_once() {
    let (_folder, file) = ledger().await;
    let store = opened(&file).await.unwrap();

    assert_eq!(store.earlier(&key()).await.unwrap(), Some(release()));
    let again = store.record(release(), 0, 1).await.unwrap();
    assert_eq!(again, Recorded::Earlier(Box::new(release())));
    let answered = store.answered(&key().permit).await.unwrap();
    assert_eq!(answered.into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn nobody_else_on_the_machine_may_read_it() {
    let (_folder, file) = ledger().await;
    let open = opened(&file).await.unwrap();
    open.check().await.unwrap();
    for suffix in ["", "-wal"] {
        let path = format!("{}{suffix}", file.display());
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = opened(&folder.path().join("missing/ledger.sqlite")).await;
    let missing = missing.unwrap_err().to_string();
    assert!(missing.contains("its folder must be there"), "{missing}");

    let other = folder.path().join("other");
    std::fs::write(&other, "a letter to somebody, and no ledger at all").unwrap();
    let other = opened(&other).await.unwrap_err().to_string();
    assert!(other.contains("name another file"), "{other}");

    let (_folder, file) = ledger().await;
    tamper(&file, "UPDATE innsyn_ledger SET version = 2").await;
    let newer = opened(&file).await.unwrap_err().to_string();
    assert!(
        newer.contains("version 2, and this program knows 1"),
        "{newer}"
    );
}

#[tokio::test]
async fn promise_5_a_release_that_cannot_be_read_is_an_error_and_not_none() {
    let ways = [
        ("UPDATE innsyn_release SET released = x'ff'", "its table"),
        ("UPDATE innsyn_release SET released = x''", "its table"),
        ("UPDATE innsyn_release SET query = x'00'", "query's name"),
        (
            "UPDATE innsyn_contributor SET snapshot = x'00'",
            "snapshot's name",
        ),
        (
            "UPDATE innsyn_contributor SET register = 'A b'",
            "register's id",
        ),
        ("DELETE FROM innsyn_contributor", "no register"),
    ];
    for (statement, told) in ways {
        let (_folder, file) = ledger().await;
        tamper(&file, statement).await;
        let store = opened(&file).await.unwrap();
        let error = store.releases(&key().permit).await.unwrap_err();
        let error = chain(&error);
        assert!(
            error.contains(told) && error.contains("release 1"),
            "{error}"
        );
    }
    let (_folder, file) = ledger().await;
    tamper(&file, "UPDATE innsyn_release SET released = x'ff'").await;
    let store = opened(&file).await.unwrap();
    assert!(store.earlier(&key()).await.is_err());
    assert!(store.record(release(), 0, 5).await.is_err());
}

#[tokio::test]
async fn a_ledger_that_is_gone_while_it_is_open_is_an_error() {
    let (_folder, file) = ledger().await;
    let store = opened(&file).await.unwrap();
    tamper(
        &file,
        "DROP TABLE innsyn_contributor; UPDATE innsyn_ledger SET version = 1",
    )
    .await;
    assert!(store.answered(&key().permit).await.is_err());
    let mut another = release();
    another.key.query = QueryName::from_bytes([2; 32]);
    assert!(store.record(another, 1, 5).await.is_err());
}
