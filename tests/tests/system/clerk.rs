//! What a person says on paper: one clerk enters it, another confirms it, and it binds; with an agent
//! that is killed in between.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_proto::wire::types::v1::Channel;
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::country::Role;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::registers::Status;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::{OPT_OUT, World, WorldSpec};
use rand::rngs::StdRng;
use tokio::process::Command;
use tokio::time::Instant;
use wire::run_request::Question as Asked;

use super::asked_agents::AskedAgents;
use super::fleet::{Fleet, LONG, Prepared, until};
use super::log_reading::uses;
use super::research::{persons_by_sex, spec};

const REGISTER: &str = "npr";
const ENTERS: &str = "kari.clerk";
const CONFIRMS: &str = "ola.clerk";
/// The number of a setting's change in the log of use.
const SETTING_CHANGE: u8 = 4;
/// How soon a setting is to bind.
const SOON: Duration = Duration::from_mins(1);

/// The register, its clerks, and whoever asks of it.
struct Story {
    fleet: Fleet,
    agents: AskedAgents,
    researcher: Researcher,
    caller: Caller,
    question: Question,
}

fn file(world: &World, name: &str) -> PathBuf {
    world.folder.join(name)
}

fn written(world: &World, name: &str, text: &str) -> String {
    let path = file(world, name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn command(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", "clerk"])
        .args(args)
        .output()
        .await
        .unwrap()
}

/// Makes a clerk's key, as the clerk does; what goes into the agent's configuration.
async fn key(world: &World, name: &str) -> String {
    let passphrase = written(
        world,
        &format!("{name}.passphrase"),
        "korrekt hest batteri\n",
    );
    let out = file(world, &format!("{name}.key"));
    let out = out.to_str().unwrap();
    let args = [
        "key",
        "--name",
        name,
        "--out",
        out,
        "--passphrase",
        &passphrase,
    ];
    let made = command(&args).await;
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8(made.stdout).unwrap();
    said.lines().next().unwrap().to_owned()
}

impl Story {
    async fn begin() -> Self {
        let spec = WorldSpec {
            settings: true,
            ..spec(600, 21)
        };
        let prepared = Prepared::choosing(&spec, |id, _| id == REGISTER);
        let world = &prepared.world;
        let clerks = [key(world, ENTERS).await, key(world, CONFIRMS).await];
        let config = world.agent_config(REGISTER);
        let text = fs::read_to_string(&config).unwrap();
        let clerks = format!("[settings]\nclerks = {clerks:?}\n");
        fs::write(&config, text.replace("[settings]\n", &clerks)).unwrap();
        let fleet = prepared.start().await;
        let person = registered(&fleet.world);
        let country = &fleet.world.country;
        let asking = country.asking(person, Role::Oneself, None, SystemClock.now());
        let mut random: StdRng = rand::make_rng();
        let question = fleet
            .world
            .question(&asking.unwrap(), SystemClock.now(), &mut random);
        Self {
            agents: AskedAgents::of(&fleet.world),
            researcher: fleet.researcher().await,
            caller: fleet.caller().await,
            question: question.unwrap(),
            fleet,
        }
    }

    /// What a clerk's command does and says.
    async fn clerk(&self, clerk: &str, command_args: &[&str]) -> (bool, String) {
        let world = &self.fleet.world;
        let config = world.agent_config(REGISTER);
        let (key, passphrase) = (
            file(world, &format!("{clerk}.key")),
            file(world, &format!("{clerk}.passphrase")),
        );
        let mut args = command_args.to_vec();
        let signs = [
            "--key",
            key.to_str().unwrap(),
            "--passphrase",
            passphrase.to_str().unwrap(),
        ];
        if command_args[0] != "list" {
            args.extend(signs);
        }
        args.extend(["--config", config.to_str().unwrap()]);
        let ended = command(&args).await;
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.success(), String::from_utf8(said).unwrap())
    }

    /// Enters that the person reserves themself, on a paper of today; the paper's name.
    async fn enters(&self) -> String {
        let world = &self.fleet.world;
        let person = written(world, "person.txt", &self.question.national_id);
        let reason = written(world, "reason.txt", "Har ikke nettilgang.\n");
        let today = SystemClock.now().date_in_norway().unwrap().to_string();
        let args = [
            "set",
            "--person",
            &person,
            "--definition",
            OPT_OUT,
            "--says",
            "yes",
            "--reason",
            &reason,
            "--dated",
            &today,
            "--archive",
            "2026/17",
        ];
        let (done, said) = self.clerk(ENTERS, &args).await;
        assert!(done, "{said}");
        assert!(!said.contains(&self.question.national_id));
        said.split(' ').next().unwrap().to_owned()
    }

    /// How many persons the register counts, as its agent tells the gateway; none where it refuses.
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
        let part = self.agents.part(REGISTER, &planned, permit.unwrap()).await;
        Some(part.ok()?.cells.iter().map(|cell| cell.persons).sum())
    }

    /// Waits until the register counts `persons`.
    async fn counts(&mut self, persons: u64) {
        let ends = Instant::now() + SOON;
        while self.persons().await != Some(persons) {
            assert!(Instant::now() < ends, "not {persons} within a minute");
        }
    }

    /// How many the register counts, once it counts.
    async fn counted(&mut self) -> u64 {
        let ends = Instant::now() + LONG;
        loop {
            if let Some(persons) = self.persons().await {
                return persons;
            }
            assert!(Instant::now() < ends, "nothing is counted");
        }
    }

    /// The person sees the channel, both clerks and the reason.
    async fn person_sees_it(&self) {
        let settings = self.settings().await;
        let [setting] = settings.as_slice() else {
            panic!("{settings:?}");
        };
        assert_eq!(setting.channel(), Channel::Analogue);
        assert_eq!((&*setting.register_id, setting.active), (REGISTER, true));
        let paper_of = setting.paper.as_ref().unwrap();
        assert_eq!(paper_of.entered_by, ENTERS);
        let listed = self.caller.uses(&self.question, Vec::new()).await.unwrap();
        let here = listed
            .registers
            .iter()
            .find(|it| it.register_id == REGISTER);
        let here = here.unwrap();
        assert_eq!(
            here.outcome(),
            citizen::UsesOutcome::Verified,
            "{}",
            here.problem
        );
        let changes: Vec<_> = here
            .uses
            .iter()
            .filter(|told| told.kind() == citizen::UseKind::SettingChange)
            .collect();
        let [change] = changes.as_slice() else {
            panic!("{} changes", changes.len());
        };
        assert_eq!(change.by(), citizen::UsedBy::Register);
        assert_eq!(change.organisation, REGISTER);
        let told = change.paper.as_ref().unwrap();
        assert_eq!(
            (&*told.entered_by, &*told.confirmed_by, &*told.reason),
            (ENTERS, CONFIRMS, "Har ikke nettilgang.")
        );
    }

    async fn settings(&self) -> Vec<citizen::StandingSetting> {
        let listed = self.caller.settings(&self.question).await.unwrap();
        listed.settings
    }
}

