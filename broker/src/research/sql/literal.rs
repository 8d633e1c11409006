//! Values written in a statement.

use jiff::civil::Date;
use sqlparser::ast::{
    DataType, Expr, Spanned as _, TypedString, UnaryOperator, Value, ValueWithSpan,
};

use super::error::{SqlError, refuse};
use super::expression::bare;

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    /// Digits, with a sign or a point perhaps.
    Number(String),
    /// What stood between single quotes.
    Text(String),
    /// `DATE '…'`.
    Date(Date),
}

impl Literal {
    /// The literal that `expr` is, if it is one.
    pub(super) fn of(expr: &Expr) -> Result<Option<Self>, SqlError> {
        match bare(expr) {
            Expr::Value(ValueWithSpan { value, .. }) => Self::of_value(value, expr).map(Some),
            Expr::UnaryOp {
                op: op @ (UnaryOperator::Minus | UnaryOperator::Plus),
                expr: inner,
            } => match &**inner {
                Expr::Value(ValueWithSpan {
                    value: Value::Number(digits, false),
                    ..
                }) if *op == UnaryOperator::Minus => Ok(Some(Self::Number(format!("-{digits}")))),
                Expr::Value(ValueWithSpan {
                    value: Value::Number(digits, false),
                    ..
                }) => Ok(Some(Self::Number(digits.clone()))),
                _ => Ok(None),
            },
            Expr::TypedString(TypedString {
                data_type: DataType::Date,
                value:
                    ValueWithSpan {
                        value: Value::SingleQuotedString(text),
                        ..
                    },
                uses_odbc_syntax: false,
            }) => Self::Text(text.clone())
                .date(expr)
                .map(|date| Some(Self::Date(date))),
            _ => Ok(None),
        }
    }

    fn of_value(value: &Value, expr: &Expr) -> Result<Self, SqlError> {
        match value {
            Value::Number(digits, false) => Ok(Self::Number(digits.clone())),
            Value::SingleQuotedString(text) => Ok(Self::Text(text.clone())),
            Value::Null => refuse(
                expr.span(),
                "a comparison with `NULL`",
                "a missing value is a group of its own: group by the column",
            ),
            Value::Boolean(_) => refuse(
                expr.span(),
                "a condition that is always the same",
                "compare a column with a value",
            ),
            _ => refuse(
                expr.span(),
                "a value of this kind",
                "write a number, `'text'` or `DATE '2020-01-01'`",
            ),
        }
    }

    /// The whole number that it is.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            Self::Text(_) | Self::Date(_) => None,
        }
    }

    /// The day that it is.
    pub(super) fn date(&self, expr: &Expr) -> Result<Date, SqlError> {
        let date = match self {
            Self::Date(date) => Some(*date),
            // Written out again, so that nothing but a day is taken for one.
            Self::Text(text) => text
                .parse()
                .ok()
                .filter(|date: &Date| date.to_string() == *text),
            Self::Number(_) => None,
        };
        date.map_or_else(
            || {
                refuse(
                    expr.span(),
                    "a date that is written like this",
                    "write `DATE '2020-01-01'`",
                )
            },
            Ok,
        )
    }
}
