//! Where the rows of every kind of source come in: each is read, counted and kept as a tag.

use std::fmt;
use std::sync::Arc;

use innsyn_policy::person::NotAdmittedError;
use innsyn_policy::{Environment, NationalId, NumberRules, ParseNationalIdError};

use super::config::StatusValues;
use super::error::SourceError;
use super::moment;
use super::progress::{PROGRESS_ROWS, Progress};
use crate::settings::{RecordedSettings, SettingFields, SettingsBuilder};
use crate::subjects::{
    Day, Membership, Standing, SubjectKey, Subjects, SubjectsBuilder, Tag, parse_pseudonym,
};

/// Which numbers are taken for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// How they are read.
    pub rules: NumberRules,
    /// Whether real or synthetic ones belong here.
    pub environment: Environment,
}

impl Numbers {
    /// The tag under `key` of the person whom `text` names: by national id, or by pseudonym where
    /// the source has those.
    pub(crate) fn tag(self, key: &SubjectKey, text: Option<&str>) -> Result<Tag, NotTaken> {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        let text = text.ok_or(NotTaken::Missing)?;
        if key.reads_pseudonyms() {
            let pseudonym = parse_pseudonym(text).map_err(|_| NotTaken::Malformed)?;
            return Ok(key.tag_of_pseudonym(pseudonym));
        }
        let id = NationalId::parse(text, self.rules)?;
        self.environment.admit_citizen(&id)?;
        Ok(key.tag_of(&id))
    }
}

/// One row about a person, as text. Source-side differences (types, encodings) end here.
#[derive(Clone, Copy, Default)]
pub struct PersonFields<'a> {
    /// The national id, or the pseudonym where the source has those.
    pub id: Option<&'a str>,
    /// The day of the first registration.
    pub since: Option<&'a str>,
    /// The day of the last change.
    pub last_changed: Option<&'a str>,
    /// The status, in the source's own words.
    pub status: Option<&'a str>,
}

impl fmt::Debug for PersonFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonFields(***)")
    }
}

/// What a load found. Counts only: nothing here says who.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Rows about people.
    pub rows: u64,
    /// Different people, the deleted included.
    pub persons: u64,
    /// Rows without an id; left out.
    pub missing: u64,
    /// Rows whose id is no national id (or pseudonym); left out.
    pub malformed: u64,
    /// Rows about somebody who already had one; merged.
    pub duplicates: u64,
    /// Rows with a synthetic number in production or a real one in a test system; left out.
    pub wrong_environment: u64,
    /// Rows with an H- or FH-number, which no citizen logs in with; left out.
    pub auxiliary: u64,
    /// Dates that could not be read or lie outside 1900 to 2079; the person counts without.
    pub unread_dates: u64,
    /// Rows whose status is in neither list; the person counts as registered.
    pub unknown_status: u64,
    /// Rows of the settings table.
    pub setting_rows: u64,
    /// Setting rows without a usable id; left out.
    pub settings_of_nobody: u64,
    /// Setting rows whose meaning is not defined: the person's secondary use is refused.
    pub undefined_settings: u64,
    /// Why the settings table could not be read, if it could not.
    pub settings_unreadable: Option<String>,
}

/// What a load made.
#[derive(Debug)]
pub struct Loaded {
    /// The index.
    pub subjects: Arc<Subjects>,
    /// The people's settings.
    pub settings: Arc<RecordedSettings>,
    /// What was counted on the way.
    pub report: LoadReport,
}

/// Takes the rows of one load.
#[derive(Debug)]
pub struct Intake {
    numbers: Numbers,
    subjects: SubjectsBuilder,
    settings: SettingsBuilder,
    report: LoadReport,
    progress: Arc<dyn Progress>,
    since_progress: u64,
}

impl Intake {
    /// An intake that makes tags with `key` and tells `progress`.
    pub fn new(key: &Arc<SubjectKey>, numbers: Numbers, progress: Arc<dyn Progress>) -> Self {
        Self {
            numbers,
            subjects: SubjectsBuilder::new(Arc::clone(key)),
            settings: SettingsBuilder::new(Arc::clone(key)),
            report: LoadReport::default(),
            progress,
            since_progress: 0,
        }
    }

