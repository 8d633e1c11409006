//! The catalogue: every register there is, whether it can be asked or not.
//!
//! One TOML file, read once and checked whole. Its order is the order of every answer. What the
//! catalogue alone decides (a register that holds no identities, one that is not connected) is
//! an [`Outcome`] here, so that such a register is never sent a person.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use innsyn_policy::{CannotBeAskedReason, LegalBasis, Outcome, Register, RegisterId, RegisterKind};
use innsyn_proto::convert::{kind_to_wire, legal_basis_to_wire};
use innsyn_proto::wire::types::v1 as wire;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The longest description that helsenorge shows, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 612;
/// The longest link, in bytes.
const LINK_BYTES_MAX: usize = 1_000;
/// The most registers a catalogue may have.
pub const REGISTERS_MAX: usize = 10_000;

/// Every register, in the order of the file.
#[derive(Debug)]
pub struct Catalogue(Vec<Entry>);

/// One register.
#[derive(Debug)]
pub struct Entry {
    /// What a decision needs to know of it.
    pub register: Register,
    /// Whether it can be listed.
    pub listing: Listing,
    /// The entry as every answer carries it.
    pub wire: wire::Register,
}

/// Whether a register can be asked where a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// It has an agent and is asked.
    Live,
    /// It holds nothing that an identity could be looked up in.
    CannotBeAsked,
    /// It has no agent yet.
    NotConnected,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("the catalogue `{}` cannot be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML of the right shape.
    #[error("the catalogue cannot be understood")]
    Syntax(#[source] Box<toml::de::Error>),
    /// It is empty or too long.
    #[error("the catalogue has {0} registers, and must have 1 to {REGISTERS_MAX}")]
    Size(usize),
    /// An id is malformed.
    #[error("`{0}` is no register id: 1 to 32 of a-z, 0-9 and -, beginning with a letter")]
    Id(String),
    /// Two registers have one id.
    #[error("register `{0}` is in the catalogue twice")]
    Duplicate(RegisterId),
    /// A text is missing.
    #[error("register `{0}`: `{1}` is empty")]
    Empty(RegisterId, &'static str),
    /// The description is too long for helsenorge.
    #[error(
        "register `{id}`: the description has {characters} characters, at most \
         {DESCRIPTION_CHARACTERS_MAX} are shown"
    )]
    Description {
        /// Which register.
        id: RegisterId,
        /// How long the description is.
        characters: usize,
    },
    /// The contact is no address.
    #[error("register `{0}`: `contact_email` has no @")]
    Contact(RegisterId),
    /// A link without the method, or the method without a link.
    #[error("register `{0}`: `insight.link` goes with method `link` and only there")]
    Link(RegisterId),
    /// A link that people should not be sent to.
    #[error(
        "register `{0}`: `insight.link` must be https://HOST/…, of at most {LINK_BYTES_MAX} bytes, \
         without a user, spaces or eleven digits in a row"
    )]
    LinkNotGood(RegisterId),
    /// A register without identities cannot be asked live.
    #[error("register `{0}` is de-identified and so cannot be `live`; use `cannot_be_asked`")]
    DeidentifiedLive(RegisterId),
    /// A register with identities can be asked.
    #[error(
        "register `{0}` holds identities and so is never `cannot_be_asked`; use `not_connected` \
         while it has no agent"
    )]
    CanBeAsked(RegisterId),
}

