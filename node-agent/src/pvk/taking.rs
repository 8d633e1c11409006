//! What Personvernkomponenten says becomes a change like any other: in the log of use first, then
//! in the records, and then binding.

use std::sync::Arc;

use innsyn_policy::{Organisation, Timestamp};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use sha2::{Digest as _, Sha256};

use super::wire::PvkSetting;
use crate::settings::forwarding::{self, Forward};
use crate::settings::keeper::Keeper;
use crate::settings::kept::{KeepError, Writer};

/// Through whose service people speak to Personvernkomponenten, for the log of use.
const ORGANISATION: &str = "pvk";

/// Takes settings for one keeper.
#[derive(Debug, Clone)]
pub(super) struct Taking {
    pub(super) keeper: Arc<Keeper>,
}

impl Taking {
    /// Takes `settings`, all or none; gives how many were new. They are durable and in the log when
    /// this returns.
    pub(super) async fn take(&self, settings: &[PvkSetting]) -> Result<usize, KeepError> {
        let mut changes = Vec::with_capacity(settings.len());
        for setting in settings {
            changes.extend(self.change(setting, None));
        }
        self.keeper.take_changes(&Writer::Pvk, &changes).await
    }

    /// Takes one setting that was pushed; if it is what somebody has said here, then as theirs.
    pub(super) async fn take_pushed(&self, setting: &PvkSetting) -> Result<usize, KeepError> {
        let records = self.keeper.records();
        let tried = forwarding::tried_of(records, &setting.person, &setting.definition).await?;
        let is_it = |forward: &Forward| {
            forward.change.active == setting.active
                && forward
                    .stood
                    .is_some_and(|stood| setting.sequence == stood + 1)
        };
        self.take_one(setting, tried.filter(is_it).as_ref()).await
    }

    /// Takes one setting, which `forward` led to.
    pub(super) async fn take_one(
        &self,
        setting: &PvkSetting,
        forward: Option<&Forward>,
    ) -> Result<usize, KeepError> {
        let changes: Vec<_> = self.change(setting, forward).into_iter().collect();
        self.keeper.take_changes(&Writer::Pvk, &changes).await
    }

    /// The change, and when it was said.
    fn change(
        &self,
        setting: &PvkSetting,
        forward: Option<&Forward>,
    ) -> Option<(Change, Timestamp)> {
        let definition = self.keeper.kept().definitions().get(&setting.definition)?;
        let change = Change {
            id: self.id(setting),
            definition: setting.definition,
            text_version: definition.text_version,
            person: setting.person,
            by: setting.person,
            organisation: Organisation::parse(ORGANISATION).ok()?,
            acted_as: ActedAs::Own,
            sequence: setting.sequence,
            active: setting.active,
            until: setting.until,
        };
        let Some(forward) = forward else {
            return Some((change, setting.changed_at));
        };
        let said = &forward.change;
        let change = Change {
            text_version: said.text_version,
            by: said.by,
            organisation: said.organisation,
            acted_as: said.acted_as,
            ..change
        };
        // A gateway's sequence is when it was said; by it, what is in effect here is compared with
        // what is elsewhere.
        Some((change, Timestamp::from_micros(said.sequence)))
    }

    /// One name for one setting at one sequence, however it comes: it tells nobody whose it is, for
    /// it is made of the person's code.
    fn id(&self, setting: &PvkSetting) -> ChangeId {
        let code = self.keeper.records().key().code(&setting.person);
        let until = setting.until.map_or(i64::MAX, Timestamp::as_micros);
        let digest = Sha256::new()
            .chain_update(b"innsyn pvk change 1")
            .chain_update(setting.definition.bytes())
            .chain_update(code.0)
            .chain_update(setting.sequence.to_be_bytes())
            .chain_update([u8::from(setting.active)])
            .chain_update(until.to_be_bytes())
            .finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        ChangeId(id)
    }
}
