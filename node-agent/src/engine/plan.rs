//! From a query to what is read, what is tested and where each value goes.
//!
//! The wire type is read field by field; what is absent, unknown or at odds with the published
//! view is an error, so that nothing asked is ever left out silently.

use std::ops::RangeInclusive;

use innsyn_proto::wire::research::v1 as wire;
use wire::{Grain, Period, Pick, Query};

use super::error::PlanError;
use super::moments::Scale;
use super::month::days_of;
use super::predicate::Predicate;
use super::snapshot::Snapshot;

mod condition;
mod reading;
mod shape;

pub(super) use reading::{Column, Kind, Reading};

use condition::{Compiler, Of};

/// Whole numbers of smaller magnitude are told apart by an `f64`.
pub(super) const WHOLE_MAX: i64 = 1 << 53;
/// Elements of one list of dimensions, measures, bands or codes.
const LIST_MAX: usize = 10_000;

/// All that a run needs to know.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// The view that is counted.
    pub(super) counted: Reading<'a>,
    pub(super) rows: Rows,
    /// Where the rows have periods.
    pub(super) periods: Option<Periods>,
    /// The columns whose value a person's row has, in the order of the catalogue, and of which
    /// cells are made.
    pub(super) kept: Vec<usize>,
    /// The columns whose values are added up, event by event.
    pub(super) added: Vec<Added>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) measures: Vec<Measure>,
}

/// Which rows count. Apart from the plan, because testing remembers which codes are meant.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    /// Of a row of the counted view, and its person.
    pub(super) filter: Predicate,
    /// Other events asked of the person; [`Predicate::Asked`] holds a place here.
    pub(super) asked: Vec<Asked<'a>>,
}

/// At least so many events of a view.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) filter: Predicate,
    pub(super) at_least: u32,
}

/// What a person's row, or a person's row in a period, is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// All of the events.
    Together,
    /// The first by date, or the only one.
    First,
    Last,
}

/// The periods that the view covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    /// Months in each.
    pub(super) months: i32,
    /// The first month of the first.
    pub(super) first: i32,
    pub(super) count: usize,
}

/// A column whose values are added up, event by event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added {
    pub(super) column: usize,
    pub(super) scale: Scale,
    pub(super) with_squares: bool,
}

/// A dimension; `kept` is a place in [`Plan::kept`].
#[derive(Debug, Clone)]
pub(super) enum Dimension {
    /// Cut to so many characters; none is the whole code.
    Code {
        kept: usize,
        characters: Option<usize>,
    },
    Bands {
        kept: usize,
        begins: Vec<f64>,
    },
    Own,
    Date {
        kept: usize,
        months: i32,
    },
}

