//! Opening a session that cannot write by accident.

use std::fmt;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::AbortOnDropHandle;

use super::failed;
use crate::sources::config::{PostgresConfig, Role};
use crate::sources::error::SourceError;
use crate::sources::secret;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Every transaction of the session is read only, and dates are Norwegian days.
const SESSION: &str = "SET default_transaction_read_only = on; \
    SET TimeZone = 'Europe/Oslo'; SET DateStyle = 'ISO'; \
    SET search_path = pg_catalog; SET client_encoding = 'UTF8'";

/// The same for who keeps a schema of our own: the session may write, as far as its role may.
const KEEPING: &str = "SET TimeZone = 'Europe/Oslo'; SET DateStyle = 'ISO'; \
    SET search_path = pg_catalog; SET client_encoding = 'UTF8'; \
    SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s'";

/// Keeps the session's socket moving while it lives.
pub(super) type Driver = AbortOnDropHandle<()>;

/// As whom a session is opened, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Login<'a> {
    /// Reads people and settings.
    Listing,
    /// Keeps the agent's own schema.
    Keeping(&'a Role),
    /// Runs queries over it.
    Reading(&'a Role),
}

/// An open session; it ends when it is dropped.
pub(crate) struct Session {
    pub(crate) client: Client,
    _driver: Driver,
    tls: Option<MakeRustlsConnect>,
}

impl Session {
    /// Opens a session.
    pub(crate) async fn open(
        config: &PostgresConfig,
        login: Login<'_>,
    ) -> Result<Self, SourceError> {
        let address = format!("{}:{}", config.host, config.port);
        let refused = |error: tokio_postgres::Error| SourceError::Connect {
            address: address.clone(),
            message: words(&error),
        };
        let settings = settings(config, login)?;
        let tls = match &config.tls_ca_file {
            Some(path) => Some(MakeRustlsConnect::new(tls(path)?)),
            None => None,
        };
        let (client, driver) = if let Some(tls) = tls.clone() {
            let (client, connection) = settings.connect(tls).await.map_err(refused)?;
            (client, drive(connection))
        } else {
            let (client, connection) = settings.connect(NoTls).await.map_err(refused)?;
            (client, drive(connection))
        };
        let session = match login {
            Login::Listing | Login::Reading(_) => SESSION,
            Login::Keeping(_) => KEEPING,
        };
        client
            .batch_execute(session)
            .await
            .map_err(failed("preparing the session"))?;
        Ok(Self {
            client,
            _driver: driver,
            tls,
        })
    }

    /// Tells the server to end what the session runs; whether it did is not told.
    pub(crate) async fn cancel(&self) {
        let token = self.client.cancel_token();
        let cancelled = async {
            match self.tls.clone() {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        let outcome = tokio::time::timeout(CONNECT_TIMEOUT, cancelled).await;
        if !matches!(outcome, Ok(Ok(()))) {
            tracing::warn!("a query could not be cancelled at the database");
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("closed", &self.client.is_closed())
            .finish_non_exhaustive()
    }
}

fn settings(config: &PostgresConfig, login: Login<'_>) -> Result<Config, SourceError> {
    let (user, password_file) = match login {
        Login::Listing => (&config.user, &config.password_file),
        Login::Keeping(role) | Login::Reading(role) => (&role.user, &role.password_file),
    };
    let mut settings = Config::new();
    settings
        .host(&config.host)
        .port(config.port)
        .dbname(&config.database)
        .user(user)
        .application_name("innsyn-agent")
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives(true)
        .ssl_mode(match config.tls_ca_file {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
    if let Some(path) = password_file {
        settings.password(secret(path)?.trim_end_matches(['\r', '\n']));
    }
    Ok(settings)
}

fn tls(ca_file: &std::path::Path) -> Result<ClientConfig, SourceError> {
    let untrusted = |message: String| SourceError::Certificate {
        path: ca_file.to_owned(),
        message,
    };
    let pem = secret(ca_file)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(pem.as_bytes())) {
        let certificate = certificate.map_err(|error| untrusted(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| untrusted(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(untrusted("it has no PEM certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| untrusted(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// What the server or the network says before any row was read. The server's words name roles,
/// databases and rules for logging in, never a person's row.
fn words(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(error), _) => error.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

fn drive<S, T>(connection: Connection<S, T>) -> Driver
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(async move {
        // Whoever reads is told of the error too.
        if let Err(error) = connection.await {
            tracing::debug!(closed = error.is_closed(), "database connection ended");
        }
    }))
}
