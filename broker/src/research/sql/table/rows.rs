//! Which persons, and which of their events, make the table.
//!
//! Of the conditions that are all true, one may name registers and one may pick an event; those
//! that ask of the person only choose persons, and the others choose events.

use innsyn_proto::wire::research::v1::{Expression, Pick};
use sqlparser::ast::{BinaryOperator, Expr, Ident, Spanned as _};

use super::super::catalogue::{Catalogue, Scope, folded};
use super::super::condition::{Conditions, conjuncts, value};
use super::super::error::{SqlError, refuse};
use super::super::expression::{all, bare};
use super::super::function::Call;
use super::super::literal::Literal;
use super::super::text::Text;

/// The conditions, sorted by what they are about.
#[derive(Debug)]
pub(super) struct Parts<'e> {
    pub(super) registers: Vec<String>,
    picked: Option<(Pick, &'e Expr)>,
    rest: Vec<(&'e Expr, bool)>,
}

impl<'e> Parts<'e> {
    pub(super) fn of(condition: Option<&'e Expr>) -> Result<Self, SqlError> {
        let mut parts = Vec::new();
        if let Some(condition) = condition {
            conjuncts(condition, false, &mut parts);
        }
        let mut sorted = Self {
            registers: Vec::new(),
            picked: None,
            rest: Vec::with_capacity(parts.len()),
        };
        for (expr, negated) in parts {
            if negated {
                sorted.rest.push((expr, negated));
            } else if let Some(registers) = registers(expr)? {
                if !sorted.registers.is_empty() {
                    return refuse(expr.span(), "`_register` twice", "name registers once");
                }
                sorted.registers = registers;
            } else if let Some(pick) = picked(expr)? {
                if sorted.picked.is_some() {
                    return refuse(expr.span(), "two picks of an event", "leave one out");
                }
                sorted.picked = Some((pick, expr));
            } else {
                sorted.rest.push((expr, negated));
            }
        }
        Ok(sorted)
    }

    /// The population, and the condition on events.
    pub(super) fn lower(
        &self,
        text: &Text,
        catalogue: Catalogue<'_>,
        scope: &Scope<'_>,
    ) -> Result<(Option<Expression>, Option<Expression>), SqlError> {
        let mut conditions = Conditions {
            text,
            catalogue,
            scope,
            lowered: 0,
            is_of_event: false,
            asks_of_events: None,
        };
        let (mut of_person, mut of_event) = (Vec::new(), Vec::new());
        for (expr, negated) in &self.rest {
            conditions.is_of_event = false;
            conditions.asks_of_events = None;
            let lowered = conditions.condition(expr, *negated)?;
            match conditions.asks_of_events {
                _ if !scope.is_of_events() || !conditions.is_of_event => of_person.push(lowered),
                None => of_event.push(lowered),
                Some(span) => {
                    return refuse(
                        span,
                        "a condition of an event and of a person's other events in one `OR`",
                        "join the `EXISTS` to the rest by `AND`",
                    );
                }
            }
        }
        let joined = |of: Vec<_>| match (self.rest.first(), of.is_empty()) {
            (Some((first, _)), false) => all(of, first.span()).map(Some),
            _ => Ok(None),
        };
        Ok((joined(of_person)?, joined(of_event)?))
    }

    /// Which event makes a person's row.
    pub(super) fn pick(&self, scope: &Scope<'_>) -> Result<Pick, SqlError> {
        match self.picked {
            None => Ok(Pick::All),
            Some((pick, _)) if scope.is_of_events() => Ok(pick),
            Some((_, expr)) => refuse(
                expr.span(),
                "the first or last event of a view without events",
                "leave it out, or name a view of events",
            ),
        }
    }
}

/// The registers that `expr` names, if it is such a condition.
fn registers(expr: &Expr) -> Result<Option<Vec<String>>, SqlError> {
    let (of, values) = match bare(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => (&**left, vec![&**right]),
        Expr::InList {
            expr,
            list,
            negated: false,
        } => (&**expr, list.iter().collect()),
        _ => return Ok(None),
    };
    let is_register = |ident: &Ident| folded(ident) == "_register";
    if !matches!(bare(of), Expr::Identifier(ident) if is_register(ident)) {
        return Ok(None);
    }
    values
        .into_iter()
        .map(|at| match value(at)? {
            Literal::Text(register) => Ok(register),
            Literal::Number(_) | Literal::Date(_) => refuse(
                at.span(),
                "a register that is written like this",
                "write its id as text",
            ),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// `first_event()` or `last_event()`.
fn picked(expr: &Expr) -> Result<Option<Pick>, SqlError> {
    let Expr::Function(function) = bare(expr) else {
        return Ok(None);
    };
    let call = Call::of(function)?;
    let (pick, form) = match call.name.as_str() {
        "first_event" => (Pick::First, "`first_event()`"),
        "last_event" => (Pick::Last, "`last_event()`"),
        _ => return Ok(None),
    };
    let [] = call.arguments(form)?;
    Ok(Some(pick))
}
