//! A register whose agent reads PostgreSQL: the same listing as from files, renewed in time, and
//! never with a role that may write.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::fs;
use std::process::Output;
use std::time::Duration;

use innsyn_proto::wire::types::v1::Outcome;
use innsyn_sim::world::{World, WorldSpec};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::fleet::{Fleet, LONG, Prepared, list, until};
use super::postgres::server::Server;

/// A register whose people stand in a CSV file, with dates and status.
pub(super) const REGISTER: &str = "gastronet";
/// How often the agent is told to read the table, in seconds.
const REFRESH_S: u64 = 2;
/// What reading it and being asked takes on top.
const READ_WITHIN: Duration = Duration::from_millis(1500);

/// Puts the register's rows, dirty ones included, into a table that the agent's role may read.
pub(super) async fn load(server: &Server, world: &World) {
    let file = world.folder.join("country/registers").join(REGISTER);
    let text = fs::read_to_string(file.join("personer.csv")).unwrap();
    let mut lines = text.lines();
    let columns = lines.next().unwrap();
    assert_eq!(columns, "fnr,registrert,endret,status");
    let field = |text: &str| match text {
        "" => "NULL".to_owned(),
        text => format!("'{}'", text.replace('\'', "''")),
    };
    let rows: Vec<String> = lines
        .map(|line| line.split(',').map(field).collect::<Vec<_>>().join(","))
        .map(|row| format!("({row})"))
        .collect();
    server
        .run(&format!(
            "CREATE TABLE personer (fnr text, registrert date, endret date, status text); \
             INSERT INTO personer VALUES {}; GRANT SELECT ON personer TO innsyn",
            rows.join(",")
        ))
        .await;
}

/// Points the agent at the server instead of its folder.
pub(super) fn configure(server: &Server, world: &World) {
    let path = world.agent_config(REGISTER);
    let mut config: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    let source = format!(
        r#"kind = "postgres"
host = "{host}"
port = {port}
database = "postgres"
user = "innsyn"
tls = "disabled"
refresh_s = {REFRESH_S}

[persons]
table = "personer"
columns = {{ national_id = "fnr", registered_since = "registrert", last_changed = "endret", status = "status" }}
status = {{ registered = ["aktiv"], deleted = ["slettet"] }}
"#,
        host = server.socket_folder().display(),
        port = server.port(),
    );
    let source: toml::Table = source.parse().unwrap();
    config.insert("source".to_owned(), source.into());
    fs::write(&path, config.to_string()).unwrap();
}

async fn agent(world: &World, command: &str) -> Output {
    let ended = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", command, "--config"])
        .arg(world.agent_config(REGISTER))
        .kill_on_drop(true)
        .output();
    timeout(LONG, ended).await.expect("it ends").unwrap()
}

async fn fleet(server: &Server) -> Fleet {
    let world = Prepared::choosing(&WorldSpec::new(2000, 9), |id, position| {
        id == REGISTER || position < 2
    });
    load(server, &world.world).await;
    configure(server, &world.world);
    world.start().await
}

#[tokio::test]
async fn a_register_in_postgresql_answers_as_from_files_and_shows_a_changed_row_in_time() {
    let server = Server::start();
    let fleet = fleet(&server).await;
    let caller = fleet.caller().await;
    let mut registered = None;
    let mut outcomes = [0; 3];
    for citizen in fleet.citizens(400) {
        // The truth is that of the files.
        let listing = fleet.list(&caller, &citizen, None).await;
        assert!(listing.summary.complete, "{:?}", listing.silent());
        match listing.at(REGISTER) {
            Outcome::Registered => {
                outcomes[0] += 1;
                registered.get_or_insert(citizen);
            }
            Outcome::Deleted => outcomes[1] += 1,
            _ => outcomes[2] += 1,
        }
    }
    println!("registered, deleted, not registered: {outcomes:?}");
    let citizen = registered.expect("somebody is in the register");

    // There and back, so that more than one reading is waited for.
    let question = citizen.question(&fleet.world, None);
    let mut slowest = Duration::ZERO;
    for (status, outcome) in [
        ("slettet", Outcome::Deleted),
        ("aktiv", Outcome::Registered),
        ("slettet", Outcome::Deleted),
    ] {
        server
            .run(&format!(
                "UPDATE personer SET status = '{status}' WHERE fnr = '{}'",
                citizen.national_id()
            ))
            .await;
        let changed = Instant::now();
        until("the row's new status", async || {
            let listing = list(&caller, &question).await.unwrap();
            listing.at(REGISTER) == outcome
        })
        .await;
        slowest = slowest.max(changed.elapsed());
    }
    println!("a changed row was seen after at most {slowest:?}");
    assert!(slowest <= Duration::from_secs(REFRESH_S) + READ_WITHIN);
}

#[tokio::test]
async fn an_agent_whose_role_may_write_does_not_start_and_says_why() {
    let server = Server::start();
    let mut fleet = fleet(&server).await;
    let checked = agent(&fleet.world, "check").await;
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    fleet.stop(REGISTER).await;

    server.run("GRANT UPDATE ON personer TO innsyn").await;
    let refused = agent(&fleet.world, "run").await;
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(why.contains("has UPDATE on public.personer"), "{why}");
    let checked = agent(&fleet.world, "check").await;
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("has UPDATE on public.personer"), "{said}");
    assert!(said.contains("REVOKE UPDATE ON"), "{said}");
}
