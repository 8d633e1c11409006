//! The values that persons' rows have, column by column.

use std::cmp::Ordering;

use super::month::{NO_DAY, NO_MONTH, month_of};
use super::plan::{Kind, Plan};
use super::scan::Values;
use super::words::{NO_CODE, Words};

/// One column of values; dates are months, as fine as they are ever used.
#[derive(Debug)]
pub(super) enum Kept {
    Codes(Vec<u32>),
    Numbers(Vec<f64>),
    Months(Vec<i32>),
}

impl Kept {
    /// `places` missing values of column `column` of the counted view.
    pub(super) fn new(plan: &Plan<'_>, column: usize, places: usize) -> Self {
        match plan.counted.columns.get(column).map(|column| column.kind) {
            Some(Kind::Number { .. }) => Self::Numbers(vec![f64::NAN; places]),
            Some(Kind::Date) => Self::Months(vec![NO_MONTH; places]),
            Some(Kind::Code) | None => Self::Codes(vec![NO_CODE; places]),
        }
    }

    /// What a value of column `column` takes, in bytes.
    pub(super) fn value_bytes(plan: &Plan<'_>, column: usize) -> usize {
        match plan.counted.columns.get(column).map(|column| column.kind) {
            Some(Kind::Number { .. }) => size_of::<f64>(),
            Some(Kind::Date | Kind::Code) | None => size_of::<u32>(),
        }
    }

    /// The code at `place`.
    pub(super) fn code(&self, place: usize) -> u32 {
        match self {
            Self::Codes(kept) => kept.get(place).copied().unwrap_or(NO_CODE),
            Self::Numbers(_) | Self::Months(_) => NO_CODE,
        }
    }

    /// The number at `place`.
    pub(super) fn number(&self, place: usize) -> f64 {
        match self {
            Self::Numbers(kept) => kept.get(place).copied().unwrap_or(f64::NAN),
            Self::Codes(_) | Self::Months(_) => f64::NAN,
        }
    }

    /// The month at `place`.
    pub(super) fn month(&self, place: usize) -> i32 {
        match self {
            Self::Months(kept) => kept.get(place).copied().unwrap_or(NO_MONTH),
            Self::Codes(_) | Self::Numbers(_) => NO_MONTH,
        }
    }

    /// Puts value `at` of `values` to `place`.
    pub(super) fn put(&mut self, place: usize, values: &Values, at: usize) {
        match (self, values) {
            (Self::Codes(kept), Values::Codes(values)) => put(kept, place, values.get(at).copied()),
            (Self::Numbers(kept), Values::Numbers(values)) => {
                put(kept, place, values.get(at).copied());
            }
            (Self::Months(kept), Values::Days(values)) => {
                put(kept, place, values.get(at).copied().map(month_of));
            }
            _ => {}
        }
    }

    /// How value `at` of `values` compares with the one at `place`; a missing one is the least,
    /// and codes compare as text.
    pub(super) fn compare(
        &self,
        place: usize,
        values: &Values,
        at: usize,
        words: &Words,
    ) -> Ordering {
        match values {
            Values::Codes(values) => {
                let (new, old) = (values.get(at).copied().unwrap_or(NO_CODE), self.code(place));
                if new == old {
                    return Ordering::Equal;
                }
                words.text_of(new).cmp(&words.text_of(old))
            }
            Values::Numbers(values) => {
                let number = |number: f64| (!number.is_nan()).then_some(number);
                let new = values.get(at).copied().and_then(number);
                let old = number(self.number(place));
                new.partial_cmp(&old).unwrap_or(Ordering::Equal)
            }
            Values::Days(values) => {
                let new = values.get(at).copied().map_or(NO_MONTH, month_of);
                new.cmp(&self.month(place))
            }
        }
    }

    /// Keeps for each of `persons` the lesser of the row's value and the one kept; one that is
    /// missing gives way to any.
    pub(super) fn keep_least(&mut self, persons: &[u32], values: &Values, words: &Words) {
        if let (Self::Codes(kept), Values::Codes(codes)) = (&mut *self, values) {
            return keep_least_codes(kept, persons, codes, words);
        }
        for (at, person) in persons.iter().enumerate() {
            let place = *person as usize;
            if !self.is_as(place, values, at)
                && (self.is_missing(place) || self.compare(place, values, at, words).is_lt())
            {
                self.put(place, values, at);
            }
        }
    }

    /// Whether value `at` of `values` is missing, or seen at once to be the one at `place`: mostly
    /// so, of what is the same in each of a person's rows.
    fn is_as(&self, place: usize, values: &Values, at: usize) -> bool {
        match values {
            Values::Codes(values) => {
                let code = values.get(at).copied().unwrap_or(NO_CODE);
                code == NO_CODE || code == self.code(place)
            }
            Values::Numbers(values) => {
                let number = values.get(at).copied().unwrap_or(f64::NAN);
                number.is_nan() || number.to_bits() == self.number(place).to_bits()
            }
            Values::Days(values) => values.get(at).is_none_or(|day| *day == NO_DAY),
        }
    }

    fn is_missing(&self, place: usize) -> bool {
        match self {
            Self::Codes(_) => self.code(place) == NO_CODE,
            Self::Numbers(_) => self.number(place).is_nan(),
            Self::Months(_) => self.month(place) == NO_MONTH,
        }
    }
}

/// The same of codes, of which there are most; nearly always the code is the one kept.
fn keep_least_codes(kept: &mut [u32], persons: &[u32], codes: &[u32], words: &Words) {
    for (code, person) in codes.iter().zip(persons) {
        let Some(kept) = kept.get_mut(*person as usize) else {
            continue;
        };
        let is_less = || *kept == NO_CODE || words.text_of(*code) < words.text_of(*kept);
        if *code != *kept && *code != NO_CODE && is_less() {
            *kept = *code;
        }
    }
}

fn put<T>(kept: &mut [T], place: usize, value: Option<T>) {
    if let (Some(kept), Some(value)) = (kept.get_mut(place), value) {
        *kept = value;
    }
}
