//! `bench listing`: our whole federation against the naive design, in turns.
//!
//! Relay, gateway, all agents and the load are processes of their own, with everything on: both
//! layers of TLS, TLS to the caller, token, decision, index, durable log. The naive design has
//! TLS and nothing else. Both have one process for all agents, so that 70 agents on few cores are
//! not mostly context switches, or both have a process for each, as in life.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::federation::{Federation, FederationSpec, Ground, WARM_UP, usage, usage_of_all};
use super::naive::{NaiveCaller, NaiveFederation, Runtime};
use super::report::{AtConcurrency, ListingReport, Naive, Ours};
use crate::load::{self, Shape};

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
    #[command(flatten)]
    ground: Ground,
    /// Threads of the gateway.
    #[arg(long, default_value_t = 1)]
    gateway_threads: usize,
    /// Give every agent a process of its own, ours and naive.
    #[arg(long)]
    processes: bool,
    /// Print every run as JSON; without it, one line for each concurrency.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its report.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: ListingArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let logs = tempfile::tempdir_in(&args.ground.logs)?;
    let fdatasync_us = super::disk::append_us(logs.path())?;
    let before = load_average()?;
    let spec = FederationSpec {
        nodes: args.nodes,
        apart: 0,
        processes: args.processes,
        without: Vec::new(),
        persons: args.ground.persons,
        logs: logs.path().to_owned(),
        gateway_threads: args.gateway_threads,
    };
    let ours = Federation::start(spec, folder.path()).await?;
    let naive = NaiveFederation::start(folder.path(), args.nodes, args.processes).await?;

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
        persons: args.ground.persons,
        seconds: args.seconds,
        logs_on: args.ground.logs.display().to_string(),
        fdatasync_us,
        resident_idle: ours.idle.clone(),
        resident: ours.resident()?,
        agents_memory: ours.agents_memory().await?,
        at,
        load_average: (before, load_average()?),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", memory(&report));
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
        ours.run.load.per_second,
        ours.run.load.listing_ms.p50,
        ours.run.load.listing_ms.p99,
        at.naive_runtime,
        naive.load.per_second,
        naive.load.listing_ms.p50,
        at.throughput_ratio.median,
        at.throughput_ratio.min,
        at.throughput_ratio.max,
        at.p50_ratio.median,
        ours.run.cpu_us_per_leg.relay,
        ours.run.cpu_us_per_leg.gateway,
        ours.run.cpu_us_per_leg.agents,
        ours.run.bytes_per_leg,
        ours.log_fsyncs_per_second,
        ours.log_entries_per_fsync,
        ours.run.load.failed,
        ours.run.load.incomplete,
    )
}

fn memory(report: &ListingReport) -> String {
    let (idle, after) = (&report.resident_idle, &report.resident);
    let mut text = format!(
        "resident MB: relay {:.1}, gateway {:.1}, agents {:.1} (idle {:.1}, {:.1}, {:.1}); \
         fdatasync {:.0} us",
        megabytes(after.relay),
        megabytes(after.gateway),
        megabytes(after.agents),
        megabytes(idle.relay),
        megabytes(idle.gateway),
        megabytes(idle.agents),
        report.fdatasync_us.median,
    );
    if let Some(agents) = &report.agents_memory {
        for (when, memory) in [
            ("idle", agents.resident_idle),
            (
                "idle without 24 bytes per person",
                agents.resident_idle_without_persons,
            ),
            ("after the load", agents.resident),
        ] {
            let (mean, largest) = (megabytes(memory.mean), megabytes(memory.largest));
            let _infallible = write!(
                text,
                "\nresident MB per agent, {when}: mean {mean:.1}, largest {largest:.1}"
            );
        }
        let persons = agents.each.iter().map(|agent| agent.persons);
        let (least, most) = (persons.clone().min(), persons.max());
        let _infallible = write!(
            text,
            "\npersons per register: {} to {}",
            least.unwrap_or_default(),
            most.unwrap_or_default()
        );
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// How many processes want to run, over the last minute.
pub(super) fn load_average() -> anyhow::Result<f64> {
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
        let ours = ours
            .run(
                Shape::Closed {
                    callers: concurrency,
                },
                duration,
            )
            .await?;
        pairs.push((ours, naive.run(best.0, concurrency, duration).await?));
    }
    Ok(AtConcurrency::new(concurrency, best.0.name(), pairs))
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
        let before = (usage(gateway)?, usage_of_all(agents)?);
        let load = load::run(caller, Shape::Closed { callers }, Duration::ZERO, duration).await?;
        let after = (usage(gateway)?, usage_of_all(agents)?);
        #[expect(clippy::cast_precision_loss, reason = "counts of legs")]
        let legs = (load.listings as f64) * (self.nodes as f64);
        Ok(Naive {
            load,
            gateway_us_per_leg: (after.0.cpu_us - before.0.cpu_us) / legs,
            agents_us_per_leg: (after.1.cpu_us - before.1.cpu_us) / legs,
        })
    }
}
