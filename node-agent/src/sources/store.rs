//! What the agent serves from: the result of the last good load, and the task that renews it.
//!
//! A file source is looked at every few seconds and read again when its files have changed *and
//! then stood still* for one look, so that an export in progress is left alone. A database is
//! read again each time. Whoever looks somebody up meanwhile is served from the old data; the
//! new are swapped in whole.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use innsyn_policy::{Clearance, Clock, NationalId, Setting, Settings, Timestamp};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::error::SourceError;
use super::freshness::Freshness;
use super::intake::{Intake, LoadReport, Loaded, Numbers};
use super::progress::{Progress, Silent};
use super::{Fingerprint, Source};
use crate::research::ResearchData;
use crate::settings::KeptSettings;
use crate::settings::kept::OfPerson;
use crate::subjects::{Found, Mark, MarkKey, SubjectKey};

/// The register as one load found it.
#[derive(Debug)]
pub struct RegisterData {
    loaded: Loaded,
    loaded_at: Timestamp,
    /// How the source stood then.
    fingerprint: Option<Fingerprint>,
    numbers: Numbers,
    freshness: Freshness,
    kept: Arc<KeptSettings>,
    /// What is published of the register, once it is ready to be counted.
    research: ArcSwapOption<ResearchData>,
}

impl RegisterData {
    fn new(
        loaded: Loaded,
        loaded_at: Timestamp,
        fingerprint: Option<Fingerprint>,
        numbers: Numbers,
        settings_max_age: Duration,
        kept: Arc<KeptSettings>,
    ) -> Self {
        Self {
            kept,
            loaded,
            loaded_at,
            fingerprint,
            numbers,
            freshness: Freshness::new(loaded_at, settings_max_age),
            research: ArcSwapOption::empty(),
        }
    }

    /// Looks up the person whom `clearance` is about.
    pub fn find(&self, clearance: &Clearance) -> Found {
        self.loaded.subjects.find(clearance)
    }

    /// The mark of nobody under `key`, and that of `id`, whoever is here.
    pub(crate) fn mark(&self, id: &NationalId, key: &MarkKey) -> (Mark, Mark) {
        self.loaded.subjects.mark(id, key)
    }

    /// What `subject` has said about the use of their data, as far as it may be relied on at
    /// `now`.
    pub fn settings_of(&self, subject: &NationalId, now: Timestamp) -> HeldSettings {
        // Reading again does not mend a table that cannot be read, so that graver thing is said
        // first.
        let recorded = match self.loaded.settings.of(subject) {
            Settings::Known(recorded) => recorded,
            Settings::Unreadable => return HeldSettings::Unreadable,
            Settings::Undefined => return HeldSettings::Undefined,
            Settings::Stale => return HeldSettings::Stale,
        };
        let OfPerson::Known(mut settings) = self.kept.of(subject) else {
            return HeldSettings::Undefined;
        };
        if !self.freshness.is_fresh(now) || !self.kept.is_current(now) {
            return HeldSettings::Stale;
        }
        settings.extend_from_slice(recorded);
        HeldSettings::Known(settings)
    }

    /// What the agent itself was told of settings.
    pub(crate) const fn kept(&self) -> &Arc<KeptSettings> {
        &self.kept
    }

    /// What is published of the register, ready to be counted; `None` where nothing is, and as long
    /// as it is being made ready after the people or their settings have changed.
    pub fn research(&self) -> Option<Arc<ResearchData>> {
        self.research.load_full()
    }

    /// From now on this is what is published; see [`RegisterData::research`].
    pub(crate) fn publish(&self, research: Option<Arc<ResearchData>>) {
        self.research.store(research);
    }

    /// What the load counted.
    pub const fn report(&self) -> &LoadReport {
        &self.loaded.report
    }

    /// When the load began.
    pub const fn loaded_at(&self) -> Timestamp {
        self.loaded_at
    }

    /// The memory that the index holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.loaded.subjects.memory_bytes()
    }

    /// People and settings.
    pub(crate) const fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// How the source stood when it was read, where that can be told.
    pub(crate) const fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    /// Which numbers were taken for people.
    pub(crate) const fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// How long the settings may be relied on.
    pub(crate) const fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

