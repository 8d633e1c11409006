//! Citizens' settings: taken here, kept nowhere here, sent sealed to every register.
//!
//! ```text
//!   ChangeSetting ─▶ number n ─▶ one sealed item for every register ─▶ outbox ─▶ relay's mailbox
//!                                                             (durable, then answered)
//!   heartbeat to every agent, inside the end-to-end connection: "my latest is n" ─▶ "I have n"
//!
//!   ListSettings ─▶ every agent, live ─▶ what was said last, and at how many registers it holds
//! ```
//!
//! What holds:
//!
//! - **Every change is one item for every register**, alike in size; only the agent that opens it
//!   can tell whether it says anything ([`items`]).
//! - **Numbers have no gap**, and a change that was answered is in the outbox, sealed, until every
//!   agent has it or a week has passed ([`outbox`]). Nothing in the outbox can be opened here.
//! - **Asked for again under its id, a change is done once.**
//! - **What one register alone would have is not taken while it was never met**: nobody could bring it
//!   there later, as national settings are ([`items`]).
//! - **Nobody keeps who has said what** but the registers: what a person is shown was asked for.

pub mod config;
mod dialogs;
pub mod heartbeat;
mod items;
mod listing;
mod outbox;
mod sending;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError};

use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{
    Areas, Clock, DefinitionId, RegisterId, Representation, Request, SettingDefinition, Timestamp,
};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::mandate::SignedMandate;
use innsyn_proto::sealing::SealingKey;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use rand::rngs::StdRng;
use tokio::sync::{Mutex, watch};

pub use config::{SettingsConfig, SettingsConfigError};
pub use dialogs::{WaitError, WaitingMessage};
pub use heartbeat::Heartbeats;
pub use listing::{AtRegister, Listed, Standing};
pub use outbox::{Outbox, OutboxError};
pub use sending::Sending;
#[cfg(test)]
pub(super) use waiting::waiting_for;

/// What a person wants changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Names the change.
    pub id: ChangeId,
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// The version of the text that was shown.
    pub text_version: u32,
    /// Whether it stands from now on.
    pub active: bool,
    /// Until when, if that is said.
    pub until: Option<Timestamp>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Orders what was said.
    pub sequence: i64,
    /// Registers at which it is to hold.
    pub registers: usize,
}

/// Why a setting is not changed. Nothing is, then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such definition.
    #[error("the definition is not known")]
    UnknownDefinition,
    /// The text that was shown is not the one that holds now.
    #[error("the definition's text has another version now")]
    OtherText,
    /// An end where none can be said, or one that is past.
    #[error("the setting cannot end then")]
    End,
    /// A guardian or proxy without the signed mandate.
    #[error("the signed mandate is missing, or is no compact JWS of the size that is taken")]
    Proof,
    /// A guardian or somebody with a power of attorney, whose right is insight.
    #[error("the representation gives no right to change settings")]
    NotForSettings,
    /// The one register at which it would hold has no key to seal with: nothing would be delivered.
    #[error("the definition's own register was never met")]
    NeverMet,
    /// It cannot be made durable.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// What changing settings is made of.
pub struct SettingsParts {
    /// What can be said.
    pub definitions: Arc<SettingDefinitions>,
    /// Who we are.
    pub gateway: GatewayName,
    /// The key that signs items and heartbeats.
    pub signer: HeadSigner,
    /// The registers that items go to.
    pub registers: Vec<RegisterId>,
    /// Where items wait until they are sent.
    pub outbox: Outbox,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For names and for sealing; seeded from the system's randomness, except in tests.
    pub random: StdRng,
}

impl fmt::Debug for SettingsParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsParts")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Takes changes of settings and sends them to every register.
pub struct GatewaySettings {
    definitions: Arc<SettingDefinitions>,
    gateway: GatewayName,
    signer: HeadSigner,
    registers: Vec<RegisterId>,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    /// One change after the other.
    changing: Mutex<Changing>,
    /// The number of the latest item; news for whoever sends and beats.
    latest: watch::Sender<u64>,
    /// The agents that were ever met: the key to seal with, and how far each had come.
    agents: std::sync::Mutex<BTreeMap<RegisterId, (SealingKey, u64)>>,
    /// The agents that stand still, and after which number: to be sent again what is theirs, when
    /// nothing else waits.
    again: std::sync::Mutex<BTreeMap<RegisterId, u64>>,
    /// Those of them that take sealed messages of dialogs.
    dialog_agents: std::sync::Mutex<BTreeSet<RegisterId>>,
}

