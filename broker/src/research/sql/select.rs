//! The shape of one `SELECT`: which of its clauses there are, and that there are no others.

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, LimitClause, ObjectName, ObjectNamePart, OrderBy, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Spanned, TableFactor, TableWithJoins,
};
use sqlparser::keywords::Keyword;

use super::catalogue::{folded, is_name};
use super::error::{SqlError, SqlFault, refuse};
use super::text::Text;
use super::{CATALOG, SCHEMA};

/// The clauses of a `SELECT` from one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clauses<'a> {
    pub(super) list: &'a [SelectItem],
    pub(super) view: &'a Ident,
    pub(super) alias: Option<&'a Ident>,
    pub(super) condition: Option<&'a Expr>,
    pub(super) groups: &'a [Expr],
    pub(super) order: Option<&'a OrderBy>,
    pub(super) limit: Option<&'a LimitClause>,
}

/// A clause that is refused: its word, what it is, and what to write instead.
type Refused = (Keyword, &'static str, &'static str);

/// What may not stand around the outer `SELECT`, nor around one within a condition.
const OF_QUERY: [Refused; 4] = [
    (
        Keyword::WITH,
        "`WITH`",
        "write one `SELECT` from a published view",
    ),
    (Keyword::FETCH, "`FETCH`", "write `LIMIT`"),
    (
        Keyword::FOR,
        "`FOR …` after a `SELECT`",
        "leave it out: nothing is locked or encoded",
    ),
    (
        Keyword::SETTINGS,
        "a clause after the `SELECT`",
        "only `ORDER BY` and `LIMIT` may follow",
    ),
];

/// What may not stand in a `SELECT`.
const OF_SELECT: [Refused; 7] = [
    (
        Keyword::SELECT,
        "`SELECT DISTINCT` or `SELECT ALL`",
        "the rows of a table are its groups, so write `GROUP BY`",
    ),
    (
        Keyword::HAVING,
        "`HAVING`",
        "filter the released table where you read it",
    ),
    (
        Keyword::WINDOW,
        "a window",
        "compute on the released table where you read it",
    ),
    (Keyword::INTO, "`INTO`", "keep the table where you read it"),
    (Keyword::TOP, "`TOP`", "write `LIMIT` at the end"),
    (
        Keyword::FROM,
        "`FROM` before `SELECT`",
        "write `SELECT … FROM …`",
    ),
    (
        Keyword::SELECT,
        "a clause of this `SELECT`",
        "write only `FROM`, `WHERE`, `GROUP BY`, `ORDER BY` and `LIMIT`",
    ),
];

/// What may not stand in a `SELECT` within a condition.
const OF_EVENTS: [Refused; 3] = [
    (
        Keyword::GROUP,
        "`GROUP BY` within a condition",
        "write `(SELECT COUNT(*) FROM … WHERE …) >= 2`",
    ),
    (
        Keyword::ORDER,
        "`ORDER BY` within a condition",
        "leave it out",
    ),
    (Keyword::LIMIT, "`LIMIT` within a condition", "leave it out"),
];