/// What is known of one person's settings, from the register's table and from what the agent was
/// told; see [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldSettings {
    /// They are known.
    Known(Vec<Setting>),
    /// The register's table could not be read.
    Unreadable,
    /// Either is too old to be relied on.
    Stale,
    /// Something was said whose meaning is not defined.
    Undefined,
}

impl HeldSettings {
    /// As a decision takes them.
    pub fn as_settings(&self) -> Settings<'_> {
        match self {
            Self::Known(settings) => Settings::Known(settings),
            Self::Unreadable => Settings::Unreadable,
            Self::Stale => Settings::Stale,
            Self::Undefined => Settings::Undefined,
        }
    }
}

/// How the store fares, for `/readyz` and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// When the data in use were loaded.
    pub loaded_at: Timestamp,
    /// When the source was last seen to say still the same.
    pub seen_at: Timestamp,
    /// What that load counted.
    pub report: LoadReport,
    /// The memory that the index holds, in bytes.
    pub memory_bytes: usize,
    /// Since when renewing has failed, and why; `None` while it works.
    pub failing: Option<Failing>,
}

/// Renewing fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// Why, the last time; no person in it.
    pub reason: String,
}

/// What a look at the source led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// It says still the same.
    Unchanged,
    /// It has changed and is given time to stand still.
    Settling,
    /// It was read, and the new data are in use.
    Reloaded,
}

/// Holds the data in use and renews them.
#[derive(Debug)]
pub struct SubjectsStore<C> {
    source: Arc<dyn Source>,
    key: Arc<SubjectKey>,
    numbers: Numbers,
    settings_max_age: Duration,
    kept: Arc<KeptSettings>,
    clock: C,
    current: ArcSwap<RegisterData>,
    failing: ArcSwapOption<Failing>,
    /// Held while the source is looked at, so that one look follows another.
    seen: Mutex<Seen>,
}

/// How the source stood.
#[derive(Debug, Default)]
struct Seen {
    /// When the data in use were read.
    loaded: Option<Fingerprint>,
    /// At the last look, if it had changed by then.
    changed: Option<Fingerprint>,
}

impl<C: Clock> SubjectsStore<C> {
    /// [`SubjectsStore::open_beside`] of a register whose agent is told no settings itself.
    pub async fn open(
        source: Arc<dyn Source>,
        key: SubjectKey,
        numbers: Numbers,
        settings_max_age: Duration,
        clock: C,
        progress: Arc<dyn Progress>,
    ) -> Result<Arc<Self>, SourceError> {
        let key = Arc::new(key);
        let kept = KeptSettings::nothing(Arc::clone(&key));
        Self::open_beside(
            kept,
            source,
            key,
            numbers,
            settings_max_age,
            clock,
            progress,
        )
        .await
    }

    /// Reads the source for the first time; `settings_max_age` is how old settings may grow, and
    /// `kept` are those that the agent itself was told, by `key` as well.
    pub async fn open_beside(
        kept: Arc<KeptSettings>,
        source: Arc<dyn Source>,
        key: Arc<SubjectKey>,
        numbers: Numbers,
        settings_max_age: Duration,
        clock: C,
        progress: Arc<dyn Progress>,
    ) -> Result<Arc<Self>, SourceError> {
        let now = clock.now();
        let fingerprint = source.fingerprint().await?;
        let intake = Intake::new(&key, numbers, Arc::clone(&progress));
        let loaded = source.load(intake).await;
        progress.finish();
        let seen = fingerprint.clone();
        let data = RegisterData::new(
            loaded?,
            now,
            seen,
            numbers,
            settings_max_age,
            Arc::clone(&kept),
        );
        report(data.report());
        Ok(Arc::new(Self {
            source,
            key,
            numbers,
            settings_max_age,
            kept,
            clock,
            current: ArcSwap::from_pointee(data),
            failing: ArcSwapOption::empty(),
            seen: Mutex::new(Seen {
                loaded: fingerprint,
                changed: None,
            }),
        }))
    }

