//! How the released table is shown: in which order, and how many rows of it.

use sqlparser::ast::OrderBy as OrderByClause;
use sqlparser::ast::{
    Expr, Ident, LimitClause, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Spanned as _,
};

use super::catalogue::folded;
use super::error::{SqlError, refuse};
use super::expression::bare;
use super::literal::Literal;
use super::select::Clauses;
use super::table::{OutputColumn, Part};

/// What is done with a released table before it is shown.
///
/// It acts on what is released, where a hidden value is absent, and so it can tell nothing more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presentation {
    /// By what rows are ordered, first things first.
    pub order: Vec<OrderBy>,
    /// How many rows are shown; absent means all.
    pub rows_max: Option<u64>,
}

/// One column that orders rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderBy {
    /// Its index among [`Lowered::columns`](super::Lowered::columns).
    pub column: usize,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether absent values come first. Without a word of it they do if `descending`, as in
    /// PostgreSQL.
    pub absent_first: bool,
}

/// Reads `ORDER BY` and `LIMIT`; `part` tells what an expression tells.
pub(super) fn of(
    clauses: &Clauses<'_>,
    columns: &[OutputColumn],
    part: impl Fn(&Expr) -> Result<Option<Part>, SqlError>,
) -> Result<Presentation, SqlError> {
    let order = match clauses.order {
        None => Vec::new(),
        Some(OrderByClause {
            kind: OrderByKind::Expressions(exprs),
            interpolate: None,
        }) => exprs
            .iter()
            .map(|expr| ordered(expr, columns, &part))
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return refuse(other.span(), "an order by all columns", "name the columns");
        }
    };
    Ok(Presentation {
        order,
        rows_max: clauses.limit.map(limited).transpose()?,
    })
}

fn ordered(
    order: &OrderByExpr,
    columns: &[OutputColumn],
    part: &impl Fn(&Expr) -> Result<Option<Part>, SqlError>,
) -> Result<OrderBy, SqlError> {
    let OrderByExpr {
        expr,
        options: OrderByOptions { sort, nulls_first },
        with_fill,
    } = order;
    if with_fill.is_some() || matches!(sort, Some(OrderBySort::Using(_))) {
        return refuse(
            order.span(),
            "an order of this kind",
            "write `ASC` or `DESC`",
        );
    }
    let descending = matches!(sort, Some(OrderBySort::Desc));
    let column = column(expr, columns, part)?;
    let is_list = columns
        .get(column)
        .is_some_and(|column| column.names.len() > 1);
    if is_list {
        return refuse(
            expr.span(),
            "an order by a histogram or a life table",
            "order by another column",
        );
    }
    Ok(OrderBy {
        column,
        descending,
        absent_first: nulls_first.unwrap_or(descending),
    })
}

/// The column that `expr` is: by its name, its number or what it tells.
fn column(
    expr: &Expr,
    columns: &[OutputColumn],
    part: &impl Fn(&Expr) -> Result<Option<Part>, SqlError>,
) -> Result<usize, SqlError> {
    let named = |name: &Ident| {
        columns
            .iter()
            .position(|column| column.name == folded(name))
    };
    let found = if let Some(literal) = Literal::of(expr)? {
        literal
            .whole()
            .and_then(|number| usize::try_from(number).ok()?.checked_sub(1))
            .filter(|index| *index < columns.len())
    } else if let Expr::Identifier(name) = bare(expr)
        && let Some(index) = named(name)
    {
        Some(index)
    } else {
        part(expr)?.and_then(|part| columns.iter().position(|column| column.part == part))
    };
    found.map_or_else(
        || {
            refuse(
                expr.span(),
                "an order by what the table does not show",
                "add the column to the `SELECT` list, or name one of it",
            )
        },
        Ok,
    )
}

fn limited(limit: &LimitClause) -> Result<u64, SqlError> {
    if let LimitClause::LimitOffset {
        limit: Some(limit),
        offset: None,
        limit_by,
    } = limit
        && limit_by.is_empty()
        && let Some(literal) = Literal::of(limit)?
        && let Some(rows) = literal.whole().and_then(|rows| u64::try_from(rows).ok())
    {
        return Ok(rows);
    }
    refuse(
        limit.span(),
        "a limit of this kind",
        "write `LIMIT 10`, without `OFFSET`",
    )
}