impl<'a> Clauses<'a> {
    /// The clauses of `query`; refuses all that are not listed.
    pub(super) fn of(query: &'a Query, text: &Text) -> Result<Self, SqlError> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse_any(
            [
                with.is_some(),
                fetch.is_some(),
                !locks.is_empty() || for_clause.is_some(),
                settings.is_some() || format_clause.is_some() || !pipe_operators.is_empty(),
            ],
            OF_QUERY,
            text,
        )?;
        match &**body {
            SetExpr::Select(select) => {
                let clauses = Self::of_select(select, text)?;
                Ok(Self {
                    order: order_by.as_ref(),
                    limit: limit_clause.as_ref(),
                    ..clauses
                })
            }
            SetExpr::Query(query) => refuse(
                query.span(),
                "a `SELECT` within parentheses",
                "leave the parentheses out",
            ),
            SetExpr::SetOperation { right, .. } => refuse(
                right.span(),
                "`UNION`, `INTERSECT` or `EXCEPT`",
                "ask each `SELECT` as a query of its own",
            ),
            SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => refuse(
                body.span(),
                "a statement that is no `SELECT`",
                "write one `SELECT` from a published view",
            ),
        }
    }

    fn of_select(select: &'a Select, text: &Text) -> Result<Self, SqlError> {
        let Select {
            select_token,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            // Where `TOP` stands, which is refused.
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            // Where `WINDOW` stands, which is refused.
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        refuse_any(
            [
                distinct.is_some(),
                having.is_some(),
                !named_window.is_empty() || qualify.is_some(),
                into.is_some(),
                top.is_some(),
                *flavor != SelectFlavor::Standard,
                !optimizer_hints.is_empty()
                    || select_modifiers.is_some()
                    || exclude.is_some()
                    || !lateral_views.is_empty()
                    || prewhere.is_some()
                    || !connect_by.is_empty()
                    || !cluster_by.is_empty()
                    || !distribute_by.is_empty()
                    || !sort_by.is_empty()
                    || value_table_mode.is_some(),
            ],
            OF_SELECT,
            text,
        )?;
        let [TableWithJoins { relation, joins }] = from.as_slice() else {
            return refuse(
                from.get(1).map_or(select_token.0.span, Spanned::span),
                "anything but one view after `FROM`",
                "name one view; ask of a person's other events with `EXISTS (…)`",
            );
        };
        if let Some(join) = joins.first() {
            return refuse(
                join.span(),
                "a join",
                "name one view; ask of a person's other events with `EXISTS (…)`",
            );
        }
        let (view, alias) = view(relation)?;
        let GroupByExpr::Expressions(groups, modifiers) = group_by else {
            return refuse(
                text.span_of(Keyword::GROUP),
                "`GROUP BY ALL`",
                "name the columns",
            );
        };
        if !modifiers.is_empty() {
            return refuse(
                text.span_of(Keyword::GROUP),
                "a `GROUP BY` with totals",
                "ask for each total as a query of its own",
            );
        }
        Ok(Self {
            list: projection,
            view,
            alias,
            condition: selection.as_ref(),
            groups,
            order: None,
            limit: None,
        })
    }

    /// Refuses what only the outer `SELECT` may have.
    pub(super) fn is_of_events(&self, text: &Text) -> Result<(), SqlError> {
        refuse_any(
            [
                !self.groups.is_empty(),
                self.order.is_some(),
                self.limit.is_some(),
            ],
            OF_EVENTS,
            text,
        )
    }
}

/// Refuses the first of `clauses` that is there.
fn refuse_any<const N: usize>(
    are_there: [bool; N],
    clauses: [Refused; N],
    text: &Text,
) -> Result<(), SqlError> {
    are_there
        .into_iter()
        .zip(clauses)
        .find(|(is_there, _)| *is_there)
        .map_or(Ok(()), |(_, (word, what, instead))| {
            refuse(text.span_of(word), what, instead)
        })
}

/// The view's name and alias, if `relation` is no more than that.
fn view(relation: &TableFactor) -> Result<(&Ident, Option<&Ident>), SqlError> {
    const INSTEAD: &str = "name a published view, with an alias at most";
    let TableFactor::Table {
        name,
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
    } = relation
    else {
        return refuse(relation.span(), "this after `FROM`", INSTEAD);
    };
    if sample.is_some() {
        return refuse(
            name.span(),
            "a sample",
            "leave it out: everybody who may be counted is",
        );
    }
    if args.is_some()
        || !with_hints.is_empty()
        || version.is_some()
        || *with_ordinality
        || !partitions.is_empty()
        || json_path.is_some()
        || !index_hints.is_empty()
    {
        return refuse(name.span(), "a view with anything added", INSTEAD);
    }
    let ObjectName(parts) = name;
    let is = |part: &ObjectNamePart, name| part.as_ident().map(folded).as_deref() == Some(name);
    let part = match parts.as_slice() {
        [view] => view,
        [schema, view] if is(schema, SCHEMA) => view,
        [catalog, schema, view] if is(catalog, CATALOG) && is(schema, SCHEMA) => view,
        _ => {
            return refuse(
                name.span(),
                "a view of another schema than `innsyn.views`",
                "write the view's name alone; `_register IN ('…')` in `WHERE` names registers",
            );
        }
    };
    let view = part.as_ident().ok_or_else(|| {
        SqlError::at(
            name.span(),
            SqlFault::Refused {
                what: "a name that is computed",
                instead: INSTEAD,
            },
        )
    })?;
    match alias {
        None => Ok((view, None)),
        Some(alias) if alias.columns.is_empty() && alias.at.is_none() => {
            is_name(&alias.name).map(|alias| (view, Some(alias)))
        }
        Some(alias) => refuse(alias.name.span, "an alias with columns", INSTEAD),
    }
}
