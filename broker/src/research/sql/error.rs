//! What is wrong with a statement, where, and what to write instead.

use std::fmt;

use sqlparser::tokenizer::{Location, Span};

use super::{SQL_BYTES_MAX, SQL_CONDITIONS_MAX, SQL_NESTING_MAX, SQL_SIGNS_MAX};

/// Why a statement is not accepted, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {fault}", .place.map_or_else(|| "the statement".to_owned(), |place| place.to_string()))]
pub struct SqlError {
    /// Where the fault begins; absent if it is of the statement as a whole.
    pub place: Option<Place>,
    /// What is wrong there, and what to write instead.
    pub fault: SqlFault,
}

/// A place in the text, counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// What is wrong at one place of a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlFault {
    /// Too long a text.
    #[error("the statement is longer than {SQL_BYTES_MAX} bytes; ask for less at once")]
    TooLong,
    /// No thread could be had.
    #[error("it cannot be read now; send it again")]
    NoThread,
    /// Too many parts.
    #[error(
        "more than {SQL_SIGNS_MAX} words and signs, apart from lists' elements; ask for less at once"
    )]
    TooManySigns,
    /// Nested too deep.
    #[error("nested more than {SQL_NESTING_MAX} deep; write it flatter")]
    TooDeep,
    /// Too many conditions.
    #[error("more than {SQL_CONDITIONS_MAX} conditions; use a list of codes, or fewer")]
    TooManyConditions,
    /// Not SQL.
    #[error(
        "this is not SQL that is read here: {0}; write one `SELECT … FROM … WHERE … GROUP BY …`"
    )]
    NotSql(String),
    /// Something that the parser passed over.
    #[error("this was not understood, and nothing is ignored; leave it out")]
    Unread,
    /// SQL that says what a query cannot say.
    #[error("{what} cannot be asked; {instead}")]
    Refused {
        /// What was written.
        what: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// No such view.
    #[error("there is no view {view}; {}", told(.known))]
    UnknownView {
        /// The view named, as it may be shown.
        view: String,
        /// Views that are published.
        known: Vec<String>,
    },
    /// No such column.
    #[error("view `{view}` has no column {column}; {}", told(.known))]
    UnknownColumn {
        /// The column named, as it may be shown.
        column: String,
        /// The view.
        view: String,
        /// Its columns.
        known: Vec<String>,
    },
    /// No such function.
    #[error("there is no function {0}; write one of {FUNCTIONS}")]
    UnknownFunction(String),
    /// A function with other arguments than it takes.
    #[error("the arguments are not as expected; write {0}")]
    Arguments(&'static str),
    /// A column of another type.
    #[error("`{column}` is {is}; {instead}")]
    WrongType {
        /// The column.
        column: String,
        /// What it is.
        is: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// No level of the code system.
    #[error("`{column}` has no such level; write {forms}")]
    NoLevel {
        /// The column.
        column: String,
        /// How its levels are written.
        forms: String,
    },
    /// A column of an event where the row is made of many.
    #[error(
        "`{0}` is of an event, and a person with many events would be in many groups; add `AND \
         first_event()` or `AND last_event()` to `WHERE`"
    )]
    OfManyEvents(String),
    /// A column of the person, summed over events.
    #[error(
        "`{0}` is of the person, and here it would count once for each event; add `AND \
         first_event()` to `WHERE`, so that each person counts once"
    )]
    OfPerson(String),
    /// Two columns of one name.
    #[error("there are two columns {0}; give one another name with `AS`")]
    SameName(String),
}

/// The functions that can be written.
const FUNCTIONS: &str = "`COUNT`, `SUM`, `AVG`, `VAR_SAMP`, `persons`, `events`, `histogram`, \
                         `life_table`, `person_time`, `level`, `LEFT`, `SUBSTRING`, `band`, `period`, `year`, \
                         `EXTRACT(YEAR FROM …)`, `DATE_TRUNC`, `first_event` and `last_event`";

impl SqlError {
    /// A fault where `span` begins.
    pub(super) fn at(span: Span, fault: SqlFault) -> Self {
        Self {
            place: Place::of(span.start),
            fault,
        }
    }

    /// A fault of the statement as a whole.
    pub(super) const fn whole(fault: SqlFault) -> Self {
        Self { place: None, fault }
    }
}

/// Refuses what stands at `span`.
pub(super) fn refuse<T>(
    span: Span,
    what: &'static str,
    instead: &'static str,
) -> Result<T, SqlError> {
    Err(SqlError::at(span, SqlFault::Refused { what, instead }))
}

impl Place {
    /// The parser knows no place of some parts, and says 0.
    pub(super) const fn of(location: Location) -> Option<Self> {
        if location.line == 0 {
            return None;
        }
        Some(Self {
            line: location.line,
            column: location.column,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A name as an error may show it: not if it could be a person's number.
pub(super) fn shown(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if name.len() <= 64 && digits < 6 && name.chars().all(plain) {
        format!("`{name}`")
    } else {
        "of this name".to_owned()
    }
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
