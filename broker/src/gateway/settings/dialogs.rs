//! What a citizen writes to a register that is absent waits for it, sealed, as a setting does.
//!
//! ```text
//!   every call that writes ─▶ the register has answered: an item that says nothing, for every register
//!                          └▶ it is absent: one item that says it, and nothing for all others
//!                             └─▶ outbox (durable, then answered) ─▶ mailbox, at one time after the call
//! ```
//!
//! What holds:
//!
//! - **A deposit follows every call that writes**, [`DUE_AFTER`] the call, alike in size for all
//!   registers: that somebody wrote to a register that is absent cannot be told from that somebody
//!   wrote to one that is there.
//! - **Put here once**: the same message, sent again while it waits, is not put here again.
//! - **Kept until its agent has it**, or for a week, in case a relay loses it.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::dialog::{DialogCall, DialogItem};
use innsyn_proto::sealing::{ItemKind, SealError, SealingKey};
use innsyn_proto::wire::relay::v1::{Deposited, MailboxItem};
use rand::Rng as _;
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha256};

use super::outbox::{DialogMessage, Known};
use super::{GatewaySettings, OutboxError};

/// When items go to a relay, after the call that they follow: longer than a register may take to
/// answer it.
const DUE_AFTER: Duration = Duration::from_secs(12);

/// A message that is to wait for its register.
#[derive(Debug, Clone)]
pub struct WaitingMessage {
    /// The register that is meant.
    pub register: RegisterId,
    /// The message's own name: 16 random bytes.
    pub message: Vec<u8>,
    /// What the register would have been called with.
    pub call: DialogCall,
}

