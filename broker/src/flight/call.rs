//! Who makes a call, and what its headers say: Flight SQL has no other place for options.

use http::HeaderMap;
use innsyn_proto::wire::research::v1 as wire;
use wire::run_request::Question;

use super::refusal::FlightRefusal;
use crate::research::Researcher;

/// The data permit, as its issuer signed it.
pub(super) const DATA_PERMIT: &str = "innsyn-data-permit";
/// How long registers may take, in milliseconds.
pub(super) const DEADLINE_MS: &str = "innsyn-deadline-ms";
/// Whether a table that lacks a register is no table.
pub(super) const MUST_BE_COMPLETE: &str = "innsyn-must-be-complete";

/// A call of somebody who was admitted.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) researcher: Researcher,
    data_permit: Option<String>,
    deadline_ms: u32,
    must_be_complete: bool,
}

impl Call {
    /// The call of `researcher` with these headers.
    pub(super) fn of(researcher: Researcher, headers: &HeaderMap) -> Result<Self, FlightRefusal> {
        let deadline_ms = text(headers, DEADLINE_MS)?
            .map(|ms| ms.trim().parse().ok().ok_or(FlightRefusal::DeadlineHeader));
        let must_be_complete = text(headers, MUST_BE_COMPLETE)?.map(|word| match word.trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(FlightRefusal::CompleteHeader),
        });
        Ok(Self {
            researcher,
            data_permit: text(headers, DATA_PERMIT)?.map(str::to_owned),
            deadline_ms: deadline_ms.transpose()?.unwrap_or_default(),
            must_be_complete: must_be_complete.transpose()?.unwrap_or_default(),
        })
    }

    /// The permit that the call brings.
    pub(super) fn data_permit(&self) -> Result<&str, FlightRefusal> {
        self.data_permit
            .as_deref()
            .ok_or(FlightRefusal::PermitMissing)
    }

    /// `sql`, asked as the headers say.
    pub(super) fn asking(&self, sql: String) -> Result<wire::RunRequest, FlightRefusal> {
        Ok(wire::RunRequest {
            question: Some(Question::Sql(sql)),
            data_permit: self.data_permit()?.to_owned(),
            deadline_ms: self.deadline_ms,
            must_be_complete: self.must_be_complete,
        })
    }
}

/// The header `name`, which stands once at most.
fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, FlightRefusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let is_only = values.next().is_none();
    let text = value.to_str().ok().filter(|_| is_only);
    text.map(Some).ok_or(FlightRefusal::Header(name))
}
