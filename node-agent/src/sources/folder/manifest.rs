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
//! [[view]]                             # what is published to be counted; any number of them
//! name = "diagnoses"                   # and so on: see `research::data::view`
//! ```
//!
//! A file called `*.parquet` is Parquet, any other is CSV in UTF-8 with a line of column names.
//! Views are kept here as they stand and read one by one where they are made ready, so that a
//! mistake in one costs neither the others nor the citizens' listing.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::sources::config::{PersonColumns, SettingColumns, StatusValues};

/// A manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) persons: Persons,
    pub(super) settings: Option<Settings>,
    #[serde(rename = "view")]
    pub(super) views: Option<toml::Value>,
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

/// The name of Parquet files in the manifest's folder; `*` stands for anything.
#[derive(Debug)]
pub(crate) struct FileName(Files);

impl FileName {
    /// `None` if `name` is not the name of a Parquet file in the folder.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let is_parquet = Path::new(name).extension() == Some(OsStr::new("parquet"));
        let files = is_parquet.then(|| Files::new(vec![name.to_owned()], comma()))?;
        files.ok().map(Self)
    }

    pub(super) const fn as_files(&self) -> &Files {
        &self.0
    }
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
pub(super) enum FilesError {
    #[error("`files` is empty")]
    NoFiles,
    #[error("`{0}` is not a file name: files stand in the manifest's own folder")]
    NotAName(String),
    #[error("a delimiter is one ASCII character")]
    Delimiter,
}

impl Files {
    pub(super) fn new(files: Vec<String>, delimiter: char) -> Result<Self, FilesError> {
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