/// A measure; `kept` is a place in [`Plan::kept`].
#[derive(Debug, Clone)]
pub(super) enum Measure {
    Counted,
    /// Of the row's own value.
    Value {
        kept: usize,
        scale: Scale,
        with_squares: bool,
    },
    /// Of the values of the row's events; a place in [`Plan::added`].
    Values {
        added: usize,
        scale: Scale,
        with_squares: bool,
    },
    Histogram {
        kept: usize,
        from: f64,
        width: f64,
        bins: usize,
    },
    LifeTable(LifeTable),
    /// Of the months for which the row's person is followed.
    PersonTime {
        follow: Follow,
        scale: Scale,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LifeTable {
    pub(super) follow: Follow,
    /// Months in a step.
    pub(super) months: i32,
    pub(super) steps: usize,
}

/// From when to when a person is followed; places in [`Plan::kept`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Follow {
    pub(super) entry: usize,
    pub(super) event: usize,
    pub(super) exit: usize,
    /// The last month that the view covers.
    pub(super) last_month: i32,
}

impl<'a> Plan<'a> {
    /// How to run `query` over `snapshot`.
    pub(super) fn of(
        query: &Query,
        snapshot: &'a Snapshot,
    ) -> Result<(Self, Conditions<'a>), PlanError> {
        let mut counted = Reading::of(snapshot, &query.view)?;
        let register = &counted.view.register_id;
        if !query.registers.is_empty() && !query.registers.contains(register) {
            return Err(PlanError::NotAsked);
        }
        let rows = rows(query, &counted)?;
        let periods = periods(query, &counted)?;

        let mut compiler = Compiler::new(snapshot);
        let mut filters = Vec::new();
        if let Some(population) = &query.population {
            filters.push(compiler.compile(population, &mut counted, Of::Person)?);
        }
        if let Some(each) = query.rows.as_ref().and_then(|rows| rows.r#where.as_ref()) {
            filters.push(compiler.compile(each, &mut counted, Of::Event)?);
        }
        let shape = shape::Shape::of(query, &mut counted, rows, periods)?;
        let plan = Self {
            counted,
            rows,
            periods,
            kept: shape.kept,
            added: shape.added,
            dimensions: shape.dimensions,
            measures: shape.measures,
        };
        let conditions = Conditions {
            filter: Predicate::All(filters),
            asked: compiler.asked,
        };
        Ok((plan, conditions))
    }
}

/// What makes a person's row.
fn rows(query: &Query, counted: &Reading<'_>) -> Result<Rows, PlanError> {
    match (&query.rows, counted.grain) {
        (None, Grain::Event) => Ok(Rows::Together),
        // A person has one row there; of two, which are wrong, the lesser counts.
        (None, _) => Ok(Rows::First),
        (Some(_), Grain::Person) => Err(PlanError::NeedsEvents),
        (Some(rows), _) => match Pick::try_from(rows.pick) {
            Ok(Pick::All) => Ok(Rows::Together),
            Ok(Pick::First) => Ok(Rows::First),
            Ok(Pick::Last) => Ok(Rows::Last),
            Ok(Pick::Unspecified) | Err(_) => Err(PlanError::NotChosen),
        },
    }
}

fn periods(query: &Query, counted: &Reading<'_>) -> Result<Option<Periods>, PlanError> {
    if query.period == Period::Unspecified as i32 {
        return Ok(None);
    }
    let months = months_in(query.period)?;
    if counted.grain != Grain::Event {
        return Err(PlanError::NeedsEvents);
    }
    let is_own = |dimension: &wire::Dimension| {
        matches!(
            dimension.dimension,
            Some(wire::dimension::Dimension::Period(_))
        )
    };
    if !query.dimensions.iter().any(is_own) {
        return Err(PlanError::PeriodNotDimension);
    }
    let first = super::month::period_of(counted.view.from_month, months);
    let last = counted.last_month();
    let count = (i64::from(last) - i64::from(first)) / i64::from(months) + 1;
    let count = usize::try_from(count).map_err(|_| PlanError::BadView)?;
    Ok(Some(Periods {
        months,
        first,
        count,
    }))
}

/// The months in a period.
fn months_in(period: i32) -> Result<i32, PlanError> {
    match Period::try_from(period) {
        Ok(Period::Year) => Ok(12),
        Ok(Period::Quarter) => Ok(3),
        Ok(Period::Month) => Ok(1),
        Ok(Period::Unspecified) | Err(_) => Err(PlanError::NotChosen),
    }
}

/// A whole number of the query as the numbers of the data are.
fn whole(number: i64) -> Result<f64, PlanError> {
    if number.unsigned_abs() >= WHOLE_MAX.unsigned_abs() {
        return Err(PlanError::Literal);
    }
    #[expect(clippy::cast_precision_loss, reason = "smaller than 2⁵³")]
    let number = number as f64;
    Ok(number)
}

/// The days of a window that has a month.
fn window(from: Option<i32>, until: Option<i32>) -> Result<RangeInclusive<i32>, PlanError> {
    match (from, until) {
        (None, None) => Err(PlanError::NoMonths),
        (Some(from), Some(until)) if from >= until => Err(PlanError::NoMonths),
        _ => Ok(days_of(from, until)),
    }
}
