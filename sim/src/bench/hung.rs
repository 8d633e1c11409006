//! `bench hung`: what registers that hang cost everybody else.
//!
//! The same federation at half its capacity, in the open loop, with and without some agents
//! stopped: no listing may end later than its deadline and a little, and the answers of the rest
//! must come as fast as before. The agents are stopped when a run begins, so that all listings
//! of its first moments wait for them, and those after it do not. Where that does not hold, the
//! command fails.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use rustix::process::Signal;
use serde::Serialize;
use tokio::time::Instant;

use super::federation::{Federation, FederationSpec, Ground};
use super::report::Spread;
use crate::load::{self, Quantiles, Report, Shape};

/// How much later than its deadline a listing may end, but for one in a thousand.
const LATE_MS_MAX: f64 = 50.0;
/// How much slower the median answer of the healthy may come.
const ANSWER_P50_RATIO_MAX: f64 = 1.1;

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
    /// How long one run takes at least, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many listings one run has at least.
    #[arg(long, default_value_t = 2000)]
    listings: u64,
    /// Pairs of runs, without and with hung registers in turns.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    #[command(flatten)]
    ground: Ground,
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
    /// How long after their deadlines those listings ended that lasted until then, run by run.
    late_ms: Vec<Late>,
    /// From SIGCONT to the first complete listing, in milliseconds.
    complete_again_ms: Vec<f64>,
}

/// The listings of one run that lasted until their deadlines, and how much longer, in
/// milliseconds. Counted from when they were due.
#[derive(Debug, Clone, Copy, Serialize)]
struct Late {
    listings: u64,
    p50: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

impl Late {
    fn of(report: &Report, deadline_ms: u32) -> Self {
        let late = |ms: f64| ms - f64::from(deadline_ms);
        let Quantiles {
            p50,
            p99,
            p99_9,
            max,
        } = report.at_deadline_ms;
        Self {
            listings: report.at_deadline,
            p50: late(p50),
            p99: late(p99),
            p99_9: late(p99_9),
            max: late(max),
        }
    }
}

/// Runs the benchmark and prints its report as JSON. Fails if a bound does not hold.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: HungArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let logs = tempfile::tempdir_in(&args.ground.logs)?;
    let spec = FederationSpec {
        nodes: args.nodes,
        apart: args.hung,
        processes: false,
        without: Vec::new(),
        persons: args.ground.persons,
        logs: logs.path().to_owned(),
        gateway_threads: 1,
    };
    let federation = Federation::start(spec, folder.path()).await?;
    let seconds = Duration::from_secs(args.seconds);
    let capacity = federation
        .run(Shape::Closed { callers: 64 }, seconds)
        .await?;
    let per_second = capacity.run.load.per_second / 2.0;
    let open = Shape::Open { per_second };
    #[expect(clippy::cast_precision_loss, reason = "a count of listings")]
    let enough = Duration::try_from_secs_f64(args.listings as f64 / per_second)?;
    let (duration, none) = (seconds.max(enough), Duration::ZERO);
    let apart = federation.apart.as_ref().context("nobody is to hang")?;
    let mut pairs = Vec::new();
    let mut complete_again_ms = Vec::new();
    for _ in 0..args.pairs {
        let citizens = federation.citizens(Some(args.deadline_ms)).await?;
        let healthy = load::run(citizens.clone(), open, none, duration).await?;
        apart.signal(Signal::STOP)?;
        let hung = load::run(citizens.clone(), open, none, duration).await;
        apart.signal(Signal::CONT)?;
        let continued = Instant::now();
        federation.wait_until_complete().await?;
        complete_again_ms.push(continued.elapsed().as_secs_f64() * 1000.0);
        pairs.push((healthy, hung?));
    }
    let ratio = |of: fn(&Report) -> f64| {
        Spread::of(
            pairs
                .iter()
                .map(|(without, with)| of(with) / of(without))
                .collect(),
        )
    };
    let late = |(_, hung): &(Report, Report)| Late::of(hung, args.deadline_ms);
    let report = HungReport {
        nodes: args.nodes,
        hung: args.hung,
        deadline_ms: args.deadline_ms,
        per_second,
        answer_p50_ratio: ratio(|report| report.answer_ms.p50),
        answer_p99_ratio: ratio(|report| report.answer_ms.p99),
        late_ms: pairs.iter().map(late).collect(),
        complete_again_ms,
        pairs,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    federation.stop().await?;
    report.holds(args.listings)
}

impl HungReport {
    /// Says which bound does not hold.
    fn holds(&self, listings: u64) -> anyhow::Result<()> {
        for ((without, with), late) in self.pairs.iter().zip(&self.late_ms) {
            let failed = without.failed + with.failed;
            anyhow::ensure!(failed == 0, "{failed} listings of a pair failed");
            let made = without.listings.min(with.listings);
            anyhow::ensure!(made + 1 >= listings, "a run had only {made} listings");
            anyhow::ensure!(late.listings > 0, "no listing waited for those that hang");
            anyhow::ensure!(
                late.p99_9 <= LATE_MS_MAX,
                "one in a thousand of the listings that waited ended {:.0} ms or more after its \
                 deadline; at most {LATE_MS_MAX} ms are allowed",
                late.p99_9
            );
        }
        let ratio = self.answer_p50_ratio.median;
        anyhow::ensure!(
            ratio <= ANSWER_P50_RATIO_MAX,
            "with registers that hang, the others' median answer took {ratio:.2} times as long; \
             at most {ANSWER_P50_RATIO_MAX} times are allowed"
        );
        Ok(())
    }
}
