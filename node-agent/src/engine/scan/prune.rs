//! Which row groups of a file, and which rows of them, may count.
//!
//! A row group or a page is left out only where a condition that all rows must meet is met by no
//! value between the least and the greatest that the file says are there; a missing value meets
//! none. Dates, whole numbers and codes are looked at, the person column never. Bounds of codes
//! may have been shortened and are bounds all the same: a shortened least is less than what it
//! was, and whoever shortens a greatest makes it greater. What a file does not say is read.

use std::ops::Range;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, Date32Array, Float64Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection, RowSelector};
use parquet::basic::{ColumnOrder, SortOrder};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::super::plan::{Kind, Reading};
use super::super::predicate::{Bounds, CodeSet, Necessary, Predicate};

/// What is read of a row group.
#[derive(Debug, PartialEq)]
pub(super) struct Left {
    pub(super) row_group: usize,
    /// Which of its rows; none is all of them.
    pub(super) rows: Option<RowSelection>,
}

/// What is left of a file of `reading` when nothing is read of which `filter` cannot be true.
pub(super) fn left(
    reading: &Reading<'_>,
    filter: &Predicate,
    file: &ArrowReaderMetadata,
) -> Vec<Left> {
    let covered = reading.covered.iter();
    let covered = covered.map(|(column, days)| Necessary::Days(*column, days.clone()));
    let conditions = filter.necessary().into_iter().chain(covered);
    let conditions: Vec<_> = conditions
        .filter_map(|condition| Bounded::of(condition, reading, file))
        .collect();

    let mut row_groups: Vec<_> = (0..file.metadata().num_row_groups()).collect();
    for condition in &conditions {
        if let Ok(may_hold) = condition.of_row_groups() {
            row_groups.retain(|at| may_hold.get(*at).is_none_or(|may_hold| *may_hold));
        }
    }
    let left = row_groups.into_iter().filter_map(|row_group| {
        let rows = rows_left(&conditions, row_group, file.metadata());
        let is_skipped = rows.iter().any(|selector| selector.skip);
        rows.selects_any().then(|| Left {
            row_group,
            rows: is_skipped.then_some(rows),
        })
    });
    left.collect()
}

/// The rows of row group `at` that are in pages that may hold what is wanted by all `conditions`.
fn rows_left(conditions: &[Bounded<'_>], at: usize, file: &ParquetMetaData) -> RowSelection {
    let rows = file.row_groups().get(at).map(RowGroupMetaData::num_rows);
    let rows = rows.and_then(|rows| usize::try_from(rows).ok());
    let rows = rows.unwrap_or_default();
    let everything = RowSelection::from(vec![RowSelector::select(rows)]);
    let selections = conditions.iter().filter_map(|condition| {
        let pages = condition.pages_of(at, rows)?;
        Some(RowSelection::from_consecutive_ranges(
            pages.into_iter(),
            rows,
        ))
    });
    selections.fold(everything, |left, one| left.intersection(&one))
}

/// A condition, and where the file says between which values its column's are.
struct Bounded<'a> {
    condition: Necessary<'a>,
    column: usize,
    bounds: StatisticsConverter<'a>,
    file: &'a ParquetMetaData,
}

impl<'a> Bounded<'a> {
    /// `None` where bounds cannot tell.
    fn of(
        condition: Necessary<'a>,
        reading: &Reading<'_>,
        file: &'a ArrowReaderMetadata,
    ) -> Option<Self> {
        let asked = reading.columns.get(condition.column())?;
        let suits = match condition {
            Necessary::Days(..) => asked.kind == Kind::Date,
            Necessary::Number(..) => asked.kind == Kind::Number { is_whole: true },
            Necessary::Codes(..) => asked.kind == Kind::Code,
        };
        // INVARIANT: nothing is taken from the bounds of persons.
        if !suits || asked.name == reading.stored.person_column {
            return None;
        }
        let (schema, stored) = (file.schema(), file.parquet_schema());
        let bounds = StatisticsConverter::try_new(asked.name, schema, stored).ok()?;
        let bounded = Self {
            column: bounds.parquet_column_index()?,
            bounds,
            condition,
            file: file.metadata(),
        };
        Some(bounded).filter(Self::has_order)
    }

