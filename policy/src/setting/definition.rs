//! What people can say yes or no to: settings as somebody has defined them.
//!
//! A definition says once what a setting means, so that a setting itself needs only to name it.
//! National ones (the opt-out of secondary use in article 71 of Regulation (EU) 2025/327, the
//! European health data space) hold at every register; a register's own hold there. Field names in
//! brackets are Personvernkomponenten's.

use std::fmt;

use super::{Covers, SettingKind};
use crate::register::{LegalBasis, Register, RegisterId};

/// Names a definition (`definisjonGuid`): a GUID, written in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionId([u8; 16]);

/// The string is not a GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a definition is named by a GUID: 8-4-4-4-12 hexadecimal digits")]
pub struct ParseDefinitionIdError;

/// The short name of the party that is responsible for a definition (`partKode`): 1 to 32 of
/// letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartCode(String);

/// The string is not a party's short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a party's code is 1 to 32 of letters, digits, - and _")]
pub struct ParsePartCodeError;

/// Where a setting of a definition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// At every register.
    National,
    /// At this one.
    Register(RegisterId),
}

/// What a setting means (*personverninnstilling-definisjon*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDefinition {
    /// Its name.
    pub id: DefinitionId,
    /// Who is responsible for it.
    pub part: PartCode,
    /// Where it holds.
    pub scope: Scope,
    /// Whether it is a consent, a reservation or a block.
    pub kind: SettingKind,
    /// What it covers.
    pub covers: Covers,
    /// The law or decision that it rests on.
    pub legal_ground: String,
    /// The version of the text that people are shown before they say yes or no (GDPR article 7(1):
    /// what was consented to must be shown later).
    pub text_version: u32,
    /// What it is called, in Norwegian (bokmål).
    pub name_nb: String,
    /// What it is called, in English.
    pub name_en: String,
    /// Whether whoever makes the setting may say until when it holds.
    pub may_end: bool,
}

/// Why a definition makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It covers nothing.
    #[error("covers no purpose or no identifiability, and so nothing")]
    CoversNothing,
    /// It would be about the person's own insight.
    #[error("covers own insight, which no setting can take away or needs to give")]
    OwnInsight,
    /// A reservation where the law gives no right to one.
    #[error(
        "is a reservation, and the register's legal basis gives no right to one; people can ask \
         the register for a block instead"
    )]
    NoRightOfReservation,
}

impl SettingDefinition {
    /// Whether it makes sense by itself.
    pub fn check(&self) -> Result<(), DefinitionError> {
        if self.covers.purposes().next().is_none() || self.covers.identifiability().next().is_none()
        {
            return Err(DefinitionError::CoversNothing);
        }
        if self
            .covers
            .purposes()
            .any(|it| it == crate::Purpose::OwnInsight)
        {
            return Err(DefinitionError::OwnInsight);
        }
        Ok(())
    }

    /// Whether somebody who says `active` says no: takes a consent back, or reserves or blocks.
    pub fn says_no(&self, active: bool) -> bool {
        active != (self.kind == SettingKind::Consent)
    }

    /// Whether a setting of it holds at `register`.
    pub fn holds_at(&self, register: &RegisterId) -> bool {
        match &self.scope {
            Scope::National => true,
            Scope::Register(own) => own == register,
        }
    }

    /// Whether `register`, whose own it is, may define it so.
    pub fn check_for(&self, register: &Register) -> Result<(), DefinitionError> {
        self.check()?;
        let gives_no_right = matches!(
            register.legal_basis,
            LegalBasis::Mandatory | LegalBasis::Pseudonymous | LegalBasis::Deidentified
        );
        match self.scope {
            Scope::Register(_) if self.kind == SettingKind::Reservation && gives_no_right => {
                Err(DefinitionError::NoRightOfReservation)
            }
            _ => Ok(()),
        }
    }
}

impl DefinitionId {
    /// The definition with these bytes, in the order in which they are written.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads a GUID, in upper or lower case.
    pub fn parse(text: &str) -> Result<Self, ParseDefinitionIdError> {
        let mut digits = text.split('-').zip([8, 4, 4, 4, 12]);
        let well_formed = text.len() == 36 && digits.all(|(part, length)| part.len() == length);
        let mut nibbles = text.bytes().filter(|byte| *byte != b'-').map(|byte| {
            char::from(byte)
                .to_digit(16)
                .and_then(|it| u8::try_from(it).ok())
        });
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            match (nibbles.next().flatten(), nibbles.next().flatten()) {
                (Some(high), Some(low)) if well_formed => *byte = high << 4 | low,
                _ => return Err(ParseDefinitionIdError),
            }
        }
        match nibbles.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(ParseDefinitionIdError),
        }
    }
}

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl PartCode {
    /// Reads a party's short name.
    pub fn parse(text: &str) -> Result<Self, ParsePartCodeError> {
        let well_formed = (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParsePartCodeError)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