/// Why a message cannot wait. Nobody has it, then.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The register's agent was never met, or takes no such messages.
    #[error("there is no key to seal a message to this register with")]
    NotMet,
    /// It does not fit into an item.
    #[error("the message is longer than an item")]
    TooLong,
    /// Another message of its name waits or waited.
    #[error("the message's name was used for another message")]
    NameUsed,
    /// It could not be signed or sealed.
    #[error("the message cannot be sealed")]
    Seal,
    /// It cannot be made durable.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl GatewaySettings {
    /// Has `message`, sent at `at`, wait for its register; it is durable when this returns.
    pub async fn keep_dialog(
        &self,
        message: WaitingMessage,
        at: Timestamp,
    ) -> Result<(), WaitError> {
        if !self.dialog_agents().contains(&message.register) {
            return Err(WaitError::NotMet);
        }
        let remembered = remembered(&message);
        let mut changing = self.changing.lock().await;
        match self.known_dialog(&remembered).await? {
            Known::Same => {
                let items = self.dialog_items(None, at, &mut changing.random)?;
                return self.put_dialog(items, None, at).await;
            }
            Known::Another => return Err(WaitError::NameUsed),
            Known::No => {}
        }
        let items = self.dialog_items(Some(&message), at, &mut changing.random)?;
        let meant = message.register.as_str();
        if !items.iter().any(|item| item.register_id == meant) {
            return Err(WaitError::NotMet);
        }
        self.put_dialog(items, Some(remembered), at).await?;
        tracing::info!("a message waits for its register");
        Ok(())
    }

    /// Puts items that say nothing here, after a call at `at` that needs no other.
    pub async fn keep_silence(&self, at: Timestamp) -> Result<(), WaitError> {
        let mut changing = self.changing.lock().await;
        let items = self.dialog_items(None, at, &mut changing.random)?;
        self.put_dialog(items, None, at).await
    }

    /// Whether a message called `message` to `register` waits here, or waited.
    pub async fn has_kept_dialog(
        &self,
        register: &RegisterId,
        message: &[u8],
    ) -> Result<bool, WaitError> {
        let known = self.outbox.dialog(&name_of(register, message)).await?;
        Ok(known.is_some())
    }

    async fn known_dialog(&self, message: &DialogMessage) -> Result<Known, WaitError> {
        Ok(match self.outbox.dialog(&message.id).await? {
            None => Known::No,
            Some(content) if content == message.content => Known::Same,
            Some(_) => Known::Another,
        })
    }

    async fn put_dialog(
        &self,
        items: Vec<Deposited>,
        message: Option<DialogMessage>,
        at: Timestamp,
    ) -> Result<(), WaitError> {
        let times = (self.clock.now(), at.plus(DUE_AFTER));
        Ok(self.outbox.put_dialog(items, message, times).await?)
    }

    /// One item for every register whose agent was ever met; only that of `message`'s says
    /// something.
    fn dialog_items(
        &self,
        message: Option<&WaitingMessage>,
        at: Timestamp,
        random: &mut StdRng,
    ) -> Result<Vec<Deposited>, WaitError> {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let agents = agents.clone();
        let mut items = Vec::with_capacity(agents.len());
        for register in &self.registers {
            let Some((key, _)) = agents.get(register) else {
                continue;
            };
            let meant = message.filter(|message| message.register == *register);
            let item = DialogItem {
                gateway: self.gateway.clone(),
                register: register.clone(),
                at,
                content: meant.map(|message| message.call.clone()),
            };
            items.push(self.dialog_item(&item, key, random)?);
        }
        Ok(items)
    }

    fn dialog_item(
        &self,
        item: &DialogItem,
        key: &SealingKey,
        random: &mut StdRng,
    ) -> Result<Deposited, WaitError> {
        let note = item.sign(&self.signer).map_err(|_| WaitError::Seal)?;
        let sealed = key.seal(ItemKind::Dialog, &item.register, &note, random);
        let sealed = sealed.map_err(|error| match error {
            SealError::TooLong(_) => WaitError::TooLong,
            SealError::Key | SealError::NotOurs => WaitError::Seal,
        })?;
        let mut name = [0; 16];
        random.fill_bytes(&mut name);
        Ok(Deposited {
            register_id: item.register.to_string(),
            item: Some(MailboxItem {
                name: Bytes::copy_from_slice(&name),
                sealed: sealed.into(),
            }),
        })
    }

    fn dialog_agents(&self) -> BTreeSet<RegisterId> {
        let agents = self.dialog_agents.lock();
        agents.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The agent of `register` has said whether it takes sealed messages of dialogs.
    pub(in crate::gateway) async fn met_for_dialogs(
        &self,
        register: &RegisterId,
        takes: bool,
    ) -> Result<(), OutboxError> {
        if self.dialog_agents().contains(register) == takes {
            return Ok(());
        }
        self.outbox.takes_dialogs(register, takes).await?;
        let agents = self.dialog_agents.lock();
        let mut agents = agents.unwrap_or_else(PoisonError::into_inner);
        if takes {
            agents.insert(register.clone());
        } else {
            agents.remove(register);
        }
        Ok(())
    }
}

/// How a message is remembered: what waits is not found from here without its random name.
fn remembered(message: &WaitingMessage) -> DialogMessage {
    use prost::Message as _;
    let mut hash = Sha256::new();
    hash.update(b"innsyn dialog content\n");
    hash.update(&message.message);
    // Who asks is named anew in every call; what is said is not.
    let (kind, case, words) = match &message.call {
        DialogCall::Open(call) => (call.kind, &[][..], &call.words),
        DialogCall::Message(call) => (-1, &call.case_id[..], &call.words),
        DialogCall::Appeal(call) => (-2, &call.case_id[..], &call.words),
    };
    hash.update(kind.to_be_bytes());
    hash.update((case.len() as u64).to_be_bytes());
    hash.update(case);
    if let Some(words) = words {
        hash.update(words.encode_to_vec());
    }
    DialogMessage {
        id: name_of(&message.register, &message.message),
        content: hash.finalize().into(),
    }
}

fn name_of(register: &RegisterId, message: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"innsyn dialog message\n");
    hash.update(message);
    hash.update(register.as_str());
    hash.finalize().into()
}
