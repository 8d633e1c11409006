//! The federation, who changes what in it, and who dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::super::federation::usage;
use super::SettingsArgs;
use crate::caller::{Caller, Question, Saying};
use crate::country::Role;
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::world::{OPT_OUT, World};

/// How long the settings may take to be right everywhere once nobody dies any more.
const SETTLES_WITHIN: Duration = Duration::from_mins(5);
/// How long before a change that failed is asked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often it is looked at who is to come back.
const TICK: Duration = Duration::from_millis(50);

/// One change that was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) id: [u8; 16],
    pub(super) citizen: u32,
    pub(super) active: bool,
    pub(super) sequence: i64,
    /// When it was asked for first.
    pub(super) asked_at: Timestamp,
    pub(super) answered_at: Timestamp,
}

/// When somebody was away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Away {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// When the agent of each register, and the relay, were away.
#[derive(Debug, Default)]
pub(super) struct AllAway {
    pub(super) agents: BTreeMap<String, Vec<Away>>,
    pub(super) relay: Vec<Away>,
}

pub(super) struct Drill {
    world: Arc<World>,
    caller: Caller,
    starter: Starter,
    relay: Option<Part>,
    gateway: Part,
    agents: BTreeMap<String, Option<Part>>,
    /// Who is to come back when, and since when they are away; the relay has no name.
    due: Vec<(Instant, Timestamp, Option<String>)>,
    away: AllAway,
    /// Of relays that were killed.
    relay_cpu_us: f64,
    random: StdRng,
}

impl Drill {
    /// Starts everything and waits until every agent has heard the gateway.
    pub(super) async fn start(world: &Arc<World>, random: StdRng) -> anyhow::Result<Self> {
        let (starter, http) = (Starter::this_program()?, http()?);
        let mut relay = starter.relay(world)?;
        let ready = format!("http://{}/readyz", world.relay_status());
        wait_until_ready(&http, &mut relay, &ready).await?;
        let mut gateway = starter.gateway(world)?;
        let ready = format!("{}/healthz", world.gateway_url());
        wait_until_ready(&http, &mut gateway, &ready).await?;
        let agents = world.live().map(|register| {
            let id = register.id().to_string();
            let agent = starter.agent(world, &id, None)?;
            Ok((id, Some(agent)))
        });
        let drill = Self {
            agents: agents.collect::<anyhow::Result<_>>()?,
            world: Arc::clone(world),
            caller: Caller::connect(world.gateway(), None).await?,
            starter,
            relay: Some(relay),
            gateway,
            due: Vec::new(),
            away: AllAway::default(),
            relay_cpu_us: 0.0,
            random,
        };
        let ends = Instant::now() + SETTLES_WITHIN;
        loop {
            let question = question(world, 0, &mut rand::make_rng())?;
            let listed = drill.caller.settings(&question).await;
            let current = listed.map_or(0, |listed| {
                let current = listed.registers.iter().filter(|at| at.is_current);
                current.count()
            });
            if current == drill.agents.len() && met(world).await? == current {
                return Ok(drill);
            }
            anyhow::ensure!(Instant::now() < ends, "only {current} agents are current");
            sleep(AGAIN_AFTER).await;
        }
    }

    pub(super) fn registers(&self) -> impl Iterator<Item = &str> {
        self.agents.keys().map(String::as_str)
    }

    /// Has everything said that is to be said, while parts die and come back; then all are there.
    pub(super) async fn run(&mut self, args: &SettingsArgs) -> anyhow::Result<Vec<Said>> {
        let bar = ProgressBar::new(u64::from(args.changes()));
        let mut changes = self.changes(args, &bar);
        let ends = Instant::now() + args.lasts();
        let mut said = Vec::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let every =
            |seconds: u64| (seconds > 0).then(|| Instant::now() + Duration::from_secs(seconds));
        let mut next_agent = every(args.agent_dies_every_s);
        let mut next_relay = every(args.relay_dies_every_s);
        loop {
            tokio::select! {
                Some(change) = changes.join_next() => said.push(change??),
                _ = tick.tick() => {
                    let now = Instant::now();
                    self.bring_back(now)?;
                    if now < ends {
                        if next_agent.is_some_and(|at| at <= now) {
                            self.kill_an_agent(args).await?;
                            next_agent = every(args.agent_dies_every_s);
                        }
                        if next_relay.is_some_and(|at| at <= now) {
                            self.kill_the_relay(args).await?;
                            next_relay = every(args.relay_dies_every_s);
                        }
                    } else if changes.is_empty() && self.due.is_empty() {
                        bar.finish_and_clear();
                        return Ok(said);
                    }
                }
            }
        }
    }

    /// One task for each change, which begins when it is due.
    fn changes(&mut self, args: &SettingsArgs, bar: &ProgressBar) -> JoinSet<anyhow::Result<Said>> {
        let began = Instant::now();
        let between = Duration::from_mins(1) / args.per_minute.max(1);
        let mut changes = JoinSet::new();
        // One after the other for one person, so that what was said last is known.
        let turns: Vec<_> = (0..args.citizens)
            .map(|_| Arc::new(tokio::sync::Mutex::new(())))
            .collect();
        for number in 0..args.changes() {
            let citizen = self.random.random_range(0..args.citizens);
            let active = self.random.random();
            let mut random = StdRng::from_rng(&mut self.random);
            let id: [u8; 16] = random.random();
            let turn = turns.get(citizen as usize).cloned().unwrap_or_default();
            let (world, caller) = (Arc::clone(&self.world), self.caller.clone());
            let bar = bar.clone();
            changes.spawn(async move {
                sleep_until(began + between * number).await;
                let _turn = turn.lock().await;
                let asked_at = SystemClock.now();
                loop {
                    let question = question(&world, citizen, &mut random)?;
                    let saying = Saying {
                        definition: OPT_OUT,
                        active,
                        id,
                        proof: None,
                    };
                    if let Ok(changed) = caller.change_setting(&question, saying).await {
                        bar.inc(1);
                        return Ok(Said {
                            id,
                            citizen,
                            active,
                            sequence: changed.sequence,
                            asked_at,
                            answered_at: SystemClock.now(),
                        });
                    }
                    sleep(AGAIN_AFTER).await;
                }
            });
        }
        changes
    }

