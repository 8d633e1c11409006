//! The ledger in PostgreSQL: the suite of every store, two gateways at once, and a server that
//! goes away.

use std::path::PathBuf;
use std::sync::Arc;

use innsyn_broker::research::ledger::{
    LedgerConfig, OpenLedgerError, Recorded, Release, ReleaseKey, Store,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ledger::{Recording, survives_kills};
use super::postgres::server::Server;

/// The file that the broker's own tests run over the stores that need no server.
#[path = "../../../broker/src/research/ledger/suite.rs"]
mod suite;

/// A role that owns its database, and nothing else.
const OWNER: &str = "ALTER ROLE innsyn PASSWORD 'hunter2'; ";

/// Ends every third connection when its release is about to be committed.
const ENDS_AT_COMMIT: &str = "
    CREATE SEQUENCE commits;
    GRANT USAGE ON SEQUENCE commits TO innsyn;
    CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('commits') % 3 = 0 THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(60);
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON innsyn_release
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends();";

/// A server with an empty database for a ledger, and the files that lead to it.
struct Database {
    server: Server,
    folder: TempDir,
}

impl Database {
    async fn new() -> Self {
        let database = Self {
            server: Server::start(),
            folder: tempfile::tempdir().unwrap(),
        };
        database.server.run(OWNER).await;
        database
            .server
            .run("CREATE DATABASE ledger OWNER innsyn")
            .await;
        database
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The section for this database, reached at `host` with `more` in the URL.
    fn section(&self, host: &str, more: &str) -> Value {
        let port = self.server.port();
        let url = format!("postgres://innsyn:hunter2@{host}:{port}/ledger{more}\n");
        json!({
            "kind": "postgres",
            "url_file": self.write("ledger.url", &url),
            "ca_file": self.write("ca.pem", self.server.ca()),
        })
    }

    fn verified(&self) -> Value {
        self.section("localhost", "?sslmode=verify-full")
    }
}

async fn opened(section: &Value) -> Result<Arc<dyn Store>, OpenLedgerError> {
    let config: LedgerConfig = serde_json::from_value(section.clone()).unwrap();
    config.open().await
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(chain);
    format!("{error}: {}", source.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_postgres_is_a_ledger_that_gateways_share() {
    let database = Database::new().await;
    let section = database.verified();
    // All of them make the tables, or find them made.
    let opened = futures::future::join_all((0..4).map(|_| opened(&section))).await;
    let stores: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    suite::is_a_ledger(&*stores[0]).await;
    suite::is_one_ledger([&*stores[1], &*stores[2]]).await;
}

#[tokio::test]
async fn a_program_killed_while_it_records_in_postgres_loses_and_doubles_nothing() {
    let database = Database::new().await;
    survives_kills(database.verified()).await;
}

#[tokio::test]
async fn a_server_that_ends_every_connection_loses_and_doubles_nothing() {
    let database = Database::new().await;
    let mut recording = Recording::into(database.verified());
    for _ in 0..5 {
        let harm = async |program: &mut tokio::process::Child| {
            for _ in 0..3 {
                database
                    .server
                    .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'innsyn'")
                    .await;
            }
            program.start_kill().unwrap();
        };
        recording.live(5, harm).await;
    }
    recording.is_right(5).await;
}

/// What was not committed is not said to be, and is recorded by another try.
#[tokio::test]
async fn a_server_that_ends_connections_at_the_commit_loses_and_doubles_nothing() {
    let database = Database::new().await;
    let section = database.verified();
    let _made = opened(&section).await.unwrap();
    database.server.run_in("ledger", ENDS_AT_COMMIT).await;
    let mut recording = Recording::into(section);
    for _ in 0..2 {
        let harm = async |program: &mut tokio::process::Child| program.start_kill().unwrap();
        recording.live(30, harm).await;
    }
    recording.is_right(2).await;
}

#[tokio::test]
async fn a_server_that_cannot_show_who_it_is_gets_no_password() {
    let database = Database::new().await;
    let other = super::postgres::server::Authority::new();
    let mut section = database.verified();
    section["ca_file"] = json!(database.write("other.pem", &other.pem()));
    let error = opened(&section).await.unwrap_err();
    let error = chain(&error);
    assert!(error.contains("`localhost`"), "{error}");
    assert!(error.contains("invalid peer certificate"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_finds_those_that_were_made() {
    let database = Database::new().await;
    let made = opened(&database.verified()).await.unwrap();
    drop(made);
    // What a careful operator does after the first start.
    let careful = "ALTER DATABASE ledger OWNER TO postgres";
    database.server.run(careful).await;
    let store = opened(&database.verified()).await.unwrap();
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_ledger_that_is_away_refuses_and_works_when_it_is_back() {
    let database = Database::new().await;
    let store = opened(&database.verified()).await.unwrap();
    store.check().await.unwrap();
    database
        .server
        .run("ALTER ROLE innsyn NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'innsyn'")
        .await;
    let error = store.check().await.unwrap_err();
    let error = chain(&error);
    assert!(!error.contains("hunter2"), "{error}");
    database.server.run("ALTER ROLE innsyn LOGIN").await;
    store.check().await.unwrap();
}
