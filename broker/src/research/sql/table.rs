//! One `SELECT` as the table asked for: whose rows, divided by what, telling what.

mod dimension;
mod measure;
mod rows;

use innsyn_proto::wire::research::v1::{
    Dimension, Measure, OwnPeriod, Period, Pick, Query, Rows, View, dimension::Dimension as Divided,
};
use sqlparser::ast::{Expr, Ident, SelectItem, Spanned as _, Value, ValueWithSpan};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Span;

use self::dimension::Division;
use super::Lowered;
use super::catalogue::{Catalogue, Scope, folded, is_name};
use super::error::{SqlError, SqlFault, refuse, shown};
use super::expression::bare;
use super::presentation;
use super::select::Clauses;
use super::text::Text;
use crate::research::naming;

/// An item of the `SELECT` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its alias, or the first of its names.
    pub name: String,
    /// What its columns are called: one name, but for a histogram or a life table.
    pub names: Vec<String>,
    /// What it tells.
    pub part: Part,
}

/// A part of the query's table, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Of `Query.dimensions`.
    Dimension(usize),
    /// Of `Query.measures`.
    Measure(usize),
}

/// What a `SELECT` list or `GROUP BY` may have.
#[derive(Debug, Clone, PartialEq)]
enum Output {
    Division(Division),
    Measure(Measure),
}

/// What rows are made of, which decides what columns can tell.
#[derive(Debug, Clone, Copy)]
struct RowsOf<'a, 's> {
    scope: &'s Scope<'a>,
    pick: Pick,
}

/// One item of the `SELECT` list.
struct Item<'e> {
    expr: &'e Expr,
    alias: Option<&'e Ident>,
}

/// Lowers the statement `text` over `views`.
pub(super) fn lower(text: &Text, views: &[View]) -> Result<Lowered, SqlError> {
    let clauses = Clauses::of(text.query(), text)?;
    let conditions = rows::Parts::of(clauses.condition)?;
    let catalogue = Catalogue {
        views,
        registers: &conditions.registers,
    };
    let view = catalogue.view(clauses.view)?;
    let scope = Scope::new(view, clauses.view, clauses.alias, None)?;
    let (population, r#where) = conditions.lower(text, catalogue, &scope)?;
    let pick = conditions.pick(&scope)?;
    let rows_of = RowsOf {
        scope: &scope,
        pick,
    };

    let items = items(clauses.list, text)?;
    let groups = groups(clauses.groups, &items, &rows_of)?;
    let own = own_period(&groups, clauses.groups)?;
    let persons = naming::persons(catalogue.are_persons_shared(view));
    let mut measures: Vec<Measure> = Vec::new();
    let mut columns: Vec<OutputColumn> = Vec::with_capacity(items.len());
    for item in &items {
        let output = rows_of.output(item.expr)?;
        let names = output.names(item.alias, own, persons);
        let part = match output {
            Output::Division(division) => grouped(&division, &groups, item.expr)?,
            Output::Measure(measure) => Part::Measure(index_of(&mut measures, measure)),
        };
        let names = free(names, &columns).map_err(|name| {
            let span = item
                .alias
                .map_or_else(|| item.expr.span(), |alias| alias.span);
            SqlError::at(span, SqlFault::SameName(shown(&name)))
        })?;
        let name = item.alias.map(folded);
        let name = name.or_else(|| names.first().cloned()).unwrap_or_default();
        columns.push(OutputColumn { name, names, part });
    }
    if measures.is_empty() {
        return refuse(
            text.span_of(Keyword::SELECT),
            "a table that counts nothing",
            "add `COUNT(DISTINCT person)`",
        );
    }
    let presentation = presentation::of(&clauses, &columns, |expr| {
        Ok(match rows_of.output(expr)? {
            Output::Division(division) => groups
                .iter()
                .position(|group| *group == division)
                .map(Part::Dimension),
            Output::Measure(measure) => measures
                .iter()
                .position(|other| *other == measure)
                .map(Part::Measure),
        })
    })?;
    let rows = (pick != Pick::All || r#where.is_some()).then(|| Rows {
        r#where,
        pick: pick.into(),
    });
    let query = Query {
        view: view.name.clone(),
        period: own.into(),
        dimensions: groups.into_iter().map(Division::into_dimension).collect(),
        registers: conditions.registers,
        population,
        rows,
        measures,
    };
    Ok(Lowered {
        query,
        columns,
        presentation,
    })
}

