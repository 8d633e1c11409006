//! Which row groups of a file may hold rows that count.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type};
use arrow_array::{Array as _, ArrayRef};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::super::plan::{Kind, Reading};
use super::super::predicate::{Bounds, Necessary, Predicate};

/// The row groups that are read. One is left out only where a condition that all rows must meet
/// is met by no value between the least and the greatest that the file says are there; a missing
/// value meets none. Only dates and whole numbers are looked at, whose bounds are never shortened.
pub(super) fn left(
    reading: &Reading<'_>,
    filter: &Predicate,
    file: &ArrowReaderMetadata,
) -> Vec<usize> {
    let mut left: Vec<_> = (0..file.metadata().num_row_groups()).collect();
    let covered = reading.covered.iter();
    let covered = covered.map(|(column, days)| Necessary::Days(*column, days.clone()));
    for condition in filter.necessary().into_iter().chain(covered) {
        match condition {
            Necessary::Days(column, days) => {
                let Some((least, most)) = bounds(reading, column, file, &DataType::Date32) else {
                    continue;
                };
                let (least, most) = (
                    least.as_primitive::<Date32Type>(),
                    most.as_primitive::<Date32Type>(),
                );
                left.retain(|at| {
                    let is_known = least.is_valid(*at) && most.is_valid(*at);
                    !is_known
                        || (least.value(*at) <= *days.end() && most.value(*at) >= *days.start())
                });
            }
            Necessary::Number(column, asked) => {
                let kind = reading.columns.get(column).map(|column| column.kind);
                if kind != Some(Kind::Number { is_whole: true }) {
                    continue;
                }
                let Some((least, most)) = bounds(reading, column, file, &DataType::Float64) else {
                    continue;
                };
                let (least, most) = (
                    least.as_primitive::<Float64Type>(),
                    most.as_primitive::<Float64Type>(),
                );
                left.retain(|at| {
                    let is_known = least.is_valid(*at) && most.is_valid(*at);
                    !is_known || asked.may_hold(least.value(*at), most.value(*at))
                });
            }
        }
    }
    left
}

impl Bounds {
    /// Whether a number from `least` to `most` may be within.
    fn may_hold(self, least: f64, most: f64) -> bool {
        match self {
            Self::Equal(literal) => least <= literal && literal <= most,
            Self::Less(_) | Self::LessOrEqual(_) => self.hold(least),
            Self::Greater(_) | Self::GreaterOrEqual(_) => self.hold(most),
        }
    }
}

/// The least and the greatest value in each row group; none if the file does not say.
fn bounds(
    reading: &Reading<'_>,
    column: usize,
    file: &ArrowReaderMetadata,
    wanted: &DataType,
) -> Option<(ArrayRef, ArrayRef)> {
    let column = reading.columns.get(column)?;
    let converter =
        StatisticsConverter::try_new(column.name, file.schema(), file.parquet_schema()).ok()?;
    let row_groups = file.metadata().row_groups();
    let least = converter.row_group_mins(row_groups).ok()?;
    let most = converter.row_group_maxes(row_groups).ok()?;
    Some((cast(&least, wanted).ok()?, cast(&most, wanted).ok()?))
}
