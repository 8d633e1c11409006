//! Where a citizen's address comes from. A seam: in production helsenorge knows it, and whom the
//! citizen wants to be told how.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use innsyn_policy::{NationalId, NumberRules};
use lettre::message::Mailbox;

/// Addresses that a file may have.
const ADDRESSES_MAX: usize = 100_000;

/// Knows people's addresses.
pub trait AddressBook: Send + Sync + 'static {
    /// Where `person` wants to be written to; `None` if nowhere.
    fn find(&self, person: &NationalId) -> Option<Mailbox>;
}

/// A file of national ids and addresses, **for tests and demonstrations with invented people
/// only**: `national id,address` in each line, read once at the start.
pub struct FileOfAddresses(HashMap<NationalId, Mailbox>);

/// Why a file of addresses cannot be used. Quotes no line.
#[derive(Debug, thiserror::Error)]
pub enum AddressBookError {
    /// It cannot be read.
    #[error("the addresses in `{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// A line is not as it should be.
    #[error("line {line} of `{}` is not `national id,address`", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is too long.
    #[error("`{}` has more than {ADDRESSES_MAX} addresses", .0.display())]
    TooMany(PathBuf),
}

impl std::fmt::Debug for FileOfAddresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileOfAddresses(***)")
    }
}

impl FileOfAddresses {
    /// Reads the file at `path`.
    pub fn load(path: &Path, rules: NumberRules) -> Result<Self, AddressBookError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| AddressBookError::Unreadable(path.to_owned(), error))?;
        let mut addresses = HashMap::new();
        for (line, row) in (1..).zip(text.lines()).filter(|(_, row)| !row.is_empty()) {
            let read = row.split_once(',').and_then(|(person, address)| {
                let person = NationalId::parse(person, rules).ok()?;
                Some((person, address.trim().parse().ok()?))
            });
            let path = path.to_owned();
            let (person, address) = read.ok_or(AddressBookError::Line { path, line })?;
            addresses.insert(person, address);
        }
        if addresses.len() > ADDRESSES_MAX {
            return Err(AddressBookError::TooMany(path.to_owned()));
        }
        Ok(Self(addresses))
    }
}

impl AddressBook for FileOfAddresses {
    fn find(&self, person: &NationalId) -> Option<Mailbox> {
        self.0.get(person).cloned()
    }
}
