//! How a citizen gets to see what a register holds: live, by a dialog, or by a link; one register of
//! each, over real processes.

use std::fs;
use std::path::PathBuf;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::types::v1::{InsightMethod, Outcome};
use innsyn_sim::caller::Question;
use innsyn_sim::country::Role;
use innsyn_sim::registers::folder;
use innsyn_sim::sts::Mandate;
use innsyn_sim::world::World;
use rand::rngs::StdRng;
use reqwest::StatusCode;
use serde_json::json;

#[cfg(feature = "external")]
mod database;

use super::dialogs::{Citizen, clerk_says};
use super::federation::spec_of_today;
use super::fleet::{Fleet, Prepared};

const LIVE: &str = "npr";
const DIALOG: &str = "kreft";
const LINK: &str = "mfr";
const LINKED: &str = "https://mfr.example/innsyn";
/// A table of the register's own, in its folder.
const TABLE: &str = "opphold.csv";
const SECTION: &str = r#"
[insight]
[[insight.table]]
title = "Opphold"
title_en = "Stays"
about = "Når du har vært på sykehus."
about_en = "When you have been in hospital."
files = ["opphold.csv"]
id_column = "fnr"
[[insight.table.column]]
name = "inn"
label = "Innlagt"
label_en = "Admitted"
about = "Dagen du ble lagt inn."
about_en = "The day on which you were admitted."
[[insight.table.column]]
name = "enhet"
label = "Sykehus"
label_en = "Hospital"
about = "Hvor du var."
about_en = "Where you were."
"#;

fn table(world: &World) -> PathBuf {
    folder::of_register(&world.folder.join("country"), LIVE).join(TABLE)
}

fn id_of(world: &World, number: u32) -> String {
    let person = world.country.person(number).unwrap();
    person.id.expose_str().to_owned()
}

/// One register of each method; the others are in the catalogue.
async fn fleet() -> Fleet {
    let chosen = |id: &str, _| [LIVE, DIALOG, LINK].contains(&id);
    let prepared = Prepared::choosing(&spec_of_today(600, 3), chosen);
    let world = &prepared.world;
    let path = world.folder.join("country/catalogue.toml");
    let mut catalogue: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    for entry in catalogue["register"].as_array_mut().unwrap() {
        let insight = match entry["id"].as_str().unwrap() {
            LIVE => "method = \"live_query\"".to_owned(),
            DIALOG => "method = \"dialog\"".to_owned(),
            LINK => format!("method = \"link\"\nlink = \"{LINKED}\""),
            _ => continue,
        };
        entry["insight"] = insight.parse::<toml::Table>().unwrap().into();
    }
    fs::write(path, catalogue.to_string()).unwrap();
    let (kari, ola) = (id_of(world, 0), id_of(world, 1));
    let rows = format!(
        "fnr,inn,hemmelig,enhet\n{kari},2024-02-01,x,OUS\n{ola},2023-01-01,y,UNN\n\
         {kari},2025-03-04,z,St. Olavs\n"
    );
    fs::write(table(world), rows).unwrap();
    let config = world.agent_config(LIVE);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text + SECTION).unwrap();
    prepared.start().await
}

fn question(world: &World, number: u32, role: Role, mandate: Option<Mandate>) -> Question {
    let now = SystemClock.now();
    let asking = world.country.asking(number, role, mandate, now).unwrap();
    let mut random: StdRng = rand::make_rng();
    world.question(&asking, now, &mut random).unwrap()
}

fn at<'a>(told: &'a wire::GetInsightResponse, register: &str) -> &'a wire::RegisterInsight {
    let mut registers = told.registers.iter();
    registers.find(|it| it.register_id == register).unwrap()
}

fn rows(told: &wire::RegisterInsight) -> Vec<Vec<String>> {
    let rows = told.tables.iter().flat_map(|table| &table.rows);
    rows.map(|row| row.values.clone()).collect()
}

