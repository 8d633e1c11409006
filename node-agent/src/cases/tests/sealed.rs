//! Messages that waited: once, as of when they were sent, and of nobody but a gateway's own.

use innsyn_proto::convert::question_to_wire;
use innsyn_proto::dialog::{DialogCall, DialogItem};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::sealing::{ItemKind, OpeningKey};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::types::v1 as types;

use super::super::sealed::Found;
use super::*;
use crate::service::Caps;
use crate::test_ids::NUMBERS;

fn signer(seed: u8) -> HeadSigner {
    HeadSigner::from_seed("innsyn://gateway/helsenorge", [seed; 32]).unwrap()
}

fn sealed_of(agent: &Agent) -> SealedCases {
    sealed_with(agent, 1_000)
}

/// The same, of a gateway that may send so many.
fn sealed_with(agent: &Agent, cap: u32) -> SealedCases {
    let caps = Caps {
        per_minute: cap,
        per_day: cap,
    };
    let gateways = [(gateway(), signer(1).public().unwrap(), caps)];
    SealedCases::new(Arc::clone(&agent.cases), gateways, NUMBERS.rules)
}

fn said(message: u8) -> node::CaseWords {
    node::CaseWords {
        message_id: vec![message; 16].into(),
        text: "Er dere der?".to_owned(),
        attachments: Vec::new(),
    }
}

fn who(n: usize) -> node::Question {
    let asked = own(n);
    question_to_wire(asked.id, 0, &asked.request, 1_000)
}

fn opens(n: usize, message: u8) -> DialogCall {
    DialogCall::Open(node::OpenCaseRequest {
        who: Some(who(n)),
        kind: types::CaseKind::Correction.into(),
        words: Some(said(message)),
        ..node::OpenCaseRequest::default()
    })
}

/// An item under a name, sealed to `agent`, sent `days` ago.
fn item(
    agent: &Agent,
    (name, by): (u8, u8),
    content: Option<DialogCall>,
    days: u32,
) -> (Vec<u8>, Vec<u8>) {
    let item = DialogItem {
        gateway: gateway(),
        register: register().id,
        at: agent
            .cases
            .clock
            .now()
            .minus(Duration::from_hours(24) * days),
        content,
    };
    let note = item.sign(&signer(by)).unwrap();
    let key = OpeningKey::from_seed(&agent.cases.records.key().mailbox_seed());
    let mut random: StdRng = rand::make_rng();
    let sealed = key
        .public()
        .seal(ItemKind::Dialog, &register().id, &note, &mut random);
    (vec![name; 16], sealed.unwrap())
}

#[tokio::test]
async fn a_message_that_waited_is_taken_once_and_the_clock_runs_from_when_it_was_sent() {
    let place = Place::new();
    let agent = place.agent().await;
    let sealed = sealed_of(&agent);
    // Sent on the 5th of January, taken on the 15th.
    let first = item(&agent, (1, 1), Some(opens(1, 7)), 10);
    let silent = item(&agent, (2, 1), None, 10);
    let names = sealed.take([first.clone(), silent.clone()]).await.unwrap();
    assert_eq!(names, [vec![1; 16], vec![2; 16]]);
    let [case] = &agent.cases.list(&own(1)).await.unwrap()[..] else {
        panic!("one case");
    };
    assert_eq!(case.due, "2027-02-05");

    // Again: by the relay, under another name, by the gateway itself, and after a restart.
    sealed.take([first.clone()]).await.unwrap();
    sealed
        .take([item(&agent, (3, 1), Some(opens(1, 7)), 10)])
        .await
        .unwrap();
    let again = agent
        .says(1, To::New(CaseKind::Correction), 7, "Er dere der?")
        .await;
    assert_eq!(again.unwrap().case.0[..], case.case_id[..]);
    drop(sealed);
    agent.close().await;
    let agent = place.agent().await;
    let sealed = sealed_of(&agent);
    assert_eq!(sealed.take([first]).await.unwrap(), [vec![1; 16]]);
    let listed = agent.cases.list(&own(1)).await.unwrap();
    assert_eq!((listed.len(), listed[0].steps), (1, 1));

    // The gateway is told what is dealt with, and the person where the message is.
    let asked: Vec<_> = [1, 2, 3, 4].map(|n| bytes::Bytes::from(vec![n; 16])).into();
    assert_eq!(sealed.taken(&asked).await.unwrap(), asked[..3]);
    let found = agent.cases.find(&own(1), MessageId([7; 16])).await.unwrap();
    let Found::Taken(taken) = found else {
        panic!("found");
    };
    assert_eq!(taken.summary.steps, 1);
    CaseReceipt::read(&taken.receipt, &log_key()).unwrap();
    for (n, message) in [(1, 8), (2, 7)] {
        let found = agent.cases.find(&own(n), MessageId([message; 16])).await;
        assert!(matches!(found, Ok(Found::NotHere)));
    }
}

