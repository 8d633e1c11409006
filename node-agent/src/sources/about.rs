//! What a source holds about one person, row by row: insight, and nothing else.
//!
//! A look reads the source itself, as it stands now, and keeps nothing of it. A folder's files are
//! read through to the end, whoever is looked for; a database is asked for one number.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Clearance;
use tokio::sync::Semaphore;

use super::config::PostgresConfig;
use super::error::SourceError;
use super::{FolderSource, Numbers, Place, PostgresSource, SourceConfig};
use crate::config::{COLUMNS_MAX, InsightTable};
use crate::subjects::SubjectKey;

/// Rows of one table that are shown.
pub(super) const ROWS_MAX: usize = 500;
/// The longest value that is shown, in characters.
const VALUE_CHARACTERS_MAX: usize = 500;
/// Looks at once; more wait.
const AT_ONCE_MAX: usize = 4;
/// The id and every column that can be shown.
pub(super) const WIDTH: usize = COLUMNS_MAX + 1;

/// What there is about one person in one table.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RowsAbout {
    /// The rows, each with the columns that are shown; empty where the source has nothing.
    pub rows: Vec<Vec<String>>,
    /// There are more than are told.
    pub truncated: bool,
}

impl std::fmt::Debug for RowsAbout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowsAbout(***)")
    }
}

impl RowsAbout {
    /// Takes a row, if there is room; whether there was.
    pub(super) fn push<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>) -> bool {
        if self.rows.len() >= ROWS_MAX {
            self.truncated = true;
            return false;
        }
        let value = |value: Option<&str>| {
            let value = value.unwrap_or_default();
            value.chars().take(VALUE_CHARACTERS_MAX).collect()
        };
        self.rows.push(values.map(value).collect());
        true
    }
}

/// Where people's rows are looked for.
#[derive(Debug)]
pub struct AboutPerson {
    place: Looks,
    numbers: Numbers,
    key: Arc<SubjectKey>,
    timeout: Duration,
    looks: Arc<Semaphore>,
}

#[derive(Debug)]
enum Looks {
    Folder(PathBuf),
    Postgres(Box<PostgresConfig>),
}

impl AboutPerson {
    /// Looks into what `source` is; people are known by `numbers` and `key`, and a look ends after
    /// `timeout`.
    pub fn new(
        source: &SourceConfig,
        numbers: Numbers,
        key: Arc<SubjectKey>,
        timeout: Duration,
    ) -> Self {
        let place = match &source.place {
            Place::Folder(path) => Looks::Folder(path.clone()),
            Place::Postgres(config) => Looks::Postgres(config.clone()),
        };
        Self {
            place,
            numbers,
            key,
            timeout,
            looks: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }

    /// Looks for nobody in each of `tables` of `source`: whether they can be read as they are named.
    pub(super) async fn try_tables(
        source: &SourceConfig,
        tables: &Arc<[InsightTable]>,
    ) -> Result<(), SourceError> {
        match &source.place {
            Place::Folder(path) => {
                let (folder, tables) = (FolderSource::new(path), Arc::clone(tables));
                let looked = tokio::task::spawn_blocking(move || folder.about_nobody(&tables));
                looked.await.unwrap_or(Err(SourceError::Stopped))
            }
            Place::Postgres(config) => {
                let database = PostgresSource::new((**config).clone());
                database.about("", tables).await.map(drop)
            }
        }
    }

    /// What each of `tables` holds about the person of `clearance`, in their order. The clearance is
    /// used up.
    pub async fn look(
        &self,
        clearance: Clearance,
        tables: &Arc<[InsightTable]>,
    ) -> Result<Vec<RowsAbout>, SourceError> {
        let looking = async {
            let place = Arc::clone(&self.looks).acquire_owned().await;
            let _place = place.map_err(|_| SourceError::Stopped)?;
            match &self.place {
                Looks::Folder(path) => {
                    let (folder, tables) = (FolderSource::new(path), Arc::clone(tables));
                    let (numbers, key) = (self.numbers, Arc::clone(&self.key));
                    let looked = tokio::task::spawn_blocking(move || {
                        folder.about(&clearance, &tables, numbers, &key)
                    });
                    looked.await.unwrap_or(Err(SourceError::Stopped))
                }
                Looks::Postgres(config) => {
                    let database = PostgresSource::new((**config).clone());
                    let person = self.key.text_of(clearance.subject());
                    database.about(&person, tables).await
                }
            }
        };
        tokio::time::timeout(self.timeout, looking)
            .await
            .unwrap_or(Err(SourceError::TooSlow(self.timeout)))
    }
}
