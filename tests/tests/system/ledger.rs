//! Promise 8 for releases: a program that records them is killed again and again, and what it
//! said is recorded is there, once.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use innsyn_broker::research::ledger::LedgerConfig;
use innsyn_policy::PermitId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

const LIVES: u32 = 100;

/// A ledger, and what programs that recorded in it have said.
pub(super) struct Recording {
    section: Value,
    file: PathBuf,
    said: BTreeSet<u32>,
    _folder: TempDir,
}

impl Recording {
    /// Into the ledger that a configuration's `section` names.
    pub(super) fn into(section: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.json");
        std::fs::write(&file, section.to_string()).unwrap();
        Self {
            section,
            file,
            said: BTreeSet::new(),
            _folder: folder,
        }
    }

    /// Starts a program that records from what was said last, which it may or may not have to
    /// record again.
    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
            .args(["record-releases", "--from"])
            .arg(self.said.last().unwrap_or(&0).to_string())
            .arg("--ledger")
            .arg(&self.file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Lets a program say a few, does `harm` while it goes on, and hears it to its end.
    pub(super) async fn live(&mut self, few: usize, harm: impl AsyncFnOnce(&mut Child)) {
        let mut program = self.start();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        for _ in 0..few {
            let line = lines.next_line().await.unwrap();
            self.said.insert(line.expect("it records").parse().unwrap());
        }
        harm(&mut program).await;
        // A line that was not finished was not said.
        while let Some(line) = lines.next_line().await.unwrap() {
            self.said.insert(line.parse().unwrap());
        }
        program.wait().await.unwrap();
    }

    /// All that was said is in the ledger, once, and nothing else but what was under way.
    pub(super) async fn is_right(&self, lives: u32) {
        let config: LedgerConfig = serde_json::from_value(self.section.clone()).unwrap();
        let store = config.open().await.unwrap();
        let permit = PermitId::new("recorder", "1").unwrap();
        let releases = store.releases(&permit).await.unwrap();
        let numbers: Vec<u32> = releases
            .iter()
            .map(|release| {
                let query = release.key.query.as_bytes();
                u32::from_be_bytes(*query.first_chunk().unwrap())
            })
            .collect();
        let distinct: BTreeSet<u32> = numbers.iter().copied().collect();
        assert_eq!(distinct.len(), numbers.len(), "one question, one release");
        let lost: Vec<_> = self.said.difference(&distinct).collect();
        assert!(lost.is_empty(), "said to be recorded and lost: {lost:?}");
        let unsaid = distinct.difference(&self.said).count();
        assert!(unsaid <= lives as usize, "{unsaid} were never said");
        for charged in store.answered(&permit).await.unwrap().into_values() {
            assert_eq!(charged as usize, releases.len(), "charged once for each");
        }
    }
}

/// Kills `LIVES` programs that record in the ledger of `section`.
pub(super) async fn survives_kills(section: Value) {
    let mut recording = Recording::into(section);
    for life in 0..LIVES {
        let harm = async |program: &mut Child| {
            // So that it dies at another moment of its work each time.
            sleep(Duration::from_micros(u64::from(life) * 137 % 5_000)).await;
            program.start_kill().unwrap();
        };
        recording.live(2, harm).await;
        if life % 10 == 0 {
            recording.is_right(life + 1).await;
        }
    }
    recording.is_right(LIVES).await;
    println!(
        "killed {LIVES} times: {} releases were said to be recorded, and are",
        recording.said.len()
    );
}

/// A section for a ledger in a file of `folder`.
fn in_a_file(folder: &Path) -> Value {
    json!({ "kind": "sqlite", "file": folder.join("ledger.sqlite") })
}

#[tokio::test]
async fn promise_8_a_program_killed_a_hundred_times_while_it_records_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    survives_kills(in_a_file(folder.path())).await;
}
