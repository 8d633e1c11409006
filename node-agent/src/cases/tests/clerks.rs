//! What clerks do: beside the running agent, once, and with settings first.

use super::*;

const ACCEPT: Act = Act::Answer(Verdict::Accepted);

#[tokio::test]
async fn what_a_clerk_says_waits_for_the_agent_and_is_done_once() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Correction, 1).await.case;
    agent.close().await;

    // The agent does not run.
    let (folder, key) = place.records();
    let desk = Desk::open(&folder, &key, rand::make_rng()).await.unwrap();
    let word = ClerkWord {
        case,
        said: Said::Act(ACCEPT),
        words: None,
        clerk: "kari".to_owned(),
    };
    let id = desk.say(word.clone(), place.clock.now()).await.unwrap();
    place.clock.advance(Duration::from_secs(1));
    let twice = desk.say(word, place.clock.now()).await.unwrap();
    assert_eq!(
        desk.outcome(id, Duration::ZERO).await.unwrap(),
        Outcome::Waiting
    );

    let agent = place.agent().await;
    agent.cases.take_words().await.unwrap();
    assert_eq!(
        desk.outcome(id, Duration::ZERO).await.unwrap(),
        Outcome::Taken
    );
    let Outcome::Refused(why) = desk.outcome(twice, Duration::ZERO).await.unwrap() else {
        panic!("the second is no second answer");
    };
    assert!(why.contains("has been answered"), "{why}");
    assert_eq!(agent.cases.take_words().await.unwrap(), 0);
    let steps = agent.desk.steps(case).await.unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1].clerk.as_deref(), Some("kari"));
    assert_eq!(agent.cases.notices_waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn without_a_reason_nothing_is_refused_and_the_clerk_is_told_at_once() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Deletion, 1).await.case;
    for act in [
        Act::Answer(Verdict::Refused),
        Act::Answer(Verdict::Partly),
        Act::Extend,
        Act::Message,
    ] {
        let said = agent.clerk_says(case, act, "").await;
        let error = said.unwrap_err();
        assert!(matches!(
            error,
            ClerkError::Case(CaseError::Step(StepError::WordsMissing))
        ));
    }
    let appeal = agent.clerk_says(case, Act::Appeal, "Nei.").await;
    assert!(appeal.is_err());
    assert_eq!(agent.cases.take_words().await.unwrap(), 0);
}

