//! The PostgreSQL source against a real server, started here for the purpose and thrown away.

use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::finding::Finding;
use innsyn_agent::sources::{
    self, Intake, Loaded, Numbers, Refreshed, Silent, SourceConfig, SourceError, SubjectsStore,
};
use innsyn_agent::subjects::Found;
use innsyn_policy::{
    Assurance, Caller, Clearance, Covers, Decision, Environment, LegalBasis, ManualClock,
    NationalId, NumberRules, Organisation, Presence, Purpose, Register, RegisterId, RegisterKind,
    Representation, Request, Settings, Timestamp, decide,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use server::Server;

mod access;
pub(super) mod meter;
pub(super) mod register;
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

pub(super) async fn check(config: &SourceConfig) -> Vec<Finding> {
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
    assert_eq!(block.covers, Covers::purpose(Purpose::Research));
    assert_eq!(loaded.settings.of(&person(1)), Settings::Undefined);
    assert_eq!(loaded.settings.of(&person(2)), Settings::Known(&[]));

    server.run("REVOKE SELECT ON settings FROM innsyn").await;
    let loaded = load(&config).await.expect("the people at least");
    assert_eq!(loaded.settings.of(&person(0)), Settings::Unreadable);
    let reason = loaded.report.settings_unreadable.expect("a reason");
    assert!(reason.contains("may not read column `fnr`"), "{reason}");
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
