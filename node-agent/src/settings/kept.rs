//! What people have said of the use of their data through Innsyn, kept by the agent itself.
//!
//! It stands beside what the register's own table says ([`RecordedSettings`](super::RecordedSettings)),
//! and both bind. On disk each is a row of the agent's [`Records`](crate::records::Records), under
//! the code of its person; in memory it is found by the same tag as the person is, so that a
//! decision reads no disk.
//!
//! What holds:
//!
//! - **The highest sequence wins, and a tie denies**, per person and definition, whoever brought it
//!   and however often.
//! - **Every change stays on disk** with the text's version and who said it (GDPR article 7(1)).
//! - **A definition that is not known here means no** for whoever has said something by it.
//! - **A consent that was taken back is a no**, also where the register's own table still has the
//!   old one.
//! - **Silence is not freshness**: [`KeptSettings::is_current`] says whether everything that
//!   gateways have is here, and everything that is written elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use innsyn_policy::{DefinitionId, LegalBasis, NationalId, Setting, SettingKind, Timestamp, Use};
use innsyn_proto::setting::definitions::SettingDefinitions;

use super::currency::Currency;
use super::elsewhere::Elsewhere;
use super::representing::Representing;
use crate::subjects::{SubjectKey, Tag};

mod logged;
mod rows;
mod rows_of;
#[cfg(test)]
mod tests;

pub(super) use logged::is_logged;
pub(super) use rows::use_of;
pub use rows::{KeepError, SCHEMA, TakenItem, Writer};

/// What one person has said of one definition, as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// Orders what was said.
    pub sequence: i64,
    /// Whether the consent, reservation or block stands.
    pub active: bool,
    /// Since when it is so.
    pub since: Timestamp,
    /// Until when it stands (excluded), if that was said.
    pub until: Option<Timestamp>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said(***)")
    }
}

/// What everybody has said here, in memory.
pub struct KeptSettings {
    basis: LegalBasis,
    definitions: Arc<SettingDefinitions>,
    key: Arc<SubjectKey>,
    said: RwLock<HashMap<Tag, Vec<Said>, ahash::RandomState>>,
    version: AtomicU64,
    /// When the last setting was taken, in microseconds.
    changed_at: AtomicI64,
    currency: Currency,
    elsewhere: Elsewhere,
    /// What changes for others are judged by; without it, people change their own alone.
    representing: OnceLock<Representing>,
    /// Whose changes are logged and on disk alike.
    settled: logged::Settled,
}

/// The settings of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfPerson {
    /// These, as they stand or stood.
    Known(Vec<Setting>),
    /// Something was said whose meaning is not known here.
    Undefined,
}

impl KeptSettings {
    /// Nothing said yet, at a register with this legal basis.
    pub fn new(
        basis: LegalBasis,
        definitions: Arc<SettingDefinitions>,
        key: Arc<SubjectKey>,
        currency: Currency,
    ) -> Arc<Self> {
        Self::with_elsewhere(basis, definitions, key, currency, Elsewhere::default())
    }

    /// The same, where some definitions are written elsewhere.
    pub fn with_elsewhere(
        basis: LegalBasis,
        definitions: Arc<SettingDefinitions>,
        key: Arc<SubjectKey>,
        currency: Currency,
        elsewhere: Elsewhere,
    ) -> Arc<Self> {
        Arc::new(Self {
            basis,
            definitions,
            key,
            said: RwLock::default(),
            version: AtomicU64::new(0),
            changed_at: AtomicI64::new(0),
            currency,
            elsewhere,
            representing: OnceLock::new(),
            settled: logged::Settled::default(),
        })
    }

    /// Lets people change others' settings as far as `representing` says. To be called once, before
    /// the first change.
    pub fn represented_by(&self, representing: Representing) {
        let _was_set = self.representing.set(representing);
    }

    /// Nothing said, and nobody to say it.
    pub fn nothing(key: Arc<SubjectKey>) -> Arc<Self> {
        let currency = Currency::new(Duration::ZERO, []);
        Self::new(LegalBasis::Consent, Arc::default(), key, currency)
    }

    /// What can be said here.
    pub fn definitions(&self) -> &SettingDefinitions {
        &self.definitions
    }

    /// Whether everything that gateways have is here.
    pub const fn currency(&self) -> &Currency {
        &self.currency
    }

