//! What a citizen asks a register for by way of the exchange, and what is answered.

use std::fmt;

use innsyn_policy::{NationalId, Timestamp};
use zeroize::Zeroizing;

use super::{HerId, MessageId};

/// The five messages that every register takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Insight into the data about the person.
    HealthData,
    /// Insight into who has used the data.
    Uses,
    /// Insight into releases of the data.
    Releases,
    /// The person says that something is wrong.
    Error,
    /// The person wants data to be deleted or blocked.
    DeletionOrBlocking,
}

/// The kinds, and what their processes are called.
const PROCESSES: [(MessageKind, &str); 5] = [
    (
        MessageKind::HealthData,
        "DIALOG_INNBYGGER_HREG_INNSYN_HELSEOPPLYSNINGER",
    ),
    (MessageKind::Uses, "DIALOG_INNBYGGER_HREG_INNSYN_BRUK"),
    (
        MessageKind::Releases,
        "DIALOG_INNBYGGER_HREG_INNSYN_UTLEVERING",
    ),
    (MessageKind::Error, "DIALOG_INNBYGGER_HREG_MELDE_FEIL"),
    (
        MessageKind::DeletionOrBlocking,
        "DIALOG_INNBYGGER_HREG_SLETTING_ELLER_SPERRING",
    ),
];

impl MessageKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        PROCESSES.iter().map(|(kind, _)| *kind)
    }

    /// What its process is called.
    pub fn process(self) -> &'static str {
        let known = PROCESSES.iter().find(|(kind, _)| *kind == self);
        known.map_or("", |(_, process)| process)
    }

    /// The kind of a process; `None` for one that registers do not take.
    pub fn of_process(process: &str) -> Option<Self> {
        let known = PROCESSES.iter().find(|(_, known)| *known == process);
        known.map(|(kind, _)| *kind)
    }
}

/// What the request is for, in the words of a code set (7605 in the descriptions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCode {
    /// The code.
    pub code: String,
    /// The code set's OID; empty where the sender gave none.
    pub code_set: String,
}

/// A conversation that a message belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// The message that this one follows.
    pub parent: Option<MessageId>,
    /// The first message of the conversation.
    pub first: Option<MessageId>,
}

/// A file that came with a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its media type, as the sender gave it.
    pub media_type: String,
    /// What the sender calls it.
    pub description: String,
    /// Its content.
    pub content: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} bytes)", self.content.len())
    }
}

/// One of the five messages, read and known to be from whom it says.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterMessage {
    /// Its id: what makes it the same message when it comes again.
    pub id: MessageId,
    /// What it asks for.
    pub kind: MessageKind,
    /// The party that sent it on the person's behalf.
    pub from: HerId,
    /// The person whom it is about.
    pub person: NationalId,
    /// Which register it is for, as the sender calls it, if the message says so.
    pub register: Option<String>,
    /// What exactly is asked for, if the message says so.
    pub request: Option<RequestCode>,
    /// What the person writes.
    pub text: Zeroizing<String>,
    /// What the person sends with it.
    pub attachments: Vec<Attachment>,
    /// What it belongs to.
    pub conversation: Conversation,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whether a receipt is wanted.
    pub wants_receipt: bool,
}

impl fmt::Debug for RegisterMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterMessage")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("from", &self.from)
            .field("attachments", &self.attachments)
            .finish_non_exhaustive()
    }
}

/// What the register answers, or says of how far it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its id: an answer that is given again under the same id is sent once.
    pub id: MessageId,
    /// The party whose message it answers.
    pub to: HerId,
    /// The message that it answers.
    pub in_reply_to: MessageId,
    /// What the register writes to the person.
    pub text: Zeroizing<String>,
    /// What it sends along.
    pub attachments: Vec<Attachment>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("id", &self.id)
            .field("in_reply_to", &self.in_reply_to)
            .finish_non_exhaustive()
    }
}
