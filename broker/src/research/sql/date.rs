//! Dates, which are asked of by whole months.

use innsyn_proto::wire::research::v1::{DateWindow, Expression, Period, Variable, expression};
use jiff::civil::Date;
use sqlparser::ast::{DateTimeField, Expr, ExtractSyntax, Spanned as _};

use super::catalogue::Scope;
use super::error::{SqlError, SqlFault, refuse};
use super::expression::{any, bare, has_months, of_kind};
use super::function::Call;
use super::leaf::{Operator, is_date, wrong_type};
use super::literal::Literal;

const EXTRACT: &str = "`EXTRACT(YEAR FROM column)`";
const TRUNCATED: &str = "`DATE_TRUNC('month', column)`, with 'year', 'quarter' or 'month'";

/// The period that a date falls in, as SQL tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatePart<'a> {
    pub(super) variable: &'a Variable,
    pub(super) period: Period,
    /// Whether it is the year's number, and not its first day.
    is_number: bool,
}

impl<'a> DatePart<'a> {
    /// The part that `expr` is, if it is one.
    pub(super) fn of(expr: &Expr, scope: &Scope<'a>) -> Result<Option<Self>, SqlError> {
        let (of, period, is_number) = match bare(expr) {
            Expr::Extract {
                field: DateTimeField::Year,
                syntax: ExtractSyntax::From,
                expr,
            } => (&**expr, Period::Year, true),
            Expr::Extract { expr: of, .. } => {
                return refuse(
                    of.span(),
                    "any part of a date but its year",
                    "write `EXTRACT(YEAR FROM …)`, or `DATE_TRUNC('month', …)` for the month",
                );
            }
            Expr::Function(function) => {
                let call = Call::of(function)?;
                match call.name.as_str() {
                    "year" => {
                        let [of] = call.arguments("`year(column)`")?;
                        (of, Period::Year, true)
                    }
                    "date_trunc" => {
                        let [period, of] = call.arguments(TRUNCATED)?;
                        (of, call.period(period, TRUNCATED)?, false)
                    }
                    "month" | "quarter" => return Err(call.wrong(TRUNCATED)),
                    "date_part" => return Err(call.wrong(EXTRACT)),
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let variable = scope.variable(of)?;
        if !is_date(variable) {
            return Err(wrong_type(
                variable,
                of.span(),
                "name a column that is a date",
            ));
        }
        Ok(Some(Self {
            variable,
            period,
            is_number,
        }))
    }

    /// How many months the period has.
    const fn months(&self) -> i32 {
        match self.period {
            Period::Year => 12,
            Period::Quarter => 3,
            Period::Month | Period::Unspecified => 1,
        }
    }

    /// The first month of the period that `literal` names.
    fn month(&self, literal: &Literal, at: &Expr) -> Result<i32, SqlError> {
        if self.is_number {
            let year = literal.whole().and_then(|year| i32::try_from(year).ok());
            return year
                .filter(|year| (1..=9999).contains(year))
                .map(|year| (year - 1970) * 12)
                .ok_or_else(|| {
                    SqlError::at(
                        at.span(),
                        SqlFault::Refused {
                            what: "a year that is written like this",
                            instead: "write it as a number, such as 2020",
                        },
                    )
                });
        }
        let date = literal.date(at)?;
        let month = month(date);
        if date.day() == 1 && month.rem_euclid(self.months()) == 0 {
            Ok(month)
        } else {
            refuse(
                at.span(),
                "a date that no such period begins with",
                "write its first day, such as `DATE '2020-01-01'`",
            )
        }
    }
}

/// A date, or the period that it falls in, that can be compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dated<'a> {
    Day(&'a Variable),
    Part(DatePart<'a>),
}

impl Dated<'_> {
    /// The dates for which `self operator literal` is true.
    pub(super) fn compared(
        &self,
        operator: Operator,
        literal: &Literal,
        at: &Expr,
    ) -> Result<Expression, SqlError> {
        let windows = self.windows(operator, literal, at)?;
        let windows = windows.into_iter().map(|ends| of_kind(self.window(ends)));
        Ok(any(windows.collect()))
    }

    /// The dates between `low` and `high`, or else the others.
    pub(super) fn between(
        &self,
        low: (&Literal, &Expr),
        high: (&Literal, &Expr),
        negated: bool,
    ) -> Result<Expression, SqlError> {
        if negated {
            return Ok(any(vec![
                self.compared(Operator::Less, low.0, low.1)?,
                self.compared(Operator::Greater, high.0, high.1)?,
            ]));
        }
        let from = self.windows(Operator::GreaterOrEqual, low.0, low.1)?;
        let until = self.windows(Operator::LessOrEqual, high.0, high.1)?;
        let from_month = from.first().and_then(|(from, _)| *from);
        let until_month = until.first().and_then(|(_, until)| *until);
        let window = DateWindow {
            variable: self.variable().name.clone(),
            from_month,
            until_month,
        };
        has_months(&window, low.1.span())?;
        Ok(of_kind(expression::Expression::Dates(window)))
    }

    const fn variable(&self) -> &Variable {
        match self {
            Self::Day(variable) | Self::Part(DatePart { variable, .. }) => variable,
        }
    }

    fn window(&self, (from_month, until_month): Ends) -> expression::Expression {
        expression::Expression::Dates(DateWindow {
            variable: self.variable().name.clone(),
            from_month,
            until_month,
        })
    }

    fn windows(
        &self,
        operator: Operator,
        literal: &Literal,
        at: &Expr,
    ) -> Result<Vec<Ends>, SqlError> {
        let (month, months) = match self {
            Self::Part(part) => (part.month(literal, at)?, part.months()),
            Self::Day(_) => (whole_month(operator, literal.date(at)?, at)?, 1),
        };
        let next = month + months;
        Ok(match operator {
            Operator::Equal => vec![(Some(month), Some(next))],
            Operator::NotEqual => vec![(None, Some(month)), (Some(next), None)],
            Operator::Less => vec![(None, Some(month))],
            Operator::LessOrEqual => vec![(None, Some(next))],
            Operator::Greater => vec![(Some(next), None)],
            Operator::GreaterOrEqual => vec![(Some(month), None)],
        })
    }
}

/// The first month of a window, and the first one after it.
type Ends = (Option<i32>, Option<i32>);

/// The month of `date`, if a comparison with the day asks of whole months.
fn whole_month(operator: Operator, date: Date, at: &Expr) -> Result<i32, SqlError> {
    let is_end = match operator {
        Operator::Less | Operator::GreaterOrEqual => date.day() == 1,
        Operator::Greater | Operator::LessOrEqual => date == date.last_of_month(),
        Operator::Equal | Operator::NotEqual => false,
    };
    if is_end {
        Ok(month(date))
    } else {
        refuse(
            at.span(),
            "less than whole months",
            "write `>= DATE '2020-01-01'` with a first day, or `<= DATE '2020-01-31'` with a last",
        )
    }
}

/// Months since January 1970.
fn month(date: Date) -> i32 {
    (i32::from(date.year()) - 1970) * 12 + i32::from(date.month()) - 1
}
