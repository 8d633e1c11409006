//! How the agent stands with Personvernkomponenten, for `/readyz` and metrics. No person.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use innsyn_policy::{DefinitionId, Timestamp};

use crate::records::Records;
use crate::settings::KeptSettings;
use crate::settings::forwarding;

/// What was counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Pushed settings that were taken, or were here already.
    pub(super) received: AtomicU64,
    /// Calls to the receiver with a token that is not good.
    pub(super) bad_tokens: AtomicU64,
    /// Pushed settings that are none of this register's.
    pub(super) bad_settings: AtomicU64,
    /// Pushed settings that could not be kept.
    pub(super) not_kept: AtomicU64,
    /// Lists that were fetched to their end and taken.
    pub(super) fetched: AtomicU64,
    /// Lists that were not.
    pub(super) not_fetched: AtomicU64,
    /// Persons' settings that were compared.
    pub(super) compared: AtomicU64,
    /// Those that were at odds.
    pub(super) differed: AtomicU64,
    /// Settings that were said there for people who had said them here.
    pub(super) forwarded: AtomicU64,
    /// Those that are refused there.
    pub(super) not_forwarded: AtomicU64,
}

/// How the agent stands.
#[derive(Debug)]
pub struct Standing {
    pub(super) counts: Counts,
    kept: Arc<KeptSettings>,
    records: Records,
    definitions: Vec<DefinitionId>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Why the last fetch came to nothing, if it did.
    fetch: Option<String>,
    /// Why nothing is forwarded, if so.
    forward: Option<String>,
    /// How many of those that were compared last were at odds.
    differed: u64,
}

impl Standing {
    /// Nothing heard yet of `definitions`.
    pub(crate) fn new(
        kept: Arc<KeptSettings>,
        records: Records,
        definitions: impl IntoIterator<Item = DefinitionId>,
    ) -> Arc<Self> {
        Arc::new(Self {
            counts: Counts::default(),
            kept,
            records,
            definitions: definitions.into_iter().collect(),
            told: Mutex::default(),
        })
    }

    /// What became of the last fetch.
    pub(super) fn fetched(&self, failed: Option<String>) {
        self.told().fetch = failed;
    }

    /// Whether anything can be forwarded.
    pub(super) fn forwards(&self, failed: Option<String>) {
        self.told().forward = failed;
    }

    /// So many of the last that were compared were at odds.
    pub(super) fn compared(&self, differed: u64) {
        self.told().differed = differed;
    }

    /// What is not as it should be.
    pub(crate) async fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        let elsewhere = self.kept.elsewhere();
        for definition in &self.definitions {
            if !elsewhere.is_known(definition, now) {
                warnings.push(format!(
                    "secondary use is refused where definition {definition} is concerned: not \
                     everything that Personvernkomponenten has of it is here, or it is too long \
                     ago (`pvk.max_age_s`)"
                ));
            }
        }
        let on_their_way = forwarding::on_their_way(&self.records).await;
        let told = self.told();
        if let Some(why) = &told.fetch {
            warnings.push(format!(
                "Personvernkomponenten's settings are not fetched: {why}"
            ));
        }
        if let Some(why) = &told.forward {
            warnings.push(format!(
                "settings wait to be said to Personvernkomponenten: {why}"
            ));
        }
        if told.differed > 0 {
            warnings.push(format!(
                "{} of the settings compared last were other than Personvernkomponenten's; the \
                 stricter one stands: are its changes pushed to `pvk.receiver`?",
                told.differed
            ));
        }
        if let Ok(on_their_way) = on_their_way
            && on_their_way.refused > 0
        {
            warnings.push(format!(
                "{} settings that people have said here are refused by Personvernkomponenten; \
                 the log says why",
                on_their_way.refused
            ));
        }
        warnings
    }

    /// What was counted, as Prometheus reads it.
    pub(crate) fn metrics(&self) -> String {
        let counts = &self.counts;
        let series = [
            ("received_total", &counts.received),
            ("receiver_bad_tokens_total", &counts.bad_tokens),
            ("receiver_bad_settings_total", &counts.bad_settings),
            ("receiver_not_kept_total", &counts.not_kept),
            ("fetched_total", &counts.fetched),
            ("not_fetched_total", &counts.not_fetched),
            ("compared_total", &counts.compared),
            ("differed_total", &counts.differed),
            ("forwarded_total", &counts.forwarded),
            ("not_forwarded_total", &counts.not_forwarded),
        ];
        let text = series.map(|(name, count)| {
            let name = format!("innsyn_agent_pvk_{name}");
            let value = count.load(Ordering::Relaxed);
            format!("# TYPE {name} counter\n{name} {value}\n")
        });
        text.concat()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
