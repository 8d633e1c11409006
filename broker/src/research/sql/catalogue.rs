//! What names in a statement stand for: views, their variables, persons and registers.

use std::collections::BTreeSet;

use innsyn_proto::wire::research::v1::{Grain, Variable, View};
use sqlparser::ast::{Expr, Ident, Spanned as _};

use super::error::{SqlError, SqlFault, refuse, shown};
use super::expression::bare;

/// The column that stands for the person. It can be counted, and nothing else.
const PERSON: &str = "person";
/// The column that stands for the register.
const REGISTER: &str = "_register";

/// The views of the registers asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Catalogue<'a> {
    pub(super) views: &'a [View],
    /// The registers named; none are all.
    pub(super) registers: &'a [String],
}

impl<'a> Catalogue<'a> {
    /// The view that `ident` names, as the first register asked publishes it. Whether all publish
    /// it alike is for `check`.
    pub(super) fn view(&self, ident: &Ident) -> Result<&'a View, SqlError> {
        let name = folded(ident);
        let asked =
            |view: &&View| self.registers.is_empty() || self.registers.contains(&view.register_id);
        self.views
            .iter()
            .filter(asked)
            .find(|view| view.name == name)
            .ok_or_else(|| {
                let known: BTreeSet<_> = self
                    .views
                    .iter()
                    .filter(asked)
                    .map(|view| &view.name)
                    .collect();
                SqlError::at(
                    ident.span,
                    SqlFault::UnknownView {
                        view: shown(&name),
                        known: known.into_iter().cloned().collect(),
                    },
                )
            })
    }
}

impl Catalogue<'_> {
    /// Whether a person may be in `view` at many of the registers asked.
    pub(super) fn are_persons_shared(&self, view: &View) -> bool {
        let mut alike = self.views.iter().filter(|other| {
            other.name == view.name
                && (self.registers.is_empty() || self.registers.contains(&other.register_id))
        });
        let all_disjoint = alike.clone().all(|view| view.persons_disjoint);
        alike.nth(1).is_some() && !all_disjoint
    }
}

/// The names that stand for something in one `SELECT`.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    pub(super) view: &'a View,
    /// The alias, or else the view's name.
    name: String,
    /// The name of the `SELECT` around this one.
    outer: Option<String>,
}

/// What a column stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Column<'a> {
    Variable(&'a Variable),
    Person,
    /// The person of the `SELECT` around this one.
    OuterPerson,
    Register,
}

impl<'a> Scope<'a> {
    /// The names of a `SELECT` from `view`, perhaps within another one.
    pub(super) fn new(
        view: &'a View,
        named: &Ident,
        alias: Option<&Ident>,
        outer: Option<&Scope<'_>>,
    ) -> Result<Self, SqlError> {
        let name = alias.map_or_else(|| view.name.clone(), folded);
        let outer = outer.map(|outer| outer.name.clone());
        if outer.as_ref() == Some(&name) {
            return refuse(
                alias.unwrap_or(named).span,
                "the same name for two views",
                "give the inner one an alias: `FROM stays AS s`",
            );
        }
        Ok(Self { view, name, outer })
    }

    /// Whether rows of the view are events.
    pub(super) fn is_of_events(&self) -> bool {
        self.view.grain() == Grain::Event
    }

    /// What `expr` stands for, if it is a column's name.
    pub(super) fn column(&self, expr: &Expr) -> Result<Option<Column<'a>>, SqlError> {
        match bare(expr) {
            Expr::Identifier(name) => self.named(name).map(Some),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [of, name] if folded(of) == self.name => self.named(name).map(Some),
                [of, name] if Some(folded(of)) == self.outer && folded(name) == PERSON => {
                    Ok(Some(Column::OuterPerson))
                }
                _ => refuse(
                    expr.span(),
                    "a column of something else than this view",
                    "write the column's name alone",
                ),
            },
            _ => Ok(None),
        }
    }

    fn named(&self, ident: &Ident) -> Result<Column<'a>, SqlError> {
        let name = folded(ident);
        match name.as_str() {
            PERSON => return Ok(Column::Person),
            REGISTER => return Ok(Column::Register),
            _ => {}
        }
        let variables = &self.view.variables;
        variables
            .iter()
            .find(|variable| variable.name == name)
            .map(Column::Variable)
            .ok_or_else(|| {
                SqlError::at(
                    ident.span,
                    SqlFault::UnknownColumn {
                        column: shown(&name),
                        view: self.view.name.clone(),
                        known: variables.iter().map(|v| v.name.clone()).collect(),
                    },
                )
            })
    }

    /// The variable that `expr` must name.
    pub(super) fn variable(&self, expr: &Expr) -> Result<&'a Variable, SqlError> {
        match self.column(expr)? {
            Some(Column::Variable(variable)) => Ok(variable),
            Some(Column::Person | Column::OuterPerson) => refuse(
                expr.span(),
                "who a person is",
                "persons are counted: `COUNT(DISTINCT person)`",
            ),
            Some(Column::Register) => refuse(
                expr.span(),
                "anything else of `_register`",
                "name registers in `WHERE`: `_register IN ('…')`",
            ),
            None => refuse(
                expr.span(),
                "something computed here",
                "write the name of a column",
            ),
        }
    }
}

/// A name as SQL reads it: without quotes, capitals are small letters.
pub(super) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// `ident`, if it is a name and not a text.
pub(super) fn is_name(ident: &Ident) -> Result<&Ident, SqlError> {
    match ident.quote_style {
        None | Some('"') => Ok(ident),
        Some(_) => refuse(
            ident.span,
            "a text for a name",
            "write the name without quotes, or between double ones",
        ),
    }
}
