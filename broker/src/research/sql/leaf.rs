//! One variable compared with values.
//!
//! SQL leaves out a row where the value is missing, negated or not; a negation in a query counts
//! it. So a negated comparison of numbers or dates is turned round, and a negated one of codes,
//! which cannot be, is refused.

use innsyn_proto::wire::research::v1::{
    CodeMembership, Comparison, Expression, Literal as WireLiteral, Operator as WireOperator,
    Variable, expression::Expression as Kind, literal::Literal as Value, variable::Type,
};
use sqlparser::ast::{BinaryOperator, Expr, Spanned as _};
use sqlparser::tokenizer::Span;

use super::error::{SqlError, SqlFault, refuse};
use super::expression::{any, of_kind};
use super::literal::Literal;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The comparison that `operator` is, if it is one.
    pub(super) const fn of(operator: &BinaryOperator) -> Option<Self> {
        match operator {
            BinaryOperator::Eq => Some(Self::Equal),
            BinaryOperator::NotEq => Some(Self::NotEqual),
            BinaryOperator::Lt => Some(Self::Less),
            BinaryOperator::LtEq => Some(Self::LessOrEqual),
            BinaryOperator::Gt => Some(Self::Greater),
            BinaryOperator::GtEq => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    /// True where this is false, of values that are there.
    pub(super) const fn negated_if(self, negated: bool) -> Self {
        match (self, negated) {
            (operator, false) => operator,
            (Self::Equal, true) => Self::NotEqual,
            (Self::NotEqual, true) => Self::Equal,
            (Self::Less, true) => Self::GreaterOrEqual,
            (Self::LessOrEqual, true) => Self::Greater,
            (Self::Greater, true) => Self::LessOrEqual,
            (Self::GreaterOrEqual, true) => Self::Less,
        }
    }

    /// The same with its sides exchanged.
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    const fn wire(self) -> WireOperator {
        match self {
            Self::Equal => WireOperator::Equal,
            Self::NotEqual => WireOperator::Unspecified,
            Self::Less => WireOperator::Less,
            Self::LessOrEqual => WireOperator::LessOrEqual,
            Self::Greater => WireOperator::Greater,
            Self::GreaterOrEqual => WireOperator::GreaterOrEqual,
        }
    }
}

/// A number or a code compared with `literal`.
pub(super) fn compared(
    variable: &Variable,
    operator: Operator,
    literal: &Literal,
    at: &Expr,
) -> Result<Expression, SqlError> {
    let value = match &variable.r#type {
        Some(Type::Code(_)) if operator == Operator::Equal => {
            return code(variable, literal, at).map(|code| codes(variable, vec![code], false));
        }
        Some(Type::Code(_)) if operator == Operator::NotEqual => {
            return negated_code(at.span(), "write `column IS DISTINCT FROM 'code'`");
        }
        Some(Type::Code(_)) => {
            return Err(wrong_type(
                variable,
                at.span(),
                "write `=`, `IN` or `LIKE 'I21%'`",
            ));
        }
        Some(Type::Number(number)) if number.is_integer => literal
            .whole()
            .map(Value::Integer)
            .ok_or_else(|| wrong_type(variable, at.span(), "write a whole number"))?,
        Some(Type::Number(_)) if matches!(operator, Operator::Equal | Operator::NotEqual) => {
            return Err(wrong_type(
                variable,
                at.span(),
                "it need not be whole, so ask whether it is less or greater",
            ));
        }
        Some(Type::Number(_)) => real(literal)
            .map(Value::Real)
            .ok_or_else(|| wrong_type(variable, at.span(), "write a number"))?,
        Some(Type::Date(_)) | None => {
            return Err(wrong_type(variable, at.span(), "write a date"));
        }
    };
    let comparison = |operator: Operator, value: Value| {
        of_kind(Kind::Comparison(Comparison {
            variable: variable.name.clone(),
            operator: operator.wire().into(),
            literal: Some(WireLiteral {
                literal: Some(value),
            }),
        }))
    };
    Ok(if operator == Operator::NotEqual {
        any(vec![
            comparison(Operator::Less, value.clone()),
            comparison(Operator::Greater, value),
        ])
    } else {
        comparison(operator, value)
    })
}

/// The code of `variable` is one of `codes`, or below one.
pub(super) fn codes(variable: &Variable, codes: Vec<String>, with_descendants: bool) -> Expression {
    of_kind(Kind::Codes(CodeMembership {
        variable: variable.name.clone(),
        codes,
        with_descendants,
    }))
}

/// The code that `literal` must be.
pub(super) fn code(variable: &Variable, literal: &Literal, at: &Expr) -> Result<String, SqlError> {
    match literal {
        Literal::Text(code) => Ok(code.clone()),
        Literal::Number(_) | Literal::Date(_) => {
            Err(wrong_type(variable, at.span(), "write it as text: `'I21'`"))
        }
    }
}

/// The code that `literal` says all codes begin with.
pub(super) fn prefix(
    variable: &Variable,
    literal: &Literal,
    at: &Expr,
) -> Result<String, SqlError> {
    let pattern = code(variable, literal, at)?;
    match pattern.strip_suffix('%') {
        Some(code) if !code.contains(['%', '_', '\\']) => Ok(code.to_owned()),
        _ => refuse(
            at.span(),
            "any pattern but a code with all that is below it",
            "write `LIKE 'I21%'`, with `%` at the end and nowhere else",
        ),
    }
}

/// A code that is another: also where it is missing, in a query.
pub(super) fn negated_code<T>(span: Span, instead: &'static str) -> Result<T, SqlError> {
    refuse(
        span,
        "a negated condition on codes, which leaves out those without a code,",
        instead,
    )
}

/// The finite number that `literal` is.
fn real(literal: &Literal) -> Option<f64> {
    match literal {
        Literal::Number(digits) => digits.parse().ok().filter(|real: &f64| real.is_finite()),
        Literal::Text(_) | Literal::Date(_) => None,
    }
}

/// Whether a variable is a code.
pub(super) const fn is_code(variable: &Variable) -> bool {
    matches!(variable.r#type, Some(Type::Code(_)))
}

/// Whether a variable is a date.
pub(super) const fn is_date(variable: &Variable) -> bool {
    matches!(variable.r#type, Some(Type::Date(_)))
}

/// That a variable is not of the type needed.
pub(super) fn wrong_type(variable: &Variable, span: Span, instead: &'static str) -> SqlError {
    SqlError::at(
        span,
        SqlFault::WrongType {
            column: variable.name.clone(),
            is: match &variable.r#type {
                Some(Type::Code(_)) => "a code",
                Some(Type::Number(_)) => "a number",
                Some(Type::Date(_)) => "a date",
                None => "of no type",
            },
            instead,
        },
    )
}
