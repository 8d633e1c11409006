//! Every kind of client is told the same about the same person.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use innsyn_policy::RegisterId;
use innsyn_sim::caller::Question;
use innsyn_sim::country::Role;
use innsyn_sim::world::ids;
use serde_json::{Value, json};
use tokio::process::Command;

use super::federation::{Prepared, Told, list, spec_of_today};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The outcomes in a listing's JSON.
fn told(listing: &Value) -> BTreeMap<String, Told> {
    let registrations = listing["registrations"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let told = registrations.iter().map(|it| {
        let told = Told {
            outcome: text(&it["outcome"]).unwrap(),
            reason: text(&it["reason"]).unwrap_or_default(),
            since: text(&it["registeredSince"]),
            last_changed: text(&it["lastChanged"]),
        };
        (text(&it["registerId"]).unwrap(), told)
    });
    told.collect()
}

/// What a program prints as JSON.
async fn printed(command: &mut Command) -> Value {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The question in files, as the Python clients and `curl` take it.
struct Files<'a> {
    folder: &'a Path,
    gateway: String,
}

impl<'a> Files<'a> {
    fn write(folder: &'a Path, gateway: String, question: &Question) -> Self {
        let authorization = question.authorization.to_str().unwrap();
        let id = &question.national_id;
        let body = json!({ "nationalId": id, "omitCatalogue": true });
        for (file, text) in [
            ("token", authorization.trim_start_matches("Bearer ")),
            ("id", id),
            ("header", &format!("Authorization: {authorization}")),
            ("body", &body.to_string()),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
        Self { folder, gateway }
    }

    async fn python(&self, client: &str, option: &str, gateway: &str) -> Value {
        let mut command = Command::new(root().join(".venv/bin/python"));
        command
            .arg(root().join("clients/python").join(client))
            .args([option, gateway, "--json", "--token-file"])
            .arg(self.folder.join("token"))
            .arg("--national-id-file")
            .arg(self.folder.join("id"));
        printed(&mut command).await
    }

    async fn curl(&self) -> Value {
        let file = |name| format!("@{}", self.folder.join(name).display());
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
            .args(["--header", &file("header"), "--data", &file("body")])
            .args(["--header", "Content-Type: application/json"])
            .arg(format!("http://{}/v1/registrations", self.gateway));
        printed(&mut command).await
    }
}

#[tokio::test]
async fn rust_python_and_curl_are_told_the_same_of_83_registers() {
    let prepared = Prepared::new(&spec_of_today(2_000, 1));
    let live = ids(prepared.world.live());
    let live: Vec<&str> = live.iter().map(RegisterId::as_str).collect();
    let federation = prepared.start(&live).await;
    let question = federation.question(0, Role::Oneself);
    let caller = federation.caller().await;
    let rust = list(&caller, &question).await.unwrap();
    assert_eq!(rust.told.len(), 83);
    assert!(rust.summary.complete);

    let gateway = federation.world.gateway().to_string();
    let files = Files::write(&federation.world.folder, gateway, &question);
    let url = federation.world.gateway_url();
    let clients = [
        (
            "python, gRPC",
            files
                .python("list_registrations.py", "--target", &files.gateway)
                .await,
        ),
        (
            "python, JSON",
            files
                .python("list_registrations_json.py", "--url", &url)
                .await,
        ),
        ("curl", files.curl().await),
    ];
    for (client, listing) in clients {
        assert_eq!(told(&listing), rust.told, "{client}");
        assert_eq!(listing["summary"]["complete"], true, "{client}");
    }
    // Each was a question of its own, and each stands in the log.
    assert_eq!(federation.uses("kreft").await, 4);
}
