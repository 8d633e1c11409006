//! Cases between the wire and policy.

use innsyn_policy::{Act, Case, CaseKind, CaseState, Party, Standing, Timestamp, Verdict};

use crate::case_receipt::CaseId;
use crate::wire::types::v1 as wire;

/// What a person asks for; `None` where it is unspecified.
pub const fn case_kind_from_wire(kind: wire::CaseKind) -> Option<CaseKind> {
    use wire::CaseKind as Wire;
    Some(match kind {
        Wire::Unspecified => return None,
        Wire::Insight => CaseKind::Insight,
        Wire::Correction => CaseKind::Correction,
        Wire::Deletion => CaseKind::Deletion,
        Wire::Blocking => CaseKind::Blocking,
        Wire::Reservation => CaseKind::Reservation,
    })
}

/// What a person asks for.
pub const fn case_kind_to_wire(kind: CaseKind) -> wire::CaseKind {
    use wire::CaseKind as Wire;
    match kind {
        CaseKind::Insight => Wire::Insight,
        CaseKind::Correction => Wire::Correction,
        CaseKind::Deletion => Wire::Deletion,
        CaseKind::Blocking => Wire::Blocking,
        CaseKind::Reservation => Wire::Reservation,
    }
}

/// Where a case stands.
pub const fn case_state_to_wire(state: CaseState) -> wire::CaseState {
    use wire::CaseState as Wire;
    match state {
        CaseState::Received => Wire::Received,
        CaseState::InProgress => Wire::InProgress,
        CaseState::Answered(Verdict::Accepted) => Wire::Accepted,
        CaseState::Answered(Verdict::Partly) => Wire::Partly,
        CaseState::Answered(Verdict::Refused) => Wire::Refused,
        CaseState::Appealed => Wire::Appealed,
    }
}

/// What was done in a step.
pub const fn case_act_to_wire(act: Act) -> wire::CaseAct {
    use wire::CaseAct as Wire;
    match act {
        Act::Open => Wire::Open,
        Act::Message => Wire::Message,
        Act::Begin => Wire::Begin,
        Act::Extend => Wire::Extend,
        Act::Answer(Verdict::Accepted) => Wire::Accept,
        Act::Answer(Verdict::Partly) => Wire::AcceptPartly,
        Act::Answer(Verdict::Refused) => Wire::Refuse,
        Act::Appeal => Wire::Appeal,
    }
}

/// Who took a step.
pub const fn case_party_to_wire(party: Party) -> wire::CaseParty {
    use wire::CaseParty as Wire;
    match party {
        Party::Person => Wire::Person,
        Party::Representative => Wire::Representative,
        Party::Clerk => Wire::Register,
    }
}

/// A case of `steps` steps, as it stands at `now`.
pub fn case_summary_to_wire(
    id: CaseId,
    case: &Case,
    steps: u32,
    now: Timestamp,
) -> wire::CaseSummary {
    use wire::CaseStanding as Wire;
    let deadline = case.deadline();
    wire::CaseSummary {
        case_id: id.0.to_vec(),
        kind: case_kind_to_wire(case.kind()).into(),
        state: case_state_to_wire(case.state()).into(),
        standing: match case.standing(now) {
            Standing::InTime => Wire::InTime,
            Standing::PastTarget => Wire::PastTarget,
            Standing::Overdue => Wire::Overdue,
        }
        .into(),
        received_at_ms: case.received_at().as_micros().div_euclid(1_000),
        last_at_ms: case.last_at().as_micros().div_euclid(1_000),
        due: deadline.due().to_string(),
        extended: deadline.is_extended(),
        steps,
    }
}
