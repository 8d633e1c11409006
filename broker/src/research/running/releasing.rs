//! The released table as it is told: what the desk shows, beside what became of each register.

use std::collections::BTreeMap;

use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::wire::research::v1 as wire;
use wire::RegisterState as State;

use super::super::auditing::{Audit, Passed};
use super::super::coverage::{Coverage, RegisterOutcome};
use super::super::desk::{Counted, ReleaseDesk};
use super::super::face::Prepared;
use super::super::ledger::Release;
use super::super::merge::ExactTable;
use super::super::overlap::{Asked, Table};
use super::super::refusal::Refusal;
use super::super::said_no::SaidNo;
use super::super::table;

/// The desk's and the audit's work, and all that is said with it.
#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that stands in a table"
)]
pub(super) fn released(
    desk: ReleaseDesk,
    prepared: &Prepared,
    exact: &ExactTable,
    coverage: &Coverage,
    said: &BTreeMap<RegisterId, SaidNo>,
    receipts: Vec<wire::Receipt>,
    audit: Audit,
    now: Timestamp,
) -> Result<(wire::ReleasedTable, Passed), Refusal> {
    let Prepared { plan, rules, .. } = prepared;
    let domains = plan.domains();
    let released = (desk.release)(exact, &domains, *rules, &plan.clips());
    let released = released.map_err(Refusal::Release)?;
    let asked = Asked::of(prepared.query.normal(), &domains);
    let new = Table::of(exact, &released, asked);
    let passed = audit.end(&new, *rules, desk.tell_of_few)?;
    let registers = coverage.iter();
    let table = wire::ReleasedTable {
        query_name: prepared.query.name().as_bytes().to_vec(),
        released_at: now.as_seconds(),
        is_earlier: false,
        counts_registrations: released.counted == Counted::Registrations,
        columns: plan.columns().to_vec(),
        rows: table::rows(&released, plan),
        registers: registers
            .map(|(register, outcome)| progress(register, state(outcome), said.get(register)))
            .collect(),
        smallest_cell: u32::try_from(rules.k()).unwrap_or_default(),
        rounding_base: u32::try_from(rules.base()).unwrap_or_default(),
        receipts,
    };
    Ok((table, passed))
}

/// The table of an earlier release, with its date.
pub(super) fn again(release: Release) -> wire::ReleasedTable {
    wire::ReleasedTable {
        is_earlier: true,
        ..release.table
    }
}

/// What a register does, and what it said if it refused.
pub(super) fn progress(
    register: &RegisterId,
    state: State,
    said: Option<&SaidNo>,
) -> wire::RegisterProgress {
    let said = said.filter(|_| state == State::Refused);
    wire::RegisterProgress {
        register_id: register.to_string(),
        state: state.into(),
        refusal_reason: said.map_or(0, |said| said.reason().into()),
        refusal_receipt: said.and_then(|said| said.receipt.clone()),
    }
}

pub(super) const fn state(outcome: RegisterOutcome) -> State {
    match outcome {
        RegisterOutcome::Answered => State::Answered,
        RegisterOutcome::Refused => State::Refused,
        RegisterOutcome::Held => State::Held,
        RegisterOutcome::Silent => State::Silent,
    }
}
