//! A message of a dialog on its way to a register that is absent.
//!
//! Whenever a citizen writes to a register, one item goes to the mailbox of **every** register: for
//! all but the one that is meant, and for that one too if it has answered already, an item that says
//! nothing. An item is a C2SP signed note (<https://c2sp.org/signed-note>) by the gateway's head
//! key, sealed as [`ItemKind::Dialog`](crate::sealing::ItemKind):
//!
//! ```text
//! innsyn dialog 1
//! gateway: helsenorge
//! register: kreft
//! at: 1800000000000000
//! content: open
//! call: <base64 of an innsyn.node.v1.OpenCaseRequest without padding>
//! ```
//!
//! `at` is when the citizen sent it, in microseconds since 1970-01-01T00:00:00Z: the law's clock
//! runs from then. `content` is `open`, `message` or `appeal`, and `call` what the register would
//! have been called with; `content: nothing` is the last line.
//!
//! What holds: one text for one item, the signer is checked before anything is believed, and an item
//! for one register or by one gateway is none for or by another. Items have no order: a message is
//! known by its own name, so that one that comes twice is taken once.

use std::fmt::{self, Display};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innsyn_policy::{RegisterId, Timestamp};
use prost::Message;

use crate::head::{self, HeadError, HeadKey, HeadSigner};
use crate::identity::GatewayName;
use crate::lines::Lines;
use crate::setting::ItemError;
use crate::wire::node::v1 as wire;

#[cfg(test)]
mod tests;

/// What an item begins with; no log of use is called so.
const ITEM: &str = "innsyn dialog 1";
const NOTHING: &str = "nothing";

/// What a register is called with.
#[derive(Clone, PartialEq)]
pub enum DialogCall {
    /// A case is opened.
    Open(wire::OpenCaseRequest),
    /// Something is said in one.
    Message(wire::AddMessageRequest),
    /// One is appealed.
    Appeal(wire::AppealCaseRequest),
}

/// One item.
#[derive(Clone, PartialEq)]
pub struct DialogItem {
    /// Who sends it.
    pub gateway: GatewayName,
    /// To which register.
    pub register: RegisterId,
    /// When the citizen sent it.
    pub at: Timestamp,
    /// What it says; nothing to those who are not meant.
    pub content: Option<DialogCall>,
}

impl DialogCall {
    const fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Message(_) => "message",
            Self::Appeal(_) => "appeal",
        }
    }

    fn written(&self) -> String {
        BASE64_STANDARD.encode(match self {
            Self::Open(call) => call.encode_to_vec(),
            Self::Message(call) => call.encode_to_vec(),
            Self::Appeal(call) => call.encode_to_vec(),
        })
    }

    fn read(name: &str, text: &str) -> Option<Self> {
        fn decoded<M: Message + Default>(text: &str) -> Option<M> {
            M::decode(BASE64_STANDARD.decode(text).ok()?.as_slice()).ok()
        }
        Some(match name {
            "open" => Self::Open(decoded(text)?),
            "message" => Self::Message(decoded(text)?),
            "appeal" => Self::Appeal(decoded(text)?),
            _ => return None,
        })
    }
}

impl DialogItem {
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

    fn text(&self) -> String {
        let content = self.content.as_ref().map_or(NOTHING, DialogCall::name);
        let head: [(&str, &dyn Display); 4] = [
            ("gateway", &self.gateway),
            ("register", &self.register),
            ("at", &self.at.as_micros()),
            ("content", &content),
        ];
        let head = head.map(|(name, value)| format!("{name}: {value}\n"));
        let call = self.content.as_ref().map(DialogCall::written);
        let call = call.map_or_else(String::new, |call| format!("call: {call}\n"));
        format!("{ITEM}\n{}{call}", head.concat())
    }

    fn of_text(text: &str) -> Result<Self, ItemError> {
        let mut lines = Lines::after(ITEM, text)?;
        let gateway = lines.parsed("gateway")?;
        let register = lines.read("register", |it| RegisterId::parse(it).ok())?;
        let micros = |it: &str| it.parse().ok().map(Timestamp::from_micros);
        let at = lines.read("at", micros)?;
        let content: String = lines.parsed("content")?;
        let content = match content.as_str() {
            NOTHING => None,
            name => Some(lines.read("call", |it| DialogCall::read(name, it))?),
        };
        if !lines.are_read() {
            return Err(ItemError::More);
        }
        Ok(Self {
            gateway,
            register,
            at,
            content,
        })
    }
}

impl fmt::Debug for DialogCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DialogCall(***)")
    }
}

impl fmt::Debug for DialogItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialogItem")
            .field("gateway", &self.gateway)
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}