#[tokio::test]
async fn what_no_gateway_of_ours_has_signed_does_nothing_and_is_not_said_to_have_come() {
    let place = Place::new();
    let agent = place.agent().await;
    let sealed = sealed_of(&agent);
    let forged = item(&agent, (1, 2), Some(opens(1, 7)), 0);
    let garbage = (vec![2; 16], vec![0; ItemKind::Dialog.sealed_bytes()]);
    let thrown_away = sealed.take([forged, garbage]).await.unwrap();
    assert_eq!(thrown_away.len(), 2);
    assert!(agent.cases.list(&own(1)).await.unwrap().is_empty());
    let asked: Vec<_> = [1, 2].map(|n| bytes::Bytes::from(vec![n; 16])).into();
    assert!(sealed.taken(&asked).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_refused_is_told_to_whoever_asks_for_it_and_a_fault_of_ours_leaves_it_waiting() {
    let place = Place::new();
    let agent = place.agent().await;
    let sealed = sealed_of(&agent);
    let appeal = DialogCall::Appeal(node::AppealCaseRequest {
        who: Some(who(1)),
        case_id: vec![9; 16].into(),
        words: Some(said(7)),
        ..node::AppealCaseRequest::default()
    });
    sealed
        .take([item(&agent, (1, 1), Some(appeal), 0)])
        .await
        .unwrap();
    let found = agent.cases.find(&own(1), MessageId([7; 16])).await.unwrap();
    assert!(matches!(
        found,
        Found::Refused(node::CaseRefusal::NoSuchCase)
    ));

    place.disk.fail_syncs(Some(std::io::ErrorKind::Other));
    let waits = item(&agent, (2, 1), Some(opens(1, 8)), 0);
    assert!(sealed.take([waits]).await.is_err());
    let asked = [bytes::Bytes::from(vec![2; 16])];
    assert!(sealed.taken(&asked).await.unwrap().is_empty());
    let person = agent.cases.records.key().code(&person(1));
    let kept = store::cases_of(agent.cases.records.pool(), person).await;
    assert!(kept.unwrap().is_empty());
}

#[tokio::test]
async fn a_right_counts_as_of_when_it_was_used() {
    let place = Place::new();
    let agent = place.agent().await;
    let sealed = sealed_of(&agent);
    let now = place.clock.now();
    let mandate = |from: u32, until: u32| Representation::PowerOfAttorney {
        validity: Validity {
            from: now.minus(Duration::from_hours(24) * from),
            until: now.minus(Duration::from_hours(24) * until),
        },
        areas: [Area::AllInsight, Area::Dialogs].into_iter().collect(),
    };
    for (name, from, until, opened) in [(1, 20, 5, 1), (2, 5, 1, 1), (3, 20, 15, 1)] {
        let asked = asks(2, 1, mandate(from, until));
        let call = node::OpenCaseRequest {
            who: Some(question_to_wire(asked.id, 0, &asked.request, 1_000)),
            kind: types::CaseKind::Insight.into(),
            words: Some(said(name)),
            ..node::OpenCaseRequest::default()
        };
        let item = item(&agent, (name, 1), Some(DialogCall::Open(call)), 10);
        sealed.take([item]).await.unwrap();
        let cases = agent.cases.list(&own(1)).await.unwrap();
        assert_eq!(cases.len(), opened, "valid from {from} to {until} days ago");
    }
}

#[tokio::test]
async fn a_gateway_sends_no_more_than_it_may_ask_and_the_person_is_told() {
    let place = Place::new();
    let agent = place.agent().await;
    let sealed = sealed_with(&agent, 1);
    let items = [1, 2].map(|n| item(&agent, (n, 1), Some(opens(1, n)), 0));
    assert_eq!(sealed.take(items).await.unwrap().len(), 2);
    assert_eq!(agent.cases.list(&own(1)).await.unwrap().len(), 1);
    let found = agent.cases.find(&own(1), MessageId([2; 16])).await;
    let over = node::CaseRefusal::OverCap;
    assert!(matches!(found, Ok(Found::Refused(refusal)) if refusal == over));
    agent.close().await;
    let decisions: Vec<_> = place.entries().iter().map(|it| it.decision).collect();
    assert_eq!(decisions[1], UseDecision::OverCap);
}
