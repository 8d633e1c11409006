//! The broker falls in the middle of each step. Nothing is lost, and nothing is done twice.
//!
//! A broker that falls may give again what it was told had arrived, and the agent sends again what
//! it never heard the broker had. What must hold is that a receipt that comes twice is one receipt,
//! with one id, and that a message was taken once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use innsyn_agent::exchange::{Answer, HerId, MessageId};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::peer::{Peer, opens};
use super::rabbit::Rabbit;
use super::{GOLDEN, Register, golden, theirs};

/// Pairs that the tests use.
const PAIRS: u32 = 6;
/// Pairs that nobody uses: what a broker made last before it is killed for the first time, it may
/// have lost for good.
const LOST: u32 = 2;

/// A broker for these tests alone: one at a time, since each stops it.
async fn broker() -> MutexGuard<'static, Rabbit> {
    static BROKER: OnceCell<Mutex<Rabbit>> = OnceCell::const_new();
    let start = async || {
        let broker = Rabbit::start(PAIRS + LOST);
        for pair in 0..PAIRS {
            assert!(opens(broker.port(), pair).await, "pair {pair}");
        }
        Mutex::new(broker)
    };
    BROKER.get_or_init(start).await.lock().await
}

/// It falls and is started again; the register and helsenorge find it.
async fn fall(broker: &mut Rabbit, register: &Register) -> Peer {
    broker.kill();
    register.proxy.cut();
    if register.running.is_some() {
        register.connected(false).await;
    }
    broker.start_again();
    if register.running.is_some() {
        register.connected(true).await;
    }
    Peer::connect(broker.port(), register.pair).await
}

/// Sends golden messages under these ids.
async fn send(peer: &mut Peer, ids: &[&str]) {
    for id in ids {
        let text = golden(GOLDEN, peer.pair(), id);
        peer.send("async", peer.message(&text, &format!("m-{id}")))
            .await;
    }
}

