//! `WHERE`: what is true of a person, or of an event.

mod operand;

use innsyn_proto::wire::research::v1::Expression;
use sqlparser::ast::{BinaryOperator, Expr, Spanned as _, UnaryOperator};
use sqlparser::tokenizer::Span;

pub(super) use self::operand::value;
use self::operand::{Operand, refused};
use super::SQL_CONDITIONS_MAX;
use super::catalogue::{Catalogue, Scope};
use super::error::{SqlError, SqlFault, refuse};
use super::expression::{all, any, bare, not};
use super::leaf::{Operator, compared};
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

impl Conditions<'_, '_> {
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
}

fn not_if(expression: Expression, negated: bool) -> Expression {
    if negated { not(expression) } else { expression }
}
