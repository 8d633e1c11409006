//! What the law wants told later.
//!
//! Some uses may not be told at once, such as one by the police, or one that protects somebody else.
//! A rule names them by organisation and kind and says for how many days. Such an entry is in the
//! log and in the person's chain like any other: what is held back is its content, until a date that
//! the person is told, with how many there are.

use std::collections::BTreeSet;
use std::time::Duration;

use innsyn_policy::{Organisation, Timestamp, UseKind};
use serde::Deserialize;

use crate::uselog::Entry;

const DAY: Duration = Duration::from_hours(24);
/// The longest delay, in days: ten years.
const DAYS_MAX: u32 = 3_653;

/// A rule: which uses are told how much later.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, try_from = "File")]
pub struct Delay {
    /// Uses through these organisations; through any if empty.
    organisations: Vec<Organisation>,
    /// Uses of these kinds.
    kinds: BTreeSet<Kind>,
    /// How long they are held back.
    days: u32,
}

/// A rule that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DelayError {
    /// It would hold back everything, or nothing.
    #[error("`kinds` is empty; name the kinds of use that are held back")]
    NoKinds,
    /// A kind that is not one person's.
    #[error("`days` is {0}, and must be 1 to {DAYS_MAX}")]
    Days(u32),
    /// Not an organisation.
    #[error("an organisation is 1 to 16 printable characters")]
    Organisation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    organisations: Vec<String>,
    kinds: BTreeSet<Kind>,
    days: u32,
}

/// A kind of use, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Listing,
    LogReading,
    SettingChange,
    Dialog,
    Insight,
}

impl TryFrom<File> for Delay {
    type Error = DelayError;

    fn try_from(file: File) -> Result<Self, DelayError> {
        if file.kinds.is_empty() {
            return Err(DelayError::NoKinds);
        }
        if !(1..=DAYS_MAX).contains(&file.days) {
            return Err(DelayError::Days(file.days));
        }
        let organisations = file.organisations.iter();
        Ok(Self {
            organisations: organisations
                .map(|text| Organisation::parse(text).map_err(|_| DelayError::Organisation))
                .collect::<Result<_, _>>()?,
            kinds: file.kinds,
            days: file.days,
        })
    }
}

impl Delay {
    /// Until when `entry` is held back by this rule; `None` where it does not speak of it.
    fn until(&self, entry: &Entry) -> Option<Timestamp> {
        let kind = match entry.kind() {
            UseKind::Listing => Kind::Listing,
            UseKind::LogReading => Kind::LogReading,
            UseKind::SettingChange => Kind::SettingChange,
            UseKind::Dialog => Kind::Dialog,
            UseKind::Insight => Kind::Insight,
            // Nobody's in particular: it is told of by whom it counted.
            UseKind::Query => return None,
        };
        let by_organisation =
            self.organisations.is_empty() || self.organisations.contains(&entry.organisation);
        (by_organisation && self.kinds.contains(&kind)).then(|| entry.at.plus(DAY * self.days))
    }
}

/// Until when `entry` is held back at `now` by the strictest of `delays`; `None` where it is told.
pub(super) fn held_back(delays: &[Delay], entry: &Entry, now: Timestamp) -> Option<Timestamp> {
    let until = delays.iter().filter_map(|delay| delay.until(entry)).max();
    until.filter(|until| now < *until)
}
