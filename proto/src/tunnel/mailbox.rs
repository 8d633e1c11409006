//! How agents and gateways come to speak to a relay's mailbox.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::io::{BoxedIo, Dial, RelayAddress};
use super::word::{Hello, Refusal, TunnelError, Word};
use crate::tls::TlsFault;

/// Why nobody speaks to a mailbox.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// Nobody listens there, or the network is down.
    #[error("the relay cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The handshake failed.
    #[error("no TLS with the relay: {0}")]
    Tls(TlsFault),
    /// The relay answered, with no.
    #[error("the relay refused: {0}")]
    Refused(Refusal),
    /// The relay does not speak as it should.
    #[error("the relay does not keep to the tunnel's words")]
    Tunnel(#[source] TunnelError),
    /// All of it took too long.
    #[error("no connection to the mailbox within {0:?}")]
    TimedOut(Duration),
}

/// Connects to the mailbox of `relay` with the outer layer `tls`, within `bound`. What is returned
/// is for gRPC.
pub async fn connect_to_mailbox(
    dialler: &dyn Dial,
    relay: &RelayAddress,
    tls: &Arc<ClientConfig>,
    bound: Duration,
) -> Result<BoxedIo, MailboxError> {
    let connecting = async {
        let io = dialler
            .dial(&relay.address)
            .await
            .map_err(MailboxError::Unreachable)?;
        let mut outer = TlsConnector::from(Arc::clone(tls))
            .connect(relay.server_name.clone(), io)
            .await
            .map_err(|error| MailboxError::Tls(TlsFault::of(&error)))?;
        let answer = async {
            outer.write_all(&Hello::Mailbox.encode()).await?;
            outer.flush().await?;
            Word::read(&mut outer).await
        };
        match answer.await {
            Ok(Word::Go) => {
                let outer: BoxedIo = Box::new(outer);
                Ok(outer)
            }
            Ok(Word::Refused(refusal)) => Err(MailboxError::Refused(refusal)),
            Ok(_) => Err(MailboxError::Tunnel(TunnelError::Malformed)),
            // In TLS 1.3 a client learns only here that the server did not like its certificate.
            Err(TunnelError::Broken(error)) => Err(MailboxError::Tls(TlsFault::of(&error))),
            Err(error) => Err(MailboxError::Tunnel(error)),
        }
    };
    timeout(bound, Box::pin(connecting))
        .await
        .unwrap_or(Err(MailboxError::TimedOut(bound)))
}
