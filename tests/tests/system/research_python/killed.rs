//! Promise 8 as a researcher in Python meets it: the gateway is killed during a run and started
//! again. Both clients say so in plain words, ask again over the same connection, and get the one
//! table that there is.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::super::fleet::Prepared;
use super::super::research::{persons_by_sex, run, spec};
use super::super::research_crash::ledger;
use super::{Talk, root, rows, session};

/// What gRPC calls a connection that ends, which is no word for a researcher.
const SOCKETS: [&str; 5] = ["ocket", "tream", "h2", "refused", "pipe"];

async fn line(talk: &mut Talk) -> String {
    talk.lines.next_line().await.unwrap().unwrap()
}

/// An error's class is `class`, and its text says where, what about charges, and what to do.
fn is_plain(told: &Value, class: &str, target: &str) {
    assert_eq!(told[0], class, "{told}");
    let text = told[1].as_str().unwrap();
    let (plain, grpc) = text.split_once(" (").unwrap();
    assert!(!grpc.is_empty());
    for word in [target, "again in a moment", "charged twice"] {
        assert!(plain.contains(word), "{word}: {text}");
    }
    for word in SOCKETS {
        assert!(!plain.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn promise_8_the_package_says_that_the_gateway_died_and_gets_one_table_when_it_asks_again() {
    let mut fleet = Prepared::new(&spec(600, 8), 4).start().await;
    fleet.researcher().await;
    let asked: Vec<String> = fleet.publishing().map(str::to_owned).collect();
    let target = fleet.world.research_gateway().unwrap().to_string();
    fleet.signal(&asked[0], Signal::STOP);
    let python = root().join(".venv/bin/python");
    let mut talks: Vec<Talk> = ["killed", "killed-asynchronous"]
        .map(|act| Talk::begin(&mut session(&python, &fleet, act)))
        .into();
    for talk in &mut talks {
        assert_eq!(line(talk).await, "one is missing");
    }
    fleet.kill_research_gateway().await;
    for talk in &mut talks {
        assert_eq!(line(talk).await, "away");
    }
    let (releases, charged) = ledger(&fleet).await;
    assert!(releases.is_empty() && charged.is_empty());

    fleet.signal(&asked[0], Signal::CONT);
    fleet.restart_research_gateway();
    let researcher = fleet.researcher().await;
    let mut told = Vec::new();
    for mut talk in talks {
        talk.stdin.write_all(b"\n").await.unwrap();
        let ended: Value = serde_json::from_str(&line(&mut talk).await).unwrap();
        is_plain(&ended["told"][0], "BrokeOff", &target);
        is_plain(&ended["told"][1], "Unreachable", &target);
        assert_eq!(ended["told"].as_array().unwrap().len(), 2);
        assert!(talk.python.wait().await.unwrap().success());
        told.push(ended);
    }

    assert_eq!(told[0]["is_earlier"], false);
    assert_eq!(told[1]["is_earlier"], true);
    let table = run(&researcher, persons_by_sex(&[])).await;
    assert!(table.is_earlier && !table.rows.is_empty());
    assert_eq!([&told[0]["rows"], &told[1]["rows"]], [&rows(&table); 2]);
    let (releases, charged) = ledger(&fleet).await;
    assert_eq!(releases.len(), 1);
    assert_eq!(
        json!(charged),
        asked
            .iter()
            .map(|one| (one.clone(), json!(1)))
            .collect::<Value>()
    );
}
