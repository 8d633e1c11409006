//! Dialogs between citizens and registers over real processes: a request, its receipt, a decision
//! with its reason and the answer; registers that are killed; every register in the account.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::case_receipt::{CaseReceipt, MessageId, content_digest};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::head::HeadKey;
use innsyn_sim::caller::Question;
use innsyn_sim::country::Role;
use innsyn_sim::registers::folder;
use innsyn_sim::world::World;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

use super::federation::spec_of_today;
use super::fleet::{Fleet, Prepared, until};

pub(super) const REGISTER: &str = "kreft";
const OTHER: &str = "npr";
/// A register that is in the catalogue, and whose agent does not run.
const ABSENT: &str = "hunt";

/// A citizen who writes to registers through the gateway.
pub(super) struct Citizen {
    http: reqwest::Client,
    gateway: String,
    pub(super) question: Question,
}

async fn fleet() -> Fleet {
    let chosen = |id: &str, _| [REGISTER, OTHER, ABSENT].contains(&id);
    let prepared = Prepared::choosing(&spec_of_today(600, 3), chosen);
    let mut fleet = prepared.start().await;
    fleet.kill(ABSENT).await;
    fleet
}

impl Citizen {
    fn of(fleet: &Fleet, number: u32) -> Self {
        Self::in_world(&fleet.world, number)
    }

    pub(super) fn in_world(world: &World, number: u32) -> Self {
        let now = SystemClock.now();
        let asking = world.country.asking(number, Role::Oneself, None, now);
        let mut random: rand::rngs::StdRng = rand::make_rng();
        let question = world.question(&asking.unwrap(), now, &mut random);
        Self {
            http: innsyn_sim::processes::http().unwrap(),
            gateway: world.gateway_url(),
            question: question.unwrap(),
        }
    }

    pub(super) async fn post(&self, path: &str, mut body: Value) -> (StatusCode, Value) {
        body["nationalId"] = json!(self.question.national_id);
        let authorization = self.question.authorization.to_str().unwrap().to_owned();
        let post = || {
            self.http
                .post(format!("{}{path}", self.gateway))
                .header("authorization", &authorization)
                .json(&body)
                .send()
        };
        // A gateway that was just started may not listen yet.
        let mut sent = post().await;
        for _ in 0..200 {
            if sent.is_ok() {
                break;
            }
            sleep(Duration::from_millis(50)).await;
            sent = post().await;
        }
        let sent = sent.unwrap();
        (sent.status(), sent.json().await.unwrap())
    }

    pub(super) async fn opens(&self, register: &str, id: &str, text: &str) -> (StatusCode, Value) {
        let body = json!({
            "registerId": register, "kind": "CORRECTION", "messageId": id, "text": text,
        });
        self.post("/v1/cases", body).await
    }

    /// Opens until the register says that it has it.
    pub(super) async fn opens_at_last(&self, id: &str, text: &str) -> Value {
        loop {
            let (status, said) = self.opens(REGISTER, id, text).await;
            if status == StatusCode::OK {
                return said;
            }
            assert_eq!(said["reason"], "CASE_NOT_DELIVERED", "{said}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What each register tells: how many cases, or why none.
    pub(super) async fn account(&self) -> BTreeMap<String, Result<usize, String>> {
        let (status, listed) = self.post("/v1/cases/list", json!({})).await;
        assert_eq!(status, StatusCode::OK, "{listed}");
        let mut account = BTreeMap::new();
        for at in listed["registers"].as_array().unwrap() {
            let told = match at["outcome"].as_str() {
                None => Ok(at["cases"].as_array().unwrap().len()),
                Some(outcome) => Err(outcome.to_owned()),
            };
            let register = at["registerId"].as_str().unwrap().to_owned();
            assert!(
                account.insert(register, told).is_none(),
                "one place for each register"
            );
        }
        account
    }

    async fn case(&self, case: &str, step: Option<u32>) -> Value {
        let mut body = json!({ "registerId": REGISTER, "caseId": case });
        if let Some(step) = step {
            body["step"] = json!(step);
        }
        let (status, got) = self.post("/v1/cases/get", body).await;
        assert_eq!(status, StatusCode::OK, "{got}");
        got
    }
}

/// What the case handler's command does and says.
async fn clerk(world: &World, args: &[&str]) -> Output {
    clerk_at(world, REGISTER, args).await
}

/// The same at another register.
pub(super) async fn clerk_at(world: &World, register: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", "cases"])
        .args(args)
        .arg("--config")
        .arg(world.agent_config(register))
        .output()
        .await
        .unwrap()
}

pub(super) async fn clerk_says(world: &World, args: &[&str]) -> String {
    let ended = clerk(world, args).await;
    let said = String::from_utf8(ended.stdout).unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{args:?}: {said}{errors}");
    said
}

/// All files of the register's own data.
fn register_data(world: &World) -> BTreeMap<String, Vec<u8>> {
    let folder = folder::of_register(&world.folder.join("country"), REGISTER);
    let files = fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.display().to_string(), fs::read(&path).unwrap())
    });
    files.collect()
}