    /// The data in use. Take them once for a batch: they stay as they are while they are held.
    pub fn current(&self) -> Arc<RegisterData> {
        self.current.load_full()
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How the store fares.
    pub fn status(&self) -> StoreStatus {
        let data = self.current.load();
        StoreStatus {
            loaded_at: data.loaded_at,
            seen_at: data.freshness.seen_at(),
            report: data.report().clone(),
            memory_bytes: data.memory_bytes(),
            failing: self.failing.load().as_deref().cloned(),
        }
    }

    /// Looks at the source once, and reads it if that is due. On an error the data in use stay.
    pub async fn refresh(&self) -> Result<Refreshed, SourceError> {
        let outcome = self.look().await;
        match &outcome {
            Ok(_) => self.failing.store(None),
            Err(error) => {
                let before = self.failing.load();
                let since = before.as_ref().map(|failing| failing.since);
                self.failing.store(Some(Arc::new(Failing {
                    since: since.unwrap_or_else(|| self.clock.now()),
                    reason: error.to_string(),
                })));
            }
        }
        outcome
    }

    /// Looks at the source every `every` until `shutdown`.
    pub fn spawn_refresh(
        self: &Arc<Self>,
        every: Duration,
        shutdown: CancellationToken,
    ) -> JoinHandle<()> {
        let store = Arc::clone(self);
        tokio::spawn(async move {
            let refreshing = async {
                let mut ticks = tokio::time::interval(every);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                ticks.tick().await;
                loop {
                    ticks.tick().await;
                    store.refresh_and_tell().await;
                }
            };
            shutdown.run_until_cancelled(refreshing).await;
        })
    }

    async fn refresh_and_tell(&self) {
        let failed_before = self.failing.load().is_some();
        match self.refresh().await {
            Ok(Refreshed::Reloaded) => report(self.current.load().report()),
            Ok(Refreshed::Unchanged | Refreshed::Settling) => {}
            Err(error) if failed_before => tracing::debug!(%error, "source still not renewed"),
            Err(error) => tracing::warn!(%error, "source not renewed, serving the data before"),
        }
        if failed_before && self.failing.load().is_none() {
            tracing::info!("source renewed again");
        }
    }

    async fn look(&self) -> Result<Refreshed, SourceError> {
        let mut seen = self.seen.lock().await;
        let now = self.clock.now();
        let fingerprint = self.source.fingerprint().await?;
        if let Some(fingerprint) = &fingerprint {
            if seen.loaded.as_ref() == Some(fingerprint) {
                seen.changed = None;
                self.current.load().freshness.seen(now);
                return Ok(Refreshed::Unchanged);
            }
            if seen.changed.as_ref() != Some(fingerprint) {
                seen.changed = Some(fingerprint.clone());
                return Ok(Refreshed::Settling);
            }
        }
        let intake = Intake::new(&self.key, self.numbers, Arc::new(Silent));
        let loaded = self.source.load(intake).await?;
        let before = self.current.load().report().persons;
        if loaded.report.persons == 0 && before > 0 {
            return Err(SourceError::Emptied { before });
        }
        let data = RegisterData::new(
            loaded,
            now,
            fingerprint.clone(),
            self.numbers,
            self.settings_max_age,
            Arc::clone(&self.kept),
        );
        let before = self.current();
        let renewing = spawn_blocking(move || {
            let renewed = before.research().and_then(|before| before.renewed(&data));
            data.publish(renewed.map(Arc::new));
            data
        });
        let data = renewing.await.map_err(|_| SourceError::Stopped)?;
        self.current.store(Arc::new(data));
        *seen = Seen {
            loaded: fingerprint,
            changed: None,
        };
        Ok(Refreshed::Reloaded)
    }
}

fn report(report: &LoadReport) {
    tracing::info!(
        rows = report.rows,
        persons = report.persons,
        missing = report.missing,
        malformed = report.malformed,
        duplicates = report.duplicates,
        wrong_environment = report.wrong_environment,
        auxiliary = report.auxiliary,
        unread_dates = report.unread_dates,
        unknown_status = report.unknown_status,
        settings = report.setting_rows,
        settings.of_nobody = report.settings_of_nobody,
        settings.undefined = report.undefined_settings,
        "source loaded"
    );
    if let Some(reason) = &report.settings_unreadable {
        tracing::warn!(%reason, "settings not readable, secondary use is refused");
    }
}
