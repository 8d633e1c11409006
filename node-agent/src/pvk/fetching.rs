//! Everything that Personvernkomponenten has of the definitions it writes: fetched at the start and
//! again from time to time, page by page, and taken whole; and a few compared in between.
//!
//! What holds:
//!
//! - **A list that did not come to its end changes nothing**, nor does one of which somebody could
//!   not be asked about.
//! - **What was fetched holds as of when fetching began**: what is changed meanwhile is pushed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use innsyn_policy::{DefinitionId, NationalId, SettingKind};
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::client::{CallError, PvkClient};
use super::comparing::{compare, differ, settle, strictest};
use super::standing::{Standing, count};
use super::taking::Taking;
use super::wire::PvkSetting;
use crate::settings::kept::{KeepError, Said};

/// Between two pages: Personvernkomponenten bounds how often it is asked.
const PAGE_PAUSE: Duration = Duration::from_millis(100);
/// The most pages of one list.
const PAGES_MAX: usize = 100_000;
/// The most persons of one list: everybody, and some.
const LISTED_MAX: usize = 8_000_000;
/// The most persons that are asked about one by one after a list.
const ASKED_MAX: usize = 20_000;
/// So many at once.
const ASKED_AT_ONCE: usize = 4;
/// The first pause before a fetch that failed is tried again; doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(500);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error("the list of a definition has no end")]
    Endless,
    #[error(
        "{0} persons stand here and not on the list, too many to ask about one by one; is \
         `pvk.url` the right one?"
    )]
    TooManyMissing(usize),
    #[error("the definition is not known here")]
    Unknown,
}

/// Fetches and compares.
pub(super) struct Fetching {
    pub(super) client: Arc<PvkClient>,
    pub(super) taking: Taking,
    pub(super) standing: Arc<Standing>,
    pub(super) definitions: Vec<DefinitionId>,
    pub(super) every: Duration,
    pub(super) spot_every: Duration,
    pub(super) spot_persons: u32,
}

impl Fetching {
    /// Fetches everything now and every `every`, and compares a few in between, until `shutdown`.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let fetching = async {
            loop {
                self.fetch_until_whole().await;
                sleep(self.every).await;
            }
        };
        let comparing = async {
            let mut ticks = interval(self.spot_every);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                self.compare_some().await;
            }
        };
        let both = async {
            tokio::join!(fetching, comparing);
        };
        Box::pin(shutdown.run_until_cancelled(both)).await;
    }

    async fn fetch_until_whole(&self) {
        let mut pause = RETRY_MIN;
        let mut missing = self.definitions.clone();
        loop {
            let mut why = None;
            let mut failed = Vec::new();
            for definition in missing {
                match self.fetch(&definition).await {
                    Ok(new) => {
                        count(&self.standing.counts.fetched);
                        tracing::info!(definition.id = %definition, new, "settings fetched");
                    }
                    Err(error) => {
                        count(&self.standing.counts.not_fetched);
                        tracing::warn!(
                            definition.id = %definition,
                            error = &error as &dyn std::error::Error,
                            "settings not fetched"
                        );
                        why = Some(chain(&error));
                        failed.push(definition);
                    }
                }
            }
            self.standing.fetched(why);
            missing = failed;
            if missing.is_empty() {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Fetches the whole list of `definition` and takes it; gives how many settings were new.
    pub(super) async fn fetch(&self, definition: &DefinitionId) -> Result<usize, FetchError> {
        let keeper = &self.taking.keeper;
        let (kept, records) = (keeper.kept(), keeper.records());
        let kind = self.kind(definition)?;
        let began = keeper.now();
        let listed = self.list(definition).await?;
        let ours = kept.of_definition(definition, records).await?;
        let mut difference = compare(&listed, &ours);
        if difference.ask.len() > ASKED_MAX {
            return Err(FetchError::TooManyMissing(difference.ask.len()));
        }
        let asked: Vec<(NationalId, Option<PvkSetting>)> = stream::iter(difference.ask)
            .map(async |person| {
                let theirs = self.client.status(&person, definition).await?;
                Ok::<_, CallError>((person, theirs))
            })
            .buffer_unordered(ASKED_AT_ONCE)
            .try_collect()
            .await?;
        for (person, theirs) in asked {
            let said = ours.get(&person);
            let taken = said.and_then(|said| settle(kind, &person, said, theirs));
            difference.take.extend(taken);
        }
        let new = self.taking.take(&difference.take).await?;
        kept.elsewhere().is_whole(definition, began);
        Ok(new)
    }

    async fn list(
        &self,
        definition: &DefinitionId,
    ) -> Result<HashMap<NationalId, PvkSetting>, FetchError> {
        let mut listed = HashMap::new();
        let mut seen = HashSet::new();
        let mut next = Some("0".to_owned());
        while let Some(name) = next {
            let page = self.client.page(definition, &name).await?;
            if !seen.insert(name) || seen.len() > PAGES_MAX || listed.len() > LISTED_MAX {
                return Err(FetchError::Endless);
            }
            for setting in page.settings {
                // Somebody who was changed while the list was read can be on two pages.
                let later = |before: &PvkSetting| before.sequence >= setting.sequence;
                if !listed.get(&setting.person).is_some_and(later) {
                    listed.insert(setting.person, setting);
                }
            }
            next = page.next;
            if next.is_some() {
                sleep(PAGE_PAUSE).await;
            }
        }
        Ok(listed)
    }

    async fn compare_some(&self) {
        let mut differed = 0;
        for definition in &self.definitions {
            match self.compare_some_of(definition).await {
                Ok(of_these) => differed += of_these,
                Err(error) => {
                    tracing::warn!(
                        definition.id = %definition,
                        error = &error as &dyn std::error::Error,
                        "settings not compared"
                    );
                    return;
                }
            }
        }
        self.standing.compared(differed);
    }

    /// Compares a few settings of `definition`; gives how many were at odds.
    pub(super) async fn compare_some_of(
        &self,
        definition: &DefinitionId,
    ) -> Result<u64, FetchError> {
        let keeper = &self.taking.keeper;
        let (kept, records) = (keeper.kept(), keeper.records());
        let kind = self.kind(definition)?;
        let some = kept
            .some_of_definition(definition, self.spot_persons, records)
            .await?;
        let mut differed = 0;
        for person in some.keys() {
            let theirs = self.client.status(person, definition).await?;
            count(&self.standing.counts.compared);
            // What was pushed while we asked counts as well.
            let said = kept.said_by(person);
            let said = said.iter().find(|said| said.definition == *definition);
            let Some(said) = said.filter(|said| differ(said, theirs.as_ref())) else {
                continue;
            };
            self.repair(kind, person, said, theirs).await?;
            differed += 1;
            count(&self.standing.counts.differed);
        }
        if differed > 0 {
            tracing::warn!(
                definition.id = %definition,
                differed,
                "settings differ from those at Personvernkomponenten, the stricter ones stand"
            );
        }
        Ok(differed)
    }

    async fn repair(
        &self,
        kind: SettingKind,
        person: &NationalId,
        said: &Said,
        theirs: Option<PvkSetting>,
    ) -> Result<(), KeepError> {
        if let Some(stricter) = strictest(kind, person, said, theirs) {
            self.taking.take_one(&stricter, None).await?;
        }
        Ok(())
    }

    fn kind(&self, definition: &DefinitionId) -> Result<SettingKind, FetchError> {
        let definition = self.client.reader().definition(definition);
        definition.map(|it| it.kind).ok_or(FetchError::Unknown)
    }
}

/// An error and what it came from, for the operator.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
