//! The Python package as a researcher has it: installed into a fresh environment, asking a real
//! gateway over real agents.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use innsyn_agent::research::steward;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::query::QueryName;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::researcher::Researcher;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;
use tonic::Code;
use wire::run_request::Question as Asked;
use wire::value::Value as Shown;

use super::fleet::{Fleet, Prepared, until};
use super::research::{persons_by_sex, run, spec, states};

mod killed;

/// What the notebook asks about, and a few more.
const REGISTERS: [&str; 6] = ["npr", "nir", "kreft", "dar", "mfr", "rf"];

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A fresh environment in `folder` with the package and what its example notebook needs.
async fn installed(folder: &Path) -> PathBuf {
    let venv = folder.join("venv");
    let mut make = Command::new(root().join(".venv/bin/python"));
    make.args(["-m", "venv"]).arg(&venv);
    succeeded(&mut make).await;
    let python = venv.join("bin/python");
    let package = root().join("clients/python");
    let mut install = Command::new(&python);
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ])
        .arg(format!("{}[notebook,stats]", package.display()))
        .arg("nbclient");
    succeeded(&mut install).await;
    python
}

/// What a command that succeeds writes.
async fn succeeded(command: &mut Command) -> String {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A session of `tests/clients/research.py` with the invented researcher's token and permit.
fn session(python: &Path, fleet: &Fleet, act: &str) -> Command {
    let folder = &fleet.world.folder;
    let now = SystemClock.now();
    let mut random: StdRng = rand::make_rng();
    let token = fleet.world.researcher_token(now, &mut random).unwrap();
    let permit = fleet.world.data_permit(now).unwrap();
    let (token_file, permit_file) = (folder.join("token"), folder.join("permit"));
    fs::write(&token_file, token).unwrap();
    fs::write(&permit_file, permit).unwrap();
    let mut command = Command::new(python);
    command
        .arg(root().join("tests/clients/research.py"))
        .arg(act)
        .arg("--target")
        .arg(fleet.world.research_gateway().unwrap().to_string())
        .arg("--token-file")
        .arg(token_file)
        .arg("--permit-file")
        .arg(permit_file);
    command
}

/// A session that is talked to line by line, of the package as it stands here.
struct Talk {
    python: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
}

impl Talk {
    fn begin(session: &mut Command) -> Self {
        session
            .env("PYTHONPATH", root().join("clients/python/src"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut python = session.spawn().unwrap();
        Self {
            lines: BufReader::new(python.stdout.take().unwrap()).lines(),
            stdin: python.stdin.take().unwrap(),
            python,
        }
    }
}

/// The rows of a table as the package gives them: a value that is missing or hidden is none.
fn rows(table: &wire::ReleasedTable) -> Value {
    let value = |value: &wire::Value| match &value.value {
        None | Some(Shown::Hidden(_)) => Value::Null,
        Some(Shown::Text(text)) => json!(text),
        Some(Shown::Count(count)) => json!(count),
        Some(Shown::Real(real)) => json!(real),
    };
    let rows = table.rows.iter();
    rows.map(|row| row.values.iter().map(value).collect::<Value>())
        .collect()
}

/// What the gateway says to the same question in SQL: the rows, or the reason why not.
async fn in_sql(researcher: &Researcher) -> Value {
    let question = "SELECT sex, persons() FROM persons GROUP BY sex".to_owned();
    let request = researcher.asks(Asked::Sql(question));
    match researcher.run(request, |_| ()).await {
        Ok(table) => rows(&table),
        Err(status) => {
            assert_eq!(status.code(), Code::Unimplemented, "{status}");
            json!("SQL_REFUSED")
        }
    }
}

#[tokio::test]
async fn the_package_asks_in_every_way_and_is_told_what_rust_is_told() {
    let fleet = Prepared::choosing(&spec(4_000, 6), |id, _| REGISTERS.contains(&id))
        .start()
        .await;
    let researcher = fleet.researcher().await;
    let table = run(&researcher, persons_by_sex(&[])).await;
    let sql = in_sql(&researcher).await;
    let python = installed(&fleet.world.folder).await;

    let told = succeeded(&mut session(&python, &fleet, "session")).await;
    let told: Value = serde_json::from_str(&told).unwrap();

    let publishing: Vec<&str> = fleet.publishing().collect();
    let mut asked = told["views"]["persons"].clone();
    asked.as_array_mut().unwrap().sort_by_key(Value::to_string);
    let mut expected: Vec<&str> = publishing.clone();
    expected.sort_unstable();
    assert_eq!(asked, json!(expected));
    assert_eq!(told["views"]["cancers"], json!(["kreft"]));
    assert_eq!(told["shown"], true);
    // The package makes the normal form itself and comes to the gateway's name.
    assert_eq!(told["names"][0], told["names"][1]);
    let name = QueryName::from_bytes(table.query_name.clone().try_into().unwrap());
    assert_eq!(told["names"][0], json!(name.to_string()));
    assert_ne!(told["words"][0], told["words"][1]);

    assert!(!table.rows.is_empty());
    assert_eq!(told["rows"], rows(&table));
    assert_eq!(told["asynchronous"], rows(&table));
    assert_eq!(told["sql"], sql);
    for (register, state) in states(&table) {
        assert_eq!(state, wire::RegisterState::Answered);
        assert_eq!(told["coverage"][&register], "answered");
        assert_eq!(told["progress"][&register], "answered");
    }
    assert_eq!(told["frame"]["asked"], publishing.len());
    assert_eq!(told["frame"]["rows"], table.rows.len());
    assert_eq!(
        told["frame"]["columns"],
        json!([
            "sex",
            "registrations",
            "registrations_hidden",
            "_registers_asked",
            "_registers_answered"
        ])
    );
    assert_eq!(
        told["refusals"],
        json!([
            ["QueryError", "QUERY_REFUSED"],
            ["NotLoggedIn", "TOKEN_REFUSED"],
            ["PermitRefused", "DATA_PERMIT_REFUSED"]
        ])
    );
    let ledger = told["ledger"].as_array().unwrap();
    assert!(ledger.contains(&told["names"][0]));
    assert_eq!(
        told["notebook"],
        json!({ "gateway": true, "answered": true, "survival": true })
    );
}

#[tokio::test]
async fn cancelling_in_python_ends_the_run_at_the_gateway_and_the_work_at_the_register() {
    let fleet = Prepared::choosing(&spec(600, 7), |id, _| REGISTERS.contains(&id))
        .start()
        .await;
    fleet.researcher().await;
    let python = root().join(".venv/bin/python");
    // Its steward must be asked, which keeps the run open.
    let asks = fleet.publishing().next().unwrap().to_owned();
    let rules = fleet.world.agent_folder(&asks).join("research");
    fs::write(rules.join(steward::FILE), "[[rule]]\ndecision = \"ask\"\n").unwrap();

    let mut command = session(&python, &fleet, "cancel");
    let Talk {
        mut python,
        mut lines,
        mut stdin,
    } = Talk::begin(&mut command);
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "ready");
    stdin.write_all(b"\n").await.unwrap();
    // Somebody has answered.
    let run_id = lines.next_line().await.unwrap().unwrap();
    assert!(!ended(&fleet, &run_id), "{}", fleet.research_gateway_log());

    until("the register holds the query", async || {
        fleet.agent_log(&asks).contains("query held")
    })
    .await;
    let began = Instant::now();
    stdin.write_all(b"\n").await.unwrap();
    until("the register has ended its work", async || {
        let log = fleet.agent_log(&asks);
        log.lines()
            .any(|line| line.contains("query not counted") && line.contains("cancelled"))
    })
    .await;
    #[expect(clippy::print_stdout, reason = "how long it took is what was asked")]
    {
        println!(
            "cancelled in Python, ended at the register after {:?}",
            began.elapsed()
        );
    }
    until("the gateway has ended the run", async || {
        ended(&fleet, &run_id)
    })
    .await;
    stdin.write_all(b"\n").await.unwrap();
    let told: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(told["was_running"], false);
    assert!(told["views"].as_u64().unwrap() > 0);
    assert!(python.wait().await.unwrap().success());
}

/// Whether the gateway has logged that the run was cancelled.
fn ended(fleet: &Fleet, run_id: &str) -> bool {
    let log = fleet.research_gateway_log();
    log.lines().any(|line| {
        line.contains("run without table") && line.contains("CANCELLED") && line.contains(run_id)
    })
}