#[tokio::test]
async fn area_1_insight_by_live_query() {
    let mut fleet = fleet().await;
    let world = std::sync::Arc::clone(&fleet.world);
    let caller = fleet.caller().await;
    let [kari, ola] = [0, 1].map(|number| question(&world, number, Role::Oneself, None));
    let told = caller.insight(&kari).await.unwrap();
    let registers = world.country.registers.iter().count();
    assert_eq!(told.registers.len(), registers, "every register");
    let npr = at(&told, LIVE);
    assert_eq!(npr.method(), InsightMethod::LiveQuery);
    assert_eq!(
        rows(npr),
        [["2024-02-01", "OUS"], ["2025-03-04", "St. Olavs"]]
    );
    let [shown] = npr.tables.as_slice() else {
        panic!("one table");
    };
    assert_eq!(
        (
            &*shown.title,
            &*shown.columns[0].label,
            &*shown.columns[0].about
        ),
        ("Opphold", "Innlagt", "Dagen du ble lagt inn.")
    );
    assert_eq!(npr.use_log_leaf.len(), 32);
    // The others are called alike, and tell nothing here.
    for other in [DIALOG, LINK] {
        assert!(at(&told, other).tables.is_empty());
    }
    assert_eq!(
        rows(at(&caller.insight(&ola).await.unwrap(), LIVE)).len(),
        1
    );

    // It is what the register has now.
    let file = fs::read_to_string(table(&world)).unwrap();
    fs::write(table(&world), file.replace("OUS", "Ahus")).unwrap();
    let told = caller.insight(&kari).await.unwrap();
    assert_eq!(rows(at(&told, LIVE))[0][1], "Ahus");

    // Every look is in the log of use, at every register.
    let uses = caller.uses(&kari, Vec::new()).await.unwrap();
    for register in [LIVE, DIALOG, LINK] {
        let mut registers = uses.registers.iter();
        let here = registers.find(|it| it.register_id == register).unwrap();
        let looks = here.uses.iter();
        let looks = looks.filter(|it| it.kind() == wire::UseKind::Insight);
        assert_eq!(looks.count(), 2, "{register}");
    }

    // A power of attorney for another register does not reach.
    let now = SystemClock.now();
    let day = std::time::Duration::from_hours(24);
    let elsewhere = Mandate {
        areas: vec![format!("insight/register/{DIALOG}")],
        from: now.minus(day),
        until: now.plus(day),
    };
    let proxy = question(&world, 0, Role::Poa, Some(elsewhere));
    let told = caller.insight(&proxy).await.unwrap();
    let withheld = at(&told, LIVE).not_told.unwrap();
    assert_eq!(withheld.outcome(), Outcome::Withheld);
    assert!(at(&told, LIVE).tables.is_empty());
    // Nor does a token about oneself reach to others.
    let others = Question {
        national_id: ola.national_id.clone(),
        ..kari.clone()
    };
    caller.insight(&others).await.unwrap_err();

    fleet.kill(LIVE).await;
    let told = caller.insight(&kari).await.unwrap();
    let silent = at(&told, LIVE).not_told.unwrap();
    assert_eq!(silent.outcome(), Outcome::NoAnswer);
    assert!(!told.complete, "silence is not nothing");
}

#[tokio::test]
async fn area_1_insight_by_dialog() {
    let fleet = fleet().await;
    let caller = fleet.caller().await;
    let kari = Citizen::in_world(&fleet.world, 0);
    let told = caller.insight(&kari.question).await.unwrap();
    assert_eq!(at(&told, DIALOG).method(), InsightMethod::Dialog);

    let asks = json!({
        "registerId": DIALOG, "kind": "INSIGHT",
        "messageId": "0102030405060708090a0b0c0d0e0f10", "text": "Hva har dere om meg?",
    });
    let (status, opened) = kari.post("/v1/cases", asks).await;
    assert_eq!(status, StatusCode::OK, "{opened}");
    let case = opened["case"]["caseId"].as_str().unwrap();
    let text = fleet.world.folder.join("svar.txt");
    let held = fleet.world.folder.join("innsyn.csv");
    fs::write(&text, "Her er det vi har.").unwrap();
    fs::write(&held, "innlagt\n2024-02-01\n").unwrap();
    let (text, held) = (text.to_str().unwrap(), held.to_str().unwrap());
    let args = [
        "answer",
        case,
        "--verdict",
        "accepted",
        "--text",
        text,
        "--attach",
        held,
    ];
    clerk_says(&fleet.world, &args).await;
    let got = json!({ "registerId": DIALOG, "caseId": case, "step": 2 });
    let (status, got) = kari.post("/v1/cases/get", got).await;
    assert_eq!(status, StatusCode::OK, "{got}");
    let answer = &got["steps"][0];
    assert_eq!(answer["text"], "Her er det vi har.", "{got}");
    assert_eq!(answer["attachments"][0]["name"], "innsyn.csv", "{got}");
}

#[tokio::test]
async fn area_1_insight_by_link() {
    let fleet = fleet().await;
    let caller = fleet.caller().await;
    let kari = Citizen::in_world(&fleet.world, 0);
    let told = caller.insight(&kari.question).await.unwrap();
    let mfr = at(&told, LINK);
    assert_eq!((mfr.method(), &*mfr.link), (InsightMethod::Link, LINKED));

    // The listing and the catalogue tell it too, and so does the JSON of all three.
    let mut linked = Vec::new();
    let with_catalogue = Question {
        omit_catalogue: false,
        ..kari.question.clone()
    };
    let each = |it: &wire::Registration| {
        if let Some(register) = it.register.as_ref().filter(|it| it.id == LINK) {
            linked.push((register.insight_method(), register.insight_link.clone()));
        }
    };
    caller.list(&with_catalogue, each).await.unwrap();
    assert_eq!(linked, [(InsightMethod::Link, LINKED.to_owned())]);
    let (status, told) = kari.post("/v1/insight", json!({})).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let (_, listed) = kari.post("/v1/registrations", json!({})).await;
    let mut registers = told["registers"].as_array().unwrap().iter();
    let here = registers.find(|it| it["registerId"] == LINK).unwrap();
    assert_eq!(
        (&here["method"], &here["link"]),
        (&json!("LINK"), &json!(LINKED))
    );
    let mut listed = listed["registrations"].as_array().unwrap().iter();
    let here = listed.find(|it| it["registerId"] == LINK).unwrap();
    assert_eq!(here["register"]["insightLink"], LINKED);
}
