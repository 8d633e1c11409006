//! What goes out: once for each cause, with the same ids however often it is tried.

use std::sync::atomic::Ordering;

use super::super::super::msghead::Body;
use super::super::super::{Answer, Attachment, MessageId, StoreError};
use super::super::super::{AppRec, AppRecError, AppRecStatus, AppRecVersion};
use super::super::answering::AnswerError;
use super::super::{Incoming, Queue, Settlement};
use super::world::{
    GOLDEN, OURS, THEIRS, World, from_helsenorge, her, incoming, now, opened, receipt,
};

const ID: &str = "7C1FA3C5-0001-4000-8000-000000000003";

fn answer(id: &str) -> Answer {
    Answer {
        id: MessageId::parse(id).unwrap(),
        to: her(THEIRS),
        in_reply_to: MessageId::parse(&ID.to_lowercase()).unwrap(),
        text: "Rettet hos oss".to_owned().into(),
        attachments: vec![Attachment {
            media_type: "application/pdf".to_owned(),
            description: "svar.pdf".to_owned(),
            content: b"%PDF".to_vec().into(),
        }],
    }
}

/// A world in which one message came, and its receipt is away.
async fn asked() -> World {
    let world = World::new().await;
    world.desk.receive(from_helsenorge(GOLDEN, "a")).await;
    assert_eq!(world.outgoing().await.len(), 1);
    world
}

fn receipt_for(id: &str, status: AppRecStatus) -> Incoming {
    let receipt = AppRec {
        version: AppRecVersion::V1_0,
        id: MessageId::parse("their-receipt").unwrap(),
        made_at: now(),
        from: her(THEIRS),
        to: her(OURS),
        status,
        original_process: "DIALOG_INNBYGGER_HREG_MELDE_FEIL".to_owned(),
        original_made_at: None,
        original: MessageId::parse(id).unwrap(),
    };
    from_helsenorge(str::from_utf8(&receipt.write().unwrap()).unwrap(), "r")
}

fn bounced(original: &str, condition: &str) -> Incoming {
    let mut error = incoming("e", Vec::new());
    error.queue = Queue::Error;
    for (name, value) in [
        ("originalMessageId", original),
        ("errorCondition", condition),
    ] {
        error
            .headers
            .application
            .insert(name.to_owned(), value.to_owned());
    }
    error
}

