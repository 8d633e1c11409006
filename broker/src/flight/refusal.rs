//! What Flight SQL is refused, beside what any research call is: each with a sentence.
//!
//! The reason stands in `google.rpc.ErrorInfo`, as everywhere, and in the trailer
//! `innsyn-reason`, which the drivers show without knowing of protobuf.

use std::collections::HashMap;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::call::{DATA_PERMIT, DEADLINE_MS, MUST_BE_COMPLETE};
use super::results::LIFETIME_S;
use crate::gateway::refusal::ERROR_DOMAIN;
use crate::research::Refusal;

/// The trailer with the reason.
pub(super) const REASON: &str = "innsyn-reason";

/// Why a call of Flight SQL is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum FlightRefusal {
    #[error(transparent)]
    Research(#[from] Refusal),
    #[error(
        "there is no data permit; send it, as its issuer signed it, in the header `{DATA_PERMIT}` \
         (ADBC: `adbc.flight.sql.rpc.call_header.{DATA_PERMIT}`)"
    )]
    PermitMissing,
    #[error("the header `{0}` must stand once, in ASCII")]
    Header(&'static str),
    #[error("the header `{DEADLINE_MS}` is a number of milliseconds")]
    DeadlineHeader,
    #[error("the header `{MUST_BE_COMPLETE}` is `true` or `false`")]
    CompleteHeader,
    #[error("the call cannot be read as Flight SQL; use a driver of Flight SQL")]
    NotUnderstood,
    #[error("this call is not served; ask by SQL, as `GetFlightInfo` or a prepared statement")]
    NotServed,
    #[error("registers are only asked here, and nothing is written; write one `SELECT`")]
    ReadOnly,
    #[error(
        "there are no transactions: every statement stands alone; switch autocommit on, or do not \
         begin one"
    )]
    Transaction,
    #[error("a statement has no parameters here; write the values into it")]
    Parameters,
    #[error("plans are not taken; send SQL")]
    Plan,
    #[error(
        "this ticket is not known: it is another researcher's, or older than {LIFETIME_S} \
         seconds; run the query again"
    )]
    Ticket,
    #[error(
        "there is no report yet: run a query under this data permit first, with the same token's \
         owner"
    )]
    NoReport,
    #[error("the report is read whole; write `SELECT * FROM query_report`")]
    ReportForm,
    #[error(
        "column {0} has the name of one that the gateway adds; give one another name with `AS`"
    )]
    SameName(String),
    #[error("too many results wait to be fetched; try again in a minute")]
    Full,
    #[error("the gateway failed on this call; nothing more was released")]
    Failed,
}

use FlightRefusal as F;

impl FlightRefusal {
    const fn reason(&self) -> &'static str {
        match self {
            F::Research(refusal) => refusal.reason(),
            F::PermitMissing => "DATA_PERMIT_MISSING",
            F::Header(_) | F::DeadlineHeader | F::CompleteHeader => "HEADER_REFUSED",
            F::NotUnderstood => "CALL_NOT_UNDERSTOOD",
            F::NotServed | F::Plan => "CALL_NOT_SERVED",
            F::ReadOnly => "READ_ONLY",
            F::Transaction => "NO_TRANSACTIONS",
            F::Parameters => "NO_PARAMETERS",
            F::Ticket => "TICKET_UNKNOWN",
            F::NoReport => "NO_REPORT",
            F::ReportForm => "SQL_REFUSED",
            F::SameName(_) => "COLUMN_NAME_TAKEN",
            F::Full => "OVERLOADED",
            F::Failed => "FAILED",
        }
    }

    const fn code(&self) -> Code {
        match self {
            // Its own code, by `From<Refusal>`.
            F::Research(_) | F::Failed => Code::Internal,
            F::PermitMissing
            | F::Header(_)
            | F::DeadlineHeader
            | F::CompleteHeader
            | F::NotUnderstood
            | F::Parameters
            | F::ReportForm
            | F::SameName(_) => Code::InvalidArgument,
            F::NotServed | F::ReadOnly | F::Transaction | F::Plan => Code::Unimplemented,
            F::Ticket | F::NoReport => Code::NotFound,
            F::Full => Code::ResourceExhausted,
        }
    }
}

impl From<FlightRefusal> for Status {
    fn from(refusal: FlightRefusal) -> Self {
        tracing::info!(reason = refusal.reason(), "flight call refused");
        if let F::Research(refusal) = refusal {
            return told(refusal.into());
        }
        let details = ErrorDetails::with_error_info(refusal.reason(), ERROR_DOMAIN, HashMap::new());
        told(Self::with_error_details(
            refusal.code(),
            refusal.to_string(),
            details,
        ))
    }
}

/// `status` with its reason as a trailer, too.
pub(super) fn told(mut status: Status) -> Status {
    let reason = status.get_details_error_info().map(|info| info.reason);
    if let Some(Ok(reason)) = reason.map(MetadataValue::try_from) {
        status.metadata_mut().insert(REASON, reason);
    }
    status
}
