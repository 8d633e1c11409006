//! Who may be counted: decided by `policy`, person by person, over the numbers of one snapshot.

use std::sync::Arc;

use innsyn_policy::{LegalBasis, Purpose, Settings, Timestamp, may_be_counted};

use crate::engine::PersonSet;
use crate::research::compute::SettingsRead;
use crate::settings::RecordedSettings;
use crate::sources::{Freshness, RegisterData};
use crate::subjects::{MarkKey, Marks, Subjects};

/// The people of one load, with what they have said.
#[derive(Debug)]
pub(super) struct Inclusion {
    basis: LegalBasis,
    /// Whose numbers they are.
    subjects: Arc<Subjects>,
    /// Everybody who is registered now.
    registered: PersonSet,
    settings: Arc<RecordedSettings>,
    freshness: Freshness,
    /// When people and settings were read.
    read_at: Timestamp,
    /// Whose each of the settings is, in their order; `None` of people who are not registered now.
    speakers: Vec<Option<u32>>,
}

impl Inclusion {
    /// The people of `data`, under their own numbers.
    pub(super) fn of(data: &RegisterData, basis: LegalBasis) -> Self {
        let subjects = &data.loaded().subjects;
        // A number is a `u32`, so there are no more people.
        let persons = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        let mut registered = PersonSet::nobody(persons);
        for person in subjects.numbers() {
            registered.insert(person);
        }
        Self::under(Arc::clone(subjects), registered, data, basis)
    }

    /// The same people under the same numbers, as far as they are registered in `data`, with what
    /// they say there.
    pub(super) fn renewed(&self, data: &RegisterData) -> Self {
        let subjects = &data.loaded().subjects;
        let mut registered = PersonSet::nobody(self.persons());
        for (tag, person) in self.subjects.tags() {
            if self.registered.contains(person) && subjects.number_of(tag).is_some() {
                registered.insert(person);
            }
        }
        Self::under(Arc::clone(&self.subjects), registered, data, self.basis)
    }

    fn under(
        subjects: Arc<Subjects>,
        registered: PersonSet,
        data: &RegisterData,
        basis: LegalBasis,
    ) -> Self {
        let settings = Arc::clone(&data.loaded().settings);
        let speakers = settings.each().map(|(tag, _)| subjects.number_of(tag));
        Self {
            basis,
            registered,
            speakers: speakers.collect(),
            freshness: data.freshness().clone(),
            read_at: data.loaded_at(),
            settings,
            subjects,
        }
    }

    /// How the settings were read.
    pub(super) fn settings_read(&self) -> SettingsRead {
        SettingsRead {
            read_at: self.read_at,
            seen_at: self.freshness.seen_at(),
            registered: self.registered.len(),
        }
    }

    /// How many persons have a number.
    pub(super) fn persons(&self) -> u32 {
        self.registered.persons()
    }

    /// What the persons are called under `key`, in the order of their numbers.
    pub(super) fn marks(&self, key: &MarkKey) -> Marks {
        self.subjects.marks(key)
    }

    /// Everybody who may be counted for `purpose` at `now`. It takes time as people have settings,
    /// no I/O.
    pub(super) fn included(&self, purpose: Purpose, now: Timestamp) -> PersonSet {
        let may = |settings| may_be_counted(purpose, self.basis, settings, now);
        let of_the_silent = if self.settings.is_unreadable() {
            Settings::Unreadable
        } else {
            self.freshness.relied_on(Settings::Known(&[]), now)
        };
        let mut included = if may(of_the_silent) {
            self.registered.clone()
        } else {
            PersonSet::nobody(self.persons())
        };
        for (person, (_, settings)) in self.speakers.iter().zip(self.settings.each()) {
            let Some(person) = person.filter(|person| self.registered.contains(*person)) else {
                continue;
            };
            if may(self.freshness.relied_on(settings, now)) {
                included.insert(person);
            } else {
                included.remove(person);
            }
        }
        included
    }
}
