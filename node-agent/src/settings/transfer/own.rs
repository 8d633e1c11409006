//! The register's own list of settings of its own definitions, for one whose agent lost its records.
//!
//! ```csv
//! national_id,definition,says,since
//! <11 digits>,7e1d7a52-71a0-4e0b-9a3c-000000000003,yes,2024-05-02
//! ```
//!
//! `says` is whether the consent, reservation or block stands, `yes` or `no`; `since` a date, or a
//! date and time. Of one person and definition, the latest counts; within a day, as on paper, the no.

use std::io::Read;

use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{DefinitionId, NationalId, NumberRules, RegisterId, Timestamp, paper_sequence};
use innsyn_proto::setting::definitions::SettingDefinitions;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::records::PersonCode;
use crate::sources::{Numbers, moment};

/// Rows that a list may have.
const ROWS_MAX: u64 = 10_000_000;
/// The length of a setting as it is sealed: digits, definition, says, since, sequence.
const BYTES: usize = 11 + 16 + 1 + 8 + 8;
/// Every number that was taken is read again.
const RULES: NumberRules = NumberRules {
    accept_2032: true,
    strict_series: false,
};

/// One row of the list, read.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnSetting {
    /// Who has said it.
    pub person: NationalId,
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// Whether it stands.
    pub active: bool,
    /// Since when.
    pub since: Timestamp,
    /// Orders it among all that is said.
    pub sequence: i64,
}

impl std::fmt::Debug for OwnSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnSetting(***)")
    }
}

/// Why the list is not taken. Nothing of it is, then. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of own settings: {fault}")]
pub struct OwnListError {
    /// Where; 0 where that is not known any more.
    pub line: u64,
    /// What is wrong.
    pub fault: OwnFault,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnFault {
    /// Not a row of the four columns.
    #[error("not CSV with the columns `national_id`, `definition`, `says` and `since`")]
    Row,
    /// Not a national id.
    #[error("not a national id")]
    NationalId,
    /// Nobody's here.
    #[error("the number cannot be a citizen's here; look at `environment`")]
    NotAdmitted,
    /// Not a definition.
    #[error("`definition` is not one of this register's own, in `settings.definitions`")]
    NotOwn,
    /// Somebody else writes it.
    #[error("Personvernkomponenten writes this definition (`pvk.definitions`); leave it out")]
    WrittenElsewhere,
    /// Neither yes nor no.
    #[error("`says` is `yes` or `no`")]
    Says,
    /// Not a time, or one to come.
    #[error("`since` is a date or a time as in 2024-05-02T10:00:00Z, and not in the future")]
    Since,
    /// Too many rows.
    #[error("more than {ROWS_MAX} rows")]
    TooMany,
}

impl OwnFault {
    /// The fault, at `line`.
    pub const fn in_line(self, line: u64) -> OwnListError {
        OwnListError { line, fault: self }
    }
}

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    national_id: String,
    definition: String,
    says: String,
    since: String,
}

/// Reads the list of `register` at `now`, row by row.
pub fn rows<'a>(
    list: impl Read + 'a,
    definitions: &'a SettingDefinitions,
    register: &'a RegisterId,
    numbers: Numbers,
    now: Timestamp,
) -> impl Iterator<Item = Result<OwnSetting, OwnListError>> + 'a {
    let reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(list);
    let rows = reader.into_deserialize::<Row>();
    // The first line names the columns.
    rows.zip(2..).map(move |(row, line)| {
        let setting = row.map_err(|_| OwnFault::Row).and_then(|row| {
            if line > ROWS_MAX {
                return Err(OwnFault::TooMany);
            }
            let setting = row.read(definitions, numbers, now)?;
            setting.check(definitions, register, numbers)?;
            Ok(setting)
        });
        setting.map_err(|fault| fault.in_line(line))
    })
}

impl Row {
    fn read(
        &self,
        definitions: &SettingDefinitions,
        numbers: Numbers,
        now: Timestamp,
    ) -> Result<OwnSetting, OwnFault> {
        let person = NationalId::parse(&self.national_id, numbers.rules);
        let definition = DefinitionId::parse(&self.definition).map_err(|_| OwnFault::NotOwn)?;
        let active = match &*self.says {
            "yes" => true,
            "no" => false,
            _ => return Err(OwnFault::Says),
        };
        let says_no = definitions
            .get(&definition)
            .is_none_or(|it| it.says_no(active));
        let since = moment::instant(&self.since).ok_or(OwnFault::Since)?;
        let sequence = match self.since.parse() {
            Ok(day) => paper_sequence(day, says_no, now).map_err(|_| OwnFault::Since)?,
            Err(_) => since.as_micros(),
        };
        if since > now {
            return Err(OwnFault::Since);
        }
        Ok(OwnSetting {
            person: person.map_err(|_| OwnFault::NationalId)?,
            definition,
            active,
            since,
            sequence,
        })
    }
}

impl OwnSetting {
    /// Whether it is of a definition of `register`'s own, and of somebody who can be a citizen.
    pub(super) fn check(
        &self,
        definitions: &SettingDefinitions,
        register: &RegisterId,
        numbers: Numbers,
    ) -> Result<(), OwnFault> {
        let definition = definitions.get(&self.definition);
        if !definition.is_some_and(|it| it.scope == Scope::Register(register.clone())) {
            return Err(OwnFault::NotOwn);
        }
        let admitted = numbers.environment.admit_citizen(&self.person);
        admitted.map_err(|_| OwnFault::NotAdmitted)
    }

    /// What the change is called: the same however often the list is imported.
    pub(super) fn name(&self, code: &PersonCode) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(b"innsyn own setting 1\n");
        hash.update(code.0);
        hash.update(self.definition.bytes());
        hash.update([u8::from(self.active)]);
        hash.update(self.since.as_micros().to_be_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let mut name = [0; 16];
        name.copy_from_slice(hash.split_at(16).0);
        name
    }

    /// As it is sealed.
    pub(super) fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let parts = [
            &self.person.expose()[..],
            self.definition.bytes(),
            &[u8::from(self.active)],
            &self.since.as_micros().to_be_bytes(),
            &self.sequence.to_be_bytes(),
        ];
        bytes.copy_from_slice(&parts.concat());
        bytes
    }

    /// Those that were sealed together.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
        let (settings, rest) = bytes.as_chunks::<BYTES>();
        let settings = settings.iter().map(Self::of_one);
        rest.is_empty().then(|| settings.collect()).flatten()
    }

    fn of_one(bytes: &[u8; BYTES]) -> Option<Self> {
        let (digits, rest) = bytes.split_first_chunk::<11>()?;
        let (definition, rest) = rest.split_first_chunk::<16>()?;
        let ([active], rest) = rest.split_first_chunk::<1>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let digits = str::from_utf8(digits).ok()?;
        Some(Self {
            person: NationalId::parse(digits, RULES).ok()?,
            definition: DefinitionId::from_bytes(*definition),
            active: *active == 1,
            since: Timestamp::from_micros(i64::from_be_bytes(*since)),
            sequence: i64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}
