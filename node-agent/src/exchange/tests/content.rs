//! Messages and receipts as XML. The golden messages are made from descriptions and are not
//! verified against the schemas, which are not public.

use innsyn_policy::{Environment, NationalId, Timestamp};

use super::super::apprec::AppRecError;
use super::super::msghead::{self, Body, Content, Numbers, Outgoing};
use super::super::{
    AppRec, AppRecStatus, AppRecVersion, Attachment, Condition, Conversation, HerId, MessageId,
    MessageKind, RegisterMessage,
};
use crate::test_ids::{NUMBERS, looks_real, person};

const GOLDEN: [(MessageKind, &str, &str, Option<&str>); 5] = [
    (
        MessageKind::HealthData,
        include_str!("golden/innsyn_helseopplysninger.xml"),
        "Jeg ønsker innsyn i alt dere har om meg.",
        Some("F01"),
    ),
    (
        MessageKind::Uses,
        include_str!("golden/innsyn_bruk.xml"),
        "Hvem har brukt opplysningene mine?",
        Some("F03"),
    ),
    (
        MessageKind::Releases,
        include_str!("golden/innsyn_utlevering.xml"),
        "Hvem er opplysningene mine utlevert til?",
        Some("F04"),
    ),
    (
        MessageKind::Error,
        include_str!("golden/melde_feil.xml"),
        "Datoen i 2016 er feil & skal være <3. mai>.",
        None,
    ),
    (
        MessageKind::DeletionOrBlocking,
        include_str!("golden/sletting_eller_sperring.xml"),
        "Jeg ber om at opplysningene slettes.",
        None,
    ),
];

fn numbers() -> Numbers {
    Numbers {
        rules: NUMBERS.rules,
        environment: Environment::Test,
    }
}

fn read(text: &str) -> Content {
    msghead::read(text.as_bytes(), numbers()).unwrap()
}

fn message(text: &str) -> RegisterMessage {
    match read(text).body {
        Body::Register(message) => *message,
        other => panic!("a register's message, not {other:?}"),
    }
}

fn her(id: &str) -> HerId {
    HerId::parse(id).unwrap()
}

#[test]
fn a_golden_message_of_each_process_is_read_whole() {
    assert_eq!(MessageKind::all().count(), GOLDEN.len());
    for (n, (kind, text, words, code)) in GOLDEN.into_iter().enumerate() {
        let content = read(text);
        assert_eq!((content.from, content.to), (her("90002"), her("80001")));
        let message = message(text);
        assert_eq!(message.kind, kind);
        let id = format!("7c1fa3c5-0001-4000-8000-00000000000{n}");
        assert_eq!(message.id, MessageId::parse(&id).unwrap());
        assert_eq!(message.text.as_str(), words);
        assert_eq!(message.request.map(|it| it.code).as_deref(), code);
        assert_eq!(message.register.as_deref(), Some("KREFT"));
        assert!(message.wants_receipt);
        let digits = [
            "01815000036",
            "02815000075",
            "03815000004",
            "04815000043",
            "01815000036",
        ];
        let person = NationalId::parse(digits[n], NUMBERS.rules).unwrap();
        assert_eq!(message.person, person);
        // 10:11 in Norway in winter.
        let at = Timestamp::from_seconds(1_795_770_670 + i64::try_from(n).unwrap());
        assert_eq!(message.made_at, at);
    }
    let error = message(GOLDEN[3].1);
    assert_eq!(&**error.attachments[0].content, b"Datoen var 3. mai.");
    assert_eq!(error.attachments[0].media_type, "text/plain");
    assert_eq!(error.attachments[0].description, "epikrise.txt");
    let parent = MessageId::parse("0a1c6a0e-0000-4000-8000-000000000003").unwrap();
    assert_eq!(error.conversation.parent, Some(parent));
}

#[test]
fn what_does_not_fit_is_refused_with_a_receipt_and_named() {
    let golden = GOLDEN[3].1;
    let real = looks_real(3);
    let attachments = "<mh:Document><mh:RefDoc><mh:Content><Base64Container \
        xmlns=\"http://www.kith.no/xmlstds/base64container\">AA==</Base64Container>\
        </mh:Content></mh:RefDoc></mh:Document>"
        .repeat(10);
    let long = "a".repeat(32_769);
    let cases = [
        (
            golden.replace("04815000043", "04815000042"),
            "national id is none",
        ),
        (golden.replace("04815000043", &real), "not accepted here"),
        (
            golden.replace("\"FNR\"", "\"XXX\""),
            "no patient with one national id",
        ),
        (golden.replace("RGF0", "*"), "not Base64"),
        (
            golden.replace("dialog/2013-01-23", "dialog/2006-10-11"),
            "Dialogmelding 1.1",
        ),
        (golden.replace("Datoen i 2016", &long), "32768 characters"),
        (
            golden.replace("</mh:MsgHead>", &format!("{attachments}</mh:MsgHead>")),
            "10 attachments",
        ),
        (
            golden.replace(
                "<Id>KREFT</Id>",
                "<Id>KREFT</Id><RegisterID>HIV</RegisterID>",
            ),
            "one register",
        ),
    ];
    for (text, words) in cases {
        let Body::Unfit(unfit) = read(&text).body else {
            panic!("unfit for `{words}`");
        };
        assert!(
            unfit.why.text.contains(words),
            "{} is not `{words}`",
            unfit.why.text
        );
        assert!(unfit.wants_receipt);
        assert_eq!(unfit.why.code, "X99");
    }
}