#[tokio::test]
async fn an_answer_goes_to_whoever_asked_and_once_under_its_id() {
    let mut world = asked().await;
    world.desk.answer(&answer("answer-1")).await.unwrap();
    world.desk.answer(&answer("answer-1")).await.unwrap();
    world.restart().await;
    world.desk.answer(&answer("ANSWER-1")).await.unwrap();
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].queue.as_str(), format!("{THEIRS}_async"));
    let Body::Register(message) = opened(&out[0]).body else {
        panic!("an answer");
    };
    assert_eq!(message.text.as_str(), "Rettet hos oss");
    assert_eq!(&**message.attachments[0].content, b"%PDF");
    assert_eq!(message.person, world.inbox.all.lock().unwrap()[0].person);
    assert_eq!(message.conversation.parent.unwrap().as_str(), ID);
    let first = "0a1c6a0e-0000-4000-8000-0000000000ff";
    assert_eq!(message.conversation.first.unwrap().as_str(), first);
    world.desk.answer(&answer("answer-1")).await.unwrap();
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn what_nobody_asked_is_not_answered() {
    let world = World::new().await;
    let error = world.desk.answer(&answer("answer-1")).await.unwrap_err();
    assert!(
        matches!(error, AnswerError::Store(StoreError::Unknown)),
        "{error}"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_sent_later_with_the_same_ids() {
    let mut world = World::new().await;
    world.sent.down.store(true, Ordering::SeqCst);
    world.desk.receive(from_helsenorge(GOLDEN, "a")).await;
    assert!(world.desk.send_due(&world.sent).await.is_err());
    world.restart().await;
    world.sent.down.store(false, Ordering::SeqCst);
    // The broker has it, and the agent falls before it knows: it is sent again.
    world.desk.store.records().close().await;
    let records = world.desk.send_due(&world.sent).await;
    assert!(records.is_err(), "the records are closed");
    world.restart().await;
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    let id = receipt(&out[0]).id;
    assert!(out[0].headers.message_id.is_some());
    assert!(world.outgoing().await.is_empty());
    assert_eq!(receipt(&out[0]).id, id);
}

#[tokio::test]
async fn what_the_broker_or_the_register_refuses_is_tried_again_ever_later() {
    let world = World::new().await;
    world.desk.receive(from_helsenorge(GOLDEN, "a")).await;
    world.sent.refuses.store(true, Ordering::SeqCst);
    assert!(world.outgoing().await.is_empty());
    world.sent.refuses.store(false, Ordering::SeqCst);
    assert!(world.outgoing().await.is_empty(), "not at once");
    world.move_on(2);
    world.change_party(|party| party.active = false);
    assert!(world.outgoing().await.is_empty());
    world.move_on(2);
    world.change_party(|party| {
        party.active = true;
        party.recipients.clear();
    });
    assert!(world.outgoing().await.is_empty());
    world.change_party(|party| *party = super::world::their_party());
    world.move_on(3);
    assert!(world.outgoing().await.is_empty());
    world.move_on(1);
    assert_eq!(world.outgoing().await.len(), 1);
}

#[tokio::test]
async fn a_receipt_ends_an_answer_and_a_temporary_error_sends_it_again() {
    let world = asked().await;
    world.desk.answer(&answer("answer-1")).await.unwrap();
    let first = world.outgoing().await.remove(0);
    let id = first.headers.message_id.clone().unwrap();
    let offline = "transport:revoked-certificate-offline";
    let settled = world.desk.receive(bounced(&id, offline)).await;
    assert_eq!(settled, Settlement::Accept);
    assert!(world.outgoing().await.is_empty(), "not at once");
    world.move_on(600);
    let again = world.outgoing().await.remove(0);
    assert_eq!(again.headers.message_id.as_ref(), Some(&id));

    let settled = world
        .desk
        .receive(receipt_for("ANSWER-1", AppRecStatus::Ok))
        .await;
    assert_eq!(settled, Settlement::Accept);
    // What is acknowledged is over, whatever comes after.
    world.desk.receive(bounced(&id, offline)).await;
    world.move_on(6_000);
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn a_final_error_or_a_rejection_ends_an_answer() {
    let world = asked().await;
    for (n, ending) in ["error", "rejected"].into_iter().enumerate() {
        let id = format!("answer-{n}");
        world.desk.answer(&answer(&id)).await.unwrap();
        let sent = world.outgoing().await.remove(0).headers.message_id.unwrap();
        let end = match ending {
            "error" => bounced(&sent, "transport:unsupported-message"),
            _ => receipt_for(&id, AppRecStatus::Rejected(vec![AppRecError::other("x")])),
        };
        assert_eq!(world.desk.receive(end).await, Settlement::Accept);
        let offline = "transport:revoked-certificate-offline";
        world.desk.receive(bounced(&sent, offline)).await;
        world.move_on(6_000);
        assert!(world.outgoing().await.is_empty(), "{ending}");
    }
}

#[tokio::test]
async fn an_answer_without_a_receipt_is_told_once_after_180_minutes() {
    let world = asked().await;
    world.desk.answer(&answer("answer-1")).await.unwrap();
    let sent = world.outgoing().await.remove(0).headers.message_id.unwrap();
    let overdue = async |seconds| {
        world.move_on(seconds);
        let now = innsyn_policy::Clock::now(&*world.clock);
        world.desk.store.overdue(now).await.unwrap()
    };
    assert_eq!(overdue(180 * 60 - 1).await, Vec::<String>::new());
    assert_eq!(overdue(1).await, [sent]);
    assert_eq!(overdue(1).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_what_is_not_is_kept() {
    let world = asked().await;
    world.move_on(499 * 86_400);
    world.desk.look_after().await.unwrap();
    world.desk.answer(&answer("answer-1")).await.unwrap();
    world.move_on(2 * 86_400);
    world.desk.look_after().await.unwrap();
    let error = world.desk.answer(&answer("answer-2")).await.unwrap_err();
    assert!(
        matches!(error, AnswerError::Store(StoreError::Unknown)),
        "{error}"
    );
}
