//! From dimensions and measures to the values that a row keeps.

use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Query, Variable, dimension, measure};

use super::super::error::PlanError;
use super::super::moments::Scale;
use super::condition::code_type;
use super::{
    Added, Dimension, Follow, LIST_MAX, LifeTable, Measure, Periods, Reading, Rows, WHOLE_MAX,
    months_in, whole,
};

/// The parts of a plan that depend on dimensions and measures.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kept: Vec<usize>,
    pub(super) added: Vec<Added>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) measures: Vec<Measure>,
}

impl Shape {
    pub(super) fn of(
        query: &Query,
        counted: &mut Reading<'_>,
        rows: Rows,
        periods: Option<Periods>,
    ) -> Result<Self, PlanError> {
        if query.dimensions.len() > LIST_MAX || query.measures.len() > LIST_MAX {
            return Err(PlanError::TooMany);
        }
        if query.measures.is_empty() {
            return Err(PlanError::Empty);
        }
        let mut maker = Maker {
            counted,
            rows,
            periods,
            kept: Vec::new(),
            added: Vec::new(),
        };
        let dimensions = query.dimensions.iter().map(|one| maker.dimension(one));
        let mut dimensions = dimensions.collect::<Result<Vec<_>, _>>()?;
        let measures = query.measures.iter().map(|one| maker.measure(one));
        let mut measures = measures.collect::<Result<Vec<_>, _>>()?;

        // Kept in the order of the catalogue, so that the order in which a query names things
        // does not decide between two events of the same day.
        let mut kept = maker.kept.clone();
        kept.sort_by_key(|column| maker.counted.place(*column));
        let moved = |place: &mut usize| {
            let column = maker.kept.get(*place);
            let found = kept.iter().position(|one| Some(one) == column);
            *place = found.unwrap_or(*place);
        };
        dimensions
            .iter_mut()
            .filter_map(Dimension::kept)
            .for_each(moved);
        measures.iter_mut().flat_map(Measure::kept).for_each(moved);
        Ok(Self {
            kept,
            added: maker.added,
            dimensions,
            measures,
        })
    }
}

struct Maker<'r, 'a> {
    counted: &'r mut Reading<'a>,
    rows: Rows,
    periods: Option<Periods>,
    kept: Vec<usize>,
    added: Vec<Added>,
}

