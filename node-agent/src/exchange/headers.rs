//! What stands on the outside of a message, and how queues are addressed.

use std::collections::BTreeMap;

use innsyn_policy::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Fault, HerId, IdError, QueueName};

/// The content type of a message that is signed and then encrypted.
pub const SIGNED_AND_ENVELOPED: &str =
    "application/pkcs7-mime; smime-type=signed-and-enveloped-data";

/// The longest header that is read, in bytes.
const HEADER_MAX: usize = 512;

/// The headers of a message as they came; nothing is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawHeaders {
    /// The id of the AMQP message.
    pub message_id: Option<String>,
    /// The queue that it was sent to.
    pub to: Option<String>,
    /// The function of the message.
    pub subject: Option<String>,
    /// Where a reply is expected.
    pub reply_to: Option<String>,
    /// The id of the request that this is a reply to.
    pub correlation_id: Option<String>,
    /// What the body is.
    pub content_type: Option<String>,
    /// The application properties, all of them text.
    pub application: BTreeMap<String, String>,
}

/// The headers of a message, known to be what a receiver must see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// The id of the AMQP message, if it has one.
    pub message_id: Option<String>,
    /// Who sent it, as it says itself.
    pub from: HerId,
    /// Whom it is for.
    pub to: HerId,
    /// What it is, in the words of code set 8279.
    pub function: String,
    /// When the sender made it.
    pub sent_at: Timestamp,
    /// Where a reply is expected.
    pub reply_to: Option<QueueName>,
    /// The request that this is a reply to.
    pub correlation_id: Option<String>,
    /// The agreement by which the sender chose its certificate.
    pub cpa_id: Option<String>,
}

impl RawHeaders {
    /// Who says to have sent this, if that can be read at all: where an error goes.
    pub fn sender(&self) -> Option<HerId> {
        HerId::parse(self.application.get("fromHerId")?).ok()
    }

    /// Checks what a receiver must see before it looks at the body.
    pub fn check(&self) -> Result<Headers, Fault> {
        let property = |name| self.application.get(name).map(String::as_str);
        let to = present(property("toHerId"), "the header toHerId is missing")?;
        let to = HerId::parse(to).map_err(|_| Fault::field("the header toHerId is no HER-id"))?;
        let from = present(property("fromHerId"), "the header fromHerId is missing")?;
        let from =
            HerId::parse(from).map_err(|_| Fault::field("the header fromHerId is no HER-id"))?;
        let function = present(self.subject.as_deref(), "the header subject is missing")?;
        let sent_at = present(
            property("applicationTimeStamp"),
            "the header applicationTimeStamp is missing",
        )?;
        let sent_at = moment(sent_at).ok_or(Fault::field(
            "the header applicationTimeStamp is no time of ISO 8601",
        ))?;
        let kind = present(
            self.content_type.as_deref(),
            "the header content-type is missing",
        )?;
        if !is_signed_and_enveloped(kind) {
            return Err(Fault::field(
                "the header content-type is not that of signed and enveloped data, and nothing \
                 else is taken here",
            ));
        }
        let reply_to = match self.reply_to.as_deref().map(Address::parse) {
            None => None,
            Some(Ok(address)) => Some(address.queue),
            Some(Err(_)) => return Err(Fault::field("the header reply-to is no queue")),
        };
        Ok(Headers {
            message_id: short(self.message_id.as_deref()),
            from,
            to,
            function: function.to_owned(),
            sent_at,
            reply_to,
            correlation_id: short(self.correlation_id.as_deref()),
            cpa_id: short(property("cpaId")),
        })
    }
}

/// A header that is there, and not longer than any that can be meant.
fn present<'a>(value: Option<&'a str>, missing: &'static str) -> Result<&'a str, Fault> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    let value = value.ok_or(Fault::field(missing))?;
    if value.len() > HEADER_MAX {
        return Err(Fault::field("a header is longer than 512 bytes"));
    }
    Ok(value)
}

fn short(value: Option<&str>) -> Option<String> {
    let value = value.map(str::trim);
    let value = value.filter(|value| !value.is_empty() && value.len() <= HEADER_MAX);
    value.map(ToOwned::to_owned)
}

fn is_signed_and_enveloped(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let is_pkcs7 = parts.next().is_some_and(|media| {
        ["application/pkcs7-mime", "application/x-pkcs7-mime"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(media))
    });
    let smime = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_type = name.trim().eq_ignore_ascii_case("smime-type");
        is_type.then(|| value.trim().trim_matches('"'))
    });
    is_pkcs7 && smime.is_some_and(|smime| smime.eq_ignore_ascii_case("signed-and-enveloped-data"))
}

/// Reads a time of ISO 8601. One without an offset is meant as it is in Norway.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_micros(at.as_microsecond()));
    }
    let local: DateTime = text.parse().ok()?;
    let norway = TimeZone::get("Europe/Oslo").ok()?;
    let at = local.to_zoned(norway).ok()?.timestamp();
    Some(Timestamp::from_micros(at.as_microsecond()))
}

/// How a broker's queues are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// RabbitMQ: to an exchange with the queue as key, from the queue itself.
    Rabbitmq,
    /// Service Bus: one address for both.
    ServiceBus,
}

/// A queue as it is written in headers and in the address register: with or without the host and
/// the namespace in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The queue, which is all that we use of it.
    pub queue: QueueName,
}

impl Address {
    /// Reads a queue's address in any of the forms that are in use: its name alone, with host and
    /// namespace, or as a URL.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let last = text.trim().rsplit('/').next().unwrap_or_default();
        QueueName::parse(last).map(|queue| Self { queue })
    }
}

impl Dialect {
    /// Where one sends to reach `queue`.
    pub fn target(self, namespace: &str, queue: &QueueName) -> String {
        match self {
            Self::Rabbitmq => format!("/exchange/{namespace}/{queue}"),
            Self::ServiceBus => format!("{namespace}/{queue}"),
        }
    }

    /// Where one receives what is in `queue`.
    pub fn source(self, namespace: &str, queue: &QueueName) -> String {
        match self {
            Self::Rabbitmq => format!("/amq/queue/{queue}"),
            Self::ServiceBus => format!("{namespace}/{queue}"),
        }
    }
}
