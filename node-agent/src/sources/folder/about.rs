//! The rows of a folder's files that are about one person.

use innsyn_policy::Clearance;

use super::manifest::Files;
use super::{Column, FolderSource, csv, parquet};
use crate::config::InsightTable;
use crate::sources::Numbers;
use crate::sources::about::{RowsAbout, WIDTH};
use crate::sources::error::SourceError;
use crate::subjects::SubjectKey;

impl FolderSource {
    /// What each of `tables` holds about the person of `clearance`. Reads every file to its end.
    pub(in crate::sources) fn about(
        &self,
        clearance: &Clearance,
        tables: &[InsightTable],
        numbers: Numbers,
        key: &SubjectKey,
    ) -> Result<Vec<RowsAbout>, SourceError> {
        let tag = key.tag_of(clearance.subject());
        let is_it = |text: Option<&str>| numbers.tag(key, text).is_ok_and(|it| it == tag);
        let tables = tables.iter();
        tables.map(|table| self.about_in(table, &is_it)).collect()
    }

    /// Looks for nobody in each of `tables`: whether their files are there, with their columns.
    pub(in crate::sources) fn about_nobody(
        &self,
        tables: &[InsightTable],
    ) -> Result<(), SourceError> {
        let nobody = |_: Option<&str>| false;
        let mut tables = tables.iter();
        tables.try_for_each(|table| self.about_in(table, &nobody).map(drop))
    }

    fn about_in(
        &self,
        table: &InsightTable,
        is_it: &impl Fn(Option<&str>) -> bool,
    ) -> Result<RowsAbout, SourceError> {
        let files = Files::new(table.files.clone(), table.delimiter);
        let files = files.map_err(|error| SourceError::Manifest {
            path: self.path.clone(),
            message: format!("`insight.table` `{}`: {error}", table.title),
        })?;
        let mut names = table.column.iter().map(|it| it.name.as_str());
        let wanted: [Column<'_>; WIDTH] = std::array::from_fn(|at| match at {
            0 => Column::id(&table.id_column),
            _ => Column::any(names.next()),
        });
        let shown = table.column.len();
        let mut about = RowsAbout::default();
        let mut row = |about: &mut RowsAbout, fields: [Option<&str>; WIDTH]| {
            let [id, values @ ..] = fields;
            if is_it(id) {
                about.push(values.into_iter().take(shown));
            }
            Ok(())
        };
        for path in self.matching(&files)? {
            let is_parquet = path.extension().is_some_and(|it| it == "parquet");
            if is_parquet {
                parquet::read(&path, &wanted, &mut about, |_, _| (), &mut row)?;
            } else {
                csv::read(&path, files.delimiter, &wanted, |fields| {
                    row(&mut about, fields)
                })?;
            }
        }
        Ok(about)
    }
}
