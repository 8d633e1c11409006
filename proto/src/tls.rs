//! TLS as every Innsyn process speaks it: version 1.3, certificates on both sides, nothing else.
//!
//! The tunnel has two layers and both are made here. *Outside*, an agent or gateway talks to a
//! relay: the relay's certificate comes from the relay CA, the client's from the federation CA.
//! *Inside*, a gateway talks to an agent through the relay: both come from the federation CA, so
//! that a relay can never pose as a node. The layers announce different protocols (ALPN), and one
//! cannot be taken for the other.
//!
//! What holds: sessions are never resumed, so every connection checks both certificates; time is
//! the caller's [`Clock`]. Revocation is not checked yet.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Clock;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use serde::Deserialize;

pub use fault::TlsFault;
pub use signed::SignedTextError;

use crate::identity::{IdentityError, PeerCertificate};

mod fault;
mod signed;
#[cfg(test)]
mod tests;

/// The protocol between a relay and those who dial it.
const OUTER_ALPN: &[u8] = b"innsyn-tunnel";
/// The protocol between a gateway and an agent.
const INNER_ALPN: &[u8] = b"h2";

/// Where an agent or a gateway finds its certificate and those it trusts, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Our certificate, and the intermediate ones after it if there are any.
    pub certificate: PathBuf,
    /// Our private key.
    pub key: PathBuf,
    /// The CA that signs nodes and gateways.
    pub federation_ca: PathBuf,
    /// The CA that signs relays.
    pub relay_ca: PathBuf,
}

impl TlsFiles {
    /// Makes every path relative to `folder`, where the configuration file lies.
    pub fn resolve(&mut self, folder: &Path) {
        for path in [
            &mut self.certificate,
            &mut self.key,
            &mut self.federation_ca,
            &mut self.relay_ca,
        ] {
            *path = folder.join(&*path);
        }
    }
}

/// Why a file cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
pub enum LoadTlsError {
    /// The file is missing, unreadable or not PEM of the kind expected.
    #[error("{what} in `{path}` cannot be read", path = path.display())]
    File {
        /// What should have been there.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: pem::Error,
    },
    /// The certificate names nobody.
    #[error("the certificate in `{path}` is not for Innsyn", path = path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: IdentityError,
    },
    /// Key and certificate are not a pair.
    #[error("the private key is not the one that the certificate was issued for")]
    OtherKey,
    /// The parts do not make a TLS set-up, for example because no CA is usable.
    #[error("certificate, key and CA do not make a TLS set-up")]
    Unusable(#[source] rustls::Error),
}

impl From<rustls::Error> for LoadTlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => Self::OtherKey,
            error => Self::Unusable(error),
        }
    }
}

/// A certificate with its private key.
pub struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// What the certificate says of its owner.
    pub certificate: PeerCertificate,
}

