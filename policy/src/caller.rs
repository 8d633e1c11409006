//! Who asks, and by what right about somebody else.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::person::NationalId;
use crate::register::{Register, RegisterId, RegisterKind};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// How surely a login proved who somebody is (ID-porten's levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// `idporten-loa-substantial`; not enough for insight in health data.
    Substantial,
    /// `idporten-loa-high`.
    High,
}

/// The longest organisation, in bytes.
const ORGANISATION_BYTES_MAX: usize = 16;

/// The organisation through which a question comes: 1 to 16 printable ASCII characters, usually
/// an organisation number. It stands in the use log in clear, so it is never a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Organisation([u8; ORGANISATION_BYTES_MAX]);

/// The string is not an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organisation is 1 to 16 printable ASCII characters without eleven digits in a row")]
pub struct ParseOrganisationError;

impl Organisation {
    /// Reads an organisation. Eleven digits in a row are refused: they look like a person.
    pub fn parse(text: &str) -> Result<Self, ParseOrganisationError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let like_a_person = text
            .as_bytes()
            .split(|byte| !byte.is_ascii_digit())
            .any(|digits| digits.len() == 11);
        let mut padded = [0; ORGANISATION_BYTES_MAX];
        match padded.get_mut(..text.len()) {
            Some(bytes) if !text.is_empty() && printable && !like_a_person => {
                bytes.copy_from_slice(text.as_bytes());
                Ok(Self(padded))
            }
            _ => Err(ParseOrganisationError),
        }
    }

    /// The organisation as text.
    pub fn as_str(&self) -> &str {
        let text = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        // It was text when it was read.
        str::from_utf8(text).unwrap_or_default()
    }

    /// The organisation with zeros after it.
    pub const fn padded(&self) -> &[u8; ORGANISATION_BYTES_MAX] {
        &self.0
    }
}

impl fmt::Debug for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Organisation({:?})", self.as_str())
    }
}

impl fmt::Display for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The person who is logged in.
    pub person: NationalId,
    /// The organisation whose service the person uses.
    pub organisation: Organisation,
    /// How surely the login proved who the person is.
    pub assurance: Assurance,
}

/// A span of time, `from` included and `until` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub until: Timestamp,
}

/// What kinds of register are called in areas.
const KIND_NAMES: [(&str, RegisterKind); 4] = [
    ("central", RegisterKind::Central),
    ("quality", RegisterKind::Quality),
    ("survey", RegisterKind::Survey),
    ("biobank", RegisterKind::Biobank),
];

/// A part of the registers that a representation may cover. An area that is not known covers
/// nothing, so it has no variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Insight in whatever is registered about the person.
    AllInsight,
    /// Insight in registers of one kind.
    Kind(RegisterKind),
    /// Insight in one register.
    Register(RegisterId),
    /// To act in dialogs, not only to look: wherever insight is covered, and there alone.
    Dialogs,
    /// To change settings: wherever insight is covered, and there alone.
    Settings,
}

impl Area {
    /// Reads `insight`, `insight/kind/quality`, `insight/register/kreft`, `dialogs` or `settings`.
    /// Anything else covers nothing. ASSUMED, as the words of Helsenorge's areas are not published.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let area = match (parts.next()?, parts.next(), parts.next()) {
            ("insight", None, None) => Self::AllInsight,
            ("insight", Some("kind"), Some(kind)) => Self::Kind(
                KIND_NAMES
                    .into_iter()
                    .find(|(name, _)| *name == kind)
                    .map(|(_, kind)| kind)?,
            ),
            ("insight", Some("register"), Some(id)) => Self::Register(RegisterId::parse(id).ok()?),
            ("dialogs", None, None) => Self::Dialogs,
            ("settings", None, None) => Self::Settings,
            _ => return None,
        };
        parts.next().is_none().then_some(area)
    }

    /// The text that [`Area::parse`] reads.
    pub fn to_text(&self) -> String {
        match self {
            Self::AllInsight => "insight".to_owned(),
            Self::Kind(kind) => {
                let mut names = KIND_NAMES.into_iter();
                let name = names
                    .find(|(_, it)| it == kind)
                    .map_or("", |(name, _)| name);
                format!("insight/kind/{name}")
            }
            Self::Register(id) => format!("insight/register/{id}"),
            Self::Dialogs => "dialogs".to_owned(),
            Self::Settings => "settings".to_owned(),
        }
    }
}

/// The areas of a representation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Areas(BTreeSet<Area>);

impl Areas {
    /// Whether the areas cover insight at `register`.
    pub fn cover(&self, register: &Register) -> bool {
        self.0.contains(&Area::AllInsight)
            || self.0.contains(&Area::Kind(register.kind))
            || self.0.contains(&Area::Register(register.id.clone()))
    }

    /// Whether the holder may act in dialogs where insight is covered.
    pub fn let_act(&self) -> bool {
        self.0.contains(&Area::Dialogs)
    }

    /// Whether the holder may change settings where insight is covered.
    pub fn let_set(&self) -> bool {
        self.0.contains(&Area::Settings)
    }

    /// Whether no register at all is covered.
    pub fn is_empty(&self) -> bool {
        let is_no_insight = |area: &Area| matches!(area, Area::Dialogs | Area::Settings);
        self.0.iter().all(is_no_insight)
    }

    /// The areas, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Area> {
        self.0.iter()
    }
}

impl FromIterator<Area> for Areas {
    fn from_iter<I: IntoIterator<Item = Area>>(areas: I) -> Self {
        Self(areas.into_iter().collect())
    }
}

/// By what right the caller asks about the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Representation {
    /// The caller asks about themself.
    Own,
    /// A parent asks about a child under 16.
    Parent {
        /// The child's birth date as the token's issuer took it from the population register;
        /// the number itself is never read for it. Absent means no.
        child_born: Option<Date>,
    },
    /// A guardian (*verge*).
    Guardian {
        /// What the mandate covers.
        areas: Areas,
        /// When it holds.
        validity: Validity,
    },
    /// A power of attorney (*fullmakt*).
    PowerOfAttorney {
        /// What it covers.
        areas: Areas,
        /// When it holds.
        validity: Validity,
    },
}
