//! A person's settings at a register (*personverninnstillinger*): consent, reservation, block.

use crate::purpose::Purpose;
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

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

/// One setting of one person at one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which type it is.
    pub kind: SettingKind,
    /// The purpose it is bound to; `None` for every secondary use.
    pub purpose: Option<Purpose>,
    /// From when it holds.
    pub from: Timestamp,
    /// Until when it holds (excluded); `None` while it stands.
    pub until: Option<Timestamp>,
}

impl Setting {
    /// Whether this setting is bound to `purpose`, whenever it holds.
    pub fn speaks_of(&self, purpose: Purpose) -> bool {
        match self.purpose {
            Some(bound) => bound == purpose,
            None => purpose.is_secondary(),
        }
    }

    /// Whether this setting is bound to `purpose` and holds at `now`.
    pub fn applies(&self, purpose: Purpose, now: Timestamp) -> bool {
        self.speaks_of(purpose) && self.from <= now && self.until.is_none_or(|until| now < until)
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
