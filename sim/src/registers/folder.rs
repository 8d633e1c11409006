//! Each register's own folder: what its agent is pointed at.
//!
//! ```text
//!   catalogue.toml            the broker's list of registers
//!   people.csv                number, national id, birth date and family of every person
//!   registers/<id>/           manifest.toml, personer.csv or .parquet, innstillinger.csv, and the
//!                             views that it publishes, if the country is written with them
//!   registers/lmr/pseudonym.key
//! ```
//!
//! Everything is written in one pass over the people with all files open, so that memory does
//! not grow with the country.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use indicatif::ProgressBar;
use innsyn_policy::NationalId;
use sha2::{Digest as _, Sha256};

use super::table::{PersonRow, PersonTable, SettingTable, file_name};
use super::views::{Told, ViewTables};
use super::{Memberships, Record, Register, Registers, dirt, manifest, table};
use crate::population::{Population, Sex};

/// The name of the broker's catalogue.
pub const CATALOGUE_FILE: &str = "catalogue.toml";
/// The name of the list of people.
pub const PEOPLE_FILE: &str = "people.csv";
/// The folder of the registers' folders.
pub const REGISTERS_FOLDER: &str = "registers";
/// The name of a pseudonymous register's key: hexadecimal digits.
pub const PSEUDONYM_KEY_FILE: &str = "pseudonym.key";
/// People between two movements of the progress bar.
const PROGRESS_PERSONS: u32 = 256;

/// Why the country could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder.
    #[error("`{}` cannot be written; see that the folder exists and has room", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A CSV table.
    #[error("a CSV table cannot be written")]
    Csv(#[from] csv::Error),
    /// A Parquet table.
    #[error("a Parquet table cannot be written")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch of rows.
    #[error("rows do not fit their table")]
    Batch(#[from] arrow_schema::ArrowError),
    /// A TOML file.
    #[error("a TOML file cannot be written")]
    Toml(#[from] toml::ser::Error),
    /// Somebody ended the progress bar before the work was done.
    #[error("stopped before the country was whole")]
    Stopped,
}

impl WriteError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// What was written for one register, so that an agent's counts can be compared with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// The register.
    pub id: String,
    /// Rows in the table of persons, the dirty ones included.
    pub rows: u64,
    /// Different persons, the deleted ones included.
    pub persons: u64,
    /// Rows without an id.
    pub missing: u64,
    /// Rows with an id that is none.
    pub malformed: u64,
    /// Rows about somebody who has one already.
    pub duplicates: u64,
    /// Rows in the table of settings.
    pub setting_rows: u64,
    /// Rows there that have no meaning.
    pub undefined_settings: u64,
}

/// The folder of register `id` in the country at `country`.
pub fn of_register(country: &Path, id: &str) -> PathBuf {
    country.join(REGISTERS_FOLDER).join(id)
}

/// Whether registers get views for research, or only their registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Registrations and settings.
    Registrations,
    /// These, and views.
    Views,
}

/// Writes catalogue, people and every register's folder into `country`, which is made if it is
/// not there. `progress` is moved once per person; whoever finishes it before that stops the
/// work.
pub fn write(
    country: &Path,
    population: &Population,
    registers: &Registers,
    memberships: &Memberships,
    content: Content,
    progress: &ProgressBar,
) -> Result<Vec<Written>, WriteError> {
    make_folder(country)?;
    write_text(&country.join(CATALOGUE_FILE), &registers.catalogue_toml()?)?;
    let mut folders = Vec::with_capacity(registers.len());
    for register in registers.iter() {
        let folder = register
            .holds_identities()
            .then(|| {
                Folder::create(
                    &of_register(country, register.id().as_str()),
                    register,
                    population,
                    content,
                )
            })
            .transpose()?;
        folders.push(folder);
    }
    let mut people = csv::Writer::from_path(country.join(PEOPLE_FILE))?;
    people.write_record([
        "number",
        "national_id",
        "born",
        "died",
        "sex",
        "mother",
        "father",
        "municipality",
    ])?;
    progress.set_length(u64::from(population.everyone()));
    for number in 0..population.everyone() {
        let Some(person) = population.person(number) else {
            continue;
        };
        write_person(&mut people, &person)?;
        let records = memberships.records_of(population, registers, number);
        let mut told = match content {
            Content::Registrations => None,
            Content::Views => Told::new(population, &person, registers, &records),
        };
        for record in &records {
            if let Some(Some(folder)) = folders.get_mut(record.register) {
                folder.push(&person.id, record, told.as_mut())?;
            }
        }
        if number.is_multiple_of(PROGRESS_PERSONS) {
            if progress.is_finished() {
                return Err(WriteError::Stopped);
            }
            progress.set_position(u64::from(number));
        }
    }
    people.flush().map_err(csv::Error::from)?;
    progress.finish();
    folders.into_iter().flatten().map(Folder::finish).collect()
}

