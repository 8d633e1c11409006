//! What is said in one message, with the files that go with it.

use std::fmt;

use bytes::Bytes;
use innsyn_policy::{CaseText, CaseTextError};
use innsyn_proto::case_receipt::{AttachedFile, MessageId, content_digest};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::types::v1 as types;
use prost::Message as _;

/// Files that may go with one message.
pub const ATTACHMENTS_MAX: usize = 4;
/// Bytes of all files of one message together.
pub const ATTACHMENTS_BYTES_MAX: usize = 256 * 1024;
/// Characters of a file's name, and of its media type.
const NAME_CHARACTERS_MAX: usize = 100;

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called, without a path.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub content: Bytes,
}

/// What is said in one message; checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Words {
    text: Option<CaseText>,
    attachments: Vec<Attachment>,
}

/// Why words are none. Never quotes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too many files.
    #[error("at most {ATTACHMENTS_MAX} files go with one message")]
    TooManyFiles,
    /// Too large files.
    #[error("the files of one message have at most {ATTACHMENTS_BYTES_MAX} bytes together")]
    FilesTooLarge,
    /// A name or a media type.
    #[error(
        "a file's name is 1 to {NAME_CHARACTERS_MAX} characters without `/`, `\\` and control \
         characters, and its media type 1 to {NAME_CHARACTERS_MAX} printable ASCII characters"
    )]
    FileName,
    /// The message's name.
    #[error("a message is named by 16 bytes, not all zero")]
    MessageId,
    /// Something that must be there is not.
    #[error("the request is not as it should be")]
    Malformed,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachment(***)")
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(***)")
    }
}

impl Words {
    /// These words and files.
    pub fn new(text: Option<CaseText>, attachments: Vec<Attachment>) -> Result<Self, WordsError> {
        if attachments.len() > ATTACHMENTS_MAX {
            return Err(WordsError::TooManyFiles);
        }
        let bytes: usize = attachments.iter().map(|file| file.content.len()).sum();
        if bytes > ATTACHMENTS_BYTES_MAX {
            return Err(WordsError::FilesTooLarge);
        }
        if !attachments.iter().all(is_well_named) {
            return Err(WordsError::FileName);
        }
        Ok(Self { text, attachments })
    }

    /// Reads what a citizen says, and what it is called.
    pub(super) fn from_wire(words: node::CaseWords) -> Result<(MessageId, Self), super::CaseError> {
        let id: [u8; 16] = words
            .message_id
            .as_ref()
            .try_into()
            .map_err(|_| WordsError::MessageId)?;
        if id == [0; 16] {
            return Err(WordsError::MessageId.into());
        }
        let text = CaseText::parse(&words.text)?;
        let attachments = words.attachments.into_iter().map(from_wire).collect();
        Ok((MessageId(id), Self::new(Some(text), attachments)?))
    }

    /// Whether something is said.
    pub const fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// What is said; empty where nothing is.
    pub fn text(&self) -> &str {
        self.text.as_ref().map_or("", CaseText::expose)
    }

    /// The files.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    pub(super) fn digest(&self, message: MessageId) -> [u8; 32] {
        let files = self.attachments.iter().map(|file| AttachedFile {
            name: &file.name,
            media_type: &file.media_type,
            content: &file.content,
        });
        content_digest(message, self.text(), files)
    }

    /// As it is sealed.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let attachments = self.attachments.iter().map(to_wire).collect();
        let words = node::CaseWords {
            message_id: Bytes::new(),
            text: self.text().to_owned(),
            attachments,
        };
        words.encode_to_vec()
    }

    /// What [`Words::to_bytes`] gave.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let words = node::CaseWords::decode(bytes).ok()?;
        let text = match CaseText::parse(&words.text) {
            Ok(text) => Some(text),
            Err(CaseTextError::Blank) => None,
            Err(_) => return None,
        };
        Self::new(text, words.attachments.into_iter().map(from_wire).collect()).ok()
    }
}

fn is_well_named(file: &Attachment) -> bool {
    let within = |text: &str| (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count());
    let name = |c: char| !c.is_control() && c != '/' && c != '\\';
    within(&file.name)
        && file.name.chars().all(name)
        && within(&file.media_type)
        && file
            .media_type
            .bytes()
            .all(|b| b.is_ascii_graphic() || b == b' ')
}

fn from_wire(file: types::CaseAttachment) -> Attachment {
    Attachment {
        name: file.name,
        media_type: file.media_type,
        content: file.content.into(),
    }
}

pub(super) fn to_wire(file: &Attachment) -> types::CaseAttachment {
    types::CaseAttachment {
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        content: file.content.to_vec(),
        bytes: 0,
    }
}
