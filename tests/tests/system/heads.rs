//! A gateway keeps the heads of the registers' logs, and an older copy of a log is found by them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use innsyn_sim::country::Role;

use super::federation::{Federation, Prepared, head_of, list, program, spec_of_today, until};

const REGISTERS: [&str; 2] = ["kreft", "npr"];

#[tokio::test]
async fn promise_4_an_older_copy_of_a_log_is_found_by_the_head_that_a_gateway_kept() {
    let prepared = Prepared::new(&spec_of_today(2_000, 1));
    // One agent has not been told with which key the gateway countersigns.
    let config = prepared.world.agent_folder("kreft").join("agent.toml");
    edit(&config, &config, |line| !line.starts_with("head_key"));
    let federation = prepared.start(&REGISTERS).await;
    let caller = federation.caller().await;
    let question = federation.question(0, Role::Oneself);

    list(&caller, &question).await.unwrap();
    kept(&federation, 1).await;
    let older: Vec<PathBuf> = REGISTERS.map(|register| copy(&federation, register)).into();
    list(&caller, &question).await.unwrap();
    kept(&federation, 2).await;

    for (register, older) in REGISTERS.iter().zip(older) {
        let folder = federation.world.agent_folder(register);
        let head = folder.join("kept-head");
        fs::write(&head, head_of(&federation, register).stdout).unwrap();

        let now = verify(&folder.join("agent.toml"), &head);
        assert!(now.status.success(), "{register}: {now:?}");
        let then = verify(&older, &head);
        let said = String::from_utf8(then.stdout).unwrap();
        assert!(!then.status.success(), "{register}: {said}");
        assert!(said.contains("does not hold"), "{register}: {said}");
        assert!(said.contains("given head"), "{register}: {said}");
    }
}

/// Waits until the gateway has kept heads of `entries` entries.
async fn kept(federation: &Federation, entries: u64) {
    let size = entries.to_string();
    for register in REGISTERS {
        until("the gateway kept the head", async || {
            let note = head_of(federation, register).stdout;
            String::from_utf8(note).unwrap().lines().nth(1) == Some(size.as_str())
        })
        .await;
    }
}

fn verify(config: &Path, head: &Path) -> Output {
    Command::new(program())
        .args(["agent", "uselog", "verify", "--config"])
        .arg(config)
        .arg("--head")
        .arg(head)
        .output()
        .unwrap()
}

/// Copies a register's log aside; returns a configuration that reads the copy.
fn copy(federation: &Federation, register: &str) -> PathBuf {
    let folder = federation.world.agent_folder(register);
    let older = folder.join("older-log");
    fs::create_dir(&older).unwrap();
    for file in fs::read_dir(folder.join("log")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), older.join(file.file_name())).unwrap();
    }
    let config = folder.join("older.toml");
    fs::copy(folder.join("agent.toml"), &config).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("folder = \"log\"", "folder = \"older-log\""),
    )
    .unwrap();
    config
}

/// Writes those lines of `from` to `to` that `stays` lets stay.
fn edit(from: &Path, to: &Path, stays: impl Fn(&str) -> bool) {
    let text = fs::read_to_string(from).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| stays(line)).collect();
    fs::write(to, lines.join("\n")).unwrap();
}
