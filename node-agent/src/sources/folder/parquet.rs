//! Reading a Parquet file batch by batch.
//!
//! Every column is turned into text, the one form that the intake reads. An id that is stored
//! as a number gets its leading zero back.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Column, Holds, unreadable};
use crate::sources::error::SourceError;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// Calls `row` for each row of the file at `path`, after `expect` was told how many there are; both
/// with `state`.
pub(super) fn read<const N: usize, S>(
    path: &Path,
    wanted: &[Column<'_>; N],
    state: &mut S,
    expect: impl FnOnce(&S, u64),
    row: &mut impl FnMut(&mut S, [Option<&str>; N]) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let failed = |message: String| SourceError::Format {
        path: path.to_owned(),
        format: "Parquet",
        message,
    };
    let file = File::open(path).map_err(unreadable(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| failed(error.to_string()))?;
    let rows = builder.metadata().file_metadata().num_rows();
    expect(state, u64::try_from(rows).unwrap_or_default());

    let places = places(path, builder.schema(), wanted)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().flatten().copied());
    let batches = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    for batch in batches {
        let columns = batch
            .and_then(|batch| as_text(&batch, wanted))
            .map_err(|error| failed(error.to_string()))?;
        let rows = columns.iter().flatten().map(|(array, _)| array.len()).max();
        let mut ids: [String; N] = std::array::from_fn(|_| String::new());
        for at in 0..rows.unwrap_or_default() {
            let mut fields = [None; N];
            for ((field, column), id) in fields.iter_mut().zip(&columns).zip(&mut ids) {
                let Some((array, is_number)) = column else {
                    continue;
                };
                *field = array.is_valid(at).then(|| array.value(at));
                if let (Some(digits), true) = (*field, *is_number) {
                    id.clear();
                    // Writing to a string cannot fail.
                    let _ = write!(id, "{digits:0>11}");
                    *field = Some(id);
                }
            }
            row(state, fields)?;
        }
    }
    Ok(())
}

/// Which root column each wanted one is.
fn places<const N: usize>(
    path: &Path,
    schema: &SchemaRef,
    wanted: &[Column<'_>; N],
) -> Result<[Option<usize>; N], SourceError> {
    let place = || format!("`{}`", path.display());
    let mut places = [None; N];
    for (at, column) in places.iter_mut().zip(wanted) {
        let Some(name) = column.name else { continue };
        let Some((found, field)) = schema.column_with_name(name) else {
            let present = schema.fields().iter();
            return Err(SourceError::NoColumn {
                place: place(),
                column: name.to_owned(),
                present: present.map(|field| format!("`{}`", field.name())).collect(),
            });
        };
        if let Some(wanted) = unsuited(column.holds, field.data_type()) {
            return Err(SourceError::ColumnType {
                place: place(),
                column: name.to_owned(),
                found: field.data_type().to_string(),
                wanted,
            });
        }
        *at = Some(found);
    }
    Ok(places)
}

/// What would have done instead of `found`, if it does not do.
fn unsuited(holds: Holds, found: &DataType) -> Option<&'static str> {
    let found = match found {
        DataType::Dictionary(_, values) => values,
        other => other,
    };
    let is_text = matches!(
        found,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    let (suits, wanted) = match holds {
        Holds::Id => (is_text || found.is_integer(), "text or a whole number"),
        Holds::Time => {
            let is_date = matches!(
                found,
                DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)
            );
            (is_text || is_date, "a date, a timestamp or text")
        }
        Holds::Any => (!found.is_nested(), "a plain value"),
        Holds::Text => {
            let is_bool = matches!(found, DataType::Boolean);
            (
                is_text || is_bool || found.is_integer(),
                "text or a whole number",
            )
        }
    };
    (!suits).then_some(wanted)
}

type TextColumns<const N: usize> = [Option<(StringArray, bool)>; N];

/// The wanted columns as text, and whether it is an id that was a number.
fn as_text<const N: usize>(
    batch: &RecordBatch,
    wanted: &[Column<'_>; N],
) -> Result<TextColumns<N>, ArrowError> {
    let mut columns = std::array::from_fn(|_| None);
    for (text, column) in columns.iter_mut().zip(wanted) {
        let Some(array) = column.name.and_then(|name| batch.column_by_name(name)) else {
            continue;
        };
        let is_number = column.holds == Holds::Id && is_integer(array.data_type());
        let array = in_utc(array)?;
        let array = cast(&array, &DataType::Utf8)?;
        *text = Some((array.as_string::<i32>().clone(), is_number));
    }
    Ok(columns)
}

fn is_integer(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => values.is_integer(),
        other => other.is_integer(),
    }
}

/// A timestamp with a zone is a point in time whatever the zone is called, and is written with
/// the offset 0; without a zone it is local.
fn in_utc(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            cast(array, &utc)
        }
        DataType::Date64 => cast(array, &DataType::Date32),
        _ => Ok(ArrayRef::clone(array)),
    }
}
