//! A thousand listings against what the written files say, worked out by other code.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use innsyn_policy::{Clock as _, NoAnswerReason, Outcome, RegisterId, Timestamp};
use innsyn_proto::clock::SystemClock;
use innsyn_sim::country::{Asking, Role};
use innsyn_sim::registers::Status;
use innsyn_sim::sts::Mandate;
use innsyn_sim::truth::{Expected, Truth};
use innsyn_sim::world::{World, ids};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::federation::{Prepared, Told, list, spec_of_today};

const PERSONS: u32 = 3_000;
/// People asked about.
const ASKED_ABOUT: usize = 1_000;
/// How many of them must have met each outcome.
const EACH_OUTCOME_MIN: usize = 20;
/// Listings under way at once.
const AT_ONCE: usize = 16;
/// The register whose agent is never started.
const DEAD: &str = "kpr";

/// Somebody at random, asked about in one of the ways there are. Few have ever been deleted from
/// a register, so every tenth is one of those.
fn somebody(world: &World, random: &mut StdRng) -> Asking {
    let now = SystemClock.now();
    let was_deleted = |number| {
        let records = world.country.records_of(number);
        records.iter().any(|it| it.status == Status::Deleted)
    };
    let wants_deleted = random.random_ratio(1, 10);
    loop {
        let number = random.random_range(0..PERSONS);
        if wants_deleted && !was_deleted(number) {
            continue;
        }
        let role = match random.random_range(0..8) {
            0..3 => Role::Oneself,
            3..5 => Role::Parent,
            5 => Role::Guardian,
            _ => Role::Poa,
        };
        let areas = [
            "insight",
            "insight/kind/survey",
            "insight/kind/quality",
            "insight/register/kreft",
            "insight/register/kpr",
            "mail",
        ];
        let (from_days, until_days) =
            [(-10, 10), (-10, 10), (-10, -1), (1, 10)][random.random_range(0..4)];
        let day = |days: i64| Timestamp::from_seconds(now.as_seconds() + days * 86_400);
        let mandate = Mandate {
            areas: vec![areas[random.random_range(0..areas.len())].to_owned()],
            from: day(from_days),
            until: day(until_days),
        };
        // Grown people whose parents are not in the country have nobody to ask for them.
        if let Ok(asking) = world.country.asking(number, role, Some(mandate), now) {
            return asking;
        }
    }
}

/// What must be told; `DEAD` is not up.
fn expected(truth: &Truth, asking: &Asking) -> Option<BTreeMap<String, Told>> {
    let now = SystemClock.now();
    let Expected::Listing(outcomes) = truth.expected(&asking.subject, &asking.right, now) else {
        return None;
    };
    let told = outcomes.into_iter().map(|(register, outcome)| {
        let dead = register == DEAD && !matches!(outcome, Outcome::Withheld(_));
        let outcome = if dead {
            Outcome::NoAnswer(NoAnswerReason::Down)
        } else {
            outcome
        };
        (register, Told::from(&outcome))
    });
    Some(told.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stdout,
    reason = "the seed, and how many met each outcome"
)]
async fn promise_1_a_thousand_listings_say_what_the_registers_files_say() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let spec = spec_of_today(PERSONS, random.random());
    let prepared = Prepared::new(&spec);
    let live = ids(prepared.world.live());
    let live: Vec<&str> = live.iter().map(RegisterId::as_str).collect();
    let started: Vec<&str> = live.iter().copied().filter(|id| *id != DEAD).collect();
    assert_eq!((live.len(), started.len()), (77, 76));
    let federation = prepared.start(&started).await;

    let asked: Vec<Asking> = (0..ASKED_ABOUT)
        .map(|_| somebody(&federation.world, &mut random))
        .collect();
    let country = federation.world.folder.join("country");
    let truth = Truth::read(&country, asked.iter().map(|asking| &asking.subject)).unwrap();
    let caller = federation.caller().await;

    let mut people_with: BTreeMap<String, usize> = BTreeMap::new();
    let mut listings = stream::iter(&asked)
        .map(async |asking| {
            let said = list(&caller, &federation.question_of(asking)).await;
            (asking, said)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((asking, said)) = listings.next().await {
        let about = || format!("person {} as {:?}", asking.subject.number, asking.right);
        let mut met: Vec<String> = match (said, expected(&truth, asking)) {
            (Ok(listing), Some(expected)) => {
                assert_eq!(listing.told, expected, "{}", about());
                assert_eq!(listing.summary.registers, 83);
                let words = listing.told.values().map(|told| told.outcome.clone());
                words.collect()
            }
            (Err(_), None) => vec!["refused".to_owned()],
            (said, expected) => panic!("{}: {said:?}, not {expected:?}", about()),
        };
        met.sort();
        met.dedup();
        for outcome in met {
            *people_with.entry(outcome).or_default() += 1;
        }
    }
    println!("people with each outcome: {people_with:?}");
    assert_eq!(people_with.len(), 8, "seven outcomes, and refusals");
    assert!(
        people_with
            .values()
            .all(|people| *people >= EACH_OUTCOME_MIN)
    );
}