#[test]
fn a_head_that_cannot_be_used_is_a_fault_with_its_condition() {
    use Condition::{InvalidFieldValue, NotWellFormedXml, UnsupportedMessage};
    let golden = GOLDEN[0].1;
    let cases = [
        (golden.replace("</MsgInfo>", ""), NotWellFormedXml),
        (
            golden.replace(
                "<MsgHead",
                "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><MsgHead",
            ),
            NotWellFormedXml,
        ),
        (golden.replace("Testesen", "&b;"), NotWellFormedXml),
        (golden.replace("Testesen", "<?php?>"), NotWellFormedXml),
        (golden.replace("utf-8", "iso-8859-1"), NotWellFormedXml),
        (
            golden.replace("Testesen", &"<a>".repeat(40)),
            NotWellFormedXml,
        ),
        (
            golden.replace("Testesen", &"<a/>".repeat(5_000)),
            NotWellFormedXml,
        ),
        (format!("{golden}<MsgHead/>"), NotWellFormedXml),
        (
            golden.replace("msghead/2006-05-24", "msghead/2030-01-01"),
            UnsupportedMessage,
        ),
        ("<MsgHead/>".to_owned(), UnsupportedMessage),
        (golden.replace("<MsgId>", "<MsgId>æ"), InvalidFieldValue),
        (golden.replace("<GenDate>", "<GenDate>x"), InvalidFieldValue),
        (golden.replace("\"J\"", "\"K\""), InvalidFieldValue),
        (golden.replace("\"HER\"", "\"ENH\""), InvalidFieldValue),
        (
            golden.replace("<GenDate>", "<MsgId>7c1fa3c5</MsgId><GenDate>"),
            InvalidFieldValue,
        ),
    ];
    for (n, (text, condition)) in cases.into_iter().enumerate() {
        let fault = msghead::read(text.as_bytes(), numbers()).unwrap_err();
        assert_eq!(fault.condition, condition, "case {n}");
    }
    let cut = &golden.as_bytes()[..700];
    assert!(msghead::read(cut, numbers()).is_err());
    assert!(msghead::read(&[0xff, 0xfe, 0x3c], numbers()).is_err());
    assert!(msghead::read(b"", numbers()).is_err());
}

#[test]
fn another_process_is_told_apart_and_its_parties_are_known() {
    for process in [
        "DIALOG_INNBYGGER_TIMERESERVASJON",
        "",
        "dialog_innbygger_hreg_melde_feil",
    ] {
        let text = GOLDEN[3]
            .1
            .replace("DIALOG_INNBYGGER_HREG_MELDE_FEIL", process);
        let content = read(&text);
        assert_eq!(content.body, Body::Unsupported, "{process}");
        assert_eq!(content.from, her("90002"));
    }
}

#[test]
fn an_answer_is_written_as_it_is_read() {
    let conversation = Conversation {
        parent: Some(MessageId::parse("p-1").unwrap()),
        first: Some(MessageId::parse("c-1").unwrap()),
    };
    let attachments = [Attachment {
        media_type: "application/pdf".to_owned(),
        description: "svar.pdf".to_owned(),
        content: vec![0, 1, 2, 255].into(),
    }];
    let id = MessageId::parse("a-1").unwrap();
    let written = msghead::write(&Outgoing {
        id: &id,
        kind: MessageKind::Error,
        made_at: Timestamp::from_seconds(1_795_774_272),
        from: her("90002"),
        to: her("80001"),
        person: &person(7),
        conversation: &conversation,
        text: "Rettet: <b> & \"c\"\u{0} ]]>",
        attachments: &attachments,
    })
    .unwrap();
    let read = message(str::from_utf8(&written).unwrap());
    assert_eq!(read.id, id);
    assert_eq!(read.person, person(7));
    assert_eq!(read.text.as_str(), "Rettet: <b> & \"c\"\u{fffd} ]]>");
    assert_eq!(read.attachments, attachments);
    assert_eq!(read.conversation, conversation);
    assert_eq!(read.made_at, Timestamp::from_seconds(1_795_774_272));
}

#[test]
fn receipts_of_both_editions_are_written_as_they_are_read() {
    let errors = vec![AppRecError::other("pasienten er ukjent & \"slik\"")];
    for version in [AppRecVersion::V1_0, AppRecVersion::V1_1] {
        for status in [
            AppRecStatus::Ok,
            AppRecStatus::OkWithErrors(errors.clone()),
            AppRecStatus::Rejected(errors.clone()),
        ] {
            let receipt = AppRec {
                version,
                id: MessageId::parse("r-1").unwrap(),
                made_at: Timestamp::from_seconds(1_795_774_272),
                from: her("80001"),
                to: her("90002"),
                status,
                original_process: MessageKind::Error.process().to_owned(),
                original_made_at: Some(Timestamp::from_seconds(1_795_774_200)),
                original: MessageId::parse("m-1").unwrap(),
            };
            let text = String::from_utf8(receipt.write().unwrap()).unwrap();
            assert!(text.contains(version.namespace()));
            let content = read(&text);
            assert_eq!((content.from, content.to), (her("80001"), her("90002")));
            assert_eq!(content.body, Body::AppRec(receipt));
        }
    }
}

#[test]
fn nothing_of_a_person_is_printed() {
    for (_, text, words, _) in GOLDEN {
        let printed = format!("{:?}", read(text));
        assert!(
            !printed.contains(words) && !printed.contains("15000"),
            "{printed}"
        );
    }
}
