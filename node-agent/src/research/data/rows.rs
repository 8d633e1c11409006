//! From a source's rows to a snapshot's: persons become numbers, and values get the types that the
//! engine counts.
//!
//! What holds:
//!
//! - **No id comes through.** Only the person's number and the published variables do, and a code
//!   that is itself a national id or pseudonym fails the view.
//! - **A row of nobody who is registered now is left out**, and counted.
//! - **A value that its type cannot hold is missing**, as the engine takes it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use innsyn_policy::NationalId;
use innsyn_proto::wire::research::v1 as wire;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use wire::variable::Type;
use wire::{Variable, View};

use super::error::ViewFault;
use super::view::{PERSON, PublishedView};
use crate::sources::{NotTaken, Numbers, SourceError};
use crate::subjects::{Subjects, parse_pseudonym};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;
/// The digits of a national id.
const ID_DIGITS: usize = 11;
/// The hexadecimal digits of a pseudonym.
const PSEUDONYM_DIGITS: usize = 32;

/// The people whom rows may be about.
#[derive(Debug, Clone, Copy)]
pub(super) struct People<'a> {
    pub(super) subjects: &'a Subjects,
    pub(super) numbers: Numbers,
}

impl People<'_> {
    /// The number of the person whom `text` names, if that is somebody registered now.
    pub(super) fn number_of(&self, text: &str) -> Option<u32> {
        let tag: Result<_, NotTaken> = self.numbers.tag(self.subjects.key(), Some(text));
        self.subjects.number_of(tag.ok()?)
    }

    /// Whether `text` is the id or pseudonym of anybody at all.
    pub(super) fn is_an_id(&self, text: &str) -> bool {
        match text.len() {
            ID_DIGITS => NationalId::parse(text, self.numbers.rules).is_ok(),
            PSEUDONYM_DIGITS => {
                self.subjects.key().reads_pseudonyms() && parse_pseudonym(text).is_ok()
            }
            _ => false,
        }
    }
}

/// The columns of a view's snapshot.
pub(super) fn schema(view: &View) -> SchemaRef {
    let person = Field::new(PERSON, DataType::UInt32, false);
    let variables = view
        .variables
        .iter()
        .map(|variable| Field::new(&variable.name, stored_type(variable), true));
    Arc::new(Schema::new(
        std::iter::once(person).chain(variables).collect::<Vec<_>>(),
    ))
}

fn stored_type(variable: &Variable) -> DataType {
    match &variable.r#type {
        Some(Type::Number(number)) if number.is_integer => DataType::Int64,
        Some(Type::Number(_)) => DataType::Float64,
        Some(Type::Date(_)) => DataType::Date32,
        Some(Type::Code(_)) | None => DataType::Utf8,
    }
}

/// The rows of one file of a source, batch by batch.
pub(super) struct FileRows<'a> {
    path: &'a Path,
    view: &'a PublishedView,
    people: People<'a>,
    schema: &'a SchemaRef,
    batches: ParquetRecordBatchReader,
}

