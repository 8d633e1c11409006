//! The `[insight]` section: what people are shown, live, of what the register holds about them.
//!
//! ```toml
//! [insight]
//! timeout_s = 5
//!
//! [[insight.table]]
//! title = "Innleggelser"
//! title_en = "Admissions"
//! about = "Når du har vært innlagt på sykehus."
//! about_en = "When you have been in hospital."
//! files = ["stays.csv"]                # of a folder source; `*` stands for anything
//! id_column = "fnr"
//!
//! [[insight.table.column]]
//! name = "admitted"
//! label = "Innlagt"
//! label_en = "Admitted"
//! about = "Dagen du ble lagt inn."
//! about_en = "The day on which you were admitted."
//! ```
//!
//! Of a database, a table has `schema` (`public` unless it is given) and `table` instead of `files`.

use std::time::Duration;

use serde::Deserialize;

use crate::sources::{Place, SourceConfig};

/// Tables that are shown.
const TABLES_MAX: usize = 16;
/// Columns of one table that are shown.
pub const COLUMNS_MAX: usize = 24;
/// The longest title or label, and the longest explanation, in characters.
const LABEL_CHARACTERS_MAX: usize = 80;
const ABOUT_CHARACTERS_MAX: usize = 300;
/// The longest that looking may take, in seconds: the longest that a gateway waits.
const TIMEOUT_S_MAX: u64 = 10;

/// What people are shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightSection {
    /// How long looking may take, in seconds.
    #[serde(default = "five")]
    pub timeout_s: u64,
    /// The tables, in the order in which they are shown.
    pub table: Vec<InsightTable>,
}

/// One table of the source, as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightTable {
    /// What it is called and what it is, in Norwegian (bokmål) and in English.
    pub title: String,
    /// See `title`.
    pub title_en: String,
    /// See `title`.
    pub about: String,
    /// See `title`.
    pub about_en: String,
    /// The files of a folder source.
    #[serde(default)]
    pub files: Vec<String>,
    /// What divides the fields of CSV files.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// The schema of a database's table.
    #[serde(default = "public")]
    pub schema: String,
    /// The table or view of a database; empty for a folder source.
    #[serde(default)]
    pub table: String,
    /// The column with the national id, which is not shown.
    pub id_column: String,
    /// The columns that are shown, in their order.
    pub column: Vec<InsightColumn>,
}

/// One column, as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightColumn {
    /// What the source calls it.
    pub name: String,
    /// What people are told that it is called, and what it means in plain words.
    pub label: String,
    /// See `label`.
    pub label_en: String,
    /// See `label`.
    pub about: String,
    /// See `label`.
    pub about_en: String,
}

/// Why the section cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum InsightConfigError {
    /// Too long to wait, or no time at all.
    #[error("`insight.timeout_s` is {0}, and must be 1 to {TIMEOUT_S_MAX}")]
    Timeout(u64),
    /// No tables, or too many.
    #[error("`insight.table` has {0} tables, and must have 1 to {TABLES_MAX}")]
    Tables(usize),
    /// No columns, or too many.
    #[error("`insight.table` `{title}` has {columns} columns, and must have 1 to {COLUMNS_MAX}")]
    Columns {
        /// Which table.
        title: String,
        /// How many there are.
        columns: usize,
    },
    /// A text that people would miss, or would not read.
    #[error(
        "`insight.table` `{title}`: `{key}` is empty or longer than {max} characters; people read \
         it in plain words, in Norwegian and in English"
    )]
    Text {
        /// Which table.
        title: String,
        /// Which text.
        key: String,
        /// How long it may be.
        max: usize,
    },
    /// Nowhere to look.
    #[error(
        "`insight.table` `{0}` needs `files`, where the source is a folder, or `table`, where it is \
         a database"
    )]
    Place(String),
}

const fn five() -> u64 {
    5
}

const fn comma() -> char {
    ','
}

fn public() -> String {
    "public".to_owned()
}

impl InsightSection {
    /// How long looking may take.
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Whether it can be meant beside `source`.
    pub(crate) fn check(&self, source: &SourceConfig) -> Result<(), InsightConfigError> {
        use InsightConfigError as E;
        if !(1..=TIMEOUT_S_MAX).contains(&self.timeout_s) {
            return Err(E::Timeout(self.timeout_s));
        }
        if !(1..=TABLES_MAX).contains(&self.table.len()) {
            return Err(E::Tables(self.table.len()));
        }
        let is_folder = matches!(source.place, Place::Folder(_));
        for table in &self.table {
            table.check_texts()?;
            let is_placed = if is_folder {
                !table.files.is_empty()
            } else {
                !table.table.is_empty()
            };
            if !is_placed {
                return Err(E::Place(table.title.clone()));
            }
        }
        Ok(())
    }
}

impl InsightTable {
    fn check_texts(&self) -> Result<(), InsightConfigError> {
        let columns = self.column.len();
        if !(1..=COLUMNS_MAX).contains(&columns) {
            return Err(InsightConfigError::Columns {
                title: self.title.clone(),
                columns,
            });
        }
        let text = |text: &str, key: &str, max: usize| {
            let fits = !text.trim().is_empty() && text.chars().count() <= max;
            fits.then_some(()).ok_or_else(|| InsightConfigError::Text {
                title: self.title.clone(),
                key: key.to_owned(),
                max,
            })
        };
        text(&self.title, "title", LABEL_CHARACTERS_MAX)?;
        text(&self.title_en, "title_en", LABEL_CHARACTERS_MAX)?;
        text(&self.about, "about", ABOUT_CHARACTERS_MAX)?;
        text(&self.about_en, "about_en", ABOUT_CHARACTERS_MAX)?;
        text(&self.id_column, "id_column", LABEL_CHARACTERS_MAX)?;
        for column in &self.column {
            let key = |key: &str| format!("column.{key}");
            text(&column.name, &key("name"), LABEL_CHARACTERS_MAX)?;
            text(&column.label, &key("label"), LABEL_CHARACTERS_MAX)?;
            text(&column.label_en, &key("label_en"), LABEL_CHARACTERS_MAX)?;
            text(&column.about, &key("about"), ABOUT_CHARACTERS_MAX)?;
            text(&column.about_en, &key("about_en"), ABOUT_CHARACTERS_MAX)?;
        }
        Ok(())
    }
}
