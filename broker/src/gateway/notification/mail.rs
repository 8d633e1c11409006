//! The one message that is ever sent, and the e-mail server that takes it.

use std::fmt;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use sha2::{Digest as _, Sha256};

const SUBJECT: &str = "Ny melding / New message";
const TEXT: &str = "\
Du har fått en ny melding. Logg inn på Helsenorge for å lese den.\n\
\n\
You have a new message. Log in to Helsenorge to read it.\n";

/// Sends the message.
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a message was not sent. Names nobody.
#[derive(Debug)]
pub(super) enum MailError {
    /// The server's answer, or none.
    Server(lettre::transport::smtp::Error),
    /// The message cannot be made for this address.
    Message,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What a server says in words may quote the address.
            Self::Server(error) => match error.status() {
                Some(code) => write!(f, "the e-mail server said {code}"),
                None if error.is_timeout() => f.write_str("the e-mail server did not answer"),
                None => f.write_str("the e-mail server cannot be reached or spoken to"),
            },
            Self::Message => f.write_str("no message can be made for the address"),
        }
    }
}

impl MailError {
    /// Whether it is no use to try again: the server will never take anything for this address.
    pub(super) fn is_for_ever(&self) -> bool {
        match self {
            Self::Server(error) => {
                let code = error.status().map(u16::from);
                matches!(code, Some(501 | 550 | 551 | 552 | 553))
            }
            Self::Message => true,
        }
    }
}

impl Mail {
    /// Sends by `server`, from `from`.
    pub fn new(server: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox) -> Self {
        Self { server, from }
    }

    /// Sends the message to `address`; `Ok` when the server has taken it. The same `key` makes the
    /// same `Message-ID`.
    pub(super) async fn send(&self, key: &[u8; 32], address: Mailbox) -> Result<(), MailError> {
        let id = hex::encode(Sha256::digest([b"message id".as_slice(), key].concat()));
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(address)
            .subject(SUBJECT)
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(ContentType::TEXT_PLAIN)
            .body(TEXT.to_owned())
            .map_err(|_| MailError::Message)?;
        let sent = self.server.send(message).await;
        sent.map(|_| ()).map_err(MailError::Server)
    }
}
