//! Who may read and who may write: a role with too many rights, a view that writes, a server
//! that cannot prove who it is.

use innsyn_agent::finding::Severity;
use serde_json::{Value, json};

use super::server::{self, Server};
use super::{PEOPLE, TABLE, check, config, load, section};

/// Every right to write is refused in words of its own, and the statement that those words end
/// in takes the right away.
#[tokio::test]
async fn a_role_that_may_write_is_refused_and_told_how_to_mend_it() {
    let server = Server::start();
    server.run(TABLE).await;
    let insert = format!("INSERT INTO persons VALUES ('{}')", PEOPLE[0]);
    server.run(&insert).await;
    server
        .run("CREATE ROLE writers; CREATE ROLE the_owner")
        .await;
    let config = config(section(&server, &[]));
    load(&config).await.expect("so far it may only read");

    let rights = [
        ("ALTER ROLE innsyn SUPERUSER", "`innsyn` is SUPERUSER"),
        ("ALTER ROLE innsyn CREATEROLE", "`innsyn` is CREATEROLE"),
        ("ALTER ROLE innsyn CREATEDB", "`innsyn` is CREATEDB"),
        ("ALTER ROLE innsyn REPLICATION", "`innsyn` is REPLICATION"),
        ("ALTER ROLE innsyn BYPASSRLS", "`innsyn` is BYPASSRLS"),
        (
            "GRANT INSERT ON persons TO innsyn",
            "`innsyn` has INSERT on public.persons",
        ),
        (
            "GRANT UPDATE (state) ON persons TO innsyn",
            "has UPDATE (state) on public.persons",
        ),
        (
            "GRANT DELETE ON persons TO PUBLIC",
            "`PUBLIC` has DELETE on public.persons",
        ),
        (
            "GRANT TRUNCATE ON persons TO innsyn",
            "`innsyn` has TRUNCATE on public.persons",
        ),
        (
            "ALTER ROLE innsyn NOINHERIT; GRANT INSERT ON persons TO writers; \
             GRANT writers TO innsyn",
            "`writers` has INSERT on public.persons",
        ),
        (
            "REVOKE ALL ON persons FROM writers; ALTER TABLE persons OWNER TO writers; \
             GRANT writers TO innsyn",
            "`writers` owns TABLE public.persons",
        ),
        (
            "REVOKE writers FROM innsyn; ALTER TABLE persons OWNER TO innsyn",
            "`innsyn` owns TABLE public.persons",
        ),
        (
            "GRANT pg_write_all_data TO innsyn",
            "member of `pg_write_all_data`",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO innsyn",
            "has CREATE on SCHEMA public",
        ),
        (
            "GRANT CREATE ON DATABASE postgres TO PUBLIC",
            "has CREATE on DATABASE postgres",
        ),
        (
            "ALTER DATABASE postgres OWNER TO innsyn",
            "`innsyn` owns DATABASE postgres",
        ),
        (
            "ALTER SCHEMA public OWNER TO innsyn",
            "`innsyn` owns SCHEMA public",
        ),
        (
            "ALTER ROLE writers SUPERUSER; GRANT writers TO innsyn",
            "`writers` is SUPERUSER",
        ),
    ];
    for (grant, words) in rights {
        server.run(grant).await;

        let error = load(&config).await.expect_err(grant);
        assert!(error.to_string().contains(words), "{grant}: {error}");
        let findings = check(&config).await;
        assert!(!findings.is_empty(), "{grant}");
        for finding in findings {
            assert_eq!(finding.severity, Severity::Error);
            let (_, statement) = finding.what_to_do.split_once("run: ").expect("a statement");
            server.run(statement).await;
        }

        // Whoever loses a table that it owned may need the right to read it again.
        server.run("GRANT SELECT ON persons TO innsyn").await;
        load(&config)
            .await
            .unwrap_or_else(|error| panic!("{grant}, mended: {error}"));
    }
}

#[tokio::test]
async fn the_session_cannot_write_even_through_a_function() {
    let server = Server::start();
    server
        .run(&format!(
            "CREATE TABLE reads (at int);
             CREATE FUNCTION noted() RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS $$ INSERT INTO public.reads VALUES (1); SELECT '{}'::text $$;
             CREATE VIEW persons AS SELECT noted() AS fnr;
             GRANT SELECT ON persons TO innsyn",
            PEOPLE[0]
        ))
        .await;
    let persons = json!({ "table": "persons", "columns": { "national_id": "fnr" } });

    let error = load(&config(section(&server, &[("persons", persons)]))).await;

    // 25006: read_only_sql_transaction.
    let error = error.expect_err("the view writes").to_string();
    assert!(error.contains("SQLSTATE 25006"), "{error}");
    assert_eq!(server.count("reads").await, 0);
}

#[tokio::test]
async fn over_the_network_the_server_must_prove_itself_and_the_password_be_right() {
    let server = Server::start();
    server.run(TABLE).await;
    server.run("ALTER ROLE innsyn PASSWORD 'right'").await;
    let insert = format!("INSERT INTO persons VALUES ('{}')", PEOPLE[0]);
    server.run(&insert).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        json!(path)
    };
    let over_tls = |host: &str, ca: &Value, password: &Value| {
        config(section(
            &server,
            &[
                ("host", json!(host)),
                ("tls", json!("required")),
                ("ca_file", ca.clone()),
                ("password_file", password.clone()),
            ],
        ))
    };
    let ca = file("ca.pem", server.ca());
    let other_ca = file("other.pem", &server::Authority::new().pem());
    let (right, wrong) = (file("right", "right\n"), file("wrong", "wrong"));

    let loaded = load(&over_tls("127.0.0.1", &ca, &right)).await;
    assert_eq!(loaded.expect("all is right").report.persons, 1);

    let refused = [
        (
            over_tls("127.0.0.1", &other_ca, &right),
            "invalid peer certificate",
        ),
        (
            over_tls("127.0.0.1", &ca, &wrong),
            "password authentication failed",
        ),
        (
            over_tls("127.0.0.1", &json!("/nonexistent"), &right),
            "`/nonexistent` cannot be read",
        ),
        (
            over_tls("127.0.0.1", &right, &right),
            "holds no certificate",
        ),
    ];
    for (config, words) in refused {
        let error = load(&config).await.expect_err(words).to_string();
        assert!(error.contains(words), "`{words}` is not in `{error}`");
        assert!(!error.contains("wrong`"), "{error}");
    }
}
