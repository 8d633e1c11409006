//! Messages between AMQP's types and ours.

use fe2o3_amqp::types::messaging::{
    ApplicationProperties, Body, Data, Header, Message, MessageId, Properties,
};
use fe2o3_amqp::types::primitives::{Binary, OrderedMap, SimpleValue, Symbol, Value};

use super::super::RawHeaders;
use super::super::desk::{Incoming, Queue, Wire};

/// The most application properties that are looked at.
const PROPERTIES_MAX: usize = 64;

pub(super) fn read(queue: Queue, message: Message<Body<Value>>) -> Incoming {
    let mut headers = RawHeaders::default();
    if let Some(properties) = message.properties {
        headers.message_id = properties.message_id.map(id);
        headers.to = properties.to;
        headers.subject = properties.subject;
        headers.reply_to = properties.reply_to;
        headers.correlation_id = properties.correlation_id.map(id);
        headers.content_type = properties.content_type.map(|kind| kind.0);
    }
    if let Some(ApplicationProperties(all)) = message.application_properties {
        for (name, value) in all.into_iter().take(PROPERTIES_MAX) {
            // All of them are text on this exchange; what is not is not there.
            if let SimpleValue::String(value) = value {
                headers.application.insert(name, value);
            }
        }
    }
    Incoming {
        queue,
        headers,
        body: body(message.body),
    }
}

/// The one section of bytes; older systems send a value of bytes instead.
fn body(body: Body<Value>) -> Option<Vec<u8>> {
    match body {
        Body::Data(sections) => {
            let mut sections = sections.into_iter();
            match (sections.next(), sections.next()) {
                (Some(Data(bytes)), None) => Some(bytes.into_vec()),
                _ => None,
            }
        }
        Body::Value(value) => match value.0 {
            Value::Binary(bytes) => Some(bytes.into_vec()),
            _ => None,
        },
        Body::Sequence(_) | Body::Empty => None,
    }
}

fn id(id: MessageId) -> String {
    match id {
        MessageId::Ulong(number) => number.to_string(),
        MessageId::Uuid(uuid) => uuid_text(uuid.into_inner()),
        MessageId::Binary(bytes) => hex::encode(bytes),
        MessageId::String(text) => text,
    }
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let hex = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

pub(super) fn write(wire: Wire) -> Message<Data> {
    let headers = wire.headers;
    let mut application = OrderedMap::new();
    for (name, value) in headers.application {
        application.insert(name, SimpleValue::String(value));
    }
    let properties = Properties {
        message_id: headers.message_id.map(MessageId::String),
        to: headers.to,
        subject: headers.subject,
        reply_to: headers.reply_to,
        correlation_id: headers.correlation_id.map(MessageId::String),
        content_type: headers.content_type.map(Symbol::from),
        ..Properties::default()
    };
    let ttl = wire
        .ttl
        .map(|ttl| u32::try_from(ttl.as_millis()).unwrap_or(u32::MAX));
    let header = Header {
        durable: true,
        ttl,
        ..Header::default()
    };
    Message::builder()
        .header(header)
        .properties(properties)
        .application_properties(ApplicationProperties(application))
        .data(Binary::from(wire.body))
        .build()
}
