//! Other registers' agents and other gateways witness a register's log, so that it cannot show one
//! log here and another there.

use std::fs;
use std::path::Path;

use innsyn_proto::head::HeadSigner;
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::witnessing::AddCheckpoint;
use innsyn_sim::caller::Question;
use innsyn_sim::country::Role;
use wire::UsesOutcome;

use super::federation::{Federation, Prepared, head_of, spec_of_today, until};

const REGISTERS: [&str; 3] = ["dar", "kreft", "npr"];

/// A federation whose gateway asks `agents` others about each log, every second.
fn prepared(agents: usize) -> Prepared {
    let prepared = Prepared::new(&spec_of_today(600, 5));
    witnessed_by(&prepared.world.gateway_config(), agents);
    prepared
}

/// Has the gateway of `config` ask `agents` others about each log.
fn witnessed_by(config: &Path, agents: usize) {
    let text = fs::read_to_string(config).unwrap();
    let rest = text.split_once("\n[citizen_gateway.witnesses]");
    let text = rest.map_or(text.as_str(), |(before, _)| before);
    let section = format!("\n[citizen_gateway.witnesses]\nagents = {agents}\nevery_s = 1\n");
    fs::write(config, format!("{text}{section}")).unwrap();
}

async fn of_kreft(federation: &Federation, question: &Question) -> wire::RegisterUses {
    let caller = federation.caller().await;
    let uses = caller.uses(question, Vec::new()).await.unwrap();
    let mut registers = uses.registers.into_iter();
    registers.find(|uses| uses.register_id == "kreft").unwrap()
}

/// The names of those who have signed heads of `kreft`, and up to how many entries.
fn witnesses(shown: &wire::RegisterUses) -> Vec<(&str, u64)> {
    let verified = shown.verified.as_ref();
    let witnesses = verified.map_or(&[][..], |verified| &verified.witnesses);
    let named = witnesses.iter();
    named
        .map(|witness| (witness.name.as_str(), witness.entries))
        .collect()
}

