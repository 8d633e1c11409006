//! A register's steward, with the agent's own command: a query is held until it is approved, a no
//! and the kill switch hold at once, and the researcher who waits sees it.

use std::fs;
use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::head::{HeadKey, HeadSigner};
use innsyn_proto::receipt::Receipt;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::World;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic_types::StatusExt as _;
use wire::RegisterState as State;
use wire::run_request::Question as Asked;
use wire::run_response::Message;

use super::fleet::{Fleet, LONG, Prepared};
use super::research::{persons_by_sex, run, spec, states};

/// The register whose steward asks, and one whose steward allows.
const ASKS: &str = "kreft";
const ALLOWS: &str = "npr";
const ASK: &str = "[[rule]]\ndecision = \"ask\"\n";
const ALLOW: &str = "[[rule]]\ndecision = \"allow\"\n";
/// How soon something is that is at once: far less than the run may take.
const AT_ONCE: Duration = Duration::from_secs(30);
const RUN_MS: u32 = 120_000;

async fn fleet() -> Fleet {
    let chosen = |id: &str, _| id == ASKS || id == ALLOWS;
    let prepared = Prepared::choosing(&spec(3_000, 12), chosen);
    rules(&prepared.world, ASK);
    prepared.start().await
}

/// The standing rules of the steward who asks.
fn rules(world: &World, rules: &str) {
    let folder = world.agent_folder(ASKS).join("research");
    fs::write(folder.join("steward.new"), rules).unwrap();
    fs::rename(folder.join("steward.new"), folder.join("steward.toml")).unwrap();
}

/// What the steward's command prints.
async fn steward(world: &World, args: &[&str]) -> String {
    let command = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", "steward"])
        .args(args)
        .arg("--config")
        .arg(world.agent_config(ASKS))
        .output();
    let ended = command.await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{errors}");
    said
}

/// The only query that waits.
async fn waiting(world: &World) -> Value {
    let listed = steward(world, &["list", "--json"]).await;
    let Value::Array(mut listed) = serde_json::from_str(&listed).unwrap() else {
        panic!("a list");
    };
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0)
}

async fn decides(world: &World, decision: &str) {
    let name = waiting(world).await["name"].as_str().unwrap().to_owned();
    let reason = ["--reason", "asked the board"];
    let said = steward(world, &[&[decision, &name][..], &reason].concat()).await;
    assert!(said.contains("asked the board"), "{said}");
}

/// A run under way, and what the researcher sees of it.
struct Running {
    table: JoinHandle<Result<wire::ReleasedTable, tonic::Status>>,
    updates: mpsc::UnboundedReceiver<(String, State)>,
}

impl Running {
    fn start(researcher: &Researcher, query: wire::Query) -> Self {
        let request = wire::RunRequest {
            deadline_ms: RUN_MS,
            ..researcher.asks(Asked::Query(query))
        };
        let researcher = researcher.clone();
        let (told, updates) = mpsc::unbounded_channel();
        let table = tokio::spawn(async move {
            let each = |update: &Message| {
                if let Message::Progress(one) = update {
                    let _ = told.send((one.register_id.clone(), one.state()));
                }
            };
            researcher.run(request, each).await
        });
        Self { table, updates }
    }

    /// The researcher sees that the steward's register holds the query.
    async fn is_held(&mut self) {
        let held = (ASKS.to_owned(), State::Held);
        while timeout(LONG, self.updates.recv()).await.unwrap().unwrap() != held {}
    }

