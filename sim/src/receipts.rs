//! Receipts of readings of the log of use, as a person keeps them.

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;
use innsyn_proto::uselog::receipt::ReadingReceipt;
use innsyn_proto::wire::citizen::v1::{ListUsesResponse, UsesOutcome};

/// What is kept after the reading `uses`, of one who had `before`: the new receipt of each register
/// whose log holds, and of every other the one from before. A register that is silent, or shows what
/// does not hold, is held to that at the next reading too.
pub fn kept(before: &[String], uses: &ListUsesResponse) -> Vec<String> {
    let mut kept: BTreeMap<RegisterId, &String> = BTreeMap::new();
    let verified = uses.registers.iter().filter(|register| {
        register.outcome() == UsesOutcome::Verified && !register.receipt.is_empty()
    });
    let new = verified.map(|register| &register.receipt);
    for receipt in before.iter().chain(new) {
        // What is no receipt is no register's, and cannot be given to any.
        if let Ok(read) = ReadingReceipt::read_unchecked(receipt) {
            kept.insert(read.register, receipt);
        }
    }
    kept.into_values().cloned().collect()
}