/// The items of the list, each one expression.
fn items<'e>(list: &'e [SelectItem], text: &Text) -> Result<Vec<Item<'e>>, SqlError> {
    if list.is_empty() {
        return refuse(
            text.span_of(Keyword::SELECT),
            "nothing",
            "write `SELECT COUNT(DISTINCT person) FROM …`",
        );
    }
    list.iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Ok(Item { expr, alias: None }),
            SelectItem::ExprWithAlias { expr, alias } => Ok(Item {
                expr,
                alias: Some(is_name(alias)?),
            }),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => refuse(
                item.span(),
                "`*`, which is rows of persons,",
                "name groups and measures: `sex, COUNT(DISTINCT person)`",
            ),
            SelectItem::ExprWithAliases { .. } => {
                refuse(item.span(), "many names for one column", "give it one")
            }
        })
        .collect()
}

/// What the table is divided by. A number or an alias stands for an item of the list.
fn groups(
    exprs: &[Expr],
    items: &[Item<'_>],
    rows_of: &RowsOf<'_, '_>,
) -> Result<Vec<Division>, SqlError> {
    exprs
        .iter()
        .map(|group| {
            let expr = match bare(group) {
                Expr::Value(ValueWithSpan {
                    value: Value::Number(digits, _),
                    span,
                }) => nth(digits, items, *span)?.expr,
                Expr::Identifier(name) => {
                    let aliased = items
                        .iter()
                        .find(|item| item.alias.map(folded) == Some(folded(name)));
                    match aliased {
                        // A column of the view comes before an alias, as in PostgreSQL.
                        Some(item) if rows_of.scope.column(group).is_err() => item.expr,
                        _ => group,
                    }
                }
                expr => expr,
            };
            match rows_of.output(expr)? {
                Output::Division(division) => Ok(division),
                Output::Measure(_) => refuse(
                    group.span(),
                    "a table divided by what it counts",
                    "group by columns",
                ),
            }
        })
        .collect()
}

fn nth<'i, 'e>(digits: &str, items: &'i [Item<'e>], span: Span) -> Result<&'i Item<'e>, SqlError> {
    digits
        .parse::<usize>()
        .ok()
        .and_then(|number| items.get(number.checked_sub(1)?))
        .map_or_else(
            || {
                refuse(
                    span,
                    "a column of this number",
                    "count the columns of the `SELECT` list from 1, or name one",
                )
            },
            Ok,
        )
}

/// Which of `groups` an item of the list is.
fn grouped(division: &Division, groups: &[Division], expr: &Expr) -> Result<Part, SqlError> {
    groups
        .iter()
        .position(|group| group == division)
        .map_or_else(
            || {
                refuse(
                    expr.span(),
                    "a column that is neither grouped by nor counted",
                    "add it to `GROUP BY`",
                )
            },
            |index| Ok(Part::Dimension(index)),
        )
}

/// The index of `measure`, which is added if it is new.
fn index_of(measures: &mut Vec<Measure>, measure: Measure) -> usize {
    measures
        .iter()
        .position(|other| *other == measure)
        .unwrap_or_else(|| {
            measures.push(measure);
            measures.len() - 1
        })
}

/// The period of which a person has one row each; there is one at most.
fn own_period(groups: &[Division], exprs: &[Expr]) -> Result<Period, SqlError> {
    let mut own = Period::Unspecified;
    for (group, expr) in groups.iter().zip(exprs) {
        if let Division::Own(period) = group {
            if own != Period::Unspecified && own != *period {
                return refuse(
                    expr.span(),
                    "two periods of the same events",
                    "group by the shorter one, and add up the released table",
                );
            }
            own = *period;
        }
    }
    Ok(own)
}

/// `names`, if no column has the first; the others of a histogram get a number if need be.
fn free(mut names: Vec<String>, columns: &[OutputColumn]) -> Result<Vec<String>, String> {
    let taken = |name: &String| columns.iter().any(|column| column.names.contains(name));
    if let Some(name) = names.first().filter(|name| taken(name)) {
        return Err(name.clone());
    }
    for name in names.iter_mut().skip(1) {
        let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
        let found = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !taken(name));
        *name = found.unwrap_or_default();
    }
    Ok(names)
}

impl Output {
    /// What its columns are called.
    fn names(&self, alias: Option<&Ident>, own: Period, persons: &str) -> Vec<String> {
        let alias = alias.map(folded);
        match self {
            Self::Division(division) => {
                vec![alias.unwrap_or_else(|| division.name(own))]
            }
            Self::Measure(Measure { measure }) => match (measure, alias) {
                (Some(measure), Some(alias)) => naming::aliased(measure, &alias, persons),
                (Some(measure), None) => naming::measure(measure, persons),
                (None, _) => Vec::new(),
            },
        }
    }
}

impl Division {
    fn into_dimension(self) -> Dimension {
        match self {
            Self::Dimension(dimension) => dimension,
            Self::Own(_) => Dimension {
                dimension: Some(Divided::Period(OwnPeriod {})),
            },
        }
    }
}