impl Catalogue {
    /// Reads and checks the catalogue in the file at `path`.
    pub fn load(path: &Path) -> Result<Self, CatalogueError> {
        let text = std::fs::read_to_string(path).map_err(|source| CatalogueError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads and checks a catalogue.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: File =
            toml::from_str(text).map_err(|error| CatalogueError::Syntax(Box::new(error)))?;
        if !(1..=REGISTERS_MAX).contains(&file.register.len()) {
            return Err(CatalogueError::Size(file.register.len()));
        }
        let mut ids = HashSet::with_capacity(file.register.len());
        let mut entries = Vec::with_capacity(file.register.len());
        for row in file.register {
            let entry = row.check()?;
            if !ids.insert(entry.register.id.clone()) {
                return Err(CatalogueError::Duplicate(entry.register.id));
            }
            entries.push(entry);
        }
        Ok(Self(entries))
    }

    /// The registers, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

impl Entry {
    /// The outcome that every listing has here whoever asks about whomever; `None` for a
    /// register that is asked.
    pub const fn fixed_outcome(&self) -> Option<Outcome> {
        match (self.listing, self.register.legal_basis) {
            (Listing::Live, _) => None,
            (Listing::NotConnected, _) => Some(Outcome::NotConnected),
            (Listing::CannotBeAsked, LegalBasis::Deidentified) => {
                Some(Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified))
            }
            (Listing::CannotBeAsked, _) => {
                Some(Outcome::CannotBeAsked(CannotBeAskedReason::Pseudonymous))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    register: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    name_en: String,
    description: String,
    kind: Kind,
    legal_basis: Basis,
    membership_is_sensitive: bool,
    controller: String,
    contact_email: String,
    insight: Insight,
    listing: Listing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Insight {
    method: Method,
    #[serde(default)]
    link: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    LiveQuery,
    Dialog,
    Link,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Central,
    Quality,
    Survey,
    Biobank,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Basis {
    Mandatory,
    MandatoryWithReservation,
    Reservation,
    Consent,
    Pseudonymous,
    Deidentified,
}

impl Row {
    fn check(self) -> Result<Entry, CatalogueError> {
        let Ok(id) = RegisterId::parse(&self.id) else {
            return Err(CatalogueError::Id(self.id));
        };
        let legal_basis = self.legal_basis.into();
        match (self.listing, legal_basis) {
            (Listing::Live, LegalBasis::Deidentified) => {
                return Err(CatalogueError::DeidentifiedLive(id));
            }
            (Listing::Live | Listing::NotConnected, _)
            | (Listing::CannotBeAsked, LegalBasis::Deidentified | LegalBasis::Pseudonymous) => {}
            (Listing::CannotBeAsked, _) => return Err(CatalogueError::CanBeAsked(id)),
        }
        for (text, key) in [
            (&self.name, "name"),
            (&self.name_en, "name_en"),
            (&self.description, "description"),
            (&self.controller, "controller"),
        ] {
            if text.trim().is_empty() {
                return Err(CatalogueError::Empty(id, key));
            }
        }
        let characters = self.description.chars().count();
        if characters > DESCRIPTION_CHARACTERS_MAX {
            return Err(CatalogueError::Description { id, characters });
        }
        if !self.contact_email.contains('@') {
            return Err(CatalogueError::Contact(id));
        }
        if (self.insight.method == Method::Link) == self.insight.link.is_empty() {
            return Err(CatalogueError::Link(id));
        }
        if !self.insight.link.is_empty() && !is_good_link(&self.insight.link) {
            return Err(CatalogueError::LinkNotGood(id));
        }
        let register = Register {
            id,
            kind: self.kind.into(),
            legal_basis,
            membership_is_sensitive: self.membership_is_sensitive,
        };
        let wire = wire::Register {
            id: self.id,
            name: self.name,
            name_en: self.name_en,
            description: self.description,
            kind: kind_to_wire(register.kind).into(),
            legal_basis: legal_basis_to_wire(legal_basis).into(),
            membership_is_sensitive: self.membership_is_sensitive,
            controller: self.controller,
            contact_email: self.contact_email,
            insight_method: wire::InsightMethod::from(self.insight.method).into(),
            insight_link: self.insight.link,
        };
        Ok(Entry {
            register,
            listing: self.listing,
            wire,
        })
    }
}

/// Whether people can be sent to `link`: it is encrypted, says which host, and names nobody.
fn is_good_link(link: &str) -> bool {
    let like_a_person = link
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() >= 11);
    let uri = link.parse::<http::Uri>().ok();
    let has_host = uri.is_some_and(|uri| {
        let host = uri.host().unwrap_or_default();
        let is_plain = uri.authority().is_some_and(|it| !it.as_str().contains('@'));
        uri.scheme_str() == Some("https") && !host.is_empty() && is_plain
    });
    has_host && !like_a_person && link.len() <= LINK_BYTES_MAX
}

impl From<Kind> for RegisterKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Central => Self::Central,
            Kind::Quality => Self::Quality,
            Kind::Survey => Self::Survey,
            Kind::Biobank => Self::Biobank,
        }
    }
}

impl From<Basis> for LegalBasis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Mandatory => Self::Mandatory,
            Basis::MandatoryWithReservation => Self::MandatoryWithReservation,
            Basis::Reservation => Self::Reservation,
            Basis::Consent => Self::Consent,
            Basis::Pseudonymous => Self::Pseudonymous,
            Basis::Deidentified => Self::Deidentified,
        }
    }
}

impl From<Method> for wire::InsightMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::LiveQuery => Self::LiveQuery,
            Method::Dialog => Self::Dialog,
            Method::Link => Self::Link,
        }
    }
}