    /// About this many more rows will come.
    pub fn expect(&self, rows: u64) {
        self.progress.expect(rows);
    }

    /// Takes a row about a person.
    pub fn person(
        &mut self,
        fields: PersonFields<'_>,
        status: &StatusValues,
    ) -> Result<(), SourceError> {
        self.report.rows += 1;
        self.one_more_row();
        let Ok(tag) = self.tag(fields.id).map_err(|reason| self.count(reason)) else {
            return Ok(());
        };
        let membership = Membership {
            standing: self.standing(fields.status, status),
            since: self.day(fields.since),
            last_changed: self.day(fields.last_changed),
        };
        Ok(self.subjects.push(tag, membership)?)
    }

    /// Takes a row about a person's setting.
    pub fn setting(&mut self, id: Option<&str>, fields: &SettingFields<'_>) {
        self.report.setting_rows += 1;
        self.one_more_row();
        let Ok(tag) = self.tag(id) else {
            self.report.settings_of_nobody += 1;
            return;
        };
        if !self.settings.push(tag, fields) {
            self.report.undefined_settings += 1;
        }
    }

    /// The settings table cannot be read, because of `error`.
    pub fn settings_unreadable(&mut self, error: &SourceError) {
        self.settings.unreadable();
        self.report.settings_unreadable = Some(error.to_string());
    }

    /// Ends the load. Sorts, so it takes a moment for a large register.
    pub fn finish(mut self) -> Result<Loaded, SourceError> {
        self.progress.read(self.since_progress);
        let (subjects, duplicates) = self.subjects.finish();
        self.report.persons = subjects.len() as u64;
        self.report.duplicates = duplicates;
        if self.report.rows > 0 && subjects.is_empty() {
            return Err(SourceError::NobodyUsable(Box::new(self.report)));
        }
        Ok(Loaded {
            subjects: Arc::new(subjects),
            settings: Arc::new(self.settings.finish()),
            report: self.report,
        })
    }

    fn tag(&self, id: Option<&str>) -> Result<Tag, NotTaken> {
        self.numbers.tag(self.subjects.key(), id)
    }

    fn count(&mut self, reason: NotTaken) {
        match reason {
            NotTaken::Missing => self.report.missing += 1,
            NotTaken::Malformed => self.report.malformed += 1,
            NotTaken::WrongEnvironment => self.report.wrong_environment += 1,
            NotTaken::Auxiliary => self.report.auxiliary += 1,
        }
    }

    fn day(&mut self, text: Option<&str>) -> Option<Day> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let day = moment::day(text).and_then(Day::new);
        if day.is_none() {
            self.report.unread_dates += 1;
        }
        day
    }

    fn standing(&mut self, text: Option<&str>, values: &StatusValues) -> Standing {
        let text = text.map_or("", str::trim);
        if values.deleted.iter().any(|value| value == text) {
            return Standing::Deleted;
        }
        let known = text.is_empty()
            || values.registered.is_empty()
            || values.registered.iter().any(|value| value == text);
        if !known {
            self.report.unknown_status += 1;
        }
        Standing::Registered
    }

    fn one_more_row(&mut self) {
        self.since_progress += 1;
        if self.since_progress == PROGRESS_ROWS {
            self.progress.read(PROGRESS_ROWS);
            self.since_progress = 0;
        }
    }
}

/// Why a row's id is nobody's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NotTaken {
    Missing,
    Malformed,
    WrongEnvironment,
    Auxiliary,
}

impl From<ParseNationalIdError> for NotTaken {
    fn from(_: ParseNationalIdError) -> Self {
        Self::Malformed
    }
}

impl From<NotAdmittedError> for NotTaken {
    fn from(error: NotAdmittedError) -> Self {
        match error {
            NotAdmittedError::Auxiliary => Self::Auxiliary,
            NotAdmittedError::SyntheticInProduction | NotAdmittedError::RealInTest => {
                Self::WrongEnvironment
            }
        }
    }
}
