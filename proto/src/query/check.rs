//! Whether a query can be asked: names, types, grain, rows, and the size of the table.

use std::collections::BTreeMap;

use super::error::{At as _, QueryError, QueryFault, at_most, unrepeated};
use super::expression::{Subject, code_variable, is_date, number_variable, variable, wrong_type};
use super::published::Published;
use super::{CELLS_MAX, CheckedQuery, DIMENSIONS_MAX, MEASURES_MAX, normal};
use crate::wire::research::v1::{
    Bands, CodeLevel, DatePeriod, Dimension, Grain, Histogram, LifeTable, Measure, Number, Period,
    PersonTime, Pick, Query, Rows, Variable, View, dimension::Dimension as Divided,
    measure::Measure as Told,
};

/// What is known of the catalogue while a query is checked.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    published: Published<'a>,
    /// The views used so far.
    views: BTreeMap<String, View>,
}

/// What the rows of the table to be are made of.
struct RowsOf<'a> {
    view: &'a View,
    pick: Pick,
    period: Period,
}

impl<'a> Checker<'a> {
    /// A checker that has seen no query.
    pub(super) const fn new(published: Published<'a>) -> Self {
        Self {
            published,
            views: BTreeMap::new(),
        }
    }

    /// Checks the whole query, and puts it in normal form.
    pub(super) fn check(mut self, query: &Query) -> Result<CheckedQuery, QueryError> {
        let view = self.view(&query.view).at("view")?;
        if let Some(population) = &query.population {
            self.expression(population, Subject::Person(&view))
                .at("population")?;
        }
        let rows = RowsOf {
            view: &view,
            pick: match &query.rows {
                None => Pick::All,
                Some(rows) => self.rows(rows, &view).at("rows")?,
            },
            period: period(query.period).at("period")?,
        };
        check_period(query, &rows)?;
        let groups = check_dimensions(&query.dimensions, &rows)?;
        let parts = check_measures(&query.measures, &rows)?;
        let cells = groups.saturating_mul(parts);
        if cells > CELLS_MAX {
            return Err(QueryFault::TooManyCells(cells)).at("dimensions");
        }
        Ok(CheckedQuery {
            normal: normal::query(query.clone()),
            registers: self.published.into_registers(),
            views: self.views,
        })
    }

    /// View `name` as the registers asked agree on it.
    pub(super) fn view(&mut self, name: &str) -> Result<View, QueryFault> {
        if let Some(view) = self.views.get(name) {
            return Ok(view.clone());
        }
        let view = self.published.view(name)?;
        self.views.insert(name.to_owned(), view.clone());
        Ok(view)
    }

    fn rows(&mut self, rows: &Rows, view: &View) -> Result<Pick, QueryError> {
        if view.grain() != Grain::Event {
            return Err(QueryFault::NeedsEvents(view.name.clone())).at("pick");
        }
        if let Some(expression) = &rows.r#where {
            self.expression(expression, Subject::Event(view))
                .at("where")?;
        }
        match rows.pick() {
            Pick::Unspecified => Err(QueryFault::NotChosen(
                "`PICK_ALL`, `PICK_FIRST` and `PICK_LAST`",
            ))
            .at("pick"),
            pick => Ok(pick),
        }
    }
}

impl RowsOf<'_> {
    /// The variable `name`, if a row has one value of it.
    fn variable(&self, name: &str) -> Result<&Variable, QueryFault> {
        let variable = variable(self.view, name)?;
        let of_many = self.view.grain() == Grain::Event && self.pick == Pick::All;
        if of_many && !variable.of_person {
            return Err(QueryFault::OfManyEvents(name.to_owned()));
        }
        Ok(variable)
    }
}

/// The period that a field names; unspecified is one, too.
fn period(field: i32) -> Result<Period, QueryFault> {
    Period::try_from(field).map_err(|_| QueryFault::NotChosen(PERIODS))
}

const PERIODS: &str = "`PERIOD_YEAR`, `PERIOD_QUARTER` and `PERIOD_MONTH`";

