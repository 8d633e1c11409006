//! Promise 4 when an agent is killed: whatever anybody was answered stands in its log.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use innsyn_sim::world::WorldSpec;
use tokio::process::Command;
use tokio::time::sleep;

use super::fleet::Fleet;
use super::log_reading::{leaves, no_question_twice, uses};
use super::open_load::Load;

const LIVES: u64 = 100;
/// How many citizens come at once: so many that commits have more than one entry, and that some
/// are under way when the agent is killed.
const TOGETHER: usize = 8;
const EVERY: Duration = Duration::from_millis(200);

/// The agent that is killed, and what it has told callers.
struct Victim {
    register: String,
    log: PathBuf,
    config: PathBuf,
    answered: BTreeSet<[u8; 32]>,
}

impl Victim {
    fn of(fleet: &Fleet) -> Self {
        let register = fleet.registers().swap_remove(0);
        Self {
            log: fleet.world.agent_folder(&register).join("log"),
            config: fleet.world.agent_config(&register),
            register,
            answered: BTreeSet::new(),
        }
    }

    /// Takes note of listings until `answers` of them had an answer from the agent.
    async fn answers(&mut self, load: &mut Load, answers: usize) {
        let enough = self.answered.len() + answers;
        while self.answered.len() < enough {
            let leaf = load.next().await.listing.leaf(&self.register);
            self.answered.extend(leaf);
        }
    }

    /// Verifies the log as its operator does, and looks every answer up in it.
    async fn has_an_entry_for_every_answer(&self) -> usize {
        let verified = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
            .args(["agent", "uselog", "verify", "--config"])
            .arg(&self.config)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "{said}");
        let log = uses(&self.log);
        let holds = format!("the log of use holds: {} entries", log.len());
        assert!(said.contains(&holds), "{said}");
        no_question_twice(&log);
        let lost = self.answered.difference(&leaves(&log)).count();
        assert_eq!(lost, 0, "of {} answers", self.answered.len());
        log.len()
    }
}

#[tokio::test]
async fn promise_4_an_agent_killed_a_hundred_times_under_load_has_an_entry_for_every_answer() {
    let mut fleet = Fleet::start(&WorldSpec::new(2000, 6), 2).await;
    let mut victim = Victim::of(&fleet);
    let citizens = fleet.citizens(200);
    let mut load = Load::start(&fleet, citizens, TOGETHER, EVERY).await;
    for life in 0..LIVES {
        victim.answers(&mut load, 1).await;
        // So that it dies at another moment of its work each time: before, while and after it
        // deals with what has just been asked.
        load.begin().await;
        sleep(Duration::from_millis(life * 3 % 100)).await;
        fleet.kill(&victim.register).await;
        victim.has_an_entry_for_every_answer().await;
        fleet.restart(&victim.register);
    }
    victim.answers(&mut load, 1).await;
    let (rest, begun) = load.stop().await;
    let leaves = rest
        .iter()
        .filter_map(|done| done.listing.leaf(&victim.register));
    victim.answered.extend(leaves);
    fleet.stop(&victim.register).await;
    let entries = victim.has_an_entry_for_every_answer().await;
    println!(
        "killed {LIVES} times: {begun} listings, {entries} entries, {} of them for an answer",
        victim.answered.len()
    );
    assert!(victim.answered.len() as u64 > LIVES);
}
