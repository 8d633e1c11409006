//! Word of a new message by SMS: one for each message, through an SMS service that comes and goes.

use std::collections::BTreeSet;
use std::fs;

use innsyn_sim::world::WorldSpec;
use tokio::time::sleep;

use super::servers::{Kind, Server};
use super::{TWO_BEATS, is_remembered, register_writes};
use crate::system::dialogs::{Citizen, REGISTER};
use crate::system::federation::{read_logs, spec_of_today};
use crate::system::fleet::{Fleet, Prepared};

const NUMBER: &str = "+4799900017";
const TEXT: &str = "Du har fått en ny melding. Logg inn på Helsenorge for å lese den.\n\
                    You have a new message. Log in to Helsenorge to read it.";

#[tokio::test]
async fn area_1_notification_by_sms_comes_once_though_the_sms_service_is_stopped_and_started() {
    let chosen = |id: &str, _| id == REGISTER;
    let spec = WorldSpec {
        log_filter: "trace".to_owned(),
        ..spec_of_today(600, 4)
    };
    let prepared = Prepared::choosing(&spec, chosen);
    let folder = prepared.world.folder.clone();
    let mut service = Server::start(Kind::Sms, &folder.join("sms.jsonl"), 0, &[]).await;
    let config = prepared.world.gateway_config();
    let section = format!(
        r#"{}
[notification]
sms = {{ host = "127.0.0.1", port = {}, security = "none", system_id = "innsyn", password_file = "sms-password", from = "Helsenorge" }}
address_book = "addresses.csv"
memory = "notified"
"#,
        fs::read_to_string(&config).unwrap(),
        service.port
    );
    fs::write(&config, section).unwrap();
    fs::write(config.with_file_name("sms-password"), "secret\n").unwrap();
    let asking = |number| Citizen::in_world(&prepared.world, number);
    let (kari, ola) = (asking(0), asking(1));
    // There is no e-mail server here, whatever Kari likes best.
    let addresses = format!(
        "{},kari@example.invalid,{NUMBER}\n",
        kari.question.national_id
    );
    fs::write(config.with_file_name("addresses.csv"), addresses).unwrap();
    let mut fleet = prepared.start().await;

    // The service is there; and the gateway is killed when it knows that it has taken the message,
    // which the agent has not heard yet.
    register_writes(&fleet, &kari, 1).await;
    service.has_taken(1).await;
    is_remembered(&config.with_file_name("notified"), 1).await;
    fleet.kill_gateway().await;
    fleet.restart_gateway();

    // The service is away when the word comes, and for a while after.
    service.stop().await;
    register_writes(&fleet, &kari, 2).await;
    sleep(TWO_BEATS).await;
    assert_eq!(service.messages().len(), 1, "what it had before");
    let service = service.start_again().await;
    service.has_taken(2).await;

    // Who has no address is told nothing, and nothing comes twice.
    register_writes(&fleet, &ola, 3).await;
    sleep(TWO_BEATS).await;
    let messages = service.messages();
    assert_eq!(messages.len(), 2, "{messages:?}");
    let references: BTreeSet<u64> = messages
        .iter()
        .map(|it| it["reference"].as_u64().unwrap())
        .collect();
    assert_eq!(references.len(), 2);
    for message in &messages {
        assert_eq!(message["to"], NUMBER.trim_start_matches('+'));
        assert_eq!(message["from"], "Helsenorge");
        assert_eq!(message["text"], TEXT);
    }
    nobody_is_in_the_logs(&fleet, &kari);
}

fn nobody_is_in_the_logs(fleet: &Fleet, kari: &Citizen) {
    let mut logs = Vec::new();
    read_logs(&fleet.world.folder, &mut logs);
    assert!(logs.len() >= 3, "relay, gateway, agent");
    let id = kari.question.national_id.as_str();
    for (path, text) in &logs {
        for told in [&NUMBER[3..], "kari@", id] {
            assert!(!text.contains(told), "{}: {told}", path.display());
        }
    }
}
