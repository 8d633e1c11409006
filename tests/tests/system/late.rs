//! An agent that came late refuses to be counted, is brought up by another register's with the real
//! commands, and knows from then on what was said before its time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::country::Role;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::registers::Status;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::{OPT_OUT, World, WorldSpec};
use rand::rngs::StdRng;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use wire::run_request::Question as Asked;

use super::asked_agents::AskedAgents;
use super::fleet::{Fleet, LONG, Prepared, until};
use super::log_reading::uses;
use super::research::{persons_by_sex, spec};

/// The register whose agent comes late, and the one whose agent is whole.
const LATE: &str = "npr";
const WHOLE: &str = "kreft";
/// A block at the late register alone.
const OWN: &str = "7e1d7a52-71a0-4e0b-9a3c-000000000003";
/// What lets a citizen gateway send settings.
const MAY_SEND: &str = ", \"settings\"";
/// The number of a setting's change in the log of use.
const SETTING_CHANGE: u8 = 4;
/// How soon a change is in effect.
const SOON: Duration = Duration::from_mins(1);

struct Story {
    fleet: Fleet,
    agents: AskedAgents,
    researcher: Researcher,
    caller: Caller,
    /// People whom the late register counts, and who have said nothing.
    people: Vec<Question>,
    said: u8,
}

impl Story {
    /// A federation in which the gateway sends the late register no settings yet.
    async fn begin() -> Self {
        let spec = WorldSpec {
            settings: true,
            ..spec(600, 22)
        };
        let prepared = Prepared::choosing(&spec, |id, _| [LATE, WHOLE].contains(&id));
        let config = prepared.world.agent_config(LATE);
        let text = fs::read_to_string(&config).unwrap();
        assert!(text.contains(MAY_SEND));
        fs::write(&config, text.replace(MAY_SEND, "")).unwrap();
        let fleet = prepared.start().await;
        fs::write(&config, text).unwrap();
        let people = registered(&fleet.world).take(3);
        let people = people
            .map(|number| question(&fleet.world, number))
            .collect();
        Self {
            agents: AskedAgents::of(&fleet.world),
            researcher: fleet.researcher().await,
            caller: fleet.caller().await,
            people,
            said: 0,
            fleet,
        }
    }

    async fn says(&mut self, who: usize, definition: &str, active: bool) -> Result<(), String> {
        self.said += 1;
        let saying = Saying {
            definition,
            active,
            id: [self.said; 16],
            proof: None,
        };
        let changed = self.caller.change_setting(&self.people[who], saying).await;
        changed.map(drop).map_err(|it| it.message().to_owned())
    }

    /// How many persons the late register counts, as its agent tells the gateway; none where it
    /// refuses.
    async fn persons(&mut self) -> Option<u64> {
        let number = self.agents.permit_number();
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, &number).unwrap();
            });
        let request = self.researcher.asks(Asked::Query(persons_by_sex(&[])));
        let planned = self.researcher.dry_run(request).await.ok()?;
        let part = self.agents.part(LATE, &planned, permit.unwrap()).await;
        Some(part.ok()?.cells.iter().map(|cell| cell.persons).sum())
    }

    /// Waits until the late register counts `persons`.
    async fn counts(&mut self, persons: u64) {
        let ends = Instant::now() + SOON;
        loop {
            let counted = self.persons().await;
            if counted == Some(persons) {
                return;
            }
            assert!(Instant::now() < ends, "{counted:?} and not {persons}");
        }
    }

    /// Waits until the agent of `register` knows that it has everything.
    async fn is_current(&self, register: &str) {
        until("the agent is current", async || {
            let listed = self.caller.settings(&self.people[0]).await.unwrap();
            let mut registers = listed.registers.iter();
            registers.any(|at| at.register_id == register && at.is_current)
        })
        .await;
    }

    /// What the agent of the late register warns of; nothing while it starts.
    async fn warnings(&self) -> String {
        let status = self.fleet.world.agent_status(LATE).unwrap();
        let asked = self.fleet.http.get(format!("http://{status}/readyz"));
        match asked.send().await {
            Ok(told) => told.text().await.unwrap(),
            Err(_) => String::new(),
        }
    }

    /// What `innsyn-agent settings …` at `register` does and says.
    async fn command(&self, register: &str, args: &[&str]) -> (bool, String) {
        let config = self.fleet.world.agent_config(register);
        let ended = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
            .args(["agent", "settings"])
            .args(args)
            .args([Path::new("--config"), &config])
            .output()
            .await
            .unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        for who in &self.people {
            assert!(!said.contains(&who.national_id));
        }
        (ended.status.success(), said)
    }

    /// The file called `name` that somebody carries.
    fn file(&self, name: &str) -> PathBuf {
        self.fleet.world.folder.join(name)
    }
}

/// The numbers of people whom the late register counts.
fn registered(world: &World) -> impl Iterator<Item = u32> {
    let country = &world.country;
    let register = RegisterId::parse(LATE).unwrap();
    let place = country.registers.iter().position(|r| *r.id() == register);
    (0..400).filter(move |number| {
        let records = country.records_of(*number);
        let mut here = records.iter().filter(|r| Some(r.register) == place);
        here.any(|r| r.status == Status::Registered && r.settings.is_empty())
    })
}

