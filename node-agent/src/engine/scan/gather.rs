//! Taking the included persons' values out of a decoded batch.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, UInt32Type};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

use super::super::month::NO_DAY;
use super::super::plan::{Kind, WHOLE_MAX};
use super::super::words::{NO_CODE, Words};
use super::columns::code_type;
use super::{Rows, Scan};

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
    /// events have a date that it covers.
    pub(super) fn rows(
        &mut self,
        batch: &RecordBatch,
        words: &mut Words,
    ) -> Result<Rows, ArrowError> {
        let reading = self.scan.reading;
        let (mut places, mut persons) = self.included(batch)?;
        let mut covered_days = None;
        if let Some((at, covered)) = &reading.covered {
            let name = reading.columns.get(*at).map_or("", |column| column.name);
            let mut days = days(column(batch, name)?, &places)?;
            keep_covered(covered, &mut days, &mut places, &mut persons);
            covered_days = Some((*at, days));
        }
        let mut columns = Vec::with_capacity(reading.columns.len());
        let wanted = reading.columns.iter().zip(&mut self.dictionaries);
        for (at, (wanted, dictionary)) in wanted.enumerate() {
            if let Some((_, days)) = covered_days.take_if(|(date, _)| *date == at) {
                columns.push(Values::Days(days));
                continue;
            }
            let array = column(batch, wanted.name)?;
            columns.push(match wanted.kind {
                Kind::Code => Values::Codes(dictionary.codes(array, &places, words)?),
                Kind::Number { is_whole } => Values::Numbers(numbers(array, &places, is_whole)?),
                Kind::Date => Values::Days(days(array, &places)?),
            });
        }
        Ok(Rows { persons, columns })
    }

    /// Where the included persons' rows are, and who they are, counted from the span's first.
    fn included(&self, batch: &RecordBatch) -> Result<(Vec<u32>, Vec<u32>), ArrowError> {
        let array = column(batch, &self.scan.reading.stored.person_column)?;
        // A number that no person can have becomes a missing one.
        let array = cast(array, &DataType::UInt32)?;
        let array = array.as_primitive::<UInt32Type>();
        let (included, span) = (self.scan.included.persons(), self.scan.span);
        let mut places = Vec::with_capacity(array.len());
        let mut persons = Vec::with_capacity(array.len());
        let is_theirs = |person: &u32| span.contains(person) && included.contains(*person);
        if array.null_count() == 0 {
            for (at, person) in (0..).zip(array.values()) {
                if is_theirs(person) {
                    places.push(at);
                    persons.push(*person - span.start);
                }
            }
        } else {
            for (at, person) in (0..).zip(array) {
                if let Some(person) = person.filter(is_theirs) {
                    places.push(at);
                    persons.push(person - span.start);
                }
            }
        }
        Ok((places, persons))
    }
}

/// Keeps of all three lists what stands where the day is covered.
fn keep_covered(
    covered: &RangeInclusive<i32>,
    days: &mut Vec<i32>,
    places: &mut Vec<u32>,
    persons: &mut Vec<u32>,
) {
    if days.iter().all(|day| covered.contains(day)) {
        return;
    }
    retain(places, |at| {
        days.get(at).is_some_and(|day| covered.contains(day))
    });
    retain(persons, |at| {
        days.get(at).is_some_and(|day| covered.contains(day))
    });
    days.retain(|day| covered.contains(day));
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
            let key = keys
                .values()
                .get(at)
                .and_then(|key| usize::try_from(*key).ok());
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

/// Keeps the elements at the places where `is_kept`.
fn retain<T>(list: &mut Vec<T>, is_kept: impl Fn(usize) -> bool) {
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        is_kept(at - 1)
    });
}
