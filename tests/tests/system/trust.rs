//! Whom an agent serves, and how much: what its own configuration says, whatever a CA signs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use innsyn_agent::uselog::{ENTRY_BYTES, Entry};
use innsyn_broker::enrolment;
use innsyn_policy::{Clock as _, UseDecision};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::caller::Caller;
use innsyn_sim::country::Role;
use innsyn_sim::processes::Part;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::World;
use rand::rngs::StdRng;
use wire::RegisterState as State;
use wire::run_request::Question as Asked;
use wire::run_response::Message;

use super::asked_agents::AskedAgents;
use super::federation::{Federation, Prepared, list, spec_of_today, until};
use super::{fleet, research};

const REGISTERS: [&str; 2] = ["kreft", "npr"];

/// A gateway that is set up like the first, with a certificate of its own for `name`.
async fn stranger(federation: &Federation, name: &str) -> (Part, SocketAddr) {
    let world = &federation.world;
    let folder = world.folder.join(format!("another-{name}"));
    let identity = Identity::Gateway(name.parse().unwrap());
    enrolment::issue(&world.ca(), &identity, &[], 30, &folder, &SystemClock).unwrap();
    federation.another_gateway(&folder, |config| config).await
}

/// Lets the relay through to gateways called `name`: it is the agents that say no.
fn relay_trusts(world: &World, name: &str) {
    let config = fs::read_to_string(world.relay_config()).unwrap();
    let config = config.replace("gateways = [", &format!("gateways = [\"{name}\", "));
    fs::write(world.relay_config(), config).unwrap();
}

#[tokio::test]
async fn a_good_certificate_that_no_agent_has_pinned_gets_nothing() {
    let prepared = Prepared::new(&spec_of_today(2_000, 1));
    relay_trusts(&prepared.world, "stranger");
    let federation = prepared.start(&REGISTERS).await;
    let before = [
        federation.uses(REGISTERS[0]).await,
        federation.uses(REGISTERS[1]).await,
    ];
    // One with a name of its own, and one that has the pinned name on another key.
    for name in ["stranger", "helsenorge"] {
        let refused = "innsyn_agent_gateways_not_pinned_total";
        let refused_before = federation.agent_metric("kreft", refused).await;
        let (mut gateway, address) = stranger(&federation, name).await;
        until("the agents turned it away", async || {
            assert!(!gateway.has_ended(), "{name} ended");
            federation.agent_metric("kreft", refused).await > refused_before
                && federation.agent_metric("npr", refused).await > refused_before
        })
        .await;
        let caller = Caller::connect(address, None).await.unwrap();
        let question = federation.question(0, Role::Oneself);
        let listing = list(&caller, &question).await.unwrap();
        for register in REGISTERS {
            assert_eq!(listing.told[register].outcome, "NO_ANSWER", "{name}");
        }
        assert_eq!(listing.summary.answered, 0);
        for (register, before) in REGISTERS.iter().zip(before) {
            assert_eq!(federation.uses(register).await, before, "{name}");
        }
        gateway.kill().await.unwrap();
    }
    // The pinned one gets answers, each with its entry, all the while.
    let caller = federation.caller().await;
    let question = federation.question(0, Role::Oneself);
    let listing = list(&caller, &question).await.unwrap();
    assert_eq!(listing.summary.answered, 2);
    assert_eq!(federation.uses("kreft").await, before[0] + 1);
}

#[tokio::test]
async fn over_the_cap_a_pinned_gateway_gets_refusals_and_they_are_logged() {
    const CAP: usize = 3;
    let mut spec = spec_of_today(2_000, 1);
    spec.questions_per_minute_max = u32::try_from(CAP).unwrap();
    let federation = Federation::start(&spec, &["kreft"]).await;
    let caller = federation.caller().await;
    let mut told = Vec::new();
    for _ in 0..CAP + 2 {
        let question = federation.question(0, Role::Oneself);
        let mut listing = list(&caller, &question).await.unwrap();
        told.push(listing.told.remove("kreft").unwrap().words());
    }
    assert!(told[..CAP].iter().all(|words| !words.contains("NO_ANSWER")));
    assert_eq!(told[CAP..], ["NO_ANSWER/OVER_CAP", "NO_ANSWER/OVER_CAP"]);
    let over_cap = federation.agent_metric("kreft", "innsyn_agent_over_cap_total");
    assert_eq!(over_cap.await, 2);

    let log = federation.world.agent_folder("kreft").join("log");
    let decisions: Vec<_> = entries(&log).iter().map(|entry| entry.decision).collect();
    assert_eq!(decisions[..CAP], [UseDecision::Answered; CAP]);
    assert_eq!(decisions[CAP..], [UseDecision::OverCap; 2]);
}

/// Lets the pinned research gateway ask the register's agent queries, or not, from its next start.
fn may_ask_queries(world: &World, register: &str, may: bool) {
    const LINES: [&str; 2] = [
        "# may_ask = [\"queries\"] is not granted",
        "may_ask = [\"queries\"]",
    ];
    let config = fs::read_to_string(world.agent_config(register)).unwrap();
    let (from, to) = (LINES[usize::from(!may)], LINES[usize::from(may)]);
    assert!(config.contains(from), "{config}");
    fs::write(world.agent_config(register), config.replace(from, to)).unwrap();
}

