//! What a table over all registers ought to say, counted row by row from the written files.
//!
//! It shares nothing with the agents' engine: rows are maps of texts, persons are sets of texts,
//! and it has its own reading of who may be counted. Nobody is whose id is not in the list of
//! people. Settings without a meaning keep a person out, as do a reservation or a block that
//! stands, the lack of a consent where the register rests on it, and having been deleted. It
//! counts exactly; hiding and rounding are for others to look at.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use innsyn_policy::Timestamp;
use jiff::civil::Date;

pub use super::rows::Row;

use super::rows;
use super::{Catalogue, TruthError, read, today_in_norway};
use crate::registers::folder;

#[cfg(test)]
mod tests;

/// The purpose that settings may name.
const PURPOSE: &str = "research";

/// A table that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Over which view.
    pub view: &'a str,
    /// By what.
    pub by: &'a [By<'a>],
    /// Which of a person's rows count.
    pub rows: Rows,
    /// Which rows are looked at.
    pub only: fn(&Row) -> bool,
}

/// A dimension, of a column.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A code, cut to so many characters; 0 is the whole code.
    Code(&'a str, usize),
    /// A number, by how many of these are at or below it.
    Band(&'a str, &'a [i64]),
    /// A date, by its year.
    Year(&'a str),
}

/// Which of a person's rows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All.
    All,
    /// The first by the date of its view.
    First,
    /// The last by it.
    Last,
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Persons, each once for each register that holds them.
    pub registrations: u64,
    /// Persons, each once.
    pub persons: u64,
    /// Persons in the register that holds most of them.
    pub persons_in_largest: u64,
    /// Rows.
    pub events: u64,
}

/// The cells that somebody is in, by a text for each dimension: the code, the number of the band,
/// the year; `None` where the value is missing.
pub type Table = BTreeMap<Vec<Option<String>>, Counted>;

/// The table that `question` asks for over all live registers in `country` that publish its
/// view, as of `now`.
pub fn pooled(
    country: &Path,
    question: &Question<'_>,
    now: Timestamp,
) -> Result<Table, TruthError> {
    let path = country.join(folder::CATALOGUE_FILE);
    let broken = |path: &Path, what: &str| TruthError::Content {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let today = today_in_norway(now).ok_or_else(|| broken(&path, "no day for it"))?;
    let catalogue: Catalogue =
        toml::from_str(&read(&path)?).map_err(|error| broken(&path, error.message()))?;
    let mut people = HashSet::new();
    rows::each_row(&country.join(folder::PEOPLE_FILE), |row| {
        people.extend(row.get("national_id").cloned());
    })?;
    let mut table = Table::new();
    let mut everybody: HashMap<Vec<Option<String>>, HashSet<String>> = HashMap::new();
    for register in catalogue.register {
        if register.listing != "live" {
            continue;
        }
        let folder = folder::of_register(country, &register.id);
        let path = folder.join("manifest.toml");
        let manifest: toml::Table = read(&path)?
            .parse()
            .map_err(|_| broken(&path, "not TOML"))?;
        let Some(view) = View::of(&manifest, question.view) else {
            continue;
        };
        let rows = view.rows(&folder, question)?;
        let held = rows.keys().cloned().collect();
        let found = rows::read(&folder, &held)?;
        let settings = Settings::read(&folder, &manifest)?;
        let may_be_counted = |id: &String| {
            people.contains(id)
                && found.get(id).is_some_and(|found| found.registered)
                && settings.allow(id, register.legal_basis == "consent", today)
        };
        let mut here: HashMap<Vec<Option<String>>, HashSet<String>> = HashMap::new();
        for (id, rows) in rows.into_iter().filter(|(id, _)| may_be_counted(id)) {
            for row in rows {
                let key: Vec<_> = question.by.iter().map(|by| by.of(&row)).collect();
                table.entry(key.clone()).or_default().events += 1;
                here.entry(key).or_default().insert(id.clone());
            }
        }
        for (key, persons) in here {
            let cell = table.entry(key.clone()).or_default();
            let count = persons.len() as u64;
            cell.registrations += count;
            cell.persons_in_largest = cell.persons_in_largest.max(count);
            everybody.entry(key).or_default().extend(persons);
        }
    }
    for (key, persons) in everybody {
        table.entry(key).or_default().persons = persons.len() as u64;
    }
    Ok(table)
}

/// A view as a manifest tells of it.
struct View<'a> {
    file: &'a str,
    id: &'a str,
    event_date: Option<&'a str>,
    from: &'a str,
    until: &'a str,
}

