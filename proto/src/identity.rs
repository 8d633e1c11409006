//! Who a certificate speaks for.
//!
//! A party's identity is one URI among its certificate's subject alternative names:
//! `innsyn://node/<register>`, `innsyn://gateway/<name>` or `innsyn://relay/<name>`. It is read
//! here and nowhere else, and only from a certificate that TLS has already verified; what a party
//! *says* about itself never counts. A [`PublicKeyPin`] names a key pair, so that an agent can
//! trust one gateway rather than everybody a CA chooses to sign.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use innsyn_policy::register::ParseRegisterIdError;
use innsyn_policy::{RegisterId, Timestamp};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

#[cfg(test)]
mod tests;

/// The domain of the names in node and gateway certificates. It is in no DNS; it lets the
/// standard certificate verifier check whom we reached.
const INTERNAL_DOMAIN: &str = "innsyn.internal";

/// What every identity's URI begins with.
const URI_SCHEME: &str = "innsyn://";

/// A party of the federation, as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The agent of one register.
    Node(RegisterId),
    /// A gateway, which asks.
    Gateway(GatewayName),
    /// A relay, which copies.
    Relay(RelayName),
}

impl Identity {
    /// Reads the URI form.
    pub fn parse(uri: &str) -> Result<Self, IdentityError> {
        let unknown = || IdentityError::UnknownUri(uri.to_owned());
        let (role, name) = uri
            .strip_prefix(URI_SCHEME)
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(unknown)?;
        match role {
            "node" => RegisterId::parse(name).map(Self::Node).ok(),
            "gateway" => name.parse().map(Self::Gateway).ok(),
            "relay" => name.parse().map(Self::Relay).ok(),
            _ => None,
        }
        .ok_or_else(unknown)
    }

    /// The host name that the certificate verifier expects of this party, beside the URI. A relay
    /// has none of its own: it is reached under the host names it was issued for.
    pub fn dns_name(&self) -> Option<String> {
        match self {
            Self::Node(register) => Some(format!("{register}.node.{INTERNAL_DOMAIN}")),
            Self::Gateway(name) => Some(format!("{name}.gateway.{INTERNAL_DOMAIN}")),
            Self::Relay(_) => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(register) => write!(f, "{URI_SCHEME}node/{register}"),
            Self::Gateway(name) => write!(f, "{URI_SCHEME}gateway/{name}"),
            Self::Relay(name) => write!(f, "{URI_SCHEME}relay/{name}"),
        }
    }
}

/// Why a certificate names nobody here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not an X.509 certificate.
    #[error("the certificate cannot be read")]
    Malformed,
    /// No URI of ours.
    #[error("the certificate has no {URI_SCHEME} name; issue it with `innsyn-broker ca issue`")]
    NoIdentity,
    /// More than one, so that it is open whom it speaks for.
    #[error("the certificate has several {URI_SCHEME} names; it must have exactly one")]
    SeveralIdentities,
    /// A URI of ours that is not understood.
    #[error("`{0}` is not {URI_SCHEME}node/…, {URI_SCHEME}gateway/… or {URI_SCHEME}relay/…")]
    UnknownUri(String),
}

/// What we read from a party's certificate. Reading is not verifying: TLS does that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Whom it speaks for.
    pub identity: Identity,
    /// Its public key.
    pub pin: PublicKeyPin,
    /// Valid from this time on.
    pub not_before: Timestamp,
    /// Valid up to and including this time.
    pub not_after: Timestamp,
}

impl PeerCertificate {
    /// Reads a DER-encoded certificate.
    pub fn read(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| IdentityError::Malformed)?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| IdentityError::Malformed)?
            .map_or(&[][..], |names| &names.value.general_names);
        let mut uris = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) if uri.starts_with(URI_SCHEME) => Some(*uri),
            _ => None,
        });
        let uri = uris.next().ok_or(IdentityError::NoIdentity)?;
        if uris.next().is_some() {
            return Err(IdentityError::SeveralIdentities);
        }
        let validity = certificate.validity();
        Ok(Self {
            identity: Identity::parse(uri)?,
            pin: PublicKeyPin(Sha256::digest(certificate.public_key().raw).into()),
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
        })
    }
}

/// A public key, named by the SHA-256 of its `SubjectPublicKeyInfo` (RFC 7469 uses the same).
/// Written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKeyPin([u8; 32]);

/// The text is not a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public-key pin is `sha256:` and 64 hexadecimal digits")]
pub struct ParsePinError;

impl PublicKeyPin {
    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for PublicKeyPin {
    type Err = ParsePinError;

    fn from_str(text: &str) -> Result<Self, ParsePinError> {
        let digits = text.strip_prefix("sha256:").ok_or(ParsePinError)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| ParsePinError)?;
        Ok(Self(hash))
    }
}

impl fmt::Display for PublicKeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for PublicKeyPin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

/// The text is not a party's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 32 of a-z, 0-9 and -, beginning with a letter")]
pub struct ParseNameError;

impl From<ParseRegisterIdError> for ParseNameError {
    fn from(_: ParseRegisterIdError) -> Self {
        Self
    }
}

/// Makes a name of a party: written like a [`RegisterId`], but never to be taken for one.
macro_rules! party_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, ParseNameError> {
                RegisterId::parse(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }
    };
}

party_name!(
    /// A gateway's name in the federation, for example `helsenorge`.
    GatewayName
);
party_name!(
    /// A relay's name in the federation, for example `oslo-1`.
    RelayName
);

/// Deserializes what `FromStr` reads.
fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}