#[tokio::test]
async fn an_accepted_blocking_or_reservation_is_a_setting_before_it_is_told() {
    let place = Place::new();
    let agent = place.agent().await;
    for (n, kind) in [(1, CaseKind::Blocking), (2, CaseKind::Reservation)] {
        let case = agent.opens(n, kind, 1).await.case;
        place.settings.fails.store(true, Ordering::SeqCst);
        let word = agent.clerk_says(case, ACCEPT, "").await.unwrap();
        assert!(agent.cases.take_words().await.is_err(), "it is tried again");
        assert_eq!(
            agent.desk.outcome(word, Duration::ZERO).await.unwrap(),
            Outcome::Waiting
        );
        assert!(
            agent
                .desk
                .find(&case.to_string())
                .await
                .unwrap()
                .case
                .state()
                .is_open()
        );
        assert_eq!(place.settings.made.lock().unwrap().get(&case), None);

        place.settings.fails.store(false, Ordering::SeqCst);
        agent.cases.take_words().await.unwrap();
        assert_eq!(
            agent.desk.outcome(word, Duration::ZERO).await.unwrap(),
            Outcome::Taken
        );
        let made = place.settings.made.lock().unwrap().get(&case).copied();
        assert_eq!(made, Some((person(n), kind)));
    }
    // Whatever is refused, done in part or of another kind makes no setting.
    for (id, kind, act) in [
        (2, CaseKind::Blocking, Act::Answer(Verdict::Refused)),
        (3, CaseKind::Reservation, Act::Answer(Verdict::Partly)),
        (4, CaseKind::Correction, ACCEPT),
        (5, CaseKind::Deletion, ACCEPT),
        (6, CaseKind::Insight, ACCEPT),
    ] {
        let case = agent.opens(3, kind, id).await.case;
        assert_eq!(agent.clerk(case, act, "Slik er det.").await, Outcome::Taken);
    }
    assert_eq!(place.settings.made.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn where_no_settings_are_kept_none_is_pretended() {
    let place = Place::new();
    let agent = place.agent_with(None).await;
    let case = agent.opens(1, CaseKind::Reservation, 1).await.case;
    let Outcome::Refused(why) = agent.clerk(case, ACCEPT, "").await else {
        panic!("accepted without a setting");
    };
    assert!(why.contains("keeps no settings"), "{why}");
    let refused = Act::Answer(Verdict::Refused);
    assert_eq!(
        agent.clerk(case, refused, "Vi kan ikke.").await,
        Outcome::Taken
    );
}

#[tokio::test]
async fn a_clerks_step_is_lost_nor_doubled_wherever_the_agent_dies() {
    let mut died = 0;
    for operations in 0.. {
        let mut place = Place::new();
        let agent = place.agent().await;
        let case = agent.opens(1, CaseKind::Reservation, 1).await.case;
        let word = agent
            .clerk_says(case, ACCEPT, "Det er gjort.")
            .await
            .unwrap();
        place.disk.crash_after(operations);
        let _dies = agent.cases.take_words().await;
        let crashed = place.disk.has_crashed();
        agent.cases.records.close().await;
        agent.desk.close().await;
        drop(agent);
        died += u32::from(crashed);
        place.disk = place.disk.after_crash();
        let agent = place.agent().await;
        agent.cases.take_words().await.unwrap();
        assert_eq!(
            agent.desk.outcome(word, Duration::ZERO).await.unwrap(),
            Outcome::Taken
        );
        assert_eq!(agent.desk.steps(case).await.unwrap().len(), 2);
        assert_eq!(agent.cases.notices_waiting().await.unwrap(), 1);
        assert_eq!(place.settings.made.lock().unwrap().len(), 1);
        agent.close().await;
        if !crashed {
            break;
        }
    }
    assert!(died > 1, "the disk was never in use");
}

#[tokio::test]
async fn a_clerk_who_looks_is_in_the_log_before_anything_is_shown() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Insight, 1).await.case;
    let word = ClerkWord {
        case,
        said: Said::Look,
        words: None,
        clerk: "kari".to_owned(),
    };
    let look = agent
        .desk
        .say(word.clone(), place.clock.now())
        .await
        .unwrap();
    assert_eq!(
        agent.desk.outcome(look, Duration::ZERO).await.unwrap(),
        Outcome::Waiting
    );
    agent.cases.take_words().await.unwrap();
    assert_eq!(
        agent.desk.outcome(look, Duration::ZERO).await.unwrap(),
        Outcome::Taken
    );
    assert_eq!(
        agent.desk.steps(case).await.unwrap().len(),
        1,
        "a look is no step"
    );

    place.disk.fail_syncs(Some(std::io::ErrorKind::Other));
    let look = agent.desk.say(word, place.clock.now()).await.unwrap();
    assert!(agent.cases.take_words().await.is_err());
    assert_eq!(
        agent.desk.outcome(look, Duration::ZERO).await.unwrap(),
        Outcome::Waiting
    );
    assert!(agent.desk.take_back(look).await.unwrap());
    place.disk.fail_syncs(None);
    agent.close().await;
    let entries = place.entries();
    // The opening, the look, and perhaps the one that could not be made durable in time.
    assert!(entries.len() >= 2);
    assert_eq!(entries[1].organisation.as_str(), "kreft");
}

#[tokio::test]
async fn a_case_is_found_by_the_beginning_of_its_name() {
    let place = Place::new();
    let agent = place.agent().await;
    let first = agent.opens(1, CaseKind::Insight, 1).await.case.to_string();
    assert_eq!(
        agent.desk.find(&first[..6]).await.unwrap().id.to_string(),
        first
    );
    for wrong in ["", "%", "x", "F0"] {
        let found = agent.desk.find(wrong).await;
        assert!(matches!(found, Err(ClerkError::NotThere(_))), "{wrong}");
    }
    let mut other = 2;
    while agent
        .opens(2, CaseKind::Insight, other)
        .await
        .case
        .to_string()[..1]
        != first[..1]
    {
        other += 1;
        if other % 18 == 0 {
            let cases = agent.desk.list(200).await.unwrap();
            let open = cases.iter().skip(1).filter(|it| it.case.state().is_open());
            for shown in open {
                let _answered = agent.clerk(shown.id, ACCEPT, "").await;
            }
        }
    }
    let several = agent.desk.find(&first[..1]).await;
    assert!(matches!(several, Err(ClerkError::Ambiguous(_))));
}
