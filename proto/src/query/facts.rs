//! What a checked query asks for, as a data permit looks at it.
//!
//! Gateway and agent hold a query against the same permit, so both take its [`QueryFacts`] from
//! here. Nothing is decided here: [`innsyn_policy::DataPermit::check`] does that.
//!
//! What holds:
//!
//! - **Every variable that the query names is there**, wherever it stands; also the date of events
//!   where a period, or the first or last of many, is chosen by it.
//! - **A limit counts only where nothing gets round it**: of `all` any operand may give it, of
//!   `any` each must, and a negation gives none, because it is true of a missing value.
//! - **What is not limited reaches everything**: all the months that a view covers, all years.
//!
//! Birth years are limited by comparisons of the person's variable [`BORN_YEAR`]. The months of a
//! view of events are limited by windows of its event date; those of a view of persons are not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use innsyn_policy::data_permit::{QueryFacts, QueryKind, VariableUse};
use innsyn_policy::{NationalId, Organisation, Purpose, Register};

use super::CheckedQuery;
use crate::wire::research::v1::{
    CodeMembership, Comparison, Events, Expression, Expressions, Grain, LifeTable, Operator,
    Period, PersonTime, Pick, View, dimension::Dimension as Divided,
    expression::Expression as Kind, literal::Literal as Value, measure::Measure as Told,
};

/// The variable of the person that holds the year of birth, wherever a view has one.
pub const BORN_YEAR: &str = "born_year";

/// Every year, or every month.
const EVERY: Range<i32> = i32::MIN..i32::MAX;

/// What a permit asks of a question beside the query itself.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Who asks.
    pub person: NationalId,
    /// Through which organisation.
    pub organisation: Organisation,
    /// What for.
    pub purpose: Purpose,
    /// The smallest cell that will be released, in persons.
    pub smallest_cell: u32,
    /// To multiples of what counts will be rounded.
    pub rounding_base: u32,
    /// How many queries the permit has had answered at the register before.
    pub queries_before: u32,
}

impl CheckedQuery {
    /// The facts of this query at `register`.
    pub fn facts<'a>(&self, register: &'a Register, asking: Asking) -> QueryFacts<'a> {
        let mut gathered = Gathered {
            query: self,
            views: BTreeMap::new(),
            months: 0..0,
        };
        let born_years = gathered.counted();
        QueryFacts {
            query: *self.name().as_bytes(),
            person: asking.person,
            organisation: asking.organisation,
            purpose: asking.purpose,
            register,
            views: gathered.views,
            born_years,
            months: gathered.months,
            kinds: kinds(self),
            smallest_cell: asking.smallest_cell,
            rounding_base: asking.rounding_base,
            queries_before: asking.queries_before,
        }
    }
}

/// What the query computes.
fn kinds(query: &CheckedQuery) -> BTreeSet<QueryKind> {
    let measures = query.normal().measures.iter();
    let told = measures.filter_map(|measure| measure.measure.as_ref());
    let kinds = told.map(|measure| match measure {
        Told::Persons(_) | Told::Events(_) => QueryKind::Count,
        Told::Sum(_) | Told::Mean(_) | Told::PersonTime(_) => QueryKind::Sum,
        Told::Variance(_) => QueryKind::Variance,
        Told::Histogram(_) => QueryKind::Histogram,
        Told::LifeTable(_) => QueryKind::LifeTable,
    });
    let is_table = !query.normal().dimensions.is_empty();
    kinds.chain(is_table.then_some(QueryKind::Table)).collect()
}

/// The facts in the making.
struct Gathered<'q> {
    query: &'q CheckedQuery,
    views: BTreeMap<String, BTreeMap<String, VariableUse>>,
    /// From the first month that is reached to the last.
    months: Range<i32>,
}

