//! What becomes of what comes.

use std::sync::atomic::Ordering;

use super::super::super::{
    AppRecStatus, MessageId, NotReceived, Party, RawHeaders, SIGNED_AND_ENVELOPED,
};
use super::super::{Incoming, Queue, Settlement};
use super::world::{
    GOLDEN, THEIRS, World, error, from_helsenorge, incoming, keys, receipt, signed_by,
};

const ID: &str = "7C1FA3C5-0001-4000-8000-000000000003";

#[tokio::test]
async fn a_message_is_given_once_and_gets_one_receipt_however_often_it_comes() {
    let mut world = World::new().await;
    let first = from_helsenorge(GOLDEN, "a");
    assert_eq!(world.desk.receive(first.clone()).await, Settlement::Accept);
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].queue.as_str(), format!("{THEIRS}_async"));
    let receipt = receipt(&out[0]);
    assert_eq!(receipt.status, AppRecStatus::Ok);
    assert_eq!(receipt.original, MessageId::parse(ID).unwrap());
    assert_eq!(receipt.original_process, "DIALOG_INNBYGGER_HREG_MELDE_FEIL");

    // The same AMQP message, the same in a new one, after a restart, and with another case of id.
    for again in [first.clone(), from_helsenorge(GOLDEN, "b")] {
        assert_eq!(world.desk.receive(again).await, Settlement::Accept);
    }
    world.restart().await;
    assert_eq!(world.desk.receive(first).await, Settlement::Accept);
    assert_eq!(world.given(), 1);
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn another_message_with_its_id_is_no_duplicate() {
    let world = World::new().await;
    world.desk.receive(from_helsenorge(GOLDEN, "a")).await;
    world.outgoing().await;
    let other = GOLDEN.replace("Datoen i 2016", "Datoen i 2017");
    let settled = world.desk.receive(from_helsenorge(&other, "b")).await;
    assert_eq!(settled, Settlement::Accept);
    let out = world.outgoing().await;
    let said = error(&out[0]);
    assert_eq!(
        said,
        ("transport:invalid-field-value".to_owned(), "b".to_owned())
    );
    assert_eq!(world.given(), 1);
}

