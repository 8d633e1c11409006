//! One form for queries that say the same.
//!
//! What is rewritten, from the leaves up:
//!
//! - a negation moves inwards until it stands on a leaf, and two cancel out. The comparison under
//!   it stays as it is: `not (age < 50)` is true where the age is missing, `age >= 50` is not;
//! - a code that equals a literal becomes a code list of one;
//! - codes are sorted and stand once; with descendants, a code below another one is left out;
//! - `all` in `all` and `any` in `any` become one; their operands are sorted by their encoding and
//!   stand once, and a single operand stands alone;
//! - rows that are all events become absent, registers are sorted, and zero has no sign.
//!
//! Dimensions and measures keep their order, which is that of the table's columns, and so do the
//! beginnings of bands, which rise. Nothing is concluded beyond that: `x < 5 or x >= 5`
//! is not simplified. A normal form is its own normal form.

use prost::Message as _;

use crate::wire::research::v1::{
    CodeMembership, Comparison, Events, Expression, Expressions, Literal, Pick, Query, Rows,
    expression::Expression as Kind, literal::Literal as Value,
};

/// The normal form of a query that was checked.
pub(super) fn query(mut query: Query) -> Query {
    query.registers.sort_unstable();
    query.population = query.population.map(expression);
    query.rows = query
        .rows
        .map(|rows| Rows {
            r#where: rows.r#where.map(expression),
            pick: rows.pick,
        })
        .filter(|rows| rows.r#where.is_some() || rows.pick() != Pick::All);
    query
}

/// The normal form of an expression.
pub(super) fn expression(expression: Expression) -> Expression {
    rewrite(expression, false)
}

/// The normal form of `expression`, or of its negation.
fn rewrite(expression: Expression, negated: bool) -> Expression {
    let leaf = match expression.expression {
        None => return expression,
        Some(Kind::Not(inner)) => return rewrite(*inner, !negated),
        // De Morgan: not all is any not.
        Some(Kind::All(of)) => return junction(of, !negated, negated),
        Some(Kind::Any(of)) => return junction(of, negated, negated),
        Some(Kind::Comparison(comparison)) => comparison_or_codes(comparison),
        Some(Kind::Codes(codes)) => Kind::Codes(sorted(codes)),
        Some(dates @ Kind::Dates(_)) => dates,
        Some(Kind::Events(events)) => Kind::Events(Box::new(Events {
            r#where: events.r#where.map(|of| Box::new(rewrite(*of, false))),
            ..*events
        })),
    };
    if negated {
        of_kind(Kind::Not(Box::new(of_kind(leaf))))
    } else {
        of_kind(leaf)
    }
}

/// All, or else any, of `operands`, each negated first if `negated`.
fn junction(operands: Expressions, all: bool, negated: bool) -> Expression {
    let mut of = Vec::with_capacity(operands.of.len());
    for operand in operands.of {
        match rewrite(operand, negated).expression {
            Some(Kind::All(inner)) if all => of.extend(inner.of),
            Some(Kind::Any(inner)) if !all => of.extend(inner.of),
            expression => of.push(Expression { expression }),
        }
    }
    of.sort_by_cached_key(Expression::encode_to_vec);
    of.dedup();
    if of.len() == 1 {
        return of.remove(0);
    }
    of_kind(if all {
        Kind::All(Expressions { of })
    } else {
        Kind::Any(Expressions { of })
    })
}

/// There is one way to say that a code equals another.
fn comparison_or_codes(comparison: Comparison) -> Kind {
    let Comparison {
        variable,
        operator,
        literal,
    } = comparison;
    let literal = match literal.and_then(|literal| literal.literal) {
        Some(Value::Code(code)) => {
            return Kind::Codes(CodeMembership {
                variable,
                codes: vec![code],
                with_descendants: false,
            });
        }
        // The pattern matches minus zero, too.
        Some(Value::Real(0.0)) => Some(Value::Real(0.0)),
        other => other,
    };
    Kind::Comparison(Comparison {
        variable,
        operator,
        literal: Some(Literal { literal }),
    })
}

fn sorted(mut membership: CodeMembership) -> CodeMembership {
    membership.codes.sort_unstable();
    membership.codes.dedup();
    if membership.with_descendants {
        // Sorted, a code stands before all that begin with it, and nothing stands between.
        let mut codes: Vec<String> = Vec::with_capacity(membership.codes.len());
        for code in membership.codes {
            if !codes.last().is_some_and(|above| code.starts_with(above)) {
                codes.push(code);
            }
        }
        membership.codes = codes;
    }
    membership
}

const fn of_kind(kind: Kind) -> Expression {
    Expression {
        expression: Some(kind),
    }
}
