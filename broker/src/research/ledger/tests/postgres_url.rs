//! Where a ledger in PostgreSQL may be, and how it is reached.

use sqlx::postgres::PgSslMode;

use super::super::postgres::options;
use super::*;

#[test]
fn a_server_elsewhere_is_verified_unless_the_url_says_less_which_is_refused() {
    for url in [
        "postgres://innsyn:secret@db.example/ledger",
        "postgresql://innsyn:secret@192.0.2.1:5433/ledger?sslmode=verify-full",
    ] {
        let options = options(url).unwrap();
        assert!(
            matches!(options.get_ssl_mode(), PgSslMode::VerifyFull),
            "{url}"
        );
    }
    for mode in ["disable", "allow", "require", "verify-ca"] {
        let url = format!("postgres://innsyn:secret@db.example/ledger?sslmode={mode}");
        let error = options(&url).unwrap_err().to_string();
        assert!(error.contains("`db.example`"), "{error}");
        assert!(error.contains("sslmode=verify-full"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_server_on_this_machine_may_be_reached_in_clear() {
    for url in [
        "postgres://innsyn@localhost/ledger?sslmode=disable",
        "postgres://innsyn@127.0.0.1/ledger?sslmode=disable",
        "postgres://innsyn@[::1]/ledger?sslmode=disable",
        "postgres:///ledger?host=/run/postgresql&user=innsyn&sslmode=disable",
        "postgres://innsyn@%2Frun%2Fpostgresql/ledger?sslmode=disable",
    ] {
        let options = options(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert!(
            matches!(options.get_ssl_mode(), PgSslMode::Disable),
            "{url}"
        );
    }
    // The last one that is named counts.
    let elsewhere = "postgres://innsyn@localhost/ledger?host=db.example&sslmode=disable";
    assert!(matches!(
        options(elsewhere),
        Err(OpenLedgerError::Unverified { .. })
    ));
}

#[tokio::test]
async fn what_is_no_url_is_refused_by_the_name_of_its_file_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let url_file = folder.path().join("ledger.url");
    let config = LedgerConfig::Postgres {
        url_file: url_file.clone(),
        ca_file: None,
    };
    let missing = config.open().await.unwrap_err().to_string();
    assert!(missing.contains("ledger.url`, with the URL"), "{missing}");
    for text in [
        "hunter2",
        "mysql://a:hunter2@b/c",
        "postgres://a:hunter2@b:port/c",
        "",
    ] {
        std::fs::write(&url_file, text).unwrap();
        let error = config.open().await.unwrap_err();
        assert!(matches!(&error, OpenLedgerError::Url(path) if *path == url_file));
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
