//! Taking the included persons' values out of a decoded batch.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, UInt32Type};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

use super::super::month::NO_DAY;
use super::super::plan::{Kind, WHOLE_MAX};
use super::super::words::{NO_CODE, Words};
use super::Scan;
use super::chosen::{chosen, keep};
use super::columns::code_type;

/// The values of one column; each kind has one that means that the value is missing.
#[derive(Debug)]
pub(in super::super) enum Values {
    /// Numbers of words; missing is `NO_CODE`.
    Codes(Vec<u32>),
    /// Missing is NaN. No nought is negative.
    Numbers(Vec<f64>),
    /// Days since 1 January 1970; missing is `NO_DAY`.
    Days(Vec<i32>),
}

impl Values {
    pub(in super::super) fn codes(&self) -> &[u32] {
        match self {
            Self::Codes(codes) => codes,
            Self::Numbers(_) | Self::Days(_) => &[],
        }
    }

    pub(in super::super) fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Codes(_) | Self::Days(_) => &[],
        }
    }

    pub(in super::super) fn days(&self) -> &[i32] {
        match self {
            Self::Days(days) => days,
            Self::Codes(_) | Self::Numbers(_) => &[],
        }
    }
}

/// Rows of included persons that are still wanted.
#[derive(Debug)]
pub(in super::super) struct Rows {
    /// Where in its batch each row is.
    places: Vec<u32>,
    /// Whose each row is, counted from the first person of the span.
    persons: Vec<u32>,
    /// As in [`Reading::columns`]; none where the values have not been taken out yet.
    columns: Vec<Option<Values>>,
}

impl Rows {
    pub(in super::super) const fn is_empty(&self) -> bool {
        self.persons.is_empty()
    }

    /// Whose each row is, counted from the first person of the span.
    pub(in super::super) fn persons(&self) -> &[u32] {
        &self.persons
    }

    /// The values of a column that has been taken out.
    pub(in super::super) fn column(&self, at: usize) -> Option<&Values> {
        self.columns.get(at)?.as_ref()
    }

    /// Drops all rows.
    pub(in super::super) fn keep_none(&mut self) {
        self.places.clear();
        self.persons.clear();
        self.columns.clear();
    }

    /// Keeps the rows at the places `chosen`, which rise.
    pub(in super::super) fn keep(&mut self, chosen: &[u32]) {
        if chosen.len() == self.persons.len() {
            return;
        }
        keep(&mut self.places, chosen);
        keep(&mut self.persons, chosen);
        for column in self.columns.iter_mut().flatten() {
            match column {
                Values::Codes(codes) => keep(codes, chosen),
                Values::Numbers(numbers) => keep(numbers, chosen),
                Values::Days(days) => keep(days, chosen),
            }
        }
    }
}

/// Takes rows out of the batches of one file.
pub(super) struct Gatherer<'a> {
    scan: Scan<'a>,
    /// For each column of codes, what is known of the dictionary read last.
    dictionaries: Vec<Dictionary>,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(scan: Scan<'a>) -> Self {
        let columns = scan.reading.columns.len();
        Self {
            scan,
            dictionaries: (0..columns).map(|_| Dictionary::default()).collect(),
        }
    }

    /// The rows of `batch` that belong to included persons of the span, and that in a view of
    /// events have a date that it covers; of their columns, only that of the date.
    pub(super) fn included(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let reading = self.scan.reading;
        let (places, persons) = self.persons(batch)?;
        let mut rows = Rows {
            places,
            persons,
            columns: reading.columns.iter().map(|_| None).collect(),
        };
        if let Some((at, covered)) = &reading.covered {
            let name = reading.columns.get(*at).map_or("", |column| column.name);
            let days = days(column(batch, name)?, &rows.places)?;
            // Mostly all are, which is seen without a branch for each.
            let is_covered = days.iter().map(|day| covered.contains(day));
            let left = if is_covered.clone().fold(true, |all, one| all & one) {
                None
            } else {
                Some(chosen(is_covered))
            };
            if let Some(column) = rows.columns.get_mut(*at) {
                *column = Some(Values::Days(days));
            }
            if let Some(left) = left {
                rows.keep(&left);
            }
        }
        Ok(rows)
    }

    /// Takes out the values of those of the columns that are `wanted` and not there yet.
    pub(super) fn take(
        &mut self,
        batch: &RecordBatch,
        rows: &mut Rows,
        wanted: impl Fn(usize) -> bool,
        words: &mut Words,
    ) -> Result<(), ArrowError> {
        let columns = self.scan.reading.columns.iter().zip(&mut self.dictionaries);
        let columns = columns.zip(&mut rows.columns).enumerate();
        for (at, ((described, dictionary), values)) in columns {
            if values.is_some() || !wanted(at) {
                continue;
            }
            let array = column(batch, described.name)?;
            *values = Some(match described.kind {
                Kind::Code => Values::Codes(dictionary.codes(array, &rows.places, words)?),
                Kind::Number { is_whole } => {
                    Values::Numbers(numbers(array, &rows.places, is_whole)?)
                }
                Kind::Date => Values::Days(days(array, &rows.places)?),
            });
        }
        Ok(())
    }

    /// Where the included persons' rows are, and who they are, counted from the span's first.
    fn persons(&self, batch: &RecordBatch) -> Result<(Vec<u32>, Vec<u32>), ArrowError> {
        let array = column(batch, &self.scan.reading.stored.person_column)?;
        // A number that no person can have becomes a missing one.
        let array = cast(array, &DataType::UInt32)?;
        let array = array.as_primitive::<UInt32Type>();
        let (included, span) = (self.scan.included.persons(), self.scan.span);
        let is_theirs = |person: &u32| span.contains(person) && included.contains(*person);
        let all = array.values();
        let places = if array.null_count() == 0 {
            chosen(all.iter().map(is_theirs))
        } else {
            chosen(
                array
                    .iter()
                    .map(|person| person.as_ref().is_some_and(is_theirs)),
            )
        };
        let persons = places.iter().filter_map(|at| all.get(*at as usize));
        let persons = persons.map(|person| person - span.start).collect();
        Ok((places, persons))
    }
}

