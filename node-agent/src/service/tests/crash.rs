//! Promise 4 under crashes: whatever was answered stands in the log that is found afterwards.

use rand::RngExt as _;

use super::*;

/// Answers until the power fails at a moment that `seed` chooses, and says what is wrong with
/// the log that is found afterwards.
async fn survive<D: Disk>(
    seed: u64,
    subjects: &Subjects,
    on: impl FnOnce(SimDisk) -> D,
) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let disk = SimDisk::new(seed);
    disk.crash_after(random.random_range(10..80));
    let mut answered = Vec::new();
    if let Some(log) = open_log(on(disk.clone())) {
        let answering = answering_over(log, subjects, PLENTY);
        let mut id = 1;
        while !disk.has_crashed() {
            let batch = if random.random_bool(0.5) {
                1
            } else {
                random.random_range(2..30)
            };
            let questions = (id..id + batch).map(|id| own(id, random.random_range(0..=PERSONS)));
            let answers = ask(&answering, questions.collect()).await;
            for (id, answer) in (id..).zip(answers) {
                match (answer.outcome, answer.use_log_leaf) {
                    (Outcome::Registered(_) | Outcome::NotRegistered, Some(leaf)) => {
                        answered.push((QuestionId(u128::from(id).to_le_bytes()), leaf));
                    }
                    (Outcome::NoAnswer(NoAnswerReason::LogUnavailable), None) => {}
                    other => return Err(format!("question {id}: {other:?}")),
                }
            }
            id += batch;
        }
        answering.log().close().await;
    }
    let found = disk.after_crash();
    let key = HeadKey::parse(keys().public_text()).map_err(|error| error.to_string())?;
    verify(&found, &key, &[], None).map_err(|error| error.to_string())?;
    let entries = entries(&found);
    for (question, leaf) in &answered {
        let is_it = |(entry, hash): &(Entry, [u8; 32])| entry.question == *question && hash == leaf;
        if !entries.iter().any(is_it) {
            return Err(format!("{question:?} was answered and has no entry"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn promise_4_no_answer_without_an_entry() {
    let subjects = subjects().await;
    for seed in 0..1000 {
        if let Err(error) = survive(seed, &subjects, |disk| disk).await {
            panic!("seed {seed}: {error}");
        }
    }
}

#[tokio::test]
async fn promise_4_without_the_sync_the_same_check_fails() {
    let subjects = subjects().await;
    let mut noticed = 0;
    for seed in 0..200 {
        noticed += u32::from(survive(seed, &subjects, NoSync).await.is_err());
    }
    assert!(noticed > 100, "only {noticed} of 200 crashes were noticed");
}