#[tokio::test]
async fn a_message_that_wants_no_receipt_gets_none() {
    let world = World::new().await;
    let text = GOLDEN.replace("<mh:Ack V=\"J\" DN=\"Ja\"/>", "<mh:Ack V=\"N\"/>");
    world.desk.receive(from_helsenorge(&text, "a")).await;
    assert_eq!(world.given(), 1);
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn an_unknown_process_is_told_to_its_sender_once() {
    let world = World::new().await;
    let text = GOLDEN.replace("HREG_MELDE_FEIL", "TIMERESERVASJON");
    for _ in 0..2 {
        let settled = world.desk.receive(from_helsenorge(&text, "a")).await;
        assert_eq!(settled, Settlement::Accept);
    }
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    assert_eq!(error(&out[0]).0, "transport:unsupported-message");
    assert_eq!(world.given(), 0);
}

#[tokio::test]
async fn a_her_id_that_differs_inside_is_a_spoofing_attack() {
    let world = World::new().await;
    let sender = GOLDEN.replace("<mh:Id>90002</mh:Id>", "<mh:Id>90003</mh:Id>");
    let receiver = GOLDEN.replace("<mh:Id>80001</mh:Id>", "<mh:Id>80002</mh:Id>");
    for (n, text) in [sender, receiver].iter().enumerate() {
        world
            .desk
            .receive(from_helsenorge(text, &n.to_string()))
            .await;
        let out = world.outgoing().await;
        assert_eq!(error(&out[0]).0, "abuse:spoofing-attack");
    }
    assert_eq!(world.given(), 0);
}

#[tokio::test]
async fn whatever_is_wrong_with_an_envelope_looks_the_same() {
    let world = World::new().await;
    let good = from_helsenorge(GOLDEN, "a");
    let mut tampered = good.clone();
    let body = tampered.body.as_mut().unwrap();
    let last = body.len() - 1;
    body[last] ^= 1;
    let mut cut = good.clone();
    cut.body.as_mut().unwrap().truncate(100);
    let not_encrypted = incoming("a", GOLDEN.as_bytes().to_vec());
    let forged = signed_by(GOLDEN, "a", &keys().forged_signing);
    let ours = signed_by(GOLDEN, "a", &keys().our_signing);
    let mut all = Vec::new();
    for (n, mut wrong) in [tampered, cut, not_encrypted, forged, ours]
        .into_iter()
        .enumerate()
    {
        wrong.headers.message_id = Some(n.to_string());
        assert_eq!(world.desk.receive(wrong).await, Settlement::Accept);
        let mut out = world.outgoing().await;
        let mut wire = out.remove(0);
        assert_eq!(error(&wire).0, "transport:invalid-certificate");
        wire.headers.application.remove("originalMessageId");
        all.push((wire.headers.application, wire.headers.subject));
    }
    assert!(all.iter().all(|wire| *wire == all[0]), "{all:?}");
    assert_eq!(world.given(), 0);
}

#[tokio::test]
async fn why_no_signature_can_be_good_is_told_from_the_register_alone() {
    type Change = fn(&mut Party);
    let cases: [(Change, &str); 3] = [
        (
            |party| party.signers.clear(),
            "transport:missing-certificate",
        ),
        (
            |party| party.signers = vec![keys().expired.clone()],
            "transport:expired-certificate",
        ),
        (
            |party| {
                let serial = keys().their_signing.certificate().serial();
                party.revoked.insert(serial);
            },
            "transport:revoked-certificate",
        ),
    ];
    for (change, condition) in cases {
        let world = World::new().await;
        world.change_party(change);
        // Whether the envelope is good plays no part.
        for (n, body) in [from_helsenorge(GOLDEN, "").body.unwrap(), vec![1]]
            .into_iter()
            .enumerate()
        {
            world.desk.receive(incoming(&n.to_string(), body)).await;
            assert_eq!(error(&world.outgoing().await[0]).0, condition);
        }
        assert_eq!(world.given(), 0);
    }
}

#[tokio::test]
async fn missing_headers_are_told_and_who_cannot_be_told_is_put_aside() {
    let world = World::new().await;
    let change = |change: fn(&mut Incoming)| {
        let mut message = from_helsenorge(GOLDEN, "a");
        change(&mut message);
        message
    };
    for (n, wrong) in [
        change(|it| it.headers.subject = None),
        change(|it| it.headers.content_type = Some("text/plain".to_owned())),
        change(|it| it.body = None),
        change(|it| it.body = Some(Vec::new())),
        change(|it| {
            it.headers.application.remove("toHerId");
        }),
        change(|it| {
            let other = "80002".to_owned();
            it.headers.application.insert("toHerId".to_owned(), other);
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wrong = wrong;
        wrong.headers.message_id = Some(n.to_string());
        assert_eq!(world.desk.receive(wrong).await, Settlement::Accept);
        let said = error(&world.outgoing().await[0]);
        assert_eq!(
            said,
            ("transport:invalid-field-value".to_owned(), n.to_string())
        );
    }
    let nobody = [
        change(|it| {
            it.headers.application.remove("fromHerId");
        }),
        change(|it| {
            let other = "90009".to_owned();
            it.headers.application.insert("fromHerId".to_owned(), other);
        }),
    ];
    for wrong in nobody {
        assert_eq!(world.desk.receive(wrong).await, Settlement::Reject);
    }
    world.move_on(10);
    world.change_party(|party| party.active = false);
    let from_inactive = from_helsenorge(GOLDEN, "b");
    assert_eq!(world.desk.receive(from_inactive).await, Settlement::Reject);
    assert!(world.outgoing().await.is_empty());
    assert_eq!(world.given(), 0);
}

#[tokio::test]
async fn what_the_inbox_says_decides() {
    let world = World::new().await;
    let say = |what| *world.inbox.says.lock().unwrap() = Some(what);
    say(NotReceived::Later(anyhow::anyhow!("one message")));
    let message = from_helsenorge(GOLDEN, "a");
    assert_eq!(
        world.desk.receive(message.clone()).await,
        Settlement::Release
    );
    assert!(
        world.outgoing().await.is_empty(),
        "nothing is said of what was not taken"
    );
    say(NotReceived::Ours(anyhow::anyhow!("disk full")));
    assert_eq!(world.desk.receive(message.clone()).await, Settlement::Hold);
    // It comes again and is taken.
    assert_eq!(world.desk.receive(message).await, Settlement::Accept);
    assert_eq!(world.given(), 3);
    assert_eq!(receipt(&world.outgoing().await[0]).status, AppRecStatus::Ok);

    say(NotReceived::Refused("saken finnes ikke".to_owned()));
    let other = GOLDEN.replace(ID, "other-id");
    for _ in 0..2 {
        let message = from_helsenorge(&other, "b");
        assert_eq!(world.desk.receive(message).await, Settlement::Accept);
    }
    assert_eq!(world.given(), 4, "what was refused is not given again");
    let out = world.outgoing().await;
    assert_eq!(out.len(), 1);
    let AppRecStatus::Rejected(errors) = receipt(&out[0]).status else {
        panic!("rejected");
    };
    assert_eq!(
        (errors[0].code.as_str(), errors[0].text.as_str()),
        ("X99", "saken finnes ikke")
    );
}

#[tokio::test]
async fn what_does_not_fit_is_rejected_without_bothering_the_inbox() {
    let world = World::new().await;
    let texts = [
        GOLDEN.replace("<Id>KREFT</Id>", "<Id>HIV</Id>"),
        GOLDEN.replace("04815000043", "04815000042"),
    ];
    for (n, text) in texts.iter().enumerate() {
        let text = text.replace(ID, &format!("unfit-{n}"));
        for _ in 0..2 {
            world
                .desk
                .receive(from_helsenorge(&text, &n.to_string()))
                .await;
        }
        let out = world.outgoing().await;
        assert_eq!(out.len(), 1);
        assert!(matches!(receipt(&out[0]).status, AppRecStatus::Rejected(_)));
    }
    assert_eq!(world.given(), 0);
}

#[tokio::test]
async fn errors_are_never_answered_with_errors() {
    let world = World::new().await;
    let error = |change: fn(&mut Incoming)| {
        let mut error = incoming("e", Vec::new());
        error.queue = Queue::Error;
        error.headers.subject = Some("AMQP_SOAP_FAULT".to_owned());
        change(&mut error);
        error
    };
    for message in [
        error(|_| {}),
        error(|it| it.body = None),
        error(|it| it.headers = RawHeaders::default()),
        error(|it| it.body = Some(vec![1, 2, 3])),
        error(|it| {
            let new = "transport:never-heard-of".to_owned();
            it.headers
                .application
                .insert("errorCondition".to_owned(), new);
        }),
        error(|it| it.headers.content_type = Some(SIGNED_AND_ENVELOPED.to_owned())),
    ] {
        assert_eq!(world.desk.receive(message).await, Settlement::Accept);
    }
    assert!(world.outgoing().await.is_empty());
}

#[tokio::test]
async fn an_outage_of_the_address_register_holds_messages_and_loses_none() {
    let world = World::new().await;
    world.addresses.out.store(true, Ordering::SeqCst);
    let message = from_helsenorge(GOLDEN, "a");
    assert_eq!(world.desk.receive(message.clone()).await, Settlement::Hold);
    world.addresses.out.store(false, Ordering::SeqCst);
    assert_eq!(world.desk.receive(message).await, Settlement::Accept);
    // Who was known is heard and told through an outage of less than the stated hour.
    world.addresses.out.store(true, Ordering::SeqCst);
    world.move_on(3_599);
    let other = from_helsenorge(&GOLDEN.replace(ID, "other-id"), "b");
    assert_eq!(world.desk.receive(other).await, Settlement::Accept);
    assert_eq!(world.outgoing().await.len(), 2);
    world.move_on(2);
    let third = from_helsenorge(&GOLDEN.replace(ID, "third-id"), "c");
    assert_eq!(world.desk.receive(third).await, Settlement::Hold);
}

#[tokio::test]
async fn nothing_of_a_person_stands_in_the_records() {
    let world = World::new().await;
    world.desk.receive(from_helsenorge(GOLDEN, "a")).await;
    let answer = super::super::super::Answer {
        id: MessageId::parse("answer-1").unwrap(),
        to: super::world::her(super::world::THEIRS),
        in_reply_to: MessageId::parse(ID).unwrap(),
        text: "Rettet hos oss".to_owned().into(),
        attachments: Vec::new(),
    };
    world.desk.answer(&answer).await.unwrap();
    world.desk.store.records().close().await;
    let folder = world.folder.path().join("records");
    let mut bytes = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        bytes += content.len();
        for secret in ["04815000043", "Datoen i 2016", "Rettet hos oss", "epikrise"] {
            let found = content
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
    assert!(bytes > 0);
}
