//! A role that may do more than it is for is refused at start, and told how to mend it.

use innsyn_agent::finding::Severity;
use innsyn_agent::sources::SourceConfig;
use serde_json::json;

use super::super::postgres::{check, register};
use super::{hospital, published, stays};

#[tokio::test]
async fn a_reader_or_keeper_that_may_do_more_is_refused_and_told_how_to_mend_it() {
    let (server, _) = hospital().await;
    server
        .run("CREATE TABLE secret (it text); CREATE ROLE nosy")
        .await;
    let section = register::section(&server, &json!([stays()]));
    let config: SourceConfig = serde_json::from_value(section).unwrap();
    let published = published(&server).await;
    published.look().await;
    published
        .publisher
        .check_roles()
        .await
        .expect("so far all is well");

    let rights = [
        (
            "GRANT SELECT ON stays TO innsyn_reader",
            "SELECT on public.stays",
        ),
        (
            "GRANT SELECT ON secret TO PUBLIC",
            "`PUBLIC` has SELECT on public.secret",
        ),
        (
            "GRANT SELECT (it) ON secret TO innsyn_reader",
            "SELECT (it) on public.secret",
        ),
        (
            "GRANT SELECT ON secret TO nosy; GRANT nosy TO innsyn_reader",
            "`nosy` has SELECT on public.secret",
        ),
        (
            "REVOKE nosy FROM innsyn_reader; GRANT pg_read_all_data TO innsyn_reader",
            "member of `pg_read_all_data`",
        ),
        (
            "GRANT SELECT ON innsyn.\"Person\" TO innsyn_reader",
            "SELECT on innsyn.\"Person\"",
        ),
        (
            "GRANT INSERT ON innsyn.stays TO innsyn_reader",
            "INSERT on innsyn.stays",
        ),
        (
            "GRANT UPDATE ON stays TO innsyn_reader",
            "UPDATE on public.stays",
        ),
        (
            "GRANT CREATE ON SCHEMA innsyn TO innsyn_reader",
            "CREATE on SCHEMA innsyn",
        ),
        (
            "ALTER ROLE innsyn_reader SUPERUSER",
            "`innsyn_reader` is SUPERUSER",
        ),
        (
            "CREATE FUNCTION tells() RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT 1::text'",
            "EXECUTE on FUNCTION public.tells()",
        ),
        (
            "GRANT DELETE ON stays TO innsyn_keeper",
            "DELETE on public.stays",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO innsyn_keeper",
            "CREATE on SCHEMA public",
        ),
        (
            "ALTER ROLE innsyn_keeper CREATEROLE",
            "`innsyn_keeper` is CREATEROLE",
        ),
    ];
    for (grant, words) in rights {
        server.run(grant).await;
        let error = published.publisher.check_roles().await.expect_err(grant);
        assert!(error.to_string().contains(words), "{grant}: {error}");
        let findings = check(&config).await;
        let wrong = findings.iter().filter(|f| f.severity == Severity::Error);
        let mut statements = Vec::new();
        for finding in wrong {
            let (_, statement) = finding.what_to_do.split_once("run: ").expect("a statement");
            statements.push(statement.to_owned());
        }
        assert!(!statements.is_empty(), "{grant}: {findings:?}");
        for statement in statements {
            server.run(&statement).await;
        }
        let mended = published.publisher.check_roles().await;
        mended.unwrap_or_else(|error| panic!("{grant}, mended: {error}"));
    }
}

#[tokio::test]
async fn check_says_what_is_missing_and_changes_nothing() {
    let (server, _) = hospital().await;
    let with = |key: &str, value| {
        let mut view = stays();
        view[key] = value;
        let section = register::section(&server, &json!([view]));
        serde_json::from_value::<SourceConfig>(section).unwrap()
    };
    let said = async |config: &SourceConfig| {
        let findings = check(config).await;
        findings.iter().map(ToString::to_string).collect::<String>()
    };

    let all = said(&with("name", json!("stays"))).await;
    assert!(all.contains("view `stays` can be published"), "{all}");
    for (key, value, words) in [
        (
            "table",
            json!("stay"),
            "no table or view \"public\".\"stay\"",
        ),
        ("id_column", json!("fnr"), "has no column `fnr`"),
        ("id_column", json!("noted"), "of type date, and text"),
        ("files", json!("x.parquet"), "unknown field `files`"),
    ] {
        let all = said(&with(key, value)).await;
        assert!(all.contains(words), "`{words}` is not in `{all}`");
    }
    server
        .run("REVOKE SELECT ON stays FROM innsyn_keeper")
        .await;
    let all = said(&with("name", json!("stays"))).await;
    assert!(all.contains("may not read column `id`"), "{all}");
    let grant = "GRANT SELECT ON \"public\".\"stays\" TO \"innsyn_keeper\";";
    assert!(all.contains(grant), "{all}");
    server.run(grant).await;
    let all = said(&with("name", json!("stays"))).await;
    assert!(all.contains("view `stays` can be published"), "{all}");
    server.run("ALTER SCHEMA innsyn OWNER TO postgres").await;
    let all = said(&with("name", json!("stays"))).await;
    assert!(
        all.contains("CREATE SCHEMA \"innsyn\" AUTHORIZATION"),
        "{all}"
    );
    assert_eq!(
        server.count("pg_views WHERE schemaname = 'innsyn'").await,
        0
    );
}