/// The number of somebody whom the register counts.
fn registered(world: &World) -> u32 {
    let country = &world.country;
    let register = RegisterId::parse(REGISTER).unwrap();
    let place = country.registers.iter().position(|r| *r.id() == register);
    let mut people = 0..400;
    let person = people.find(|number| {
        let records = country.records_of(*number);
        let mut here = records.iter().filter(|r| Some(r.register) == place);
        here.any(|r| r.status == Status::Registered && r.settings.is_empty())
    });
    person.unwrap()
}

#[tokio::test]
async fn area_2_analogue_channel_a_clerk_enters_a_second_confirms_and_it_is_marked() {
    let mut story = Story::begin().await;
    let before = story.counted().await;

    // One clerk alone changes nothing.
    let paper = story.enters().await;
    let (done, said) = story.clerk(ENTERS, &["confirm", &paper]).await;
    assert!(!done && said.contains("same clerk"), "{said}");
    let (done, said) = story.clerk(ENTERS, &["list"]).await;
    assert!(
        done && said.contains(&paper) && said.contains("lapses"),
        "{said}"
    );
    assert!(!said.contains(&story.question.national_id));
    story.counts(before).await;
    assert_eq!(story.settings().await, []);

    // The other one sees in words what was entered.
    let (done, said) = story.clerk(CONFIRMS, &["confirm", &paper]).await;
    assert!(done, "{said}");
    for words in [
        &*story.question.national_id,
        "RESERVES AGAINST IT",
        "Reservasjon mot at helsedata brukes til annet enn helsehjelp",
        "Har ikke nettilgang.",
        "2026/17",
        ENTERS,
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let (_, code) = said.split_once("--seen ").unwrap();
    let code = code.lines().next().unwrap().to_owned();
    let wrong = ["confirm", &paper, "--seen", "00000000"];
    let (done, said) = story.clerk(CONFIRMS, &wrong).await;
    assert!(!done && said.contains("code"), "{said}");
    story.counts(before).await;

    // Said while the agent is down, it is done when it is back, and once.
    story.fleet.kill(REGISTER).await;
    let confirms = ["confirm", &paper, "--seen", &code];
    let (done, said) = story.clerk(CONFIRMS, &confirms).await;
    assert!(done && said.contains("kept"), "{said}");
    story.fleet.restart(REGISTER);
    story.counts(before - 1).await;
    story.fleet.kill(REGISTER).await;
    story.fleet.restart(REGISTER);
    story.counts(before - 1).await;
    let (done, said) = story.clerk(CONFIRMS, &confirms).await;
    assert!(!done && said.contains("confirmed before"), "{said}");

    story.person_sees_it().await;

    // What is said over the gateway later takes it back, everywhere.
    let saying = Saying {
        definition: OPT_OUT,
        active: false,
        id: [7; 16],
        proof: None,
    };
    let (question, caller) = (story.question.clone(), story.caller.clone());
    until("it is taken back", async || {
        caller.change_setting(&question, saying).await.is_ok()
    })
    .await;
    story.counts(before).await;
    let settings = story.settings().await;
    assert_eq!(settings[0].channel(), Channel::Digital);

    story.fleet.stop(REGISTER).await;
    let log = story.fleet.world.agent_folder(REGISTER).join("log");
    let changes = uses(&log)
        .into_iter()
        .filter(|it| it.kind == SETTING_CHANGE);
    assert_eq!(changes.count(), 2, "each once");
}
