//! Whether an expression says something that can be true or false of a person or an event.

use super::check::Checker;
use super::error::{At as _, QueryError, QueryFault, at_most};
use super::{CODE_CHARACTERS_MAX, CODES_MAX, NESTING_MAX, PREDICATES_MAX};
use crate::wire::research::v1::{
    Code, CodeMembership, Comparison, DateWindow, Events, Expression, Expressions, Grain, Number,
    Operator, Variable, View, expression::Expression as Kind, literal::Literal as Value,
    variable::Type,
};

/// What an expression is true or false of: a person of `view`, or one of its events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A person.
    Person(&'a View),
    /// An event.
    Event(&'a View),
}

impl<'a> Subject<'a> {
    /// The variable `name`, if the subject has one value of it.
    fn variable(self, name: &str) -> Result<&'a Variable, QueryFault> {
        match self {
            Self::Event(view) => variable(view, name),
            Self::Person(view) => {
                let variable = variable(view, name)?;
                if view.grain() == Grain::Event && !variable.of_person {
                    return Err(QueryFault::OfEvent(name.to_owned()));
                }
                Ok(variable)
            }
        }
    }
}

impl Checker<'_> {
    /// Checks a whole expression, with its own limits.
    pub(super) fn expression(
        &mut self,
        expression: &Expression,
        subject: Subject<'_>,
    ) -> Result<(), QueryError> {
        self.part(expression, subject, 1, &mut 0)
    }

    fn part(
        &mut self,
        expression: &Expression,
        subject: Subject<'_>,
        depth: usize,
        predicates: &mut usize,
    ) -> Result<(), QueryError> {
        const CHOICES: &str = "`all`, `any`, `not`, `comparison`, `codes`, `dates` and `events`";
        let Some(kind) = &expression.expression else {
            return Err(QueryFault::NotChosen(CHOICES)).at("expression");
        };
        let name = name(kind);
        if depth > NESTING_MAX {
            return Err(QueryFault::TooDeep).at(name);
        }
        if !matches!(kind, Kind::All(_) | Kind::Any(_) | Kind::Not(_)) {
            *predicates += 1;
            if *predicates > PREDICATES_MAX {
                return Err(QueryFault::TooManyPredicates).at(name);
            }
        }
        match kind {
            Kind::All(Expressions { of }) | Kind::Any(Expressions { of }) => {
                if of.is_empty() {
                    return Err(QueryFault::Empty).at(name);
                }
                for (index, operand) in of.iter().enumerate() {
                    self.part(operand, subject, depth + 1, predicates)
                        .at(format_args!("{name}[{index}]"))?;
                }
                Ok(())
            }
            Kind::Not(operand) => self.part(operand, subject, depth + 1, predicates).at(name),
            Kind::Comparison(comparison) => check_comparison(comparison, subject).at(name),
            Kind::Codes(codes) => check_codes(codes, subject).at(name),
            Kind::Dates(dates) => check_dates(dates, subject).at(name),
            Kind::Events(events) => self.events(events, subject).at(name),
        }
    }

    fn events(&mut self, events: &Events, subject: Subject<'_>) -> Result<(), QueryError> {
        if matches!(subject, Subject::Event(_)) {
            return Err(QueryFault::EventsOfEvent).at("view");
        }
        let view = self.view(&events.view).at("view")?;
        if view.grain() != Grain::Event {
            return Err(QueryFault::NeedsEvents(view.name)).at("view");
        }
        if events.at_least == 0 {
            return Err(QueryFault::Nought).at("at_least");
        }
        match &events.r#where {
            None => Ok(()),
            Some(expression) => self
                .expression(expression, Subject::Event(&view))
                .at("where"),
        }
    }
}

fn check_comparison(comparison: &Comparison, subject: Subject<'_>) -> Result<(), QueryError> {
    const OPERATORS: &str = "`OPERATOR_EQUAL`, `OPERATOR_LESS`, `OPERATOR_LESS_OR_EQUAL`, \
                             `OPERATOR_GREATER` and `OPERATOR_GREATER_OR_EQUAL`";
    let variable = subject.variable(&comparison.variable).at("variable")?;
    let operator = comparison.operator();
    if operator == Operator::Unspecified {
        return Err(QueryFault::NotChosen(OPERATORS)).at("operator");
    }
    let literal = comparison.literal.as_ref();
    let Some(value) = literal.and_then(|literal| literal.literal.as_ref()) else {
        return Err(QueryFault::NotChosen("`integer`, `real` and `code`")).at("literal");
    };
    let wrong = |instead| Err(wrong_type(variable, instead));
    match (&variable.r#type, value) {
        (Some(Type::Code(_)), Value::Code(_)) if operator != Operator::Equal => {
            wrong("write `OPERATOR_EQUAL`, or a list in `codes`").at("operator")
        }
        (Some(Type::Code(_)), Value::Code(code)) => check_code(code).at("literal.code"),
        (Some(Type::Code(_)), _) => wrong("write a `code`").at("literal"),
        (Some(Type::Number(number)), Value::Integer(_)) if number.is_integer => Ok(()),
        (Some(Type::Number(number)), _) if number.is_integer => {
            wrong("it is whole, so write an `integer`").at("literal")
        }
        (Some(Type::Number(_)), Value::Real(_)) if operator == Operator::Equal => {
            wrong("it need not be whole, so ask whether it is less or greater").at("operator")
        }
        (Some(Type::Number(_)), Value::Real(real)) if real.is_finite() => Ok(()),
        (Some(Type::Number(_)), Value::Real(_)) => Err(QueryFault::NotFinite).at("literal.real"),
        (Some(Type::Number(_)), _) => {
            wrong("it need not be whole, so write a `real`").at("literal")
        }
        (Some(Type::Date(_)) | None, _) => {
            wrong("ask for a window of months with `dates`").at("variable")
        }
    }
}