fn write_person(
    people: &mut csv::Writer<fs::File>,
    person: &crate::population::Person,
) -> Result<(), csv::Error> {
    let text = |date: Option<jiff::civil::Date>| date.map(|d| d.to_string()).unwrap_or_default();
    let kin = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
    let sex = match person.sex {
        Sex::Female => "f",
        Sex::Male => "m",
    };
    people.write_record([
        person.number.to_string().as_str(),
        person.id.expose_str(),
        &text(Some(person.born)),
        &text(person.died),
        sex,
        &kin(person.mother),
        &kin(person.father),
        person.municipality.number,
    ])
}

/// A register's folder while it is written.
struct Folder<'a> {
    register: &'a Register,
    persons: PersonTable,
    settings: SettingTable,
    views: Option<ViewTables>,
    pseudonyms: Option<Hmac<Sha256>>,
    first_id: Option<String>,
    written: Written,
}

impl<'a> Folder<'a> {
    fn create(
        path: &Path,
        register: &'a Register,
        population: &Population,
        content: Content,
    ) -> Result<Self, WriteError> {
        make_folder(path)?;
        let mut manifest = manifest::of(register);
        let views = match content {
            Content::Registrations => None,
            Content::Views => {
                manifest.push('\n');
                manifest.push_str(&register.views_toml(population.spec().as_of)?);
                Some(ViewTables::create(path, register)?)
            }
        };
        write_text(&path.join("manifest.toml"), &manifest)?;
        let pseudonyms = if register.is_pseudonymous() {
            let mut seed = Sha256::new_with_prefix(b"innsyn-sim pseudonym key");
            seed.update(population.spec().seed.to_le_bytes());
            let key = seed.finalize();
            write_text(
                &path.join(PSEUDONYM_KEY_FILE),
                &format!("{}\n", hex::encode(key)),
            )?;
            Hmac::new_from_slice(&key).ok()
        } else {
            None
        };
        Ok(Self {
            register,
            persons: PersonTable::create(&path.join(file_name(register.layout)), register.layout)?,
            settings: SettingTable::create(&path.join(table::SETTINGS_FILE))?,
            views,
            pseudonyms,
            first_id: None,
            written: Written {
                id: register.id().as_str().to_owned(),
                rows: 0,
                persons: 0,
                missing: 0,
                malformed: 0,
                duplicates: 0,
                setting_rows: 0,
                undefined_settings: 0,
            },
        })
    }

    /// `told` is the person, if views are written.
    fn push(
        &mut self,
        id: &NationalId,
        record: &Record,
        told: Option<&mut Told<'_>>,
    ) -> Result<(), WriteError> {
        let text = self.called_here(id);
        let row = PersonRow {
            id: &text,
            status: record.status,
            since: record.since,
            last_changed: record.last_changed,
        };
        // Of the first two persons there is a second row, once before and once after the first.
        let echo = (self.written.persons < 2).then(|| dirt::echo(&row));
        let echo_first = self.written.persons == 0;
        let rows = if echo_first {
            [echo, Some(row)]
        } else {
            [Some(row), echo]
        };
        for row in rows.into_iter().flatten() {
            self.persons.push(&row)?;
            self.written.rows += 1;
        }
        self.written.duplicates += u64::from(echo.is_some());
        self.written.persons += 1;
        for setting in &record.settings {
            self.settings.push(&text, setting)?;
            self.written.setting_rows += 1;
            let known = matches!(setting.kind, "consent" | "reservation" | "block");
            self.written.undefined_settings += u64::from(!known);
        }
        if let (Some(views), Some(told)) = (&mut self.views, told) {
            views.push(&text, self.register, record, told)?;
        }
        if self.first_id.is_none() {
            self.first_id = Some(text);
        }
        Ok(())
    }

    /// What this register calls the person: the number, or a pseudonym made with its own key.
    fn called_here(&self, id: &NationalId) -> String {
        match &self.pseudonyms {
            None => id.expose_str().to_owned(),
            Some(key) => {
                let mut mac = key.clone();
                mac.update(id.expose());
                let mut pseudonym = hex::encode(mac.finalize().into_bytes());
                pseudonym.truncate(32);
                pseudonym
            }
        }
    }

    /// Writes the dirty rows and closes the files.
    fn finish(mut self) -> Result<Written, WriteError> {
        let dirty = |id| PersonRow {
            id,
            status: super::Status::Registered,
            since: None,
            last_changed: None,
        };
        for _ in 0..dirt::MISSING {
            self.persons.push(&dirty(""))?;
        }
        self.written.missing = dirt::MISSING;
        let malformed = match &self.first_id {
            None => Vec::new(),
            Some(good) if self.pseudonyms.is_some() => dirt::malformed_pseudonyms(good).to_vec(),
            Some(good) => dirt::malformed(good).to_vec(),
        };
        for id in &malformed {
            self.persons.push(&dirty(id))?;
        }
        self.written.malformed = malformed.len() as u64;
        self.written.rows += self.written.missing + self.written.malformed;
        self.persons.finish()?;
        self.settings.finish()?;
        if let Some(views) = self.views {
            views.finish(&malformed)?;
        }
        Ok(self.written)
    }
}

fn make_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|source| WriteError::io(path, source))
}

fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    fs::write(path, text).map_err(|source| WriteError::io(path, source))
}