    /// The table, which must be there at once.
    async fn table(self) -> wire::ReleasedTable {
        let table = timeout(AT_ONCE, self.table).await;
        table.expect("at once").unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_query_is_held_until_the_steward_approves_it_and_is_answered_at_once_from_then_on() {
    let mut fleet = fleet().await;
    let permit_text = fleet.world.data_permit(SystemClock.now()).unwrap();
    let researcher = fleet.researcher().await.with_permit(permit_text.clone());
    let world = &fleet.world;
    let mut running = Running::start(&researcher, persons_by_sex(&[]));
    running.is_held().await;
    let query = waiting(world).await;
    let permit = format!("{}/demo-1", world.permits.name());
    assert_eq!(query["permit"], *permit);
    assert!(
        query["words_nb"].as_str().unwrap().contains("alle"),
        "{query}"
    );
    let told = steward(world, &["list"]).await;
    assert!(
        told.contains("1 query waits") && told.contains(&permit),
        "{told}"
    );
    let researchers_id = world.researcher().unwrap().id;
    assert!(!told.contains(researchers_id.expose_str()));
    assert!(!query.to_string().contains(researchers_id.expose_str()));

    decides(world, "approve").await;
    let table = running.table().await;
    assert_eq!(states(&table)[ASKS], State::Answered);
    assert_eq!(states(&table)[ALLOWS], State::Answered);
    let receipts: Vec<Receipt> = table
        .receipts
        .iter()
        .map(|receipt| Receipt::read_unchecked(&receipt.text).unwrap())
        .collect();
    assert_eq!(receipts.len(), 2);
    for receipt in &receipts {
        let asked = receipt.register.as_str() == ASKS;
        assert_eq!(receipt.steward.approved, asked);
        assert_eq!(receipt.steward.rule, 1);
    }
    assert!(table.receipts.iter().all(|it| !it.is_signature_checked));

    // What is approved stays so, also for an agent and a gateway that were started anew; and the
    // gateway knows the agent's key now.
    let secret = fs::read_to_string(world.agent_folder(ASKS).join("log-signing.key")).unwrap();
    let key = HeadSigner::parse(&secret).unwrap().public_text().to_owned();
    let config = fs::read_to_string(world.research_gateway_config()).unwrap();
    let section = "[research_gateway]\n";
    let keys = format!("{section}log_keys = {{ {ASKS} = \"{key}\" }}\n");
    fs::write(
        world.research_gateway_config(),
        config.replace(section, &keys),
    )
    .unwrap();
    fleet.kill(ASKS).await;
    fleet.restart(ASKS);
    fleet.kill_research_gateway().await;
    fleet.restart_research_gateway();
    let researcher = fleet.researcher().await.with_permit(permit_text);
    let table = Running::start(&researcher, persons_by_sex(&[]))
        .table()
        .await;
    assert_eq!(states(&table)[ASKS], State::Answered);
    rules(&fleet.world, ALLOW);
    let in_all = wire::Query {
        dimensions: Vec::new(),
        ..persons_by_sex(&[])
    };
    let table = run(&researcher, in_all).await;
    assert_eq!(table.receipts.len(), 2);
    for receipt in &table.receipts {
        assert_eq!(receipt.is_signature_checked, receipt.register_id == ASKS);
        if receipt.is_signature_checked {
            let key = HeadKey::parse(&key).unwrap();
            let read = Receipt::read(&receipt.text, &key).unwrap();
            assert_eq!(read.query.as_bytes()[..], table.query_name);
            assert_eq!(
                u64::from(read.smallest_cell),
                u64::from(table.smallest_cell)
            );
        }
    }
}

#[tokio::test]
async fn a_query_whose_time_passes_is_told_to_be_held_and_may_come_back() {
    let fleet = fleet().await;
    let researcher = fleet.researcher().await;
    let soon = |registers: &[&str], must_be_complete| wire::RunRequest {
        deadline_ms: 1_500,
        must_be_complete,
        ..researcher.asks(Asked::Query(persons_by_sex(registers)))
    };
    let table = researcher.run(soon(&[], false), |_| ()).await.unwrap();
    assert_eq!(states(&table)[ASKS], State::Held);
    assert_eq!(states(&table)[ALLOWS], State::Answered);
    let refused = researcher.run(soon(&[], true), |_| ()).await.unwrap_err();
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "HELD_BY_STEWARD");
    assert!(refused.message().contains(ASKS), "{refused}");
    // It has nothing to do with the researcher's connection: it waits on, once.
    decides(&fleet.world, "approve").await;
    let table = researcher.run(soon(&[], true), |_| ()).await.unwrap();
    assert_eq!(states(&table)[ASKS], State::Answered);
    assert!(!table.is_earlier);
}

#[tokio::test]
async fn a_no_holds_at_once_and_when_the_query_comes_again() {
    let fleet = fleet().await;
    let researcher = fleet.researcher().await;
    let world = &fleet.world;
    let mut running = Running::start(&researcher, persons_by_sex(&[]));
    running.is_held().await;
    decides(world, "deny").await;
    assert_eq!(states(&running.table().await)[ASKS], State::Refused);
    // The same again is refused without waiting.
    let table = Running::start(&researcher, persons_by_sex(&[]))
        .table()
        .await;
    assert_eq!(states(&table)[ASKS], State::Refused);
}

#[tokio::test]
async fn the_kill_switch_ends_what_waits_and_what_comes_until_it_is_taken_back() {
    let fleet = fleet().await;
    let researcher = fleet.researcher().await;
    let world = &fleet.world;
    let mut running = Running::start(&researcher, persons_by_sex(&[]));
    running.is_held().await;
    let said = steward(world, &["stop", "--reason", "a drill"]).await;
    assert!(said.starts_with("stopped"), "{said}");
    assert_eq!(states(&running.table().await)[ASKS], State::Refused);

    rules(world, ALLOW);
    let table = Running::start(&researcher, persons_by_sex(&[]))
        .table()
        .await;
    assert_eq!(states(&table)[ASKS], State::Refused);
    let said = steward(world, &["resume"]).await;
    assert!(said.starts_with("resumed"), "{said}");
    let table = Running::start(&researcher, persons_by_sex(&[]))
        .table()
        .await;
    assert_eq!(states(&table)[ASKS], State::Answered);
}
