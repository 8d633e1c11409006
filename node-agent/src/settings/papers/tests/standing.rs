//! Which of paper and gateway stands, and what stands after an agent has ended.

use super::*;

/// The rule is `policy`'s; here it is seen to be the one that settings are kept by.
#[tokio::test]
async fn between_paper_and_gateway_the_later_day_wins_and_on_one_day_the_no_does() {
    // What is said over the gateway and when; what the paper says of its day; what stands.
    let rows = [
        (false, "2027-01-12T10:00:00Z", true, "2027-01-10", false),
        (false, "2027-01-12T10:00:00Z", true, "2027-01-13", true),
        (false, "2027-01-12T10:00:00Z", true, "2027-01-12", true),
        (true, "2027-01-12T10:00:00Z", false, "2027-01-12", true),
        (true, "2027-01-12T10:00:00Z", false, "2027-01-13", false),
        (true, "2027-01-12T10:00:00Z", false, "2027-01-11", true),
    ];
    for (online, at, on_paper, dated, reserved) in rows {
        let place = Place::new();
        let agent = place.agent().await;
        agent.says_online(online, at).await;
        let id = agent
            .enters(&agent.paper(on_paper, dated), "kari")
            .await
            .unwrap();
        let outcome = agent.confirms(id, "ola").await;
        let case = format!("{online} {at}, paper {on_paper} {dated}");
        assert_eq!(agent.is_reserved(), reserved, "{case}");
        let stands = reserved == on_paper;
        assert!(
            matches!(&outcome, PaperOutcome::Taken(told) if told.contains("not in effect") != stands),
            "{case}: the clerk is told: {outcome:?}"
        );
    }
    // What is said online after the paper, on its own day.
    let place = Place::new();
    let agent = place.agent().await;
    let id = agent
        .enters(&agent.paper(true, "2027-01-15"), "kari")
        .await
        .unwrap();
    agent.confirms(id, "ola").await;
    assert!(agent.is_reserved());
    agent.says_online(false, "2027-01-15T08:00:01Z").await;
    assert!(!agent.is_reserved());
}

#[tokio::test]
async fn promise_8_an_agent_that_ends_between_log_and_records_does_nothing_twice() {
    let place = Place::new();
    let agent = place.agent().await;
    let id = agent
        .enters(&agent.paper(true, "2027-01-10"), "kari")
        .await
        .unwrap();
    let word = agent.says(id, "ola", PaperSaid::Confirm).await;
    let (note,): (Vec<u8>,) = sqlx::query_as("SELECT note FROM paper_word WHERE id = $1")
        .bind(word.as_slice())
        .fetch_one(agent.papers.keeper.records().pool())
        .await
        .unwrap();
    assert!(matches!(
        agent.outcome_of(word).await,
        PaperOutcome::Taken(_)
    ));
    assert_eq!(place.changes().len(), 1);

    // As it is on the disk if the agent was killed after the log, and then after the setting.
    for undone in [&["setting", "setting_change"][..], &[]] {
        let records = agent.papers.keeper.records();
        for table in undone {
            let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
            sqlx::query(delete).execute(records.pool()).await.unwrap();
        }
        let undo = "UPDATE paper SET ended = NULL, word = NULL, change = NULL, told = NULL";
        sqlx::query(undo).execute(records.pool()).await.unwrap();
        sqlx::query("UPDATE paper_word SET taken_at = NULL, note = $1 WHERE id = $2")
            .bind(&note)
            .bind(word.as_slice())
            .execute(records.pool())
            .await
            .unwrap();
        let again = agent.outcome_of(word).await;
        assert!(matches!(again, PaperOutcome::Taken(_)), "{again:?}");
        assert!(agent.is_reserved());
        assert_eq!(place.changes().len(), 1, "logged once");
        let kept = agent.papers.keeper.kept();
        assert_eq!(kept.changes_of(&person(1), records).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn promise_4_a_paper_that_cannot_be_logged_waits_and_is_no_setting() {
    let place = Place::new();
    let agent = place.agent().await;
    let id = agent
        .enters(&agent.paper(true, "2027-01-10"), "kari")
        .await
        .unwrap();
    let word = agent.says(id, "ola", PaperSaid::Confirm).await;
    agent.log.close().await;
    assert!(agent.papers.take_words().await.is_err());
    assert!(!agent.is_reserved());
    let outcome = agent.desk.outcome(word, Duration::ZERO).await.unwrap();
    assert_eq!(outcome, PaperOutcome::Waiting);
    agent.close().await;
    let agent = place.agent().await;
    assert!(matches!(
        agent.outcome_of(word).await,
        PaperOutcome::Taken(_)
    ));
    assert!(agent.is_reserved());
}

#[tokio::test]
async fn no_person_and_no_reason_stand_in_clear_in_the_records() {
    let place = Place::new();
    let agent = place.agent().await;
    let id = agent
        .enters(&agent.paper(true, "2027-01-10"), "kari")
        .await
        .unwrap();
    agent.confirms(id, "ola").await;
    agent.close().await;
    let folder = place.folder.path().join("records");
    assert!(folder.join(RECORDS_FILE).exists());
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for text in [digits(1).as_str(), "ingen nettilgang", "2027/17"] {
            let found = bytes.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!found);
        }
    }
}
