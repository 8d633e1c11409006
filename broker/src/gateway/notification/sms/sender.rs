//! Who an SMS is from.

use std::fmt;

use rusmpp::values::{Npi, Ton};

/// The longest name that a telephone shows in the place of a number.
const NAME_CHARS_MAX: usize = 11;
/// The longest number of E.164.
const NUMBER_DIGITS_MAX: usize = 15;

/// A name, a number, or a short number that the service knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub(super) address: String,
    pub(super) ton: Ton,
    pub(super) npi: Npi,
}

/// Why a text is no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an SMS is from a name of up to {NAME_CHARS_MAX} letters, digits and spaces, or a number")]
pub struct ParseSenderError;

impl std::str::FromStr for Sender {
    type Err = ParseSenderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = |digits: &str| {
            (1..=NUMBER_DIGITS_MAX).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        let is_of_name = |it: u8| it.is_ascii_alphanumeric() || it == b' ';
        let (address, ton, npi) = match text.strip_prefix('+') {
            Some(digits) if is_number(digits) => (digits, Ton::International, Npi::Isdn),
            None if is_number(text) => (text, Ton::NetworkSpecific, Npi::Unknown),
            None if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_of_name) => {
                (text, Ton::Alphanumeric, Npi::Unknown)
            }
            _ => return Err(ParseSenderError),
        };
        Ok(Self {
            address: address.to_owned(),
            ton,
            npi,
        })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}
