//! `bench listing`: our whole federation against the naive design, in turns.
//!
//! Relay, gateway, all agents and the load are processes of their own, with everything on: both
//! layers of TLS, TLS to the caller, token, decision, index, durable log. The naive design has
//! TLS and nothing else. Both have one process for all agents, so that 70 agents on few cores are
//! not mostly context switches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use innsyn_proto::clock::SystemClock;
use tokio::time::sleep;

use super::naive::{NaiveCaller, NaiveFederation, Runtime};
use super::report::{AtConcurrency, CpuPerLeg, ListingReport, Naive, Ours, Resident};
use super::usage::Usage;
use crate::load::{self, Citizens, MakeListing, Shape};
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::world::{World, WorldSpec};

/// Listings before a run that are not counted.
const WARM_UP: Duration = Duration::from_millis(500);
/// How long a runtime of the naive design is tried to see which is better.
const TRY: Duration = Duration::from_secs(2);

/// What `bench listing` is asked.
#[derive(Debug, Args)]
pub struct ListingArgs {
    /// Registers asked; at most 92.
    #[arg(long, default_value_t = 70)]
    nodes: usize,
    /// Callers at once, each asking again when answered.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    concurrency: Vec<usize>,
    /// How long one run takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Pairs of runs, ours and naive in turns.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How many people live in the country.
    #[arg(long, default_value_t = 10_000)]
    persons: u32,
    /// The folder for the logs of use: a tmpfs for the cost of everything but the disk.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    logs: PathBuf,
    /// Threads of the gateway.
    #[arg(long, default_value_t = 1)]
    gateway_threads: usize,
    /// Print every run as JSON; without it, one line for each concurrency.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its report.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: ListingArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let logs = tempfile::tempdir_in(&args.logs)?;
    let fdatasync_us = super::disk::append_us(logs.path())?;
    let before = load_average()?;
    let ours = Federation::start(&args, folder.path(), logs.path()).await?;
    let naive = NaiveFederation::start(folder.path(), args.nodes).await?;

    let mut at = Vec::new();
    for concurrency in &args.concurrency {
        let measured = compare(&ours, &naive, *concurrency, &args).await?;
        if !args.json {
            println!("{}", line(&measured));
        }
        at.push(measured);
    }
    let report = ListingReport {
        nodes: args.nodes,
        persons: args.persons,
        seconds: args.seconds,
        logs_on: args.logs.display().to_string(),
        fdatasync_us,
        resident: ours.resident()?,
        at,
        load_average: (before, load_average()?),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!(
            "resident MB: relay {:.1}, gateway {:.1}, agents {:.1}; fdatasync {:.0} us",
            megabytes(report.resident.relay),
            megabytes(report.resident.gateway),
            megabytes(report.resident.agents),
            report.fdatasync_us.median,
        );
    }
    ours.stop().await
}

fn line(at: &AtConcurrency) -> String {
    let Some((ours, naive)) = at.pairs.get(at.pairs.len() / 2) else {
        return String::new();
    };
    format!(
        "c={:<4} ours {:>7.0}/s p50 {:>7.2} p99 {:>7.2} ms | naive ({}) {:>6.0}/s p50 {:>7.2} ms | \
         ratio {:.1}x ({:.1}-{:.1}) p50 {:.2}x | us/leg relay {:.2} gateway {:.2} agents {:.2} | \
         {:.0} B/leg | {:.0} fsync/s, {:.1} entries each | failed {} incomplete {}",
        at.concurrency,
        ours.load.per_second,
        ours.load.listing_ms.p50,
        ours.load.listing_ms.p99,
        at.naive_runtime,
        naive.load.per_second,
        naive.load.listing_ms.p50,
        at.throughput_ratio.median,
        at.throughput_ratio.min,
        at.throughput_ratio.max,
        at.p50_ratio.median,
        ours.cpu_us_per_leg.relay,
        ours.cpu_us_per_leg.gateway,
        ours.cpu_us_per_leg.agents,
        ours.bytes_per_leg,
        ours.log_fsyncs_per_second,
        ours.log_entries_per_fsync,
        ours.load.failed,
        ours.load.incomplete,
    )
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn load_average() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("no load average")?.parse()?)
}

