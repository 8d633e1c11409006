//! The few words spoken before a relay splices an agent and a gateway.
//!
//! ```text
//!   agent                     relay                     gateway
//!     │ version, Park ────────▶ │                          │
//!     │ ◀──────────────── Parked│                          │
//!     │ ◀── Ping, Pong ───────▶ │ every 15 s               │
//!     │                         │ ◀─ version, Connect kreft│
//!     │ ◀──────────────────── Go│                          │
//!     │ Accept ───────────────▶ │ Go ────────────────────▶ │
//!     │ ◀════════ inner TLS, copied byte by byte ════════▶ │
//! ```
//!
//! Both may also say `Mailbox`: then the relay says `Go`, and what follows is gRPC with the relay
//! itself (`innsyn/relay/v1/mailbox.proto`).
//!
//! All of it runs inside the outer TLS connection, and who speaks is read from its certificate
//! alone: `Park` carries no register, because a node parks for the register it is. Every word is
//! one byte except `Connect`, which names a register in at most 32 more. A relay that cannot do
//! what was asked says which [`Refusal`] it is and closes.
//!
//! What holds: nothing here reads a byte too many, so whatever follows the last word belongs to
//! the inner layer. Each wait has a bound that the caller gives. A parked connection that does
//! not say `Accept` is never spliced, so a frozen agent is noticed before a gateway waits for it.
//!
//! The words are in [`word`], the agent's side in [`agent`], the gateway's in [`gateway`] and the
//! relay's in [`relay`]; [`io`] holds the seam to the network.

pub mod agent;
pub mod gateway;
pub mod io;
pub mod mailbox;
pub mod relay;
pub mod word;

#[cfg(test)]
mod tests;

pub use gateway::{ConnectError, InnerStream, connect_to_node, prove_node};
pub use io::{Accept, BoxedIo, Dial, RelayAddress, TcpDialler, TcpRelayListener};
pub use mailbox::{MailboxError, connect_to_mailbox};
pub use word::{Hello, Refusal, TunnelError};
