//! `manifest.toml`: what the files of a folder mean.
//!
//! ```toml
//! [persons]
//! files = ["persons-*.parquet"]        # names in this folder; `*` stands for anything
//! columns = { national_id = "fnr", registered_since = "registrert", last_changed = "endret", status = "status" }
//! status = { registered = ["1"], deleted = ["2"] }
//!
//! [settings]                           # may be left out
//! files = ["settings.csv"]
//! delimiter = ";"                      # of CSV files; `,` unless it is given
//! columns = { national_id = "fnr", kind = "type", purpose = "formaal", from = "fra", until = "til" }
//!
//! [[table]]                            # other tables, for later; named, not read
//! name = "events"
//! files = ["events.parquet"]
//! ```
//!
//! A file called `*.parquet` is Parquet, any other is CSV in UTF-8 with a line of column names.

use std::fmt;

use serde::Deserialize;

use crate::sources::config::{PersonColumns, SettingColumns, StatusValues};

/// A manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) persons: Persons,
    pub(super) settings: Option<Settings>,
    #[serde(default, rename = "table")]
    _tables: Vec<OtherTable>,
}

impl Manifest {
    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// The table of people.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawPersons")]
pub(super) struct Persons {
    pub(super) files: Files,
    pub(super) columns: PersonColumns,
    pub(super) status: StatusValues,
}

/// The table of settings.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawSettings")]
pub(super) struct Settings {
    pub(super) files: Files,
    pub(super) columns: SettingColumns,
}

/// A table's files.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) patterns: Vec<Pattern>,
    pub(super) delimiter: u8,
}

/// A file name in which `*` stands for anything.
#[derive(Debug)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(first) else {
            return false;
        };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            let Some(at) = name.find(part) else {
                return false;
            };
            name = name.get(at + part.len()..).unwrap_or_default();
        }
        name.ends_with(last)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table that is not read yet; whatever is said of it is accepted.
#[derive(Debug, Deserialize)]
struct OtherTable {
    #[serde(rename = "name")]
    _name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPersons {
    files: Vec<String>,
    #[serde(default = "comma")]
    delimiter: char,
    columns: PersonColumns,
    #[serde(default)]
    status: StatusValues,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSettings {
    files: Vec<String>,
    #[serde(default = "comma")]
    delimiter: char,
    columns: SettingColumns,
}

#[derive(Debug, thiserror::Error)]
enum FilesError {
    #[error("`files` is empty")]
    NoFiles,
    #[error("`{0}` is not a file name: files stand in the manifest's own folder")]
    NotAName(String),
    #[error("a delimiter is one ASCII character")]
    Delimiter,
}

impl Files {
    fn new(files: Vec<String>, delimiter: char) -> Result<Self, FilesError> {
        if files.is_empty() {
            return Err(FilesError::NoFiles);
        }
        let is_name = |file: &String| !file.is_empty() && file != ".." && !file.contains('/');
        if let Some(file) = files.iter().find(|file| !is_name(file)) {
            return Err(FilesError::NotAName(file.clone()));
        }
        let delimiter = u8::try_from(delimiter).ok().filter(u8::is_ascii);
        Ok(Self {
            patterns: files.into_iter().map(Pattern).collect(),
            delimiter: delimiter.ok_or(FilesError::Delimiter)?,
        })
    }
}

impl TryFrom<RawPersons> for Persons {
    type Error = FilesError;

    fn try_from(raw: RawPersons) -> Result<Self, Self::Error> {
        Ok(Self {
            files: Files::new(raw.files, raw.delimiter)?,
            columns: raw.columns,
            status: raw.status,
        })
    }
}

impl TryFrom<RawSettings> for Settings {
    type Error = FilesError;

    fn try_from(raw: RawSettings) -> Result<Self, Self::Error> {
        Ok(Self {
            files: Files::new(raw.files, raw.delimiter)?,
            columns: raw.columns,
        })
    }
}

const fn comma() -> char {
    ','
}
