//! The views that a register publishes for research, and their rows.
//!
//! Every register that knows whom its rows are about publishes `persons`; beside it stands what
//! such a register really holds: diagnoses, stays, prescriptions, births, deaths, cancers,
//! a quality register's treatments, a survey's examinations. The rows come from the person and
//! the person's [`History`], so that registers agree with each other. Where the register calls
//! people by pseudonyms it publishes nothing.
//!
//! ```text
//!   registers/<id>/manifest.toml    a [[view]] for each view
//!   registers/<id>/<view>.parquet   its rows, person by person; the id is text
//! ```
//!
//! What holds: a person's events in one view have different days, so that the first and the last
//! are one row each; variables of the person are the same in each of a person's rows, and the
//! same at every register.

use std::fs::File;
use std::path::Path;

use innsyn_policy::RegisterKind;
use jiff::ToSpan as _;
use jiff::civil::Date;
use rand_chacha::ChaCha8Rng;

pub use describe::{Kind, Variable, View};

use super::folder::WriteError;
use super::{Layout, Record, Register, Registers, dirt};
use crate::health::{Disease, History};
use crate::population::{Day, Life, Person, Population, Topic, dice};
use describe::Entry;
use rows::{Content, Subject};
use table::ViewTable;

mod describe;
mod rows;
mod table;
#[cfg(test)]
mod tests;

/// No view begins before it.
const MONTHS_SINCE: i16 = 1951;

impl Register {
    /// The views that it publishes.
    pub fn views(&self) -> impl Iterator<Item = &'static View> {
        self.contents().into_iter().map(Content::view)
    }

    /// What its views are filled with.
    fn contents(&self) -> Vec<Content> {
        if !self.holds_identities() || self.is_pseudonymous() {
            return Vec::new();
        }
        let beside: &[Content] = match (self.id().as_str(), self.kind()) {
            ("npr", _) => &[Content::HospitalDiagnoses, Content::Stays],
            ("kpr", _) => &[Content::MunicipalDiagnoses],
            ("hkr", _) => &[Content::HeartDiagnoses],
            ("msis", _) => &[Content::InfectionDiagnoses],
            ("nir", _) => &[Content::Stays],
            ("rf", _) => &[Content::Prescriptions],
            ("mfr", _) => &[Content::Births],
            ("dar", _) => &[Content::Deaths],
            ("kreft", _) => &[Content::Cancers],
            (_, RegisterKind::Quality) => &[Content::Treatments],
            // A register of ids alone does not know when it examined anybody.
            (_, RegisterKind::Survey) if self.layout != Layout::ParquetBare => {
                &[Content::Examinations]
            }
            (_, RegisterKind::Central | RegisterKind::Survey | RegisterKind::Biobank) => &[],
        };
        [&[Content::Persons], beside].concat()
    }

    /// The first day of its views' months.
    fn views_from(&self) -> Date {
        Date::new(self.year_started.max(MONTHS_SINCE), 1, 1).unwrap_or(Date::MIN)
    }

    /// Its views as its manifest tells them, for a country counted on `as_of`.
    pub(super) fn views_toml(&self, as_of: Date) -> Result<String, toml::ser::Error> {
        let month = |date: Date| format!("{:04}-{:02}", date.year(), date.month());
        // Nothing happens on the day of the count or after it.
        let last = as_of.yesterday().unwrap_or(as_of);
        let until = last.first_of_month().saturating_add(1.month());
        let views: Vec<Entry<'_>> = self
            .views()
            .map(|view| Entry::new(view, month(self.views_from()), month(until)))
            .collect();
        if views.is_empty() {
            return Ok(String::new());
        }
        describe::toml(&views)
    }
}

/// The name of a view's file.
fn file_name(view: &View) -> String {
    format!("{}.parquet", view.name)
}

/// The views of one register while they are written.
pub(super) struct ViewTables(Vec<(Content, ViewTable)>);

impl ViewTables {
    pub(super) fn create(folder: &Path, register: &Register) -> Result<Self, WriteError> {
        let tables = register.contents().into_iter().map(|content| {
            let path = folder.join(file_name(content.view()));
            let file = File::create(&path).map_err(|source| WriteError::io(&path, source))?;
            Ok((content, ViewTable::create(file, content.view())?))
        });
        tables.collect::<Result<_, WriteError>>().map(Self)
    }

    /// Adds all rows about `told` by `record` of `register`, which calls the person `id`.
    pub(super) fn push(
        &mut self,
        id: &str,
        register: &Register,
        record: &Record,
        told: &mut Told<'_>,
    ) -> Result<(), WriteError> {
        let subject = Subject {
            person: told.person,
            life: told.life,
            history: &told.history,
            record,
            treatment: register.treatment.as_ref(),
            from: Day::of(register.views_from()),
            until: told.as_of,
        };
        for (content, table) in &mut self.0 {
            rows::each(*content, &subject, &mut told.dice, &mut |values| {
                table.push(Some(id), values)
            })?;
        }
        Ok(())
    }

    /// Adds rows about nobody, as every real table has some, and closes the files. `malformed`
    /// are ids that nobody has.
    pub(super) fn finish(self, malformed: &[String]) -> Result<(), WriteError> {
        for (_, mut table) in self.0 {
            for _ in 0..dirt::MISSING {
                table.push(None, &[])?;
            }
            for id in malformed {
                table.push(Some(id), &[])?;
            }
            table.finish()?;
        }
        Ok(())
    }
}

/// A person whose registers are being written.
pub(super) struct Told<'a> {
    person: &'a Person,
    life: &'a Life,
    history: History,
    /// The day of the count.
    as_of: Day,
    dice: ChaCha8Rng,
}

impl<'a> Told<'a> {
    /// `person`, with a history that fits `records` in `registers`.
    pub(super) fn new(
        population: &'a Population,
        person: &'a Person,
        registers: &Registers,
        records: &[Record],
    ) -> Option<Self> {
        let life = population.life(person.number)?;
        let known: Vec<(&'static Disease, Option<Date>)> = records
            .iter()
            .filter_map(|record| {
                let register = registers.0.get(record.register)?;
                Some((register.treatment.as_ref()?.disease, record.since))
            })
            .collect();
        Some(Self {
            person,
            life,
            history: History::of(population, person.number, life, &known),
            as_of: Day::of(population.spec().as_of),
            dice: dice(population.spec().seed, Topic::Views, person.number),
        })
    }
}
