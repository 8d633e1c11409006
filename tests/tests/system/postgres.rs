//! The PostgreSQL source against a real server, started here for the purpose and thrown away.

use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::finding::{Finding, Severity};
use innsyn_agent::sources::{
    self, Intake, Loaded, Numbers, Refreshed, Silent, SourceConfig, SourceError, SubjectsStore,
};
use innsyn_agent::subjects::Found;
use innsyn_policy::{
    Assurance, Caller, Clearance, Decision, Environment, LegalBasis, ManualClock, NationalId,
    NumberRules, Organisation, Presence, Purpose, Register, RegisterId, RegisterKind,
    Representation, Request, Settings, Timestamp, decide,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use server::Server;

pub(super) mod server;

/// Synthetic people with valid control digits: month + 80.
const PEOPLE: [&str; 4] = ["01815000036", "02815000075", "03815000004", "04815000043"];

/// The role that the agent logs in as.
const ROLE: &str = "innsyn";

const TABLE: &str = "CREATE TABLE persons (fnr text, since date, changed timestamptz, state int); \
    GRANT SELECT ON persons TO innsyn;";

const NUMBERS: Numbers = Numbers {
    rules: NumberRules {
        accept_2032: true,
        strict_series: false,
    },
    environment: Environment::Test,
};

/// The `[source]` section for `server`, over its Unix socket, with `more` set.
fn section(server: &Server, more: &[(&str, Value)]) -> Value {
    let mut section = json!({
        "kind": "postgres",
        "host": server.socket_folder(),
        "port": server.port(),
        "database": "postgres",
        "user": ROLE,
        "tls": "disabled",
        "persons": {
            "table": "persons",
            "columns": {
                "national_id": "fnr",
                "registered_since": "since",
                "last_changed": "changed",
                "status": "state",
            },
            "status": { "registered": ["1"], "deleted": ["2"] },
        },
    });
    for (key, value) in more {
        section[*key] = value.clone();
    }
    section
}

fn config(section: Value) -> SourceConfig {
    serde_json::from_value(section).expect("a valid section")
}

async fn load(config: &SourceConfig) -> Result<Loaded, SourceError> {
    let key = config.subject_key(&mut StdRng::seed_from_u64(1))?;
    let intake = Intake::new(&Arc::new(key), NUMBERS, Arc::new(Silent));
    config.source().load(intake).await
}

async fn check(config: &SourceConfig) -> Vec<Finding> {
    let rng = &mut StdRng::seed_from_u64(1);
    sources::check(config, NUMBERS, rng, Arc::new(Silent)).await
}

fn person(n: usize) -> NationalId {
    NationalId::parse(PEOPLE[n], NUMBERS.rules).expect("valid digits")
}

fn clearance(n: usize) -> Clearance {
    let request = Request {
        subject: person(n),
        caller: Caller {
            person: person(n),
            organisation: Organisation::parse("999999999").expect("an organisation"),
            assurance: Assurance::High,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    };
    let register = Register {
        id: RegisterId::parse("kreft").expect("a register id"),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    };
    let now = Timestamp::from_seconds(0);
    match decide(&request, &register, Settings::Known(&[]), now) {
        Decision::Allow(clearance) => clearance,
        other => panic!("own insight is allowed, not {other:?}"),
    }
}

#[tokio::test]
async fn people_are_read_with_dates_and_status_and_a_changed_row_is_seen() {
    let server = Server::start();
    server.run(TABLE).await;
    server
        .run(&format!(
            "INSERT INTO persons VALUES ('{}', '2001-02-03', '2020-04-05 23:30:00+00', 1), \
             ('{}', NULL, NULL, 2), (NULL, NULL, NULL, 1), ('123', 'infinity', NULL, 1)",
            PEOPLE[0], PEOPLE[1]
        ))
        .await;
    let config = config(section(&server, &[]));
    let store = SubjectsStore::open(
        config.source(),
        config
            .subject_key(&mut StdRng::seed_from_u64(1))
            .expect("a key"),
        NUMBERS,
        config.settings_max_age,
        ManualClock::new(Timestamp::from_seconds(0)),
        Arc::new(Silent),
    )
    .await
    .expect("a role that only reads");

    let data = store.current();
    // 23:30 UTC is the next day in Norway.
    let (since, changed) = ("2001-02-03".parse(), "2020-04-06".parse());
    let presence = Presence {
        since: since.ok(),
        last_changed: changed.ok(),
    };
    assert_eq!(data.find(&clearance(0)), Found::Registered(presence));
    assert_eq!(
        data.find(&clearance(1)),
        Found::Deleted(Presence::default())
    );
    assert_eq!(data.find(&clearance(2)), Found::Absent);
    let report = data.report();
    assert_eq!(
        (
            report.rows,
            report.persons,
            report.missing,
            report.malformed
        ),
        (4, 2, 1, 1)
    );

    server
        .run(&format!("INSERT INTO persons VALUES ('{}')", PEOPLE[2]))
        .await;
    assert_eq!(
        store.refresh().await.expect("read again"),
        Refreshed::Reloaded
    );
    let found = store.current().find(&clearance(2));
    assert_eq!(found, Found::Registered(Presence::default()));

    server.run("DROP TABLE persons").await;
    let error = store.refresh().await.expect_err("the table is gone");
    assert!(error.to_string().contains("no table or view"), "{error}");
    assert_eq!(
        store.current().find(&clearance(2)),
        found,
        "the old data serve"
    );
}

#[tokio::test]
async fn a_view_with_numbers_for_ids_and_a_strange_name_is_read() {
    let server = Server::start();
    server
        .run(&format!(
            r#"CREATE SCHEMA "Kreft; --"; GRANT USAGE ON SCHEMA "Kreft; --" TO innsyn;
               CREATE VIEW "Kreft; --"."a ""view""" AS
                   SELECT {}::bigint AS "født nr", 'x'::char(3) AS state;
               GRANT SELECT ON "Kreft; --"."a ""view""" TO innsyn"#,
            PEOPLE[0]
        ))
        .await;
    let persons = json!({
        "schema": "Kreft; --",
        "table": "a \"view\"",
        "columns": { "national_id": "født nr", "status": "state" },
        "status": { "deleted": ["x"] },
    });

    let loaded = load(&config(section(&server, &[("persons", persons)]))).await;

    let found = loaded.expect("a view").subjects.find(&clearance(0));
    assert_eq!(found, Found::Deleted(Presence::default()));
}

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

/// PostgreSQL quotes the value that it cannot convert; we do not.
#[tokio::test]
async fn an_error_in_a_row_does_not_show_the_row() {
    let server = Server::start();
    server
        .run(&format!(
            "CREATE TABLE raw (id text); INSERT INTO raw VALUES ('{} Kari');
             CREATE VIEW persons AS SELECT id::bigint AS fnr FROM raw;
             GRANT SELECT ON persons TO innsyn",
            PEOPLE[0]
        ))
        .await;
    let persons = json!({ "table": "persons", "columns": { "national_id": "fnr" } });
    let config = config(section(&server, &[("persons", persons)]));

    let error = load(&config).await.expect_err("not a number");
    let words = format!("{error} {error:?} {:?}", check(&config).await);

    assert!(words.contains("SQLSTATE 22P02"), "{words}");
    assert!(
        !words.contains("Kari") && !words.contains(PEOPLE[0]),
        "{words}"
    );
}

#[tokio::test]
async fn settings_are_read_in_the_same_moment_and_unreadable_ones_mean_so() {
    let server = Server::start();
    server.run(TABLE).await;
    server
        .run(&format!(
            "INSERT INTO persons VALUES ('{0}');
             CREATE TABLE settings (fnr text, kind text, purpose text, t timestamp, until date);
             GRANT SELECT ON settings TO innsyn;
             INSERT INTO settings VALUES ('{0}', 'block', 'research', '2024-01-01', NULL),
                 ('{1}', 'perhaps', NULL, '2024-01-01', NULL)",
            PEOPLE[0], PEOPLE[1]
        ))
        .await;
    let settings = json!({
        "table": "settings",
        "columns": {
            "national_id": "fnr", "kind": "kind", "purpose": "purpose", "from": "t",
            "until": "until",
        },
    });
    let config = config(section(&server, &[("settings", settings)]));

    let loaded = load(&config).await.expect("both tables");
    let Settings::Known([block]) = loaded.settings.of(&person(0)) else {
        panic!("one block is recorded");
    };
    // Midnight in Norway in winter.
    assert_eq!(block.from, Timestamp::from_seconds(1_704_063_600));
    assert_eq!(block.purpose, Some(Purpose::Research));
    assert_eq!(loaded.settings.of(&person(1)), Settings::Undefined);
    assert_eq!(loaded.settings.of(&person(2)), Settings::Known(&[]));

    server.run("REVOKE SELECT ON settings FROM innsyn").await;
    let loaded = load(&config).await.expect("the people at least");
    assert_eq!(loaded.settings.of(&person(0)), Settings::Unreadable);
    let reason = loaded.report.settings_unreadable.expect("a reason");
    assert!(reason.contains("may not read column `fnr`"), "{reason}");
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

#[tokio::test]
async fn check_names_what_is_missing() {
    let server = Server::start();
    server
        .run("CREATE TABLE persons (fnr text, since int); GRANT SELECT (fnr) ON persons TO innsyn")
        .await;
    let columns = |more: Value| {
        let mut persons = json!({ "table": "persons", "columns": { "national_id": "fnr" } });
        for (key, value) in more.as_object().expect("an object") {
            persons["columns"][key] = value.clone();
        }
        config(section(&server, &[("persons", persons)]))
    };
    let elsewhere = json!({ "table": "people", "columns": { "national_id": "fnr" } });
    let cases = [
        (
            columns(json!({ "status": "state" })),
            "has no column `state`; it has `fnr`, `since`",
        ),
        (
            columns(json!({ "status": "since" })),
            "may not read column `since`",
        ),
        (
            config(section(&server, &[("persons", elsewhere)])),
            "there is no table or view \"public\".\"people\" in database `postgres`",
        ),
        (
            config(section(&server, &[("port", json!(1))])),
            ":1 cannot be used: error connecting",
        ),
        (
            config(section(&server, &[("database", json!("x"))])),
            "database \"x\" does not exist",
        ),
        (
            config(section(&server, &[("user", json!("y"))])),
            "role \"y\" does not exist",
        ),
        (columns(json!({})), "the source has no rows"),
    ];
    for (config, words) in cases {
        let findings = check(&config).await;
        let all: String = findings.iter().map(ToString::to_string).collect();
        assert!(all.contains(words), "`{words}` is not in `{all}`");
    }
    server.run("GRANT SELECT ON persons TO innsyn").await;
    let findings = check(&columns(json!({ "last_changed": "since" }))).await;
    assert!(
        findings[0].what.contains("of type integer, and a date"),
        "{}",
        findings[0]
    );
}

#[tokio::test]
async fn a_load_that_takes_too_long_is_given_up() {
    let server = Server::start();
    server
        .run(
            "CREATE VIEW persons AS SELECT 'x'::text AS fnr FROM pg_sleep(600);
             GRANT SELECT ON persons TO innsyn",
        )
        .await;
    let persons = json!({ "table": "persons", "columns": { "national_id": "fnr" } });
    let more = [("persons", persons), ("load_timeout_s", json!(1))];

    let error = load(&config(section(&server, &more))).await;

    let one = Duration::from_secs(1);
    assert!(matches!(error, Err(SourceError::TooSlow(limit)) if limit == one));
}