/// Copies the files of a folder to another, of which nothing stays.
fn put_back(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn promise_4_a_log_that_forks_between_two_gateways_is_found_by_the_witnesses_that_both_ask() {
    let mut federation = prepared(2).start(&REGISTERS).await;
    let question = federation.question(0, Role::Oneself);
    let log = federation.world.agent_folder("kreft").join("log");
    let heads = federation.world.gateway_config().with_file_name("heads");
    let beginning = federation.world.folder.join("beginning");

    let first = of_kreft(&federation, &question).await;
    assert_eq!(first.outcome(), UsesOutcome::Verified);
    put_back(&log, &beginning);
    let mut signed = first;
    until("two other registers' agents have signed", async || {
        signed = of_kreft(&federation, &question).await;
        let by = witnesses(&signed);
        let [dar, npr] = ["innsyn/dar", "innsyn/npr"].map(|name| {
            let entries = by.iter().find(|(by, _)| *by == name);
            entries.map_or(0, |(_, entries)| *entries)
        });
        dar > 1 && npr > 1
    })
    .await;
    assert_eq!(signed.outcome(), UsesOutcome::Verified);

    // The register goes on from its log's beginning in another way, for a gateway that knows
    // nothing of it: another one, or one that has lost what it knew.
    federation.kill_gateway().await;
    federation.stop("kreft").await;
    put_back(&beginning, &log);
    let forget = || fs::remove_dir_all(&heads).unwrap();

    // Where nobody else is asked, it gets away with it.
    forget();
    witnessed_by(&federation.world.gateway_config(), 0);
    federation.restart("kreft");
    federation.restart_gateway().await;
    let alone = of_kreft(&federation, &question).await;
    assert_eq!(alone.outcome(), UsesOutcome::Verified);

    // With what others know, it does not.
    federation.kill_gateway().await;
    forget();
    witnessed_by(&federation.world.gateway_config(), 2);
    federation.restart_gateway().await;
    let mut forked = alone;
    until("the fork is found", async || {
        forked = of_kreft(&federation, &question).await;
        forked.outcome() == UsesOutcome::NotVerified
    })
    .await;
    assert!(forked.problem.starts_with("witness:"), "{}", forked.problem);
    assert!(forked.uses.is_empty() && forked.receipt.is_empty());
    assert!(
        federation
            .gateway_log()
            .contains("another witness knows another log of this register")
    );
}

#[tokio::test]
async fn another_gateway_is_a_witness_over_http_as_c2sp_has_it() {
    let prepared = prepared(0);
    let folder = prepared.world.gateway_config();
    let folder = folder.parent().unwrap();
    let secret = HeadSigner::secret_from_seed("kjernejournal", [9; 32]).unwrap();
    fs::write(folder.join("other.key"), &secret).unwrap();
    let federation = prepared.start(&REGISTERS).await;
    let question = federation.question(0, Role::Oneself);
    of_kreft(&federation, &question).await;

    let of_its_own = |config: String| {
        config
            .replace("heads = \"heads\"", "heads = \"other-heads\"")
            .replace("head_key = \"head.key\"", "head_key = \"other.key\"")
    };
    let (_other, listen) = federation.another_gateway(folder, of_its_own).await;
    let url = format!("http://{listen}/witness/add-checkpoint");
    let submit = async |body: Vec<u8>| {
        let answer = federation.http.post(&url).body(body).send().await.unwrap();
        let kind = answer.headers().get("content-type").cloned();
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kind, answer.text().await.unwrap())
    };
    let mine = async || head_of(&federation, "kreft").stdout;
    let asks = |old, checkpoint| {
        let asked = AddCheckpoint {
            old,
            proof: Vec::new(),
            checkpoint,
        };
        asked.to_bytes()
    };

    // What it has seen of the log over its own link, it says.
    until("the other gateway has seen the log", async || {
        let (status, ..) = submit(asks(0, mine().await)).await;
        status == 409
    })
    .await;
    let (_, kind, size) = submit(asks(0, mine().await)).await;
    assert_eq!(kind.as_deref(), Some("text/x.tlog.size"));
    let size: u64 = size.strip_suffix('\n').unwrap().parse().unwrap();
    let (status, _, signed) = submit(asks(size, mine().await)).await;
    assert_eq!(status, 200, "{signed}");
    assert!(signed.starts_with("— kjernejournal "), "{signed}");
    // Nothing else is signed.
    let note = String::from_utf8(mine().await).unwrap();
    let elsewhere = note.replace("innsyn/kreft", "innsyn/nobody");
    assert_eq!(submit(asks(0, elsewhere.into_bytes())).await.0, 404);
    let other_root = note.replacen("\n1\n", "\n2\n", 1);
    assert_eq!(submit(asks(size, other_root.into_bytes())).await.0, 403);
    assert_eq!(submit(b"old one\n\n".to_vec()).await.0, 400);
    assert_eq!(submit(vec![b'a'; 100_000]).await.0, 413);
}

#[tokio::test]
async fn a_gateway_has_heads_witnessed_elsewhere_and_says_by_whom() {
    let prepared = prepared(0);
    let config = prepared.world.gateway_config();
    let folder = config.parent().unwrap().to_owned();
    let secret = HeadSigner::secret_from_seed("kjernejournal", [9; 32]).unwrap();
    fs::write(folder.join("other.key"), &secret).unwrap();
    let federation = prepared.start(&REGISTERS).await;
    let question = federation.question(0, Role::Oneself);
    let (_other, listen) = federation
        .another_gateway(&folder, |config| {
            config
                .replace("heads = \"heads\"", "heads = \"other-heads\"")
                .replace("head_key = \"head.key\"", "head_key = \"other.key\"")
        })
        .await;

    // The first gateway is told of the other as its operator would be: by address and key.
    let key = HeadSigner::parse(&secret)
        .unwrap()
        .witness()
        .unwrap()
        .text();
    let remote = format!(
        "\n[[citizen_gateway.witnesses.remote]]\nurl = \"http://{listen}/witness\"\nkey = \"{key}\"\n"
    );
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}{remote}")).unwrap();
    let mut federation = federation;
    federation.kill_gateway().await;
    federation.restart_gateway().await;
    until("the other gateway has signed", async || {
        let shown = of_kreft(&federation, &question).await;
        assert_eq!(shown.outcome(), UsesOutcome::Verified);
        let by = witnesses(&shown);
        by.iter()
            .any(|(name, entries)| *name == "kjernejournal" && *entries > 0)
    })
    .await;
    // Heads come to it over its own links too, before and after these: it takes none for a fork.
    let other_said = fs::read_to_string(folder.join("another-log.txt")).unwrap();
    assert!(!other_said.contains("not countersigned"), "{other_said}");
}
