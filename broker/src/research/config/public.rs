//! What the public catalogue says of the gateway.

use http::Uri;
use http::uri::Scheme;
use serde::Deserialize;

/// Who runs the gateway and decides on access, and the address under which its catalogue is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct PublicCatalogueConfig {
    address: String,
    publisher: String,
    contact_email: String,
}

/// Why a public catalogue cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicCatalogueError {
    /// Names of what is in the catalogue begin with it.
    #[error(
        "`public_catalogue.address` is `{0}`, and must be https:// and a host, without anything \
         after it (http:// for a trial on loopback): every entry is named by it, for good"
    )]
    Address(String),
    /// A catalogue has a publisher.
    #[error("`public_catalogue.publisher` is empty")]
    Publisher,
    /// Somebody can be asked.
    #[error("`public_catalogue.contact_email` has no @")]
    Contact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    address: String,
    publisher: String,
    contact_email: String,
}

impl TryFrom<Table> for PublicCatalogueConfig {
    type Error = PublicCatalogueError;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        use PublicCatalogueError as E;
        let address = table.address.trim_end_matches('/').to_owned();
        if !is_origin(&address) {
            return Err(E::Address(address));
        }
        if table.publisher.trim().is_empty() {
            return Err(E::Publisher);
        }
        if !table.contact_email.contains('@') {
            return Err(E::Contact);
        }
        Ok(Self {
            address,
            publisher: table.publisher,
            contact_email: table.contact_email,
        })
    }
}

/// Whether it is a scheme and a host, which can be followed by a path.
fn is_origin(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_good =
        uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP) && is_here;
    // Nothing after the host, and nobody before it.
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let rest = address.split_once("://").map(|(_, rest)| rest);
    is_good && !host.is_empty() && rest == authority && !address.contains('@')
}

impl PublicCatalogueConfig {
    /// The address, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Who runs the gateway.
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// How they are reached.
    pub fn contact_email(&self) -> &str {
        &self.contact_email
    }
}
