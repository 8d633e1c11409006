//! The one SMS that is ever sent, and the SMS service that takes it: over SMPP 3.4, which nearly
//! every one speaks.
//!
//! Each message has a session of its own, one after the other: bind, submit, unbind. An SMS service
//! lets a customer be bound a few times only, and there are few messages; who waits too long for its
//! turn is tried again later. What is said in a session is decided by [`Session`], which does no
//! I/O.
//!
//! What holds:
//!
//! - **Taken is taken**: only the service's `submit_sm_resp` without an error is a yes.
//! - **The same notice has the same `user_message_reference`**, as an e-mail has its `Message-ID`.
//!   It has two bytes, and services pass it on rather than compare it: it lets people find a second
//!   message, and does not keep it away.
//! - **Nothing in clear** beyond loopback, and no number in a log or an error.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rusmpp::tokio_codec::CommandCodec;
use rustls_pki_types::ServerName;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::codec::Framed;

mod sender;
mod session;
mod text;

pub use sender::{ParseSenderError, Sender};
pub use session::{Login, LoginError};

use super::MobileNumber;
use session::{Next, Session};

/// How long a message may wait for those before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a session may take, from its connection to the service's yes.
const SESSION_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the service may take to say goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where an SMS service listens.
#[derive(Clone)]
pub struct SmsService {
    /// Its name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What it is spoken to with, and the name in its certificate; in clear without.
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Sends the message.
pub struct Sms {
    service: SmsService,
    login: Login,
    from: Sender,
    turn: Arc<Semaphore>,
}

/// Why a message was not sent. Names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SmsError {
    #[error("too many wait for the SMS service")]
    NoTurn,
    #[error("the SMS service cannot be reached")]
    Unreachable,
    #[error("the SMS service cannot be spoken to over TLS")]
    Tls,
    #[error("the SMS service did not answer")]
    TimedOut,
    #[error("the SMS service ended the session")]
    Ended,
    #[error("the SMS service refused the login with {0:#010x}")]
    Login(u32),
    #[error("the SMS service refused the message with {0:#010x}")]
    Message(u32),
    #[error("the SMS service does not take the number ({0:#010x})")]
    Number(u32),
}

impl SmsError {
    /// Whether it is no use to try again: the service will never take anything for this number.
    pub(super) const fn is_for_ever(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

impl fmt::Debug for SmsService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsService")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").finish_non_exhaustive()
    }
}

impl Sms {
    /// Sends by `service`, logged in by `login`, from `from`.
    pub fn new(service: SmsService, login: Login, from: Sender) -> Self {
        Self {
            service,
            login,
            from,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Sends the message to `number`; `Ok` when the service has taken it. The same `key` makes the
    /// same reference.
    pub(super) async fn send(&self, key: &[u8; 32], number: &MobileNumber) -> Result<(), SmsError> {
        let turn = timeout(TURN_TIMEOUT, Arc::clone(&self.turn).acquire_owned()).await;
        // The turns are never closed.
        let turn = turn.ok().and_then(Result::ok).ok_or(SmsError::NoTurn)?;
        let session = Session::new(&self.login, &self.from, number, reference(key));
        timeout(SESSION_TIMEOUT, self.converse(session, turn))
            .await
            .unwrap_or(Err(SmsError::TimedOut))
    }

    async fn converse(&self, session: Session, turn: OwnedSemaphorePermit) -> Result<(), SmsError> {
        let SmsService { host, port, tls } = &self.service;
        let io = TcpStream::connect((host.as_str(), *port)).await;
        let io = io.map_err(|_| SmsError::Unreachable)?;
        let Some((connector, name)) = tls else {
            return converse_over(io, session, turn).await;
        };
        let io = connector.connect(name.clone(), io).await;
        converse_over(io.map_err(|_| SmsError::Tls)?, session, turn).await
    }
}

/// Does what `session` says, until the message is taken or never will be in it.
async fn converse_over<Io>(
    io: Io,
    mut session: Session,
    turn: OwnedSemaphorePermit,
) -> Result<(), SmsError>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut commands = Framed::new(io, CommandCodec::new());
    let mut next = session.begin();
    loop {
        match next {
            Next::Say(command) => {
                let said = commands.send(*command).await;
                said.map_err(|_| SmsError::Ended)?;
            }
            Next::Listen => {}
            Next::Failed(error) => return Err(error),
            Next::Taken(goodbye) => {
                // Not waited for: that it is taken is to be remembered at once.
                tokio::spawn(async move {
                    let _until_it_is_said = turn;
                    let goodbye = async {
                        if commands.send(*goodbye).await.is_ok() {
                            let _its_own = commands.next().await;
                        }
                    };
                    // It has the message, whatever it says of goodbyes.
                    let _ = timeout(GOODBYE_TIMEOUT, goodbye).await;
                });
                return Ok(());
            }
        }
        let heard = commands.next().await;
        let heard = heard.and_then(Result::ok).ok_or(SmsError::Ended)?;
        next = session.heard(&heard);
    }
}

/// What the message of the notice called `key` is referred to by.
fn reference(key: &[u8; 32]) -> u16 {
    let [high, low, ..]: [u8; 32] =
        Sha256::digest([b"sms reference".as_slice(), key].concat()).into();
    u16::from_be_bytes([high, low])
}
