//! What is pushed to the register.

use std::collections::BTreeSet;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::country::Role;
use innsyn_sim::population::Person;
use innsyn_sim::sts::Fault;
use innsyn_sim::world::OPT_OUT;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::super::fleet::until;
use super::world::{NEVER, REGISTER, Set, Story};

/// What PVK pushes.
fn push(person: &Person, sequence: i64, active: bool) -> String {
    json!({
        "innbyggerFnr": person.id.expose_str(),
        "definisjonGuid": OPT_OUT,
        "partKode": "HDIR",
        "typePi": "reservasjon",
        "aktiv": active,
        "sekvensnummer": sequence,
        "tidspunkt": "2026-01-15T08:00:00Z",
    })
    .to_string()
}

/// The sequences and states that the register tells a gateway of `person`'s opt-out.
async fn told(story: &Story, person: &Person) -> Option<(bool, u32)> {
    let world = &story.fleet.world;
    let asking = world
        .country
        .asking(person.number, Role::Oneself, None, SystemClock.now());
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking.unwrap(), SystemClock.now(), &mut random);
    let caller = story.fleet.caller().await;
    let listed = caller.settings(&question.unwrap()).await.unwrap();
    let mut settings = listed.settings.into_iter();
    let opt_out = settings.find(|it| it.definition_id == OPT_OUT)?;
    Some((opt_out.active, opt_out.effective_at))
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_a_setting_pushed_by_pvk_binds_at_the_next_query_and_is_in_the_log() {
    let mut story = Set::up(NEVER).await.start().await;
    let before = story.counts().await;
    let person = story.people()[0];

    story.says(&person, true);
    story.received(1).await;
    assert_eq!(story.counted().await, Some(before - 1));
    assert_eq!(told(&story, &person).await, Some((true, 1)));

    story.says(&person, false);
    story.received(2).await;
    assert_eq!(story.counted().await, Some(before));

    // Replayed, both change nothing and leave no entry.
    let receiver = story.receiver();
    assert!(receiver.takes(&push(&person, 2, false)).await);
    assert!(receiver.takes(&push(&person, 1, true)).await);
    assert_eq!(story.counted().await, Some(before));
    story.log_names_nobody();
    let logged = story.logged().await;
    let changes: BTreeSet<_> = logged.iter().map(|it| it.question).collect();
    assert_eq!((logged.len(), changes.len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_every_bad_token_is_refused_and_nothing_is_taken() {
    const TOKENS: [Fault; 15] = [
        Fault::Expired,
        Fault::NotYetValid,
        Fault::NoExpiry,
        Fault::LivesTooLong,
        Fault::WrongAudience,
        Fault::TwoAudiences,
        Fault::WrongIssuer,
        Fault::WrongKey,
        Fault::UnknownKey,
        Fault::NoKeyName,
        Fault::Tampered,
        Fault::Unsigned,
        Fault::PublicKeyAsSecret,
        Fault::WrongType,
        Fault::ScopeMissing,
    ];
    let mut story = Set::up(NEVER).await.start().await;
    let person = story.people()[0];
    let receiver = story.receiver();
    let push = push(&person, 1, true);
    let mut random = StdRng::seed_from_u64(5);
    let now = SystemClock.now();
    for fault in TOKENS {
        let token = receiver
            .sts
            .system_token(&receiver.call, Some(fault), now, &mut random)
            .unwrap();
        let answer = receiver.answers(&push, &format!("Bearer {token}")).await;
        assert_eq!(answer, Some(401), "{fault:?}");
    }
    let users = receiver.sts.users_token(&receiver.call, now, &mut random);
    let users = format!("Bearer {}", users.unwrap());
    assert_eq!(receiver.answers(&push, &users).await, Some(401), "a user's");
    assert_eq!(receiver.answers(&push, "").await, Some(401), "none");
    assert_eq!(told(&story, &person).await, None);
    assert!(receiver.takes(&push).await, "and a good one is taken");
    assert_eq!(story.metric("receiver_bad_tokens_total").await, 17);
    assert_eq!(story.logged().await.len(), 1);
}

/// What was answered with success is there, whenever the agent is killed. PVK is down when it
/// starts again, so that nothing could have been fetched instead.
#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_what_was_received_outlives_an_agent_that_is_killed() {
    let seed = 20_261_128;
    let mut random = StdRng::seed_from_u64(seed);
    let mut story = Set::up(NEVER).await.start().await;
    story.counts().await;
    story.pvk.pvk.trouble(|it| it.down = true);
    let people: Vec<_> = story.people().into_iter().take(24).collect();
    let mut acknowledged = Vec::new();
    for round in people.chunks(6) {
        let receiver = story.receiver();
        let pushes: Vec<_> = round.iter().map(|it| (*it, push(it, 1, true))).collect();
        let pushing = tokio::spawn(async move {
            let mut done = Vec::new();
            for (person, push) in pushes {
                if receiver.takes(&push).await {
                    done.push(person);
                }
            }
            done
        });
        let wait = std::time::Duration::from_millis(random.random_range(0..60));
        tokio::time::sleep(wait).await;
        story.fleet.kill(REGISTER).await;
        acknowledged.extend(pushing.await.unwrap());
        story.fleet.restart(REGISTER);
        let url = story.receiver().url;
        until("the agent listens again", async || {
            story.fleet.http.post(&url).send().await.is_ok()
        })
        .await;
    }
    assert!(
        !acknowledged.is_empty(),
        "seed {seed}: nothing was received"
    );
    for person in &acknowledged {
        until("the register tells it", async || {
            told(&story, person).await.is_some()
        })
        .await;
        assert_eq!(told(&story, person).await, Some((true, 1)), "seed {seed}");
    }
    let logged = story.logged().await;
    assert!(logged.len() >= acknowledged.len(), "seed {seed}");
}