impl Credentials {
    /// Reads a certificate file and a key file.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, LoadTlsError> {
        let chain = read_certificates("a certificate", certificate)?;
        let identity = |source| LoadTlsError::Identity {
            path: certificate.to_owned(),
            source,
        };
        let leaf = chain.first().ok_or(identity(IdentityError::Malformed))?;
        let leaf = PeerCertificate::read(leaf).map_err(identity)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| LoadTlsError::File {
            what: "a private key",
            path: key.to_owned(),
            source,
        })?;
        Ok(Self {
            chain,
            key,
            certificate: leaf,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// A CA whose signature we accept.
#[derive(Debug, Clone)]
pub struct Authority(Arc<RootCertStore>);

impl Authority {
    /// Reads the CA certificates in a file.
    pub fn load(path: &Path) -> Result<Self, LoadTlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates("a CA certificate", path)? {
            roots.add(certificate)?;
        }
        Ok(Self(Arc::new(roots)))
    }
}

/// The two layers of an agent: it dials relays outside and serves gateways inside.
#[derive(Debug, Clone)]
pub struct AgentTls {
    /// Towards a relay.
    pub outer: Arc<ClientConfig>,
    /// Towards a gateway.
    pub inner: Arc<ServerConfig>,
    /// Our own certificate.
    pub certificate: PeerCertificate,
}

impl AgentTls {
    /// Reads the files.
    pub fn load(files: &TlsFiles, clock: &Arc<dyn Clock>) -> Result<Self, LoadTlsError> {
        let credentials = Credentials::load(&files.certificate, &files.key)?;
        let federation = Authority::load(&files.federation_ca)?;
        let relays = Authority::load(&files.relay_ca)?;
        Ok(Self {
            outer: client(&credentials, &relays, OUTER_ALPN, clock)?,
            inner: server(&credentials, &federation, INNER_ALPN, clock)?,
            certificate: credentials.certificate,
        })
    }
}

/// The two layers of a gateway: it dials relays outside and agents inside.
#[derive(Debug, Clone)]
pub struct GatewayTls {
    /// Towards a relay.
    pub outer: Arc<ClientConfig>,
    /// Towards an agent.
    pub inner: Arc<ClientConfig>,
    /// Our own certificate.
    pub certificate: PeerCertificate,
}

impl GatewayTls {
    /// Reads the files.
    pub fn load(files: &TlsFiles, clock: &Arc<dyn Clock>) -> Result<Self, LoadTlsError> {
        let credentials = Credentials::load(&files.certificate, &files.key)?;
        let federation = Authority::load(&files.federation_ca)?;
        let relays = Authority::load(&files.relay_ca)?;
        Ok(Self {
            outer: client(&credentials, &relays, OUTER_ALPN, clock)?,
            inner: client(&credentials, &federation, INNER_ALPN, clock)?,
            certificate: credentials.certificate,
        })
    }
}

/// Whether our own certificate comes from our own federation CA, whatever the time. If not, one of
/// the files is a stranger's, and nobody who is asked would be trusted, nor we by them.
pub fn is_of_federation(files: &TlsFiles) -> Result<bool, LoadTlsError> {
    let credentials = Credentials::load(&files.certificate, &files.key)?;
    let verifier = client_verifier(&Authority::load(&files.federation_ca)?)?;
    let Some((leaf, between)) = credentials.chain.split_first() else {
        return Ok(false);
    };
    let begins = credentials.certificate.not_before.as_seconds();
    let begins = Duration::from_secs(u64::try_from(begins).unwrap_or_default());
    let answer = verifier.verify_client_cert(leaf, between, UnixTime::since_unix_epoch(begins));
    Ok(answer.is_ok())
}

/// The outer layer's server side: a relay, and whom it lets in.
pub fn relay_server(
    relay: &Credentials,
    federation: &Authority,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, LoadTlsError> {
    server(relay, federation, OUTER_ALPN, clock)
}

/// The certificate that the other side of a finished handshake presented.
pub fn peer_certificate(
    connection: &rustls::CommonState,
) -> Result<PeerCertificate, IdentityError> {
    let leaf = connection
        .peer_certificates()
        .and_then(|chain| chain.first())
        .ok_or(IdentityError::NoIdentity)?;
    PeerCertificate::read(leaf)
}

fn server(
    credentials: &Credentials,
    clients: &Authority,
    alpn: &[u8],
    clock: &Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, LoadTlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(Time(clock.clone())))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(client_verifier(clients)?)
        .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())?;
    config.alpn_protocols = vec![alpn.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn client(
    credentials: &Credentials,
    servers: &Authority,
    alpn: &[u8],
    clock: &Arc<dyn Clock>,
) -> Result<Arc<ClientConfig>, LoadTlsError> {
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(Time(clock.clone())))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(servers.0.clone())
        .with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key())?;
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn client_verifier(clients: &Authority) -> Result<Arc<dyn ClientCertVerifier>, LoadTlsError> {
    WebPkiClientVerifier::builder_with_provider(clients.0.clone(), provider())
        .build()
        .map_err(|error| LoadTlsError::Unusable(rustls::Error::General(error.to_string())))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read_certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, LoadTlsError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|certificates| match certificates.len() {
            0 => Err(pem::Error::NoItemsFound),
            _ => Ok(certificates),
        });
    certificates.map_err(|source| LoadTlsError::File {
        what,
        path: path.to_owned(),
        source,
    })
}

/// Our clock, as rustls asks for it.
struct Time(Arc<dyn Clock>);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
