//! What a condition is of: a column, a part of a date, counted events; and lists, ranges and
//! patterns of values.

use innsyn_proto::wire::research::v1::{Expression, Variable, variable::Type};
use sqlparser::ast::{Expr, Query, Spanned as _};

use super::super::catalogue::Column;
use super::super::date::{DatePart, Dated};
use super::super::error::{SqlError, SqlFault, refuse};
use super::super::expression::{all, any, bare};
use super::super::leaf::{
    Operator, code, codes, compared, is_code, negated_code, prefix, wrong_type,
};
use super::super::literal::Literal;
use super::Conditions;

/// What is compared.
pub(super) enum Operand<'a, 's> {
    Number(&'a Variable),
    Code(&'a Variable),
    Dated(Dated<'a>),
    Events(&'s Query),
    Literal(Literal),
}

impl<'a> Conditions<'a, '_> {
    pub(super) fn in_list(
        &mut self,
        expr: &Expr,
        list: &[Expr],
        negated: bool,
    ) -> Result<Expression, SqlError> {
        let of = self.operand(expr)?;
        if let Operand::Code(variable) = of {
            if negated {
                return negated_code(
                    expr.span(),
                    "write `(column IN (…)) IS NOT TRUE`, which counts them",
                );
            }
            let listed = list
                .iter()
                .map(|at| code(variable, &value(at)?, at))
                .collect::<Result<_, _>>()?;
            return Ok(codes(variable, listed, false));
        }
        let operator = Operator::Equal.negated_if(negated);
        let lowered = list
            .iter()
            .map(|at| match &of {
                Operand::Number(variable) => compared(variable, operator, &value(at)?, at),
                Operand::Dated(dated) => dated.compared(operator, &value(at)?, at),
                _ => refuse(
                    expr.span(),
                    "`IN` of anything but a column",
                    "write `column IN ('A', 'B')`",
                ),
            })
            .collect::<Result<_, _>>()?;
        if negated {
            all(lowered, expr.span())
        } else {
            Ok(any(lowered))
        }
    }

    pub(super) fn between(
        &mut self,
        expr: &Expr,
        low: &Expr,
        high: &Expr,
        negated: bool,
    ) -> Result<Expression, SqlError> {
        let (lowest, highest) = (value(low)?, value(high)?);
        match self.operand(expr)? {
            Operand::Dated(dated) => dated.between((&lowest, low), (&highest, high), negated),
            Operand::Number(variable) | Operand::Code(variable) => {
                let from = Operator::GreaterOrEqual.negated_if(negated);
                let to = Operator::LessOrEqual.negated_if(negated);
                let ends = vec![
                    compared(variable, from, &lowest, low)?,
                    compared(variable, to, &highest, high)?,
                ];
                if negated {
                    Ok(any(ends))
                } else {
                    all(ends, expr.span())
                }
            }
            Operand::Events(_) | Operand::Literal(_) => refuse(
                expr.span(),
                "`BETWEEN` of anything but a column",
                "write `column BETWEEN 1 AND 5`",
            ),
        }
    }

    pub(super) fn like(
        &mut self,
        expr: &Expr,
        pattern: &Expr,
        is_any: bool,
        negated: bool,
    ) -> Result<Expression, SqlError> {
        let variable = self.variable(expr)?;
        if !is_code(variable) {
            return Err(wrong_type(
                variable,
                expr.span(),
                "`LIKE` is for columns that are codes",
            ));
        }
        if negated {
            return negated_code(
                expr.span(),
                "write `(column LIKE 'I21%') IS NOT TRUE`, which counts them",
            );
        }
        let patterns = match bare(pattern) {
            Expr::Tuple(patterns) if is_any => patterns.iter().collect(),
            only => vec![only],
        };
        let above = patterns
            .into_iter()
            .map(|at| prefix(variable, &value(at)?, at))
            .collect::<Result<_, _>>()?;
        Ok(codes(variable, above, true))
    }

    pub(super) fn operand<'e>(&mut self, expr: &'e Expr) -> Result<Operand<'a, 'e>, SqlError> {
        if let Some(literal) = Literal::of(expr)? {
            return Ok(Operand::Literal(literal));
        }
        if let Expr::Subquery(query) = bare(expr) {
            return Ok(Operand::Events(query));
        }
        if let Some(part) = DatePart::of(expr, self.scope)? {
            self.meets(part.variable);
            return Ok(Operand::Dated(Dated::Part(part)));
        }
        let variable = self.variable(expr)?;
        Ok(match variable.r#type {
            Some(Type::Date(_)) => Operand::Dated(Dated::Day(variable)),
            Some(Type::Code(_)) => Operand::Code(variable),
            Some(Type::Number(_)) | None => Operand::Number(variable),
        })
    }

    fn variable(&mut self, expr: &Expr) -> Result<&'a Variable, SqlError> {
        match self.scope.column(expr)? {
            Some(Column::Register) => refuse(
                expr.span(),
                "this of `_register`",
                "write `_register IN ('…')` once, joined to the rest by `AND`",
            ),
            Some(Column::OuterPerson) => refuse(
                expr.span(),
                "this of a person",
                "write `inner.person = outer.person` once, joined to the rest by `AND`",
            ),
            None => Err(refused(bare(expr))),
            Some(_) => {
                let variable = self.scope.variable(expr)?;
                self.meets(variable);
                Ok(variable)
            }
        }
    }

    const fn meets(&mut self, variable: &Variable) {
        self.is_of_event |= !variable.of_person;
    }
}

/// The value that `expr` must be.
pub(in super::super) fn value(expr: &Expr) -> Result<Literal, SqlError> {
    Literal::of(expr)?.map_or_else(
        || {
            refuse(
                expr.span(),
                "anything but a value here",
                "write a number, `'text'` or `DATE '2020-01-01'`",
            )
        },
        Ok,
    )
}

/// Why `expr` is no condition, and no operand of one.
pub(super) fn refused(expr: &Expr) -> SqlError {
    let (what, instead) = match expr {
        Expr::IsNull(_) | Expr::IsNotNull(_) => (
            "whether a value is missing",
            "a missing value is a group of its own: group by the column and read that row",
        ),
        Expr::ILike { .. } | Expr::Like { .. } | Expr::SimilarTo { .. } | Expr::RLike { .. } => (
            "any pattern but a code with all that is below it",
            "write `column LIKE 'I21%'`",
        ),
        Expr::InSubquery { .. } | Expr::Subquery(_) => (
            "a `SELECT` here",
            "write `EXISTS (SELECT 1 FROM stays AS s WHERE s.person = people.person AND …)`",
        ),
        Expr::Case { .. } => ("`CASE`", "join conditions by `AND`, `OR` and `NOT`"),
        Expr::Cast { .. } | Expr::Convert { .. } => (
            "a cast",
            "write the value as the column has it, a date as `DATE '2020-01-01'`",
        ),
        Expr::Function(_) => (
            "a function in a condition",
            "compare the column itself; of dates, `year(…)` and `DATE_TRUNC(…)` are known, and \
             `first_event()` and `last_event()` are joined to the rest by `AND`",
        ),
        _ => (
            "this as a condition",
            "compare a column with a value, and join conditions by `AND`, `OR` and `NOT`",
        ),
    };
    SqlError::at(expr.span(), SqlFault::Refused { what, instead })
}