/// The log's key, as the agent says it when it starts.
fn log_key(fleet: &Fleet) -> HeadKey {
    let log = fleet.agent_log(REGISTER);
    let at = log.find("innsyn/kreft+").unwrap();
    let key = log[at..].split(['"', ' ', '\n', '\u{1b}']).next().unwrap();
    HeadKey::parse(key).unwrap()
}

fn hold_no(text: &str, what: &str, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hold_no(text, what, &path);
        } else if path.to_string_lossy().ends_with("log.txt") {
            let log = fs::read_to_string(&path).unwrap();
            assert!(!log.contains(text), "{what} in {}", path.display());
        }
    }
}

#[tokio::test]
async fn area_1_dialogs_request_receipt_decision_with_reason_answer_and_nobody_else_changes_the_register()
 {
    let fleet = fleet().await;
    let before = register_data(&fleet.world);
    let (kari, ola) = (Citizen::of(&fleet, 0), Citizen::of(&fleet, 1));

    // Request and receipt.
    let text = "Fødselsåret mitt er feil.";
    let id = "0102030405060708090a0b0c0d0e0f10";
    let (status, opened) = kari.opens(REGISTER, id, text).await;
    assert_eq!(status, StatusCode::OK, "{opened}");
    let note = opened["receipt"].as_str().unwrap();
    let receipt = CaseReceipt::read(note, &log_key(&fleet)).unwrap();
    let case = receipt.case.to_string();
    assert_eq!(opened["case"]["caseId"], case);
    assert_eq!(opened["case"]["due"], receipt.due.to_string());
    let message = MessageId(std::array::from_fn(|at| u8::try_from(at + 1).unwrap()));
    assert_eq!(receipt.content, content_digest(message, text, []));

    // Every register is accounted for; nobody else has the case, or another's.
    let account = kari.account().await;
    assert_eq!(account.len(), fleet.world.country.registers.iter().count());
    assert_eq!(account[REGISTER], Ok(1));
    assert_eq!(account[OTHER], Ok(0));
    assert_eq!(account[ABSENT], Err("NO_ANSWER".to_owned()));
    assert_eq!(ola.account().await[REGISTER], Ok(0));

    // The register's case handler, without a reason and with one.
    let listed = clerk_says(&fleet.world, &["list"]).await;
    assert!(
        listed.contains(&case) && listed.contains("received"),
        "{listed}"
    );
    assert!(!listed.contains(&kari.question.national_id));
    let shown = clerk_says(&fleet.world, &["show", &case[..8]]).await;
    assert!(shown.contains(text), "{shown}");
    assert!(shown.contains(&kari.question.national_id), "{shown}");
    clerk_says(&fleet.world, &["begin", &case]).await;
    let silent = clerk(&fleet.world, &["answer", &case, "--verdict", "refused"]).await;
    assert!(!silent.status.success());
    let error = String::from_utf8(silent.stderr).unwrap();
    assert!(error.contains("needs words"), "{error}");
    let why = "Folkeregisteret sier noe annet.";
    let reason = fleet.world.folder.join("begrunnelse.txt");
    fs::write(&reason, why).unwrap();
    let reason = reason.to_str().unwrap();
    let answer = [
        "answer",
        &case,
        "--verdict",
        "refused",
        "--text",
        reason,
        "--attach",
        reason,
    ];
    let answered = clerk_says(&fleet.world, &answer).await;
    assert!(answered.contains("is answered"), "{answered}");

    // The answer.
    let got = kari.case(&case, None).await;
    assert_eq!(got["case"]["state"], "REFUSED");
    let steps = got["steps"].as_array().unwrap();
    let acts: Vec<_> = steps
        .iter()
        .map(|step| step["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["OPEN", "BEGIN", "REFUSE"]);
    assert_eq!(steps[2]["text"], why);
    assert_eq!(steps[2]["attachments"][0]["content"], Value::Null);
    CaseReceipt::read(steps[2]["receipt"].as_str().unwrap(), &log_key(&fleet)).unwrap();
    let file = &kari.case(&case, Some(3)).await["steps"][0]["attachments"][0];
    assert_eq!(file["name"], "begrunnelse.txt");
    assert!(file["content"].is_string());
    let (status, others) = ola
        .post(
            "/v1/cases/get",
            json!({ "registerId": REGISTER, "caseId": case }),
        )
        .await;
    assert_eq!(
        (status, &others["reason"]),
        (StatusCode::NOT_FOUND, &json!("CASE_NOT_FOUND"))
    );

    // The appeal, once.
    let appeal = json!({
        "registerId": REGISTER, "caseId": case, "messageId": "ff".repeat(16),
        "text": "Jeg klager.",
    });
    let (status, appealed) = kari.post("/v1/cases/appeal", appeal).await;
    assert_eq!(
        (status, &appealed["case"]["state"]),
        (StatusCode::OK, &json!("APPEALED"))
    );
    let accept = ["answer", &case, "--verdict", "accepted"];
    clerk_says(&fleet.world, &accept).await;
    assert_eq!(kari.case(&case, None).await["case"]["state"], "ACCEPTED");

    // What was accepted is the register's own to correct: no byte of its data has changed.
    assert_eq!(register_data(&fleet.world), before);
    for (secret, what) in [
        (kari.question.national_id.as_str(), "a person"),
        (text, "a text"),
        (why, "a reason"),
    ] {
        hold_no(secret, what, &fleet.world.folder);
    }
}

#[tokio::test]
async fn dialogs_with_a_register_that_is_absent_are_not_delivered_and_the_caller_is_told() {
    let fleet = fleet().await;
    let kari = Citizen::of(&fleet, 0);
    let (status, said) = kari.opens(ABSENT, &"01".repeat(16), "Er dere der?").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(said["reason"], "CASE_NOT_DELIVERED");
    let account = kari.account().await;
    assert!(
        account.values().all(|told| !matches!(told, Ok(1..))),
        "nobody has it"
    );
    for (register, id, text, reason) in [
        ("nowhere", "01", "Hei.", "CASE_REGISTER_UNKNOWN"),
        (REGISTER, "zz", "Hei.", "CASE_MESSAGE_ID_MALFORMED"),
        (REGISTER, "01", " ", "CASE_TEXT_REFUSED"),
    ] {
        let (status, said) = kari.opens(register, &id.repeat(16), text).await;
        assert_eq!(
            (status, &said["reason"]),
            (StatusCode::BAD_REQUEST, &json!(reason))
        );
    }
}

#[tokio::test]
async fn promise_8_dialogs_survive_an_agent_that_is_killed_at_each_step() {
    let mut fleet = fleet().await;
    let kari = Citizen::of(&fleet, 0);
    let reason = fleet.world.folder.join("svar.txt");
    fs::write(&reason, "Det er gjort.").unwrap();
    for (life, after_ms) in (1..).zip([0, 5, 20, 60, 150, 300]) {
        // Killed while, before or after it takes the request.
        let id = format!("{life:032x}");
        let sent = kari.opens(REGISTER, &id, "Er dette feil?");
        let killed = async {
            sleep(Duration::from_millis(after_ms)).await;
            fleet.kill(REGISTER).await;
        };
        let ((status, first), ()) = tokio::join!(sent, killed);
        fleet.restart(REGISTER);
        let said = kari.opens_at_last(&id, "Er dette feil?").await;
        if status == StatusCode::OK {
            assert_eq!(
                said["receipt"], first["receipt"],
                "acknowledged, so it stands"
            );
        }
        let case = said["case"]["caseId"].as_str().unwrap().to_owned();

        // Killed while, before or after it takes the answer.
        let args = [
            "answer",
            &case,
            "--verdict",
            "accepted",
            "--text",
            reason.to_str().unwrap(),
        ];
        let world = std::sync::Arc::clone(&fleet.world);
        let answering = clerk(&world, &args);
        let killed = async {
            sleep(Duration::from_millis(after_ms)).await;
            fleet.kill(REGISTER).await;
            fleet.restart(REGISTER);
        };
        let (answered, ()) = tokio::join!(answering, killed);
        assert!(answered.status.success(), "{answered:?}");
        until("the case is answered", async || {
            let body = json!({ "registerId": REGISTER, "caseId": case });
            let (status, got) = kari.post("/v1/cases/get", body).await;
            status == StatusCode::OK && got["case"]["state"] == "ACCEPTED"
        })
        .await;
        let steps = &kari.case(&case, None).await["steps"];
        assert_eq!(steps.as_array().unwrap().len(), 2, "answered once: {steps}");
        assert_eq!(kari.account().await[REGISTER], Ok(life), "opened once");
    }
}
