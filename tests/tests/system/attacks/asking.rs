//! How a researcher sends statements, and what comes back: over gRPC, and over Flight SQL as ADBC
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use innsyn_proto::wire::research::v1 as wire;
use wire::run_request::Question as Asked;
use wire::run_response::Message;

use super::country::Attacked;
use crate::system::research::told;

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Grpc,
    #[cfg(feature = "external")]
    FlightSql,
}

impl Way {
    pub(super) const ALL: &[Self] = &[
        Self::Grpc,
        #[cfg(feature = "external")]
        Self::FlightSql,
    ];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Grpc => "gRPC",
            #[cfg(feature = "external")]
            Self::FlightSql => "Flight SQL",
        })
    }
}

/// A statement, under a permit.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    /// As its issuer signed it.
    pub(super) permit: &'a str,
    /// How long registers may take; 0 is the usual.
    pub(super) deadline_ms: u32,
    pub(super) must_be_complete: bool,
}

/// A table, with all that is said beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// By what it is called; without the query's name and the time, which no two queries share.
    pub(super) beside: BTreeMap<String, String>,
    /// The registers' receipts, of which only gRPC tells.
    pub(super) receipts: Vec<String>,
}

/// What whoever sends a statement is told: a table, or why there is none.
pub(super) type Told = Result<Answer, String>;

/// Counts of persons by what a table is divided by.
pub(super) type Counts = BTreeMap<Vec<String>, u64>;

/// The counts that are shown, in the column after `dimensions`; none where the overlap audit has
/// refused the table. What is refused for another reason, the audit would not have had to stop.
pub(super) fn counts(told: &Told, dimensions: usize) -> Option<Counts> {
    let answer = match told {
        Ok(answer) => answer,
        Err(refused) => {
            assert!(refused.contains("this table is not available"), "{refused}");
            return None;
        }
    };
    let rows = answer.rows.iter().filter_map(|row| {
        let count = row[dimensions].parse().ok()?;
        Some((row[..dimensions].to_vec(), count))
    });
    Some(rows.collect())
}

/// Sends it to the gateway as a researcher's program does.
pub(super) async fn over_grpc(attacked: &Attacked, statement: &Statement<'_>) -> Told {
    let researcher = attacked.researcher.clone();
    let researcher = researcher.with_permit(statement.permit.to_owned());
    let request = wire::RunRequest {
        deadline_ms: statement.deadline_ms,
        must_be_complete: statement.must_be_complete,
        ..researcher.asks(Asked::Sql(statement.sql.to_owned()))
    };
    let mut progress = BTreeSet::new();
    let table = researcher.run(request, |update| {
        if let Message::Progress(one) = update {
            progress.insert(format!("{} {:?}", one.register_id, one.state()));
        }
    });
    let table = table.await;
    let table = table.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?;
    let registers = table.registers.iter();
    let registers = registers.map(|one| format!("{} {:?}", one.register_id, one.state()));
    let beside = [
        ("registers", registers.collect::<Vec<_>>().join(", ")),
        ("progress", Vec::from_iter(progress).join(", ")),
        (
            "counts_registrations",
            table.counts_registrations.to_string(),
        ),
        ("smallest_cell", table.smallest_cell.to_string()),
        ("rounding_base", table.rounding_base.to_string()),
    ];
    let rows = table.rows.iter();
    let columns = table.columns.into_iter().map(|column| column.name);
    Ok(Answer {
        columns: columns.collect(),
        rows: rows
            .map(|row| row.values.iter().map(told).collect())
            .collect(),
        beside: beside.map(|(name, value)| (name.to_owned(), value)).into(),
        receipts: table.receipts.into_iter().map(|one| one.text).collect(),
    })
}

/// A researcher's Python, which sends statements with ADBC.
#[cfg(feature = "external")]
pub(super) struct Adbc {
    _python: tokio::process::Child,
    asked: tokio::process::ChildStdin,
    told: tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
}

#[cfg(feature = "external")]
impl Adbc {
    /// Starts it with a token of the world's researcher.
    pub(super) fn start(world: &innsyn_sim::world::World) -> Self {
        use std::path::Path;
        use std::process::Stdio;

        use innsyn_policy::Clock as _;
        use innsyn_proto::clock::SystemClock;
        use tokio::io::AsyncBufReadExt as _;

        let token = world.researcher_token(SystemClock.now(), &mut rand::rng());
        let token_file = world.folder.join("token");
        std::fs::write(&token_file, token.unwrap()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut python = tokio::process::Command::new(root.join(".venv/bin/python"))
            .arg(root.join("tests/clients/attacks.py"))
            .arg("--uri")
            .arg(format!("grpc://{}", world.research_gateway().unwrap()))
            .arg("--token-file")
            .arg(token_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let told = tokio::io::BufReader::new(python.stdout.take().unwrap());
        Self {
            asked: python.stdin.take().unwrap(),
            told: told.lines(),
            _python: python,
        }
    }

    /// Sends it and waits for what comes back.
    pub(super) async fn told(&mut self, statement: &Statement<'_>) -> Told {
        use serde_json::{Value, from_value, json};
        use tokio::io::AsyncWriteExt as _;

        let asked = json!({
            "sql": statement.sql,
            "data_permit": statement.permit,
            "deadline_ms": statement.deadline_ms,
            "must_be_complete": statement.must_be_complete,
        });
        let line = format!("{asked}\n");
        self.asked.write_all(line.as_bytes()).await.unwrap();
        let line = self.told.next_line().await.unwrap();
        let told: Value = serde_json::from_str(&line.expect("Python has ended")).unwrap();
        if let Some(refused) = told.get("refused") {
            return Err(refused.as_str().unwrap().to_owned());
        }
        let mut beside: BTreeMap<String, String> = from_value(told["metadata"].clone()).unwrap();
        for of_the_query in ["innsyn.query_name", "innsyn.released_at"] {
            beside.remove(of_the_query);
        }
        Ok(Answer {
            columns: from_value(told["columns"].clone()).unwrap(),
            rows: from_value(told["rows"].clone()).unwrap(),
            beside,
            receipts: Vec::new(),
        })
    }
}
