//! A person's other events, asked of by a `SELECT` within a condition.

use innsyn_proto::wire::research::v1::{Events, Expression, expression::Expression as Kind};
use sqlparser::ast::{
    BinaryOperator, Expr, Query, SelectItem, Spanned as _, Value, WildcardAdditionalOptions,
};

use super::catalogue::{Column, Scope};
use super::condition::{Conditions, conjuncts};
use super::error::{SqlError, SqlFault, refuse};
use super::expression::{all, any, bare, not, of_kind};
use super::function::Call;
use super::leaf::Operator;
use super::literal::Literal;
use super::select::Clauses;

/// The person has an event of `query`.
pub(super) fn exists(
    outer: &mut Conditions<'_, '_>,
    query: &Query,
) -> Result<Expression, SqlError> {
    let clauses = Clauses::of(query, outer.text)?;
    let is_plain = match clauses.list {
        [SelectItem::Wildcard(options)] => *options == WildcardAdditionalOptions::default(),
        [SelectItem::UnnamedExpr(Expr::Value(value))] => matches!(value.value, Value::Number(..)),
        _ => false,
    };
    if !is_plain {
        return refuse(
            query.span(),
            "anything but whether there is an event",
            "write `EXISTS (SELECT 1 FROM …)`",
        );
    }
    events(outer, query, &clauses).map(|events| at_least(&events, 1))
}

/// So many events of `query` as `operator` and `literal` say.
pub(super) fn counted(
    outer: &mut Conditions<'_, '_>,
    query: &Query,
    operator: Operator,
    literal: &Literal,
    at: &Expr,
) -> Result<Expression, SqlError> {
    let clauses = Clauses::of(query, outer.text)?;
    let is_count = match clauses.list {
        [SelectItem::UnnamedExpr(Expr::Function(function))] => {
            let call = Call::of(function)?;
            call.name == "count" && call.is_of_rows && !call.is_distinct
        }
        _ => false,
    };
    if !is_count {
        return refuse(
            query.span(),
            "anything but how many events there are",
            "write `(SELECT COUNT(*) FROM …) >= 2`",
        );
    }
    let events = events(outer, query, &clauses)?;
    let number = literal
        .whole()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number < u32::MAX)
        .ok_or_else(|| {
            SqlError::at(
                at.span(),
                SqlFault::Refused {
                    what: "such a number of events",
                    instead: "write a whole number, 0 or more",
                },
            )
        })?;
    let least = |number: u32| match number {
        0 => refuse(
            at.span(),
            "a condition that is always the same",
            "at least 0 events have all; write `>= 1`",
        ),
        number => Ok(at_least(&events, number)),
    };
    match operator {
        Operator::GreaterOrEqual => least(number),
        Operator::Greater => least(number + 1),
        Operator::Less => least(number).map(not),
        Operator::LessOrEqual => least(number + 1).map(not),
        Operator::Equal if number == 0 => least(1).map(not),
        Operator::NotEqual if number == 0 => least(1),
        Operator::Equal => all(vec![least(number)?, not(least(number + 1)?)], at.span()),
        Operator::NotEqual => Ok(any(vec![not(least(number)?), least(number + 1)?])),
    }
}

fn at_least(events: &Events, at_least: u32) -> Expression {
    of_kind(Kind::Events(Box::new(Events {
        at_least,
        ..events.clone()
    })))
}

/// The events of `query`, which must be the person's own.
fn events(
    outer: &mut Conditions<'_, '_>,
    query: &Query,
    clauses: &Clauses<'_>,
) -> Result<Events, SqlError> {
    if outer.asks_of_events.is_none() {
        outer.asks_of_events = Some(query.span());
    }
    clauses.is_of_events(outer.text)?;
    let view = outer.catalogue.view(clauses.view)?;
    let scope = Scope::new(view, clauses.view, clauses.alias, Some(outer.scope))?;
    if !scope.is_of_events() {
        return refuse(
            clauses.view.span,
            "events of a view that has none",
            "name a view of events",
        );
    }
    let mut parts = Vec::new();
    if let Some(condition) = clauses.condition {
        conjuncts(condition, false, &mut parts);
    }
    let mut is_of_person = false;
    let mut rest = Vec::with_capacity(parts.len());
    for part in parts {
        if !is_of_person && is_same_person(part, &scope)? {
            is_of_person = true;
        } else {
            rest.push(part);
        }
    }
    if !is_of_person {
        return refuse(
            clauses.view.span,
            "events of anybody",
            "begin with `WHERE inner.person = outer.person`, with both views' names or aliases",
        );
    }
    let mut inner = Conditions {
        text: outer.text,
        catalogue: outer.catalogue,
        scope: &scope,
        lowered: 0,
        is_of_event: false,
        asks_of_events: None,
    };
    let lowered = rest
        .into_iter()
        .map(|(expr, negated)| inner.condition(expr, negated))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(span) = inner.asks_of_events {
        return refuse(
            span,
            "events of an event",
            "put each `EXISTS` into the outer `WHERE`",
        );
    }
    let r#where = if lowered.is_empty() {
        None
    } else {
        Some(Box::new(all(lowered, clauses.view.span)?))
    };
    Ok(Events {
        view: view.name.clone(),
        r#where,
        at_least: 1,
    })
}

/// Whether a condition says that inner and outer person are one.
fn is_same_person((expr, negated): (&Expr, bool), scope: &Scope<'_>) -> Result<bool, SqlError> {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = bare(expr)
    else {
        return Ok(false);
    };
    let is_compound = |side: &Expr| matches!(bare(side), Expr::CompoundIdentifier(_));
    if negated || !is_compound(left) || !is_compound(right) {
        return Ok(false);
    }
    Ok(matches!(
        (scope.column(left)?, scope.column(right)?),
        (Some(Column::Person), Some(Column::OuterPerson))
            | (Some(Column::OuterPerson), Some(Column::Person))
    ))
}
