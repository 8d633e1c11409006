//! What a listing or a table ought to say, worked out from the written files in the plainest way.
//!
//! The point of this module is what it does not use: nothing of the agent (its index, its way of
//! reading files), nothing of `innsyn_policy::decide`, and nothing that the generator remembers.
//! It reads the catalogue as TOML, each table row by row, compares ids as text, and has its own
//! reading of the law. With the rest of the system it shares the words for outcomes.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use innsyn_policy::{CannotBeAskedReason, Outcome, Presence, Timestamp, WithheldReason};
use jiff::civil::Date;
use serde::Deserialize;

use crate::population::Person;
use crate::registers::folder;
use crate::sts::{Mandate, Right};

use rows::Found;

pub mod pooled;
mod rows;
#[cfg(test)]
mod tests;

/// A written country, as far as it concerns a few people.
#[derive(Debug)]
pub struct Truth {
    registers: Vec<Register>,
}

/// What must come of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The question as a whole is refused, and no register is asked.
    Refused,
    /// One outcome for each register, in the order of the catalogue. That every register which
    /// can be asked does answer is taken for granted.
    Listing(Vec<(String, Outcome)>),
}

/// Why the files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// A file cannot be opened.
    #[error("`{}` cannot be read", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` is not as it was written: {what}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

struct Register {
    entry: Entry,
    people: HashMap<String, Found>,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Register")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Catalogue {
    register: Vec<Entry>,
}

/// What matters of a catalogue entry, in the catalogue's own words.
#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    kind: String,
    legal_basis: String,
    membership_is_sensitive: bool,
    listing: String,
}

impl Truth {
    /// Reads the country in `folder` and keeps what it says about `people`.
    pub fn read<'a>(
        folder: &Path,
        people: impl IntoIterator<Item = &'a Person>,
    ) -> Result<Self, TruthError> {
        let people: HashSet<String> = people
            .into_iter()
            .map(|person| person.id.expose_str().to_owned())
            .collect();
        let path = folder.join(folder::CATALOGUE_FILE);
        let catalogue: Catalogue =
            toml::from_str(&read(&path)?).map_err(|error| TruthError::Content {
                path,
                what: error.to_string(),
            })?;
        let registers = catalogue
            .register
            .into_iter()
            .map(|entry| {
                let people = if entry.listing == "live" {
                    rows::read(&folder::of_register(folder, &entry.id), &people)?
                } else {
                    HashMap::new()
                };
                Ok(Register { entry, people })
            })
            .collect::<Result<_, TruthError>>()?;
        Ok(Self { registers })
    }

    /// What a listing about `subject` by `right` at `now` must say. Whoever asks by
    /// [`Right::Own`] is the subject, and nobody else is.
    pub fn expected(&self, subject: &Person, right: &Right, now: Timestamp) -> Expected {
        let Some(today) = today_in_norway(now) else {
            return Expected::Refused;
        };
        if !may_ask(subject, right, now, today) {
            return Expected::Refused;
        }
        let outcomes = self.registers.iter().map(|register| {
            let outcome = register.outcome(subject, right, today);
            (register.entry.id.clone(), outcome)
        });
        Expected::Listing(outcomes.collect())
    }
}

impl Register {
    fn outcome(&self, subject: &Person, right: &Right, today: Date) -> Outcome {
        let entry = &self.entry;
        match (entry.listing.as_str(), entry.legal_basis.as_str()) {
            ("live", _) => {}
            ("cannot_be_asked", "deidentified") => {
                return Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified);
            }
            ("cannot_be_asked", _) => {
                return Outcome::CannotBeAsked(CannotBeAskedReason::Pseudonymous);
            }
            _ => return Outcome::NotConnected,
        }
        match right {
            Right::Parent if entry.membership_is_sensitive && age(subject.born, today) >= 12 => {
                return Outcome::Withheld(WithheldReason::SensitiveFromTwelve);
            }
            Right::Guardian(mandate) | Right::PowerOfAttorney(mandate)
                if !mandate.areas.iter().any(|area| covers(area, entry)) =>
            {
                return Outcome::Withheld(WithheldReason::AreaNotCovered);
            }
            _ => {}
        }
        let Some(found) = self.people.get(subject.id.expose_str()) else {
            return Outcome::NotRegistered;
        };
        let presence = Presence {
            since: found.since,
            last_changed: found.last_changed,
        };
        if found.registered {
            Outcome::Registered(presence)
        } else {
            Outcome::Deleted(presence)
        }
    }
}

/// Whether the right lets its holder ask at all.
fn may_ask(subject: &Person, right: &Right, now: Timestamp, today: Date) -> bool {
    match right {
        Right::Own => true,
        Right::Parent => subject.born <= today && age(subject.born, today) < 16,
        Right::Guardian(Mandate { areas, from, until })
        | Right::PowerOfAttorney(Mandate { areas, from, until }) => {
            *from <= now && now < *until && areas.iter().any(|area| is_area(area))
        }
    }
}

fn covers(area: &str, entry: &Entry) -> bool {
    area == "insight"
        || area == format!("insight/kind/{}", entry.kind)
        || area == format!("insight/register/{}", entry.id)
}

/// Whether the area is one of those that exist.
fn is_area(area: &str) -> bool {
    let kinds = ["central", "quality", "survey", "biobank"];
    area == "insight"
        || area
            .strip_prefix("insight/kind/")
            .is_some_and(|kind| kinds.contains(&kind))
        || area
            .strip_prefix("insight/register/")
            .is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// Full years on `today`. Born on a 29 February, one is a year older on 28 February in years
/// that have no other.
fn age(born: Date, today: Date) -> i16 {
    let day = if born.month() == 2 && born.day() == 29 && !today.in_leap_year() {
        28
    } else {
        born.day()
    };
    let had_birthday = (today.month(), today.day()) >= (born.month(), day);
    today.year() - born.year() - i16::from(!had_birthday)
}

fn today_in_norway(now: Timestamp) -> Option<Date> {
    let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
    Some(now.in_tz("Europe/Oslo").ok()?.date())
}

fn read(path: &Path) -> Result<String, TruthError> {
    std::fs::read_to_string(path).map_err(|source| TruthError::Io {
        path: path.to_owned(),
        source,
    })
}
