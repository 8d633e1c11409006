//! Tells citizens by e-mail or SMS that they have a new message, and nothing else.
//!
//! ```text
//!   agent ──frame at every beat──▶ TellLinks ──▶ Teller ──▶ address book, e-mail server, SMS service
//!         ◀──what is done, likewise──┘              └──▶ Memory, on disk
//! ```
//!
//! The agent keeps a notice until it is said to be done; that is said when a server has taken the
//! message and a hash of the notice's key is on disk here, or when there is nobody to write to.
//!
//! What holds:
//!
//! - **Every message has the same text**, which names no register and no health matter.
//! - **One message for one notice**, whoever is restarted, while the memory holds the key: by what
//!   the person likes best of what there is here, and by something else only where the server says
//!   that it will never take anything for that address. If this program or its machine dies between
//!   the server's word and the memory's write, a few milliseconds, or that word is lost on its way,
//!   the message goes once more, under the same `Message-ID`, by which mail servers and readers drop
//!   the second, or the same `user_message_reference`, by which an SMS is found out only.
//! - **Traffic does not tell**: a frame is answered at once and by one size; what was sent meanwhile
//!   is said in a later answer.
//! - **Nothing of whom**: the memory holds hashes of random keys, logs count.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use innsyn_policy::{NationalId, NumberRules, RegisterId};
use innsyn_proto::padding::Padded as _;
use innsyn_proto::wire::node::v1 as node;
use node::cases_service_client::CasesServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

mod address_book;
mod config;
mod mail;
mod memory;
mod sms;
#[cfg(test)]
mod tests;

pub use address_book::{
    Address, AddressBook, AddressBookError, FileOfAddresses, MobileNumber, ParseMobileNumberError,
};
pub use config::{
    NotificationConfig, NotificationConfigError, OpenTellerError, SmsConfigError, TrustError,
};
pub use mail::Mail;
pub use memory::{KEYS_MAX, Memory};
pub use sms::{Login, LoginError, ParseSenderError, Sender, Sms, SmsService};

use super::link::Beside;

/// Notices in one frame.
const NOTICES_AT_ONCE_MAX: usize = 8;
/// The size of every frame and of every answer to one, in bytes.
const FRAME_BYTES: usize = 512;
/// Answers on their way to one agent.
const UNDER_WAY_MAX: usize = 2;

/// What people are told by.
#[derive(Debug)]
pub struct Services {
    /// An e-mail server, if there is one.
    pub mail: Option<Mail>,
    /// An SMS service, if there is one.
    pub sms: Option<Sms>,
}

/// Why a message was not sent. Names nobody.
#[derive(Debug, thiserror::Error)]
enum TellError {
    #[error("{0}")]
    Mail(mail::MailError),
    #[error("{0}")]
    Sms(sms::SmsError),
}

impl TellError {
    /// Whether it is no use to try this address again.
    fn is_for_ever(&self) -> bool {
        match self {
            Self::Mail(error) => error.is_for_ever(),
            Self::Sms(error) => error.is_for_ever(),
        }
    }
}

/// Writes to people, each notice once.
pub struct Teller {
    book: Box<dyn AddressBook>,
    services: Services,
    memory: Memory,
    rules: NumberRules,
    /// Notices that are being told at the moment.
    telling: Mutex<HashSet<[u8; 32]>>,
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").finish_non_exhaustive()
    }
}

impl Teller {
    /// Writes to who is in `book`, by `services`, what is not in `memory`.
    pub fn new(
        book: Box<dyn AddressBook>,
        services: Services,
        memory: Memory,
        rules: NumberRules,
    ) -> Arc<Self> {
        Arc::new(Self {
            book,
            services,
            memory,
            rules,
            telling: Mutex::default(),
        })
    }

    /// Whether the notice called `key` needs to come no more.
    pub fn is_done(&self, key: &[u8; 32]) -> bool {
        self.memory.holds(key)
    }