    /// Whether bounds are in the order in which values are compared. Those of texts once were not.
    fn has_order(&self) -> bool {
        if !matches!(self.condition, Necessary::Codes(..)) {
            return true;
        }
        let is_old = |group: &RowGroupMetaData| {
            let bounds = group.columns().get(self.column);
            let bounds = bounds.and_then(|column| column.statistics());
            bounds.is_some_and(|bounds| {
                bounds.min_bytes_opt().is_some() && bounds.is_min_max_deprecated()
            })
        };
        let order = self.file.file_metadata().column_order(self.column);
        order == ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED)
            && !self.file.row_groups().iter().any(is_old)
    }

    /// Of each row group, whether it may hold what is wanted.
    fn of_row_groups(&self) -> Result<Vec<bool>, ArrowError> {
        let row_groups = self.file.row_groups();
        let least = self.bounds.row_group_mins(row_groups)?;
        let most = self.bounds.row_group_maxes(row_groups)?;
        self.condition.may_hold(&least, &most)
    }

    /// The pages of row group `at`, which has so many `rows`, that may hold what is wanted; `None`
    /// where the file does not say what is in its pages.
    fn pages_of(&self, at: usize, rows: usize) -> Option<Vec<Range<usize>>> {
        let index = self.file.page_index()?.as_ref();
        let values = index.column_index(at, self.column)?;
        let begins = index.offset_index(at, self.column)?.page_locations();
        let begins = begins.iter().map(|page| page.first_row_index);
        let begins: Option<Vec<_>> = begins.map(|row| usize::try_from(row).ok()).collect();
        let begins = begins?;
        let least = self.bounds.data_page_mins(index, [&at]).ok()?;
        let most = self.bounds.data_page_maxes(index, [&at]).ok()?;
        let may_hold = self.condition.may_hold(&least, &most).ok()?;
        let ends = begins.iter().copied().skip(1).chain([rows]);
        let pages: Vec<_> = begins.iter().copied().zip(ends).collect();
        let is_sound = may_hold.len() == pages.len()
            && values.num_pages() == pages.len() as u64
            && begins.first() == Some(&0)
            && pages.iter().all(|(begin, end)| begin <= end);
        let pages = pages.into_iter().zip(may_hold).enumerate();
        let wanted = pages.filter(|(at, (_, may_hold))| *may_hold && !values.is_null_page(*at));
        is_sound.then(|| wanted.map(|(_, ((begin, end), _))| begin..end).collect())
    }
}

impl Necessary<'_> {
    const fn column(&self) -> usize {
        match self {
            Self::Number(column, _) | Self::Days(column, _) | Self::Codes(column, _) => *column,
        }
    }

    /// Whether a value between each `least` and its `most` may meet the condition; yes, where one
    /// of them is not known.
    fn may_hold(&self, least: &ArrayRef, most: &ArrayRef) -> Result<Vec<bool>, ArrowError> {
        let both = |wanted| Ok::<_, ArrowError>((cast(least, &wanted)?, cast(most, &wanted)?));
        Ok(match self {
            Self::Days(_, days) => {
                let (least, most) = both(DataType::Date32)?;
                let (least, most): (&Date32Array, &Date32Array) =
                    (least.as_primitive(), most.as_primitive());
                unless_none(least, most, |least, most| {
                    least <= *days.end() && most >= *days.start()
                })
            }
            Self::Number(_, asked) => {
                let (least, most) = both(DataType::Float64)?;
                let (least, most): (&Float64Array, &Float64Array) =
                    (least.as_primitive(), most.as_primitive());
                unless_none(least, most, |least, most| asked.may_hold(least, most))
            }
            Self::Codes(_, codes) => {
                let (least, most) = both(DataType::Utf8)?;
                let (least, most) = (least.as_string::<i32>(), most.as_string::<i32>());
                unless_none(least, most, |least, most| codes.may_hold(least, most))
            }
        })
    }
}

/// Whether each two `may_hold`; yes, where one is missing.
fn unless_none<T>(
    least: impl IntoIterator<Item = Option<T>>,
    most: impl IntoIterator<Item = Option<T>>,
    may_hold: impl Fn(T, T) -> bool,
) -> Vec<bool> {
    let bounds = least.into_iter().zip(most);
    let bounds = bounds.map(|(least, most)| least.zip(most));
    let each = bounds.map(|bounds| bounds.is_none_or(|(least, most)| may_hold(least, most)));
    each.collect()
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

impl CodeSet {
    /// Whether a code from `least` to `most` may be among them. Those that begin with a code are
    /// the code itself and what comes next after it in the order of codes.
    fn may_hold(&self, least: &str, most: &str) -> bool {
        self.codes().iter().any(|code| {
            let begins = code.as_str() <= most;
            begins
                && (code.as_str() >= least
                    || (self.with_descendants() && least.starts_with(code.as_str())))
        })
    }
}
