//! A query as it comes from a gateway, read strictly.

use std::fmt;
use std::time::Duration;

use innsyn_policy::{
    NationalId, NumberRules, Organisation, ParseNationalIdError, Purpose, QuestionId,
};
use innsyn_proto::head::LogHash;
use innsyn_proto::query::Asking;
use innsyn_proto::wire::node::v1::{self as wire, ComputeRequest, OverlapAudit};
use innsyn_proto::wire::research::v1::Query;
use tokio::time::Instant;

/// Most earlier counts that one is compared with.
const EARLIER_MAX: usize = 1_000;

/// A gateway's question: who asks what, with which permit, and until when an answer is of use.
pub(super) struct AskedQuery {
    /// Names the question at every register.
    pub(super) id: QuestionId,
    /// What is asked; not checked yet.
    pub(super) query: Query,
    /// What the gateway calls the query.
    pub(super) query_name: [u8; 32],
    /// The earlier counts that it is to be compared with; none where no audit is asked for.
    pub(super) audit: Vec<EarlierCount>,
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

/// An earlier count, as the gateway names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EarlierCount {
    /// The query's name.
    pub(super) query: [u8; 32],
    pub(super) snapshot: [u8; 32],
    /// Its entry in the log of use.
    pub(super) use_log_leaf: LogHash,
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
        let audit = request.audit.as_ref().map_or(Ok(Vec::new()), read_audit)?;
        Ok(Self {
            id: QuestionId(id),
            query_name: bytes(&request.query_name).ok_or(E::Field("query_name"))?,
            audit,
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

fn read_audit(audit: &OverlapAudit) -> Result<Vec<EarlierCount>, ReadAskedError> {
    let read = |earlier: &wire::EarlierCount| {
        Some(EarlierCount {
            query: bytes(&earlier.query_name)?,
            snapshot: bytes(&earlier.snapshot)?,
            use_log_leaf: bytes(&earlier.use_log_leaf)?,
        })
    };
    let earlier: Option<Vec<_>> = audit.earlier.iter().map(read).collect();
    earlier
        .filter(|earlier| (1..=EARLIER_MAX).contains(&earlier.len()))
        .ok_or(ReadAskedError::Field("audit"))
}

fn bytes(field: &[u8]) -> Option<[u8; 32]> {
    field.try_into().ok()
}

impl fmt::Debug for AskedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AskedQuery(***)")
    }
}
