//! Codes as numbers while a query runs.
//!
//! A number is given to a text when a counted person's row first has it; which number that is
//! depends on the order of the files, so what leaves the engine, and what is compared, is text.

use std::collections::HashMap;
use std::sync::Arc;

/// No code.
pub(super) const NO_CODE: u32 = u32::MAX;

/// What a text takes beside its characters, about, in bytes.
const ENTRY_BYTES: usize = 64;

/// The codes that have been met.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: HashMap<Arc<str>, u32, ahash::RandomState>,
    texts: Vec<Arc<str>>,
    bytes: usize,
}

impl Words {
    /// The number of `text`.
    pub(super) fn number_of(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // Memory ends long before the numbers do.
        let number = u32::try_from(self.texts.len()).unwrap_or(NO_CODE);
        let text = Arc::<str>::from(text);
        self.bytes += text.len() + ENTRY_BYTES;
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    /// The text of `number`; none of [`NO_CODE`].
    pub(super) fn text_of(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(|text| &**text)
    }

    /// The memory they take, about, in bytes.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.bytes
    }
}
