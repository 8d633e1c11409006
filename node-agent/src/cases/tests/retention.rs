//! What was said in a case that was closed long ago is removed; its lines and receipts stay.

use innsyn_proto::wire::types::v1 as types;

use super::*;

#[tokio::test]
async fn a_closed_case_loses_what_was_said_after_its_time_and_keeps_its_receipts() {
    let place = Place::new();
    let agent = place.agent().await;
    let closed = agent.opens(1, CaseKind::Correction, 1).await.case;
    let open = agent.opens(1, CaseKind::Insight, 2).await.case;
    let answer = Act::Answer(Verdict::Refused);
    assert_eq!(
        agent.clerk(closed, answer, "Datoen er riktig.").await,
        Outcome::Taken
    );
    let before = agent.cases.get(&own(1), closed, None).await.unwrap();

    place.clock.advance(KEPT);
    assert_eq!(
        agent.cases.remove_old().await.unwrap(),
        0,
        "not a moment early"
    );
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(agent.cases.remove_old().await.unwrap(), 1);
    assert_eq!(agent.cases.remove_old().await.unwrap(), 0, "once");

    let after = agent.cases.get(&own(1), closed, None).await.unwrap();
    assert_eq!(after.steps.len(), 2);
    for (before, after) in before.steps.iter().zip(&after.steps) {
        assert!(!before.text.is_empty() && !before.content_removed);
        assert!(after.text.is_empty() && after.content_removed);
        assert_eq!(after.receipt, before.receipt);
        assert_eq!((after.act, after.at_ms), (before.act, before.at_ms));
    }
    assert_eq!(after.summary.unwrap().state(), types::CaseState::Refused);
    let told = agent.cases.get(&own(1), open, None).await.unwrap();
    assert_eq!(told.steps[0].text, "Fødselsåret er feil.", "it is open");
    let shown = agent.desk.steps(closed).await.unwrap();
    assert!(
        shown
            .iter()
            .all(|step| step.removed && step.words.is_none())
    );

    // It can still be appealed, and is whole again from there on.
    agent
        .says(1, To::Appeal(closed), 3, "Jeg er uenig.")
        .await
        .unwrap();
    assert_eq!(agent.cases.remove_old().await.unwrap(), 0);
    let told = agent.cases.get(&own(1), closed, None).await.unwrap();
    assert_eq!(told.steps[2].text, "Jeg er uenig.");
}

/// Nothing of it is left in the file but what is sealed and reused.
#[tokio::test]
async fn no_row_holds_what_was_removed() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent.opens(1, CaseKind::Correction, 1).await.case;
    let answer = Act::Answer(Verdict::Accepted);
    assert_eq!(agent.clerk(case, answer, "Gjort.").await, Outcome::Taken);
    place.clock.advance(KEPT * 2);
    agent.cases.remove_old().await.unwrap();
    let count = |query: &'static str| {
        let pool = agent.cases.records.pool().clone();
        async move {
            let (rows,): (i64,) = sqlx::query_as(query).fetch_one(&pool).await.unwrap();
            rows
        }
    };
    let kept = "SELECT count(*) FROM case_steps WHERE words IS NOT NULL OR digest IS NOT NULL";
    assert_eq!(count(kept).await, 0);
    assert_eq!(count("SELECT count(*) FROM case_words").await, 0);
    assert_eq!(count("SELECT count(*) FROM case_steps").await, 2);
}
