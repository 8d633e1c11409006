//! How the registers' answers to one query become one table: known before anybody is asked.
//!
//! What the release desk cannot make safe is refused here, with what to ask instead:
//!
//! - **A histogram or a life table is a table of its own.** Its bins and steps are counts of
//!   persons, so they are one more dimension: each passes the threshold and the complementary
//!   check like any other cell. Beside other measures they would be a second table over the same
//!   persons that no check looks at.
//! - **Sums are of one value for each person and cell.** Of the values of all of a person's events
//!   one person could make any total, whatever the clip bounds.

use std::collections::BTreeSet;

use innsyn_proto::query::CheckedQuery;
use innsyn_proto::wire::research::v1 as wire;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;
use wire::variable::Type;
use wire::{Column, ColumnKind, Grain, Period, Pick, Variable, View};

use super::desk::{CELLS_MAX, Clip, DIMENSIONS_MAX, Domain};
use super::merge::{Category, Shape};
use super::naming;

mod label;
#[cfg(test)]
mod tests;

/// How the answers to one query are read, merged and shown.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Of the registers' cells, in the query's order.
    pub(super) axes: Vec<Axis>,
    /// What divides each of these cells further.
    pub(super) spread: Option<Spread>,
    /// Each summed variable, once.
    pub(super) summed: Vec<Summed>,
    /// In the query's order.
    pub(super) measures: Vec<Measure>,
    /// How many events a cell has.
    pub(super) events: Events,
    period: Option<usize>,
    persons_shared: bool,
    columns: Vec<Column>,
}

/// One dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Axis {
    /// A code, at most so many characters of it.
    Code { characters: usize },
    /// Bands of numbers.
    Bands { begins: Vec<i64> },
    /// Periods of so many months; `first_months` where it is known which there can be.
    Periods {
        months: i32,
        first_months: Option<BTreeSet<i32>>,
    },
}

/// A measure that is one more dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spread {
    Histogram { from: i64, width: u32, bins: usize },
    LifeTable { steps: usize },
}

/// A variable whose values are summed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summed {
    pub(super) name: String,
    pub(super) clip: Clip,
}

/// One measure; numbers are places in [`Plan::summed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Persons,
    Events,
    Sum(usize),
    Mean(usize),
    Variance(usize),
    /// [`Plan::spread`].
    Spread,
}

/// How many events the persons of a cell have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Events {
    /// They are not counted: rows are persons.
    None,
    /// One each.
    OneEach,
    /// One each at least.
    Many,
}

/// Why a query that can be asked has no table that could leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    /// The margins to protect double with each dimension.
    #[error(
        "`dimensions`: a table has at most {DIMENSIONS_MAX}, a histogram or life table being one \
         of them; leave one out"
    )]
    TooManyDimensions,
    /// More than the desk protects.
    #[error(
        "`dimensions`: with a group for missing values the table has {0} cells; ask for at most \
         {CELLS_MAX}: fewer or coarser parts"
    )]
    TooManyCells(u64),
    /// A histogram or life table beside something else.
    #[error(
        "`measures`: a histogram or life table is a table of its own; ask for other measures in \
         another query"
    )]
    NotAlone,
    /// A sum of all of a person's events.
    #[error(
        "`{0}` is of an event, and one person with many events could make most of a sum of all of \
         them; set `rows.pick` to `PICK_FIRST` or `PICK_LAST`, in SQL `AND first_event()`"
    )]
    SumOfManyEvents(String),
    /// Clip bounds that leave one value.
    #[error("`{0}` is clipped to a single value in the catalogue, so its sum tells nothing")]
    ClippedToOneValue(String),
    /// A variable that the catalogue does not have; the check of the query finds it first.
    #[error("`{0}` is not published as the query uses it")]
    Unpublished(String),
}

/// The unit of person-time, as UCUM has it.
const MONTH_UNIT: &str = "mo";
/// The longest code that is shown, in characters.
const CODE_CHARACTERS_MAX: usize = 256;

impl Plan {
    /// How the answers to `query` become a table.
    pub(super) fn of(query: &CheckedQuery) -> Result<Self, PlanError> {
        let normal = query.normal();
        let view = query
            .view(&normal.view)
            .ok_or_else(|| PlanError::Unpublished(normal.view.clone()))?;
        let pick = normal.rows.as_ref().map_or(Pick::All, wire::Rows::pick);
        let mut maker = Maker {
            view,
            pick,
            period: normal.period(),
            summed: Vec::new(),
            columns: Vec::new(),
        };
        let axes = normal.dimensions.iter().map(|one| maker.axis(one));
        let axes = axes.collect::<Result<Vec<_>, _>>()?;
        let persons_shared = query.registers().len() > 1 && !view.persons_disjoint;
        let persons = naming::persons(persons_shared);
        let (measures, spread) = maker.measures(&normal.measures, persons)?;
        let is_own_period =
            |one: &wire::Dimension| matches!(one.dimension, Some(Divided::Period(_)));
        let plan = Self {
            axes,
            spread,
            summed: maker.summed,
            measures,
            events: match (view.grain(), pick) {
                (Grain::Event, Pick::First | Pick::Last) => Events::OneEach,
                (Grain::Event, _) => Events::Many,
                _ => Events::None,
            },
            period: normal.dimensions.iter().position(is_own_period),
            persons_shared,
            columns: maker.columns,
        };
        plan.check_size()?;
        Ok(plan)
    }

