//! Requests that wait: theirs to us, and ours to them.

use std::time::Duration;

use super::super::super::{AppRecStatus, QueueName};
use super::super::answering::CallError;
use super::super::{Incoming, Queue, Settlement};
use super::world::{GOLDEN, THEIRS, World, error, from_helsenorge, her, receipt};

fn request(id: &str) -> Incoming {
    let mut request = from_helsenorge(GOLDEN, id);
    request.queue = Queue::Sync;
    request.headers.reply_to = Some(format!("NHN/{THEIRS}_syncreply"));
    request
}

#[tokio::test]
async fn a_request_is_replied_to_where_and_as_it_asks() {
    let world = World::new().await;
    assert_eq!(world.desk.receive(request("q1")).await, Settlement::Accept);
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].queue.as_str(), format!("{THEIRS}_syncreply"));
    assert_eq!(out[0].headers.correlation_id.as_deref(), Some("q1"));
    assert_eq!(out[0].ttl, Some(Duration::from_secs(15)));
    assert_eq!(receipt(&out[0]).status, AppRecStatus::Ok);
    // Asked again, it is replied to again and done once.
    world.desk.receive(request("q2")).await;
    assert_eq!(
        world.outgoing().await[0].headers.correlation_id.as_deref(),
        Some("q2")
    );
    world.desk.receive(request("q2")).await;
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn a_reply_that_is_too_late_is_not_sent() {
    let world = World::new().await;
    world.desk.receive(request("q1")).await;
    world.move_on(15);
    assert!(world.outgoing().await.is_empty());
    assert_eq!(world.given(), 1);
}

#[tokio::test]
async fn a_request_that_says_not_where_to_reply_is_an_error() {
    let world = World::new().await;
    let mut nowhere = request("q1");
    nowhere.headers.reply_to = None;
    world.desk.receive(nowhere).await;
    assert_eq!(
        error(&world.outgoing().await[0]).0,
        "transport:invalid-field-value"
    );
    assert_eq!(world.given(), 0);
}

/// Time leaps while the runtime is idle, as it looks while SQLite works: so from the call on only.
#[tokio::test]
async fn a_call_waits_fifteen_seconds_and_a_late_reply_is_dropped() {
    let world = World::new().await;
    let queue = QueueName::parse("80001_syncreply").unwrap();
    tokio::time::pause();
    let call = world
        .desk
        .call(&world.sent, her(THEIRS), &queue, "TEST", b"<a/>");
    let begun = tokio::time::Instant::now();
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
    // Timers are of whole milliseconds.
    let waited = begun.elapsed();
    assert!((15_000..15_010).contains(&waited.as_millis()), "{waited:?}");

    let sent = world.sent.all.lock().unwrap().remove(0);
    assert_eq!(sent.queue.as_str(), format!("{THEIRS}_sync"));
    assert_eq!(sent.headers.reply_to.as_deref(), Some("80001_syncreply"));
    let mut late = from_helsenorge("<reply/>", "l");
    late.queue = Queue::SyncReply;
    late.headers.correlation_id = sent.headers.message_id;
    assert!(
        !world.desk.calls.tell(late.clone()),
        "nobody waits any more"
    );
    assert_eq!(world.desk.receive(late).await, Settlement::Accept);
    assert!(world.sent.all.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_reply_in_time_is_opened_and_must_be_signed_by_whom_was_asked() {
    let world = World::new().await;
    let queue = QueueName::parse("80001_syncreply").unwrap();
    for (signing, opened) in [
        (&super::world::keys().their_signing, true),
        (&super::world::keys().forged_signing, false),
    ] {
        let call = world
            .desk
            .call(&world.sent, her(THEIRS), &queue, "TEST", b"<a/>");
        let reply = async {
            let sent = loop {
                if let Some(sent) = world.sent.all.lock().unwrap().pop() {
                    break sent;
                }
                tokio::task::yield_now().await;
            };
            let mut reply = super::world::signed_by("<reply/>", "r", signing);
            reply.queue = Queue::SyncReply;
            reply.headers.correlation_id = sent.headers.message_id;
            world.desk.receive(reply).await
        };
        let (outcome, settled) = tokio::join!(call, reply);
        assert_eq!(settled, Settlement::Accept);
        match outcome {
            Ok(content) => assert!(opened && &**content == b"<reply/>"),
            Err(error) => assert!(!opened && matches!(error, CallError::Reply(_)), "{error}"),
        }
    }
}