/// Pairs of runs, ours and naive in turns, against the better of naive's runtimes.
async fn compare(
    ours: &Federation,
    naive: &NaiveFederation,
    concurrency: usize,
    args: &ListingArgs,
) -> anyhow::Result<AtConcurrency> {
    let mut best = (Runtime::OneThread, 0.0);
    for runtime in [Runtime::OneThread, Runtime::AllCores] {
        let tried = naive.run(runtime, concurrency, TRY).await?;
        if tried.load.per_second > best.1 {
            best = (runtime, tried.load.per_second);
        }
    }
    let duration = Duration::from_secs(args.seconds);
    let mut pairs: Vec<(Ours, Naive)> = Vec::with_capacity(args.pairs);
    for _ in 0..args.pairs {
        let ours = ours.run(concurrency, duration).await?;
        pairs.push((ours, naive.run(best.0, concurrency, duration).await?));
    }
    Ok(AtConcurrency::new(concurrency, best.0.name(), pairs))
}

/// Our federation, up.
struct Federation {
    world: World,
    nodes: usize,
    relay: Part,
    gateway: Part,
    agents: Part,
    http: reqwest::Client,
    persons: u32,
}

/// What all parts have used up to a moment.
struct Snapshot {
    relay: Usage,
    gateway: Usage,
    agents: Usage,
    bytes_copied: f64,
    log_commits: f64,
    log_entries: f64,
}

impl Federation {
    async fn start(args: &ListingArgs, folder: &Path, logs: &Path) -> anyhow::Result<Self> {
        let mut spec = WorldSpec::new(args.persons, 1);
        spec.invented_registers = 15;
        spec.live_only = Some(args.nodes);
        spec.gateway_tls = true;
        spec.gateway_threads = args.gateway_threads;
        spec.logs = Some(logs.to_owned());
        spec.questions_per_minute_max = u32::MAX;
        spec.questions_per_day_max = u32::MAX;
        "warn".clone_into(&mut spec.log_filter);
        let folder = folder.join("world");
        let world = tokio::task::spawn_blocking(move || {
            World::build(&folder, &spec, &SystemClock, &ProgressBar::hidden())
        })
        .await??;
        let (starter, http) = (Starter::this_program()?, http()?);
        let mut relay = starter.relay(&world)?;
        let relay_ready = format!("http://{}/readyz", world.relay_status());
        wait_until_ready(&http, &mut relay, &relay_ready).await?;
        let gateway = starter.gateway(&world)?;
        let mut agents = starter.agents(&world)?;
        for register in world.live() {
            let status = world
                .agent_status(register.id().as_str())
                .context("no such agent")?;
            let ready = format!("http://{status}/readyz");
            wait_until_ready(&http, &mut agents, &ready).await?;
        }
        let ours = Self {
            world,
            nodes: args.nodes,
            relay,
            gateway,
            agents,
            http,
            persons: args.persons,
        };
        ours.wait_until_complete().await?;
        Ok(ours)
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.agents.stop().await?;
        self.gateway.stop().await?;
        self.relay.stop().await
    }

