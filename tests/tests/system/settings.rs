//! What a citizen says of the use of their data binds at every register, once, soon, and in spite
//! of what breaks.

use std::collections::BTreeMap;
use std::time::Duration;

use innsyn_proto::wire::citizen::v1::{ListSettingsResponse, StandingSetting};
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::world::{OPT_OUT, WorldSpec};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, LONG, until};
use super::log_reading::uses;

/// The number of a setting's change in the log of use.
const SETTING_CHANGE: u8 = 4;
/// How soon a change is to be in effect at every connected agent.
const SOON: Duration = Duration::from_mins(1);

fn spec(persons: u32, seed: u64) -> WorldSpec {
    WorldSpec {
        settings: true,
        ..WorldSpec::new(persons, seed)
    }
}

fn opt_out(active: bool, id: u8) -> Saying<'static> {
    Saying {
        definition: OPT_OUT,
        active,
        id: [id; 16],
        proof: None,
    }
}

/// What `question`'s person has said of the opt-out, as the registers tell it now.
async fn standing(caller: &Caller, question: &Question) -> Option<StandingSetting> {
    let listed = caller.settings(question).await.unwrap();
    let mut settings = listed.settings.into_iter();
    settings.find(|setting| setting.definition_id == OPT_OUT)
}

fn current_at(listed: &ListSettingsResponse) -> usize {
    listed.registers.iter().filter(|at| at.is_current).count()
}

/// Waits until every agent has heard the gateway.
async fn all_current(caller: &Caller, question: &Question, agents: usize) {
    until("every agent is current", async || {
        current_at(&caller.settings(question).await.unwrap()) == agents
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_5_area_1_settings_a_change_is_in_effect_at_every_connected_agent_within_a_minute()
{
    const AGENTS: usize = 4;
    let mut fleet = Fleet::start(&spec(300, 31), AGENTS).await;
    let citizens = fleet.citizens(2);
    let [kari, ola] = [0, 1].map(|n: usize| citizens[n].question(&fleet.world, None));
    let caller = fleet.caller().await;
    all_current(&caller, &kari, AGENTS).await;
    assert_eq!(standing(&caller, &kari).await, None, "never recorded");

    let began = Instant::now();
    let changed = caller
        .change_setting(&kari, opt_out(true, 1))
        .await
        .unwrap();
    assert!(changed.registers as usize >= AGENTS);
    let in_effect = async |effective: usize, active: bool| {
        let standing = standing(&caller, &kari).await;
        standing.is_some_and(|it| it.effective_at as usize == effective && it.active == active)
    };
    until("the change is in effect", async || {
        in_effect(AGENTS, true).await
    })
    .await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(standing(&caller, &ola).await, None, "it is nobody else's");

    // Asked for again under its name, it is the same change.
    let again = caller
        .change_setting(&kari, opt_out(true, 1))
        .await
        .unwrap();
    assert_eq!(again, changed);

    // An agent that is away gets it when it comes back; nobody waits for it meanwhile.
    let away = fleet.registers()[0].clone();
    fleet.kill(&away).await;
    let taken_back = caller
        .change_setting(&kari, opt_out(false, 2))
        .await
        .unwrap();
    assert!(taken_back.sequence > changed.sequence);
    until("the others have it", async || {
        in_effect(AGENTS - 1, false).await
    })
    .await;
    fleet.restart(&away);
    until("so has the one that was away", async || {
        in_effect(AGENTS, false).await
    })
    .await;

    // Each change left one entry at each register, in the log of use.
    for register in fleet.registers() {
        assert_eq!(
            changes_in_log_of(&mut fleet, &register).await.len(),
            2,
            "{register}"
        );
    }
}

/// How many entries each change of a setting has in the log of use of `register`, whose agent is
/// stopped for it.
async fn changes_in_log_of(fleet: &mut Fleet, register: &str) -> BTreeMap<[u8; 16], usize> {
    fleet.stop(register).await;
    let mut changes = BTreeMap::new();
    for entry in uses(&fleet.world.agent_folder(register).join("log")) {
        if entry.kind == SETTING_CHANGE {
            *changes.entry(entry.question).or_default() += 1;
        }
    }
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_8_no_change_is_lost_or_done_twice_while_agents_and_the_relay_die() {
    const AGENTS: usize = 4;
    const CHANGES: u8 = 30;
    let seed = 20_261_127;
    let mut random = StdRng::seed_from_u64(seed);
    let mut fleet = Fleet::start(&spec(300, 32), AGENTS).await;
    let citizens = fleet.citizens(5);
    let questions: Vec<_> = citizens
        .iter()
        .map(|citizen| citizen.question(&fleet.world, None))
        .collect();
    let caller = fleet.caller().await;
    all_current(&caller, &questions[0], AGENTS).await;

    // Whose change is the last, and what it says.
    let mut last = BTreeMap::new();
    for id in 1..=CHANGES {
        let who = random.random_range(0..questions.len());
        let active = random.random();
        let said = caller
            .change_setting(&questions[who], opt_out(active, id))
            .await
            .unwrap();
        last.insert(who, (active, said.sequence));
        match random.random_range(0..6) {
            0 | 1 => {
                let registers = fleet.registers();
                let register = registers[random.random_range(0..registers.len())].clone();
                fleet.kill(&register).await;
                fleet.restart(&register);
            }
            2 => {
                fleet.kill_relay().await;
                fleet.restart_relay();
            }
            _ => sleep(Duration::from_millis(random.random_range(0..80))).await,
        }
    }

    for (who, (active, sequence)) in &last {
        let ends = Instant::now() + LONG;
        loop {
            let standing = standing(&caller, &questions[*who]).await;
            let holds = standing.as_ref().is_some_and(|it| {
                (it.active, it.sequence, it.effective_at as usize) == (*active, *sequence, AGENTS)
            });
            if holds {
                break;
            }
            assert!(
                Instant::now() < ends,
                "seed {seed}, citizen {who}: {standing:?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
    for register in fleet.registers() {
        let changes = changes_in_log_of(&mut fleet, &register).await;
        assert_eq!(
            changes.len(),
            usize::from(CHANGES),
            "seed {seed}: {register} has all"
        );
        // Killed between the log and the records, an agent finds what it has logged.
        let twice = changes.values().filter(|entries| **entries > 1).count();
        assert_eq!(twice, 0, "seed {seed}: {register} logged changes twice");
    }
}
