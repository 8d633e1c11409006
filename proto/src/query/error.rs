//! What is wrong with a query, where, and what to write instead.

use std::fmt::Display;

use super::{CELLS_MAX, CODE_CHARACTERS_MAX, NESTING_MAX, PREDICATES_MAX};

/// Why a query is not accepted, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{place}`: {fault}")]
pub struct QueryError {
    /// The field at fault, as a path from the query: `population.all[1].comparison.variable`.
    pub place: String,
    /// What is wrong with it, and what to write instead.
    pub fault: QueryFault,
}

/// What is wrong at one place of a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// A oneof or an enum without a choice.
    #[error("nothing is chosen; write one of {0}")]
    NotChosen(&'static str),
    /// A list without an element.
    #[error("the list is empty; write at least one, or leave out what it belongs to")]
    Empty,
    /// The same again.
    #[error("is the same as number {0}, counted from 0; leave one out")]
    Repeated(usize),
    /// Longer than a list may be.
    #[error("{is} are too many; write at most {most}")]
    TooMany {
        /// How many there are.
        is: usize,
        /// How many there may be.
        most: usize,
    },
    /// A view that not all registers asked publish.
    #[error("not all registers asked publish a view `{view}`; {}", told(.known))]
    UnknownView {
        /// The view named.
        view: String,
        /// Views that are published.
        known: Vec<String>,
    },
    /// A register that does not publish the view.
    #[error("register `{register}` does not publish view `{view}`; {}", told(.known))]
    UnknownRegister {
        /// The register named.
        register: String,
        /// The view.
        view: String,
        /// Registers that publish it.
        known: Vec<String>,
    },
    /// The register that checks is not asked.
    #[error("register `{0}` is not among the registers asked; name it, or name none")]
    NotAsked(String),
    /// Registers publish the view differently.
    #[error(
        "registers `{one}` and `{other}` do not publish view `{view}` alike ({what}); ask them \
         one at a time"
    )]
    NotAlike {
        /// The view.
        view: String,
        /// A register.
        one: String,
        /// Another one.
        other: String,
        /// In what they differ.
        what: String,
    },
    /// The catalogue itself is wrong; nothing in the query can mend it.
    #[error("register `{register}` publishes view `{view}` wrongly: {what}; tell the register")]
    BadView {
        /// The register.
        register: String,
        /// The view.
        view: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// No such variable.
    #[error("view `{view}` has no variable `{variable}`; {}", told(.known))]
    UnknownVariable {
        /// The variable named.
        variable: String,
        /// The view.
        view: String,
        /// The view's variables.
        known: Vec<String>,
    },
    /// Something that a variable of this type does not allow.
    #[error("`{variable}` is {is}; {instead}")]
    WrongType {
        /// The variable.
        variable: String,
        /// What it is.
        is: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// A variable of an event where one of the person is needed.
    #[error("`{0}` is of an event and not of the person; ask for it with `events` or `rows.where`")]
    OfEvent(String),
    /// A variable of an event where the row is made of many.
    #[error(
        "`{0}` is of an event, and all of a person's events make the row; set `rows.pick` to \
         `PICK_FIRST` or `PICK_LAST`"
    )]
    OfManyEvents(String),
    /// Events asked of one event.
    #[error("one event has no events; ask for events in `population`")]
    EventsOfEvent,
    /// A choice that needs a view of events.
    #[error("view `{0}` has one row for each person; leave this out, or take a view of events")]
    NeedsEvents(String),
    /// A number that is no number.
    #[error("a number must be finite")]
    NotFinite,
    /// Not a code.
    #[error(
        "a code is 1 to {CODE_CHARACTERS_MAX} letters, digits and any of `.-_/+*`; write it as the \
         code system does"
    )]
    NotACode,
    /// A code between two levels.
    #[error(
        "`{code}` is at no level of {system}; write a code of {characters} characters, or longer \
         than all levels"
    )]
    CodeGrain {
        /// The code.
        code: String,
        /// Its code system.
        system: String,
        /// The lengths of codes at its levels.
        characters: String,
    },
    /// A level that the code system does not have.
    #[error("{system} has {levels} levels here; write a level up to that, or 0 for the whole code")]
    UnknownLevel {
        /// The code system.
        system: String,
        /// How many levels it has.
        levels: usize,
    },
    /// A variable that the register does not let tables be divided by.
    #[error("tables are not divided by `{0}`; use it in a condition instead")]
    NotADimension(String),
    /// No bounds to clip to.
    #[error("`{0}` has no clip bounds in the catalogue, so it is never summed; use a histogram")]
    NoClipBounds(String),
    /// A window without months.
    #[error("no month is in the window; write `from_month` below `until_month`, or leave one out")]
    NoMonths,
    /// Numbers that must rise.
    #[error("bands begin at rising whole numbers; sort them and leave out repetitions")]
    NotRising,
    /// Nought where something is counted.
    #[error("must be 1 or more")]
    Nought,
    /// A grid beyond the numbers.
    #[error("the grid ends beyond the whole numbers; take fewer or narrower bins")]
    GridTooLong,
    /// Dates of a life table that are the same.
    #[error("`{0}` stands twice; a life table needs three different dates")]
    SameDate(String),
    /// A life table or person-time of periods.
    #[error("a life table and person-time follow persons, not periods; leave out `period`")]
    FollowedByPeriods,
    /// Periods as rows, which no dimension tells apart.
    #[error("with a period a person has many rows; add `period` to `dimensions`")]
    PeriodNotDimension,
    /// A dimension of the period, without a period.
    #[error("the rows have no period; set `period` of the query")]
    NoPeriod,
    /// More conditions than an expression may have.
    #[error("more than {PREDICATES_MAX} conditions in one expression; use a code list or fewer")]
    TooManyPredicates,
    /// Too deep.
    #[error("nested more than {NESTING_MAX} deep; write it flatter")]
    TooDeep,
    /// Too large a table.
    #[error(
        "the table has at least {0} cells; ask for at most {CELLS_MAX}: fewer or coarser parts"
    )]
    TooManyCells(u64),
}

