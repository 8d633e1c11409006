//! The invented country: its people, its registers and who is in which.
//!
//! Made from a handful of numbers, which [`Country::write`] leaves beside the data so that
//! [`Country::open`] has the same people again.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use asking::{Asking, AskingError, Role};
pub use stories::{Found, Story};

use crate::population::{Person, Population, PopulationError, PopulationSpec};
use crate::registers::folder::{self, Content, WriteError, Written};
use crate::registers::{Memberships, Record, Registers, RegistersError};

mod asking;
mod stories;
#[cfg(test)]
mod tests;

/// The file that says what the country beside it was made from.
pub const COUNTRY_FILE: &str = "country.toml";

/// The invented country.
#[derive(Debug)]
pub struct Country {
    /// Its people.
    pub population: Population,
    /// Its registers.
    pub registers: Registers,
    memberships: Memberships,
}

/// Why there is no country.
#[derive(Debug, thiserror::Error)]
pub enum CountryError {
    /// The people.
    #[error("the people cannot be invented")]
    Population(#[from] PopulationError),
    /// The registers.
    #[error("the registers cannot be invented")]
    Registers(#[from] RegistersError),
    /// There is nothing to open.
    #[error("`{}` cannot be read; write the country first", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else has written the file.
    #[error("`{}` is not a country of this version; write it anew", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

/// `country.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    persons: u32,
    seed: u64,
    as_of: Date,
    invented_registers: usize,
    register: Vec<Written>,
}

impl Country {
    /// Invents the people of `spec`, the 83 Norwegian registers and `invented_registers` more.
    pub fn invent(spec: PopulationSpec, invented_registers: usize) -> Result<Self, CountryError> {
        let population = Population::new(spec)?;
        let registers = Registers::norwegian_and(invented_registers)?;
        let memberships = Memberships::of(&population, &registers);
        Ok(Self {
            population,
            registers,
            memberships,
        })
    }

    /// One of invented registers only, all of them live: quality registers that a person is in
    /// unless they have reserved themselves.
    pub(crate) fn of_invented(
        spec: PopulationSpec,
        registers: usize,
    ) -> Result<Self, CountryError> {
        let population = Population::new(spec)?;
        let registers = Registers::invented_with_reservation(registers)?;
        let memberships = Memberships::of(&population, &registers);
        Ok(Self {
            population,
            registers,
            memberships,
        })
    }

    /// The country that was written to `folder`.
    pub fn open(folder: &Path) -> Result<Self, CountryError> {
        let path = folder.join(COUNTRY_FILE);
        let text = fs::read_to_string(&path).map_err(|source| CountryError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let file: File = toml::from_str(&text).map_err(|error| CountryError::Syntax {
            path,
            source: Box::new(error),
        })?;
        let spec = PopulationSpec {
            persons: file.persons,
            seed: file.seed,
            as_of: file.as_of,
        };
        Self::invent(spec, file.invented_registers)
    }

    /// Writes everything that a listing needs into `folder`: [`Country::write_with`] without views.
    pub fn write(&self, folder: &Path, progress: &ProgressBar) -> Result<Vec<Written>, WriteError> {
        self.write_with(folder, Content::Registrations, progress)
    }

    /// Writes everything that brokers and agents are pointed at into `folder`; see [`folder`].
    ///
    /// The same country gives the same bytes. `progress` is moved once per person; use
    /// [`ProgressBar::hidden`] where nobody looks.
    pub fn write_with(
        &self,
        folder: &Path,
        content: Content,
        progress: &ProgressBar,
    ) -> Result<Vec<Written>, WriteError> {
        let written = folder::write(
            folder,
            &self.population,
            &self.registers,
            &self.memberships,
            content,
            progress,
        )?;
        let spec = self.population.spec();
        let file = toml::to_string(&File {
            persons: spec.persons,
            seed: spec.seed,
            as_of: spec.as_of,
            invented_registers: self.registers.len() - crate::registers::NORWEGIAN_REGISTERS,
            register: written.clone(),
        })?;
        let path = folder.join(COUNTRY_FILE);
        fs::write(&path, file).map_err(|source| WriteError::Io { path, source })?;
        Ok(written)
    }

    /// The person with the generator's number `number`.
    pub fn person(&self, number: u32) -> Option<Person> {
        self.population.person(number)
    }

    /// What person `number` has in the registers, in their order; nothing for the registers they
    /// are not in, and nothing for those that hold no identities.
    pub fn records_of(&self, number: u32) -> Vec<Record> {
        self.memberships
            .records_of(&self.population, &self.registers, number)
    }
}
