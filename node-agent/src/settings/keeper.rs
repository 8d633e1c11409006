//! Takes settings that come sealed, and answers gateways about them.
//!
//! ```text
//!   relay's mailbox ─▶ open ─▶ whose signature? ─▶ wait for the next number ─▶ log, disk, binding
//!                        └────────┴── not ours: thrown away, and an operator is told
//! ```
//!
//! What holds:
//!
//! - **Only a configured gateway's signature counts**, over an item for this register.
//! - **In order, without a gap**: what comes too early waits, in memory and at the relay, until
//!   what is before it has come.
//! - **The relay forgets an item only when it is durable here.**

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use innsyn_policy::{
    Clock, Decision, DefinitionId, NationalId, NumberRules, PersonUse, Register, RegisterId,
    Settings, Timestamp, UseDecision, UseRecord, decide,
};
use innsyn_proto::convert::question_from_wire;
use innsyn_proto::head::HeadKey;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::padding::Padded as _;
use innsyn_proto::sealing::OpeningKey;
use innsyn_proto::setting::paper::PaperUse;
use innsyn_proto::setting::{Change, Heartbeat, Item};
use innsyn_proto::wire::node::v1 as wire;
use tokio::sync::Mutex;
use tonic::Status;

use super::kept::{KeepError, Said, TakenItem, Writer};
use super::{KeptSettings, papers};
use crate::records::Records;
use crate::uselog::UseLog;

mod late;
#[cfg(test)]
mod tests;

/// Items that may wait in memory for one before them; more wait at the relay.
const EARLY_MAX: usize = 10_000;
/// Items that are taken in one write.
const TAKEN_AT_ONCE: usize = 256;

/// The sizes of what a person has said here, in bytes: nearly all have the first.
const LIST_SIZES: [usize; 3] = [4 * 1024, 64 * 1024, 1024 * 1024];

/// An item's name in a mailbox.
pub type ItemName = Vec<u8>;

/// What came before its number.
type Early = BTreeMap<(GatewayName, u64), (ItemName, Item)>;

/// What keeping settings is made of.
pub struct KeeperParts {
    /// The register.
    pub register: Register,
    /// How national ids are read.
    pub rules: NumberRules,
    /// What is kept.
    pub kept: Arc<KeptSettings>,
    /// Where.
    pub records: Records,
    /// The log of use.
    pub log: Arc<UseLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whose items are taken, and the keys that sign them.
    pub gateways: BTreeMap<GatewayName, HeadKey>,
}

impl fmt::Debug for KeeperParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperParts")
            .field("register", &self.register.id)
            .finish_non_exhaustive()
    }
}

/// Takes items, hears heartbeats, and tells a person what they have said here.
pub struct Keeper {
    parts: KeeperParts,
    opening: OpeningKey,
    early: Mutex<Early>,
    counts: Counts,
    /// Whether an operator was told that it is stuck.
    told_stuck: AtomicBool,
}

/// What was taken since the start, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Items applied.
    pub applied: AtomicU64,
    /// Items that were applied before.
    pub repeated: AtomicU64,
    /// Items that no configured gateway has signed for this register.
    pub forged: AtomicU64,
}

/// People's settings are older than the register's limit, so that secondary use is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleSettings {
    /// How old they are in seconds, if they were known to be complete since the start.
    pub age_s: Option<i64>,
}

