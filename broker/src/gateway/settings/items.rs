//! One change becomes one item for every register, all alike.

use std::sync::PoisonError;

use bytes::Bytes;
use innsyn_policy::{RegisterId, SettingDefinition, Timestamp};
use innsyn_proto::sealing::{ItemKind, SealingKey};
use innsyn_proto::setting::{Change, Item};
use innsyn_proto::wire::relay::v1::{DepositRequest, Deposited, MailboxItem};
use rand::Rng as _;
use rand::rngs::StdRng;

use super::GatewaySettings;

impl GatewaySettings {
    /// The items of `change`, numbered `number`, as they are deposited: one for every register
    /// whose agent was ever met, saying nothing to those whom it does not concern.
    ///
    /// A register that was never met has no key to seal with, and gets none: its agent will find
    /// that it lacks this number, and refuse secondary use until it is brought up from another
    /// (`innsyn-agent settings`).
    pub(super) fn items(
        &self,
        number: u64,
        change: &Change,
        definition: &SettingDefinition,
        now: Timestamp,
        random: &mut StdRng,
    ) -> DepositRequest {
        let agents = self
            .agents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut items = Vec::with_capacity(self.registers.len());
        for register in &self.registers {
            let Some((key, _)) = agents.get(register) else {
                tracing::warn!(node.id = %register, "never met, and not sent a setting; its agent is to be brought up");
                continue;
            };
            let content = definition.holds_at(register).then(|| change.clone());
            let item = Item {
                gateway: self.gateway.clone(),
                register: register.clone(),
                number,
                at: now,
                content,
            };
            if let Some(sealed) = self.sealed(&item, register, key, random) {
                items.push(sealed);
            } else {
                tracing::error!(node.id = %register, "an item could not be sealed");
            }
        }
        DepositRequest { items }
    }

    fn sealed(
        &self,
        item: &Item,
        register: &RegisterId,
        key: &SealingKey,
        random: &mut StdRng,
    ) -> Option<Deposited> {
        let note = item.sign(&self.signer).ok()?;
        let sealed = key.seal(ItemKind::Setting, register, &note, random).ok()?;
        let mut name = [0; 16];
        random.fill_bytes(&mut name);
        Some(Deposited {
            register_id: register.to_string(),
            item: Some(MailboxItem {
                name: Bytes::copy_from_slice(&name),
                sealed: sealed.into(),
            }),
        })
    }
}
