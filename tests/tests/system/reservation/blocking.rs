//! An accepted blocking is a setting, and binds.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use super::super::dialogs::{Citizen, clerk_at};
use super::*;

/// The register's own block, in the world's definitions.
const BLOCK: &str = "7e1d7a52-71a0-4e0b-9a3c-000000000003";
/// How soon it is to bind.
const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn area_1_an_accepted_blocking_takes_exactly_that_person_out_of_the_next_count() {
    let spec = WorldSpec {
        settings: true,
        ..spec(600, 21)
    };
    let mut story = Story::begin_in(&spec, Some(EXACT)).await;
    until("something is counted", async || {
        story.persons().await.is_some()
    })
    .await;
    let before = story.exact().await;
    let persons = persons_in(&before);
    // Somebody who is counted, which shows when they opt out and back in.
    let mut candidates = Vec::new();
    story.person(|person, is_counted| {
        if is_counted && person.number < 400 && before.contains_key(&key_of(person)) {
            candidates.push(*person);
        }
        candidates.len() == 12
    });
    let mut counted = None;
    for (id, person) in (1..).zip(candidates) {
        opt_out(&story, &person, true, id).await;
        let without = story.persons().await.unwrap();
        opt_out(&story, &person, false, 100 + id).await;
        if without + 1 == persons {
            counted = Some(person);
            break;
        }
    }
    let person = counted.expect("somebody with a diagnosis");
    assert_eq!(story.persons().await, Some(persons));

    // The request, and the register's yes.
    let citizen = Citizen::in_world(&story.fleet.world, person.number);
    let body = json!({
        "registerId": REGISTER, "kind": "BLOCKING", "messageId": "0a".repeat(16),
        "text": "Sperr opplysningene mine for forskning.",
    });
    let (status, opened) = citizen.post("/v1/cases", body).await;
    assert_eq!(status, StatusCode::OK, "{opened}");
    let case = opened["case"]["caseId"].as_str().unwrap();
    assert_eq!(
        story.persons().await,
        Some(persons),
        "asked for, and not decided"
    );
    let began = tokio::time::Instant::now();
    let answer = ["answer", case, "--verdict", "accepted"];
    let answered = clerk_at(&story.fleet.world, REGISTER, &answer).await;
    assert!(answered.status.success(), "{answered:?}");

    // The next count is less by them, and by nobody else.
    until("the blocking binds", async || {
        story.persons().await == Some(persons - 1)
    })
    .await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let after = story.exact().await;
    let changed: Vec<_> = before
        .iter()
        .filter(|(key, cell)| after.get(*key) != Some(cell))
        .collect();
    assert_eq!(changed.len(), 1, "nobody else's cell");
    assert_eq!(*changed[0].0, key_of(&person));
    assert_eq!(persons_in(&after) + 1, persons);

    // The person sees it among their settings, and the case as accepted.
    let (status, listed) = citizen.post("/v1/settings", json!({})).await;
    assert_eq!(status, StatusCode::OK, "{listed}");
    let settings = listed["settings"].as_array().unwrap();
    let block = settings.iter().find(|it| it["definitionId"] == BLOCK);
    let block = block.unwrap_or_else(|| panic!("a block: {listed}"));
    assert_eq!(block["active"], true);
    let body = json!({ "registerId": REGISTER, "caseId": case });
    let (_, got) = citizen.post("/v1/cases/get", body).await;
    assert_eq!(got["case"]["state"], "ACCEPTED", "{got}");
}
