//! What people have said about the use of their data: here as one load of the source found it, in
//! [`kept`] as the agent itself was told.
//!
//! A row says: this person gives a consent, makes a reservation or sets a block (`kind`), for
//! one `purpose` or for every secondary use, from one time until another.
//!
//! What holds:
//!
//! - **What cannot be relied on means no.** A table that could not be read makes everybody's
//!   settings [`Settings::Unreadable`]; a row that is not defined makes its person's
//!   [`Settings::Undefined`]. What follows from that is `policy`'s matter; here it is only never
//!   mistaken for "none recorded".
//! - **No settings table configured, or no row about the person, is "none recorded"**, and then
//!   the legal basis speaks.
//!
//! Rows about nobody (a missing or malformed id) are counted by the intake and cannot be kept.

use std::fmt;
use std::sync::Arc;

use innsyn_policy::{Covers, NationalId, Purpose, Setting, SettingKind, Settings};

use crate::sources::moment;
use crate::subjects::{SubjectKey, Tag};

pub mod collecting;
pub mod currency;
pub mod elsewhere;
pub mod forwarding;
pub mod keeper;
pub mod kept;
pub mod of_case;
pub mod papers;
pub mod proofs;
pub mod representing;
pub mod service;
#[cfg(test)]
mod tests;
pub mod transfer;

pub use currency::Currency;
pub use elsewhere::Elsewhere;
pub use kept::KeptSettings;

/// One row of a settings table, as text; a `None` or empty field is one that was not given.
#[derive(Clone, Copy, Default)]
pub struct SettingFields<'a> {
    /// `consent`, `reservation` or `block` (`samtykke`, `reservasjon`, `sperring`).
    pub kind: Option<&'a str>,
    /// One of `own_insight`, `treatment`, `quality_improvement`, `research`,
    /// `administration`; absent for every secondary use.
    pub purpose: Option<&'a str>,
    /// From when it holds: a date or a date and time.
    pub from: Option<&'a str>,
    /// Until when (excluded); absent while it stands.
    pub until: Option<&'a str>,
}

impl fmt::Debug for SettingFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SettingFields(***)")
    }
}

impl SettingFields<'_> {
    /// What the row means; `None` where that is not defined.
    pub fn meaning(&self) -> Option<Setting> {
        let setting = Setting {
            kind: kind(given(self.kind)?)?,
            covers: match given(self.purpose) {
                Some(purpose) => Covers::purpose(self::purpose(purpose)?),
                None => Covers::secondary_use(),
            },
            from: moment::instant(given(self.from)?)?,
            until: match given(self.until) {
                Some(until) => Some(moment::instant(until)?),
                None => None,
            },
        };
        let ends_after_it_begins = setting.until.is_none_or(|until| setting.from <= until);
        ends_after_it_begins.then_some(setting)
    }
}

fn given(field: Option<&str>) -> Option<&str> {
    field.map(str::trim).filter(|text| !text.is_empty())
}

fn kind(text: &str) -> Option<SettingKind> {
    match text.to_ascii_lowercase().as_str() {
        "consent" | "samtykke" => Some(SettingKind::Consent),
        "reservation" | "reservasjon" => Some(SettingKind::Reservation),
        "block" | "sperring" | "tilgangsbegrensning" => Some(SettingKind::Block),
        _ => None,
    }
}

fn purpose(text: &str) -> Option<Purpose> {
    match text.to_ascii_lowercase().as_str() {
        "own_insight" => Some(Purpose::OwnInsight),
        "treatment" => Some(Purpose::Treatment),
        "quality_improvement" => Some(Purpose::QualityImprovement),
        "research" => Some(Purpose::Research),
        "administration" => Some(Purpose::Administration),
        _ => None,
    }
}

/// Everybody's settings.
pub struct RecordedSettings {
    key: Arc<SubjectKey>,
    table: Table,
}

enum Table {
    Read {
        /// Sorted; `settings` is in the same order.
        tags: Box<[Tag]>,
        settings: Box<[Setting]>,
        /// Sorted.
        undefined: Box<[Tag]>,
    },
    Unreadable,
}

impl RecordedSettings {
    /// What is recorded of `subject`; never [`Settings::Stale`], which needs a clock.
    pub fn of(&self, subject: &NationalId) -> Settings<'_> {
        let Table::Read {
            tags,
            settings,
            undefined,
        } = &self.table
        else {
            return Settings::Unreadable;
        };
        let tag = self.key.tag_of(subject);
        if undefined.binary_search(&tag).is_ok() {
            return Settings::Undefined;
        }
        let begin = tags.partition_point(|other| *other < tag);
        let end = tags.partition_point(|other| *other <= tag);
        Settings::Known(settings.get(begin..end).unwrap_or_default())
    }

    /// Everybody of whom anything is recorded, each once, and what; nobody where the table could
    /// not be read.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Tag, Settings<'_>)> {
        let (tags, settings, undefined): (&[Tag], &[Setting], &[Tag]) = match &self.table {
            Table::Read {
                tags,
                settings,
                undefined,
            } => (tags, settings, undefined),
            Table::Unreadable => (&[], &[], &[]),
        };
        let mut rest = settings;
        let known = tags.chunk_by(PartialEq::eq).filter_map(move |same| {
            let (own, others) = rest.split_at_checked(same.len())?;
            rest = others;
            Some((*same.first()?, Settings::Known(own)))
        });
        let is_defined = |tag: &Tag| undefined.binary_search(tag).is_err();
        let undefined = undefined.iter().map(|tag| (*tag, Settings::Undefined));
        known
            .filter(move |(tag, _)| is_defined(tag))
            .chain(undefined)
    }

    /// Whether there is a table and it could not be read.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.table, Table::Unreadable)
    }
}

impl fmt::Debug for RecordedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordedSettings(***)")
    }
}

/// Collects the rows of a settings table. Memory: about 64 bytes a row.
pub struct SettingsBuilder {
    key: Arc<SubjectKey>,
    rows: Vec<(Tag, Setting)>,
    undefined: Vec<Tag>,
    unreadable: bool,
}

impl SettingsBuilder {
    /// Nothing recorded yet; tags come from `key`.
    pub fn new(key: Arc<SubjectKey>) -> Self {
        Self {
            key,
            rows: Vec::new(),
            undefined: Vec::new(),
            unreadable: false,
        }
    }

    /// Adds a row about the person with `tag`; tells whether its meaning is defined.
    pub fn push(&mut self, tag: Tag, fields: &SettingFields<'_>) -> bool {
        let meaning = fields.meaning();
        match meaning.clone() {
            Some(setting) => self.rows.push((tag, setting)),
            None => self.undefined.push(tag),
        }
        meaning.is_some()
    }

    /// The table cannot be read, or not to its end: whatever was read of it counts for nothing.
    pub fn unreadable(&mut self) {
        self.rows.clear();
        self.undefined.clear();
        self.unreadable = true;
    }

    /// The settings, ready to be asked for.
    pub fn finish(mut self) -> RecordedSettings {
        let table = if self.unreadable {
            Table::Unreadable
        } else {
            self.rows.sort_by_key(|(tag, _)| *tag);
            self.undefined.sort_unstable();
            self.undefined.dedup();
            let (tags, settings): (Vec<_>, Vec<_>) = self.rows.into_iter().unzip();
            Table::Read {
                tags: tags.into(),
                settings: settings.into(),
                undefined: self.undefined.into(),
            }
        };
        RecordedSettings {
            key: self.key,
            table,
        }
    }
}

impl fmt::Debug for SettingsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SettingsBuilder(***)")
    }
}
