//! What became of each change at each register, by the agents' own records.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use innsyn_policy::Timestamp;
use serde::Serialize;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::drill::{AllAway, Away, Said, last_of_each};
use crate::load::Quantiles;
use crate::world::World;

/// The longest time that is told apart, ten minutes in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// What came of it all.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    agents: usize,
    changes: usize,
    items: usize,
    agents_killed: usize,
    relay_killed: usize,
    /// Changes that an agent does not have, over all agents.
    pub(super) lost: usize,
    /// Changes that an agent has and nobody made, or that stand otherwise than was said last.
    pub(super) wrong: usize,
    /// From asking for a change to the answer that it will be done.
    answered_ms: Quantiles,
    /// From asking for a change to when an agent that was there all the while took it; the relay
    /// was not always there.
    effect_at_connected_ms: Quantiles,
    connected: u64,
    /// For an agent that was away: from when it was started again.
    effect_after_return_ms: Quantiles,
    returned: u64,
    pub(super) gateway_cpu_us_per_item: f64,
    pub(super) relay_cpu_us_per_item: f64,
}

/// Times, as they are gathered.
struct Times(Histogram<u64>);

impl Times {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_US, 3)?))
    }

    fn add(&mut self, from: Timestamp, until: Timestamp) {
        let us = until.as_micros().saturating_sub(from.as_micros());
        self.0.saturating_record(us.max(0).unsigned_abs());
    }
}

impl Account {
    /// Reads every agent's records; all agents are stopped.
    pub(super) async fn of(world: &World, said: &[Said], away: &AllAway) -> anyhow::Result<Self> {
        let (mut answered, mut connected, mut returned) =
            (Times::new()?, Times::new()?, Times::new()?);
        for change in said {
            answered.add(change.asked_at, change.answered_at);
        }
        let by_id: BTreeMap<[u8; 16], &Said> =
            said.iter().map(|change| (change.id, change)).collect();
        let stands: BTreeSet<(Vec<u8>, bool, i64)> = last_of_each(said)
            .into_values()
            .map(|last| (last.id.to_vec(), last.active, last.sequence))
            .collect();
        let (mut agents, mut lost, mut wrong) = (0, 0, 0);
        for register in world.live() {
            let id = register.id().to_string();
            let kept = Kept::read(world, &id).await?;
            agents += 1;
            lost += by_id
                .keys()
                .filter(|id| !kept.taken.contains_key(*id))
                .count();
            wrong += kept.standing.symmetric_difference(&stands).count();
            let gone = away.agents.get(&id).map_or(&[][..], Vec::as_slice);
            for (id, taken_at) in &kept.taken {
                let Some(change) = by_id.get(id) else {
                    wrong += 1;
                    continue;
                };
                match back_after(gone, change.asked_at, *taken_at) {
                    None => connected.add(change.asked_at, *taken_at),
                    Some(back) => returned.add(back.max(change.asked_at), *taken_at),
                }
            }
        }
        Ok(Self {
            agents,
            changes: said.len(),
            items: said.len() * agents,
            agents_killed: away.agents.values().map(Vec::len).sum(),
            relay_killed: away.relay.len(),
            lost,
            wrong,
            answered_ms: Quantiles::of(&answered.0),
            effect_at_connected_ms: Quantiles::of(&connected.0),
            connected: connected.0.len(),
            effect_after_return_ms: Quantiles::of(&returned.0),
            returned: returned.0.len(),
            gateway_cpu_us_per_item: 0.0,
            relay_cpu_us_per_item: 0.0,
        })
    }
}

/// When an agent was back that was away at any time between `from` and `until`.
fn back_after(away: &[Away], from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    away.iter()
        .filter(|away| away.from <= until && away.until >= from)
        .map(|away| away.until)
        .max()
}

/// What one agent has on disk.
struct Kept {
    /// When it took each change. One change has one row, whatever came how often.
    taken: BTreeMap<[u8; 16], Timestamp>,
    /// What stands: the change that said it, what it says, and its sequence.
    standing: BTreeSet<(Vec<u8>, bool, i64)>,
}

impl Kept {
    async fn read(world: &World, register: &str) -> anyhow::Result<Self> {
        let file = world.agent_folder(register).join("records/records.sqlite");
        let options = SqliteConnectOptions::new().filename(&file).read_only(true);
        let pool = SqlitePool::connect_with(options)
            .await
            .with_context(|| format!("no records of `{register}`"))?;
        let taken: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT change, taken_at FROM setting_change")
                .fetch_all(&pool)
                .await?;
        let standing: Vec<(Vec<u8>, bool, i64)> =
            sqlx::query_as("SELECT change, active, sequence FROM setting")
                .fetch_all(&pool)
                .await?;
        pool.close().await;
        let taken = taken.into_iter().map(|(id, at)| {
            let id = id.try_into().ok().context("a change has no id")?;
            Ok((id, Timestamp::from_micros(at)))
        });
        Ok(Self {
            taken: taken.collect::<anyhow::Result<_>>()?,
            standing: standing.into_iter().collect(),
        })
    }
}