impl<'a> FileRows<'a> {
    /// Opens the file at `path`, if it has the columns that `view` needs; `schema` is the snapshot's.
    pub(super) fn open(
        path: &'a Path,
        view: &'a PublishedView,
        people: People<'a>,
        schema: &'a SchemaRef,
    ) -> Result<Self, ViewFault> {
        let file = File::open(path).map_err(|error| SourceError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| unreadable(path, &error))?;
        let mut places = vec![place(path, builder.schema(), &view.id_column, unsuited_id)?];
        for variable in &view.description.variables {
            let suits = |found: &DataType| unsuited(variable, found);
            places.push(place(path, builder.schema(), &variable.name, suits)?);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        let batches = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            path,
            view,
            people,
            schema,
            batches,
        })
    }

    /// The next rows as the snapshot has them, and how many there were before those of nobody were
    /// left out; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(RecordBatch, usize)>, ViewFault> {
        let Some(batch) = self.batches.next() else {
            return Ok(None);
        };
        let failed = |error: ArrowError| unreadable(self.path, &error);
        let batch = batch.map_err(failed)?;
        let rows = batch.num_rows();
        let known = self.known(&batch).map_err(failed)?;
        for (variable, column) in self.view.description.variables.iter().zip(
            // The first column is the persons'.
            known.columns().iter().skip(1),
        ) {
            self.check_no_ids(variable, column)?;
        }
        Ok(Some((known, rows)))
    }

    /// The rows of `batch` that are about somebody registered now.
    fn known(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let persons = self.persons(column(batch, &self.view.id_column)?)?;
        let is_known = persons.iter().map(|person| Some(person.is_some()));
        let is_known: BooleanArray = is_known.collect();
        // Nobody is 0 until they are left out: the column has no missing values.
        let persons = persons.iter().copied().map(Option::unwrap_or_default);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(persons.collect::<UInt32Array>())];
        for variable in &self.view.description.variables {
            columns.push(cast(
                column(batch, &variable.name)?,
                &stored_type(variable),
            )?);
        }
        let all = RecordBatch::try_new(Arc::clone(self.schema), columns)?;
        filter_record_batch(&all, &is_known)
    }

    /// The number of each row's person.
    fn persons(&self, ids: &ArrayRef) -> Result<Vec<Option<u32>>, ArrowError> {
        let lacks_zeros = is_integer(ids.data_type());
        let ids = cast(ids, &DataType::Utf8)?;
        let ids: &StringArray = ids.as_string();
        let persons = ids.iter().map(|id| {
            let id = id?;
            if lacks_zeros {
                self.people.number_of(&format!("{id:0>ID_DIGITS$}"))
            } else {
                self.people.number_of(id)
            }
        });
        Ok(persons.collect())
    }

    fn check_no_ids(&self, variable: &Variable, column: &ArrayRef) -> Result<(), ViewFault> {
        let Some(codes) = column.as_string_opt::<i32>() else {
            return Ok(());
        };
        if codes
            .iter()
            .flatten()
            .any(|code| self.people.is_an_id(code))
        {
            return Err(ViewFault::HoldsIds {
                column: variable.name.clone(),
            });
        }
        Ok(())
    }
}

/// What would have done instead of `found` for `variable`, if it does not do.
fn unsuited(variable: &Variable, found: &DataType) -> Option<&'static str> {
    let (suits, wanted) = match &variable.r#type {
        Some(Type::Number(number)) if number.is_integer => (found.is_integer(), "a whole number"),
        Some(Type::Number(_)) => (found.is_numeric(), "a number"),
        Some(Type::Date(_)) => {
            let is_date = matches!(
                found,
                DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None)
            );
            (is_date, "a date, or a timestamp without a zone,")
        }
        Some(Type::Code(_)) | None => (is_text_or_integer(found), "text or a whole number"),
    };
    (!suits).then_some(wanted)
}

fn unsuited_id(found: &DataType) -> Option<&'static str> {
    (!is_text_or_integer(found)).then_some("text or a whole number")
}

fn is_text_or_integer(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => is_text_or_integer(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        other => other.is_integer(),
    }
}

fn is_integer(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => values.is_integer(),
        other => other.is_integer(),
    }
}

/// Which root column is called `name`, if its type suits.
fn place(
    path: &Path,
    schema: &SchemaRef,
    name: &str,
    unsuited: impl Fn(&DataType) -> Option<&'static str>,
) -> Result<usize, SourceError> {
    let place = || format!("`{}`", path.display());
    let Some((at, field)) = schema.column_with_name(name) else {
        let present = schema.fields().iter();
        return Err(SourceError::NoColumn {
            place: place(),
            column: name.to_owned(),
            present: present.map(|field| format!("`{}`", field.name())).collect(),
        });
    };
    match unsuited(field.data_type()) {
        None => Ok(at),
        Some(wanted) => Err(SourceError::ColumnType {
            place: place(),
            column: name.to_owned(),
            found: field.data_type().to_string(),
            wanted,
        }),
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    let column = batch.column_by_name(name);
    column.ok_or_else(|| ArrowError::SchemaError("a column is not there".to_owned()))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> ViewFault {
    ViewFault::Source(SourceError::Format {
        path: path.to_owned(),
        format: "Parquet",
        message: error.to_string(),
    })
}
