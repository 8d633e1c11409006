//! The demo's citizen reads who has used their data, twice, and holds every register to what it
//! showed the first time.

use std::time::Duration;

use tokio::time::sleep;

use super::events::{self, Proof};
use super::print;
use super::somebody::Somebody;
use crate::receipts;

/// How often the logs are read again until other registers have witnessed them, and how long after
/// each other: a gateway shows heads that are new to it within a second or two.
const LOOKS_MAX: u32 = 15;
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Reads the logs of all registers, and then again with the receipts.
pub(super) async fn read_and_hold(somebody: &Somebody<'_>) -> anyhow::Result<()> {
    let (caller, question) = (&somebody.caller, somebody.question()?);
    let uses = caller.uses(&question, Vec::new()).await?;
    let first = Proof::of(&uses);
    print::uses(&events::alike(events::questions(&uses)), &first);
    let receipts = receipts::kept(&[], &uses);
    let mut held = Proof::default();
    for _ in 0..LOOKS_MAX {
        let again = caller.uses(&question, receipts.clone()).await?;
        held = Proof::of(&again);
        if held.witnessed_by_registers == held.witnessed || !held.wrong.is_empty() {
            break;
        }
        sleep(LOOK_AFTER).await;
    }
    print::held(&held);
    Ok(())
}
