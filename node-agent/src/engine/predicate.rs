//! What is asked of a row, and of the person whose row it is.
//!
//! A predicate is true or false, never unknown: about a missing value every leaf is false, and
//! its negation true. It sees rows of included persons only, since [`Rows`] holds no others.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::PersonSet;
use super::scan::{Rows, Values};
use super::words::{NO_CODE, Words};

/// A condition over the columns of one reading; columns are named by their places in it.
#[derive(Debug)]
pub(super) enum Predicate {
    /// All of them; of none, true.
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    Number {
        column: usize,
        bounds: Bounds,
    },
    Codes {
        column: usize,
        codes: CodeSet,
    },
    Days {
        column: usize,
        days: RangeInclusive<i32>,
    },
    /// The person has the events asked; a place in [`Others::asked`].
    Asked(usize),
}

/// What a number is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bounds {
    Equal(f64),
    Less(f64),
    LessOrEqual(f64),
    Greater(f64),
    GreaterOrEqual(f64),
}

impl Bounds {
    /// Whether `number` is within; a missing one is NaN, and is not.
    #[expect(clippy::float_cmp, reason = "only whole numbers are asked to be equal")]
    pub(super) fn hold(self, number: f64) -> bool {
        match self {
            Self::Equal(literal) => number == literal,
            Self::Less(literal) => number < literal,
            Self::LessOrEqual(literal) => number <= literal,
            Self::Greater(literal) => number > literal,
            Self::GreaterOrEqual(literal) => number >= literal,
        }
    }
}

/// Codes, and which of the codes met are among them.
#[derive(Debug)]
pub(super) struct CodeSet {
    codes: Vec<String>,
    with_descendants: bool,
    /// By the code's number; none where nobody's row has asked yet.
    known: Vec<Option<bool>>,
}

impl CodeSet {
    pub(super) const fn new(codes: Vec<String>, with_descendants: bool) -> Self {
        Self {
            codes,
            with_descendants,
            known: Vec::new(),
        }
    }

    /// The codes.
    pub(super) fn codes(&self) -> &[String] {
        &self.codes
    }

    /// Whether codes that begin with one of them are meant too.
    pub(super) const fn with_descendants(&self) -> bool {
        self.with_descendants
    }

    fn has(&mut self, number: u32, words: &Words) -> bool {
        if number == NO_CODE {
            return false;
        }
        let at = number as usize;
        if let Some(Some(known)) = self.known.get(at) {
            return *known;
        }
        let has = words.text_of(number).is_some_and(|text| {
            self.codes.iter().any(|code| {
                text == code || (self.with_descendants && text.starts_with(code.as_str()))
            })
        });
        if self.known.len() <= at {
            self.known.resize(at + 1, None);
        }
        if let Some(known) = self.known.get_mut(at) {
            *known = Some(has);
        }
        has
    }
}

/// What a predicate looks at beside the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others<'a> {
    pub(super) words: &'a Words,
    /// The persons of the span, counted from its first, who have the events asked.
    pub(super) asked: &'a [PersonSet],
}

impl Predicate {
    /// Whether it is true of each of `rows`.
    pub(super) fn test(&mut self, rows: &Rows, others: Others<'_>) -> Vec<bool> {
        match self {
            Self::All(inner) => {
                let mut all = vec![true; rows.persons().len()];
                for one in inner {
                    let each = one.test(rows, others);
                    all.iter_mut().zip(each).for_each(|(all, one)| *all &= one);
                }
                all
            }
            Self::Any(inner) => {
                let mut any = vec![false; rows.persons().len()];
                for one in inner {
                    let each = one.test(rows, others);
                    any.iter_mut().zip(each).for_each(|(any, one)| *any |= one);
                }
                any
            }
            Self::Not(inner) => {
                let each = inner.test(rows, others);
                each.into_iter().map(|one| !one).collect()
            }
            Self::Number { column, bounds } => {
                let numbers = rows.column(*column).map(Values::numbers);
                let numbers = numbers.unwrap_or_default().iter();
                numbers.map(|number| bounds.hold(*number)).collect()
            }
            Self::Codes { column, codes } => {
                let numbers = rows.column(*column).map(Values::codes);
                let numbers = numbers.unwrap_or_default().iter();
                numbers.map(|code| codes.has(*code, others.words)).collect()
            }
            Self::Days { column, days } => {
                let values = rows.column(*column).map(Values::days);
                let values = values.unwrap_or_default().iter();
                values.map(|day| days.contains(day)).collect()
            }
            Self::Asked(at) => {
                let has = others.asked.get(*at);
                let persons = rows.persons().iter();
                persons
                    .map(|person| has.is_some_and(|has| has.contains(*person)))
                    .collect()
            }
        }
    }

    /// Whether it is seen to be true of every row.
    pub(super) fn is_always_true(&self) -> bool {
        matches!(self, Self::All(inner) if inner.iter().all(Self::is_always_true))
    }

    /// The columns that it looks at.
    pub(super) fn columns(&self) -> BTreeSet<usize> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::columns).collect(),
            Self::Not(inner) => inner.columns(),
            Self::Number { column, .. }
            | Self::Codes { column, .. }
            | Self::Days { column, .. } => BTreeSet::from([*column]),
            Self::Asked(_) => BTreeSet::new(),
        }
    }

    /// The leaves that must all be true, and that speak of one column's values.
    pub(super) fn necessary(&self) -> Vec<Necessary<'_>> {
        match self {
            Self::All(inner) => inner.iter().flat_map(Self::necessary).collect(),
            Self::Number { column, bounds } => vec![Necessary::Number(*column, *bounds)],
            Self::Days { column, days } => vec![Necessary::Days(*column, days.clone())],
            Self::Codes { column, codes } => vec![Necessary::Codes(*column, codes)],
            Self::Any(_) | Self::Not(_) | Self::Asked(_) => Vec::new(),
        }
    }
}

/// A condition on one column that every row must meet.
#[derive(Debug, Clone)]
pub(super) enum Necessary<'a> {
    Number(usize, Bounds),
    Days(usize, RangeInclusive<i32>),
    Codes(usize, &'a CodeSet),
}