    /// Tries until a listing is complete.
    async fn wait_until_complete(&self) -> anyhow::Result<()> {
        let citizens = self.citizens().await?;
        for _ in 0..500 {
            if citizens.listing(0).await?.complete {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("no listing became complete")
    }

    /// Fresh callers: a token lasts five minutes, a benchmark longer.
    async fn citizens(&self) -> anyhow::Result<Arc<Citizens>> {
        Ok(Arc::new(
            Citizens::new(&self.world, self.persons.min(200), None).await?,
        ))
    }

    async fn run(&self, callers: usize, duration: Duration) -> anyhow::Result<Ours> {
        let citizens = self.citizens().await?;
        load::run(
            citizens.clone(),
            Shape::Closed { callers },
            Duration::ZERO,
            WARM_UP,
        )
        .await?;
        let before = self.snapshot().await?;
        let load = load::run(
            citizens,
            Shape::Closed { callers },
            Duration::ZERO,
            duration,
        )
        .await?;
        let after = self.snapshot().await?;
        #[expect(clippy::cast_precision_loss, reason = "counts of legs")]
        let legs = (load.listings as f64) * (self.nodes as f64);
        let per_leg = |after: Usage, before: Usage| (after.cpu_us - before.cpu_us) / legs;
        let commits = after.log_commits - before.log_commits;
        Ok(Ours {
            cpu_us_per_leg: CpuPerLeg {
                relay: per_leg(after.relay, before.relay),
                gateway: per_leg(after.gateway, before.gateway),
                agents: per_leg(after.agents, before.agents),
            },
            bytes_per_leg: (after.bytes_copied - before.bytes_copied) / legs,
            log_fsyncs_per_second: commits / duration.as_secs_f64(),
            log_entries_per_fsync: (after.log_entries - before.log_entries) / commits,
            load,
        })
    }

    async fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let usage = |part: &Part| Usage::of(part.pid().context("a part has ended")?);
        let relay = format!("http://{}/metrics", self.world.relay_status());
        let relay_metrics = self.http.get(relay).send().await?.text().await?;
        let (mut log_commits, mut log_entries) = (0.0, 0.0);
        let statuses = self
            .world
            .live()
            .filter_map(|register| self.world.agent_status(register.id().as_str()));
        let fetch = |status| -> BoxFuture<'_, anyhow::Result<String>> {
            let url = format!("http://{status}/metrics");
            Box::pin(async move { Ok(self.http.get(url).send().await?.text().await?) })
        };
        for metrics in futures::future::try_join_all(statuses.map(fetch)).await? {
            log_commits += metric(&metrics, "innsyn_agent_log_commits_total")?;
            log_entries += metric(&metrics, "innsyn_agent_log_entries_total")?;
        }
        Ok(Snapshot {
            relay: usage(&self.relay)?,
            gateway: usage(&self.gateway)?,
            agents: usage(&self.agents)?,
            bytes_copied: metric(&relay_metrics, "innsyn_relay_bytes_copied_total")?,
            log_commits,
            log_entries,
        })
    }

    fn resident(&self) -> anyhow::Result<Resident> {
        let of = |part: &Part| -> anyhow::Result<u64> {
            Ok(Usage::of(part.pid().context("a part has ended")?)?.resident_bytes)
        };
        Ok(Resident {
            relay: of(&self.relay)?,
            gateway: of(&self.gateway)?,
            agents: of(&self.agents)?,
        })
    }
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

impl NaiveFederation {
    async fn run(
        &self,
        runtime: Runtime,
        callers: usize,
        duration: Duration,
    ) -> anyhow::Result<Naive> {
        let (gateway, agents) = self.parts(runtime);
        let caller: Arc<NaiveCaller> = Arc::new(self.caller(runtime).await?);
        load::run(
            caller.clone(),
            Shape::Closed { callers },
            Duration::ZERO,
            WARM_UP,
        )
        .await?;
        let usage = |part: &Part| Usage::of(part.pid().context("a part has ended")?);
        let before = (usage(gateway)?, usage(agents)?);
        let load = load::run(caller, Shape::Closed { callers }, Duration::ZERO, duration).await?;
        let after = (usage(gateway)?, usage(agents)?);
        #[expect(clippy::cast_precision_loss, reason = "counts of legs")]
        let legs = (load.listings as f64) * (self.nodes as f64);
        Ok(Naive {
            load,
            gateway_us_per_leg: (after.0.cpu_us - before.0.cpu_us) / legs,
            agents_us_per_leg: (after.1.cpu_us - before.1.cpu_us) / legs,
        })
    }
}