    /// Which definitions are written elsewhere, and whether all of that is here.
    pub const fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    /// Whether what is here may be relied on at `now`.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let mut definitions = self.definitions.iter();
        self.currency.is_current(now)
            && definitions.all(|definition| self.elsewhere.is_known(&definition.id, now))
    }

    /// Whether what is here of `of` may be relied on at `now`: what is not known of a definition
    /// stands in the way of whatever it covers, and of nothing else.
    pub fn is_current_for(&self, of: &Use, now: Timestamp) -> bool {
        let definitions = self.definitions.iter();
        let mut about = definitions.filter(|definition| definition.covers.touch(of));
        self.currency.is_current(now)
            && about.all(|definition| self.elsewhere.is_known(&definition.id, now))
    }

    /// As of when everything is here that gateways have and that is written elsewhere of what
    /// covers `of`; `None` where that was never so since the start.
    pub(crate) fn current_at_for(&self, of: &Use) -> Option<Timestamp> {
        let definitions = self.definitions.iter();
        let about = definitions.filter(|definition| definition.covers.touch(of));
        let known = about.map(|definition| self.elsewhere.known_at(&definition.id));
        known.fold(self.currency.current_at(), Option::min)
    }

    /// Changes with every setting that is taken.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// When the last setting was taken since the start; 1970 if none was.
    pub(crate) fn changed_at(&self) -> Timestamp {
        Timestamp::from_micros(self.changed_at.load(Ordering::Acquire))
    }

    /// What `person` has said, definition by definition.
    pub fn said_by(&self, person: &NationalId) -> Vec<Said> {
        let tag = self.key.tag_of(person);
        self.said().get(&tag).cloned().unwrap_or_default()
    }

    /// The settings of `person`.
    pub(crate) fn of(&self, person: &NationalId) -> OfPerson {
        let settings = self
            .said_by(person)
            .iter()
            .map(|said| self.meaning(said))
            .collect::<Option<Vec<_>>>();
        settings.map_or(OfPerson::Undefined, OfPerson::Known)
    }

    /// Everybody who has said something, and what; `None` where its meaning is not known here.
    pub(crate) fn each(&self, mut told: impl FnMut(Tag, Option<Setting>)) {
        for (tag, all) in self.said().iter() {
            for said in all {
                told(*tag, self.meaning(said));
            }
        }
    }

    /// Takes note of what was said, all of it at once; it binds from now on.
    fn note(&self, notes: impl IntoIterator<Item = (NationalId, Said)>) {
        let mut all = self.said.write().unwrap_or_else(PoisonError::into_inner);
        for (person, said) in notes {
            let of_person = all.entry(self.key.tag_of(&person)).or_default();
            match of_person
                .iter_mut()
                .find(|before| before.definition == said.definition)
            {
                Some(before) => *before = said,
                None => of_person.push(said),
            }
        }
        drop(all);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// From `now` on, `notes` bind, which are on disk; unless something is here that came meanwhile
    /// and stands over it.
    pub(super) fn bind_unless_later(&self, mut notes: Vec<(NationalId, Said)>, now: Timestamp) {
        notes.retain(|(person, said)| {
            let before = self.said_by(person);
            let before = before.iter().find(|it| it.definition == said.definition);
            before.is_none_or(|before| {
                said.sequence > before.sequence
                    || said.sequence == before.sequence
                        && (self.says_no(said) || !self.says_no(before))
            })
        });
        self.bind(notes, now);
    }

    fn says_no(&self, said: &Said) -> bool {
        let definition = self.definitions.get(&said.definition);
        definition.is_none_or(|it| it.says_no(said.active))
    }

    /// The setting that `said` is. A consent that does not stand any more is a reservation against
    /// what it covered, where consent is needed. What is written elsewhere holds as soon as it is
    /// here, whatever the clock there says.
    fn meaning(&self, said: &Said) -> Option<Setting> {
        let definition = self.definitions.get(&said.definition)?;
        let since = if self.elsewhere.writes(&said.definition) {
            Timestamp::from_micros(0)
        } else {
            said.since
        };
        let is_taken_back = !said.active
            && definition.kind == SettingKind::Consent
            && self.basis == LegalBasis::Consent;
        let setting = Setting {
            kind: definition.kind,
            covers: definition.covers.clone(),
            from: since,
            until: if said.active { said.until } else { Some(since) },
        };
        Some(if is_taken_back {
            Setting {
                kind: SettingKind::Reservation,
                until: None,
                ..setting
            }
        } else {
            setting
        })
    }

    fn said(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Tag, Vec<Said>, ahash::RandomState>> {
        self.said.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeptSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptSettings")
            .field("persons", &self.said().len())
            .finish_non_exhaustive()
    }
}
