//! Whether the log of use has a change already.

use std::sync::Arc;

use innsyn_policy::UseKind;
use innsyn_proto::setting::Change;
use tokio::task::spawn_blocking;

use crate::uselog::UseLog;

/// Entries about the person that are looked at, the newest first.
const LOOKED_BACK_MAX: usize = 64;

/// Whether `change` stands in the log: the agent may have ended between its entry there and its row
/// in the records. What cannot be read is not there, and is logged again.
pub(in crate::settings) async fn is_logged(log: &Arc<UseLog>, change: &Change) -> bool {
    let (reader, tag) = (log.reader(), log.tagger().subject(&change.person));
    let id = change.id;
    let looked = spawn_blocking(move || {
        let mut next = reader.newest(&tag);
        for _ in 0..LOOKED_BACK_MAX {
            let placed = next.and_then(|position| reader.about(&tag, position).ok());
            let Some(placed) = placed else {
                return false;
            };
            let entry = &placed.entry;
            if entry.kind() == UseKind::SettingChange && entry.question.0 == id.0 {
                return true;
            }
            next = placed.before;
        }
        false
    });
    looked.await.unwrap_or(false)
}
