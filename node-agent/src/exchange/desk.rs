//! Where messages are taken in and what is owed for them is written: the rules, apart from sockets.
//!
//! Nothing here knows AMQP. The transport hands over what came and is told how to settle it; it is
//! handed what is to be sent and says what became of it.

mod answering;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{Clock, Environment, NumberRules};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::addresses::{AddressRegister, CachedAddresses, Freshness};
use super::calls::Calls;
use super::msghead::Numbers;
use super::store::Store;
use super::{DecryptionKey, HerId, Inbox, RawHeaders, SigningKey};
use crate::records::Records;

pub use answering::{AnswerError, CallError};
pub use receiving::{Incoming, Queue, Settlement};
pub use sending::{Post, PostError, Wire};

/// How long a request waits for its reply, and may take to be replied to.
pub(super) const SYNC_TIMEOUT: Duration = Duration::from_secs(15);
/// When somebody is told that an answer has had no receipt. The collaboration agreement says
/// `P180M`, which ISO 8601 reads as months; minutes are meant, presumably.
pub(super) const RECEIPT_DUE: Duration = Duration::from_hours(3);

/// Who the register is on the exchange, and what it does things with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its HER-id.
    pub her_id: HerId,
    /// What senders call the register; a message for another is refused.
    pub register_ids: BTreeSet<String>,
    /// What it signs with.
    pub signing: SigningKey,
    /// What it decrypts with; two while a certificate is changed.
    pub decryption: Vec<DecryptionKey>,
    /// How national ids are read.
    pub rules: NumberRules,
    /// Which national ids are accepted.
    pub environment: Environment,
}

/// What a desk is put together from.
#[expect(
    missing_debug_implementations,
    reason = "an inbox need not be printable"
)]
pub struct DeskParts {
    /// Who the register is.
    pub identity: Identity,
    /// Where parties are looked up.
    pub addresses: Arc<dyn AddressRegister>,
    /// How long what is found there is used.
    pub freshness: Freshness,
    /// Where it is kept what was taken and what is to be sent.
    pub records: Records,
    /// Who takes the messages.
    pub inbox: Arc<dyn Inbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Seeded from the system's randomness.
    pub random: StdRng,
}

/// The desk of a register at the exchange.
#[expect(
    missing_debug_implementations,
    reason = "an inbox need not be printable"
)]
pub struct Desk {
    identity: Identity,
    addresses: CachedAddresses<Arc<dyn Clock>>,
    store: Store,
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
    pub(super) calls: Calls,
}

impl Desk {
    /// Opens the desk; nothing is received or sent by it alone.
    pub fn new(mut parts: DeskParts) -> Self {
        let random = StdRng::from_rng(&mut parts.random);
        Self {
            addresses: CachedAddresses::new(
                parts.addresses,
                parts.freshness,
                Arc::clone(&parts.clock),
            ),
            store: Store::new(parts.records, random),
            identity: parts.identity,
            inbox: parts.inbox,
            clock: parts.clock,
            calls: Calls::default(),
        }
    }

    /// The register's own HER-id.
    pub const fn her_id(&self) -> HerId {
        self.identity.her_id
    }

    const fn numbers(&self) -> Numbers {
        Numbers {
            rules: self.identity.rules,
            environment: self.identity.environment,
        }
    }

    /// Waits until there may be something new to be sent.
    pub(super) async fn news(&self) {
        self.store.news.notified().await;
    }
}

/// What every message says of itself on the outside.
pub(super) fn application_headers(
    from: HerId,
    to: HerId,
    now: innsyn_policy::Timestamp,
) -> RawHeaders {
    let mut headers = RawHeaders::default();
    for (name, value) in [
        ("fromHerId", from.to_string()),
        ("toHerId", to.to_string()),
        ("applicationTimeStamp", super::apprec::written(now)),
    ] {
        headers.application.insert(name.to_owned(), value);
    }
    headers
}
