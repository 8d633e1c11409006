//! The exchange's check list for clients, point by point. The first is told in `restarts`.

use std::fs;
use std::time::Duration;

use innsyn_agent::exchange::{Answer, CallError, HerId, MessageId, QueueName};
use innsyn_policy::{Clock as _, NationalId, NumberRules};
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;

use super::keys::keys;
use super::peer::{Outgoing, Peer, sealed};
use super::{GOLDEN, GOLDEN_ID, Register, golden, openssl, ours, shared, theirs};

/// A register and a helsenorge that writes to it.
async fn both(pair: u32) -> (Register, Peer) {
    let port = shared().port();
    (
        Register::start(port, pair).await,
        Peer::connect(port, pair).await,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_02_a_message_is_settled_only_after_it_is_durable() {
    let (register, mut peer) = both(2).await;
    register.cases.held.send_replace(true);
    let text = golden(GOLDEN, 2, GOLDEN_ID);
    peer.send("async", peer.message(&text, "m1")).await;
    register.cases.given(1).await;
    // The connection ends while it is being taken: the broker still has it.
    register.proxy.cut();
    register.cases.given(2).await;
    assert!(register.cases.taken().is_empty());
    peer.nothing("async").await;
    register.cases.held.send_replace(false);
    let receipt = peer.next("async").await.receipt();
    assert_eq!((receipt.0.as_str(), receipt.1.as_str()), (GOLDEN_ID, "1"));
    assert_eq!(register.cases.taken().len(), 1);
    peer.nothing("async").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_03_both_dialects_of_addresses_are_understood() {
    let (register, mut peer) = both(3).await;
    let addresses = [
        format!("{}_async", ours(3)),
        format!("sb.test.nhn.no/NHNTestServiceBus/{}_async", ours(3)),
    ];
    for (n, address) in addresses.iter().enumerate() {
        let id = format!("id-{n}");
        let mut message = peer.message(&golden(GOLDEN, 3, &id), &id);
        message.to.clone_from(address);
        message.reply_to = Some(address.replace("80103", "90103"));
        peer.send("async", message).await;
        assert_eq!(peer.next("async").await.receipt().0, id);
        // Where a reply goes is read from the address alone.
        let mut request = peer.message(&golden(GOLDEN, 3, &format!("sync-{id}")), &format!("q{n}"));
        request.reply_to = Some(address.replace("80103_async", "90103_syncreply"));
        peer.send("sync", request).await;
        let reply = peer.next("syncreply").await;
        assert_eq!(reply.correlation_id, Some(format!("q{n}")));
        assert_eq!(reply.receipt().1, "1");
    }
    assert_eq!(register.cases.taken().len(), 4);
}

/// What is taken from a message.
type Change = fn(&mut Outgoing);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_04_a_message_without_a_header_that_it_needs_is_refused() {
    let (register, mut peer) = both(4).await;
    let without: [(&str, Change); 4] = [
        ("toHerId", |it| drop(it.application.remove("toHerId"))),
        ("applicationTimeStamp", |it| {
            drop(it.application.remove("applicationTimeStamp"));
        }),
        ("subject", |it| it.subject = None),
        ("content-type", |it| it.content_type = None),
    ];
    for (name, change) in without {
        let mut message = peer.message(&golden(GOLDEN, 4, name), name);
        change(&mut message);
        peer.send("async", message).await;
        let error = peer.next("error").await;
        assert_eq!(error.error(), ("transport:invalid-field-value", name));
        assert!(error.application["errorDescription"].contains(name));
    }
    // Who does not say who it is cannot be told; the broker puts it aside.
    let mut nameless = peer.message(&golden(GOLDEN, 4, "nameless"), "nameless-4");
    nameless.application.remove("fromHerId");
    peer.send("async", nameless).await;
    dead(&mut peer, "nameless-4").await;
    peer.nothing("error").await;
    assert!(register.cases.taken().is_empty());
}

/// Waits until this message is among those put aside. The tests share them: others' are read too,
/// and remembered for whoever looks for them.
async fn dead(peer: &mut Peer, id: &str) {
    static DEAD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    for _ in 0..120 {
        if DEAD.lock().expect("no panic").iter().any(|dead| dead == id) {
            return;
        }
        if let Some(came) = peer.within("dead", Duration::from_millis(500)).await {
            DEAD.lock().expect("no panic").push(came.message_id);
        }
    }
    panic!("{id} was not put aside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_05_an_envelope_is_opened_only_if_its_sender_signed_it_and_it_is_aes_256() {
    let (register, mut peer) = both(5).await;
    let text = golden(GOLDEN, 5, "good");
    peer.send("async", peer.message(&text, "good")).await;
    assert_eq!(peer.next("async").await.receipt().1, "1");

    let by = |signing: &innsyn_agent::exchange::SigningKey| {
        let mut random: StdRng = rand::make_rng();
        let to = keys().our_decryption.certificate();
        let now = SystemClock.now();
        innsyn_agent::exchange::seal(text.as_bytes(), signing, to, now, &mut random)
            .expect("sealed")
    };
    let mut tampered = sealed(&text, keys());
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    let wrong = [
        ("wrong-signer", by(&keys().forged_signing)),
        ("expired-signer", by(&keys().expired_signing)),
        ("3des", openssl::sealed(&text, "-des3")),
        ("aes-128", openssl::sealed(&text, "-aes128")),
        ("tampered", tampered),
        ("clear", text.clone().into_bytes()),
    ];
    let mut descriptions = Vec::new();
    for (id, body) in wrong {
        peer.send("async", peer.sealed(body, id)).await;
        let error = peer.next("error").await;
        assert_eq!(error.error(), ("transport:invalid-certificate", id));
        descriptions.push(error.application["errorDescription"].clone());
    }
    assert!(
        descriptions.iter().all(|it| *it == descriptions[0]),
        "{descriptions:?}"
    );
    // Who has nothing but an expired certificate is told so, whatever is in the envelope.
    register.parties("\"expired.pem\"");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    peer.send("async", peer.sealed(by(&keys().expired_signing), "expired"))
        .await;
    assert_eq!(
        peer.next("error").await.error(),
        ("transport:expired-certificate", "expired")
    );
    assert_eq!(register.cases.taken(), ["good"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_06_a_message_gets_one_receipt_however_often_it_comes() {
    let (mut register, mut peer) = both(6).await;
    for n in 0..3 {
        let text = golden(GOLDEN, 6, "same-id");
        peer.send("async", peer.message(&text, &format!("m{n}")))
            .await;
    }
    let first = peer.next("async").await;
    assert_eq!(first.receipt().0, "same-id");
    peer.nothing("async").await;
    register.stop().await;
    peer.send("async", peer.message(&golden(GOLDEN, 6, "SAME-ID"), "m4"))
        .await;
    register.run().await;
    // The same id and other bytes: told, and not taken for the same.
    let error = peer.next("error").await;
    assert_eq!(error.error(), ("transport:invalid-field-value", "m4"));
    peer.send("async", peer.message(&golden(GOLDEN, 6, "same-id"), "m5"))
        .await;
    peer.nothing("async").await;
    assert_eq!(register.cases.given.lock().expect("no panic").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_07_errors_are_headers_alone_and_never_answered() {
    let (register, mut peer) = both(7).await;
    let unknown = golden(GOLDEN, 7, "u").replace("HREG_MELDE_FEIL", "TIMERESERVASJON");
    peer.send("async", peer.message(&unknown, "unknown")).await;
    let told = peer.next("error").await;
    assert_eq!(told.error(), ("transport:unsupported-message", "unknown"));
    let not_xml = sealed("<MsgHead>", keys());
    peer.send("async", peer.sealed(not_xml, "not-xml")).await;
    let told = peer.next("error").await;
    assert_eq!(told.error(), ("transport:not-well-formed-xml", "not-xml"));

    // Errors to us: with an empty body, with anything in it, with no header at all.
    let empty = peer.sealed(Vec::new(), "e1");
    let mut known = peer.sealed(Vec::new(), "e2");
    for (name, value) in [
        ("errorCondition", "transport:internal-error"),
        ("originalMessageId", "x"),
    ] {
        known.application.insert(name.to_owned(), value.to_owned());
    }
    let mut bare = peer.sealed(vec![1, 2, 3], "e3");
    bare.application.clear();
    bare.content_type = None;
    for error in [empty, known, bare] {
        peer.send("error", error).await;
    }
    peer.nothing("error").await;
    // They were taken: what comes after them is handled.
    peer.send("async", peer.message(&golden(GOLDEN, 7, "after"), "after"))
        .await;
    assert_eq!(peer.next("async").await.receipt().0, "after");
    assert_eq!(register.cases.taken(), ["after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_08_a_call_waits_fifteen_seconds_and_a_late_reply_is_dropped() {
    let (register, mut peer) = both(8).await;
    register.connected(true).await;
    let exchange = register.exchange();
    let reply_to = QueueName::parse(&format!("{}_syncreply", ours(8))).expect("a queue");
    let them = HerId::parse(&theirs(8).to_string()).expect("a HER-id");
    let call = || {
        exchange
            .desk
            .call(&exchange.line, them, &reply_to, "TEST", b"<ask/>")
    };

    let answer = async |peer: &mut Peer, late: bool| {
        let asked = peer.next("sync").await;
        assert_eq!(asked.opened(), "<ask/>");
        if late {
            tokio::time::sleep(Duration::from_secs(16)).await;
        }
        let reply = peer.message("<reply/>", "reply");
        peer.reply(reply, &asked.message_id).await;
    };
    let (replied, ()) = tokio::join!(call(), answer(&mut peer, false));
    assert_eq!(&**replied.expect("a reply"), b"<reply/>");

    let begun = tokio::time::Instant::now();
    let (late, ()) = tokio::join!(
        async {
            let late = call().await;
            (late, begun.elapsed())
        },
        answer(&mut peer, true)
    );
    assert!(matches!(late.0, Err(CallError::Timeout)), "{:?}", late.0);
    assert!((15..17).contains(&late.1.as_secs()), "{:?}", late.1);
    // The late reply is gone, and the next call is not confused by it.
    let (replied, ()) = tokio::join!(call(), answer(&mut peer, false));
    assert_eq!(&**replied.expect("a reply"), b"<reply/>");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_09_a_message_that_cannot_be_handled_is_put_aside_after_ten_tries() {
    let (register, mut peer) = both(9).await;
    let poison = golden(GOLDEN, 9, "poison").replace("Datoen", "GIFT");
    peer.send("async", peer.message(&poison, "poison-9")).await;
    register.cases.given(1).await;
    // Others are not kept waiting by it.
    peer.send("async", peer.message(&golden(GOLDEN, 9, "good"), "good"))
        .await;
    assert_eq!(peer.next("async").await.receipt().0, "good");
    dead(&mut peer, "poison-9").await;
    let tries = {
        let given = register.cases.given.lock().expect("no panic");
        given
            .iter()
            .filter(|message| message.id.as_str() == "poison")
            .count()
    };
    assert_eq!(tries, 10);
    peer.nothing("error").await;
    assert_eq!(register.cases.taken(), ["good"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_10_a_her_id_that_differs_inside_is_a_spoofing_attack() {
    let (register, mut peer) = both(10).await;
    let other = golden(GOLDEN, 10, "spoofed").replace("90110", "90111");
    peer.send("async", peer.message(&other, "spoofed")).await;
    assert_eq!(
        peer.next("error").await.error(),
        ("abuse:spoofing-attack", "spoofed")
    );
    assert!(register.cases.taken().is_empty());
    peer.nothing("async").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_11_each_of_the_five_messages_is_taken_and_answered() {
    let (register, mut peer) = both(11).await;
    let all = [
        include_str!(
            "../../../../node-agent/src/exchange/tests/golden/innsyn_helseopplysninger.xml"
        ),
        include_str!("../../../../node-agent/src/exchange/tests/golden/innsyn_bruk.xml"),
        include_str!("../../../../node-agent/src/exchange/tests/golden/innsyn_utlevering.xml"),
        include_str!("../../../../node-agent/src/exchange/tests/golden/melde_feil.xml"),
        include_str!(
            "../../../../node-agent/src/exchange/tests/golden/sletting_eller_sperring.xml"
        ),
    ];
    for (n, text) in all.into_iter().enumerate() {
        let id = format!("process-{n}");
        peer.send("async", peer.message(&golden(text, 11, &id), &id))
            .await;
        let receipt = peer.next("async").await.receipt();
        assert_eq!((receipt.0, receipt.1.as_str()), (id.clone(), "1"));
        let given = register.cases.given.lock().expect("no panic")[n].clone();
        assert_eq!(
            given.kind.process(),
            text.split("Type V=\"")
                .nth(1)
                .expect("a type")
                .split('"')
                .next()
                .expect("its end")
        );
        let answer = Answer {
            id: MessageId::parse(&format!("answer-{n}")).expect("an id"),
            to: given.from,
            in_reply_to: given.id.clone(),
            text: format!("Svar {n}").into(),
            attachments: Vec::new(),
        };
        register
            .exchange()
            .desk
            .answer(&answer)
            .await
            .expect("kept");
        let answered = peer.next("async").await.opened();
        assert!(answered.contains(&format!("Svar {n}")) && answered.contains(given.kind.process()));
        assert!(answered.contains(given.person.expose_str()));
    }
    let first = register.cases.given.lock().expect("no panic")[0].person;
    assert_eq!(
        NationalId::parse("01815000036", NumberRules::default()).expect("an id"),
        first
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_12_who_is_known_outlives_an_outage_of_the_address_register_for_a_stated_time() {
    let port = shared().port();
    let register = Register::start_with(port, 12, "parties_outlive_s = 6").await;
    let mut peer = Peer::connect(port, 12).await;
    peer.send(
        "async",
        peer.message(&golden(GOLDEN, 12, "before"), "before"),
    )
    .await;
    assert_eq!(peer.next("async").await.receipt().0, "before");
    let last_known = tokio::time::Instant::now();
    let kept = fs::read(register.parties_file()).expect("a file");
    fs::remove_file(register.parties_file()).expect("a file");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    peer.send(
        "async",
        peer.message(&golden(GOLDEN, 12, "during"), "during"),
    )
    .await;
    assert_eq!(peer.next("async").await.receipt().0, "during");
    assert!(
        last_known.elapsed() < Duration::from_secs(6),
        "the machine is too slow for this test"
    );

    tokio::time::sleep_until(last_known + Duration::from_secs(7)).await;
    peer.send("async", peer.message(&golden(GOLDEN, 12, "after"), "after"))
        .await;
    peer.nothing("async").await;
    assert_eq!(register.cases.taken(), ["before", "during"]);
    // It was kept, and is taken when the register is there again.
    fs::write(register.parties_file(), kept).expect("a file");
    assert_eq!(peer.next("async").await.receipt().0, "after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_is_reached_over_tls_and_only_with_the_ca_that_is_configured() {
    let shared = shared();
    let tls = |ca: &std::path::Path| format!("tls = \"required\"\nca_file = \"{}\"", ca.display());
    let mut register = Register::start_with(shared.tls_port(), 13, &tls(&shared.ca_file())).await;
    let mut peer = Peer::connect(shared.port(), 13).await;
    peer.send("async", peer.message(&golden(GOLDEN, 13, "tls"), "tls"))
        .await;
    assert_eq!(peer.next("async").await.receipt().0, "tls");
    register.stop().await;
    register.more = tls(&register.folder.path().join("expired.pem"));
    register.run().await;
    peer.send("async", peer.message(&golden(GOLDEN, 13, "later"), "later"))
        .await;
    peer.nothing("async").await;
    assert!(!register.exchange().seen.is_up());
}