impl<'a> View<'a> {
    fn of(manifest: &'a toml::Table, name: &str) -> Option<Self> {
        let mut views = manifest.get("view")?.as_array()?.iter();
        let view =
            views.find(|view| view.get("name").and_then(toml::Value::as_str) == Some(name))?;
        let text = |key: &str| view.get(key)?.as_str();
        Some(Self {
            file: text("files")?,
            id: text("id_column")?,
            event_date: text("event_date"),
            from: text("from")?,
            until: text("until")?,
        })
    }

    /// The rows that count, by person.
    fn rows(
        &self,
        folder: &Path,
        question: &Question<'_>,
    ) -> Result<HashMap<String, Vec<Row>>, TruthError> {
        let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
        rows::each_row(&folder.join(self.file), |row| {
            let Some(id) = row.get(self.id) else { return };
            let month = self.event_date.map(|date| row.get(date)?.get(..7));
            let is_covered =
                month.is_none_or(|month| month.is_some_and(|m| self.from <= m && m < self.until));
            if is_covered && (question.only)(row) {
                rows.entry(id.clone()).or_default().push(row.clone());
            }
        })?;
        for rows in rows.values_mut() {
            let date = |row: &Row| row.get(self.event_date?).cloned();
            rows.sort_by_key(date);
            match question.rows {
                Rows::All => {}
                Rows::First => rows.truncate(1),
                Rows::Last => drop(rows.drain(..rows.len().saturating_sub(1))),
            }
        }
        Ok(rows)
    }
}

impl By<'_> {
    fn of(&self, row: &Row) -> Option<String> {
        match self {
            Self::Code(column, 0) => row.get(*column).cloned(),
            Self::Code(column, characters) => {
                Some(row.get(*column)?.chars().take(*characters).collect())
            }
            Self::Band(column, begins) => {
                let number: f64 = row.get(*column)?.parse().ok()?;
                #[expect(clippy::cast_precision_loss, reason = "bands begin at small numbers")]
                let at_or_below = begins.iter().filter(|begin| **begin as f64 <= number);
                Some(at_or_below.count().to_string())
            }
            Self::Year(column) => Some(row.get(*column)?.get(..4)?.to_owned()),
        }
    }
}

/// A register's rows of settings, by person.
struct Settings(HashMap<String, Vec<Setting>>);

struct Setting {
    kind: String,
    purpose: Option<String>,
    from: Option<Date>,
    until: Option<Date>,
}

impl Settings {
    fn read(folder: &Path, manifest: &toml::Table) -> Result<Self, TruthError> {
        let mut settings: HashMap<String, Vec<Setting>> = HashMap::new();
        let section = manifest.get("settings");
        let file = section.and_then(|section| section.get("files")?.get(0)?.as_str());
        let Some(file) = file else {
            return Ok(Self(settings));
        };
        let column = |name: &str| section?.get("columns")?.get(name)?.as_str();
        rows::each_row(&folder.join(file), |row| {
            let text = |name| row.get(column(name)?).filter(|text| !text.is_empty());
            let Some(id) = text("national_id") else {
                return;
            };
            let setting = Setting {
                kind: text("kind").cloned().unwrap_or_default(),
                purpose: text("purpose").cloned(),
                from: text("from").and_then(|date| date.parse().ok()),
                until: text("until").and_then(|date| date.parse().ok()),
            };
            settings.entry(id.clone()).or_default().push(setting);
        })?;
        Ok(Self(settings))
    }

    /// Whether person `id` may be counted on `today`.
    fn allow(&self, id: &str, needs_consent: bool, today: Date) -> bool {
        let said = self.0.get(id).map_or(&[][..], Vec::as_slice);
        let stands = |kind: &str| {
            said.iter().any(|setting| {
                setting.kind == kind
                    && setting
                        .purpose
                        .as_deref()
                        .is_none_or(|bound| bound == PURPOSE)
                    && setting.from.is_some_and(|from| from <= today)
                    && setting.until.is_none_or(|until| today < until)
            })
        };
        let kinds = ["consent", "reservation", "block"];
        let is_understood = |setting: &Setting| kinds.contains(&setting.kind.as_str());
        said.iter().all(is_understood)
            && !stands("reservation")
            && !stands("block")
            && (!needs_consent || stands("consent"))
    }
}