#[derive(Debug)]
struct Changing {
    random: StdRng,
    /// The latest sequence that was given out.
    sequence: i64,
}

impl fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

impl GatewaySettings {
    /// Ready to take changes, after whatever is in the outbox.
    pub async fn open(parts: SettingsParts) -> Result<Arc<Self>, OutboxError> {
        let latest = parts.outbox.latest().await?;
        let agents = parts.outbox.agents().await?;
        let dialog_agents = parts.outbox.dialog_agents().await?;
        let sequence = parts.outbox.sequence().await?;
        Ok(Arc::new(Self {
            definitions: parts.definitions,
            gateway: parts.gateway,
            signer: parts.signer,
            registers: parts.registers,
            outbox: parts.outbox,
            clock: parts.clock,
            changing: Mutex::new(Changing {
                random: parts.random,
                sequence,
            }),
            latest: watch::Sender::new(latest),
            agents: std::sync::Mutex::new(agents),
            again: std::sync::Mutex::default(),
            dialog_agents: std::sync::Mutex::new(dialog_agents),
        }))
    }

    /// What can be said.
    pub fn definitions(&self) -> &SettingDefinitions {
        &self.definitions
    }

    /// Does what `request`'s caller, who acts for themself or as a parent, wishes for its subject; it
    /// is durable when this returns.
    pub async fn change(&self, request: &Request, wish: Wish) -> Result<Changed, ChangeError> {
        self.change_with(request, wish, "").await
    }

    /// The same where a guardian or proxy may act, whose signed mandate is `proof`. It goes with the
    /// change, sealed, for every register to check: that it proves anything is not looked at here.
    pub async fn change_with(
        &self,
        request: &Request,
        wish: Wish,
        proof: &str,
    ) -> Result<Changed, ChangeError> {
        let definition = self
            .definitions
            .get(&wish.definition)
            .ok_or(ChangeError::UnknownDefinition)?;
        let now = self.clock.now();
        check(definition, wish, now)?;
        let acted_as = acted_as(&request.representation, proof)?;
        let concerned = |register: &&RegisterId| definition.holds_at(register);
        let registers = self.registers.iter().filter(concerned).count();
        let mut changing = self.changing.lock().await;
        if let Some(sequence) = self.outbox.known(wish.id).await? {
            return Ok(Changed {
                sequence,
                registers,
            });
        }
        if let Scope::Register(own) = &definition.scope
            && !self.was_met(own)
        {
            return Err(ChangeError::NeverMet);
        }
        // The clock may go back; what is said later counts as later all the same.
        let sequence = now.as_micros().max(changing.sequence.saturating_add(1));
        let number = self.latest.borrow().saturating_add(1);
        let change = Change {
            id: wish.id,
            definition: wish.definition,
            text_version: wish.text_version,
            person: request.subject,
            by: request.caller.person,
            organisation: request.caller.organisation,
            acted_as,
            sequence,
            active: wish.active,
            until: wish.until,
        };
        let items = self.items(number, &change, definition, now, &mut changing.random);
        self.outbox
            .put(number, wish.id, sequence, items, now)
            .await?;
        changing.sequence = sequence;
        self.latest.send_replace(number);
        tracing::info!(number, registers, "setting changed");
        Ok(Changed {
            sequence,
            registers,
        })
    }
}

impl GatewaySettings {
    /// Whether items go to `register` and can be sealed to it.
    fn was_met(&self, register: &RegisterId) -> bool {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        self.registers.contains(register) && agents.contains_key(register)
    }
}

/// By what right the change is made, with what registers check it by.
fn acted_as(representation: &Representation, proof: &str) -> Result<ActedAs, ChangeError> {
    let signed = |areas: &Areas| {
        if !areas.let_set() {
            return Err(ChangeError::NotForSettings);
        }
        SignedMandate::parse(proof).map_err(|_| ChangeError::Proof)
    };
    Ok(match representation {
        Representation::Own => ActedAs::Own,
        Representation::Parent { child_born } => ActedAs::Parent(*child_born),
        Representation::Guardian { areas, .. } => ActedAs::Guardian(signed(areas)?),
        Representation::PowerOfAttorney { areas, .. } => ActedAs::PowerOfAttorney(signed(areas)?),
    })
}

fn check(definition: &SettingDefinition, wish: Wish, now: Timestamp) -> Result<(), ChangeError> {
    if wish.text_version != definition.text_version {
        return Err(ChangeError::OtherText);
    }
    match wish.until {
        Some(until) if !definition.may_end || until <= now || !wish.active => Err(ChangeError::End),
        _ => Ok(()),
    }
}
