//! What parties, queues and messages are called on the exchange.

use std::fmt;

/// The most digits of a HER-id.
const HER_ID_DIGITS_MAX: usize = 10;
/// The longest id of a message; they are UUIDs, mostly.
const MESSAGE_ID_MAX: usize = 64;
/// The longest name of a queue.
const QUEUE_NAME_MAX: usize = 128;

/// Why a text is not what it should call something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a HER-id.
    #[error("a HER-id is 1 to 10 digits and not 0")]
    HerId,
    /// Not the id of a message.
    #[error("a message id is 1 to 64 of A-Z, a-z, 0-9 and -_.:{{}}")]
    MessageId,
    /// Not a queue.
    #[error("a queue's name is 1 to 128 of A-Z, a-z, 0-9 and -_.")]
    QueueName,
}

/// A communication party of the health network's address register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HerId(u64);

impl HerId {
    /// Reads a HER-id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let digits = !text.is_empty()
            && text.len() <= HER_ID_DIGITS_MAX
            && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && number > 0 => Ok(Self(number)),
            _ => Err(IdError::HerId),
        }
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for HerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a business message. Compared without regard to case, because systems write the same
/// UUID both ways; written as it came.
#[derive(Debug, Clone)]
pub struct MessageId(String);

impl MessageId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:{}".contains(&byte);
        if text.is_empty() || text.len() > MESSAGE_ID_MAX || !text.bytes().all(allowed) {
            return Err(IdError::MessageId);
        }
        Ok(Self(text.to_owned()))
    }

    /// A new id made of 16 random bytes: a UUID of version 4.
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut bits = u128::from_be_bytes(random);
        bits = (bits & !(0xf << 76)) | (0x4 << 76);
        bits = (bits & !(0x3 << 62)) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let mut text = String::with_capacity(36);
        for (n, digit) in hex.chars().enumerate() {
            if [8, 12, 16, 20].contains(&n) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(text)
    }

    /// The id as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what the id is compared.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for MessageId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for MessageId {}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A queue of the exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// Reads a queue's name, which may not hold anything that an address is made of.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.is_empty() || text.len() > QUEUE_NAME_MAX || !text.bytes().all(allowed) {
            return Err(IdError::QueueName);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
