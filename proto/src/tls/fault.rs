//! Why a TLS connection failed, in words that an operator can act upon.

use std::fmt;
use std::io;

use rustls::{CertificateError, Error};

/// The cause of a failed TLS connection. For our own log and `check` only: on the wire the other
/// side gets the TLS alert and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// The other side's certificate has expired.
    Expired,
    /// The other side's certificate is not valid yet; perhaps a clock is wrong.
    NotYetValid,
    /// The other side's certificate was signed by a CA that we do not trust here.
    UnknownIssuer,
    /// The other side's certificate is for another name than the one we dialled.
    WrongName,
    /// The other side's certificate is not for this use (a relay's used as a client, say).
    WrongPurpose,
    /// The other side's certificate is wrong in another way.
    BadCertificate,
    /// The other side showed no certificate.
    NoCertificate,
    /// The other side does not speak TLS.
    NotTls,
    /// The other side speaks another version or protocol.
    Incompatible,
    /// The other side refused us, most often our certificate; its log says why.
    RefusedByPeer,
    /// The other side closed the connection.
    Closed,
    /// Anything else that breaks the rules of TLS.
    Broken,
}

impl TlsFault {
    /// Every cause, in order.
    pub const ALL: [Self; 12] = [
        Self::Expired,
        Self::NotYetValid,
        Self::UnknownIssuer,
        Self::WrongName,
        Self::WrongPurpose,
        Self::BadCertificate,
        Self::NoCertificate,
        Self::NotTls,
        Self::Incompatible,
        Self::RefusedByPeer,
        Self::Closed,
        Self::Broken,
    ];

    /// Finds the cause in what a TLS stream returned.
    pub fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(error) => Self::of_tls(error),
            None => Self::Closed,
        }
    }

    fn of_tls(error: &Error) -> Self {
        use CertificateError as C;
        match error {
            Error::InvalidCertificate(cause) => match cause {
                C::Expired | C::ExpiredContext { .. } => Self::Expired,
                C::NotValidYet | C::NotValidYetContext { .. } => Self::NotYetValid,
                C::UnknownIssuer => Self::UnknownIssuer,
                C::NotValidForName | C::NotValidForNameContext { .. } => Self::WrongName,
                C::InvalidPurpose | C::InvalidPurposeContext { .. } => Self::WrongPurpose,
                _ => Self::BadCertificate,
            },
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidMessage(_) => Self::NotTls,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::AlertReceived(_) => Self::RefusedByPeer,
            _ => Self::Broken,
        }
    }

    /// A short fixed label for a metric or a log field.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::UnknownIssuer => "unknown_issuer",
            Self::WrongName => "wrong_name",
            Self::WrongPurpose => "wrong_purpose",
            Self::BadCertificate => "bad_certificate",
            Self::NoCertificate => "no_certificate",
            Self::NotTls => "not_tls",
            Self::Incompatible => "incompatible",
            Self::RefusedByPeer => "refused_by_peer",
            Self::Closed => "closed",
            Self::Broken => "broken",
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the other side's certificate has expired",
            Self::NotYetValid => "the other side's certificate is not valid yet; is a clock wrong?",
            Self::UnknownIssuer => {
                "the other side's certificate was signed by a CA that is not trusted here"
            }
            Self::WrongName => "the other side's certificate is for another name",
            Self::WrongPurpose => "the other side's certificate is not for this use",
            Self::BadCertificate => "the other side's certificate is not acceptable",
            Self::NoCertificate => "the other side showed no certificate",
            Self::NotTls => "the other side does not speak TLS",
            Self::Incompatible => "the other side speaks another version or protocol",
            Self::RefusedByPeer => {
                "the other side refused us, most often our certificate; its log says why"
            }
            Self::Closed => "the other side closed the connection",
            Self::Broken => "the other side broke the rules of TLS",
        })
    }
}

impl std::error::Error for TlsFault {}
