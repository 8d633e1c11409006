//! A folder of CSV or Parquet files, described by its `manifest.toml`.
//!
//! Files are read as streams, batch by batch. Which files there are, and how they stood, is
//! noted before and after: a file that changed while it was read makes the load fail, so that a
//! half-written export is never served.

use std::fs;
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::error::SourceError;
use super::intake::{Intake, Loaded, PersonFields};
use super::{FileStamp, Fingerprint, Source};
use crate::settings::SettingFields;

pub(crate) use manifest::FileName;

use manifest::{Files, Manifest};

mod about;
mod csv;
mod manifest;
mod parquet;

#[cfg(test)]
mod tests;

/// The manifest's name.
const MANIFEST: &str = "manifest.toml";
/// The most files one table may have.
const FILES_MAX: usize = 10_000;

/// A folder of files.
#[derive(Debug, Clone)]
pub struct FolderSource {
    path: PathBuf,
}

impl FolderSource {
    /// The source in the folder at `path`; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn manifest(&self) -> Result<Manifest, SourceError> {
        let path = self.path.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        Manifest::parse(&text).map_err(|error| SourceError::Manifest {
            path,
            message: error.to_string(),
        })
    }

    fn read(&self, mut intake: Intake) -> Result<Loaded, SourceError> {
        let before = self.stamp()?;
        let manifest = self.manifest()?;
        self.read_persons(&manifest, &mut intake)?;
        if let Err(error) = self.read_settings(&manifest, &mut intake) {
            intake.settings_unreadable(&error);
        }
        if self.stamp()? != before {
            return Err(SourceError::ChangedWhileRead);
        }
        intake.finish()
    }

    fn read_persons(&self, manifest: &Manifest, intake: &mut Intake) -> Result<(), SourceError> {
        let persons = &manifest.persons;
        let columns = &persons.columns;
        let wanted = [
            Column::id(&columns.national_id),
            Column::time(columns.registered_since.as_deref()),
            Column::time(columns.last_changed.as_deref()),
            Column::text(columns.status.as_deref()),
        ];
        self.read_table(&persons.files, &wanted, intake, |intake, row| {
            let [id, since, last_changed, status] = row;
            let fields = PersonFields {
                id,
                since,
                last_changed,
                status,
            };
            intake.person(fields, &persons.status)
        })
    }

    fn read_settings(&self, manifest: &Manifest, intake: &mut Intake) -> Result<(), SourceError> {
        let Some(settings) = &manifest.settings else {
            return Ok(());
        };
        let columns = &settings.columns;
        let wanted = [
            Column::id(&columns.national_id),
            Column::text(Some(&columns.kind)),
            Column::text(columns.purpose.as_deref()),
            Column::time(Some(&columns.from)),
            Column::time(columns.until.as_deref()),
        ];
        self.read_table(&settings.files, &wanted, intake, |intake, row| {
            let [id, kind, purpose, from, until] = row;
            let fields = SettingFields {
                kind,
                purpose,
                from,
                until,
            };
            intake.setting(id, &fields);
            Ok(())
        })
    }

    fn read_table<const N: usize>(
        &self,
        files: &Files,
        wanted: &[Column<'_>; N],
        intake: &mut Intake,
        mut row: impl FnMut(&mut Intake, [Option<&str>; N]) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        for path in self.matching(files)? {
            if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                parquet::read(&path, wanted, intake, Intake::expect, &mut row)?;
            } else {
                csv::read(&path, files.delimiter, wanted, |fields| row(intake, fields))?;
            }
        }
        Ok(())
    }

    /// The files of a table, in the order of their names; each pattern has at least one.
    fn matching(&self, files: &Files) -> Result<Vec<PathBuf>, SourceError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(unreadable(&self.path))? {
            let entry = entry.map_err(unreadable(&self.path))?;
            names.extend(entry.file_name().into_string());
            if names.len() > FILES_MAX {
                return Err(SourceError::TooManyFiles {
                    folder: self.path.clone(),
                    max: FILES_MAX,
                });
            }
        }
        names.sort_unstable();
        for pattern in &files.patterns {
            if !names.iter().any(|name| pattern.matches(name)) {
                return Err(SourceError::NoFile {
                    folder: self.path.clone(),
                    pattern: pattern.to_string(),
                });
            }
        }
        names.retain(|name| files.patterns.iter().any(|pattern| pattern.matches(name)));
        Ok(names.into_iter().map(|name| self.path.join(name)).collect())
    }

    /// How the manifest and every file of people and settings stand now. A settings table without
    /// files is no reason not to read the people. Views are looked at elsewhere: a view in the
    /// making keeps nobody's settings from being read.
    fn stamp(&self) -> Result<Fingerprint, SourceError> {
        let manifest = self.manifest()?;
        let mut paths = self.paths_of_people(&manifest)?;
        if let Some(settings) = &manifest.settings {
            paths.extend(self.matching(&settings.files).unwrap_or_default());
        }
        stamps(paths)
    }

    fn paths_of_people(&self, manifest: &Manifest) -> Result<Vec<PathBuf>, SourceError> {
        let mut paths = vec![self.path.join(MANIFEST)];
        paths.extend(self.matching(&manifest.persons.files)?);
        Ok(paths)
    }

    /// How the manifest and the files of people stand now: what gives people their numbers.
    pub(crate) fn stamp_of_people(&self) -> Result<Fingerprint, SourceError> {
        stamps(self.paths_of_people(&self.manifest()?)?)
    }

    /// What the manifest says of views, as it stands there.
    pub(crate) fn views(&self) -> Result<Option<toml::Value>, SourceError> {
        Ok(self.manifest()?.views)
    }

    /// How the files called `pattern`, at least one, stand now.
    pub(crate) fn stamp_of(&self, pattern: &FileName) -> Result<Fingerprint, SourceError> {
        stamps(self.matching(pattern.as_files())?)
    }
}

fn stamps(paths: Vec<PathBuf>) -> Result<Fingerprint, SourceError> {
    let stamps = paths.into_iter().map(FileStamp::of);
    stamps.collect::<Result<_, _>>().map(Fingerprint)
}

impl Source for FolderSource {
    fn load(&self, intake: Intake) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        let source = self.clone();
        aside(move || source.read(intake)).boxed()
    }

    fn fingerprint(&self) -> BoxFuture<'_, Result<Option<Fingerprint>, SourceError>> {
        let source = self.clone();
        aside(move || source.stamp().map(Some)).boxed()
    }
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(SourceError::Stopped))
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> SourceError {
    move |error| SourceError::Unreadable {
        path: path.to_owned(),
        error,
    }
}

/// A column that a table is read for.
#[derive(Debug, Clone, Copy)]
struct Column<'a> {
    /// Its name; `None` where it is not configured, and then every row has nothing in it.
    name: Option<&'a str>,
    holds: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Ids; as an integer, the leading zero is missing.
    Id,
    Time,
    Text,
    /// Whatever has a text.
    Any,
}

impl<'a> Column<'a> {
    const fn id(name: &'a str) -> Self {
        Self {
            name: Some(name),
            holds: Holds::Id,
        }
    }

    const fn time(name: Option<&'a str>) -> Self {
        Self {
            name,
            holds: Holds::Time,
        }
    }

    const fn any(name: Option<&'a str>) -> Self {
        Self {
            name,
            holds: Holds::Any,
        }
    }

    const fn text(name: Option<&'a str>) -> Self {
        Self {
            name,
            holds: Holds::Text,
        }
    }
}
