//! What to do where Personvernkomponenten and the agent differ: rules without sockets.
//!
//! What holds:
//!
//! - **The highest sequence wins, and a tie denies**; here that is left to the settings' own rule.
//! - **Absence alone never loosens**: whoever stands here and not on the list is asked about one by
//!   one, since a list that changes while it is read can pass somebody over.
//! - **Where sequences cannot decide**, because the other side has gone back or forgotten, the
//!   stricter of the two stands.

use std::collections::HashMap;

use innsyn_policy::{NationalId, SettingKind, Timestamp};

use super::wire::PvkSetting;
use crate::settings::kept::Said;

/// What a whole list comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// To be taken, by the settings' own rule.
    pub(super) take: Vec<PvkSetting>,
    /// To be asked about one by one.
    pub(super) ask: Vec<NationalId>,
}

/// Whether a setting of this kind keeps data back.
pub(super) const fn says_no(kind: SettingKind, active: bool) -> bool {
    match kind {
        SettingKind::Consent => !active,
        SettingKind::Reservation | SettingKind::Block => active,
    }
}

/// Compares everybody whose setting stands there with everybody who has said something here.
pub(super) fn compare(
    listed: &HashMap<NationalId, PvkSetting>,
    ours: &HashMap<NationalId, Said>,
) -> Difference {
    let take = listed.values().filter(|setting| {
        let known = ours.get(&setting.person);
        known.is_none_or(|said| !(said.active && said.sequence == setting.sequence))
    });
    let stands_here_alone =
        |(person, said): &(&NationalId, &Said)| said.active && !listed.contains_key(*person);
    let ask = ours.iter().filter(stands_here_alone);
    Difference {
        take: take.cloned().collect(),
        ask: ask.map(|(person, _)| *person).collect(),
    }
}

/// What is to be taken of `person`, who stands here as `said` and not on the list, and was asked
/// about: `theirs` stands there.
pub(super) fn settle(
    kind: SettingKind,
    person: &NationalId,
    said: &Said,
    theirs: Option<PvkSetting>,
) -> Option<PvkSetting> {
    match theirs {
        Some(theirs) if theirs.sequence >= said.sequence => Some(theirs),
        theirs => strictest(kind, person, said, theirs),
    }
}

/// What is to be taken so that the stricter of the two stands; nothing where it does already.
pub(super) fn strictest(
    kind: SettingKind,
    person: &NationalId,
    said: &Said,
    theirs: Option<PvkSetting>,
) -> Option<PvkSetting> {
    // What was never said there does not stand there.
    let theirs = theirs.unwrap_or(PvkSetting {
        person: *person,
        definition: said.definition,
        active: false,
        sequence: said.sequence,
        changed_at: said.since,
        until: None,
    });
    is_stricter(kind, &theirs, said).then(|| PvkSetting {
        sequence: theirs.sequence.max(said.sequence),
        ..theirs
    })
}

/// Whether what stands there keeps more back than what stands here.
fn is_stricter(kind: SettingKind, theirs: &PvkSetting, said: &Said) -> bool {
    let (no, said_no) = (says_no(kind, theirs.active), says_no(kind, said.active));
    if no != said_no || !theirs.active {
        return no && !said_no;
    }
    // Both stand: a yes that ends sooner is stricter, and a no that ends later.
    let end = |until: Option<Timestamp>| until.map_or(i64::MAX, Timestamp::as_micros);
    let (end, said_end) = (end(theirs.until), end(said.until));
    if no { end > said_end } else { end < said_end }
}

/// Whether the two are at odds.
pub(super) fn differ(said: &Said, theirs: Option<&PvkSetting>) -> bool {
    match theirs {
        None => said.active,
        Some(theirs) => theirs.active != said.active || theirs.active && theirs.until != said.until,
    }
}
