//! Our federation as benchmarks run it: relay, gateway and agents as processes, and what each has
//! used.

mod memory;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures::future::{BoxFuture, try_join_all};
use indicatif::ProgressBar;
use innsyn_proto::clock::SystemClock;
use tokio::time::sleep;

use super::layers::{Layer, reduces_agents, reduces_gateway};
use super::report::{CpuPerLeg, Ours, Resident, Run};
use super::usage::Usage;
use crate::load::{self, Citizens, MakeListing as _, Shape};
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::registers::{INVENTED_REGISTERS_MAX, NORWEGIAN_REGISTERS};
use crate::world::{World, WorldSpec};

/// Load before a run that is not counted.
pub(super) const WARM_UP: Duration = Duration::from_millis(500);
/// Persons who take turns in asking.
const ASKERS_MAX: u32 = 200;

/// What every federation under test stands on.
#[derive(Debug, Args)]
pub(super) struct Ground {
    /// How many people live in the country.
    #[arg(long, default_value_t = 10_000)]
    pub(super) persons: u32,
    /// The folder for the logs of use: a tmpfs for the cost of everything but the disk.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    pub(super) logs: PathBuf,
}

/// What a federation is to be.
pub(super) struct FederationSpec {
    /// Registers, all of them with an agent.
    pub(super) nodes: usize,
    /// Of these, so many together in a process of their own, to be stopped.
    pub(super) apart: usize,
    /// Every other agent is a process; if not, one process has them all.
    pub(super) processes: bool,
    /// What is left out of it.
    pub(super) without: Vec<Layer>,
    pub(super) persons: u32,
    pub(super) logs: PathBuf,
    pub(super) gateway_threads: usize,
}

/// A federation, up.
pub(super) struct Federation {
    pub(super) world: World,
    nodes: usize,
    relay: Part,
    gateway: Part,
    /// One with all agents, or one for each.
    agents: Vec<Part>,
    /// The agents that are apart.
    pub(super) apart: Option<Part>,
    http: reqwest::Client,
    askers: u32,
    /// Memory before the first listing.
    pub(super) idle: Resident,
}

/// What all parts have used up to a moment.
struct Snapshot {
    relay: Usage,
    gateway: Usage,
    agents: Usage,
    bytes_copied: f64,
}

/// What the agents have logged up to a moment.
#[derive(Default)]
struct Logged {
    commits: f64,
    entries: f64,
}

impl Federation {
    /// Builds a world in `folder` and starts it; returns when a listing was complete.
    pub(super) async fn start(spec: FederationSpec, folder: &Path) -> anyhow::Result<Self> {
        let mut world = WorldSpec::new(spec.persons, 1);
        world.invented_registers = spec
            .nodes
            .saturating_sub(NORWEGIAN_REGISTERS - 6)
            .min(INVENTED_REGISTERS_MAX);
        world.live_only = Some(spec.nodes);
        world.gateway_tls = !spec.without.contains(&Layer::CallerTls);
        world.gateway_threads = spec.gateway_threads;
        world.logs = Some(spec.logs);
        world.questions_per_minute_max = u32::MAX;
        world.questions_per_day_max = u32::MAX;
        "warn".clone_into(&mut world.log_filter);
        let folder = folder.join("world");
        let world = tokio::task::spawn_blocking(move || {
            World::build(&folder, &world, &SystemClock, &ProgressBar::hidden())
        })
        .await??;
        let (starter, http) = (Starter::this_program()?, http()?);
        let mut relay = starter.relay(&world)?;
        let relay_ready = format!("http://{}/readyz", world.relay_status());
        wait_until_ready(&http, &mut relay, &relay_ready).await?;
        let gateway = if reduces_gateway(&spec.without) {
            starter.reduced_gateway(&world, &spec.without)?
        } else {
            starter.gateway(&world)?
        };
        let mut registers: Vec<String> = world
            .live()
            .map(|register| register.id().to_string())
            .collect();
        anyhow::ensure!(
            registers.len() == spec.nodes,
            "no world has {} live nodes",
            spec.nodes
        );
        let apart = registers.split_off(spec.nodes - spec.apart);
        let apart = (!apart.is_empty())
            .then(|| starter.agents(&world, &apart))
            .transpose()?;
        let mut agents = if reduces_agents(&spec.without) {
            vec![starter.reduced_agents(&world, &registers, &spec.without)?]
        } else if spec.processes {
            let start = |id: &String| starter.agent(&world, id, None);
            registers.iter().map(start).collect::<anyhow::Result<_>>()?
        } else {
            vec![starter.agents(&world, &registers)?]
        };
        // Agents that are put together here tell nothing of how they stand.
        if !reduces_agents(&spec.without) {
            for (index, register) in registers.iter().enumerate() {
                // Its own part, or the one that has them all.
                let part = index.min(agents.len() - 1);
                if let (Some(part), Some(status)) =
                    (agents.get_mut(part), world.agent_status(register))
                {
                    wait_until_ready(&http, part, &format!("http://{status}/readyz")).await?;
                }
            }
        }
        let mut federation = Self {
            nodes: spec.nodes,
            relay,
            gateway,
            agents,
            apart,
            http,
            askers: spec.persons.min(ASKERS_MAX),
            idle: Resident::default(),
            world,
        };
        federation.idle = federation.resident()?;
        federation.wait_until_complete().await?;
        Ok(federation)
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let agents = self.agents.into_iter().chain(self.apart);
        for part in agents.chain([self.gateway, self.relay]) {
            part.stop().await?;
        }
        Ok(())
    }

