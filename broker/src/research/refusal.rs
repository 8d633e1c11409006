//! Everything the research gateway says no to, and how.
//!
//! Each refusal has a stable reason and a text that says what to do. A text may repeat a query's
//! own words to whoever wrote it; only the reason is ever logged.

use std::collections::HashMap;

use innsyn_policy::{OutsidePermit, RegisterId};
use innsyn_proto::data_permit::ReadDataPermitError;
use innsyn_proto::query::QueryError;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::config::{DEADLINE_MS_MAX, DEADLINE_MS_MIN};
use super::desk::{ReleaseError, RulesError};
use super::ledger::StoreError;
use super::plan::PlanError;
use super::said_no::{self, Missing};
use super::sql::SqlError;
use crate::gateway::refusal::ERROR_DOMAIN;

/// Why a call is refused, or a run gives no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the access token is missing or not valid; get a new one")]
    Token,
    #[error("the token's scope does not cover this service")]
    ScopeMissing,
    #[error("research needs a login of the highest level; log in anew")]
    AssuranceTooLow,
    #[error(
        "the token does not say who asks through which organisation; use a token made from a login"
    )]
    PersonMissing,
    #[error("there is no question; send `query` or `sql`")]
    QuestionMissing,
    #[error(
        "a deadline is {DEADLINE_MS_MIN} to {DEADLINE_MS_MAX} milliseconds, or 0 for the usual"
    )]
    Deadline,
    #[error("a run is named by 16 bytes, those of `RunStarted.run_id`")]
    RunId,
    #[error("{0}")]
    Sql(Box<SqlError>),
    #[error("{0}")]
    Permit(#[source] ReadDataPermitError),
    #[error("register `{register}` may not be asked: {field}")]
    Outside {
        register: RegisterId,
        field: OutsidePermit,
    },
    #[error("the data permit is for other people, or for another organisation")]
    NotEntitled,
    #[error("{0}")]
    Query(Box<QueryError>),
    #[error(
        "register `{0}` is named, and what it publishes is not known now; leave it out or wait"
    )]
    RegisterUnknown(String),
    #[error(
        "register `{0}` is named, and its agent does not serve this gateway; leave it out, or have \
         the register let the gateway ask queries"
    )]
    NotServed(String),
    #[error("{0}")]
    Plan(PlanError),
    #[error("the data permit's limits cannot be kept here: {0}")]
    Rules(RulesError),
    #[error("no table can be released: {0}")]
    Release(ReleaseError),
    #[error("a run is for a purpose that has a name, or for its permit's: leave `purpose` out")]
    Purpose,
    #[error(
        "this table is not available under the data permit, beside what it has had released; ask \
         another question"
    )]
    NotAvailable,
    #[error("other tables of the data permit were released meanwhile; ask again")]
    Overtaken,
    #[error("there is no answer of {}", named_with_reason(.0))]
    Incomplete(Vec<Missing>),
    #[error(
        "there is no table: {} must have the query approved by the register's steward, and keeps \
         it; run it again when that is done", named(.0)
    )]
    Held(Vec<RegisterId>),
    #[error("no register has answered; {} were asked{}", .0.len(), those_that_say_why(.0))]
    NobodyAnswered(Vec<Missing>),
    #[error("too many runs are under way; try again in a minute")]
    Overloaded,
    #[error("the run was cancelled")]
    Cancelled,
    #[error("the ledger of releases cannot be used now, so nothing is released; try again later")]
    Ledger(#[from] StoreError),
    #[error("the gateway failed on this query; nothing was released")]
    Failed,
}

use Refusal as R;

