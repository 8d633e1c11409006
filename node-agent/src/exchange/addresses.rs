//! Who is on the exchange: queues and certificates of a party, from the address register.
//!
//! What holds: **a party that was known stays known through an outage** of the register, for a
//! stated time and no longer; until then what is old is used, and said so in the log.

mod file;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::{Clock, Timestamp};

use super::{Certificate, Condition, Fault, HerId, QueueName, Usage};

pub use file::{AddressFile, AddressFileError};

/// The most parties that are remembered.
const PARTIES_MAX: usize = 1_024;

/// A communication party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Whether it takes part now; one that does not is neither heard nor sent to.
    pub active: bool,
    /// Where its messages and receipts go.
    pub async_queue: QueueName,
    /// Where requests go that wait for a reply.
    pub sync_queue: Option<QueueName>,
    /// Where errors go.
    pub error_queue: QueueName,
    /// What it signs with; more than one while a certificate is changed.
    pub signers: Vec<Certificate>,
    /// What is encrypted to it; the first that is valid is used.
    pub recipients: Vec<Certificate>,
    /// Serial numbers of certificates above that have been revoked.
    pub revoked: BTreeSet<String>,
}

impl Party {
    /// The certificates that it may have signed with at `now`, or why there is none. It follows
    /// from the register alone and says nothing of any envelope.
    pub fn signers_at(&self, now: Timestamp) -> Result<Vec<&Certificate>, Fault> {
        let none = |condition, description| Err(Fault::new(condition, description));
        let signers: Vec<_> = self
            .signers
            .iter()
            .filter(|it| it.is_for(Usage::Sign))
            .collect();
        if signers.is_empty() {
            return none(
                Condition::MissingCertificate,
                "no certificate to sign with is registered for the sender",
            );
        }
        let kept: Vec<_> = signers
            .into_iter()
            .filter(|it| !self.is_revoked(it))
            .collect();
        if kept.is_empty() {
            return none(
                Condition::RevokedCertificate,
                "the certificates registered for the sender have been revoked",
            );
        }
        let valid: Vec<_> = kept.into_iter().filter(|it| it.is_valid_at(now)).collect();
        if valid.is_empty() {
            return none(
                Condition::ExpiredCertificate,
                "no certificate registered for the sender is valid now",
            );
        }
        Ok(valid)
    }

    /// What is encrypted to it at `now`.
    pub fn recipient_at(&self, now: Timestamp) -> Option<&Certificate> {
        self.recipients.iter().find(|certificate| {
            certificate.is_for(Usage::Encrypt)
                && certificate.is_valid_at(now)
                && !self.is_revoked(certificate)
        })
    }

    fn is_revoked(&self, certificate: &Certificate) -> bool {
        self.revoked.contains(&certificate.serial())
    }
}

/// The address register cannot be asked, and what is known is too old.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the address register cannot be asked: {0}")]
pub struct AddressesUnavailable(pub String);

/// Where parties are looked up. A seam: a configured file is the one that is here now.
pub trait AddressRegister: fmt::Debug + Send + Sync + 'static {
    /// The party called `her`; `None` if there is none.
    fn party(&self, her: HerId) -> BoxFuture<'_, Result<Option<Party>, AddressesUnavailable>>;
}

/// How long what the register said is used.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// So long it is used without asking again.
    pub fresh: Duration,
    /// So long it is used where the register cannot be asked.
    pub outlive: Duration,
}

/// The address register, remembered.
#[derive(Debug)]
pub struct CachedAddresses<C> {
    source: Arc<dyn AddressRegister>,
    freshness: Freshness,
    clock: C,
    known: Mutex<HashMap<HerId, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    party: Option<Arc<Party>>,
    at: Timestamp,
}

impl<C: Clock> CachedAddresses<C> {
    /// Remembers what `source` says.
    pub fn new(source: Arc<dyn AddressRegister>, freshness: Freshness, clock: C) -> Self {
        Self {
            source,
            freshness,
            clock,
            known: Mutex::default(),
        }
    }

    /// The party called `her`; `None` if there is none.
    pub async fn party(&self, her: HerId) -> Result<Option<Arc<Party>>, AddressesUnavailable> {
        let now = self.clock.now();
        let known = self.lock().get(&her).cloned();
        if let Some(known) = &known
            && is_younger(known.at, self.freshness.fresh, now)
        {
            return Ok(known.party.clone());
        }
        match self.source.party(her).await {
            Ok(party) => {
                let party = party.map(Arc::new);
                self.remember(her, party.clone(), now);
                Ok(party)
            }
            Err(error) => match known {
                Some(known) if is_younger(known.at, self.freshness.outlive, now) => {
                    tracing::warn!(exchange.party = %her, %error, "address register not asked, old data used");
                    Ok(known.party)
                }
                _ => Err(error),
            },
        }
    }

    fn remember(&self, her: HerId, party: Option<Arc<Party>>, at: Timestamp) {
        let mut known = self.lock();
        if known.len() >= PARTIES_MAX && !known.contains_key(&her) {
            let oldest = known.iter().min_by_key(|(_, known)| known.at);
            if let Some(oldest) = oldest.map(|(her, _)| *her) {
                known.remove(&oldest);
            }
        }
        known.insert(her, Known { party, at });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<HerId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something of `at` is younger than `age`. What is of the future is not.
fn is_younger(at: Timestamp, age: Duration, now: Timestamp) -> bool {
    at <= now && now < at.plus(age)
}
