//! One notice for each message, until it is done.

use bytes::Bytes;

use super::*;

fn keys_of(notices: &[([u8; 32], NationalId)]) -> Vec<[u8; 32]> {
    notices.iter().map(|(key, _)| *key).collect()
}

#[tokio::test]
async fn what_the_register_says_makes_one_notice_each_and_what_the_citizen_says_none() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Correction, 1).await.case;
    agent
        .says(1, To::Message(case), 2, "Hører dere?")
        .await
        .unwrap();
    assert_eq!(agent.cases.notices_waiting().await.unwrap(), 0);
    for (act, waiting) in [
        (Act::Begin, 0),
        (Act::Message, 1),
        (Act::Extend, 2),
        (Act::Answer(Verdict::Refused), 3),
    ] {
        assert_eq!(agent.clerk(case, act, "Ja.").await, Outcome::Taken);
        assert_eq!(
            agent.cases.notices_waiting().await.unwrap(),
            waiting,
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn a_notice_comes_again_until_it_is_done_also_after_a_restart() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Correction, 1).await.case;
    agent.clerk(case, Act::Message, "Ja.").await;
    let first = agent.cases.notices_for(&gateway()).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, person(1));
    agent.close().await;

    let agent = place.agent().await;
    let again = agent.cases.notices_for(&gateway()).await.unwrap();
    assert_eq!(keys_of(&first), keys_of(&again));
    let unknown = Bytes::from_static(&[9; 32]);
    agent
        .cases
        .notices_done(&gateway(), &[unknown])
        .await
        .unwrap();
    assert_eq!(agent.cases.notices_waiting().await.unwrap(), 1);
    let done = Bytes::copy_from_slice(&first[0].0);
    agent
        .cases
        .notices_done(&gateway(), &[done.clone(), done])
        .await
        .unwrap();
    assert_eq!(agent.cases.notices_waiting().await.unwrap(), 0);
    assert!(
        agent
            .cases
            .notices_for(&gateway())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn two_gateways_do_not_both_tell_of_one_message() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Correction, 1).await.case;
    agent.clerk(case, Act::Message, "Ja.").await;
    let other: GatewayName = "portal".parse().unwrap();
    let first = agent.cases.notices_for(&gateway()).await.unwrap();
    assert_eq!(first.len(), 1);
    assert!(agent.cases.notices_for(&other).await.unwrap().is_empty());
    let key = Bytes::copy_from_slice(&first[0].0);
    agent.cases.notices_done(&other, &[key]).await.unwrap();
    assert_eq!(
        agent.cases.notices_waiting().await.unwrap(),
        1,
        "not the other's to say"
    );
    // The first asks on, and keeps it; when it has been away for an hour, the other gets it.
    for _ in 0..5 {
        place.clock.advance(Duration::from_mins(30));
        assert_eq!(agent.cases.notices_for(&gateway()).await.unwrap().len(), 1);
        assert!(agent.cases.notices_for(&other).await.unwrap().is_empty());
    }
    place.clock.advance(Duration::from_mins(61));
    assert_eq!(
        keys_of(&agent.cases.notices_for(&other).await.unwrap()),
        keys_of(&first)
    );
    assert!(
        agent
            .cases
            .notices_for(&gateway())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn not_more_than_eight_go_at_once_and_the_oldest_first() {
    let place = Place::new();
    let agent = place.agent().await;
    let mut cases = Vec::new();
    for n in 0..10 {
        let case = agent.opens(n, CaseKind::Correction, 1).await.case;
        place.clock.advance(Duration::from_secs(1));
        agent.clerk(case, Act::Message, "Ja.").await;
        cases.push(person(n));
    }
    let notices = agent.cases.notices_for(&gateway()).await.unwrap();
    let told: Vec<_> = notices.iter().map(|(_, person)| *person).collect();
    assert_eq!(told, cases[..NOTICES_AT_ONCE_MAX]);
}
