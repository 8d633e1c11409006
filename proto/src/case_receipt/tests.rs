//! What a case's receipt says, and that nothing else is taken for one.

use innsyn_policy::{Act, CaseKind, CaseState, RegisterId, Timestamp, Verdict};
use jiff::civil::date;

use super::{AttachedFile, CaseId, CaseReceipt, MessageId, content_digest};
use crate::head::{HeadError, HeadSigner};
use crate::receipt::{Receipt, ReceiptError};

fn signer(seed: u8) -> HeadSigner {
    HeadSigner::from_seed("innsyn/kreft", [seed; 32]).unwrap()
}

fn receipt(act: Act, state: CaseState) -> CaseReceipt {
    CaseReceipt {
        register: RegisterId::parse("kreft").unwrap(),
        case: CaseId([0xab; 16]),
        step: 3,
        act,
        kind: CaseKind::Correction,
        state,
        due: date(2027, 2, 15),
        content: [1; 32],
        use_log_leaf: [2; 32],
        at: Timestamp::from_seconds(1_800_000_004),
    }
}

#[test]
fn a_receipt_is_read_as_it_was_signed() {
    let key = signer(1).public().unwrap();
    let refused = CaseState::Answered(Verdict::Refused);
    for (act, state) in [
        (Act::Open, CaseState::Received),
        (Act::Begin, CaseState::InProgress),
        (Act::Answer(Verdict::Refused), refused),
        (Act::Appeal, CaseState::Appealed),
    ] {
        let signed = receipt(act, state);
        let note = signed.sign(&signer(1)).unwrap();
        assert_eq!(CaseReceipt::read(&note, &key), Ok(signed));
        assert!(Receipt::read(&note, &key).is_err(), "no research receipt");
    }
}

#[test]
fn the_text_is_the_one_that_is_described() {
    let text = receipt(Act::Open, CaseState::Received).text();
    let expected = "innsyn case receipt 1\nregister: kreft\n\
        case: abababababababababababababababab\nstep: 3\nact: open\nkind: correction\n\
        state: received\ndue: 2027-02-15\n\
        content: 0101010101010101010101010101010101010101010101010101010101010101\n\
        use-log-leaf: 0202020202020202020202020202020202020202020202020202020202020202\n\
        at: 2027-01-15T08:00:04Z\n";
    assert_eq!(text, expected);
}

#[test]
fn what_was_changed_or_signed_by_another_is_no_receipt() {
    let key = signer(1).public().unwrap();
    let note = receipt(Act::Open, CaseState::Received)
        .sign(&signer(1))
        .unwrap();
    let forged = note.replace("due: 2027-02-15", "due: 2028-02-15");
    assert!(CaseReceipt::read(&forged, &key).is_err());
    let other = receipt(Act::Open, CaseState::Received)
        .sign(&signer(2))
        .unwrap();
    assert_eq!(
        CaseReceipt::read(&other, &key),
        Err(ReceiptError::Note(HeadError::Unsigned))
    );
    for (from, to) in [
        ("step: 3", "step: 03"),
        ("act: open", "act: answer"),
        ("state: received", "state: lost"),
        ("use-log-leaf", "leaf"),
        (
            "at: 2027-01-15T08:00:04Z",
            "at: 2027-01-15T08:00:04Z\nmore: 1",
        ),
    ] {
        let text = receipt(Act::Open, CaseState::Received)
            .text()
            .replace(from, to);
        let note = signer(1).sign_text(&text).unwrap();
        assert!(CaseReceipt::read(&note, &key).is_err(), "{to}");
    }
}

#[test]
fn the_digest_tells_apart_what_is_put_together_differently() {
    let file = |name: &'static str, content: &'static [u8]| AttachedFile {
        name,
        media_type: "text/plain",
        content,
    };
    let id = MessageId([1; 16]);
    let digests = [
        content_digest(id, "ab", []),
        content_digest(MessageId([2; 16]), "ab", []),
        content_digest(id, "a", []),
        content_digest(id, "ab", [file("c", b"")]),
        content_digest(id, "ab", [file("", b"c")]),
        content_digest(id, "ab", [file("c", b""), file("c", b"")]),
    ];
    for (at, one) in digests.iter().enumerate() {
        assert!(digests.iter().skip(at + 1).all(|other| other != one));
    }
}