fn question(world: &World, number: u32) -> Question {
    let now = SystemClock.now();
    let asking = world.country.asking(number, Role::Oneself, None, now);
    let mut random: StdRng = rand::make_rng();
    world.question(&asking.unwrap(), now, &mut random).unwrap()
}

#[tokio::test]
async fn promise_5_an_agent_that_came_late_is_brought_up_and_respects_what_was_said_before() {
    let mut story = Story::begin().await;
    story.is_current(WHOLE).await;
    let ends = Instant::now() + LONG;
    let before = loop {
        if let Some(persons) = story.persons().await {
            break persons;
        }
        assert!(Instant::now() < ends, "nothing is counted");
    };

    // Said before the gateway ever met the late agent: a no that stands, and one that was taken back.
    story.says(0, OPT_OUT, true).await.unwrap();
    story.says(1, OPT_OUT, true).await.unwrap();
    story.says(1, OPT_OUT, false).await.unwrap();
    // What only that register would have is not accepted, since nobody could ever bring it there.
    let why = story.says(2, OWN, true).await.unwrap_err();
    assert!(why.contains("never been connected"), "{why}");

    // It comes, and cannot be whole: it refuses, and says what to do.
    story.fleet.stop(LATE).await;
    story.fleet.restart(LATE);
    until("it is met", async || {
        story.warnings().await.contains("nothing is counted")
            && story.says(2, OWN, true).await.is_ok()
    })
    .await;
    assert_eq!(story.persons().await, None);
    until("it says what to do, in its log too", async || {
        let command = "innsyn-agent settings recipient";
        let warns = story.warnings().await.contains(command);
        warns && story.fleet.agent_log(LATE).contains(command)
    })
    .await;
    assert_eq!(story.persons().await, None);

    // Who it is goes to a register whose agent is whole, and an export comes back.
    let (recipient, export) = (story.file("npr.recipient"), story.file("npr.settings"));
    let (done, said) = story.command(LATE, &["recipient"]).await;
    assert!(done, "{said}");
    fs::write(&recipient, said).unwrap();
    let to = ["export", "--for", recipient.to_str().unwrap()];
    let out = ["--out", export.to_str().unwrap()];
    let (done, said) = story.command(WHOLE, &[&to[..], &out].concat()).await;
    assert!(done && said.contains("3 changes for `npr`"), "{said}");
    let bytes = fs::read(&export).unwrap();
    for who in &story.people {
        let mut windows = bytes.windows(who.national_id.len());
        assert!(!windows.any(|it| it == who.national_id.as_bytes()));
    }
    // Nobody else can open it, and who is not whole makes none.
    let file = export.to_str().unwrap();
    let (done, said) = story.command(WHOLE, &["import", file, "--no-own"]).await;
    assert!(!done && said.contains("for register `npr`"), "{said}");
    let (_, theirs) = story.command(WHOLE, &["recipient"]).await;
    let other = story.file("kreft.recipient");
    fs::write(&other, theirs).unwrap();
    let to = ["export", "--for", other.to_str().unwrap()];
    let nowhere = story.file("nowhere");
    let out = ["--out", nowhere.to_str().unwrap()];
    let (done, said) = story.command(LATE, &[&to[..], &out].concat()).await;
    assert!(!done && said.contains("not current itself"), "{said}");
    let (done, said) = story.command(LATE, &["import", file]).await;
    assert!(!done && said.contains("--no-own"), "{said}");
    assert_eq!(story.persons().await, None);

    // Cut on its way, it changes nothing.
    let cut = story.file("cut.settings");
    fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let (done, said) = story
        .command(LATE, &["import", cut.to_str().unwrap(), "--no-own"])
        .await;
    assert!(!done && said.contains("cut on its way"), "{said}");

    // Asked for while the agent is down, it is done when it runs, also where it is killed in between.
    story.fleet.kill(LATE).await;
    let (done, said) = story.command(LATE, &["import", file, "--no-own"]).await;
    assert!(done && said.contains("kept"), "{said}");
    for life_s in [1, 11] {
        story.fleet.restart(LATE);
        sleep(Duration::from_secs(life_s)).await;
        story.fleet.kill(LATE).await;
    }
    story.fleet.restart(LATE);
    story.is_current(LATE).await;

    // It counts again, without who has said no before its time, at all registers or at it alone.
    story.counts(before - 2).await;
    let (done, said) = story.command(LATE, &["import", file, "--no-own"]).await;
    assert!(done && said.contains("0 changes were new"), "{said}");
    // And goes on with what is said from now on.
    story.says(0, OPT_OUT, false).await.unwrap();
    story.counts(before - 1).await;
    story.says(1, OPT_OUT, true).await.unwrap();
    story.counts(before - 2).await;
    assert!(!story.warnings().await.contains("innsyn-agent settings"));

    // Every change has one entry in its log, as at the others.
    story.fleet.stop(LATE).await;
    let log = story.fleet.world.agent_folder(LATE).join("log");
    let changes: Vec<_> = uses(&log)
        .into_iter()
        .filter(|it| it.kind == SETTING_CHANGE)
        .map(|it| it.question)
        .collect();
    let different: BTreeSet<_> = changes.iter().collect();
    assert_eq!((changes.len(), different.len()), (6, 6));
}