#[tokio::test]
async fn a_research_gateway_that_is_pinned_without_queries_is_refused_and_both_sides_say_so() {
    let register = "kreft";
    let prepared = fleet::Prepared::choosing(&research::spec(600, 11), |id, _| {
        REGISTERS.contains(&id) || id == "mfr"
    });
    may_ask_queries(&prepared.world, register, false);
    let mut fleet = prepared.start().await;
    let others: Vec<String> = fleet
        .publishing()
        .filter(|one| *one != register)
        .map(str::to_owned)
        .collect();
    assert_eq!(others.len(), 2);
    let mut random: StdRng = rand::make_rng();
    let researcher = Researcher::connect(&fleet.world, SystemClock.now(), &mut random);
    let researcher = researcher.await.unwrap();
    until("the others have published", async || {
        let catalogue = researcher.catalogue().await.unwrap();
        let has = |one: &String| catalogue.views.iter().any(|view| view.register_id == **one);
        let silent = catalogue.registers_silent.contains(&register.to_owned());
        // Whoever has not been reached yet is silent too.
        let is_refused = fleet
            .research_gateway_log()
            .contains("register does not serve this gateway");
        silent && is_refused && others.iter().all(has)
    })
    .await;

    // It refuses, which is not silence, and the others are counted.
    let table = research::run(&researcher, research::persons_by_sex(&[])).await;
    let states = research::states(&table);
    assert_eq!(states[register], State::Refused);
    for other in &others {
        assert_eq!(states[other], State::Answered, "{other}");
    }
    let named = researcher.asks(Asked::Query(research::persons_by_sex(&[register])));
    let refused = researcher.run(named, |_| ()).await.unwrap_err();
    assert!(refused.message().contains("`kreft`"), "{refused}");
    assert!(
        refused.message().contains("does not serve this gateway"),
        "{refused}"
    );
    // Nor may the gateway ask without having been told what is published.
    let asked = researcher.asks(Asked::Query(research::persons_by_sex(&[])));
    let permit = asked.data_permit.clone();
    let planned = researcher.dry_run(asked).await.unwrap();
    let mut agents = AskedAgents::of(&fleet.world);
    let denied = agents.part(register, &planned, permit).await.unwrap_err();
    let denied = denied.downcast::<tonic::Status>().unwrap();
    assert_eq!(denied.code(), tonic::Code::PermissionDenied);
    // Whoever runs the agent is told once which key it is, however often the gateway asks.
    let said = fleet.agent_log(register);
    let told: Vec<&str> = said.lines().filter(|it| it.contains("may_ask")).collect();
    assert_eq!(told.len(), 1, "{said}");
    assert!(
        told[0].contains("WARN") && told[0].contains("[\"queries\"]"),
        "{said}"
    );
    let at_gateway = fleet.research_gateway_log();
    let told = at_gateway.matches("register does not serve this gateway");
    assert_eq!(told.count(), 1, "{at_gateway}");
    // Nobody was counted, and the citizen gateway is served all the while.
    let log = fleet.world.agent_folder(register).join("log");
    assert_eq!(entries(&log), []);
    let caller = fleet.caller().await;
    let [citizen] = &fleet.citizens(1)[..] else {
        panic!("one");
    };
    let listing = fleet.list(&caller, citizen, None).await;
    assert!(!listing.silent().contains_key(register));
    assert_eq!(entries(&log).len(), 1);

    // With the key it publishes and counts.
    fleet.stop(register).await;
    may_ask_queries(&fleet.world, register, true);
    fleet.restart(register);
    let researcher = fleet.researcher().await;
    let table = research::run(&researcher, research::persons_by_sex(&[])).await;
    assert_eq!(research::states(&table)[register], State::Answered);

    // What it has published stands; that it does not count any more is refused all the same.
    fleet.stop(register).await;
    may_ask_queries(&fleet.world, register, false);
    fleet.restart(register);
    let of_all = research::persons_by_sex(&[]);
    let yearly = wire::Query {
        dimensions: vec![
            research::by_code("sex", 0),
            research::by_code("municipality", 1),
        ],
        ..of_all
    };
    until("it refuses", async || {
        let request = researcher.asks(Asked::Query(yearly.clone()));
        let mut told = None;
        let _ended = researcher
            .run(request, |update| match update {
                Message::Progress(one) if one.register_id == register => told = Some(one.state()),
                _ => {}
            })
            .await;
        told == Some(State::Refused)
    })
    .await;
}

/// What a log of use that nobody has damaged holds, read frame by frame.
fn entries(log: &Path) -> Vec<Entry> {
    const HEADER_BYTES: usize = 20;
    const TRAILER_BYTES: usize = 36;
    let mut segments: Vec<_> = fs::read_dir(log)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "seg"))
        .collect();
    segments.sort();
    let mut entries = Vec::new();
    for segment in segments {
        let bytes = fs::read(segment).unwrap();
        let mut rest = &bytes[..];
        while let Some(count) = rest.get(4..8) {
            let count = u32::from_le_bytes(count.try_into().unwrap());
            let end = HEADER_BYTES + usize::try_from(count).unwrap() * ENTRY_BYTES;
            let (frame, after) = rest.split_at(end + TRAILER_BYTES);
            let (read, _) = frame[HEADER_BYTES..end].as_chunks::<ENTRY_BYTES>();
            entries.extend(read.iter().map(|entry| Entry::from_bytes(entry).unwrap()));
            rest = after;
        }
    }
    entries
}
