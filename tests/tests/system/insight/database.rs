//! Insight by live query where the register is a PostgreSQL database.

use std::fs;

use innsyn_proto::wire::types::v1::{Outcome, Reason};
use innsyn_sim::country::Role;
use innsyn_sim::world::WorldSpec;

use super::super::fleet::Prepared;
use super::super::postgres::server::Server;
use super::super::postgres_agent::{REGISTER, configure, load};
use super::{at, id_of, question, rows};

const SECTION: &str = r#"
[insight]
[[insight.table]]
title = "Undersøkelser"
title_en = "Examinations"
about = "Undersøkelser du har vært til."
about_en = "Examinations that you have been to."
table = "undersokelser"
id_column = "fnr"
[[insight.table.column]]
name = "dato"
label = "Dato"
label_en = "Date"
about = "Dagen du ble undersøkt."
about_en = "The day on which you were examined."
[[insight.table.column]]
name = "funn"
label = "Funn"
label_en = "Findings"
about = "Hvor mange funn som ble gjort."
about_en = "How many findings there were."
"#;

#[tokio::test]
async fn area_1_insight_by_live_query_from_a_database_as_it_stands_and_never_as_one_who_may_write()
{
    let server = Server::start();
    let prepared = Prepared::choosing(&WorldSpec::new(2000, 9), |id, _| id == REGISTER);
    let world = &prepared.world;
    load(&server, world).await;
    configure(&server, world);
    let (kari, ola) = (id_of(world, 0), id_of(world, 1));
    // As a number, an id has lost its leading zero.
    server
        .run(&format!(
            "CREATE TABLE undersokelser (fnr numeric, dato date, funn int, hemmelig text); \
             INSERT INTO undersokelser VALUES ('{kari}', '2024-02-01', 3, 'x'), \
             ('{ola}', '2023-01-01', 7, 'y'), ('{kari}', '2025-03-04', NULL, 'z'); \
             GRANT SELECT ON undersokelser TO innsyn"
        ))
        .await;
    let config = world.agent_config(REGISTER);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text + SECTION).unwrap();
    let path = world.folder.join("country/catalogue.toml");
    let mut catalogue: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    for entry in catalogue["register"].as_array_mut().unwrap() {
        if entry["id"].as_str() == Some(REGISTER) {
            let live: toml::Table = "method = \"live_query\"".parse().unwrap();
            entry["insight"] = live.into();
        }
    }
    fs::write(path, catalogue.to_string()).unwrap();
    let fleet = prepared.start().await;
    let caller = fleet.caller().await;

    let question = question(&fleet.world, 0, Role::Oneself, None);
    let told = caller.insight(&question).await.unwrap();
    let mut shown = rows(at(&told, REGISTER));
    shown.sort();
    assert_eq!(shown, [["2024-02-01", "3"], ["2025-03-04", ""]]);
    server
        .run("UPDATE undersokelser SET funn = 4 WHERE dato = '2024-02-01'")
        .await;
    let told = caller.insight(&question).await.unwrap();
    assert!(rows(at(&told, REGISTER)).contains(&vec!["2024-02-01".to_owned(), "4".to_owned()]));

    server.run("GRANT UPDATE ON undersokelser TO innsyn").await;
    let told = caller.insight(&question).await.unwrap();
    let not = at(&told, REGISTER).not_told.unwrap();
    assert_eq!(
        (not.outcome(), not.reason()),
        (Outcome::NoAnswer, Reason::SourceUnavailable)
    );
    let log = fleet.agent_log(REGISTER);
    assert!(log.contains("undersokelser"), "the operator is told why");
    assert!(!log.contains(&kari));
}