impl fmt::Display for StaleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("people's settings are not known to be complete ")?;
        match self.age_s {
            Some(age) => write!(f, "since {age} s")?,
            None => f.write_str("since the start")?,
        }
        f.write_str("; is every gateway that may change them up, and its relay's mailbox?")
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("register", &self.parts.register.id)
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// A keeper whose opening key is made of that of the records.
    pub fn new(parts: KeeperParts) -> Self {
        let opening = OpeningKey::from_seed(&parts.records.key().mailbox_seed());
        Self {
            parts,
            opening,
            early: Mutex::default(),
            counts: Counts::default(),
            told_stuck: AtomicBool::new(false),
        }
    }

    /// What was taken since the start.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What is kept.
    pub const fn kept(&self) -> &Arc<KeptSettings> {
        &self.parts.kept
    }

    /// Why what is kept may not be relied on now; `None` if it may.
    pub fn stale(&self) -> Option<StaleSettings> {
        let now = self.parts.clock.now();
        let currency = self.parts.kept.currency();
        (!self.parts.kept.is_current(now)).then(|| StaleSettings {
            age_s: currency
                .current_at()
                .map(|at| now.as_seconds() - at.as_seconds()),
        })
    }

    /// Whose settings these are.
    pub fn register(&self) -> &RegisterId {
        &self.parts.register.id
    }

    /// Where they are kept.
    pub const fn records(&self) -> &Records {
        &self.parts.records
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Takes one change that `writer` brings by itself. Brought again, it changes nothing.
    pub async fn take_change(&self, writer: &Writer, change: &Change) -> Result<(), KeepError> {
        let KeeperParts {
            kept,
            records,
            log,
            clock,
            ..
        } = &self.parts;
        kept.take_change(writer, change, records, log, &**clock)
            .await
    }

    /// Takes `changes` that `writer` brings, each with when it was said: all or none. Gives how many
    /// were new.
    pub async fn take_changes(
        &self,
        writer: &Writer,
        changes: &[(Change, Timestamp)],
    ) -> Result<usize, KeepError> {
        let KeeperParts {
            kept,
            records,
            log,
            clock,
            ..
        } = &self.parts;
        kept.take_changes(writer, changes, records, log, &**clock)
            .await
    }

    /// Whether `gateway` may speak of settings here.
    pub fn serves(&self, gateway: &GatewayName) -> bool {
        self.parts.gateways.contains_key(gateway)
    }

    /// Takes `items` out of a mailbox; gives the names of those that the relay may forget. Those
    /// that are not named wait there.
    pub async fn take(
        &self,
        items: impl IntoIterator<Item = (ItemName, Vec<u8>)>,
    ) -> Result<Vec<ItemName>, KeepError> {
        let mut early = self.early.lock().await;
        let mut forget = Vec::new();
        for (name, sealed) in items {
            let Some(item) = self.open(&sealed) else {
                self.counts.forged.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("an item in the mailbox is of no gateway of this agent's");
                forget.push(name);
                continue;
            };
            let key = (item.gateway.clone(), item.number);
            if early.len() < EARLY_MAX || early.contains_key(&key) {
                early.insert(key, (name, item));
            }
        }
        for gateway in self.parts.gateways.keys() {
            loop {
                let applied = self.parts.kept.currency().standing(gateway);
                let applied = applied.unwrap_or_default().applied;
                let (names, next) = next_of(&early, gateway, applied);
                if names.is_empty() {
                    break;
                }
                let taken = self
                    .parts
                    .kept
                    .take_items(
                        &next,
                        &self.parts.records,
                        &self.parts.log,
                        &*self.parts.clock,
                    )
                    .await?;
                for (item, taken) in next.iter().zip(&taken) {
                    let count = match taken {
                        TakenItem::Applied => &self.counts.applied,
                        TakenItem::Before => &self.counts.repeated,
                        TakenItem::AfterGap => continue,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    early.remove(&(item.gateway.clone(), item.number));
                }
                forget.extend(names);
                if taken.contains(&TakenItem::AfterGap) {
                    break;
                }
            }
        }
        Ok(forget)
    }

    fn open(&self, sealed: &[u8]) -> Option<Item> {
        let note = self.opening.open(self.register(), sealed).ok()?;
        let gateway = Item::gateway_unchecked(&note)?;
        let key = self.parts.gateways.get(&gateway)?;
        Item::read(&note, (&gateway, key), self.register()).ok()
    }

    /// Hears the heartbeat in `note` from `gateway`, which the connection has proved to be that.
    pub fn heartbeat(
        &self,
        gateway: &GatewayName,
        note: &str,
    ) -> Result<wire::HeartbeatResponse, Status> {
        let Some(key) = self.parts.gateways.get(gateway) else {
            return Err(Status::permission_denied(
                "this gateway sends no settings here",
            ));
        };
        let heartbeat = Heartbeat::read(note, (gateway, key), self.register())
            .map_err(|error| Status::invalid_argument(format!("not a heartbeat: {error}")))?;
        let now = self.parts.clock.now();
        let standing = self
            .parts
            .kept
            .currency()
            .heard(gateway, heartbeat.latest, now);
        if heartbeat.latest < standing.applied {
            tracing::error!(
                gateway.name = %gateway,
                latest = heartbeat.latest,
                applied = standing.applied,
                "the gateway has sent fewer settings than were applied: has it lost its records?"
            );
        }
        self.tell_if_stuck();
        Ok(wire::HeartbeatResponse {
            applied: standing.applied,
            sealing_key: self.opening.public().to_string(),
            ..wire::HeartbeatResponse::default()
        })
    }

    /// What was said, as gateways are told. Personvernkomponenten counts the changes of each setting
    /// for itself, so that only the time can be compared with what was said elsewhere.
    fn to_wire(&self, said: &Said, paper: Option<&PaperUse>) -> wire::SaidSetting {
        let is_counted_elsewhere = self.parts.kept.elsewhere().writes(&said.definition);
        wire::SaidSetting {
            definition: said.definition.bytes().to_vec().into(),
            active: said.active,
            since_micros: said.since.as_micros(),
            until_micros: said.until.map(Timestamp::as_micros),
            sequence: if is_counted_elsewhere {
                said.since.as_micros()
            } else {
                said.sequence
            },
            paper: paper.map(PaperUse::to_wire),
        }
    }

    /// What the person has said here. The use is in the log before this returns.
    pub async fn list(
        &self,
        question: &wire::Question,
    ) -> Result<wire::ListSettingsResponse, Status> {
        let question = question_from_wire(question, self.parts.rules)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let now = self.parts.clock.now();
        let decision = decide(
            &question.request,
            &self.parts.register,
            Settings::Known(&[]),
            now,
        );
        let (said, papers, decided) = match &decision {
            Decision::Allow(clearance) => (
                self.parts.kept.said_by(clearance.subject()),
                self.papers_of(clearance.subject()).await?,
                UseDecision::Answered,
            ),
            Decision::Withhold(_, reason) => {
                let decided = UseDecision::Withheld(*reason);
                (Vec::new(), HashMap::new(), decided)
            }
            Decision::Deny(reason) => {
                let decided = UseDecision::Denied(*reason);
                (Vec::new(), HashMap::new(), decided)
            }
        };
        let record = UseRecord::of_person(
            PersonUse::LogReading,
            question.id,
            &question.request,
            decided,
            now,
        );
        let leaves = self.parts.log.append(vec![record]).await;
        let leaf = leaves.ok().and_then(|leaves| leaves.first().copied());
        let Some(leaf) = leaf else {
            return Err(Status::unavailable("the log of use cannot be written"));
        };
        if let UseDecision::Denied(_) = decided {
            return Err(Status::permission_denied("the register refuses"));
        }
        let settings = said
            .iter()
            .map(|said| self.to_wire(said, papers.get(&said.definition)));
        let mut answer = wire::ListSettingsResponse {
            settings: settings.collect(),
            use_log_leaf: leaf.to_vec().into(),
            is_current: self.parts.kept.is_current(now),
            padding: Vec::new(),
        };
        if let Some(bytes) = answer.fits(&LIST_SIZES) {
            let _fits = answer.pad_to(bytes);
        }
        Ok(answer)
    }

    /// What there is of the person's settings that came from paper.
    async fn papers_of(
        &self,
        person: &NationalId,
    ) -> Result<HashMap<DefinitionId, PaperUse>, Status> {
        let papers = papers::standing_of(&self.parts.records, person).await;
        papers.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "papers cannot be read");
            Status::unavailable("the records cannot be read")
        })
    }
}

/// The items of `gateway` that follow `applied` without a gap, and those before it, with their
/// names; so many as are taken at once.
fn next_of(early: &Early, gateway: &GatewayName, applied: u64) -> (Vec<ItemName>, Vec<Item>) {
    let mut expected = applied.saturating_add(1);
    early
        .range((gateway.clone(), 0)..=(gateway.clone(), u64::MAX))
        .take_while(|((_, number), _)| {
            let follows = *number <= expected;
            if *number == expected {
                expected = expected.saturating_add(1);
            }
            follows
        })
        .take(TAKEN_AT_ONCE)
        .map(|(_, (name, item))| (name.clone(), item.clone()))
        .unzip()
}
