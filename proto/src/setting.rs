//! Settings on their way from a gateway to every agent.
//!
//! A change of a setting becomes one [`Item`] for **every** agent; for those whom it does not
//! concern, an item that says nothing. A gateway numbers its items without a gap, the same number
//! for all agents, so that an agent that has applied number *n* knows that it has everything up to
//! there, and a [`Heartbeat`] tells it what the latest number is. Both are C2SP signed notes
//! (<https://c2sp.org/signed-note>) by the gateway's head key:
//!
//! ```text
//! innsyn setting 2                        innsyn heartbeat 1
//! gateway: helsenorge                     gateway: helsenorge
//! register: kreft                         register: kreft
//! number: 17                              latest: 17
//! at: 1800000000000000                    at: 1800000000000000
//! content: change
//! change: <16 random bytes>
//! definition: 3f2504e0-4f89-11d3-9a0c-0305e82c3301
//! text-version: 2
//! person: <11 digits>
//! by: <11 digits>
//! organisation: 983658776
//! representation: own
//! sequence: 1800000000000000
//! active: yes
//! until: never
//! child-born: none
//! proof: none
//! ```
//!
//! `child-born` is a parent's right, as in `2019-04-01`; `proof` is the [signed
//! mandate](crate::mandate) of a guardian or of a power of attorney.
//!
//! Times are microseconds since 1970-01-01T00:00:00Z. An item's `content: nothing` is its last
//! line. Items travel sealed ([`sealing`](crate::sealing)) and nowhere else; heartbeats hold no
//! person and travel inside the end-to-end connection.
//!
//! What holds: one text for one item, the signer is checked before anything is believed, and an
//! item for one register or by one gateway is none for or by another.

use std::fmt;

use innsyn_policy::{DefinitionId, NationalId, NumberRules, Organisation, RegisterId, Timestamp};

use jiff::civil::Date;

use crate::head::{self, HeadError, HeadKey, HeadSigner};
use crate::identity::GatewayName;
use crate::lines::LineError;
use crate::mandate::SignedMandate;

pub mod definitions;
pub mod export;
mod lines;
pub mod paper;
#[cfg(test)]
mod tests;

/// Numbers in items were checked when they were made.
const RULES: NumberRules = NumberRules {
    accept_2032: true,
    strict_series: false,
};

/// Names a change: 16 random bytes, the same if it is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(pub [u8; 16]);

/// By what right whoever changes a setting does so, and what goes with it for the register to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActedAs {
    /// For themself.
    Own,
    /// As a parent of a child that was born then, as the population register says; absent means no.
    Parent(Option<Date>),
    /// As a guardian.
    Guardian(SignedMandate),
    /// With a power of attorney.
    PowerOfAttorney(SignedMandate),
}

impl ActedAs {
    /// Its word in items and records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Parent(_) => "parent",
            Self::Guardian(_) => "guardian",
            Self::PowerOfAttorney(_) => "power-of-attorney",
        }
    }

    /// The signed mandate, where there is one.
    pub const fn proof(&self) -> Option<&SignedMandate> {
        match self {
            Self::Own | Self::Parent(_) => None,
            Self::Guardian(proof) | Self::PowerOfAttorney(proof) => Some(proof),
        }
    }
}

/// What a person, or somebody for them, says.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Names the change.
    pub id: ChangeId,
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// The version of the text that was shown.
    pub text_version: u32,
    /// Whose data it is about.
    pub person: NationalId,
    /// Who says it.
    pub by: NationalId,
    /// Through which organisation's service.
    pub organisation: Organisation,
    /// By what right.
    pub acted_as: ActedAs,
    /// Orders what is said of one definition by or for one person; the highest wins.
    pub sequence: i64,
    /// Whether the consent, reservation or block stands from now on.
    pub active: bool,
    /// Until when it stands (excluded), if that was said.
    pub until: Option<Timestamp>,
}

/// One item.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Who sends it.
    pub gateway: GatewayName,
    /// To which register.
    pub register: RegisterId,
    /// Its place in the gateway's gapless row, from 1.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// What it says; nothing to those whom a change does not concern.
    pub content: Option<Change>,
}

/// What the latest item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Who says it.
    pub gateway: GatewayName,
    /// To which register.
    pub register: RegisterId,
    /// The number of the latest item; 0 before the first.
    pub latest: u64,
    /// When it was said.
    pub at: Timestamp,
}

/// Why a note is not an item, or not a heartbeat, of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// Not a note, or signed by another key.
    #[error("the signature: {0}")]
    Note(#[from] HeadError),
    /// A line is not what it should be.
    #[error(transparent)]
    Line(#[from] LineError),
    /// There is more than there should be.
    #[error("there are lines that do not belong there")]
    More,
    /// It names another gateway or register than the one that it is looked at for.
    #[error("it is of another gateway or for another register")]
    OfOthers,
}

impl Item {
    /// The item as it is sealed, signed by its gateway.
    pub fn sign(&self, signer: &HeadSigner) -> Result<String, HeadError> {
        signer.sign_text(&self.text())
    }

    /// Reads an item for `register` that `gateway` has signed with `key`.
    pub fn read(
        note: &str,
        (gateway, key): (&GatewayName, &HeadKey),
        register: &RegisterId,
    ) -> Result<Self, ItemError> {
        head::check_signed(note, key)?;
        let text = head::text_of(note)?;
        let item = Self::of_text(&text)?;
        if item.text() != text {
            return Err(ItemError::More);
        }
        if item.gateway != *gateway || item.register != *register {
            return Err(ItemError::OfOthers);
        }
        Ok(item)
    }

    /// Who an item says that it is of, **before its signature is checked**: to know which key to
    /// check it with.
    pub fn gateway_unchecked(note: &str) -> Option<GatewayName> {
        let text = head::text_of(note).ok()?;
        Self::of_text(&text).ok().map(|item| item.gateway)
    }
}

impl Heartbeat {
    /// The heartbeat as it travels, signed by its gateway.
    pub fn sign(&self, signer: &HeadSigner) -> Result<String, HeadError> {
        signer.sign_text(&self.text())
    }

    /// Reads a heartbeat to `register` that `gateway` has signed with `key`.
    pub fn read(
        note: &str,
        (gateway, key): (&GatewayName, &HeadKey),
        register: &RegisterId,
    ) -> Result<Self, ItemError> {
        head::check_signed(note, key)?;
        let text = head::text_of(note)?;
        let heartbeat = Self::of_text(&text)?;
        if heartbeat.text() != text {
            return Err(ItemError::More);
        }
        if heartbeat.gateway != *gateway || heartbeat.register != *register {
            return Err(ItemError::OfOthers);
        }
        Ok(heartbeat)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(***)")
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("gateway", &self.gateway)
            .field("register", &self.register)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
