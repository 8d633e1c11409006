//! Researchers' own tools, ADBC with Arrow and pandas, against research gateway and agents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1::RegisterState as State;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::federation::LONG;
use super::fleet::Fleet;
use super::research::{persons_by_sex, run, spec, states, told};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The researcher's script, with a token and a permit in files.
fn python(fleet: &Fleet, what: &str) -> Command {
    let folder = &fleet.world.folder;
    let now = SystemClock.now();
    let token = fleet.world.researcher_token(now, &mut rand::rng()).unwrap();
    std::fs::write(folder.join("token"), token).unwrap();
    std::fs::write(folder.join("permit"), fleet.world.data_permit(now).unwrap()).unwrap();
    let mut command = Command::new(root().join(".venv/bin/python"));
    command
        .arg(root().join("tests/clients/flight_sql.py"))
        .arg("--uri")
        .arg(format!(
            "grpc://{}",
            fleet.world.research_gateway().unwrap()
        ))
        .arg("--token-file")
        .arg(folder.join("token"))
        .arg("--permit-file")
        .arg(folder.join("permit"))
        .arg(what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn adbc_and_pandas_browse_ask_and_are_told_who_answered() {
    let mut fleet = Fleet::start(&spec(2_000, 6), 6).await;
    let researcher = fleet.researcher().await;
    let asked: Vec<String> = fleet.publishing().map(str::to_owned).collect();
    let dead = asked[0].clone();
    fleet.kill(&dead).await;

    let output = python(&fleet, "story").output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(story["info"], "Innsyn");
    assert_eq!(story["table_types"], serde_json::json!(["VIEW"]));
    let columns = &story["catalogue"]["innsyn.views.persons"];
    assert_eq!(columns["sex"], "VARCHAR", "{columns}");
    assert_eq!(columns["born_year"], "BIGINT", "{columns}");
    let sex = &story["persons"]["columns"]["sex"];
    assert_eq!(sex["innsyn.label_nb"], "Kjønn", "{sex}");
    assert_eq!(sex["innsyn.label_en"], "Sex");
    assert_eq!(sex["innsyn.code_system"], "administrative-gender");
    assert_eq!(
        story["persons"]["columns"]["born_year"]["innsyn.unit"],
        "year"
    );
    assert_eq!(story["persons"]["table"]["innsyn.grain"], "person");
    assert!(story["catalogue"]["innsyn.views.query_report"].is_object());

    // What Rust is told over gRPC.
    let table = run(&researcher, persons_by_sex(&[])).await;
    let registers = table.registers.len();
    let answered = states(&table).into_values();
    let answered = answered.filter(|state| *state == State::Answered).count();
    let mut expected: Vec<(String, i64)> = table
        .rows
        .iter()
        .map(|row| (told(&row.values[0]), told(&row.values[1]).parse().unwrap()))
        .collect();
    expected.sort_by_key(|(_, count)| -count);
    let asked_by_python = &story["asked"];
    let names = [
        "sex",
        "n",
        "n_hidden",
        "_registers_asked",
        "_registers_answered",
    ];
    assert_eq!(asked_by_python["columns"], serde_json::json!(names));
    let rows: Vec<Value> = expected
        .iter()
        .map(|(sex, count)| serde_json::json!([sex, count, null, registers, answered]))
        .collect();
    for way in [
        &asked_by_python["rows"],
        &asked_by_python["arrow_rows"],
        &story["read_sql"],
        &story["unprepared"]["rows"],
        &story["polled"]["rows"],
    ] {
        assert_eq!(way, &Value::from(rows.clone()), "{story:#}");
    }
    let progress = story["polled"]["progress"].as_array().unwrap();
    assert!(progress.iter().any(|share| *share == 1.0), "{progress:?}");
    let metadata = &asked_by_python["metadata"];
    assert_eq!(metadata["innsyn.registers_asked"], registers.to_string());
    assert_eq!(metadata["innsyn.registers_answered"], answered.to_string());
    let missing = metadata["innsyn.registers_missing"].as_str().unwrap();
    assert!(missing.contains(&format!("{dead}: silent")), "{missing}");
    let report: BTreeMap<String, String> = serde_json::from_value(story["report"].clone()).unwrap();
    assert_eq!(report.len(), registers);
    assert_eq!(report[&dead], "silent");
    assert_eq!(report[&asked[1]], "answered");

    let refused = &story["refused"];
    assert_eq!(refused["reason"], "SQL_REFUSED", "{refused}");
    let text = refused["text"].as_str().unwrap();
    assert!(
        text.contains("line 1, column 8: `*`, which is rows of persons,"),
        "{text}"
    );
    assert_eq!(story["written"]["reason"], "SQL_REFUSED");
    let complete = &story["complete"];
    assert_eq!(complete["reason"], "REGISTERS_MISSING", "{complete}");
    assert!(complete["text"].as_str().unwrap().contains(&dead));
}

/// Waits until the gateway's log has `text`.
async fn logged(fleet: &Fleet, text: &str) {
    let ends = Instant::now() + LONG;
    while !fleet.research_gateway_log().contains(text) {
        assert!(Instant::now() < ends, "{}", fleet.research_gateway_log());
        sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_query_that_python_cancels_ends_at_the_gateway() {
    let fleet = Fleet::start(&spec(300, 7), 3).await;
    fleet.researcher().await;
    let hung = fleet.publishing().next().unwrap().to_owned();
    fleet.signal(&hung, Signal::STOP);

    let mut child = python(&fleet, "cancel").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "asking");
    logged(&fleet, "run began").await;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"now\n").await.unwrap();
    stdin.flush().await.unwrap();

    let ended = lines.next_line().await.unwrap().unwrap();
    let ended: Value = serde_json::from_str(&ended).unwrap();
    assert!(
        ended["text"].as_str().unwrap().contains("CANCELLED"),
        "{ended}"
    );
    logged(&fleet, "CANCELLED").await;
    fleet.signal(&hung, Signal::CONT);
}
