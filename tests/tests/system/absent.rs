//! Dialogs with a register that is absent: what is sent waits, sealed, and is delivered once.

use std::fs;
use std::path::Path;
use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::world::WorldSpec;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::dialogs::{Citizen, REGISTER, clerk_says};
use super::federation::spec_of_today;
use super::fleet::{Fleet, Prepared, until};

const OTHER: &str = "npr";
const TEXT: &str = "Er dere der? Fødselsåret mitt er feil.";
/// A message follows its call by so long, and then some.
const DEPOSITED: Duration = Duration::from_secs(20);

/// Where a message is, as the gateway tells it.
async fn delivery(kari: &Citizen, register: &str, id: &str) -> (StatusCode, Value) {
    let body = json!({ "registerId": register, "messageId": id });
    kari.post("/v1/cases/delivery", body).await
}

async fn is_waiting(kari: &Citizen, id: &str) -> bool {
    let (status, told) = delivery(kari, REGISTER, id).await;
    status == StatusCode::ACCEPTED && told["delivery"] == "WAITING"
}

/// Waits until the agents have heard the gateway, which knows their keys then.
async fn met(fleet: &Fleet, kari: &Citizen, agents: usize) {
    let caller = fleet.caller().await;
    until("the agents are met", async || {
        let listed = caller.settings(&kari.question).await.unwrap();
        listed.registers.iter().filter(|at| at.is_current).count() == agents
    })
    .await;
}

/// That no file below `folder` holds `secret`.
fn hold_no(secret: &str, folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += hold_no(secret, &path);
            continue;
        }
        let content = fs::read(&path).unwrap_or_default();
        let mut windows = content.windows(secret.len());
        let found = windows.any(|part| part == secret.as_bytes());
        assert!(!found, "in {}", path.display());
        files += 1;
    }
    files
}

#[tokio::test]
async fn area_1_dialogs_a_message_to_an_absent_register_is_delivered_once_when_it_is_back() {
    let spec = WorldSpec {
        settings: true,
        ..spec_of_today(600, 6)
    };
    let chosen = |id: &str, _| [REGISTER, OTHER].contains(&id);
    let mut fleet = Prepared::choosing(&spec, chosen).start().await;
    let kari = Citizen::in_world(&fleet.world, 0);
    met(&fleet, &kari, 2).await;
    fleet.kill(REGISTER).await;

    // Received for delivery, once, however often it is sent.
    let id = "0102030405060708090a0b0c0d0e0f10";
    for _ in 0..2 {
        let (status, told) = kari.opens(REGISTER, id, TEXT).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{told}");
        assert_eq!(told["delivery"], "WAITING");
        assert!(
            told["textNb"]
                .as_str()
                .unwrap()
                .contains("venter på registeret")
        );
    }
    let sent = SystemClock.now().as_seconds();
    let (status, told) = kari.opens(REGISTER, id, "Noe annet.").await;
    assert_eq!(
        (status, &told["reason"]),
        (StatusCode::CONFLICT, &json!("CASE_MESSAGE_ID_USED"))
    );
    let (status, told) = delivery(&kari, OTHER, id).await;
    assert_eq!(
        (status, &told["reason"]),
        (StatusCode::NOT_FOUND, &json!("CASE_MESSAGE_NOT_FOUND"))
    );
    // What does not fit into an item is refused in clear words.
    let body = json!({
        "registerId": REGISTER, "kind": "CORRECTION", "messageId": "22".repeat(16), "text": TEXT,
        "attachments": [{
            "name": "bilde.png", "mediaType": "image/png", "content": "A".repeat(40_000),
        }],
    });
    let (status, told) = kari.post("/v1/cases", body).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told["reason"], "CASE_ATTACHMENTS_CANNOT_WAIT", "{told}");

    // The gateway dies before a relay has it, and the relay after.
    fleet.kill_gateway().await;
    fleet.restart_gateway();
    assert!(is_waiting(&kari, id).await);
    sleep(DEPOSITED).await;
    fleet.kill_relay().await;
    fleet.restart_relay();
    for part in ["gateway", "relay"] {
        for secret in [TEXT, &kari.question.national_id] {
            assert!(hold_no(secret, &fleet.world.folder.join(part)) > 0);
        }
    }

    // The agent dies while it takes it.
    for life_ms in [30, 200, 500] {
        fleet.restart(REGISTER);
        sleep(Duration::from_millis(life_ms)).await;
        fleet.kill(REGISTER).await;
    }
    fleet.restart(REGISTER);
    let received = async || {
        let (status, told) = delivery(&kari, REGISTER, id).await;
        (status == StatusCode::OK).then_some(told)
    };
    until("the register has it", async || received().await.is_some()).await;
    let told = received().await.unwrap();
    assert_eq!(told["delivery"], "RECEIVED");
    assert!(
        told["receipt"]
            .as_str()
            .unwrap()
            .starts_with("innsyn case receipt 1")
    );
    // The law's clock runs from when it was sent.
    let at: jiff::Timestamp = told["case"]["receivedAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(at.as_second() <= sent, "{at}, and sent before {sent}");
    assert!(at.as_second() >= sent - 60, "{at}, and sent about {sent}");

    // It is there once, though all that carried it come again.
    fleet.kill_relay().await;
    fleet.kill_gateway().await;
    fleet.restart_relay();
    fleet.restart_gateway();
    until("the gateway finds the register", async || {
        received().await.is_some()
    })
    .await;
    let (status, again) = kari.opens(REGISTER, id, TEXT).await;
    assert_eq!(
        (status, &again["receipt"]),
        (StatusCode::OK, &told["receipt"])
    );
    sleep(DEPOSITED).await;
    assert_eq!(kari.account().await[REGISTER], Ok(1));
    let listed = clerk_says(&fleet.world, &["list"]).await;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let case = told["case"]["caseId"].as_str().unwrap();
    let body = json!({ "registerId": REGISTER, "caseId": case });
    let (_, got) = kari.post("/v1/cases/get", body).await;
    assert_eq!(got["steps"].as_array().unwrap().len(), 1, "{got}");
    assert_eq!(got["steps"][0]["text"], TEXT);
}
