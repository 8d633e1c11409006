//! Which columns of a view are read.

use std::ops::RangeInclusive;

use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Grain, Variable, View};

use super::super::error::PlanError;
use super::super::snapshot::{Snapshot, StoredView};
use super::window;

/// Months from 1970 that a view's may be away: ten thousand years.
const MONTHS_MAX: u32 = 120_000;

/// How a column's values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Code,
    Number { is_whole: bool },
    Date,
}

/// A column that is read.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Column<'a> {
    pub(in super::super) name: &'a str,
    pub(in super::super) kind: Kind,
    /// Its place among the view's variables.
    place: usize,
}

/// One pass over a view: its rows in the months that it covers.
#[derive(Debug)]
pub(in super::super) struct Reading<'a> {
    pub(in super::super) stored: &'a StoredView,
    pub(in super::super) view: &'a View,
    pub(in super::super) grain: Grain,
    pub(in super::super) columns: Vec<Column<'a>>,
    /// In a view of events, the column of their dates and the days that the view covers. An
    /// event that has no date, or another one, is not published and does not count.
    pub(in super::super) covered: Option<(usize, RangeInclusive<i32>)>,
}

impl<'a> Reading<'a> {
    /// A pass over view `name`, of no column but an event's date.
    pub(super) fn of(snapshot: &'a Snapshot, name: &str) -> Result<Self, PlanError> {
        let mut named = snapshot
            .views
            .iter()
            .filter(|stored| stored.description.name == name);
        let stored = named.next().ok_or(PlanError::UnknownView)?;
        let view = &stored.description;
        let grain = Grain::try_from(view.grain).unwrap_or_default();
        let is_sane = |month: i32| month.unsigned_abs() <= MONTHS_MAX;
        let months_are_sane = is_sane(view.from_month) && is_sane(view.until_month);
        if named.next().is_some() || grain == Grain::Unspecified || !months_are_sane {
            return Err(PlanError::BadView);
        }
        let mut reading = Self {
            stored,
            view,
            grain,
            columns: Vec::new(),
            covered: None,
        };
        if grain == Grain::Event {
            let days = window(Some(view.from_month), Some(view.until_month));
            let days = days.map_err(|_| PlanError::BadView)?;
            let date = reading.variable(&view.event_date);
            let date = date.map_err(|_| PlanError::BadView)?;
            if !matches!(date.r#type, Some(Type::Date(_))) || date.of_person {
                return Err(PlanError::BadView);
            }
            reading.covered = Some((reading.column(date)?, days));
        }
        Ok(reading)
    }

    /// How many months the view covers.
    pub(super) const fn months(&self) -> i32 {
        self.view.until_month.saturating_sub(self.view.from_month)
    }

    /// The last month that the view covers.
    pub(super) const fn last_month(&self) -> i32 {
        self.view.until_month.saturating_sub(1)
    }

    /// The variable called `name`.
    pub(super) fn variable(&self, name: &str) -> Result<&'a Variable, PlanError> {
        let mut named = self.view.variables.iter().filter(|one| one.name == name);
        let variable = named.next().ok_or(PlanError::UnknownVariable)?;
        if named.next().is_some() {
            return Err(PlanError::BadView);
        }
        Ok(variable)
    }

    /// Whether `variable` has the same value in every row of a person.
    pub(super) fn is_of_person(&self, variable: &Variable) -> bool {
        self.grain == Grain::Person || variable.of_person
    }

    /// The place among `columns` of the column of `variable`, which is read from now on.
    pub(super) fn column(&mut self, variable: &'a Variable) -> Result<usize, PlanError> {
        let read = |column: &Column<'_>| column.name == variable.name;
        if let Some(at) = self.columns.iter().position(read) {
            return Ok(at);
        }
        let kind = match &variable.r#type {
            Some(Type::Code(_)) => Kind::Code,
            Some(Type::Number(number)) => Kind::Number {
                is_whole: number.is_integer,
            },
            Some(Type::Date(_)) => Kind::Date,
            None => return Err(PlanError::BadView),
        };
        let named = |one: &Variable| one.name == variable.name;
        let place = self.view.variables.iter().position(named);
        self.columns.push(Column {
            name: &variable.name,
            kind,
            place: place.ok_or(PlanError::UnknownVariable)?,
        });
        Ok(self.columns.len() - 1)
    }

    /// The place of column `at` among the view's variables.
    pub(super) fn place(&self, at: usize) -> Option<usize> {
        self.columns.get(at).map(|column| column.place)
    }
}
