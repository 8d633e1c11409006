//! What can be wrong with a message, in the exchange's own words.

use std::fmt;

/// A condition that is sent to a sender's error queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The content is not XML.
    NotWellFormedXml,
    /// A header or a field is missing or malformed.
    InvalidFieldValue,
    /// Something failed at the receiver.
    InternalError,
    /// No message that is taken here.
    UnsupportedMessage,
    /// The sender's certificate could not be looked at.
    UnverifiedCertificate,
    /// No certificate is registered for the sender.
    MissingCertificate,
    /// The sender's certificate is not valid yet or no longer.
    ExpiredCertificate,
    /// The envelope cannot be opened or trusted, whatever the reason.
    InvalidCertificate,
    /// The sender's certificate has been revoked.
    RevokedCertificate,
    /// Whether a certificate has been revoked could not be found out: to be tried again.
    RevokedCertificateOffline,
    /// The headers name another party than the content.
    SpoofingAttack,
}

/// Every condition, and what it is called on the exchange.
const NAMES: [(Condition, &str); 11] = [
    (Condition::NotWellFormedXml, "transport:not-well-formed-xml"),
    (
        Condition::InvalidFieldValue,
        "transport:invalid-field-value",
    ),
    (Condition::InternalError, "transport:internal-error"),
    (
        Condition::UnsupportedMessage,
        "transport:unsupported-message",
    ),
    (
        Condition::UnverifiedCertificate,
        "transport:unverified-certificate",
    ),
    (
        Condition::MissingCertificate,
        "transport:missing-certificate",
    ),
    (
        Condition::ExpiredCertificate,
        "transport:expired-certificate",
    ),
    (
        Condition::InvalidCertificate,
        "transport:invalid-certificate",
    ),
    (
        Condition::RevokedCertificate,
        "transport:revoked-certificate",
    ),
    (
        Condition::RevokedCertificateOffline,
        "transport:revoked-certificate-offline",
    ),
    (Condition::SpoofingAttack, "abuse:spoofing-attack"),
];

impl Condition {
    /// What it is called on the exchange.
    pub fn name(self) -> &'static str {
        let known = NAMES.iter().find(|(condition, _)| *condition == self);
        known.map_or("transport:internal-error", |(_, name)| name)
    }

    /// Reads a name; `None` for one that nobody has described.
    pub fn parse(name: &str) -> Option<Self> {
        let known = NAMES.iter().find(|(_, known)| *known == name);
        known.map(|(condition, _)| *condition)
    }

    /// Whether the same message may be taken later.
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::RevokedCertificateOffline)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a message is not taken, as its sender is told. Holds nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{condition}: {description}")]
pub struct Fault {
    /// In the exchange's own words.
    pub condition: Condition,
    /// In words.
    pub description: &'static str,
}

impl Fault {
    /// A field that is missing or malformed.
    pub const fn field(description: &'static str) -> Self {
        Self {
            condition: Condition::InvalidFieldValue,
            description,
        }
    }

    /// A fault of another kind.
    pub const fn new(condition: Condition, description: &'static str) -> Self {
        Self {
            condition,
            description,
        }
    }
}