    /// Fails where the desk would, as far as that is known without an answer.
    fn check_size(&self) -> Result<(), PlanError> {
        if self.shape().dimensions > DIMENSIONS_MAX {
            return Err(PlanError::TooManyDimensions);
        }
        match self.cells_declared() {
            cells if cells > CELLS_MAX as u64 => Err(PlanError::TooManyCells(cells)),
            _ => Ok(()),
        }
    }

    /// Cells that the table has, as far as that is known without an answer: a dimension of codes
    /// counts as one, since how many there are is not published.
    pub(super) fn cells_declared(&self) -> u64 {
        let declared = self.domains().into_iter().map(|domain| match domain {
            Domain::Closed(categories) => categories.len() as u64,
            Domain::Open => 1,
        });
        declared.fold(1, u64::saturating_mul)
    }

    /// What the registers' tables have in common.
    pub(super) fn shape(&self) -> Shape {
        Shape {
            dimensions: self.axes.len() + usize::from(self.spread.is_some()),
            period: self.period,
            variables: self.summed.len(),
            persons_shared: self.persons_shared,
        }
    }

    /// Which categories each dimension may have.
    pub(super) fn domains(&self) -> Vec<Domain> {
        let own_period = |at| self.period == Some(at);
        let axes = self.axes.iter().enumerate();
        let axes = axes.map(|(at, axis)| axis.domain(own_period(at)));
        axes.chain(self.spread.as_ref().map(Spread::domain))
            .collect()
    }

    /// The clip bounds of each summed variable.
    pub(super) fn clips(&self) -> Vec<Clip> {
        self.summed.iter().map(|summed| summed.clip).collect()
    }

    /// The columns of the table, dimensions first.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl Axis {
    fn domain(&self, is_own_period: bool) -> Domain {
        let mut categories: BTreeSet<Category> = match self {
            Self::Code { .. } => return Domain::Open,
            Self::Bands { begins } => numbers(begins.len()),
            Self::Periods { first_months, .. } => match first_months {
                None => return Domain::Open,
                Some(months) => months
                    .iter()
                    .map(|m| Category::Number((*m).into()))
                    .collect(),
            },
        };
        if !is_own_period {
            categories.insert(Category::Missing);
        }
        Domain::Closed(categories)
    }
}

impl Spread {
    fn domain(&self) -> Domain {
        let mut categories = match self {
            Self::Histogram { bins, .. } => numbers(bins.saturating_sub(1)),
            // Of each step two, and those who were still there.
            Self::LifeTable { steps } => numbers(steps.saturating_mul(2)),
        };
        categories.insert(Category::Missing);
        Domain::Closed(categories)
    }
}

/// The numbers from 0 to `last`.
fn numbers(last: usize) -> BTreeSet<Category> {
    let last = i64::try_from(last).unwrap_or(i64::MAX);
    (0..=last).map(Category::Number).collect()
}

/// The parts of a plan that depend on dimensions and measures.
struct Maker<'a> {
    view: &'a View,
    pick: Pick,
    period: Period,
    summed: Vec<Summed>,
    columns: Vec<Column>,
}

