//! A person's settings at a register (*personverninnstillinger*): consent, reservation, block.
//!
//! What a setting speaks of is the same for all who make it: a [`SettingDefinition`] says once, in
//! words and in types, what a yes or a no to it [`Covers`]. A setting is one person's.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::purpose::Purpose;
use crate::time::Timestamp;

pub mod definition;
pub mod paper;
pub mod representing;
#[cfg(test)]
mod tests;

pub use definition::{DefinitionId, PartCode, SettingDefinition};
pub use paper::{
    CONFIRM_WITHIN, ClerkName, EnteredPaper, PaperEnd, PaperError, ParseClerkNameError,
    paper_sequence,
};
pub use representing::{Mandate, MandateKind, may_change_settings};

/// The three types of setting that Personvernkomponenten knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingKind {
    /// *Samtykke*.
    Consent,
    /// *Reservasjon*.
    Reservation,
    /// *Tilgangsbegrensning* or *sperring*.
    Block,
}

impl SettingKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Consent, Self::Reservation, Self::Block];

    /// Personvernkomponenten's word for it (`typePi`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consent => "samtykke",
            Self::Reservation => "reservasjon",
            Self::Block => "tilgangsbegrensning",
        }
    }
}

/// How far data point to a person where they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifiability {
    /// With names or national ids.
    Identified,
    /// About single persons, under pseudonyms.
    Pseudonymous,
    /// In sums over many persons only.
    Aggregate,
}

impl Identifiability {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Identified, Self::Pseudonymous, Self::Aggregate];

    /// Its name in definitions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identified => "identified",
            Self::Pseudonymous => "pseudonymous",
            Self::Aggregate => "aggregate",
        }
    }
}

/// A variable of a register as `view.variable`, or a whole view as `view`, which is all of its
/// variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableName(Arc<str>);

/// The string is not the name of a view or variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a variable is `view.variable` or `view`, of a-z, 0-9 and _, at most 129 characters")]
pub struct ParseVariableNameError;

impl VariableName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, ParseVariableNameError> {
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 64
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let well_formed = match text.split_once('.') {
            Some((view, variable)) => part(view) && part(variable),
            None => part(text),
        };
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(ParseVariableNameError)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other`, or the view that `other` is a variable of.
    fn contains(&self, other: &Self) -> bool {
        let rest = other.0.strip_prefix(&*self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Variables of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variables {
    /// Whatever the register has.
    All,
    /// These.
    Only(Arc<BTreeSet<VariableName>>),
}

impl Variables {
    /// Whether any variable is in both.
    fn meet(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::All, Self::Only(some)) | (Self::Only(some), Self::All) => !some.is_empty(),
            (Self::Only(some), Self::Only(others)) => some.iter().any(|one| {
                let with = |it: &VariableName| one.contains(it) || it.contains(one);
                others.iter().any(with)
            }),
        }
    }

    /// Whether every variable of `other` is in it.
    fn contain(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(some), Self::Only(others)) => others
                .iter()
                .all(|it| some.iter().any(|one| one.contains(it))),
        }
    }
}

/// One use of data, as far as settings speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What for.
    pub purpose: Purpose,
    /// How far the data point to the person.
    pub identifiability: Identifiability,
    /// Which data. A use of no variable, which only counts, is one of its view.
    pub variables: Variables,
}

impl Use {
    /// A use of whatever the register has, for `purpose`.
    pub const fn of_all(purpose: Purpose, identifiability: Identifiability) -> Self {
        Self {
            purpose,
            identifiability,
            variables: Variables::All,
        }
    }
}

/// What a setting covers: purposes × identifiability × variables. It covers nothing else, and
/// nothing where one of the three is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covers {
    purposes: u8,
    identifiability: u8,
    variables: Variables,
}

impl Covers {
    /// What is covered.
    pub fn new(
        purposes: impl IntoIterator<Item = Purpose>,
        identifiability: impl IntoIterator<Item = Identifiability>,
        variables: Variables,
    ) -> Self {
        Self {
            purposes: purposes.into_iter().fold(0, |set, it| set | 1 << it as u8),
            identifiability: identifiability
                .into_iter()
                .fold(0, |set, it| set | 1 << it as u8),
            variables,
        }
    }

    /// One purpose, however the data are used for it.
    pub fn purpose(purpose: Purpose) -> Self {
        Self::new([purpose], Identifiability::ALL, Variables::All)
    }

    /// Every secondary use.
    pub fn secondary_use() -> Self {
        let purposes = Purpose::ALL.into_iter().filter(|it| it.is_secondary());
        Self::new(purposes, Identifiability::ALL, Variables::All)
    }

    /// The purposes that are covered.
    pub fn purposes(&self) -> impl Iterator<Item = Purpose> + '_ {
        let all = Purpose::ALL.into_iter();
        all.filter(|it| self.purposes & 1 << *it as u8 != 0)
    }

    /// How identifiable uses that are covered are.
    pub fn identifiability(&self) -> impl Iterator<Item = Identifiability> + '_ {
        let all = Identifiability::ALL.into_iter();
        all.filter(|it| self.identifiability & 1 << *it as u8 != 0)
    }

    /// The variables that are covered.
    pub const fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Whether `of` is a use of the purpose and identifiability that are covered.
    fn sort(&self, of: &Use) -> bool {
        self.purposes & 1 << of.purpose as u8 != 0
            && self.identifiability & 1 << of.identifiability as u8 != 0
    }

    /// Whether anything of the use is covered: enough for a no.
    pub fn touch(&self, of: &Use) -> bool {
        self.sort(of) && self.variables.meet(&of.variables)
    }

    /// Whether the whole of the use is covered, as a yes must.
    pub fn cover(&self, of: &Use) -> bool {
        self.sort(of) && self.variables.contain(&of.variables)
    }
}

/// One setting of one person at one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which type it is.
    pub kind: SettingKind,
    /// What it covers.
    pub covers: Covers,
    /// From when it holds.
    pub from: Timestamp,
    /// Until when it holds (excluded); `None` while it stands.
    pub until: Option<Timestamp>,
}

impl Setting {
    /// Whether this setting is about `of`, whenever it holds. A yes is about what it covers whole,
    /// a no about whatever it touches.
    pub fn speaks_of(&self, of: &Use) -> bool {
        match self.kind {
            SettingKind::Consent => self.covers.cover(of),
            SettingKind::Reservation | SettingKind::Block => self.covers.touch(of),
        }
    }

    /// Whether it holds at `now`, whatever it is about.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// Whether this setting is about `of` and holds at `now`.
    pub fn applies(&self, of: &Use, now: Timestamp) -> bool {
        self.speaks_of(of) && self.holds_at(now)
    }
}

/// What is known of a person's settings at the moment of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings<'a> {
    /// They were read; an empty slice means that none was ever recorded.
    Known(&'a [Setting]),
    /// They could not be read.
    Unreadable,
    /// They were read, but too long ago to be relied on.
    Stale,
    /// A row was there whose meaning is not defined.
    Undefined,
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