/// Reads until there is a receipt for each of `ids` and nothing more comes, and looks that each has
/// one id however often it came.
async fn receipts(peer: &mut Peer, ids: &[&str]) {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while !ids.iter().all(|id| seen.contains_key(*id)) {
        let (original, status, id) = peer.next("async").await.receipt();
        assert_eq!(status, "1");
        seen.entry(original).or_default().insert(id);
    }
    while let Some(came) = peer.within("async", Duration::from_secs(2)).await {
        let (original, _, id) = came.receipt();
        seen.entry(original).or_default().insert(id);
    }
    let expected: BTreeSet<&str> = ids.iter().copied().collect();
    let originals: BTreeSet<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(originals, expected);
    assert!(seen.values().all(|ids| ids.len() == 1), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_01_a_broker_that_restarts_costs_no_message_and_doubles_none() {
    let mut broker = broker().await;
    let register = Register::start(broker.port(), 0).await;
    let mut peer = Peer::connect(broker.port(), 0).await;
    register.connected(true).await;
    send(&mut peer, &["a", "b", "c"]).await;
    let mut peer = fall(&mut broker, &register).await;
    send(&mut peer, &["d", "e"]).await;
    let mut peer = fall(&mut broker, &register).await;
    receipts(&mut peer, &["a", "b", "c", "d", "e"]).await;
    assert_eq!(register.cases.taken(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_falls_before_a_message_is_received() {
    let mut broker = broker().await;
    let mut register = Register::start(broker.port(), 1).await;
    register.stop().await;
    let mut peer = Peer::connect(broker.port(), 1).await;
    send(&mut peer, &["a", "b"]).await;
    let mut peer = fall(&mut broker, &register).await;
    register.run().await;
    receipts(&mut peer, &["a", "b"]).await;
    assert_eq!(register.cases.given.lock().expect("no panic").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_falls_after_a_message_is_received_and_before_it_is_durable() {
    let mut broker = broker().await;
    let register = Register::start(broker.port(), 2).await;
    let mut peer = Peer::connect(broker.port(), 2).await;
    register.cases.held.send_replace(true);
    send(&mut peer, &["a"]).await;
    register.cases.given(1).await;
    let mut peer = fall(&mut broker, &register).await;
    register.cases.given(2).await;
    assert!(register.cases.taken().is_empty());
    register.cases.held.send_replace(false);
    receipts(&mut peer, &["a"]).await;
    assert_eq!(register.cases.taken(), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_falls_after_a_message_is_durable_and_before_it_is_settled() {
    let mut broker = broker().await;
    let register = Register::start(broker.port(), 3).await;
    let mut peer = Peer::connect(broker.port(), 3).await;
    register.cases.held.send_replace(true);
    send(&mut peer, &["a"]).await;
    register.cases.given(1).await;
    // What the agent says no longer arrives.
    register.proxy.deafen();
    register.cases.held.send_replace(false);
    // It is durable when it can be answered.
    let answer = Answer {
        id: MessageId::parse("answer").expect("an id"),
        to: HerId::parse(&theirs(3).to_string()).expect("a HER-id"),
        in_reply_to: MessageId::parse("a").expect("an id"),
        text: "Svar".to_owned().into(),
        attachments: Vec::new(),
    };
    let answered = tokio::time::timeout(Duration::from_secs(30), async {
        while register.exchange().desk.answer(&answer).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    answered.await.expect("in time");
    let mut peer = fall(&mut broker, &register).await;
    let (mut of_a, mut answers) = (BTreeSet::new(), 0);
    while let Some(came) = peer.within("async", Duration::from_secs(5)).await {
        if came.opened().contains("<AppRec ") {
            let (original, _, id) = came.receipt();
            assert_eq!(original, "a");
            of_a.insert(id);
        } else {
            answers += 1;
        }
    }
    assert_eq!((of_a.len(), answers), (1, 1));
    let given = register.cases.given.lock().expect("no panic").len();
    assert_eq!(
        given, 1,
        "what came again was known without asking the cases"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_falls_before_a_receipt_is_sent() {
    let mut broker = broker().await;
    let register = Register::start(broker.port(), 4).await;
    let mut peer = Peer::connect(broker.port(), 4).await;
    // The receipt cannot be encrypted yet, so it waits while the message is settled.
    let whole = std::fs::read_to_string(register.parties_file()).expect("a file");
    let without = whole.replace("recipients = [\"their-crypt.pem\"]", "recipients = []");
    std::fs::write(register.parties_file(), without).expect("a file");
    send(&mut peer, &["a"]).await;
    peer.nothing("async").await;
    assert_eq!(register.cases.taken(), ["a"]);
    let mut peer = fall(&mut broker, &register).await;
    peer.nothing("async").await;
    std::fs::write(register.parties_file(), whole).expect("a file");
    // It is tried ever more seldom, so that it may take some minutes.
    peer.patience = Duration::from_mins(5);
    receipts(&mut peer, &["a"]).await;
    assert_eq!(register.cases.given.lock().expect("no panic").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_falls_after_it_has_a_receipt_and_before_it_says_so() {
    let mut broker = broker().await;
    let register = Register::start(broker.port(), 5).await;
    let mut peer = Peer::connect(broker.port(), 5).await;
    send(&mut peer, &["a"]).await;
    receipts(&mut peer, &["a"]).await;
    register.cases.held.send_replace(true);
    send(&mut peer, &["b"]).await;
    register.cases.given(2).await;
    // What the broker says is no longer heard.
    register.proxy.mute();
    register.cases.held.send_replace(false);
    let (original, _, first) = peer.next("async").await.receipt();
    assert_eq!(original, "b");
    let mut peer = fall(&mut broker, &register).await;
    // It comes again, from the agent that never heard; the broker may also give again what
    // helsenorge had taken. It is the same receipt, and no second one.
    let mut again = BTreeSet::new();
    again.insert(peer.next("async").await.receipt());
    while let Some(came) = peer.within("async", Duration::from_secs(2)).await {
        again.insert(came.receipt());
    }
    again.retain(|(original, ..)| original == "b");
    let same = ("b".to_owned(), "1".to_owned(), first);
    assert_eq!(again, BTreeSet::from([same]));
    assert_eq!(register.cases.taken(), ["a", "b"]);
    assert_eq!(register.cases.given.lock().expect("no panic").len(), 2);
}
