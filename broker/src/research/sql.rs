//! SQL over the published views, lowered to a query.
//!
//! [`lower`] reads one `SELECT` and says the same as a [`Query`], which is all that ever reaches a
//! register. `sql/forms.md` tells what can be written, for those who write it.
//!
//! What holds:
//!
//! - **Nothing is ignored.** What is understood is listed; everything else is refused, with the
//!   place and with what to write instead. Every field of the parser's tree is named here, and a
//!   statement that, written out again, is not word for word what was read is refused too.
//! - **What is accepted means what SQL means**, as far as one query can say it. So `sex <> 'K'`,
//!   which would leave out persons whose sex is missing, is refused, and `sex IS DISTINCT FROM
//!   'K'`, which counts them, is not.
//! - **Length and nesting are bounded** before anything is parsed.
//! - **Errors quote no literal**: it may be a person's.
//!
//! Whether the query can be asked is for [`innsyn_proto::query::check`]; here only what SQL names
//! is looked up. No register is asked, so that columns are known before the query runs.

mod catalogue;
mod condition;
mod date;
mod error;
mod expression;
mod function;
mod leaf;
mod literal;
mod presentation;
mod select;
mod subselect;
mod table;
mod text;

#[cfg(test)]
mod tests;

use std::{panic, thread};

use innsyn_proto::wire::research::v1::{Query, View};

pub use error::{Place, SqlError, SqlFault};
pub use presentation::{OrderBy, Presentation};
pub use table::{OutputColumn, Part};

/// The catalog that all views are in, for tools that write it.
pub const CATALOG: &str = "innsyn";
/// The schema that all views are in, likewise.
pub const SCHEMA: &str = "views";
/// The longest statement, in bytes.
pub const SQL_BYTES_MAX: usize = 32_768;
/// Words and signs of a statement, apart from the elements of its lists.
pub const SQL_SIGNS_MAX: usize = 1_000;
/// Parentheses within one another.
pub const SQL_NESTING_MAX: usize = 16;
/// Conditions in one `WHERE`; a query can say fewer, but two dates may make one window.
pub const SQL_CONDITIONS_MAX: usize = 32;
/// The stack that a statement within these bounds is read on.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// The question, to be checked.
    pub query: Query,
    /// What is asked for, in the order of the `SELECT` list.
    pub columns: Vec<OutputColumn>,
    /// How the released table is shown. It is no part of the question.
    pub presentation: Presentation,
}

/// Says `sql` as a query over `views`, the views that all registers publish.
///
/// It runs on a thread of its own: the parser goes as deep as the text, and without optimisation
/// 50 levels need some 5 MiB, which is more than a thread of the runtime has.
pub fn lower(sql: &str, views: &[View]) -> Result<Lowered, SqlError> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("sql".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || lower_here(sql, views))
            .map_err(|_| SqlError::whole(SqlFault::NoThread))?
            .join()
            .unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

fn lower_here(sql: &str, views: &[View]) -> Result<Lowered, SqlError> {
    let text = text::Text::parse(sql)?;
    let lowered = table::lower(&text, views)?;
    text.is_all_read()?;
    Ok(lowered)
}
