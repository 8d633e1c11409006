//! `bench hung`: what registers that hang cost everybody else.
//!
//! The same federation at half its capacity, in the open loop, with and without some agents
//! stopped: no listing may end later than its deadline and a little, and the answers of the rest
//! must come as fast as before.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use rustix::process::Signal;
use serde::Serialize;

use super::federation::{Federation, FederationSpec};
use super::report::Spread;
use crate::load::{self, Report, Shape};

/// What `bench hung` is asked.
#[derive(Debug, Args)]
pub struct HungArgs {
    /// Registers asked.
    #[arg(long, default_value_t = 98)]
    nodes: usize,
    /// Of these, how many hang.
    #[arg(long, default_value_t = 10)]
    hung: usize,
    /// The deadline of each listing, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    deadline_ms: u32,
    /// How long one run takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Pairs of runs, without and with hung registers in turns.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How many people live in the country.
    #[arg(long, default_value_t = 10_000)]
    persons: u32,
    /// The folder for the logs of use.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    logs: PathBuf,
}

#[derive(Serialize)]
struct HungReport {
    nodes: usize,
    hung: usize,
    deadline_ms: u32,
    /// Listings per second: half of what a closed loop of 64 callers reached.
    per_second: f64,
    /// First without, then with hung registers.
    pairs: Vec<(Report, Report)>,
    /// Median time to an answer of the healthy, with over without, pair by pair.
    answer_p50_ratio: Spread,
    answer_p99_ratio: Spread,
    /// The latest end of any listing with hung registers, after its deadline, in milliseconds.
    latest_after_deadline_ms: f64,
    /// The first listing after the registers hang, which waits for them.
    first_listing_ms: Vec<f64>,
    /// From SIGCONT to the first complete listing, in milliseconds.
    complete_again_ms: Vec<f64>,
}

/// Runs the benchmark and prints its report as JSON.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: HungArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let logs = tempfile::tempdir_in(&args.logs)?;
    let spec = FederationSpec {
        nodes: args.nodes,
        apart: args.hung,
        processes: false,
        without: Vec::new(),
        persons: args.persons,
        logs: logs.path().to_owned(),
        gateway_threads: 1,
    };
    let federation = Federation::start(spec, folder.path()).await?;
    let duration = Duration::from_secs(args.seconds);
    let capacity = federation
        .run(Shape::Closed { callers: 64 }, duration)
        .await?;
    let per_second = capacity.run.load.per_second / 2.0;
    let open = Shape::Open { per_second };
    let apart = federation.apart.as_ref().context("nobody is to hang")?;
    let mut pairs = Vec::new();
    let (mut first_listing_ms, mut complete_again_ms) = (Vec::new(), Vec::new());
    for _ in 0..args.pairs {
        let citizens = federation.citizens(Some(args.deadline_ms)).await?;
        let none = Duration::ZERO;
        let healthy = load::run(citizens.clone(), open, none, duration).await?;
        apart.signal(Signal::STOP)?;
        let first = load::run(
            citizens.clone(),
            Shape::Closed { callers: 1 },
            none,
            Duration::from_millis(1),
        )
        .await?;
        first_listing_ms.push(first.listing_ms.max);
        let hung = load::run(citizens.clone(), open, none, duration).await?;
        apart.signal(Signal::CONT)?;
        let continued = tokio::time::Instant::now();
        federation.wait_until_complete().await?;
        complete_again_ms.push(continued.elapsed().as_secs_f64() * 1000.0);
        pairs.push((healthy, hung));
    }
    let ratio = |of: fn(&Report) -> f64| {
        Spread::of(
            pairs
                .iter()
                .map(|(without, with)| of(with) / of(without))
                .collect(),
        )
    };
    let latest = pairs
        .iter()
        .map(|(_, with)| with.listing_ms.max)
        .chain(first_listing_ms.iter().copied())
        .fold(0.0, f64::max);
    let report = HungReport {
        nodes: args.nodes,
        hung: args.hung,
        deadline_ms: args.deadline_ms,
        per_second,
        answer_p50_ratio: ratio(|report| report.answer_ms.p50),
        answer_p99_ratio: ratio(|report| report.answer_ms.p99),
        latest_after_deadline_ms: latest - f64::from(args.deadline_ms),
        first_listing_ms,
        complete_again_ms,
        pairs,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    federation.stop().await
}