    /// Tells `person` in the background, unless that is being done or was.
    pub fn tell(self: &Arc<Self>, key: [u8; 32], person: NationalId) {
        if self.is_done(&key) || !self.telling().insert(key) {
            return;
        }
        let teller = Arc::clone(self);
        // In a task of its own: a link that is lost now must not lose a server's word.
        tokio::spawn(async move {
            teller.tell_now(key, person).await;
            teller.telling().remove(&key);
        });
    }

    async fn tell_now(&self, key: [u8; 32], person: NationalId) {
        // Somebody may have told between the first look and this one's turn.
        if self.is_done(&key) {
            return;
        }
        for address in self.book.find(&person) {
            match self.send(&key, address).await {
                None => {}
                Some(Ok(())) => break,
                Some(Err(error)) if error.is_for_ever() => {
                    tracing::warn!(%error, "a notice cannot be delivered to an address");
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a notice was not sent; it is tried again");
                    return;
                }
            }
        }
        if let Err(error) = self.memory.keep(key).await {
            tracing::error!(%error, "a notice was sent and cannot be remembered");
        }
    }

    /// Sends the message to `address`; `None` where there is nothing to send it by.
    async fn send(&self, key: &[u8; 32], address: Address) -> Option<Result<(), TellError>> {
        let Services { mail, sms } = &self.services;
        Some(match address {
            Address::Mail(address) => {
                let sent = mail.as_ref()?.send(key, address).await;
                sent.map_err(TellError::Mail)
            }
            Address::Sms(number) => {
                let sent = sms.as_ref()?.send(key, &number).await;
                sent.map_err(TellError::Sms)
            }
        })
    }

    fn telling(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to `frame`: what of it is done. The rest is told from now on.
    fn answer(self: &Arc<Self>, frame: &node::NoticesResponse) -> Option<node::NoticesRequest> {
        let mut done = Vec::new();
        for notice in frame.notices.iter().take(NOTICES_AT_ONCE_MAX) {
            let Ok(key) = <[u8; 32]>::try_from(notice.key.as_ref()) else {
                continue;
            };
            if self.is_done(&key) {
                done.push(notice.key.clone());
            } else if let Ok(person) = NationalId::from_number(notice.person, self.rules) {
                self.tell(key, person);
            }
        }
        let mut answer = node::NoticesRequest {
            done,
            padding: Vec::new(),
        };
        answer.pad_to(FRAME_BYTES).then_some(answer)
    }
}

/// Tells what agents give over their links, beside what `first` does there.
pub struct TellLinks {
    /// What else is done beside.
    pub first: Arc<dyn Beside>,
    /// Who tells; nobody where notices are left to another gateway.
    pub teller: Option<Arc<Teller>>,
}

impl fmt::Debug for TellLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TellLinks").finish_non_exhaustive()
    }
}

impl Beside for TellLinks {
    fn beside(&self, register: RegisterId, channel: Channel) -> BoxFuture<'static, ()> {
        let first = self.first.beside(register.clone(), channel.clone());
        let Some(teller) = self.teller.clone() else {
            return first;
        };
        Box::pin(async move {
            let told = async {
                if let Err(status) = exchange(&teller, channel).await {
                    tracing::debug!(node.id = %register, code = ?status.code(), "no notices");
                }
            };
            futures::future::join(first, told).await;
        })
    }
}

async fn exchange(teller: &Arc<Teller>, channel: Channel) -> Result<(), tonic::Status> {
    let (outbound, answers) = mpsc::channel(UNDER_WAY_MAX);
    let mut frames = CasesServiceClient::new(channel)
        .notices(ReceiverStream::new(answers))
        .await?
        .into_inner();
    while let Some(frame) = frames.message().await? {
        let Some(answer) = teller.answer(&frame) else {
            return Err(tonic::Status::internal("an answer does not fit"));
        };
        if outbound.send(answer).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Makes `path` relative to `folder`.
fn resolve(path: &mut PathBuf, folder: &Path) {
    *path = folder.join(&*path);
}
