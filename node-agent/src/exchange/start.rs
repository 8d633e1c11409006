//! Putting the exchange together from its configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use innsyn_policy::Clock;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::transport::{Broker, Line, Seen, Served, Tls, serve};
use super::{AddressFile, DecryptionKey, Desk, DeskParts, Identity, Inbox, SigningKey};
use crate::config::{ExchangeSection, TlsMode};
use crate::records::Records;
use crate::sources::Numbers;

/// How long before something is tried again that failed for a reason of ours.
const HOLD: Duration = Duration::from_secs(5);

/// What the exchange needs of the rest of the agent.
#[expect(
    missing_debug_implementations,
    reason = "an inbox need not be printable"
)]
pub struct ExchangeParts {
    /// Where it keeps what it owes; opened with [`super::SCHEMA`] among its schemas.
    pub records: Records,
    /// Who takes the messages.
    pub inbox: Arc<dyn Inbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How national ids are read.
    pub numbers: Numbers,
    /// Seeded from the system's randomness.
    pub random: StdRng,
}

/// The exchange, running.
#[expect(
    missing_debug_implementations,
    reason = "an inbox need not be printable"
)]
pub struct Exchange {
    /// Where answers are given.
    pub desk: Arc<Desk>,
    /// Where requests to others go out, with [`Desk::call`].
    pub line: Line,
    /// Whether it is connected.
    pub seen: Arc<Seen>,
    /// Ends when the agent is told to stop.
    pub serving: JoinHandle<()>,
}

impl Exchange {
    /// Waits until it has been left, which it is when the agent is told to stop.
    pub async fn left(self) {
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the exchange ended badly");
        }
    }
}

/// Reads keys and parties, so that nothing that is wrong with them is found out later, and begins
/// to serve the register's queues.
pub async fn start(
    section: &ExchangeSection,
    mut parts: ExchangeParts,
    shutdown: CancellationToken,
) -> anyhow::Result<Exchange> {
    let parties = AddressFile::new(section.parties_file.clone());
    let (first, owned) = (parties.clone(), section.clone());
    let (identity, broker) = tokio::task::spawn_blocking(move || {
        first.read()?;
        anyhow::Ok((identity(&owned, parts.numbers)?, broker(&owned)?))
    })
    .await
    .context("`[exchange]` could not be read")??;
    let container = hex::encode(parts.random.next_u64().to_be_bytes());
    let broker = Broker {
        container: format!("innsyn-{}-{container}", identity.her_id),
        ..broker
    };
    let desk = Arc::new(Desk::new(DeskParts {
        identity,
        addresses: Arc::new(parties),
        freshness: section.freshness(),
        records: parts.records,
        inbox: parts.inbox,
        clock: parts.clock,
        random: StdRng::from_rng(&mut parts.random),
    }));
    let served = Served {
        dialect: section.dialect,
        namespace: section.namespace.clone(),
        reply_queue: section.reply_queue()?,
        release_after: Duration::from_secs(section.release_after_s),
        hold: HOLD,
    };
    let seen = Arc::new(Seen::default());
    let (line, other_end) = Line::new();
    let serving = serve(
        Arc::clone(&desk),
        broker,
        served,
        other_end,
        Arc::clone(&seen),
        shutdown,
    );
    Ok(Exchange {
        desk,
        line,
        seen,
        serving: tokio::spawn(serving),
    })
}

fn identity(section: &ExchangeSection, numbers: Numbers) -> anyhow::Result<Identity> {
    let pairs = section.decryption.iter();
    let decryption: Result<Vec<_>, _> = pairs
        .map(|pair| DecryptionKey::load(&pair.certificate, &pair.key))
        .collect();
    Ok(Identity {
        her_id: section.her_id()?,
        register_ids: section.register_ids.clone(),
        signing: SigningKey::load(&section.signing.certificate, &section.signing.key)
            .context("`exchange.signing`")?,
        decryption: decryption.context("`exchange.decryption`")?,
        rules: numbers.rules,
        environment: numbers.environment,
    })
}

fn broker(section: &ExchangeSection) -> anyhow::Result<Broker> {
    let file = &section.password_file;
    let password = std::fs::read_to_string(file).with_context(|| {
        format!(
            "`exchange.password_file`: `{}` cannot be read",
            file.display()
        )
    })?;
    let password = Zeroizing::new(password);
    let tls = match (section.tls, &section.ca_file) {
        (TlsMode::Required, Some(ca)) => Some(tls(section, ca)?),
        (TlsMode::Required, None) => anyhow::bail!("`exchange.ca_file` is missing"),
        (TlsMode::Disabled, _) => None,
    };
    Ok(Broker {
        address: section.address.clone(),
        hostname: section.hostname.clone(),
        tls,
        user: section.user.clone(),
        password: Zeroizing::new(password.trim_end_matches(['\r', '\n']).to_owned()),
        container: String::new(),
    })
}

fn tls(section: &ExchangeSection, ca: &Path) -> anyhow::Result<Tls> {
    let unusable = || format!("`exchange.ca_file`: `{}` cannot be used", ca.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).with_context(unusable)? {
        let certificate = certificate.with_context(unusable)?;
        roots.add(certificate).with_context(unusable)?;
    }
    anyhow::ensure!(!roots.is_empty(), unusable());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = section.host().unwrap_or_default().to_owned();
    Ok(Tls {
        config: Arc::new(config),
        server_name: ServerName::try_from(host).context("`exchange.address`")?,
    })
}
