//! What an item says, and to whom.

use super::*;
use crate::sealing::{ItemKind, OpeningKey, SealError};

fn signer(name: &str) -> HeadSigner {
    HeadSigner::from_seed(&format!("innsyn://gateway/{name}"), [7; 32]).unwrap()
}

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn words(text: &str, file: usize) -> wire::CaseWords {
    let file = (file > 0).then(|| crate::wire::types::v1::CaseAttachment {
        name: "fil".to_owned(),
        media_type: "text/plain".to_owned(),
        content: vec![7; file],
        bytes: 0,
    });
    wire::CaseWords {
        message_id: vec![1; 16].into(),
        text: text.to_owned(),
        attachments: file.into_iter().collect(),
    }
}

fn item(content: Option<DialogCall>) -> DialogItem {
    DialogItem {
        gateway: "helsenorge".parse().unwrap(),
        register: register("kreft"),
        at: Timestamp::from_micros(1_800_000_000_000_000),
        content,
    }
}

fn calls() -> [Option<DialogCall>; 4] {
    let words = Some(words("Er dette riktig?\nHilsen Å", 0));
    [
        None,
        Some(DialogCall::Open(wire::OpenCaseRequest {
            kind: 2,
            words: words.clone(),
            ..wire::OpenCaseRequest::default()
        })),
        Some(DialogCall::Message(wire::AddMessageRequest {
            case_id: vec![2; 16].into(),
            words: words.clone(),
            ..wire::AddMessageRequest::default()
        })),
        Some(DialogCall::Appeal(wire::AppealCaseRequest {
            case_id: vec![2; 16].into(),
            words,
            ..wire::AppealCaseRequest::default()
        })),
    ]
}

#[test]
fn an_item_is_read_by_whom_it_is_for_and_of_whom_it_is_alone() {
    let (ours, other) = (signer("helsenorge"), signer("other"));
    let gateway: GatewayName = "helsenorge".parse().unwrap();
    let key = ours.public().unwrap();
    for content in calls() {
        let item = item(content);
        let note = item.sign(&ours).unwrap();
        assert_eq!(DialogItem::gateway_unchecked(&note), Some(gateway.clone()));
        let read = DialogItem::read(&note, (&gateway, &key), &register("kreft")).unwrap();
        assert!(read == item);
        let elsewhere = DialogItem::read(&note, (&gateway, &key), &register("npr"));
        assert!(matches!(elsewhere, Err(ItemError::OfOthers)));
        let other_gateway: GatewayName = "other".parse().unwrap();
        let of_other = DialogItem::read(&note, (&other_gateway, &key), &register("kreft"));
        assert!(matches!(of_other, Err(ItemError::OfOthers)));
        let forged = item.sign(&other).unwrap();
        let forged = DialogItem::read(&forged, (&gateway, &key), &register("kreft"));
        assert!(matches!(forged, Err(ItemError::Note(_))));
        assert!(!format!("{item:?}").contains("riktig"));
    }
    // One text for one item.
    let more = ours
        .sign_text(&format!("{}more: x\n", item(None).text()))
        .unwrap();
    let more = DialogItem::read(&more, (&gateway, &key), &register("kreft"));
    assert!(matches!(more, Err(ItemError::More)));
}

/// As the limit is stated: the longest text, and beside it files of 7 KiB.
#[test]
fn the_longest_text_and_seven_kib_of_files_fit_into_an_item() {
    let key = OpeningKey::from_seed(&[3; 32]);
    let mut random: rand::rngs::StdRng = rand::make_rng();
    let mut sealed = |text: &str, file: usize| {
        let call = wire::OpenCaseRequest {
            kind: 2,
            words: Some(words(text, file)),
            ..wire::OpenCaseRequest::default()
        };
        let note = item(Some(DialogCall::Open(call)))
            .sign(&signer("helsenorge"))
            .unwrap();
        let kind = ItemKind::Dialog;
        key.public()
            .seal(kind, &register("kreft"), &note, &mut random)
    };
    let longest = "x".repeat(4_000);
    let fits = sealed(&longest, 7 * 1024).unwrap();
    assert_eq!(fits.len(), ItemKind::Dialog.sealed_bytes());
    assert_eq!(sealed("x", 0).unwrap().len(), fits.len(), "one size");
    let max = ItemKind::Dialog.text_bytes_max();
    assert_eq!(sealed(&longest, 9 * 1024), Err(SealError::TooLong(max)));
}