impl Gathered<'_> {
    /// Gathers all of the query; returns the birth years to which it is limited.
    fn counted(&mut self) -> Range<i32> {
        let query = self.query.normal();
        let view = query.view.as_str();
        self.view(view);
        let condition = query.rows.as_ref().and_then(|rows| rows.r#where.as_ref());
        for expression in query.population.iter().chain(condition) {
            self.expression(view, expression);
        }
        let picks = query
            .rows
            .as_ref()
            .is_some_and(|rows| rows.pick() != Pick::All);
        if picks || query.period() != Period::Unspecified {
            self.event_date_of(view);
        }
        for dimension in &query.dimensions {
            match &dimension.dimension {
                Some(Divided::Code(level)) => self.otherwise(view, &level.variable),
                Some(Divided::Bands(bands)) => self.otherwise(view, &bands.variable),
                Some(Divided::Date(date)) => self.otherwise(view, &date.variable),
                Some(Divided::Period(_)) | None => {}
            }
        }
        for measure in &query.measures {
            match &measure.measure {
                Some(Told::Sum(name) | Told::Mean(name) | Told::Variance(name)) => {
                    self.otherwise(view, name);
                }
                Some(Told::Histogram(histogram)) => self.otherwise(view, &histogram.variable),
                Some(Told::LifeTable(LifeTable {
                    entry, event, exit, ..
                }))
                | Some(Told::PersonTime(PersonTime { entry, event, exit })) => {
                    for name in [entry, event, exit] {
                        self.otherwise(view, name);
                    }
                }
                Some(Told::Persons(_) | Told::Events(_)) | None => {}
            }
        }
        self.reach(view, condition);
        let description = self.query.view(view);
        let born_years = |expression| match description {
            Some(view) if tells_birth(view) => limit(expression, &born_in),
            _ => EVERY,
        };
        query
            .population
            .iter()
            .chain(condition)
            .map(born_years)
            .fold(EVERY, |one, other| intersection(&one, &other))
    }

    fn view(&mut self, view: &str) -> &mut BTreeMap<String, VariableUse> {
        self.views.entry(view.to_owned()).or_default()
    }

    fn variable(&mut self, view: &str, variable: &str) -> &mut VariableUse {
        self.view(view).entry(variable.to_owned()).or_default()
    }

    fn otherwise(&mut self, view: &str, variable: &str) {
        self.variable(view, variable).is_used_otherwise = true;
    }

    fn event_date_of(&mut self, view: &str) {
        if let Some(description) = self.query.view(view) {
            let date = description.event_date.clone();
            self.otherwise(view, &date);
        }
    }

    /// Gathers what `expression`, of a person or an event of `view`, uses.
    fn expression(&mut self, view: &str, expression: &Expression) {
        match &expression.expression {
            Some(Kind::All(Expressions { of }) | Kind::Any(Expressions { of })) => {
                for operand in of {
                    self.expression(view, operand);
                }
            }
            Some(Kind::Not(operand)) => self.expression(view, operand),
            Some(Kind::Comparison(comparison)) => self.otherwise(view, &comparison.variable),
            Some(Kind::Dates(dates)) => self.otherwise(view, &dates.variable),
            Some(Kind::Codes(CodeMembership {
                variable, codes, ..
            })) => {
                let named = &mut self.variable(view, variable).codes;
                named.extend(codes.iter().cloned());
            }
            Some(Kind::Events(events)) => self.events(events),
            None => {}
        }
    }

    fn events(&mut self, events: &Events) {
        let Events { view, r#where, .. } = events;
        self.view(view);
        if let Some(expression) = r#where {
            self.expression(view, expression);
        }
        self.reach(view, r#where.as_deref());
    }

    /// Adds the months of `view` that rows with `condition` can be of.
    fn reach(&mut self, view: &str, condition: Option<&Expression>) {
        let Some(description) = self.query.view(view) else {
            return;
        };
        let covered = description.from_month..description.until_month;
        let reached = match condition {
            Some(condition) if description.grain() == Grain::Event => {
                let date = &description.event_date;
                let limited = limit(condition, &|leaf| dated_in(leaf, date));
                intersection(&covered, &limited)
            }
            _ => covered,
        };
        self.months = hull(&self.months, &reached);
    }
}

/// Whether the year of birth is the person's own and a whole number there.
fn tells_birth(view: &View) -> bool {
    view.variables.iter().any(|variable| {
        variable.name == BORN_YEAR && (variable.of_person || view.grain() == Grain::Person)
    })
}

/// Within what the values lie for which `expression` can be true, where `leaf` says it of leaves.
fn limit(expression: &Expression, leaf: &dyn Fn(&Kind) -> Range<i32>) -> Range<i32> {
    match &expression.expression {
        Some(Kind::All(Expressions { of })) => of
            .iter()
            .map(|operand| limit(operand, leaf))
            .fold(EVERY, |one, other| intersection(&one, &other)),
        Some(Kind::Any(Expressions { of })) => of
            .iter()
            .map(|operand| limit(operand, leaf))
            .fold(0..0, |one, other| hull(&one, &other)),
        Some(Kind::Not(_)) | None => EVERY,
        Some(kind) => leaf(kind),
    }
}

/// The birth years for which the leaf can be true.
fn born_in(leaf: &Kind) -> Range<i32> {
    let Kind::Comparison(comparison) = leaf else {
        return EVERY;
    };
    let Comparison {
        variable, literal, ..
    } = comparison;
    let literal = literal
        .as_ref()
        .and_then(|literal| literal.literal.as_ref());
    let Some(Value::Integer(year)) = literal.filter(|_| variable == BORN_YEAR) else {
        return EVERY;
    };
    // A year beyond these numbers is no year.
    let clamped = |year: i64| {
        let bounded = year.clamp(EVERY.start.into(), EVERY.end.into());
        i32::try_from(bounded).unwrap_or_default()
    };
    let (year, next) = (clamped(*year), clamped(year.saturating_add(1)));
    match comparison.operator() {
        Operator::Equal => year..next,
        Operator::Less => EVERY.start..year,
        Operator::LessOrEqual => EVERY.start..next,
        Operator::Greater => next..EVERY.end,
        Operator::GreaterOrEqual => year..EVERY.end,
        Operator::Unspecified => EVERY,
    }
}

/// The months of `date` for which the leaf can be true.
fn dated_in(leaf: &Kind, date: &str) -> Range<i32> {
    match leaf {
        Kind::Dates(dates) if dates.variable == date => {
            dates.from_month.unwrap_or(EVERY.start)..dates.until_month.unwrap_or(EVERY.end)
        }
        _ => EVERY,
    }
}

fn intersection(one: &Range<i32>, other: &Range<i32>) -> Range<i32> {
    one.start.max(other.start)..one.end.min(other.end)
}

/// The smallest range that contains both.
fn hull(one: &Range<i32>, other: &Range<i32>) -> Range<i32> {
    if one.is_empty() {
        other.clone()
    } else if other.is_empty() {
        one.clone()
    } else {
        one.start.min(other.start)..one.end.max(other.end)
    }
}