    /// Tries until a listing is complete.
    pub(super) async fn wait_until_complete(&self) -> anyhow::Result<()> {
        let citizens = self.citizens(None).await?;
        for _ in 0..1500 {
            if citizens
                .listing(0)
                .await
                .is_ok_and(|listed| listed.complete)
            {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("no listing became complete")
    }

    /// Fresh callers: a token lasts five minutes, a benchmark longer.
    pub(super) async fn citizens(&self, deadline_ms: Option<u32>) -> anyhow::Result<Arc<Citizens>> {
        Ok(Arc::new(
            Citizens::new(&self.world, self.askers, deadline_ms).await?,
        ))
    }

    /// One run, what it cost and what was logged.
    pub(super) async fn run(&self, shape: Shape, duration: Duration) -> anyhow::Result<Ours> {
        let citizens = self.warmed_up(shape).await?;
        let before = self.logged().await?;
        let run = self.measure(citizens, shape, duration).await?;
        let after = self.logged().await?;
        let commits = after.commits - before.commits;
        Ok(Ours {
            run,
            log_fsyncs_per_second: commits / duration.as_secs_f64(),
            log_entries_per_fsync: (after.entries - before.entries) / commits,
        })
    }

    /// Fresh callers, after some load that is not counted.
    pub(super) async fn warmed_up(&self, shape: Shape) -> anyhow::Result<Arc<Citizens>> {
        let citizens = self.citizens(None).await?;
        load::run(citizens.clone(), shape, Duration::ZERO, WARM_UP).await?;
        Ok(citizens)
    }

    /// One run, and what it cost.
    pub(super) async fn measure(
        &self,
        citizens: Arc<Citizens>,
        shape: Shape,
        duration: Duration,
    ) -> anyhow::Result<Run> {
        let before = self.snapshot().await?;
        let load = load::run(citizens, shape, Duration::ZERO, duration).await?;
        let after = self.snapshot().await?;
        #[expect(clippy::cast_precision_loss, reason = "counts of legs")]
        let legs = (load.listings as f64) * (self.nodes as f64);
        let per_leg = |after: Usage, before: Usage| (after.cpu_us - before.cpu_us) / legs;
        Ok(Run {
            cpu_us_per_leg: CpuPerLeg {
                relay: per_leg(after.relay, before.relay),
                gateway: per_leg(after.gateway, before.gateway),
                agents: per_leg(after.agents, before.agents),
            },
            bytes_per_leg: (after.bytes_copied - before.bytes_copied) / legs,
            load,
        })
    }

    async fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let relay = self.metrics(self.world.relay_status()).await?;
        Ok(Snapshot {
            bytes_copied: metric(&relay, "innsyn_relay_bytes_copied_total")?,
            relay: usage(&self.relay)?,
            gateway: usage(&self.gateway)?,
            agents: usage_of_all(&self.agents)?,
        })
    }

    /// What all agents have logged.
    async fn logged(&self) -> anyhow::Result<Logged> {
        let mut logged = Logged::default();
        for metrics in self.agents_metrics().await? {
            logged.commits += metric(&metrics, "innsyn_agent_log_commits_total")?;
            logged.entries += metric(&metrics, "innsyn_agent_log_entries_total")?;
        }
        Ok(logged)
    }

    /// Every agent's metrics, in the registers' order.
    async fn agents_metrics(&self) -> anyhow::Result<Vec<String>> {
        let statuses = self
            .world
            .live()
            .filter_map(|register| self.world.agent_status(register.id().as_str()));
        try_join_all(statuses.map(|status| self.metrics(status))).await
    }

    fn metrics(&self, status: SocketAddr) -> BoxFuture<'_, anyhow::Result<String>> {
        let url = format!("http://{status}/metrics");
        Box::pin(async move { Ok(self.http.get(url).send().await?.text().await?) })
    }
}

/// What a part has used so far.
pub(super) fn usage(part: &Part) -> anyhow::Result<Usage> {
    Usage::of(
        part.pid()
            .with_context(|| format!("{} has ended", part.name))?,
    )
}

/// What parts have used so far, together.
pub(super) fn usage_of_all(parts: &[Part]) -> anyhow::Result<Usage> {
    parts.iter().map(usage).sum()
}

/// One value of a Prometheus text.
fn metric(text: &str, name: &str) -> anyhow::Result<f64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value
        .with_context(|| format!("no metric `{name}`"))?
        .parse()?)
}
