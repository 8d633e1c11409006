//! A relay that is killed and started again under load: listings may be incomplete then, and are
//! never wrong; nothing is logged twice.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use innsyn_sim::world::WorldSpec;
use tokio::time::Instant;

use super::fleet::Fleet;
use super::log_reading::{leaves, no_question_twice, uses};
use super::open_load::{Done, Load};

/// How often a citizen comes.
const EVERY: Duration = Duration::from_millis(50);
const RESTARTS: usize = 20;
/// How long after the relay is started again the first complete listing may take.
const BACK_WITHIN: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Seen {
    listings: u64,
    incomplete: u64,
    /// The leaves that callers were told of, by register.
    leaves: BTreeMap<String, BTreeSet<[u8; 32]>>,
}

impl Seen {
    fn note(&mut self, done: &Done) {
        self.listings += 1;
        self.incomplete += u64::from(!done.listing.summary.complete);
        for register in done.listing.told.keys() {
            if let Some(leaf) = done.listing.leaf(register) {
                let leaves = self.leaves.entry(register.clone()).or_default();
                assert!(leaves.insert(leaf), "{register} named one entry twice");
            }
        }
    }
}

#[tokio::test]
async fn a_relay_killed_twenty_times_under_load_makes_no_answer_wrong_and_no_entry_twice() {
    let mut fleet = Fleet::start(&WorldSpec::new(2000, 5), 8).await;
    let citizens = fleet.citizens(200);
    let mut load = Load::start(&fleet, citizens, 1, EVERY).await;
    let mut seen = Seen::default();
    let mut longest = Duration::ZERO;
    for restart in 0..RESTARTS {
        // So that the relay dies at another moment of its life each time.
        for _ in 0..=restart % 6 {
            seen.note(&load.next().await);
        }
        fleet.kill_relay().await;
        let killed = Instant::now();
        fleet.restart_relay();
        loop {
            let done = load.next().await;
            seen.note(&done);
            if done.began >= killed && done.listing.summary.complete {
                longest = longest.max(done.ended - killed);
                break;
            }
        }
    }
    let (rest, begun) = load.stop().await;
    for done in &rest {
        seen.note(done);
    }
    println!(
        "{} listings, {} incomplete, none wrong; first complete one after at most {longest:?}",
        seen.listings, seen.incomplete
    );
    assert_eq!(seen.listings, begun, "every listing ended");
    assert!(longest < BACK_WITHIN, "{longest:?}");

    for register in fleet.registers() {
        fleet.stop(&register).await;
        let log = uses(&fleet.world.agent_folder(&register).join("log"));
        no_question_twice(&log);
        assert!(log.len() as u64 <= begun, "{register}: {}", log.len());
        let unlogged = seen.leaves[&register].difference(&leaves(&log)).count();
        assert_eq!(unlogged, 0, "{register}: answers without an entry");
    }
}
