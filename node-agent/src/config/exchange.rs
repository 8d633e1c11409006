//! `[exchange]`: the register's place on the health network's message exchange.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::exchange::{Address, Dialect, Freshness, HerId, IdError, QueueName};

#[cfg(test)]
mod tests;

/// The longest that a message may stay unsettled before it is given back, in seconds: less than a
/// broker's patience with a consumer.
const RELEASE_AFTER_S_MAX: u64 = 600;

/// Where the exchange is, who the register is there, and what it does things with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSection {
    /// Host and port of the broker.
    pub address: String,
    /// Whether the connection is protected.
    #[serde(default = "required")]
    pub tls: TlsMode,
    /// The CA of the broker's certificate; needed where `tls` is required.
    pub ca_file: Option<PathBuf>,
    /// The broker's virtual host, where it has several.
    pub hostname: Option<String>,
    /// How its queues are addressed.
    pub dialect: Dialect,
    /// The namespace that is sent to.
    pub namespace: String,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password_file: PathBuf,
    /// The register's HER-id.
    her_id: u64,
    /// What senders call the register.
    pub register_ids: BTreeSet<String>,
    /// What it signs with.
    pub signing: Pair,
    /// What it decrypts with; two while a certificate is changed.
    pub decryption: Vec<Pair>,
    /// The file of parties.
    pub parties_file: PathBuf,
    /// How long a party is used without looking again, in seconds.
    #[serde(default = "fresh_s")]
    pub parties_fresh_s: u64,
    /// How long a party is used where the file cannot be read, in seconds.
    #[serde(default = "outlive_s")]
    pub parties_outlive_s: u64,
    /// The queue for replies to the agent's own requests, if it makes any.
    reply_queue: Option<String>,
    /// How long a message that cannot be handled stays unsettled, in seconds.
    #[serde(default = "release_after_s")]
    pub release_after_s: u64,
}

/// Whether a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// It is.
    Required,
    /// It is not, on loopback alone.
    Disabled,
}

/// A certificate and its key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The certificate, in PEM.
    pub certificate: PathBuf,
    /// Its key, as PKCS #8 in PEM.
    pub key: PathBuf,
}

/// Why `[exchange]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeConfigError {
    /// An address without host or port.
    #[error("`exchange.address` is `{0}`, and must be a host and a port: `sb.nhn.no:5671`")]
    Address(String),
    /// Messages in clear on a network.
    #[error(
        "`exchange.tls` is `disabled` and `exchange.address` is `{0}`, which is not an address of \
         loopback; the password would be on the network"
    )]
    ClearOnNetwork(String),
    /// Nothing to know the broker by.
    #[error("`exchange.ca_file` is missing, and `exchange.tls` is `required`")]
    NoCa,
    /// A value that cannot be meant.
    #[error("`exchange.{key}`")]
    Value {
        /// Which.
        key: &'static str,
        /// What is wrong.
        source: IdError,
    },
    /// Nothing to decrypt with, or too much.
    #[error(
        "`exchange.decryption` has {0} pairs, and must have one, or two while they are changed"
    )]
    Decryption(usize),
    /// A message that says which register it is for could never be for this one.
    #[error("`exchange.register_ids` is empty; put in what senders call this register")]
    NoRegisterId,
    /// Old data that are given up before they are old.
    #[error(
        "`exchange.parties_outlive_s` is {outlive} and `exchange.parties_fresh_s` is {fresh}; the \
         first must not be less, and the second at least 1"
    )]
    Freshness {
        /// So long it is used without looking again.
        fresh: u64,
        /// So long it is used at all.
        outlive: u64,
    },
    /// Longer than brokers wait.
    #[error("`exchange.release_after_s` is {0}, and must be 1 to 600")]
    ReleaseAfter(u64),
}

const fn required() -> TlsMode {
    TlsMode::Required
}

const fn fresh_s() -> u64 {
    300
}

const fn outlive_s() -> u64 {
    43_200
}

const fn release_after_s() -> u64 {
    30
}

impl ExchangeSection {
    /// This section with paths relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let pairs = self.decryption.iter_mut().chain([&mut self.signing]);
        let pairs = pairs.flat_map(|pair| [&mut pair.certificate, &mut pair.key]);
        let files = [&mut self.password_file, &mut self.parties_file];
        for path in files.into_iter().chain(&mut self.ca_file).chain(pairs) {
            *path = folder.join(&*path);
        }
    }

    pub(super) fn check(&self) -> Result<(), ExchangeConfigError> {
        use ExchangeConfigError as E;
        let host = self
            .host()
            .ok_or_else(|| E::Address(self.address.clone()))?;
        match self.tls {
            TlsMode::Required if self.ca_file.is_none() => return Err(E::NoCa),
            TlsMode::Disabled if !is_loopback(host) => {
                return Err(E::ClearOnNetwork(self.address.clone()));
            }
            TlsMode::Required | TlsMode::Disabled => {}
        }
        self.her_id()?;
        self.reply_queue()?;
        QueueName::parse(&self.namespace).map_err(|source| E::Value {
            key: "namespace",
            source,
        })?;
        if self.register_ids.is_empty() {
            return Err(E::NoRegisterId);
        }
        if !(1..=2).contains(&self.decryption.len()) {
            return Err(E::Decryption(self.decryption.len()));
        }
        if self.parties_fresh_s == 0 || self.parties_outlive_s < self.parties_fresh_s {
            return Err(E::Freshness {
                fresh: self.parties_fresh_s,
                outlive: self.parties_outlive_s,
            });
        }
        if !(1..=RELEASE_AFTER_S_MAX).contains(&self.release_after_s) {
            return Err(E::ReleaseAfter(self.release_after_s));
        }
        Ok(())
    }

    /// The broker's host, without its port.
    pub fn host(&self) -> Option<&str> {
        let (host, port) = self.address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
    }

    /// The register's HER-id.
    pub fn her_id(&self) -> Result<HerId, ExchangeConfigError> {
        let value = |source| ExchangeConfigError::Value {
            key: "her_id",
            source,
        };
        HerId::parse(&self.her_id.to_string()).map_err(value)
    }

    /// The queue for replies to the agent's own requests.
    pub fn reply_queue(&self) -> Result<Option<QueueName>, ExchangeConfigError> {
        let value = |source| ExchangeConfigError::Value {
            key: "reply_queue",
            source,
        };
        let address = self.reply_queue.as_deref().map(Address::parse).transpose();
        Ok(address.map_err(value)?.map(|address| address.queue))
    }

    /// How long a party is used.
    pub const fn freshness(&self) -> Freshness {
        Freshness {
            fresh: Duration::from_secs(self.parties_fresh_s),
            outlive: Duration::from_secs(self.parties_outlive_s),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
