//! Where a citizen's address comes from. A seam: in production helsenorge knows it, and whom the
//! citizen wants to be told how.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use innsyn_policy::{NationalId, NumberRules};
use lettre::message::Mailbox;

mod number;

pub use number::{MobileNumber, ParseMobileNumberError};

/// People that a file may have.
const PEOPLE_MAX: usize = 100_000;
/// Addresses that somebody may have.
const ADDRESSES_MAX: usize = 2;

/// Where somebody can be told.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// By e-mail.
    Mail(Mailbox),
    /// By SMS.
    Sms(MobileNumber),
}

/// Knows people's addresses.
pub trait AddressBook: Send + Sync + 'static {
    /// Where `person` wants to be told, what they like best first; empty if nowhere.
    fn find(&self, person: &NationalId) -> Vec<Address>;
}

/// A file of national ids and addresses, **for tests and demonstrations with invented people
/// only**: `national id,address` in each line, or `national id,address,address` with the one that
/// the person likes best first; read once at the start. An address is an e-mail address or a
/// Norwegian mobile number with its `+47`.
pub struct FileOfAddresses(HashMap<NationalId, Vec<Address>>);

/// Why a file of addresses cannot be used. Quotes no line.
#[derive(Debug, thiserror::Error)]
pub enum AddressBookError {
    /// It cannot be read.
    #[error("the addresses in `{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// A line is not as it should be.
    #[error(
        "line {line} of `{}` is not `national id,address`, with an e-mail address or a mobile \
         number, or both", .path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is too long.
    #[error("`{}` has more than {PEOPLE_MAX} people", .0.display())]
    TooMany(PathBuf),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mail(_) => "Mail(***)",
            Self::Sms(_) => "Sms(***)",
        })
    }
}

impl fmt::Debug for FileOfAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileOfAddresses(***)")
    }
}

impl Address {
    /// Reads an address; what begins with a plus is a number.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('+') {
            MobileNumber::parse(text).ok().map(Self::Sms)
        } else {
            text.parse().ok().map(Self::Mail)
        }
    }
}

impl FileOfAddresses {
    /// Reads the file at `path`.
    pub fn load(path: &Path, rules: NumberRules) -> Result<Self, AddressBookError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| AddressBookError::Unreadable(path.to_owned(), error))?;
        let mut people = HashMap::new();
        for (line, row) in (1..).zip(text.lines()).filter(|(_, row)| !row.is_empty()) {
            let path = path.to_owned();
            let (person, addresses) =
                of_row(row, rules).ok_or(AddressBookError::Line { path, line })?;
            people.insert(person, addresses);
        }
        if people.len() > PEOPLE_MAX {
            return Err(AddressBookError::TooMany(path.to_owned()));
        }
        Ok(Self(people))
    }
}

/// Whose row it is, and where they want to be told.
fn of_row(row: &str, rules: NumberRules) -> Option<(NationalId, Vec<Address>)> {
    let (person, addresses) = row.split_once(',')?;
    let person = NationalId::parse(person, rules).ok()?;
    let addresses: Vec<Address> = addresses
        .split(',')
        .map(Address::read)
        .collect::<Option<_>>()?;
    (addresses.len() <= ADDRESSES_MAX).then_some((person, addresses))
}

impl AddressBook for FileOfAddresses {
    fn find(&self, person: &NationalId) -> Vec<Address> {
        self.0.get(person).cloned().unwrap_or_default()
    }
}
