//! From an expression of a query to a predicate over columns.

use innsyn_proto::wire::research::v1 as wire;
use wire::expression::Expression as Choice;
use wire::literal::Literal;
use wire::variable::Type;
use wire::{Comparison, Expression, Grain, Operator, Variable};

use super::super::error::PlanError;
use super::super::predicate::{Bounds, CodeSet, Predicate};
use super::super::snapshot::Snapshot;
use super::{Asked, LIST_MAX, Reading, whole, window};

/// How deep an expression may be nested.
const NESTING_MAX: usize = 32;

/// What an expression is true of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Person,
    Event,
}

/// Compiles expressions, and collects what they ask of other events.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    snapshot: &'a Snapshot,
    pub(super) asked: Vec<Asked<'a>>,
}

impl<'a> Compiler<'a> {
    pub(super) const fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            asked: Vec::new(),
        }
    }

    /// The predicate that `expression` is over the columns of `reading`.
    pub(super) fn compile(
        &mut self,
        expression: &Expression,
        reading: &mut Reading<'a>,
        of: Of,
    ) -> Result<Predicate, PlanError> {
        self.nested(expression, reading, of, 0)
    }

    fn nested(
        &mut self,
        expression: &Expression,
        reading: &mut Reading<'a>,
        of: Of,
        depth: usize,
    ) -> Result<Predicate, PlanError> {
        if depth >= NESTING_MAX {
            return Err(PlanError::TooDeep);
        }
        match expression.expression.as_ref().ok_or(PlanError::NotChosen)? {
            Choice::All(inner) => {
                let inner = self.all_of(&inner.of, reading, of, depth)?;
                Ok(Predicate::All(inner))
            }
            Choice::Any(inner) => {
                let inner = self.all_of(&inner.of, reading, of, depth)?;
                Ok(Predicate::Any(inner))
            }
            Choice::Not(inner) => {
                let inner = self.nested(inner, reading, of, depth + 1)?;
                Ok(Predicate::Not(Box::new(inner)))
            }
            Choice::Comparison(comparison) => compared(comparison, reading, of),
            Choice::Codes(codes) => {
                let variable = allowed(reading, &codes.variable, of)?;
                code_type(variable)?;
                Ok(Predicate::Codes {
                    column: reading.column(variable)?,
                    codes: code_set(&codes.codes, codes.with_descendants)?,
                })
            }
            Choice::Dates(dates) => {
                let variable = allowed(reading, &dates.variable, of)?;
                if !matches!(variable.r#type, Some(Type::Date(_))) {
                    return Err(PlanError::WrongType);
                }
                Ok(Predicate::Days {
                    column: reading.column(variable)?,
                    days: window(dates.from_month, dates.until_month)?,
                })
            }
            Choice::Events(events) => {
                if of == Of::Event {
                    return Err(PlanError::EventsOfEvent);
                }
                self.events(events, depth)
            }
        }
    }

    fn all_of(
        &mut self,
        list: &[Expression],
        reading: &mut Reading<'a>,
        of: Of,
        depth: usize,
    ) -> Result<Vec<Predicate>, PlanError> {
        let list = listed(list)?.iter();
        list.map(|inner| self.nested(inner, reading, of, depth + 1))
            .collect()
    }

    fn events(&mut self, events: &wire::Events, depth: usize) -> Result<Predicate, PlanError> {
        if events.at_least == 0 {
            return Err(PlanError::Nought);
        }
        let mut reading = Reading::of(self.snapshot, &events.view)?;
        if reading.grain != Grain::Event {
            return Err(PlanError::NeedsEvents);
        }
        let filter = match &events.r#where {
            Some(each) => self.nested(each, &mut reading, Of::Event, depth + 1)?,
            None => Predicate::All(Vec::new()),
        };
        self.asked.push(Asked {
            reading,
            filter,
            at_least: events.at_least,
        });
        Ok(Predicate::Asked(self.asked.len() - 1))
    }
}

/// `variable`, if an expression of `of` may speak of it.
fn allowed<'a>(reading: &Reading<'a>, variable: &str, of: Of) -> Result<&'a Variable, PlanError> {
    let variable = reading.variable(variable)?;
    if of == Of::Person && !reading.is_of_person(variable) {
        return Err(PlanError::OfEvent);
    }
    Ok(variable)
}

fn compared(
    comparison: &Comparison,
    reading: &mut Reading<'_>,
    of: Of,
) -> Result<Predicate, PlanError> {
    let variable = allowed(reading, &comparison.variable, of)?;
    let literal = comparison.literal.as_ref();
    let literal = literal.and_then(|literal| literal.literal.as_ref());
    let literal = literal.ok_or(PlanError::NotChosen)?;
    let operator = Operator::try_from(comparison.operator).map_err(|_| PlanError::NotChosen)?;
    let column = reading.column(variable)?;
    let is_whole = match &variable.r#type {
        Some(Type::Number(number)) => number.is_integer,
        Some(Type::Code(_)) => {
            let Literal::Code(code) = literal else {
                return Err(PlanError::Literal);
            };
            if operator != Operator::Equal {
                return Err(PlanError::Operator);
            }
            let codes = code_set(std::slice::from_ref(code), false)?;
            return Ok(Predicate::Codes { column, codes });
        }
        Some(Type::Date(_)) | None => return Err(PlanError::WrongType),
    };
    let literal = match literal {
        Literal::Integer(number) if is_whole => whole(*number)?,
        Literal::Real(number) if !is_whole && number.is_finite() => *number,
        _ => return Err(PlanError::Literal),
    };
    let bounds = match operator {
        Operator::Unspecified => return Err(PlanError::NotChosen),
        // Numbers that are not whole are hardly ever equal, and an exact one is a fingerprint.
        Operator::Equal if !is_whole => return Err(PlanError::Operator),
        Operator::Equal => Bounds::Equal(literal),
        Operator::Less => Bounds::Less(literal),
        Operator::LessOrEqual => Bounds::LessOrEqual(literal),
        Operator::Greater => Bounds::Greater(literal),
        Operator::GreaterOrEqual => Bounds::GreaterOrEqual(literal),
    };
    Ok(Predicate::Number { column, bounds })
}

/// The code system's part of a variable of codes.
pub(super) fn code_type(variable: &Variable) -> Result<&wire::Code, PlanError> {
    match &variable.r#type {
        Some(Type::Code(code)) => Ok(code),
        _ => Err(PlanError::WrongType),
    }
}

fn code_set(codes: &[String], with_descendants: bool) -> Result<CodeSet, PlanError> {
    if listed(codes)?.iter().any(String::is_empty) {
        return Err(PlanError::Literal);
    }
    Ok(CodeSet::new(codes.to_vec(), with_descendants))
}

/// `list`, if it has an element and not too many.
fn listed<T>(list: &[T]) -> Result<&[T], PlanError> {
    match list.len() {
        0 => Err(PlanError::Empty),
        1..=LIST_MAX => Ok(list),
        _ => Err(PlanError::TooMany),
    }
}
