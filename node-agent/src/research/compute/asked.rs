//! A query as it comes from a gateway, read strictly.

use std::fmt;
use std::time::Duration;

use innsyn_policy::{
    NationalId, NumberRules, Organisation, ParseNationalIdError, Purpose, QuestionId,
};
use innsyn_proto::query::Asking;
use innsyn_proto::wire::node::v1::ComputeRequest;
use innsyn_proto::wire::research::v1::Query;
use tokio::time::Instant;

/// A gateway's question: who asks what, with which permit, and until when an answer is of use.
pub(super) struct AskedQuery {
    /// Names the question at every register.
    pub(super) id: QuestionId,
    /// What is asked; not checked yet.
    pub(super) query: Query,
    /// The data permit as it came; not verified yet.
    pub(super) data_permit: String,
    /// Who asks.
    pub(super) researcher: NationalId,
    /// Through which organisation.
    pub(super) organisation: Organisation,
    /// The smallest cell that the gateway will release, in persons.
    pub(super) smallest_cell: u32,
    /// To multiples of what it will round counts.
    pub(super) rounding_base: u32,
    /// Until when the gateway waits.
    pub(super) deadline: Instant,
}

/// Why a message is no question. Never quotes what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadAskedError {
    /// Absent, or zero where that means nothing.
    #[error("`{0}` is absent or of the wrong size")]
    Field(&'static str),
    /// The researcher is not named by a national id.
    #[error("`researcher` is not a national id")]
    Researcher(#[source] ParseNationalIdError),
    /// The organisation is not one.
    #[error("`organisation` is not 1 to 16 printable characters")]
    Organisation,
}

impl AskedQuery {
    /// Reads a question that came at `now`.
    pub(super) fn read(
        request: ComputeRequest,
        rules: NumberRules,
        now: Instant,
    ) -> Result<Self, ReadAskedError> {
        use ReadAskedError as E;
        let id: [u8; 16] = request
            .question_id
            .as_ref()
            .try_into()
            .map_err(|_| E::Field("question_id"))?;
        for (field, value) in [
            ("smallest_cell", request.smallest_cell),
            ("rounding_base", request.rounding_base),
            ("deadline_ms", request.deadline_ms),
        ] {
            if value == 0 {
                return Err(E::Field(field));
            }
        }
        Ok(Self {
            id: QuestionId(id),
            query: request.query.ok_or(E::Field("query"))?,
            data_permit: request.data_permit,
            researcher: NationalId::from_number(request.researcher, rules)
                .map_err(E::Researcher)?,
            organisation: Organisation::parse(&request.organisation)
                .map_err(|_| E::Organisation)?,
            smallest_cell: request.smallest_cell,
            rounding_base: request.rounding_base,
            deadline: now + Duration::from_millis(request.deadline_ms.into()),
        })
    }

    /// What a permit for `purpose` asks beside the query, after `queries_before` others.
    pub(super) const fn asking(&self, purpose: Purpose, queries_before: u32) -> Asking {
        Asking {
            person: self.researcher,
            organisation: self.organisation,
            purpose,
            smallest_cell: self.smallest_cell,
            rounding_base: self.rounding_base,
            queries_before,
        }
    }
}

impl fmt::Debug for AskedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AskedQuery(***)")
    }
}
