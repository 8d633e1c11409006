//! Word of a new message by e-mail: one for each message, through a real e-mail server, whoever is
//! killed in between.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::dialogs::{Citizen, REGISTER, clerk_says};
use super::federation::spec_of_today;
use super::fleet::{Fleet, Prepared, until};

/// Two beats of the agent's stream, and some: what would be sent again would be by then.
const TWO_BEATS: Duration = Duration::from_secs(12);

/// The e-mail server, a process of its own.
struct MailServer {
    process: Child,
    port: u16,
    taken: PathBuf,
}

impl MailServer {
    async fn start(taken: &Path, port: u16) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut process = Command::new(root.join(".venv/bin/python"))
            .arg(root.join("tests/clients/mail_server.py"))
            .arg(taken)
            .arg(port.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut said).await.unwrap();
        Self {
            process,
            port: said.trim().parse().unwrap(),
            taken: taken.to_owned(),
        }
    }

    fn messages(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.taken).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    async fn has_taken(&self, messages: usize) {
        until("the e-mail server has them", async || {
            self.messages().len() >= messages
        })
        .await;
    }
}

/// A citizen has a case, and the register's case handler writes in it.
async fn register_writes(fleet: &Fleet, citizen: &Citizen, number: u32) {
    let id = format!("{number:032x}");
    let opened = citizen.opens_at_last(&id, "Er dette riktig?").await;
    let case = opened["case"]["caseId"].as_str().unwrap();
    let text = fleet.world.folder.join("svar.txt");
    fs::write(&text, "Ja, det er riktig, og det gjelder kreft.").unwrap();
    let text = text.to_str().unwrap();
    let said = clerk_says(&fleet.world, &["message", case, "--text", text]).await;
    assert!(said.contains("said in"), "{said}");
}

fn line(message: &Value, name: &str) -> String {
    let text = message["text"].as_str().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn area_1_notification_one_for_each_message_under_kills_and_it_names_no_register() {
    let chosen = |id: &str, _| id == REGISTER;
    let prepared = Prepared::choosing(&spec_of_today(600, 4), chosen);
    let folder = prepared.world.folder.clone();
    let mut mail = MailServer::start(&folder.join("mail.jsonl"), 0).await;
    let config = prepared.world.gateway_config();
    let section = format!(
        r#"{}
[notification]
smtp = {{ host = "127.0.0.1", port = {}, security = "none" }}
from = "Helsenorge <ikke-svar@example.invalid>"
address_book = "addresses.csv"
memory = "notified"
"#,
        fs::read_to_string(&config).unwrap(),
        mail.port
    );
    fs::write(&config, section).unwrap();
    let asking = |number| Citizen::in_world(&prepared.world, number);
    let (kari, ola) = (asking(0), asking(1));
    let addresses = format!("{},kari@example.invalid\n", kari.question.national_id);
    fs::write(config.with_file_name("addresses.csv"), addresses).unwrap();
    let mut fleet = prepared.start().await;

    // Nobody is killed.
    register_writes(&fleet, &kari, 1).await;
    mail.has_taken(1).await;

    // The agent is killed when the word is in its outbox.
    register_writes(&fleet, &kari, 2).await;
    fleet.kill(REGISTER).await;
    fleet.restart(REGISTER);
    mail.has_taken(2).await;

    // The gateway is killed after the e-mail server took it, and before the agent hears of it.
    register_writes(&fleet, &kari, 3).await;
    mail.has_taken(3).await;
    sleep(Duration::from_millis(300)).await;
    fleet.kill_gateway().await;
    fleet.restart_gateway();

    // So are both; and the e-mail server is away meanwhile.
    mail.process.kill().await.unwrap();
    register_writes(&fleet, &kari, 4).await;
    sleep(Duration::from_secs(6)).await;
    fleet.kill(REGISTER).await;
    fleet.kill_gateway().await;
    fleet.restart_gateway();
    fleet.restart(REGISTER);
    let mail = MailServer::start(&mail.taken, mail.port).await;
    mail.has_taken(4).await;

    // Who has no address is written to no more than who has none.
    register_writes(&fleet, &ola, 5).await;
    sleep(TWO_BEATS).await;
    let messages = mail.messages();
    assert_eq!(messages.len(), 4, "{messages:?}");
    let ids: BTreeSet<String> = messages.iter().map(|it| line(it, "Message-ID: ")).collect();
    assert_eq!(ids.len(), 4);
    for message in &messages {
        assert_eq!(message["to"], json!(["kari@example.invalid"]));
        let text = message["text"].as_str().unwrap();
        for word in [REGISTER, "register", "riktig", "sak", "Innsyn"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