/// A period that must be chosen.
fn chosen_period(field: i32) -> Result<Period, QueryFault> {
    match period(field)? {
        Period::Unspecified => Err(QueryFault::NotChosen(PERIODS)),
        period => Ok(period),
    }
}

/// Rows per period need events, and a dimension that tells a person's rows apart.
fn check_period(query: &Query, rows: &RowsOf<'_>) -> Result<(), QueryError> {
    if rows.period == Period::Unspecified {
        return Ok(());
    }
    if rows.view.grain() != Grain::Event {
        return Err(QueryFault::NeedsEvents(rows.view.name.clone())).at("period");
    }
    let is_period = |d: &Dimension| matches!(d.dimension, Some(Divided::Period(_)));
    if query.dimensions.iter().any(is_period) {
        Ok(())
    } else {
        Err(QueryFault::PeriodNotDimension).at("period")
    }
}

/// Checks the dimensions; returns how many groups they make at least.
fn check_dimensions(dimensions: &[Dimension], rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    at_most(dimensions.len(), DIMENSIONS_MAX).at("dimensions")?;
    unrepeated("dimensions", dimensions)?;
    let mut groups: u64 = 1;
    for (index, dimension) in dimensions.iter().enumerate() {
        let here = check_dimension(dimension, rows).at(format_args!("dimensions[{index}]"))?;
        groups = groups.saturating_mul(here);
    }
    Ok(groups)
}

fn check_dimension(dimension: &Dimension, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    match &dimension.dimension {
        None => Err(QueryFault::NotChosen(
            "`code`, `bands`, `period` and `date`",
        ))
        .at("dimension"),
        Some(Divided::Code(level)) => check_code_level(level, rows).at("code"),
        Some(Divided::Bands(bands)) => check_bands(bands, rows).at("bands"),
        Some(Divided::Period(_)) => match rows.period {
            Period::Unspecified => Err(QueryFault::NoPeriod).at("period"),
            period => Ok(periods_in(rows.view, period)),
        },
        Some(Divided::Date(date)) => check_date_period(date, rows).at("date"),
    }
}

/// How many codes there are is not published, so that they count as one group.
fn check_code_level(level: &CodeLevel, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    let variable = rows.variable(&level.variable).at("variable")?;
    let code = code_variable(variable).at("variable")?;
    if !code.is_dimension {
        return Err(QueryFault::NotADimension(level.variable.clone())).at("variable");
    }
    let levels = code.level_characters.len();
    if usize::try_from(level.level).is_ok_and(|level| level <= levels) {
        Ok(1)
    } else {
        Err(QueryFault::UnknownLevel {
            system: code.system.clone(),
            levels,
        })
        .at("level")
    }
}

fn check_bands(bands: &Bands, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    let variable = rows.variable(&bands.variable).at("variable")?;
    number_variable(variable).at("variable")?;
    if bands.begins.is_empty() {
        return Err(QueryFault::Empty).at("begins");
    }
    if !bands.begins.is_sorted_by(|one, next| one < next) {
        return Err(QueryFault::NotRising).at("begins");
    }
    // One more below the first.
    Ok(count(bands.begins.len()).saturating_add(1))
}

/// Only dates of events are known to lie in the view's months.
fn check_date_period(date: &DatePeriod, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    let variable = rows.variable(&date.variable).at("variable")?;
    if !is_date(variable) {
        return Err(wrong_type(variable, "name a variable that is a date")).at("variable");
    }
    let period = chosen_period(date.period).at("period")?;
    if date.variable == rows.view.event_date {
        Ok(periods_in(rows.view, period))
    } else {
        Ok(1)
    }
}

/// Checks the measures; returns how many parts they divide each group into.
fn check_measures(measures: &[Measure], rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    if measures.is_empty() {
        return Err(QueryFault::Empty).at("measures");
    }
    at_most(measures.len(), MEASURES_MAX).at("measures")?;
    unrepeated("measures", measures)?;
    let mut parts: u64 = 0;
    for (index, measure) in measures.iter().enumerate() {
        let here = check_measure(measure, rows).at(format_args!("measures[{index}]"))?;
        parts = parts.saturating_add(here);
    }
    Ok(parts.max(1))
}

