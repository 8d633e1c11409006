//! `WHERE`: what is true of a person, or of an event.

use innsyn_proto::wire::research::v1::{Expression, Variable, variable::Type};
use sqlparser::ast::{BinaryOperator, Expr, Query, Spanned as _, UnaryOperator};
use sqlparser::tokenizer::Span;

use super::SQL_CONDITIONS_MAX;
use super::catalogue::{Catalogue, Column, Scope};
use super::date::{DatePart, Dated};
use super::error::{SqlError, SqlFault, refuse};
use super::expression::{all, any, bare, not};
use super::leaf::{Operator, code, codes, compared, is_code, negated_code, prefix, wrong_type};
use super::literal::Literal;
use super::subselect;
use super::text::Text;

/// Lowers the conditions of one `SELECT`.
#[derive(Debug)]
pub(super) struct Conditions<'a, 's> {
    pub(super) text: &'s Text,
    pub(super) catalogue: Catalogue<'a>,
    pub(super) scope: &'s Scope<'a>,
    /// How many conditions have been lowered.
    pub(super) lowered: usize,
    /// Whether a variable of the event was met.
    pub(super) is_of_event: bool,
    /// Where events of the person were asked of.
    pub(super) asks_of_events: Option<Span>,
}

/// What is compared.
enum Operand<'a, 's> {
    Number(&'a Variable),
    Code(&'a Variable),
    Dated(Dated<'a>),
    Events(&'s Query),
    Literal(Literal),
}

/// The parts of a condition that are all true, each with whether it is negated.
pub(super) fn conjuncts<'e>(expr: &'e Expr, negated: bool, parts: &mut Vec<(&'e Expr, bool)>) {
    let conjunction = if negated {
        BinaryOperator::Or
    } else {
        BinaryOperator::And
    };
    // The parser hangs a chain's operands to the left.
    let mut rest = bare(expr);
    let mut operands = Vec::new();
    loop {
        match rest {
            Expr::BinaryOp { left, op, right } if *op == conjunction => {
                operands.push(&**right);
                rest = bare(left);
            }
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => {
                conjuncts(expr, !negated, parts);
                break;
            }
            _ => {
                parts.push((rest, negated));
                break;
            }
        }
    }
    for operand in operands.into_iter().rev() {
        conjuncts(operand, negated, parts);
    }
}

impl<'a> Conditions<'a, '_> {
    /// `expr`, or its negation, as SQL understands it: true, and not merely unknown.
    pub(super) fn condition(&mut self, expr: &Expr, negated: bool) -> Result<Expression, SqlError> {
        match bare(expr) {
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.condition(expr, !negated),
            Expr::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => self.chain(bare(expr), op, negated),
            // What these are true of is never unknown.
            Expr::IsTrue(inner) => Ok(not_if(self.condition(inner, false)?, negated)),
            Expr::IsNotTrue(inner) => Ok(not_if(self.condition(inner, false)?, !negated)),
            Expr::IsNotDistinctFrom(left, right) => {
                let equal = self.compared(left, Operator::Equal, right)?;
                Ok(not_if(equal, negated))
            }
            Expr::IsDistinctFrom(left, right) => {
                let equal = self.compared(left, Operator::Equal, right)?;
                Ok(not_if(equal, !negated))
            }
            leaf => self.leaf(leaf, negated),
        }
    }

    /// Operands of `op`, without going deeper for each of them.
    fn chain(
        &mut self,
        expr: &Expr,
        op: &BinaryOperator,
        negated: bool,
    ) -> Result<Expression, SqlError> {
        let mut operands = Vec::new();
        let mut rest = expr;
        while let Expr::BinaryOp {
            left,
            op: other,
            right,
        } = rest
            && other == op
        {
            operands.push(&**right);
            rest = left;
        }
        operands.push(rest);
        let lowered: Result<Vec<_>, _> = operands
            .into_iter()
            .rev()
            .map(|operand| self.condition(operand, negated))
            .collect();
        // De Morgan's law holds in SQL, too: not all is any not.
        if (*op == BinaryOperator::And) == negated {
            Ok(any(lowered?))
        } else {
            all(lowered?, expr.span())
        }
    }

    fn leaf(&mut self, leaf: &Expr, negated: bool) -> Result<Expression, SqlError> {
        self.lowered += 1;
        if self.lowered > SQL_CONDITIONS_MAX {
            return Err(SqlError::at(leaf.span(), SqlFault::TooManyConditions));
        }
        match leaf {
            Expr::BinaryOp { left, op, right } => match Operator::of(op) {
                Some(operator) => self.compared(left, operator.negated_if(negated), right),
                None => refuse(
                    right.span(),
                    "arithmetic, or a comparison of this kind,",
                    "compare a column with a value by `=`, `<>`, `<`, `<=`, `>` or `>=`",
                ),
            },
            Expr::InList {
                expr,
                list,
                negated: not_in,
            } => self.in_list(expr, list, negated != *not_in),
            Expr::Between {
                expr,
                negated: not_between,
                low,
                high,
            } => self.between(expr, low, high, negated != *not_between),
            Expr::Like {
                negated: not_like,
                any,
                expr,
                pattern,
                escape_char: None,
            } => self.like(expr, pattern, *any, negated != *not_like),
            Expr::Exists {
                subquery,
                negated: not_exists,
            } => subselect::exists(self, subquery)
                .map(|events| not_if(events, negated != *not_exists)),
            other => Err(refused(other)),
        }
    }

    /// Two sides of a comparison, of which one is a value.
    fn compared(
        &mut self,
        left: &Expr,
        operator: Operator,
        right: &Expr,
    ) -> Result<Expression, SqlError> {
        let (of, operator, literal, at) = match (self.operand(left)?, self.operand(right)?) {
            (Operand::Literal(_), Operand::Literal(_)) => {
                return refuse(
                    left.span(),
                    "a condition that is always the same",
                    "compare a column with a value",
                );
            }
            (of, Operand::Literal(literal)) => (of, operator, literal, right),
            (Operand::Literal(literal), of) => (of, operator.turned(), literal, left),
            _ => {
                return refuse(
                    right.span(),
                    "a comparison of two columns",
                    "compare each with a value",
                );
            }
        };
        match of {
            Operand::Number(variable) | Operand::Code(variable) => {
                compared(variable, operator, &literal, at)
            }
            Operand::Dated(dated) => dated.compared(operator, &literal, at),
            Operand::Events(query) => subselect::counted(self, query, operator, &literal, at),
            // Taken above.
            Operand::Literal(_) => Err(SqlError::at(at.span(), SqlFault::Unread)),
        }
    }

    fn in_list(
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
            return codes(variable, listed, false);
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

    fn between(
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

    fn like(
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
        codes(variable, above, true)
    }

    fn operand<'e>(&mut self, expr: &'e Expr) -> Result<Operand<'a, 'e>, SqlError> {
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
pub(super) fn value(expr: &Expr) -> Result<Literal, SqlError> {
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

fn not_if(expression: Expression, negated: bool) -> Expression {
    if negated { not(expression) } else { expression }
}

/// Why `expr` is no condition, and no operand of one.
fn refused(expr: &Expr) -> SqlError {
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
