//! The register's place on the health network's message exchange (*Meldingsutveksler*).
//!
//! Citizens' dialogs arrive here from helsenorge as signed and encrypted XML over AMQP 1.0, and
//! receipts and answers go back the same way.
//!
//! ```text
//!   broker ──▶ headers ──▶ party ──▶ envelope ──▶ content ──▶ Inbox ──▶ records ──▶ settled
//!              fault: to the sender's error queue             refused: receipt says so
//! ```
//!
//! What holds:
//!
//! - **Settled only after durable**: what came in, and what is owed for it, is one transaction
//!   before the broker hears that a message was taken.
//! - **Nothing is done twice**: a message is known by sender and message id; one that comes again
//!   gives no second case and no second receipt.
//! - **Nothing is lost**: a message is taken, answered with an error or left to the broker, which
//!   puts it aside after its own number of tries.
//! - **A sender is who its certificate says**: the signature is checked against the certificates
//!   registered for the HER-id in the headers, and the content must name the same HER-id.
//! - **What is wrong inside an envelope is not told**: whatever cannot be opened or trusted looks
//!   the same to the sender.

mod addresses;
mod apprec;
mod calls;
mod desk;
mod envelope;
mod fault;
mod headers;
mod ids;
mod inbox;
mod message;
mod msghead;
mod start;
mod store;
#[cfg(test)]
mod test_parties;
#[cfg(test)]
mod tests;
mod transport;
mod xml;

pub use addresses::{
    AddressFile, AddressFileError, AddressRegister, AddressesUnavailable, CachedAddresses,
    Freshness, Party,
};
pub use apprec::{AppRec, AppRecError, AppRecStatus, AppRecVersion};
pub use calls::TooManyCalls;
pub use desk::{
    AnswerError, CallError, Desk, DeskParts, Identity, Incoming, Post, PostError, Queue,
    Settlement, Wire,
};
pub use envelope::{
    Certificate, CertificateError, DecryptionKey, OpenError, SealError, SigningKey, Usage, open,
    seal,
};
pub use fault::{Condition, Fault};
pub use headers::{Address, Dialect, Headers, RawHeaders, SIGNED_AND_ENVELOPED};
pub use ids::{HerId, IdError, MessageId, QueueName};
pub use inbox::{Inbox, NotReceived, Received};
pub use message::{Answer, Attachment, Conversation, MessageKind, RegisterMessage, RequestCode};
pub use start::{Exchange, ExchangeParts, start};
pub use store::{SCHEMA, StoreError};
pub use transport::{Line, Seen};