/// Puts a place in front of a fault.
pub(super) trait At<T> {
    /// Tells that what failed did so at field `step`.
    fn at(self, step: impl Display) -> Result<T, QueryError>;
}

impl<T> At<T> for Result<T, QueryFault> {
    fn at(self, step: impl Display) -> Result<T, QueryError> {
        self.map_err(|fault| QueryError {
            place: step.to_string(),
            fault,
        })
    }
}

impl<T> At<T> for Result<T, QueryError> {
    fn at(self, step: impl Display) -> Result<T, QueryError> {
        self.map_err(|QueryError { place, fault }| QueryError {
            place: format!("{step}.{place}"),
            fault,
        })
    }
}

/// Fails if a list of `is` is longer than `most`.
pub(super) const fn at_most(is: usize, most: usize) -> Result<(), QueryFault> {
    if is > most {
        return Err(QueryFault::TooMany { is, most });
    }
    Ok(())
}

/// Fails at the first element that stands in the list twice.
pub(super) fn unrepeated<T: PartialEq>(name: &str, list: &[T]) -> Result<(), QueryError> {
    for (index, element) in list.iter().enumerate() {
        if let Some(first) = list.iter().take(index).position(|other| other == element) {
            return Err(QueryFault::Repeated(first)).at(format_args!("{name}[{index}]"));
        }
    }
    Ok(())
}

/// The names that could be written instead; not all of a long list.
fn told(known: &[String]) -> String {
    const TOLD_MAX: usize = 20;
    if known.is_empty() {
        return "there is none".to_owned();
    }
    let names: Vec<_> = known
        .iter()
        .take(TOLD_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if known.len() > TOLD_MAX {
        " and others"
    } else {
        ""
    };
    format!("there is {}{more}", names.join(", "))
}
