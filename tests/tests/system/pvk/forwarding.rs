//! What is said through Innsyn of a definition that PVK writes.

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::StandingSetting;
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::country::Role;
use innsyn_sim::population::Person;
use innsyn_sim::world::OPT_OUT;
use rand::rngs::StdRng;

use super::super::fleet::until;
use super::world::{NEVER, REGISTER, Set, Story};

/// The call that writes.
const WRITING: &str = "SettInnbyggersPersonvernInnstilling";

fn question(story: &Story, person: &Person) -> Question {
    let world = &story.fleet.world;
    let asking = world
        .country
        .asking(person.number, Role::Oneself, None, SystemClock.now());
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking.unwrap(), SystemClock.now(), &mut random);
    question.unwrap()
}

async fn says(caller: &Caller, question: &Question, active: bool, id: u8) -> i64 {
    let saying = Saying {
        definition: OPT_OUT,
        active,
        id: [id; 16],
        proof: None,
    };
    caller
        .change_setting(question, saying)
        .await
        .unwrap()
        .sequence
}

async fn standing(caller: &Caller, question: &Question) -> Option<StandingSetting> {
    let listed = caller.settings(question).await.ok()?;
    let mut settings = listed.settings.into_iter();
    settings.find(|it| it.definition_id == OPT_OUT)
}

/// Waits until the agent has met the gateway, so that changes are sealed to it.
async fn has_met(story: &Story, caller: &Caller, question: &Question) {
    until("the gateway has met the agent", async || {
        let listed = caller.settings(question).await;
        listed.is_ok_and(|it| it.registers.iter().any(|at| at.is_current))
    })
    .await;
    assert_eq!(story.pvk.pvk.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_what_is_said_here_is_said_there_once_and_holds_when_it_is() {
    let mut story = Set::up(NEVER).await.start().await;
    let before = story.counts().await;
    let person = story.people()[0];
    let fnr = person.id.expose_str().to_owned();
    let caller = story.fleet.caller().await;
    let asked = question(&story, &person);
    has_met(&story, &caller, &asked).await;

    // While PVK is down it waits, through a kill too, and nobody is told that it is in effect.
    story.pvk.pvk.trouble(|it| {
        it.down = true;
        it.mute = true;
    });
    let sequence = says(&caller, &asked, true, 1).await;
    until("it is tried", async || story.warns("wait to be said").await).await;
    assert_eq!(standing(&caller, &asked).await, None);
    assert_eq!(story.counted().await, Some(before));
    story.fleet.kill(REGISTER).await;
    story.fleet.restart(REGISTER);

    // The first answer is lost on its way.
    story.pvk.pvk.trouble(|it| {
        it.down = false;
        it.answers_lost = 1;
    });
    until("it is in effect", async || {
        let standing = standing(&caller, &asked).await;
        standing.is_some_and(|it| (it.active, it.effective_at, it.sequence) == (true, 1, sequence))
    })
    .await;
    assert_eq!(story.pvk.pvk.writes(), [(fnr.clone(), true)], "once");
    assert_eq!(story.pvk.pvk.calls(WRITING), 1, "and not tried again");
    assert_eq!(story.pvk.pvk.stands(&fnr, OPT_OUT).unwrap().sequence, 1);
    assert_eq!(story.counts().await, before - 1);

    // Taken back and made again before anybody has looked: in order.
    story.pvk.pvk.trouble(|it| it.down = true);
    says(&caller, &asked, false, 2).await;
    let sequence = says(&caller, &asked, true, 3).await;
    story.pvk.pvk.trouble(|it| it.down = false);
    until("the last is in effect", async || {
        let standing = standing(&caller, &asked).await;
        standing.is_some_and(|it| (it.active, it.sequence) == (true, sequence))
    })
    .await;
    let written: Vec<bool> = story.pvk.pvk.writes().iter().map(|(_, it)| *it).collect();
    assert_eq!(written, [true, false, true]);
    story.log_names_nobody();
    assert_eq!(story.logged().await.len(), 3, "each is in the log once");
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_what_is_refused_there_holds_back_nothing_else_and_is_told() {
    let mut story = Set::up(NEVER).await.start().await;
    story.counts().await;
    let [refused, other] = [0, 1].map(|n: usize| story.people()[n]);
    story.pvk.pvk.knows_nobody(refused.id.expose_str());
    let caller = story.fleet.caller().await;
    let [of_refused, of_other] = [refused, other].map(|it| question(&story, &it));
    has_met(&story, &caller, &of_refused).await;

    says(&caller, &of_refused, true, 1).await;
    says(&caller, &of_other, true, 2).await;
    until("the other is in effect", async || {
        standing(&caller, &of_other)
            .await
            .is_some_and(|it| it.effective_at == 1)
    })
    .await;
    assert_eq!(standing(&caller, &of_refused).await, None);
    assert!(story.warns("refused by Personvernkomponenten").await);
    let log = story.fleet.agent_log(REGISTER);
    assert!(log.contains("EPVK-101518"), "its own word for why");
    story.log_names_nobody();
}