impl<'a> Maker<'_, 'a> {
    fn dimension(&mut self, wanted: &wire::Dimension) -> Result<Dimension, PlanError> {
        use dimension::Dimension as Choice;
        match wanted.dimension.as_ref().ok_or(PlanError::NotChosen)? {
            Choice::Code(level) => {
                let variable = self.counted.variable(&level.variable)?;
                let code = code_type(variable)?;
                if !code.is_dimension {
                    return Err(PlanError::NotADimension);
                }
                let characters = match (level.level as usize).checked_sub(1) {
                    None => None,
                    Some(at) => {
                        let characters = code.level_characters.get(at);
                        Some(*characters.ok_or(PlanError::UnknownLevel)? as usize)
                    }
                };
                let kept = self.keep(variable)?;
                Ok(Dimension::Code { kept, characters })
            }
            Choice::Bands(bands) => {
                let variable = self.counted.variable(&bands.variable)?;
                number_type(variable)?;
                if bands.begins.is_empty() {
                    return Err(PlanError::Empty);
                }
                if bands.begins.len() > LIST_MAX {
                    return Err(PlanError::TooMany);
                }
                if !bands.begins.is_sorted_by(|one, next| one < next) {
                    return Err(PlanError::NotRising);
                }
                let begins = bands.begins.iter().map(|begin| whole(*begin));
                let begins = begins.collect::<Result<_, _>>()?;
                let kept = self.keep(variable)?;
                Ok(Dimension::Bands { kept, begins })
            }
            Choice::Period(_) if self.periods.is_none() => Err(PlanError::NoPeriod),
            Choice::Period(_) => Ok(Dimension::Own),
            Choice::Date(date) => Ok(Dimension::Date {
                kept: self.date(&date.variable)?,
                months: months_in(date.period)?,
            }),
        }
    }

    fn measure(&mut self, wanted: &wire::Measure) -> Result<Measure, PlanError> {
        use measure::Measure as Choice;
        match wanted.measure.as_ref().ok_or(PlanError::NotChosen)? {
            Choice::Events(_) if self.counted.covered.is_none() => Err(PlanError::NeedsEvents),
            Choice::Persons(_) | Choice::Events(_) => Ok(Measure::Counted),
            Choice::Sum(variable) | Choice::Mean(variable) => self.moments(variable, false),
            Choice::Variance(variable) => self.moments(variable, true),
            Choice::Histogram(histogram) => {
                let variable = self.counted.variable(&histogram.variable)?;
                number_type(variable)?;
                if histogram.width == 0 || histogram.bins == 0 {
                    return Err(PlanError::Nought);
                }
                let length = i64::from(histogram.width).checked_mul(histogram.bins.into());
                let end = length.and_then(|length| length.checked_add(histogram.from));
                if end.is_none_or(|end| end >= WHOLE_MAX) {
                    return Err(PlanError::GridTooLong);
                }
                Ok(Measure::Histogram {
                    kept: self.keep(variable)?,
                    from: whole(histogram.from).map_err(|_| PlanError::GridTooLong)?,
                    width: histogram.width.into(),
                    bins: histogram.bins as usize,
                })
            }
            Choice::LifeTable(table) => self.life_table(table),
            Choice::PersonTime(time) => Ok(Measure::PersonTime {
                follow: self.follow([&time.entry, &time.event, &time.exit])?,
                scale: Scale::of_months(self.counted.months()),
            }),
        }
    }

    /// Moments of a row's value, or of its events' values.
    fn moments(&mut self, variable: &str, with_squares: bool) -> Result<Measure, PlanError> {
        let variable = self.counted.variable(variable)?;
        let scale = Scale::of(number_type(variable)?).ok_or(PlanError::NoClipBounds)?;
        if self.rows != Rows::Together || self.counted.is_of_person(variable) {
            return Ok(Measure::Value {
                kept: self.keep(variable)?,
                scale,
                with_squares,
            });
        }
        let column = self.counted.column(variable)?;
        let is_it = |one: &Added| (one.column, one.with_squares) == (column, with_squares);
        let added = self.added.iter().position(is_it).unwrap_or_else(|| {
            self.added.push(Added {
                column,
                scale,
                with_squares,
            });
            self.added.len() - 1
        });
        Ok(Measure::Values {
            added,
            scale,
            with_squares,
        })
    }

    fn life_table(&mut self, table: &wire::LifeTable) -> Result<Measure, PlanError> {
        if table.steps == 0 {
            return Err(PlanError::Nought);
        }
        Ok(Measure::LifeTable(LifeTable {
            follow: self.follow([&table.entry, &table.event, &table.exit])?,
            months: months_in(table.step)?,
            steps: table.steps as usize,
        }))
    }

    /// How persons are followed between three dates.
    fn follow(&mut self, dates: [&String; 3]) -> Result<Follow, PlanError> {
        if self.periods.is_some() {
            return Err(PlanError::FollowedByPeriods);
        }
        let [entry, event, exit] = dates;
        if entry == event || event == exit || exit == entry {
            return Err(PlanError::SameDate);
        }
        Ok(Follow {
            entry: self.date(entry)?,
            event: self.date(event)?,
            exit: self.date(exit)?,
            last_month: self.counted.last_month(),
        })
    }

    /// The place among the kept of a variable of dates.
    fn date(&mut self, variable: &str) -> Result<usize, PlanError> {
        let variable = self.counted.variable(variable)?;
        if !matches!(variable.r#type, Some(Type::Date(_))) {
            return Err(PlanError::WrongType);
        }
        self.keep(variable)
    }

    /// The place among the kept of `variable`, if a row has one value of it.
    fn keep(&mut self, variable: &'a Variable) -> Result<usize, PlanError> {
        if self.rows == Rows::Together && !self.counted.is_of_person(variable) {
            return Err(PlanError::OfManyEvents);
        }
        let column = self.counted.column(variable)?;
        if let Some(at) = self.kept.iter().position(|kept| *kept == column) {
            return Ok(at);
        }
        self.kept.push(column);
        Ok(self.kept.len() - 1)
    }
}

fn number_type(variable: &Variable) -> Result<&wire::Number, PlanError> {
    match &variable.r#type {
        Some(Type::Number(number)) => Ok(number),
        _ => Err(PlanError::WrongType),
    }
}

impl Dimension {
    /// The place of what it is made of.
    const fn kept(&mut self) -> Option<&mut usize> {
        match self {
            Self::Code { kept, .. } | Self::Bands { kept, .. } | Self::Date { kept, .. } => {
                Some(kept)
            }
            Self::Own => None,
        }
    }
}

impl Measure {
    /// The places of what it is made of.
    fn kept(&mut self) -> Vec<&mut usize> {
        match self {
            Self::Value { kept, .. } | Self::Histogram { kept, .. } => vec![kept],
            Self::LifeTable(LifeTable { follow, .. }) | Self::PersonTime { follow, .. } => {
                vec![&mut follow.entry, &mut follow.event, &mut follow.exit]
            }
            Self::Counted | Self::Values { .. } => Vec::new(),
        }
    }
}
