//! What somebody says in a case.

use std::fmt;

/// The longest text, in bytes of UTF-8.
pub const CASE_TEXT_BYTES_MAX: usize = 4_000;

/// What somebody says in a case: not blank, at most [`CASE_TEXT_BYTES_MAX`] bytes, and without
/// control characters but line ends and tabs. It may tell anything of a person, so that it is not
/// printed; it leaves through [`CaseText::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct CaseText(String);

/// Why a text is none. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaseTextError {
    /// There is nothing to read.
    #[error("the text is blank")]
    Blank,
    /// Too long.
    #[error("the text is longer than {CASE_TEXT_BYTES_MAX} bytes; shorten it, or attach a file")]
    TooLong,
    /// Characters that steer a terminal.
    #[error("the text has control characters; only line ends and tabs are allowed")]
    ControlCharacters,
}

impl CaseText {
    /// Reads a text; white space around it is left out.
    pub fn parse(text: &str) -> Result<Self, CaseTextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CaseTextError::Blank);
        }
        if text.len() > CASE_TEXT_BYTES_MAX {
            return Err(CaseTextError::TooLong);
        }
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err(CaseTextError::ControlCharacters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CaseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaseText(***)")
    }
}
