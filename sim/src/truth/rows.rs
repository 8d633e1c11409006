//! Reads a register's table row by row, as text.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::ToSpan as _;
use jiff::civil::Date;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use sha2::Sha256;

use super::{TruthError, read as read_text};
use crate::registers::folder::PSEUDONYM_KEY_FILE;

/// What a register's rows say about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) registered: bool,
    pub(super) since: Option<Date>,
    pub(super) last_changed: Option<Date>,
}

impl Found {
    /// Two rows about one person: registered beats deleted, the earliest registration and the
    /// latest change count.
    fn and(self, other: Self) -> Self {
        Self {
            registered: self.registered || other.registered,
            since: match (self.since, other.since) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
            last_changed: self.last_changed.max(other.last_changed),
        }
    }
}

/// What the register in `folder` says about `people`, by their national ids.
pub(super) fn read(
    folder: &Path,
    people: &HashSet<String>,
) -> Result<HashMap<String, Found>, TruthError> {
    let manifest_path = folder.join("manifest.toml");
    let broken = |what: &str| TruthError::Content {
        path: manifest_path.clone(),
        what: what.to_owned(),
    };
    let manifest: toml::Table = read_text(&manifest_path)?
        .parse()
        .map_err(|_| broken("not TOML"))?;
    let persons = manifest
        .get("persons")
        .ok_or_else(|| broken("no persons"))?;
    let file = persons
        .get("files")
        .and_then(|files| files.get(0)?.as_str())
        .ok_or_else(|| broken("no file"))?;
    let column = |name: &str| persons.get("columns")?.get(name)?.as_str();
    let id = column("national_id").ok_or_else(|| broken("no column of ids"))?;
    let since = column("registered_since");
    let changed = column("last_changed");
    let status = column("status");
    let deleted = persons
        .get("status")
        .and_then(|status| status.get("deleted")?.get(0)?.as_str());

    let called_here = names(folder, people)?;
    let mut found: HashMap<String, Found> = HashMap::new();
    each_row(&folder.join(file), |row| {
        let Some(person) = row.get(id).and_then(|id| called_here.get(id)) else {
            return;
        };
        let text = |column: Option<&str>| row.get(column?).map(String::as_str);
        let this = Found {
            registered: deleted.is_none() || text(status) != deleted,
            since: text(since).and_then(|date| date.parse().ok()),
            last_changed: text(changed).and_then(|date| date.parse().ok()),
        };
        found
            .entry(person.clone())
            .and_modify(|before| *before = before.and(this))
            .or_insert(this);
    })?;
    Ok(found)
}

/// What the register calls each person, and who that is: the number itself, or the first half
/// of HMAC-SHA256 over it where the folder has a key.
fn names(folder: &Path, people: &HashSet<String>) -> Result<HashMap<String, String>, TruthError> {
    let path = folder.join(PSEUDONYM_KEY_FILE);
    if !path.exists() {
        return Ok(people.iter().map(|id| (id.clone(), id.clone())).collect());
    }
    let key = hex::decode(read_text(&path)?.trim()).map_err(|_| TruthError::Content {
        path: path.clone(),
        what: "not hexadecimal".to_owned(),
    })?;
    people
        .iter()
        .map(|id| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(&key).map_err(|_| TruthError::Content {
                    path: path.clone(),
                    what: "no key".to_owned(),
                })?;
            mac.update(id.as_bytes());
            let whole = hex::encode(mac.finalize().into_bytes());
            Ok((whole.chars().take(32).collect(), id.clone()))
        })
        .collect()
}

/// A row: column name to text. A column that has no value is left out.
pub type Row = HashMap<String, String>;

/// Gives every row of the CSV or Parquet file at `path` to `take`.
pub(super) fn each_row(path: &Path, mut take: impl FnMut(&Row)) -> Result<(), TruthError> {
    let content = |what: String| TruthError::Content {
        path: path.to_owned(),
        what,
    };
    let file = File::open(path).map_err(|source| TruthError::Io {
        path: path.to_owned(),
        source,
    })?;
    if path.extension().is_some_and(|extension| extension == "csv") {
        for row in csv::Reader::from_reader(file).deserialize::<Row>() {
            take(&row.map_err(|error| content(error.to_string()))?);
        }
        return Ok(());
    }
    let reader = SerializedFileReader::new(file).map_err(|error| content(error.to_string()))?;
    let rows = reader
        .get_row_iter(None)
        .map_err(|error| content(error.to_string()))?;
    for row in rows {
        let row = row.map_err(|error| content(error.to_string()))?;
        let fields = row.get_column_iter();
        take(
            &fields
                .filter_map(|(name, field)| Some((name.clone(), text(field)?)))
                .collect(),
        );
    }
    Ok(())
}

fn text(field: &Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text.clone()),
        // The leading zeros of an id do not survive as an integer.
        Field::Long(number) => Some(format!("{number:011}")),
        Field::Int(number) => Some(number.to_string()),
        Field::Double(number) => Some(number.to_string()),
        Field::Date(days) => {
            let date = Date::constant(1970, 1, 1).checked_add(i64::from(*days).days());
            date.ok().map(|date| date.to_string())
        }
        _ => None,
    }
}
