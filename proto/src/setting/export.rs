//! What a register whose agent is whole gives to one that came late: everybody's settings of
//! national definitions.
//!
//! The late register says who it is and what to seal with, in a [`Recipient`], which is signed with
//! the key of its node certificate ([`tls`](crate::tls)):
//!
//! ```text
//! innsyn recipient 1
//! register: kreft
//! sealing-key: <32 bytes in base64>
//! at: 1800000000000000
//! ```
//!
//! The other answers with an export: a head in clear, and frames that are sealed to that key one
//! after the other ([`sealing`](crate::sealing)), under the head. Each but the last has lines of
//! changes ([`ExportedChange`]), as gateways sent them; the last has an [`Export`], signed as
//! above, which says what the whole is:
//!
//! ```text
//! innsyn settings export 1                in a file: this line, and then for each frame, the head
//! from: npr                               being the first, its length (4 bytes, big-endian) and it
//! to: kreft
//! sealing-key: <the recipient's>
//! at: 1800000000000000
//! changes: 1234
//! digest: <SHA-256 of all lines of changes, 64 of 0-9, a-f>
//! gateways: 1                             up to which number everything of each is here
//! gateway: helsenorge 17
//! definitions: 1                          of which all that gateways sent is here
//! definition: 3f2504e0-4f89-11d3-9a0c-0305e82c3301
//! issuers: 1                              whose mandates counted
//! issuer: vergemaal.no
//! ```
//!
//! What holds:
//!
//! - **Sealed to a register, not to whoever asks**: the key is one that the register's certificate
//!   has signed for.
//! - **Whole or nothing**: a frame that is missing, moved, repeated or changed does not open, and
//!   without the last nothing counts.
//! - **Nobody passes it on as their own**, or to somebody else: who it is from and to, and the key, is
//!   signed over what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use innsyn_policy::{DefinitionId, RegisterId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::Change;
use crate::identity::{GatewayName, Identity};
use crate::lines::LineError;
use crate::sealing::{SealError, SealingKey};
use crate::tls::{Authority, Credentials, LoadTlsError, SignedTextError};

mod lines;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

pub use reading::{ExportFile, ExportFileError, ReadingExport};
pub use writing::{WriteExportError, WritingExport};

/// What a file begins with.
pub const FILE_LINE: &str = "innsyn settings export 1\n";
/// The beginning of that line in every version.
const FILE_LINE_OF_ANY: &str = "innsyn settings export ";
/// The longest frame, in bytes.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// Lines of changes are sealed when there are so many bytes of them.
const LINES_BYTES: usize = 32 << 10;
/// How long a recipient's text may be used.
const RECIPIENT_GOOD_FOR: Duration = Duration::from_hours(30 * 24);
/// How far two machines' clocks may be apart.
const CLOCKS_APART_MAX: Duration = Duration::from_mins(10);

/// What frames are sealed about: lines of changes, or the last.
const CHANGES: u8 = 1;
const END: u8 = 2;

/// Whom an export is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The register that came late.
    pub register: RegisterId,
    /// What is sealed to its agent with.
    pub key: SealingKey,
    /// When it was said.
    pub at: Timestamp,
}

/// One change as a gateway sent it, and as the exporting agent has applied it.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportedChange {
    /// Which gateway.
    pub gateway: GatewayName,
    /// What was said. Of a parent, when the child was born is not told: that it was a parent's
    /// right was looked at by the agent that exports.
    pub change: Change,
    /// When it was said.
    pub said_at: Timestamp,
}

/// What an export is, as the exporting register signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The register whose agent exports.
    pub from: RegisterId,
    /// The register that it is for.
    pub to: RegisterId,
    /// The key that it is sealed to.
    pub key: SealingKey,
    /// As of when.
    pub at: Timestamp,
    /// How many changes there are.
    pub changes: u64,
    /// The digest of their lines.
    pub digest: [u8; 32],
    /// Up to which number everything of each gateway is here.
    pub gateways: BTreeMap<GatewayName, u64>,
    /// The national definitions of which all that these gateways sent is here.
    pub definitions: BTreeSet<DefinitionId>,
    /// Whose mandates counted at the exporting register.
    pub issuers: BTreeSet<String>,
}

/// Why a text is no recipient's.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    /// Nobody of the federation has signed it.
    #[error("the recipient's text: {0}")]
    Signed(#[from] SignedTextError),
    /// A line is not what it should be.
    #[error("the recipient's text: {0}")]
    Line(#[from] LineError),
    /// Another party has signed it.
    #[error("the recipient's text is for `{register}`, and signed by `{by}`")]
    OfOther {
        /// Whom it names.
        register: RegisterId,
        /// Who has signed.
        by: Identity,
    },
    /// Said too long ago, or by a clock that is ahead.
    #[error(
        "the recipient's text is older than 30 days, or from the future; have it made anew with \
         `innsyn-agent settings recipient`"
    )]
    Age,
}

/// Why frames are no export that can be relied on. Nothing of it is, then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The head is not what it should be.
    #[error("the head of the export: {0}")]
    Head(LineError),
    /// For somebody else.
    #[error("the export is for register `{0}`, not for this one")]
    OtherRegister(RegisterId),
    /// For a key that this agent does not have.
    #[error(
        "the export is sealed to another key than this agent has; have a new one made, for what \
         `innsyn-agent settings recipient` says now"
    )]
    OtherKey,
    /// A frame does not open.
    #[error("the export was changed, cut or put together anew on its way; get it again")]
    Frame(#[from] SealError),
    /// There is no last frame, or something after it.
    #[error("the export is not whole; get it again")]
    Cut,
    /// What it says is not written as it should be.
    #[error("what the export says: {0}")]
    Line(#[from] LineError),
    /// No register has signed it.
    #[error("who has made the export: {0}")]
    Signed(#[from] SignedTextError),
    /// Another party has signed it.
    #[error("the export says that it is from `{from}`, and is signed by `{by}`")]
    OfOther {
        /// Whom it names.
        from: RegisterId,
        /// Who has signed.
        by: Identity,
    },
    /// What is signed is not what came.
    #[error("what is signed is another export than this one")]
    Digest,
}

impl Recipient {
    /// The recipient's text, signed by the register's `node` certificate.
    pub fn sign(&self, node: &Credentials) -> Result<String, LoadTlsError> {
        node.sign(&self.text())
    }

    /// Reads a recipient's text at `now`, signed by a register of `federation`.
    pub fn read(
        signed: &str,
        federation: &Authority,
        now: Timestamp,
    ) -> Result<Self, RecipientError> {
        let (text, certificate) = federation.read_signed(signed, now)?;
        let recipient = Self::of_text(text)?;
        if certificate.identity != Identity::Node(recipient.register.clone()) {
            return Err(RecipientError::OfOther {
                register: recipient.register,
                by: certificate.identity,
            });
        }
        if recipient.at > now.plus(CLOCKS_APART_MAX) || now > recipient.at.plus(RECIPIENT_GOOD_FOR)
        {
            return Err(RecipientError::Age);
        }
        Ok(recipient)
    }
}

/// The head in clear: who it is from and to, and the key, and so what frames are sealed under.
fn head(from: &RegisterId, to: &RegisterId, key: &SealingKey) -> String {
    format!("{FILE_LINE}from: {from}\nto: {to}\nsealing-key: {key}\n")
}

/// What the digest of lines begins with.
fn digest_of_lines() -> Sha256 {
    Sha256::new_with_prefix(b"innsyn settings export 1 changes\n")
}

impl fmt::Debug for ExportedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExportedChange(***)")
    }
}
