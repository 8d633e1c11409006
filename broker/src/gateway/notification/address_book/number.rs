//! Norwegian mobile numbers.

use std::fmt;

/// What a Norwegian number begins with in E.164, before its eight digits.
const NORWAY: &str = "47";

/// A Norwegian mobile number, known to be well formed.
///
/// It has no `Display` and no `Serialize` on purpose, as a national id has none.
#[derive(Clone, PartialEq, Eq)]
pub struct MobileNumber(String);

/// Why a text is no Norwegian mobile number. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mobile number is written as +47 and eight digits, of which the first is 4 or 9")]
pub struct ParseMobileNumberError;

impl MobileNumber {
    /// Reads a number as E.164 writes it, with its plus.
    pub fn parse(text: &str) -> Result<Self, ParseMobileNumberError> {
        let digits = text.strip_prefix('+').ok_or(ParseMobileNumberError)?;
        let own = digits.strip_prefix(NORWAY).ok_or(ParseMobileNumberError)?;
        let is_mobile = own.starts_with(['4', '9']);
        if is_mobile && own.len() == 8 && own.bytes().all(|digit| digit.is_ascii_digit()) {
            Ok(Self(digits.to_owned()))
        } else {
            Err(ParseMobileNumberError)
        }
    }

    /// The digits, beginning with the country's, **in clear**.
    pub(in super::super) fn expose_digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MobileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MobileNumber(***)")
    }
}
