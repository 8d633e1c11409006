//! Reaching the broker.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fe2o3_amqp::Connection;
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// How long reaching the broker may take, log-in included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the broker may be silent before it is given up, in milliseconds.
const IDLE_MS: u32 = 60_000;

/// The broker, and how one logs in there.
#[derive(Clone)]
pub(in super::super) struct Broker {
    /// Host and port.
    pub(in super::super) address: String,
    /// What is called the host in AMQP: the broker's virtual host; the address's host if absent.
    pub(in super::super) hostname: Option<String>,
    /// How the connection is protected; `None` on loopback alone.
    pub(in super::super) tls: Option<Tls>,
    /// Who logs in.
    pub(in super::super) user: String,
    /// With what.
    pub(in super::super) password: Zeroizing<String>,
    /// What the agent calls itself there: one name for each running agent.
    pub(in super::super) container: String,
}

/// How the connection is protected.
#[derive(Clone)]
pub(in super::super) struct Tls {
    /// What is trusted.
    pub(in super::super) config: Arc<rustls::ClientConfig>,
    /// Whose certificate it must be.
    pub(in super::super) server_name: ServerName<'static>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({:?})", self.server_name)
    }
}

impl Broker {
    /// A connection, logged in.
    pub(super) async fn connect(&self) -> anyhow::Result<ConnectionHandle<()>> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.dial()).await {
            Ok(connection) => connection,
            Err(_) => anyhow::bail!("{} does not answer within 20 seconds", self.address),
        }
    }

    async fn dial(&self) -> anyhow::Result<ConnectionHandle<()>> {
        let unreachable = || format!("the broker at {}", self.address);
        let stream = TcpStream::connect(&self.address)
            .await
            .with_context(unreachable)?;
        stream.set_nodelay(true).with_context(unreachable)?;
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host);
        let profile = SaslProfile::Plain {
            username: self.user.clone(),
            password: self.password.to_string(),
        };
        let builder = Connection::builder()
            .container_id(self.container.as_str())
            .scheme("amqp")
            .hostname(self.hostname.as_deref().unwrap_or(host))
            .max_frame_size(1 << 17)
            .idle_time_out(IDLE_MS)
            .sasl_profile(profile);
        let opened = match &self.tls {
            None => builder.open_with_stream(stream).await,
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
                let stream = connector
                    .connect(tls.server_name.clone(), stream)
                    .await
                    .with_context(unreachable)?;
                builder.open_with_stream(stream).await
            }
        };
        opened.with_context(|| format!("the broker at {} does not let us in", self.address))
    }
}