impl Refusal {
    /// The stable word for it, in `SCREAMING_SNAKE_CASE`.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            R::Token => "TOKEN_REFUSED",
            R::ScopeMissing => "SCOPE_MISSING",
            R::AssuranceTooLow => "ASSURANCE_TOO_LOW",
            R::PersonMissing => "TOKEN_PERSON_MISSING",
            R::QuestionMissing => "QUESTION_MISSING",
            R::Deadline => "DEADLINE_OUT_OF_BOUNDS",
            R::RunId => "RUN_ID_MALFORMED",
            R::Sql(_) => "SQL_REFUSED",
            R::Permit(_) => "DATA_PERMIT_REFUSED",
            R::Outside { .. } | R::NotEntitled => "OUTSIDE_DATA_PERMIT",
            R::Query(_) => "QUERY_REFUSED",
            R::RegisterUnknown(_) | R::NotServed(_) => "REGISTER_UNKNOWN",
            R::Plan(_) | R::Rules(_) | R::Release(_) => "NOT_RELEASABLE",
            R::Purpose => "PURPOSE_UNKNOWN",
            R::NotAvailable => "NOT_AVAILABLE",
            R::Overtaken => "OVERTAKEN",
            R::Incomplete(_) => "REGISTERS_MISSING",
            R::Held(_) => "HELD_BY_STEWARD",
            R::NobodyAnswered(_) => "NO_REGISTER_ANSWERED",
            R::Overloaded => "OVERLOADED",
            R::Cancelled => "CANCELLED",
            R::Ledger(_) => "LEDGER_UNAVAILABLE",
            R::Failed => "FAILED",
        }
    }

    const fn code(&self) -> Code {
        match self {
            R::Token => Code::Unauthenticated,
            R::ScopeMissing
            | R::AssuranceTooLow
            | R::PersonMissing
            | R::Permit(_)
            | R::Outside { .. }
            | R::NotEntitled => Code::PermissionDenied,
            R::QuestionMissing
            | R::Deadline
            | R::RunId
            | R::Purpose
            | R::Sql(_)
            | R::Query(_)
            | R::Plan(_)
            | R::Rules(_)
            | R::Release(_) => Code::InvalidArgument,
            R::NotAvailable => Code::FailedPrecondition,
            R::Overtaken => Code::Aborted,
            R::RegisterUnknown(_)
            | R::NotServed(_)
            | R::Incomplete(_)
            | R::Held(_)
            | R::NobodyAnswered(_)
            | R::Ledger(_) => Code::Unavailable,
            R::Overloaded => Code::ResourceExhausted,
            R::Cancelled => Code::Cancelled,
            R::Failed => Code::Internal,
        }
    }

    /// What a program may want to know beside the reason.
    fn metadata(&self) -> HashMap<String, String> {
        let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            R::Outside { register, field } => HashMap::from([
                entry("field", field.label()),
                entry("register", register.as_str()),
            ]),
            R::Query(error) => HashMap::from([entry("place", &error.place)]),
            R::Sql(error) => error.place.map_or_else(HashMap::new, |place| {
                HashMap::from([
                    entry("line", &place.line.to_string()),
                    entry("column", &place.column.to_string()),
                ])
            }),
            R::Incomplete(missing) | R::NobodyAnswered(missing) => by_reason(missing),
            _ => HashMap::new(),
        }
    }
}

impl From<Refusal> for tonic::Status {
    fn from(refusal: Refusal) -> Self {
        let details =
            ErrorDetails::with_error_info(refusal.reason(), ERROR_DOMAIN, refusal.metadata());
        Self::with_error_details(refusal.code(), refusal.to_string(), details)
    }
}

/// Registers that are named in one text.
const NAMED_MAX: usize = 20;

/// Registers by name; not all of a long list.
fn named(registers: &[RegisterId]) -> String {
    listed(registers.iter().map(|register| format!("`{register}`")))
}

/// Registers by name, each with why if it has said so.
fn named_with_reason(missing: &[Missing]) -> String {
    listed(missing.iter().map(
        |Missing { register, reason }| match said_no::words(*reason) {
            Some(why) => format!("`{register}` ({why})"),
            None => format!("`{register}`"),
        },
    ))
}

/// Those that have said why, for the end of a sentence.
fn those_that_say_why(missing: &[Missing]) -> String {
    let say_why = |missing: &&Missing| said_no::words(missing.reason).is_some();
    let say_why: Vec<_> = missing.iter().filter(say_why).cloned().collect();
    match say_why.as_slice() {
        [] => String::new(),
        said => format!("; {}", named_with_reason(said)),
    }
}

/// For each reason that registers have given, their ids with commas in between.
fn by_reason(missing: &[Missing]) -> HashMap<String, String> {
    let mut by_reason: HashMap<String, String> = HashMap::new();
    for Missing { register, reason } in missing.iter().take(NAMED_MAX) {
        if let Some(label) = said_no::label(*reason) {
            let registers = by_reason.entry(label.to_owned()).or_default();
            if !registers.is_empty() {
                registers.push(',');
            }
            registers.push_str(register.as_str());
        }
    }
    by_reason
}

/// The first of `names`, and how many others there are.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let names: Vec<_> = names.take(NAMED_MAX).collect();
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} others", names.join(", ")),
    }
}
