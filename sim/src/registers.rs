//! The registers of the invented country, and what a person has in each.
//!
//! `registers.csv` carries public facts (names, kinds, controllers, legal bases, rough sizes)
//! and our own rules of who is in which register. Sizes are estimates; descriptions and contacts
//! are invented and say so. It is test data, not a legal catalogue.
//!
//! [`Registers`] is the list, [`Memberships`] says who is in which, [`Registers::catalogue_toml`]
//! writes the broker's catalogue and [`folder`] each register's own folder of data, with the
//! [`View`]s that it publishes for research.

use innsyn_policy::{LegalBasis, Register as PolicyRegister, RegisterId, RegisterKind};

pub use membership::{Memberships, Record, SettingRow, Status};
pub use views::{Kind, Variable, View};

use crate::health::Disease;

mod catalogue;
mod dirt;
pub mod folder;
mod list;
mod manifest;
mod membership;
mod table;
#[cfg(test)]
mod tests;
mod views;

/// How many registers `registers.csv` has.
pub const NORWEGIAN_REGISTERS: usize = 83;
/// How many more can be invented beside them: 15 make the 98 of Norway's data sources, and a
/// benchmark may want more.
pub const INVENTED_REGISTERS_MAX: usize = 150;
/// The living people that the estimated sizes refer to.
const INHABITANTS: f64 = 5_600_000.0;

/// A register of the invented country.
#[derive(Debug, Clone)]
pub struct Register {
    /// What a decision needs of it.
    pub policy: PolicyRegister,
    /// Its Norwegian name.
    pub name: String,
    /// Its English name.
    pub name_en: String,
    /// The data controller.
    pub controller: String,
    /// How it is asked.
    pub listing: Listing,
    /// How a citizen gets insight.
    pub insight: Insight,
    /// An invented description in Norwegian, at most 612 characters.
    pub description: String,
    /// How its table is kept.
    pub layout: Layout,
    persons_estimated: u32,
    year_started: i16,
    rule: Rule,
    treatment: Option<Treatment>,
}

/// How the catalogue says that a register is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// It has an agent.
    Live,
    /// It holds nothing that an identity could be looked up in.
    CannotBeAsked,
    /// It is not in the federation yet.
    NotConnected,
}

/// How a citizen gets to see what the register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Insight {
    /// Through Innsyn.
    LiveQuery,
    /// By a dialog.
    Dialog,
    /// At another service.
    Link,
}

/// How a register keeps its table. Registers differ, and so do these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// CSV, everything text.
    Csv,
    /// Parquet, the id as text, dates as dates.
    Parquet,
    /// Parquet, the id as a 64-bit integer, which loses leading zeros.
    ParquetInteger,
    /// Parquet with the ids only; such a register forgets whoever is deleted.
    ParquetBare,
}

/// Who may be in a register.
#[derive(Debug, Clone)]
struct Rule {
    who: Who,
    /// A register that one must be in first.
    within: Option<usize>,
    sex: Option<crate::population::Sex>,
    /// Ages in years at registration, both included.
    ages: (u32, u32),
    region: Option<crate::population::Region>,
}

/// What a quality register follows up.
#[derive(Debug, Clone)]
struct Treatment {
    /// Whoever is in the register has it.
    disease: &'static Disease,
    /// A code of the classification of procedures.
    procedure: String,
}

/// The group that a register takes people from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Everyone,
    /// Those who have died, registered on that day or later.
    Dead,
    /// Children at birth, and parents when their first child is born.
    Births,
    Twins,
}

/// The registers, in the order of the catalogue.
#[derive(Debug, Clone)]
pub struct Registers(Vec<Register>);

/// The list of registers that is part of the program is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RegistersError {
    /// The table is not readable.
    #[error("sim/src/registers/registers.csv cannot be read; mend the line it names")]
    Table(#[from] csv::Error),
    /// A word of a line is not one we know.
    #[error("register `{register}` in sim/src/registers/registers.csv: `{word}` is no {column}")]
    Word {
        /// Which line.
        register: String,
        /// Which column.
        column: &'static str,
        /// What stands there.
        word: String,
    },
    /// More invented registers than there are.
    #[error("{INVENTED_REGISTERS_MAX} registers can be invented, not {0}")]
    TooManyInvented(usize),
}

impl Registers {
    /// The 83 Norwegian registers and `invented` more.
    pub fn norwegian_and(invented: usize) -> Result<Self, RegistersError> {
        if invented > INVENTED_REGISTERS_MAX {
            return Err(RegistersError::TooManyInvented(invented));
        }
        let mut registers = list::norwegian()?;
        for number in 1..=invented {
            registers.push(list::invented(number)?);
        }
        Ok(Self(registers))
    }

    /// So many invented registers and no others, by reservation instead of consent.
    pub(crate) fn invented_with_reservation(registers: usize) -> Result<Self, RegistersError> {
        if registers > INVENTED_REGISTERS_MAX {
            return Err(RegistersError::TooManyInvented(registers));
        }
        let invented = (1..=registers).map(|number| {
            let mut register = list::invented(number)?;
            register.policy.legal_basis = LegalBasis::Reservation;
            Ok(register)
        });
        Ok(Self(invented.collect::<Result<_, RegistersError>>()?))
    }

    /// The registers in the order of the catalogue.
    pub fn iter(&self) -> impl Iterator<Item = &Register> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none; never so for a list made by [`Registers::norwegian_and`].
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The register called `id`.
    pub fn get(&self, id: &str) -> Option<&Register> {
        self.iter().find(|register| register.id().as_str() == id)
    }
}

impl Register {
    /// Its name in the federation.
    pub const fn id(&self) -> &RegisterId {
        &self.policy.id
    }

    /// Whether it has data that somebody can be looked up in, and so a folder.
    pub fn holds_identities(&self) -> bool {
        self.listing != Listing::CannotBeAsked
    }

    /// The file with people's dates and status, if citizens are shown it live.
    pub fn shown_live(&self) -> Option<&'static str> {
        let is_shown = self.insight == Insight::LiveQuery && self.layout != Layout::ParquetBare;
        is_shown.then(|| table::file_name(self.layout))
    }

    /// Whether its ids are pseudonyms made with the register's own key.
    pub fn is_pseudonymous(&self) -> bool {
        self.policy.legal_basis == LegalBasis::Pseudonymous
    }

    const fn kind(&self) -> RegisterKind {
        self.policy.kind
    }
}
