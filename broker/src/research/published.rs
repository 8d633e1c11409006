//! What the registers publish, gathered from their agents.
//!
//! Each register's views are asked for when they are first needed, kept, and asked for again in
//! the background: every minute, and every five seconds of a register that has said nothing yet.
//! What a register has published stands until it publishes something else, also while it is away:
//! its share of a query is then missing and named, which it would not be if it were forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use innsyn_policy::RegisterId;
use innsyn_proto::wire::node::v1::PublishResponse;
use innsyn_proto::wire::research::v1::View;
use moka::future::Cache;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::agents::Agents;
use super::coverage::RegisterOutcome;

/// How often what a register publishes is asked for again.
const REFRESH_EVERY_TICKS: u32 = 12;
/// How often it is asked for of a register that has not told.
const TICK: Duration = Duration::from_secs(5);
/// How long one register may take to tell.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(3);
/// Views that one register may publish.
const VIEWS_MAX: usize = 1_000;

/// The registers' views.
#[derive(Debug)]
pub(super) struct Publishers {
    agents: Arc<Agents>,
    registers: Vec<RegisterId>,
    known: Cache<RegisterId, Known>,
}

/// What is known of one register.
#[derive(Debug, Clone)]
enum Known {
    Told(Arc<Publication>),
    /// It has not told.
    Silent,
    /// It tells other gateways, and not this one.
    NotServed,
}

/// What one register publishes.
#[derive(Debug)]
struct Publication {
    views: Vec<View>,
    snapshot: Option<[u8; 32]>,
}

/// What all registers publish, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Register by register.
    pub(crate) views: Vec<View>,
    /// The name of each register's data, of those that have views.
    pub(super) snapshots: BTreeMap<RegisterId, [u8; 32]>,
    /// Registers whose views are not known.
    pub(super) silent: BTreeSet<RegisterId>,
    /// Those of them that do not serve this gateway.
    pub(super) not_served: BTreeSet<RegisterId>,
}

/// Why what a register says it publishes is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum PublicationError {
    #[error("it publishes more than {VIEWS_MAX} views")]
    TooMany,
    #[error("a view is said to be another register's")]
    OtherRegister,
    #[error("the name of the snapshot is not 32 bytes")]
    Snapshot,
}

impl Publishers {
    pub(super) fn new(agents: Arc<Agents>, registers: Vec<RegisterId>) -> Self {
        // Room for each: nothing is ever evicted.
        let room = u64::try_from(registers.len()).unwrap_or(u64::MAX).max(1);
        Self {
            agents,
            registers,
            known: Cache::new(room.saturating_mul(2)),
        }
    }

    /// What is published now, as far as it is known.
    pub(super) async fn gather(&self) -> Published {
        let known = self.registers.iter().map(|register| async move {
            let known = self.known.get_with(register.clone(), self.ask(register));
            (register, known.await)
        });
        let mut published = Published::default();
        for (register, known) in join_all(known).await {
            match known {
                Known::Silent => {
                    published.silent.insert(register.clone());
                }
                Known::NotServed => {
                    published.silent.insert(register.clone());
                    published.not_served.insert(register.clone());
                }
                Known::Told(publication) => {
                    published.views.extend(publication.views.iter().cloned());
                    if let Some(snapshot) = publication.snapshot {
                        published.snapshots.insert(register.clone(), snapshot);
                    }
                }
            }
        }
        published
    }

    /// Whether any register's views are known.
    pub(super) fn is_any_known(&self) -> bool {
        self.registers.is_empty() || self.known.iter().any(|(_, known)| known.is_told())
    }

    /// Asks again and again, until `shutdown`.
    pub(super) async fn keep_fresh(&self, shutdown: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            for round in (0..REFRESH_EVERY_TICKS).cycle() {
                ticks.tick().await;
                let refreshed = self
                    .registers
                    .iter()
                    .map(|one| self.refresh(one, round == 0));
                join_all(refreshed).await;
            }
        };
        shutdown.run_until_cancelled(rounds).await;
    }

    /// Asks `register` again, if it has not told or if `all` are asked.
    async fn refresh(&self, register: &RegisterId, all: bool) {
        let is_told = self
            .known
            .get(register)
            .await
            .is_some_and(|it| it.is_told());
        if is_told && !all {
            return;
        }
        let told = self.ask(register).await;
        // What it has said stands.
        if told.is_told() || !is_told {
            self.known.insert(register.clone(), told).await;
        }
    }

    async fn ask(&self, register: &RegisterId) -> Known {
        let response = match timeout(PUBLISH_TIMEOUT, self.agents.publish(register)).await {
            Ok(Ok(response)) => response,
            // An agent of a kind that knows no research publishes nothing.
            Ok(Err(error)) if error.is_unimplemented() => PublishResponse::default(),
            Ok(Err(error)) if error.is_not_served() => {
                let is_known = self.known.get(register).await;
                // Said once, for it is asked again every few seconds.
                if !matches!(is_known, Some(Known::NotServed)) {
                    tracing::warn!(node.id = %register, "register does not serve this gateway");
                }
                return Known::NotServed;
            }
            Ok(Err(error)) => {
                tracing::debug!(
                    node.id = %register,
                    error = &error as &dyn std::error::Error,
                    "views not told"
                );
                return Known::Silent;
            }
            Err(_elapsed) => {
                tracing::debug!(node.id = %register, "views not told in time");
                return Known::Silent;
            }
        };
        match read(register, response) {
            Ok(publication) => Known::Told(Arc::new(publication)),
            Err(error) => {
                tracing::error!(node.id = %register, %error, "views not understood");
                Known::Silent
            }
        }
    }
}

impl Known {
    const fn is_told(&self) -> bool {
        matches!(self, Self::Told(_))
    }
}

impl Published {
    /// What becomes of each register whose views are not known when all are asked.
    pub(super) fn unanswering(self) -> BTreeMap<RegisterId, RegisterOutcome> {
        let Self {
            silent, not_served, ..
        } = self;
        let outcome = |register: RegisterId| {
            let outcome = if not_served.contains(&register) {
                RegisterOutcome::Refused
            } else {
                RegisterOutcome::Silent
            };
            (register, outcome)
        };
        silent.into_iter().map(outcome).collect()
    }
}

fn read(register: &RegisterId, response: PublishResponse) -> Result<Publication, PublicationError> {
    let PublishResponse { views, snapshot } = response;
    if views.len() > VIEWS_MAX {
        return Err(PublicationError::TooMany);
    }
    let is_its_own = |view: &View| view.register_id == register.as_str();
    if !views.iter().all(is_its_own) {
        return Err(PublicationError::OtherRegister);
    }
    let snapshot = if views.is_empty() && snapshot.is_empty() {
        None
    } else {
        let snapshot = <[u8; 32]>::try_from(snapshot.as_ref());
        Some(snapshot.map_err(|_| PublicationError::Snapshot)?)
    };
    Ok(Publication { views, snapshot })
}
