//! Where stand-ins of the nation's services listen: a port of loopback that is free, in clear or
//! over TLS with a certificate of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate for loopback, and who has it.
#[derive(Clone)]
pub struct LoopbackTls {
    config: Arc<ServerConfig>,
    /// What callers must trust, in PEM.
    pub ca: String,
}

impl fmt::Debug for LoopbackTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoopbackTls")
    }
}

impl LoopbackTls {
    /// A new certificate.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.self_signed(&key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(private),
            )?;
        Ok(Self {
            config: Arc::new(config),
            ca: certificate.pem(),
        })
    }
}

/// What is listened on.
pub(crate) struct Loopback {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Loopback {
    /// Listens; gives the address as callers write it, too.
    pub(crate) async fn listen(tls: Option<&LoopbackTls>) -> anyhow::Result<(Self, String)> {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", tcp.local_addr()?);
        let tls = tls.map(|tls| TlsAcceptor::from(Arc::clone(&tls.config)));
        Ok((Self { tcp, tls }, url))
    }
}

/// A connection, in clear or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

impl Listener for Loopback {
    type Io = Box<dyn Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((io, from)) = self.tcp.accept().await else {
                continue;
            };
            match &self.tls {
                None => return (Box::new(io), from),
                // Whoever does not trust us is no caller.
                Some(tls) => {
                    if let Ok(io) = tls.accept(io).await {
                        return (Box::new(io), from);
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
