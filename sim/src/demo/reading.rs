//! The demo's citizen reads who has used their data, twice, and holds every register to what it
//! showed the first time.

use super::events::{self, Proof};
use super::print;
use super::somebody::Somebody;
use crate::receipts;

/// Reads the logs of all registers, and then again with the receipts.
pub(super) async fn read_and_hold(somebody: &Somebody<'_>) -> anyhow::Result<()> {
    let (caller, question) = (&somebody.caller, somebody.question()?);
    let uses = caller.uses(&question, Vec::new()).await?;
    let first = Proof::of(&uses);
    print::uses(&events::alike(events::questions(&uses)), &first);
    let receipts = receipts::kept(&[], &uses);
    let again = caller.uses(&question, receipts).await?;
    print::held(&Proof::of(&again));
    Ok(())
}