fn check_codes(codes: &CodeMembership, subject: Subject<'_>) -> Result<(), QueryError> {
    let system = code_variable(subject.variable(&codes.variable).at("variable")?).at("variable")?;
    if codes.codes.is_empty() {
        return Err(QueryFault::Empty).at("codes");
    }
    at_most(codes.codes.len(), CODES_MAX).at("codes")?;
    for (index, code) in codes.codes.iter().enumerate() {
        check_code(code)
            .and_then(|()| {
                if codes.with_descendants {
                    check_code_grain(code, system)
                } else {
                    Ok(())
                }
            })
            .at(format_args!("codes[{index}]"))?;
    }
    Ok(())
}

fn check_dates(dates: &DateWindow, subject: Subject<'_>) -> Result<(), QueryError> {
    let variable = subject.variable(&dates.variable).at("variable")?;
    if !is_date(variable) {
        return Err(wrong_type(variable, "ask with `comparison` or `codes`")).at("variable");
    }
    match (dates.from_month, dates.until_month) {
        (None, None) => Err(QueryFault::NoMonths).at("from_month"),
        (Some(from), Some(until)) if from >= until => Err(QueryFault::NoMonths).at("until_month"),
        _ => Ok(()),
    }
}

/// Codes stand in words that a steward reads, so they may not look like words.
fn check_code(code: &str) -> Result<(), QueryFault> {
    let characters = code.chars().count();
    let plain = |c: char| c.is_alphanumeric() || ".-_/+*".contains(c);
    if (1..=CODE_CHARACTERS_MAX).contains(&characters) && code.chars().all(plain) {
        Ok(())
    } else {
        Err(QueryFault::NotACode)
    }
}

/// A code between two levels would be a group that the register does not publish.
fn check_code_grain(code: &str, system: &Code) -> Result<(), QueryFault> {
    let levels = &system.level_characters;
    let characters = u32::try_from(code.chars().count()).unwrap_or(u32::MAX);
    if levels.contains(&characters) || levels.last().is_none_or(|last| characters > *last) {
        return Ok(());
    }
    let levels: Vec<_> = levels.iter().map(u32::to_string).collect();
    Err(QueryFault::CodeGrain {
        code: code.to_owned(),
        system: system.system.clone(),
        characters: levels.join(" or "),
    })
}

/// The variable `name` of `view`.
pub(super) fn variable<'a>(view: &'a View, name: &str) -> Result<&'a Variable, QueryFault> {
    view.variables
        .iter()
        .find(|variable| variable.name == name)
        .ok_or_else(|| QueryFault::UnknownVariable {
            variable: name.to_owned(),
            view: view.name.clone(),
            known: view.variables.iter().map(|v| v.name.clone()).collect(),
        })
}

/// The code system of a code.
pub(super) fn code_variable(variable: &Variable) -> Result<&Code, QueryFault> {
    match &variable.r#type {
        Some(Type::Code(code)) => Ok(code),
        _ => Err(wrong_type(variable, "name a variable that is a code")),
    }
}

/// What a number is.
pub(super) fn number_variable(variable: &Variable) -> Result<&Number, QueryFault> {
    match &variable.r#type {
        Some(Type::Number(number)) => Ok(number),
        _ => Err(wrong_type(variable, "name a variable that is a number")),
    }
}

/// Whether a variable is a date.
pub(super) const fn is_date(variable: &Variable) -> bool {
    matches!(variable.r#type, Some(Type::Date(_)))
}

/// That a variable is not of the type needed.
pub(super) fn wrong_type(variable: &Variable, instead: &'static str) -> QueryFault {
    QueryFault::WrongType {
        variable: variable.name.clone(),
        is: match &variable.r#type {
            Some(Type::Code(_)) => "a code",
            Some(Type::Number(_)) => "a number",
            Some(Type::Date(_)) => "a date",
            None => "of no type",
        },
        instead,
    }
}

/// The name of the field that is chosen.
const fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::All(_) => "all",
        Kind::Any(_) => "any",
        Kind::Not(_) => "not",
        Kind::Comparison(_) => "comparison",
        Kind::Codes(_) => "codes",
        Kind::Dates(_) => "dates",
        Kind::Events(_) => "events",
    }
}