/// A dictionary of a column, and the numbers of the words that included persons' rows have.
#[derive(Default)]
struct Dictionary {
    /// The texts; kept, so that the next batch's can be known to be the same ones.
    values: Option<ArrayRef>,
    /// By place in the dictionary; [`UNMET`] where no included person's row had it yet.
    numbers: Vec<u32>,
}

/// No word's number: a word that has not been met. Memory ends long before the numbers get there.
const UNMET: u32 = NO_CODE - 1;

impl Dictionary {
    fn codes(
        &mut self,
        array: &ArrayRef,
        places: &[u32],
        words: &mut Words,
    ) -> Result<Vec<u32>, ArrowError> {
        let array = cast(array, &code_type())?;
        let array = array.as_dictionary::<Int32Type>();
        let is_same = |values: &ArrayRef| Arc::ptr_eq(values, array.values());
        if !self.values.as_ref().is_some_and(is_same) {
            self.values = Some(Arc::clone(array.values()));
            self.numbers.clear();
            self.numbers.resize(array.values().len(), UNMET);
        }
        let texts = array.values().as_string::<i32>();
        let keys = array.keys();
        let has_missing = keys.null_count() > 0;
        let codes = places.iter().map(|at| {
            let at = *at as usize;
            if has_missing && !keys.is_valid(at) {
                return NO_CODE;
            }
            // A key below nought is the place of no word.
            let key = keys
                .values()
                .get(at)
                .map(|key| key.cast_unsigned() as usize);
            let number = key.and_then(|key| Some((key, self.numbers.get_mut(key)?)));
            match number {
                Some((key, number)) => {
                    if *number == UNMET {
                        *number = number_of(texts, key, words);
                    }
                    *number
                }
                None => NO_CODE,
            }
        });
        Ok(codes.collect())
    }
}

fn number_of(texts: &StringArray, key: usize, words: &mut Words) -> u32 {
    if texts.is_valid(key) {
        words.number_of(texts.value(key))
    } else {
        NO_CODE
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    let column = batch.column_by_name(name);
    column.ok_or_else(|| ArrowError::SchemaError("a column is not there".to_owned()))
}

/// A whole number that an `f64` cannot tell from its neighbour is taken for missing.
fn numbers(array: &ArrayRef, places: &[u32], is_whole: bool) -> Result<Vec<f64>, ArrowError> {
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    let max = if is_whole {
        WHOLE_MAX as f64
    } else {
        f64::INFINITY
    };
    let array = cast(array, &DataType::Float64)?;
    let array: &PrimitiveArray<Float64Type> = array.as_primitive();
    let has_missing = array.null_count() > 0;
    let numbers = places.iter().map(|at| {
        let at = *at as usize;
        let number = match array.values().get(at) {
            Some(number) if !has_missing || array.is_valid(at) => *number,
            _ => f64::NAN,
        };
        // Negative nought and nought are one number.
        if number.abs() < max {
            number + 0.0
        } else {
            f64::NAN
        }
    });
    Ok(numbers.collect())
}

fn days(array: &ArrayRef, places: &[u32]) -> Result<Vec<i32>, ArrowError> {
    let array = cast(array, &DataType::Date32)?;
    let array: &PrimitiveArray<Date32Type> = array.as_primitive();
    let has_missing = array.null_count() > 0;
    let days = places.iter().map(|at| {
        let at = *at as usize;
        match array.values().get(at) {
            Some(day) if !has_missing || array.is_valid(at) => *day,
            _ => NO_DAY,
        }
    });
    Ok(days.collect())
}
