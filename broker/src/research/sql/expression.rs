//! Putting expressions together.

use innsyn_proto::wire::research::v1::{
    DateWindow, Expression, Expressions, expression::Expression as Kind,
};
use sqlparser::ast::Expr;
use sqlparser::tokenizer::Span;

use super::error::{SqlError, refuse};

/// `expr` without the parentheses around it.
pub(super) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

pub(super) const fn of_kind(kind: Kind) -> Expression {
    Expression {
        expression: Some(kind),
    }
}

/// True where `expression` is not: also of a value that is missing.
pub(super) fn not(expression: Expression) -> Expression {
    of_kind(Kind::Not(Box::new(expression)))
}

/// Any of `operands`, of which there is one at least.
pub(super) fn any(mut operands: Vec<Expression>) -> Expression {
    match operands.pop() {
        Some(only) if operands.is_empty() => only,
        last => {
            operands.extend(last);
            of_kind(Kind::Any(Expressions { of: operands }))
        }
    }
}

/// All of `operands`, of which there is one at least; windows of one date become one window.
pub(super) fn all(operands: Vec<Expression>, span: Span) -> Result<Expression, SqlError> {
    let mut of: Vec<Expression> = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand.expression {
            Some(Kind::All(inner)) => {
                for operand in inner.of {
                    add(&mut of, operand, span)?;
                }
            }
            expression => add(&mut of, Expression { expression }, span)?,
        }
    }
    match of.pop() {
        Some(only) if of.is_empty() => Ok(only),
        last => {
            of.extend(last);
            Ok(of_kind(Kind::All(Expressions { of })))
        }
    }
}

fn add(of: &mut Vec<Expression>, operand: Expression, span: Span) -> Result<(), SqlError> {
    let Some(Kind::Dates(window)) = &operand.expression else {
        of.push(operand);
        return Ok(());
    };
    let earlier = of.iter_mut().find_map(|other| match &mut other.expression {
        Some(Kind::Dates(earlier)) if earlier.variable == window.variable => Some(earlier),
        _ => None,
    });
    let Some(earlier) = earlier else {
        of.push(operand);
        return Ok(());
    };
    earlier.from_month = earlier.from_month.max(window.from_month);
    earlier.until_month = match (earlier.until_month, window.until_month) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    has_months(earlier, span)
}

/// Fails if no date is in `window`.
pub(super) fn has_months(window: &DateWindow, span: Span) -> Result<(), SqlError> {
    match (window.from_month, window.until_month) {
        (Some(from), Some(until)) if from >= until => refuse(
            span,
            "a window of dates that ends before it begins",
            "write the earlier date first",
        ),
        _ => Ok(()),
    }
}
