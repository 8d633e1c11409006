//! Word of a new message by e-mail: one for each message, through a real e-mail server, whoever is
//! killed in between.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::dialogs::{Citizen, REGISTER, clerk_says};
use super::federation::spec_of_today;
use super::fleet::{Fleet, Prepared, until};
use servers::{Kind, Server};

mod servers;
mod sms;
mod tls;

/// Two beats of the agent's stream, and some: what would be sent again would be by then.
const TWO_BEATS: Duration = Duration::from_secs(12);

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

/// Waits until the gateway whose memory is `file` has so many messages in it.
async fn is_remembered(file: &Path, messages: u64) {
    until("the gateway remembers them", async || {
        fs::metadata(file).is_ok_and(|it| it.len() >= 32 * messages)
    })
    .await;
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
    let mut mail = Server::start(Kind::Mail, &folder.join("mail.jsonl"), 0, &[]).await;
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
    is_remembered(&config.with_file_name("notified"), 3).await;
    fleet.kill_gateway().await;
    fleet.restart_gateway();

    // So are both; and the e-mail server is away meanwhile.
    mail.stop().await;
    register_writes(&fleet, &kari, 4).await;
    sleep(Duration::from_secs(6)).await;
    fleet.kill(REGISTER).await;
    fleet.kill_gateway().await;
    fleet.restart_gateway();
    fleet.restart(REGISTER);
    let mail = mail.start_again().await;
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
