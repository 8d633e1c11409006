//! Who may be counted: decided by `policy` over sets of the numbers of one snapshot.

use std::sync::{Arc, Mutex, PoisonError};

use innsyn_policy::{
    Covers, LegalBasis, Said, Setting, SettingKind, Settings, SettingsOfAll, Timestamp, Use,
    counted_of_all,
};

use crate::engine::PersonSet;
use crate::research::compute::SettingsRead;
use crate::settings::{KeptSettings, RecordedSettings};
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
    /// What the register's own table says of them; `None` where it could not be read.
    recorded: Option<Spoken>,
    freshness: Freshness,
    /// When people and settings were read.
    read_at: Timestamp,
    /// What the agent itself was told.
    kept: Arc<KeptSettings>,
    /// The same over these numbers, and of which version of it that is.
    kept_spoken: Mutex<Option<(u64, Arc<Spoken>)>>,
}

/// What is known of settings, as far as time is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reliance {
    /// What is too old is not relied on.
    AsTheyStand,
    /// As if all were read just now: for what is decided again when it is used.
    AsIfCurrent,
}

/// Who has said what, whenever it holds.
#[derive(Debug, Default)]
struct Spoken {
    sayings: Vec<Saying>,
    /// Those of whom something is recorded whose meaning is not defined.
    undefined: Vec<u32>,
}

/// What some have said alike.
#[derive(Debug)]
struct Saying {
    kind: SettingKind,
    covers: Covers,
    by: Vec<Speaker>,
}

#[derive(Debug, Clone, Copy)]
struct Speaker {
    person: u32,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Spoken {
    /// Adds that `person` has said `setting`.
    fn add(&mut self, person: u32, setting: &Setting) {
        let speaker = Speaker {
            person,
            from: setting.from,
            until: setting.until,
        };
        let alike =
            |saying: &&mut Saying| saying.kind == setting.kind && saying.covers == setting.covers;
        match self.sayings.iter_mut().find(alike) {
            Some(saying) => saying.by.push(speaker),
            None => self.sayings.push(Saying {
                kind: setting.kind,
                covers: setting.covers.clone(),
                by: vec![speaker],
            }),
        }
    }

    /// What the register's own table says, over the numbers of `subjects`.
    fn recorded(settings: &RecordedSettings, subjects: &Subjects) -> Option<Self> {
        if settings.is_unreadable() {
            return None;
        }
        let mut spoken = Self::default();
        for (tag, settings) in settings.each() {
            let Some(person) = subjects.number_of(tag) else {
                continue;
            };
            match settings {
                Settings::Known(settings) => {
                    for setting in settings {
                        spoken.add(person, setting);
                    }
                }
                _ => spoken.undefined.push(person),
            }
        }
        Some(spoken)
    }

    /// What the agent was told, over the numbers of `subjects`.
    fn kept(settings: &KeptSettings, subjects: &Subjects) -> Self {
        let mut spoken = Self::default();
        settings.each(|tag, setting| {
            let Some(person) = subjects.number_of(tag) else {
                return;
            };
            match setting {
                Some(setting) => spoken.add(person, &setting),
                None => spoken.undefined.push(person),
            }
        });
        spoken
    }

    /// What holds at `now`, for persons of `registered`.
    fn holding<'a>(
        &'a self,
        registered: &'a PersonSet,
        now: Timestamp,
    ) -> impl Iterator<Item = Said<PersonSet>> + 'a {
        self.sayings.iter().map(move |saying| {
            let mut by = PersonSet::nobody(registered.persons());
            for speaker in &saying.by {
                if speaker.from <= now && speaker.until.is_none_or(|until| now < until) {
                    by.insert(speaker.person);
                }
            }
            Said {
                kind: saying.kind,
                covers: saying.covers.clone(),
                by,
            }
        })
    }
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
        Self {
            basis,
            registered,
            recorded: Spoken::recorded(&data.loaded().settings, &subjects),
            freshness: data.freshness().clone(),
            read_at: data.loaded_at(),
            kept: Arc::clone(data.kept()),
            kept_spoken: Mutex::new(None),
            subjects,
        }
    }

    /// How the settings that decide about the statistics `of` were read: since when they are as
    /// they are, and as of when that is known, of the table, gateways and whoever else writes some
    /// whichever is oldest.
    pub(super) fn settings_read(&self, of: &Use, now: Timestamp) -> SettingsRead {
        let current_at = self.kept.current_at_for(of);
        SettingsRead {
            read_at: self.read_at.max(self.kept.changed_at()),
            seen_at: current_at.map(|at| at.min(self.freshness.seen_at())),
            is_too_old: !self.is_current_for(of, now),
            registered: self.registered.len(),
        }
    }

    /// Whether what is known of settings is young enough at `now`.
    fn is_current_for(&self, of: &Use, now: Timestamp) -> bool {
        self.freshness.is_fresh(now) && self.kept.is_current_for(of, now)
    }

    /// How many persons have a number.
    pub(super) fn persons(&self) -> u32 {
        self.registered.persons()
    }

    /// What the persons are called under `key`, in the order of their numbers.
    pub(super) fn marks(&self, key: &MarkKey) -> Marks {
        self.subjects.marks(key)
    }

    /// Everybody who may be counted in the statistics `of` at `now`. It takes time as people have
    /// settings, no I/O.
    pub(super) fn included(&self, of: &Use, now: Timestamp, reliance: Reliance) -> PersonSet {
        let decided = |settings| counted_of_all(of, self.basis, &self.registered, settings);
        let Some(recorded) = &self.recorded else {
            return decided(&SettingsOfAll::Unreadable);
        };
        if reliance == Reliance::AsTheyStand && !self.is_current_for(of, now) {
            return decided(&SettingsOfAll::Stale);
        }
        let kept = self.kept_spoken();
        let said: Vec<_> = [recorded, &*kept]
            .into_iter()
            .flat_map(|spoken| spoken.holding(&self.registered, now))
            .collect();
        let mut undefined = PersonSet::nobody(self.persons());
        for person in recorded.undefined.iter().chain(&kept.undefined) {
            undefined.insert(*person);
        }
        decided(&SettingsOfAll::Known {
            said: &said,
            undefined: &undefined,
        })
    }

    /// What the agent was told, over these numbers, as it stands now.
    fn kept_spoken(&self) -> Arc<Spoken> {
        let version = self.kept.version();
        let mut spoken = self
            .kept_spoken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*spoken {
            Some((of, spoken)) if *of == version => Arc::clone(spoken),
            _ => {
                // What comes meanwhile has another version, and is looked at the next time.
                let now = Arc::new(Spoken::kept(&self.kept, &self.subjects));
                *spoken = Some((version, Arc::clone(&now)));
                now
            }
        }
    }
}
