//! Texts that are signed: one line for each thing that is said, `name: value`, in a fixed order.

use std::str::{FromStr, Split};

use innsyn_policy::Timestamp;

/// A line of a signed text is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line `{0}` is missing, or not written as it should be")]
pub struct LineError(pub &'static str);

/// The lines of one text that have not been read.
pub(crate) struct Lines<'a>(Split<'a, char>);

impl<'a> Lines<'a> {
    /// The lines of `text` after its `first`, which says what it is.
    pub(crate) fn after(first: &'static str, text: &'a str) -> Result<Self, LineError> {
        let mut lines = text.split('\n');
        if lines.next() == Some(first) {
            Ok(Self(lines))
        } else {
            Err(LineError(first))
        }
    }

    /// The next line, which must be called `name`.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, LineError> {
        let line = self.0.next().and_then(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix(": "))
            .and_then(read)
            .ok_or(LineError(name))
    }

    /// The next line, as its type is written.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, LineError> {
        self.read(name, |text| text.parse().ok())
    }

    /// Whether nothing is left but the end of the last line.
    pub(crate) fn are_read(self) -> bool {
        self.0.eq([""])
    }
}

/// 32 bytes in hexadecimal.
pub(crate) fn digest(text: &str) -> Option<[u8; 32]> {
    bytes(text)
}

/// `N` bytes in hexadecimal.
pub(crate) fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// `at` in whole seconds, as in `2027-01-15T08:00:00Z`.
pub(crate) fn second_text(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

/// The time that [`second_text`] wrote.
pub(crate) fn second(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_seconds(at.as_second()))
}