/// Checks one measure; returns how many parts it divides a group into, if it does.
fn check_measure(measure: &Measure, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    match &measure.measure {
        None => Err(QueryFault::NotChosen(
            "`persons`, `events`, `sum`, `mean`, `variance`, `histogram`, `life_table` and \
             `person_time`",
        ))
        .at("measure"),
        Some(Told::Persons(_)) => Ok(0),
        Some(Told::Events(_)) if rows.view.grain() == Grain::Event => Ok(0),
        Some(Told::Events(_)) => Err(QueryFault::NeedsEvents(rows.view.name.clone())).at("events"),
        Some(Told::Sum(name)) => check_summed(name, rows).at("sum"),
        Some(Told::Mean(name)) => check_summed(name, rows).at("mean"),
        Some(Told::Variance(name)) => check_summed(name, rows).at("variance"),
        Some(Told::Histogram(histogram)) => check_histogram(histogram, rows).at("histogram"),
        Some(Told::LifeTable(table)) => check_life_table(table, rows).at("life_table"),
        Some(Told::PersonTime(time)) => check_person_time(time, rows).at("person_time"),
    }
}

/// Every value may be summed, also of many events: each is clipped.
fn check_summed(name: &str, rows: &RowsOf<'_>) -> Result<u64, QueryFault> {
    match number_variable(variable(rows.view, name)?)? {
        Number {
            clip_from: Some(_),
            clip_to: Some(_),
            ..
        } => Ok(0),
        _ => Err(QueryFault::NoClipBounds(name.to_owned())),
    }
}

fn check_histogram(histogram: &Histogram, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    let variable = rows.variable(&histogram.variable).at("variable")?;
    number_variable(variable).at("variable")?;
    if histogram.width == 0 {
        return Err(QueryFault::Nought).at("width");
    }
    let bins = steps(histogram.bins).at("bins")?;
    i64::from(histogram.width)
        .checked_mul(i64::from(histogram.bins))
        .and_then(|length| length.checked_add(histogram.from))
        .ok_or(QueryFault::GridTooLong)
        .at("bins")?;
    Ok(bins)
}

fn check_life_table(table: &LifeTable, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    check_followed([&table.entry, &table.event, &table.exit], rows)?;
    chosen_period(table.step).at("step")?;
    steps(table.steps).at("steps")
}

fn check_person_time(time: &PersonTime, rows: &RowsOf<'_>) -> Result<u64, QueryError> {
    check_followed([&time.entry, &time.event, &time.exit], rows)?;
    Ok(0)
}

/// Persons are followed from the first of three dates to one of the others.
fn check_followed(dates: [&String; 3], rows: &RowsOf<'_>) -> Result<(), QueryError> {
    if rows.period != Period::Unspecified {
        return Err(QueryFault::FollowedByPeriods).at("entry");
    }
    let [entry, event, exit] = dates;
    let dates = [("entry", entry), ("event", event), ("exit", exit)];
    for (index, (field, name)) in dates.into_iter().enumerate() {
        let variable = rows.variable(name).at(field)?;
        if !is_date(variable) {
            return Err(wrong_type(variable, "name a variable that is a date")).at(field);
        }
        if dates.iter().take(index).any(|(_, other)| *other == name) {
            return Err(QueryFault::SameDate(name.clone())).at(field);
        }
    }
    Ok(())
}

/// A number of bins or steps, within what a table may have.
fn steps(number: u32) -> Result<u64, QueryFault> {
    match u64::from(number) {
        0 => Err(QueryFault::Nought),
        number if number > CELLS_MAX => Err(QueryFault::TooManyCells(number)),
        number => Ok(number),
    }
}

/// How many periods the months of `view` touch, at least 1.
fn periods_in(view: &View, period: Period) -> u64 {
    let months: i32 = match period {
        Period::Year => 12,
        Period::Quarter => 3,
        Period::Month | Period::Unspecified => 1,
    };
    let last = view.until_month.saturating_sub(1);
    let (first, last) = (view.from_month.div_euclid(months), last.div_euclid(months));
    u64::try_from(i64::from(last) - i64::from(first) + 1)
        .unwrap_or(1)
        .max(1)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
