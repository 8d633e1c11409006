//! Whom an agent serves, and how much: what its own configuration says, whatever a CA signs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use innsyn_agent::uselog::{ENTRY_BYTES, Entry};
use innsyn_broker::enrolment;
use innsyn_policy::UseDecision;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use innsyn_sim::caller::Caller;
use innsyn_sim::country::Role;
use innsyn_sim::processes::Part;
use innsyn_sim::world::World;

use super::federation::{Federation, Prepared, list, spec_of_today, until};

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