impl Maker<'_> {
    fn variable(&self, name: &str) -> Result<&Variable, PlanError> {
        let mut variables = self.view.variables.iter();
        variables
            .find(|variable| variable.name == name)
            .ok_or_else(|| PlanError::Unpublished(name.to_owned()))
    }

    /// A column; a name that another column has gets a number.
    fn column(&mut self, name: &str, kind: ColumnKind, unit: &str) {
        let taken = |name: &str| self.columns.iter().any(|column| column.name == name);
        let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
        let free = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default();
        self.columns.push(Column {
            name: free,
            kind: kind.into(),
            unit: unit.to_owned(),
        });
    }

    fn axis(&mut self, dimension: &wire::Dimension) -> Result<Axis, PlanError> {
        let unpublished = || PlanError::Unpublished("dimensions".to_owned());
        let divided = dimension.dimension.as_ref().ok_or_else(unpublished)?;
        let name = naming::dimension(divided, self.period);
        self.column(&name, ColumnKind::Text, "");
        match divided {
            Divided::Code(wire::CodeLevel { variable, level }) => {
                let Some(Type::Code(code)) = &self.variable(variable)?.r#type else {
                    return Err(PlanError::Unpublished(variable.clone()));
                };
                let characters = match (*level as usize).checked_sub(1) {
                    None => None,
                    Some(at) => code.level_characters.get(at),
                };
                let characters = characters.map_or(CODE_CHARACTERS_MAX, |c| *c as usize);
                Ok(Axis::Code { characters })
            }
            Divided::Bands(wire::Bands { begins, .. }) => Ok(Axis::Bands {
                begins: begins.clone(),
            }),
            Divided::Period(_) => {
                let period = self.period;
                Ok(Axis::Periods {
                    months: label::months_in(period),
                    first_months: Some(self.periods(period)),
                })
            }
            Divided::Date(date) => {
                let period = date.period();
                // Only dates of events are known to lie in the view's months.
                let is_known = date.variable == self.view.event_date;
                Ok(Axis::Periods {
                    months: label::months_in(period),
                    first_months: is_known.then(|| self.periods(period)),
                })
            }
        }
    }

    /// The first months of the periods that the view's months touch.
    fn periods(&self, period: Period) -> BTreeSet<i32> {
        let months = label::months_in(period);
        let first = self.view.from_month.div_euclid(months);
        let last = self.view.until_month.saturating_sub(1).div_euclid(months);
        (first..=last).map(|number| number * months).collect()
    }

    fn measures(
        &mut self,
        measures: &[wire::Measure],
        persons: &str,
    ) -> Result<(Vec<Measure>, Option<Spread>), PlanError> {
        let mut read = Vec::with_capacity(measures.len());
        let mut spread = None;
        for measure in measures {
            let unpublished = || PlanError::Unpublished("measures".to_owned());
            let told = measure.measure.as_ref().ok_or_else(unpublished)?;
            let summed = match told {
                Told::Sum(name) | Told::Mean(name) | Told::Variance(name) => {
                    Some(self.summed(name)?)
                }
                Told::PersonTime(time) => Some(self.person_time(time)?),
                _ => None,
            };
            let unit = summed.as_ref().map_or("", |(_, unit)| unit);
            let unit = match told {
                Told::Variance(_) if !unit.is_empty() => format!("{unit}^2"),
                _ => unit.to_owned(),
            };
            let mut names = naming::measure(told, persons);
            let number = names.pop().unwrap_or_default();
            for name in names {
                self.column(&name, ColumnKind::Text, "");
            }
            let kind = match summed {
                Some(_) => ColumnKind::Real,
                None => ColumnKind::Count,
            };
            self.column(&number, kind, &unit);
            let at = summed.map_or(0, |(at, _)| at);
            read.push(match told {
                Told::Persons(_) => Measure::Persons,
                Told::Events(_) => Measure::Events,
                Told::Sum(_) | Told::PersonTime(_) => Measure::Sum(at),
                Told::Mean(_) => Measure::Mean(at),
                Told::Variance(_) => Measure::Variance(at),
                Told::Histogram(histogram) => {
                    spread = Some(Spread::Histogram {
                        from: histogram.from,
                        width: histogram.width,
                        bins: histogram.bins as usize,
                    });
                    Measure::Spread
                }
                Told::LifeTable(table) => {
                    spread = Some(Spread::LifeTable {
                        steps: table.steps as usize,
                    });
                    Measure::Spread
                }
            });
        }
        if spread.is_some() && read.len() > 1 {
            return Err(PlanError::NotAlone);
        }
        Ok((read, spread))
    }

    /// The place of the months that persons are followed among what is summed, and their unit.
    fn person_time(&mut self, time: &wire::PersonTime) -> Result<(usize, String), PlanError> {
        let wire::PersonTime { entry, event, exit } = time;
        let months = self.view.until_month.saturating_sub(self.view.from_month);
        let clip = Clip {
            from: 0.0,
            to: months.into(),
            centre: 0.0,
        };
        if !clip.is_rising() {
            return Err(PlanError::ClippedToOneValue(entry.clone()));
        }
        // Not a variable's name, so that no other sum is taken for it.
        let name = format!("person_time({entry}, {event}, {exit})");
        self.summed.push(Summed { name, clip });
        Ok((self.summed.len() - 1, MONTH_UNIT.to_owned()))
    }

    /// The place of a summed variable among them, and its unit.
    fn summed(&mut self, name: &str) -> Result<(usize, String), PlanError> {
        let variable = self.variable(name)?;
        let of_person = variable.of_person || self.view.grain() == Grain::Person;
        if self.pick == Pick::All && !of_person {
            return Err(PlanError::SumOfManyEvents(name.to_owned()));
        }
        let Some(Type::Number(wire::Number {
            unit,
            clip_from: Some(from),
            clip_to: Some(to),
            centre,
            ..
        })) = &variable.r#type
        else {
            return Err(PlanError::Unpublished(name.to_owned()));
        };
        let (clip, unit) = (
            Clip {
                from: *from,
                to: *to,
                centre: *centre,
            },
            unit.clone(),
        );
        if !clip.is_rising() {
            return Err(PlanError::ClippedToOneValue(name.to_owned()));
        }
        let at = self.summed.iter().position(|known| known.name == name);
        let at = at.unwrap_or_else(|| {
            self.summed.push(Summed {
                name: name.to_owned(),
                clip,
            });
            self.summed.len() - 1
        });
        Ok((at, unit))
    }
}
