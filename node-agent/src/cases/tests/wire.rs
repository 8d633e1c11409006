//! The service: whom it serves, and that nothing is told by a length or a time.

use bytes::Bytes;
use innsyn_proto::convert::question_to_wire;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::types::v1 as types;
use node::CaseRefusal;
use node::cases_service_server::CasesService as _;
use prost::Message as _;
use tokio::time::Instant;
use tonic::Code;

use super::*;
use crate::presence::Peer;
use crate::service::Caps;
use crate::test_ids::NUMBERS;

fn face(cases: &Arc<Cases>, per_minute: u32) -> CasesFace {
    let caps = Caps {
        per_minute,
        per_day: 1_000,
    };
    let cases = Arc::clone(cases);
    CasesFace::new(
        cases,
        [(gateway(), caps)],
        NUMBERS.rules,
        Duration::from_secs(5),
    )
}

fn from<T>(gateway: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(Peer {
        gateway: gateway.parse().unwrap(),
        pin: format!("sha256:{}", "ab".repeat(32)).parse().unwrap(),
    });
    request
}

fn who(n: usize) -> node::Question {
    let asked = own(n);
    question_to_wire(asked.id, 0, &asked.request, 3_000)
}

fn opening(n: usize, id: u8, text: &str) -> node::OpenCaseRequest {
    node::OpenCaseRequest {
        who: Some(who(n)),
        kind: types::CaseKind::Correction.into(),
        words: Some(node::CaseWords {
            message_id: Bytes::from(vec![id; 16]),
            text: text.to_owned(),
            attachments: Vec::new(),
        }),
        reply_bytes: 2_048,
        padding: Vec::new(),
    }
}

#[tokio::test]
async fn a_gateway_that_may_not_ask_of_cases_is_refused_with_and_without_content() {
    let place = Place::new();
    let agent = place.agent().await;
    let face = face(&agent.cases, 10);
    for request in [opening(1, 1, "Hei."), node::OpenCaseRequest::default()] {
        let refused = face.open_case(from("helsedata", request.clone())).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
        let nobody = face.open_case(tonic::Request::new(request)).await;
        assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    }
    let get = node::GetCaseRequest::default();
    let refused = face.get_case(from("helsedata", get)).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let list = node::ListCasesRequest::default();
    let refused = face.list_cases(from("helsedata", list)).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn promise_2_with_and_without_content_accepted_and_refused_have_one_size_and_one_time() {
    let place = Place::new();
    let agent = place.agent().await;
    let face = face(&agent.cases, 100);
    let silent = node::OpenCaseRequest {
        reply_bytes: 2_048,
        ..node::OpenCaseRequest::default()
    };
    let mut sizes = Vec::new();
    let mut said = Vec::new();
    for request in [
        silent,
        opening(1, 1, "Hei."),
        opening(1, 1, "Noe annet."),
        opening(1, 2, " "),
    ] {
        let began = Instant::now();
        let answer = face.open_case(from("helsenorge", request)).await;
        let answer = answer.unwrap().into_inner();
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(245), "{took:?}");
        sizes.push(answer.encoded_len());
        said.push((answer.refusal(), !answer.receipt.is_empty()));
    }
    assert_eq!(sizes, [2_048; 4]);
    let expected = [
        (CaseRefusal::Unspecified, false),
        (CaseRefusal::Unspecified, true),
        (CaseRefusal::MessageIdUsed, false),
        (CaseRefusal::Malformed, false),
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn promise_2_the_cases_of_somebody_and_of_nobody_have_one_size() {
    let place = Place::new();
    let agent = place.agent().await;
    let face = face(&agent.cases, 100);
    let list = async |n, reply_bytes| {
        let request = node::ListCasesRequest {
            who: Some(who(n)),
            reply_bytes,
            padding: Vec::new(),
        };
        let answer = face.list_cases(from("helsenorge", request)).await;
        answer.unwrap().into_inner()
    };
    for id in 1..=19 {
        agent.opens(1, CaseKind::Insight, id).await;
    }
    let (somebody, nobody) = (list(1, 8_192).await, list(2, 8_192).await);
    assert_eq!((somebody.cases.len(), nobody.cases.len()), (19, 0));
    assert_eq!([somebody.encoded_len(), nobody.encoded_len()], [8_192; 2]);
    // Where there is no room for them, the answer says how much it takes, and is no longer.
    let mut somebody = list(1, 1_024).await;
    assert!(somebody.cases.is_empty());
    assert_eq!(somebody.encoded_len(), 1_024);
    let needed = somebody.bytes_needed;
    assert!(somebody.pad_to(1_024));
    assert_eq!(list(1, needed).await.cases.len(), 19);
}

#[tokio::test]
async fn over_the_cap_is_refused_and_logged_and_what_has_no_content_is_not_counted() {
    let place = Place::new();
    let agent = place.agent().await;
    let face = face(&agent.cases, 1);
    let open = async |request| {
        let answer = face.open_case(from("helsenorge", request)).await;
        answer.unwrap().into_inner().refusal()
    };
    let silent = || node::OpenCaseRequest {
        reply_bytes: 2_048,
        ..node::OpenCaseRequest::default()
    };
    open(silent()).await;
    assert_eq!(open(opening(1, 1, "Hei.")).await, CaseRefusal::Unspecified);
    assert_eq!(open(opening(1, 2, "Hei.")).await, CaseRefusal::OverCap);
    agent.close().await;
    let decisions: Vec<_> = place.entries().iter().map(|entry| entry.decision).collect();
    assert_eq!(decisions, [UseDecision::Answered, UseDecision::OverCap]);
}

#[tokio::test]
async fn an_answer_without_bounds_is_not_asked_for() {
    let place = Place::new();
    let agent = place.agent().await;
    let face = face(&agent.cases, 10);
    for reply_bytes in [0, 1_023, 512 * 1024 + 1] {
        let request = node::GetCaseRequest {
            reply_bytes,
            ..node::GetCaseRequest::default()
        };
        let refused = face.get_case(from("helsenorge", request)).await;
        assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[test]
fn files_beyond_the_bounds_are_no_words() {
    let file = |name: &str, bytes: usize| types::CaseAttachment {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        content: vec![0; bytes],
        bytes: 0,
    };
    let read = |message_id: Vec<u8>, text: &str, attachments| {
        let words = node::CaseWords {
            message_id: message_id.into(),
            text: text.to_owned(),
            attachments,
        };
        Words::from_wire(words).map(|_| ())
    };
    let id = || vec![1; 16];
    read(id(), "Hei.", vec![file("a", ATTACHMENTS_BYTES_MAX)]).unwrap();
    read(id(), "Hei.", vec![file("a", 1); ATTACHMENTS_MAX]).unwrap();
    let half = ATTACHMENTS_BYTES_MAX / 2 + 1;
    for (id, text, files) in [
        (vec![1; 15], "Hei.", vec![]),
        (vec![0; 16], "Hei.", vec![]),
        (id(), "", vec![]),
        (id(), "Hei.", vec![file("a", half), file("b", half)]),
        (id(), "Hei.", vec![file("a", 1); ATTACHMENTS_MAX + 1]),
        (id(), "Hei.", vec![file("", 1)]),
        (id(), "Hei.", vec![file("../etc/passwd", 1)]),
        (id(), "Hei.", vec![file(&"n".repeat(101), 1)]),
        (id(), "Hei.", vec![file("a\u{1b}", 1)]),
    ] {
        assert!(read(id, text, files).is_err());
    }
}
