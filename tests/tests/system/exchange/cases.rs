//! A citizen's message over the exchange is a case at the register, and the case handler's answer
//! is in helsenorge's queue: over a real broker, a real agent and a real gateway, though both the
//! agent and the broker are killed in between.

use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::dialogs::{Citizen, REGISTER, clerk_says};
use super::super::federation::spec_of_today;
use super::super::fleet::{Prepared, until};
use super::keys::keys;
use super::peer::Peer;
use super::rabbit::{NAMESPACE, PASSWORD, Rabbit, USER};
use super::{GOLDEN, golden, ours, theirs};
use innsyn_sim::world::World;

const USES: &str = include_str!("../../../../node-agent/src/exchange/tests/golden/innsyn_bruk.xml");
const ERROR_ID: &str = "feil-1";
const USES_ID: &str = "bruk-1";

/// Gives the register's agent a place at the broker.
fn join(world: &World, port: u16) {
    let folder = world.agent_folder(REGISTER);
    let keys = keys();
    keys.our_signing_pem.put(&folder, "sign");
    keys.our_decryption_pem.put(&folder, "crypt");
    keys.their_signing_pem.put(&folder, "their-sign");
    keys.their_decryption_pem.put(&folder, "their-crypt");
    fs::write(folder.join("exchange.password"), PASSWORD).unwrap();
    let (us, them) = (ours(0), theirs(0));
    let party = format!(
        "[[party]]\nher_id = {them}\nasync_queue = \"{them}_async\"\nsync_queue = \"{them}_sync\"\n\
         error_queue = \"{them}_error\"\nsigners = [\"their-sign.pem\"]\n\
         recipients = [\"their-crypt.pem\"]\n"
    );
    fs::write(folder.join("parties.toml"), party).unwrap();
    let config = world.agent_config(REGISTER);
    let section = format!(
        r#"{}
[exchange]
address = "127.0.0.1:{port}"
tls = "disabled"
dialect = "rabbitmq"
namespace = "{NAMESPACE}"
user = "{USER}"
password_file = "exchange.password"
her_id = {us}
register_ids = ["KREFT"]
signing = {{ certificate = "sign.pem", key = "sign.key" }}
decryption = [{{ certificate = "crypt.pem", key = "crypt.key" }}]
parties_file = "parties.toml"
"#,
        fs::read_to_string(&config).unwrap(),
    );
    fs::write(&config, section).unwrap();
}

/// The messages that come to helsenorge until `wanted` has all it wants; then, that no more comes.
async fn read(peer: &mut Peer, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut came = Vec::new();
    while !wanted(&came) {
        came.push(peer.next("async").await.opened());
    }
    while let Some(more) = peer.within("async", Duration::from_secs(8)).await {
        came.push(more.opened());
    }
    came
}

/// Those with `text` in them, each message once however often the broker gave it.
fn with<'a>(came: &'a [String], text: &str) -> Vec<&'a str> {
    let mut found: Vec<_> = came.iter().map(String::as_str).collect();
    found.retain(|message| message.contains(text));
    found.sort_unstable();
    found.dedup();
    found
}

fn receipt_of(came: &[String], id: &str) -> usize {
    let receipts = with(came, "<AppRec ");
    receipts
        .iter()
        .filter(|receipt| receipt.contains(id) && receipt.contains("<Status V=\"1\""))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn area_5_a_message_over_the_exchange_is_a_case_and_its_answer_comes_back_once_under_kills() {
    let mut broker = Rabbit::start(1);
    let prepared = Prepared::choosing(&spec_of_today(600, 5), |id, _| id == REGISTER);
    join(&prepared.world, broker.port());
    let kari = Citizen::in_world(&prepared.world, 0);
    let mut fleet = prepared.start().await;
    let of_kari = |text: &str, person: &str, id: &str| {
        golden(text, 0, id).replace(person, &kari.question.national_id)
    };
    let error = of_kari(GOLDEN, "04815000043", ERROR_ID);

    // The message is a case, which the citizen sees through the gateway too.
    let mut peer = Peer::connect(broker.port(), 0).await;
    peer.send("async", peer.message(&error, "m1")).await;
    let came = read(&mut peer, |came| receipt_of(came, ERROR_ID) == 1).await;
    assert_eq!(came.len(), 1, "a receipt and nothing else: {came:?}");
    assert_eq!(kari.account().await[REGISTER], Ok(1));
    let listed = clerk_says(&fleet.world, &["list"]).await;
    let name = listed.split_whitespace().next().unwrap().to_owned();
    let shown = clerk_says(&fleet.world, &["show", &name]).await;
    assert!(shown.contains("came by the exchange"), "{shown}");
    assert!(shown.contains("skal være <3. mai>"), "{shown}");

    // It is answered while the agent is dead; the broker dies before the agent is back.
    fleet.kill(REGISTER).await;
    let text = fleet.world.folder.join("svar.txt");
    fs::write(&text, "Datoen er rettet.").unwrap();
    let text = text.to_str().unwrap();
    let answer = ["answer", &name, "--verdict", "accepted", "--text", text];
    let said = clerk_says(&fleet.world, &answer).await;
    assert!(said.contains("kept"), "{said}");
    drop(peer);
    broker.kill();
    fleet.restart(REGISTER);
    until("the case is answered", async || {
        kari.account().await[REGISTER] == Ok(1)
            && !clerk_says(&fleet.world, &["list"]).await.contains(&name)
    })
    .await;
    // And once more, with the answer in the agent's own outbox.
    fleet.kill(REGISTER).await;
    fleet.restart(REGISTER);
    broker.start_again();
    let mut peer = Peer::connect(broker.port(), 0).await;
    // What comes again, comes to nothing.
    peer.send("async", peer.message(&error, "m2")).await;
    let came = read(&mut peer, |came| {
        !with(came, "Datoen er rettet.").is_empty()
    })
    .await;
    let answers = with(&came, "Dialogmelding");
    let [answer] = answers[..] else {
        panic!("one answer: {came:?}");
    };
    assert!(answer.contains("Avgjørelse: imøtekommet."), "{answer}");
    assert!(
        answer.contains(&format!("<RefToParent>{ERROR_ID}</RefToParent>")),
        "{answer}"
    );
    assert!(answer.contains(&kari.question.national_id), "{answer}");
    assert_eq!(kari.account().await[REGISTER], Ok(1), "no second case");

    // Who has used the data: what the log has, at once; the case waits for a case handler.
    let uses = of_kari(USES, "02815000075", USES_ID);
    peer.send("async", peer.message(&uses, "m3")).await;
    let came = read(&mut peer, |came| {
        receipt_of(came, USES_ID) == 1 && !with(came, "bruk.csv").is_empty()
    })
    .await;
    let [told] = with(&came, "Dialogmelding")[..] else {
        panic!("one message: {came:?}");
    };
    let file = told.split_once("Base64Container").unwrap().1;
    let file = file.split_once('>').unwrap().1.split_once('<').unwrap().0;
    let table = String::from_utf8(BASE64_STANDARD.decode(file).unwrap()).unwrap();
    assert!(table.contains("dialog med registeret"), "{table}");
    assert!(table.contains("her:90100"), "{table}");
    let listed = clerk_says(&fleet.world, &["list"]).await;
    assert_eq!(listed.lines().count(), 1, "one waits: {listed}");
    let log = fleet.agent_log(REGISTER);
    for secret in [
        kari.question.national_id.as_str(),
        "3. mai",
        "Datoen er rettet",
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}
