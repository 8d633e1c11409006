//! Checks again, without trusting the gateway, what it says that it has checked.

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;
use innsyn_proto::uselog::checked::Checked;
use innsyn_proto::uselog::proof::{CheckAgainError, check_again};
use innsyn_proto::uselog::receipt::ReadingReceipt;
use innsyn_proto::wire::citizen::v1 as wire;

/// What was found of each register whose log was shown, by its id.
pub(super) type Again = BTreeMap<String, Result<Checked, CheckAgainError>>;

/// Checks what every register in `uses` has shown; each is held to its receipt in `before`.
pub(super) fn check_all(before: &[String], uses: &wire::ListUsesResponse) -> Again {
    let receipts = before.iter().filter_map(|note| {
        // One that is none was given to nobody.
        let read = ReadingReceipt::read_unchecked(note).ok()?;
        Some((read.register.clone(), (read, note.clone())))
    });
    let receipts: BTreeMap<RegisterId, _> = receipts.collect();
    let shown = uses.registers.iter();
    let shown = shown.filter(|register| register.outcome() == wire::UsesOutcome::Verified);
    shown
        .map(|register| {
            let id = RegisterId::parse(&register.register_id).ok();
            let receipt = id.and_then(|id| receipts.get(&id).cloned());
            let checked = check_again(register, receipt);
            (register.register_id.clone(), checked)
        })
        .collect()
}

/// The registers of which the gateway tells what does not hold, each with what was found.
pub(super) fn lies<'a>(
    uses: &'a wire::ListUsesResponse,
    again: &'a Again,
) -> impl Iterator<Item = String> + 'a {
    let registers = uses.registers.iter();
    registers.filter_map(|register| {
        let id = &register.register_id;
        let error = again.get(id)?.as_ref().err()?;
        Some(format!("{id}: {error}"))
    })
}
