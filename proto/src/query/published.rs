//! The published views, as the registers asked agree on them.
//!
//! A view is one table over several registers, so its grain, the date of its events and its
//! variables must be the same at each; labels may differ, and the first register's are shown.

use std::collections::{BTreeMap, BTreeSet};

use innsyn_policy::RegisterId;

use super::error::{At as _, QueryError, QueryFault, at_most};
use super::{REGISTERS_MAX, expression::is_date};
use crate::wire::research::v1::{Code, Grain, Number, Query, Variable, View, variable::Type};

/// Who checks a query, and so which registers' views matter.
#[derive(Debug, Clone, Copy)]
pub(super) enum CheckedBy<'a> {
    /// All registers asked.
    Gateway,
    /// Only this one.
    Agent(&'a RegisterId),
}

/// The registers asked, and all that is published.
#[derive(Debug)]
pub(super) struct Published<'a> {
    views: &'a [View],
    registers: Vec<String>,
}

impl<'a> Published<'a> {
    /// Finds the registers that `query` asks.
    pub(super) fn resolve(
        query: &Query,
        views: &'a [View],
        by: CheckedBy<'_>,
    ) -> Result<Self, QueryError> {
        at_most(query.registers.len(), REGISTERS_MAX).at("registers")?;
        let mut named = BTreeMap::new();
        for (index, register) in query.registers.iter().enumerate() {
            if let Some(first) = named.insert(register.as_str(), index) {
                return Err(QueryFault::Repeated(first)).at(format_args!("registers[{index}]"));
            }
        }
        let publishers: BTreeSet<&str> = views
            .iter()
            .filter(|view| view.name == query.view)
            .map(|view| view.register_id.as_str())
            .collect();
        let asked = match by {
            CheckedBy::Gateway if named.is_empty() => publishers.iter().copied().collect(),
            CheckedBy::Gateway => named.keys().copied().collect(),
            CheckedBy::Agent(register) => {
                if !named.is_empty() && !named.contains_key(register.as_str()) {
                    return Err(QueryFault::NotAsked(register.to_string())).at("registers");
                }
                vec![register.as_str()]
            }
        };
        let published = Self {
            views,
            registers: asked.into_iter().map(str::to_owned).collect(),
        };
        if publishers.is_empty() {
            return Err(published.unknown(&query.view)).at("view");
        }
        for (index, register) in query.registers.iter().enumerate() {
            if published.registers.contains(register) && !publishers.contains(register.as_str()) {
                let fault = QueryFault::UnknownRegister {
                    register: register.clone(),
                    view: query.view.clone(),
                    known: publishers.iter().map(|&name| name.to_owned()).collect(),
                };
                return Err(fault).at(format_args!("registers[{index}]"));
            }
        }
        Ok(published)
    }

    /// The registers asked, sorted.
    pub(super) fn into_registers(self) -> Vec<String> {
        self.registers
    }

    /// View `name` as all registers asked publish it.
    pub(super) fn view(&self, name: &str) -> Result<View, QueryFault> {
        let mut agreed: Option<(View, &View)> = None;
        for register in &self.registers {
            let view = self
                .views
                .iter()
                .find(|view| view.name == name && view.register_id == *register)
                .ok_or_else(|| self.unknown(name))?;
            if let Err(what) = well_formed(view) {
                return Err(QueryFault::BadView {
                    register: register.clone(),
                    view: name.to_owned(),
                    what,
                });
            }
            match &mut agreed {
                None => {
                    let all = View {
                        register_id: String::new(),
                        ..view.clone()
                    };
                    agreed = Some((all, view));
                }
                Some((all, first)) => {
                    if let Some(what) = difference(first, view) {
                        return Err(QueryFault::NotAlike {
                            view: name.to_owned(),
                            one: first.register_id.clone(),
                            other: register.clone(),
                            what,
                        });
                    }
                    all.from_month = all.from_month.min(view.from_month);
                    all.until_month = all.until_month.max(view.until_month);
                    all.persons_about = all.persons_about.saturating_add(view.persons_about);
                    all.persons_disjoint &= view.persons_disjoint;
                }
            }
        }
        agreed
            .map(|(view, _)| view)
            .ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> QueryFault {
        let known: BTreeSet<&str> = self
            .views
            .iter()
            .filter(|view| self.registers.is_empty() || self.registers.contains(&view.register_id))
            .filter(|view| view.name != name)
            .map(|view| view.name.as_str())
            .collect();
        QueryFault::UnknownView {
            view: name.to_owned(),
            known: known.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// In what two registers' views are not one table.
fn difference(one: &View, other: &View) -> Option<String> {
    if one.grain != other.grain {
        return Some("its grain".to_owned());
    }
    if one.event_date != other.event_date {
        return Some("the date of its events".to_owned());
    }
    let (ones, others) = (by_name(one), by_name(other));
    let names: BTreeSet<_> = ones.keys().chain(others.keys()).collect();
    names
        .into_iter()
        .find(|&name| ones.get(name) != others.get(name))
        .map(|name| format!("variable `{name}`"))
}

/// What must be equal of a view's variables.
fn by_name(view: &View) -> BTreeMap<&str, (&Option<Type>, bool)> {
    view.variables
        .iter()
        .map(|variable| {
            (
                variable.name.as_str(),
                (&variable.r#type, variable.of_person),
            )
        })
        .collect()
}

/// Whether a view can be asked of at all; if not, what is wrong with it.
fn well_formed(view: &View) -> Result<(), &'static str> {
    if by_name(view).len() != view.variables.len() {
        return Err("a variable stands in it twice");
    }
    let date = view
        .variables
        .iter()
        .find(|variable| variable.name == view.event_date);
    let dates_an_event = date.is_some_and(|date| is_date(date) && !date.of_person);
    match view.grain() {
        Grain::Unspecified => return Err("it has no grain"),
        Grain::Person if !view.event_date.is_empty() => {
            return Err("its rows are persons, and yet it has a date of events");
        }
        Grain::Event if !dates_an_event => return Err("its events have no date"),
        Grain::Person | Grain::Event => {}
    }
    if view.from_month > view.until_month {
        return Err("its months end before they begin");
    }
    view.variables.iter().try_for_each(variable_well_formed)
}

fn variable_well_formed(variable: &Variable) -> Result<(), &'static str> {
    match &variable.r#type {
        None => Err("a variable has no type"),
        Some(Type::Code(Code {
            level_characters, ..
        })) => {
            let rise = level_characters.is_sorted_by(|one, next| one < next);
            if rise && level_characters.first() != Some(&0) {
                Ok(())
            } else {
                Err("levels of a code do not rise")
            }
        }
        Some(Type::Number(Number {
            clip_from: Some(from),
            clip_to: Some(to),
            ..
        })) if !(from.is_finite() && to.is_finite() && from <= to) => {
            Err("clip bounds of a number are not in order")
        }
        Some(Type::Number(_) | Type::Date(_)) => Ok(()),
    }
}
