//! The validation table of headers, and both dialects of addresses.

use innsyn_policy::Timestamp;

use super::super::{
    Address, Condition, Dialect, HerId, MessageId, QueueName, RawHeaders, SIGNED_AND_ENVELOPED,
};

fn good() -> RawHeaders {
    let application = [
        ("fromHerId", "90002"),
        ("toHerId", "80001"),
        ("applicationTimeStamp", "2026-11-27T10:11:12Z"),
        ("cpaId", "5d1b3c9c-aaaa-4000-8000-000000000001"),
    ];
    RawHeaders {
        message_id: Some("m-1".to_owned()),
        to: Some("80001_async".to_owned()),
        subject: Some("DIALOG_INNBYGGER_HREG_MELDE_FEIL".to_owned()),
        reply_to: Some("sb.test.nhn.no/DigitalDialog/90002_async".to_owned()),
        correlation_id: None,
        content_type: Some(SIGNED_AND_ENVELOPED.to_owned()),
        application: application
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

#[test]
fn whole_headers_are_taken() {
    let headers = good().check().unwrap();
    assert_eq!(headers.from.number(), 90002);
    assert_eq!(headers.to.number(), 80001);
    assert_eq!(headers.sent_at, Timestamp::from_seconds(1_795_774_272));
    assert_eq!(headers.reply_to.unwrap().as_str(), "90002_async");
    assert_eq!(good().sender(), Some(HerId::parse("90002").unwrap()));
}

#[test]
fn each_header_that_a_receiver_must_see_is_missed_by_its_name() {
    type Change = fn(&mut RawHeaders);
    let without: [(&str, Change); 5] = [
        ("toHerId", |raw| drop(raw.application.remove("toHerId"))),
        ("fromHerId", |raw| drop(raw.application.remove("fromHerId"))),
        ("subject", |raw| raw.subject = None),
        ("applicationTimeStamp", |raw| {
            raw.application.remove("applicationTimeStamp");
        }),
        ("content-type", |raw| raw.content_type = None),
    ];
    let malformed: [(&str, Change); 8] = [
        ("toHerId", |raw| set(raw, "toHerId", "80001a")),
        ("toHerId", |raw| set(raw, "toHerId", "+80001")),
        ("fromHerId", |raw| set(raw, "fromHerId", "0")),
        ("fromHerId", |raw| set(raw, "fromHerId", "99999999999")),
        ("subject", |raw| raw.subject = Some("  ".to_owned())),
        ("applicationTimeStamp", |raw| {
            set(raw, "applicationTimeStamp", "yesterday");
        }),
        ("content-type", |raw| {
            raw.content_type = Some("text/plain".to_owned());
        }),
        ("reply-to", |raw| raw.reply_to = Some("a/b?c".to_owned())),
    ];
    for (name, change) in without.into_iter().chain(malformed) {
        let mut raw = good();
        change(&mut raw);
        let fault = raw.check().unwrap_err();
        assert_eq!(fault.condition, Condition::InvalidFieldValue, "{name}");
        assert!(fault.description.contains(name), "{name}: {fault}");
    }
}

fn set(raw: &mut RawHeaders, name: &str, value: &str) {
    raw.application.insert(name.to_owned(), value.to_owned());
}

#[test]
fn content_types_are_compared_as_media_types() {
    for kind in [
        "application/pkcs7-mime; smime-type=signed-and-enveloped-data",
        "Application/PKCS7-MIME;smime-type=\"signed-and-enveloped-data\"",
        "application/x-pkcs7-mime; name=a.p7m; smime-type=signed-and-enveloped-data",
    ] {
        let mut raw = good();
        raw.content_type = Some(kind.to_owned());
        assert!(raw.check().is_ok(), "{kind}");
    }
    for kind in [
        "application/pkcs7-mime",
        "application/pkcs7-mime; smime-type=enveloped-data",
        "application/soap+xml",
    ] {
        let mut raw = good();
        raw.content_type = Some(kind.to_owned());
        assert!(raw.check().is_err(), "{kind}");
    }
}

#[test]
fn a_time_without_an_offset_is_norwegian() {
    for (text, seconds) in [
        ("2026-11-27T10:11:12Z", 1_795_774_272),
        ("2026-11-27T11:11:12+01:00", 1_795_774_272),
        ("2026-11-27T11:11:12", 1_795_774_272),
        ("2026-07-01T12:00:00.123", 1_782_900_000),
    ] {
        let mut raw = good();
        set(&mut raw, "applicationTimeStamp", text);
        assert_eq!(raw.check().unwrap().sent_at.as_seconds(), seconds, "{text}");
    }
}

#[test]
fn both_dialects_of_addresses_are_read_and_written() {
    for text in [
        "91468_async",
        "sb.test.nhn.no/DigitalDialog/91468_async",
        "amqps://sb.test.nhn.no:5671/NHNTestServiceBus/91468_async",
        "/amq/queue/91468_async",
        "/exchange/NHNTestServiceBus/91468_async",
        "NHNTestServiceBus/91468_async",
    ] {
        assert_eq!(Address::parse(text).unwrap().queue.as_str(), "91468_async");
    }
    for text in ["", "a/", "a b", "91468_async?x=1", "é"] {
        assert!(Address::parse(text).is_err(), "{text}");
    }
    let queue = QueueName::parse("91468_async").unwrap();
    let (rabbit, bus) = (Dialect::Rabbitmq, Dialect::ServiceBus);
    assert_eq!(rabbit.target("NHN", &queue), "/exchange/NHN/91468_async");
    assert_eq!(rabbit.source("NHN", &queue), "/amq/queue/91468_async");
    assert_eq!(bus.target("NHN", &queue), "NHN/91468_async");
    assert_eq!(bus.source("NHN", &queue), "NHN/91468_async");
}

#[test]
fn the_same_uuid_in_another_case_is_the_same_message() {
    let (upper, lower) = (
        MessageId::parse("7C1FA3C5").unwrap(),
        MessageId::parse("7c1fa3c5").unwrap(),
    );
    assert_eq!(upper, lower);
    assert_eq!(upper.key(), lower.key());
    assert_eq!(upper.as_str(), "7C1FA3C5");
    assert!(MessageId::parse(&"a".repeat(65)).is_err());
    assert!(MessageId::parse("a b").is_err());
    assert_eq!(
        MessageId::from_random([0xff; 16]).as_str(),
        "ffffffff-ffff-4fff-bfff-ffffffffffff"
    );
}

#[test]
fn every_condition_has_its_name_and_back() {
    for name in [
        "transport:not-well-formed-xml",
        "transport:invalid-field-value",
        "transport:internal-error",
        "transport:unsupported-message",
        "transport:unverified-certificate",
        "transport:missing-certificate",
        "transport:expired-certificate",
        "transport:invalid-certificate",
        "transport:revoked-certificate",
        "transport:revoked-certificate-offline",
        "abuse:spoofing-attack",
    ] {
        let condition = Condition::parse(name).unwrap();
        assert_eq!(condition.name(), name);
        assert_eq!(condition.is_temporary(), name.ends_with("offline"));
    }
    assert_eq!(Condition::parse("transport:new"), None);
}