    /// Kills an agent that is there, and puts down when it is to come back.
    async fn kill_an_agent(&mut self, args: &SettingsArgs) -> anyhow::Result<()> {
        let there: Vec<String> = self
            .agents
            .iter()
            .filter(|(_, agent)| agent.is_some())
            .map(|(id, _)| id.clone())
            .collect();
        let Some(id) = there.get(self.random.random_range(0..there.len().max(1))) else {
            return Ok(());
        };
        if let Some(mut agent) = self.agents.get_mut(id).and_then(Option::take) {
            let since = SystemClock.now();
            agent.kill().await?;
            self.comes_back(args, since, Some(id.clone()));
        }
        Ok(())
    }

    async fn kill_the_relay(&mut self, args: &SettingsArgs) -> anyhow::Result<()> {
        if let Some(mut relay) = self.relay.take() {
            self.relay_cpu_us += usage(&relay)?.cpu_us;
            let since = SystemClock.now();
            relay.kill().await?;
            self.comes_back(args, since, None);
        }
        Ok(())
    }

    fn comes_back(&mut self, args: &SettingsArgs, since: Timestamp, who: Option<String>) {
        let longest = args.away_max_s.saturating_mul(1_000);
        let away = Duration::from_millis(self.random.random_range(0..=longest));
        self.due.push((Instant::now() + away, since, who));
    }

    /// Starts everybody who is to be back by now.
    fn bring_back(&mut self, now: Instant) -> anyhow::Result<()> {
        let (back, still): (Vec<_>, Vec<_>) = self.due.drain(..).partition(|(at, ..)| *at <= now);
        self.due = still;
        for (_, from, who) in back {
            let away = Away {
                from,
                until: SystemClock.now(),
            };
            if let Some(id) = who {
                let agent = self.starter.agent(&self.world, &id, None)?;
                self.agents.insert(id.clone(), Some(agent));
                self.away.agents.entry(id).or_default().push(away);
            } else {
                self.relay = Some(self.starter.relay(&self.world)?);
                self.away.relay.push(away);
            }
        }
        Ok(())
    }

    /// Waits until each person is told, of every register, what they said last.
    pub(super) async fn await_effect(&mut self, said: &[Said]) -> anyhow::Result<()> {
        let ends = Instant::now() + SETTLES_WITHIN;
        for (citizen, last) in last_of_each(said) {
            loop {
                let question = question(&self.world, citizen, &mut self.random)?;
                let listed = self.caller.settings(&question).await;
                let settings = listed.map(|listed| listed.settings).unwrap_or_default();
                let at = settings
                    .iter()
                    .filter(|it| {
                        it.definition_id == OPT_OUT
                            && (it.active, it.sequence) == (last.active, last.sequence)
                    })
                    .map(|it| it.effective_at as usize)
                    .sum::<usize>();
                if at == self.agents.len() {
                    break;
                }
                anyhow::ensure!(
                    Instant::now() < ends,
                    "a change is in effect at {at} of {} registers",
                    self.agents.len()
                );
                sleep(AGAIN_AFTER).await;
            }
        }
        Ok(())
    }

    /// CPU of the gateway and of all relays so far, in microseconds.
    pub(super) fn cpu_us(&self) -> anyhow::Result<(f64, f64)> {
        let relay = self.relay.as_ref().context("no relay")?;
        let relay = self.relay_cpu_us + usage(relay)?.cpu_us;
        Ok((usage(&self.gateway)?.cpu_us, relay))
    }

    /// Ends everything; tells when whom was away.
    pub(super) async fn stop(self) -> anyhow::Result<AllAway> {
        let agents = self.agents.into_values().chain([self.relay]).flatten();
        for part in agents.chain([self.gateway]) {
            part.stop().await?;
        }
        Ok(self.away)
    }
}

/// How many agents the gateway has the keys of, to seal with.
async fn met(world: &World) -> anyhow::Result<usize> {
    let outbox = world.gateway_config().with_file_name("settings.sqlite");
    let options = SqliteConnectOptions::new().filename(outbox).read_only(true);
    let pool = SqlitePool::connect_with(options).await?;
    let (met,): (i64,) = sqlx::query_as("SELECT count(*) FROM innsyn_agent")
        .fetch_one(&pool)
        .await?;
    pool.close().await;
    Ok(usize::try_from(met)?)
}

/// What each citizen said last.
pub(super) fn last_of_each(said: &[Said]) -> BTreeMap<u32, Said> {
    let mut last = BTreeMap::<u32, Said>::new();
    for change in said {
        let known = last.entry(change.citizen).or_insert(*change);
        if change.sequence > known.sequence {
            *known = *change;
        }
    }
    last
}

fn question(world: &World, citizen: u32, random: &mut StdRng) -> anyhow::Result<Question> {
    let now = SystemClock.now();
    let asking = world.country.asking(citizen, Role::Oneself, None, now)?;
    world.question(&asking, now, random)
}
