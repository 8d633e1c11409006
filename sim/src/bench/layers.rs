//! `bench layers`: what each layer costs, by leaving it out once.
//!
//! Two whole federations stand beside each other, one with a layer and one without, and are loaded
//! in turns. The one without is put together here, from the parts and seams of the libraries;
//! neither broker nor agent has a switch that would leave something out.

mod agents;
mod gateway;
mod service;

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::federation::{Federation, FederationSpec, Ground};
use super::listing::load_average;
use super::report::{Run, Spread};
use crate::load::Shape;

pub use agents::run as reduced_agent;
pub use gateway::run as reduced_gateway;

/// Something that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// TLS between caller and gateway.
    CallerTls,
    /// The verification of the citizen's token; its claims are believed.
    Token,
    /// The relay and the outer TLS; gateway and agent speak the inner TLS directly.
    Relay,
    /// The log's wait for the disk.
    Sync,
    /// What the agent remembers of questions, to answer and count each once; and the caps.
    Repeats,
    /// The log of use and its heads; answers carry a made-up leaf.
    Log,
    /// Decision and look-up; nobody is registered.
    Decision,
}

impl Layer {
    /// Whether a gateway is another one without it.
    const fn is_in_gateway(self) -> bool {
        matches!(self, Self::Token | Self::Relay)
    }

    /// Whether agents are others without it.
    const fn is_in_agents(self) -> bool {
        !matches!(self, Self::CallerTls | Self::Token)
    }
}

/// Whether the gateway must be put together for this.
pub(super) fn reduces_gateway(without: &[Layer]) -> bool {
    without.iter().any(|layer| layer.is_in_gateway())
}

/// Whether the agents must be put together for this.
pub(super) fn reduces_agents(without: &[Layer]) -> bool {
    without.iter().any(|layer| layer.is_in_agents())
}

/// What is compared: a name, what both sides lack, and what one of them lacks besides.
type Comparison = (&'static str, &'static [Layer], &'static [Layer]);

/// Every layer once. Log and decision are left out of an agent of our own, which has no memory of
/// questions; that memory is a row of its own.
const COMPARISONS: [Comparison; 8] = [
    ("tls to the caller", &[], &[Layer::CallerTls]),
    ("token", &[], &[Layer::Token]),
    ("relay and outer tls", &[], &[Layer::Relay]),
    ("sync of the log", &[], &[Layer::Sync]),
    ("memory of questions, caps", &[], &[Layer::Repeats]),
    ("log of use", &[Layer::Repeats], &[Layer::Log]),
    (
        "decision and look-up",
        &[Layer::Repeats],
        &[Layer::Decision],
    ),
    (
        "all but transport",
        &[],
        &[
            Layer::CallerTls,
            Layer::Token,
            Layer::Repeats,
            Layer::Log,
            Layer::Decision,
        ],
    ),
];

/// What `bench layers` is asked.
#[derive(Debug, Args)]
pub struct LayersArgs {
    /// Registers asked; at most 92.
    #[arg(long, default_value_t = 70)]
    nodes: usize,
    /// Callers at once, each asking again when answered.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// How long one run takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Pairs of runs, with and without a layer in turns.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    #[command(flatten)]
    ground: Ground,
    /// Print every run as JSON; without it, one line for each layer.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct LayersReport {
    nodes: usize,
    concurrency: usize,
    persons: u32,
    seconds: u64,
    logs_on: String,
    /// The disk under the logs: append of 4 KiB with fdatasync, in microseconds.
    fdatasync_us: Spread,
    layers: Vec<LayerCost>,
    /// What stood beside us: load average before and after.
    load_average: (f64, f64),
}

/// What one layer costs.
#[derive(Serialize)]
struct LayerCost {
    layer: &'static str,
    /// What neither side had.
    both_without: &'static [Layer],
    /// What the second side lacked besides.
    without: &'static [Layer],
    /// Fan-outs per second with the layer, and without.
    fan_outs_per_second: (Spread, Spread),
    /// Fan-outs per second, without the layer over with it, pair by pair.
    throughput_ratio: Spread,
    /// CPU that the layer takes, in microseconds per leg: with it less without, pair by pair.
    cpu_us_per_leg: CpuSpread,
    /// Interleaved: with, without, with, without …
    pairs: Vec<(Run, Run)>,
}

#[derive(Serialize)]
struct CpuSpread {
    relay: Spread,
    gateway: Spread,
    agents: Spread,
}

/// Runs the benchmark and prints its report.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: LayersArgs) -> anyhow::Result<()> {
    let logs = tempfile::tempdir_in(&args.ground.logs)?;
    let fdatasync_us = super::disk::append_us(logs.path())?;
    let before = load_average()?;
    let mut layers = Vec::new();
    for comparison in COMPARISONS {
        let cost = Box::pin(compare(comparison, &args)).await?;
        if !args.json {
            println!("{}", line(&cost));
        }
        layers.push(cost);
    }
    let report = LayersReport {
        nodes: args.nodes,
        concurrency: args.concurrency,
        persons: args.ground.persons,
        seconds: args.seconds,
        logs_on: args.ground.logs.display().to_string(),
        fdatasync_us,
        layers,
        load_average: (before, load_average()?),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

async fn compare(
    (layer, both_without, without): Comparison,
    args: &LayersArgs,
) -> anyhow::Result<LayerCost> {
    // Kept until both federations are down.
    let (folder, logs) = (
        tempfile::tempdir()?,
        tempfile::tempdir_in(&args.ground.logs)?,
    );
    let start = async |name: &str, without: Vec<Layer>| {
        let spec = FederationSpec {
            nodes: args.nodes,
            apart: 0,
            processes: false,
            without,
            persons: args.ground.persons,
            logs: logs.path().join(name),
            gateway_threads: 1,
        };
        Federation::start(spec, &folder.path().join(name)).await
    };
    let whole = start("with", both_without.to_vec()).await?;
    let reduced = start("without", [both_without, without].concat()).await?;
    let shape = Shape::Closed {
        callers: args.concurrency,
    };
    let duration = Duration::from_secs(args.seconds);
    let mut pairs = Vec::with_capacity(args.pairs);
    for _ in 0..args.pairs {
        let citizens = whole.warmed_up(shape).await?;
        let with = whole.measure(citizens, shape, duration).await?;
        let citizens = reduced.warmed_up(shape).await?;
        pairs.push((with, reduced.measure(citizens, shape, duration).await?));
    }
    whole.stop().await?;
    reduced.stop().await?;
    Ok(LayerCost::new(layer, both_without, without, pairs))
}

impl LayerCost {
    fn new(
        layer: &'static str,
        both_without: &'static [Layer],
        without: &'static [Layer],
        pairs: Vec<(Run, Run)>,
    ) -> Self {
        let spread = |of: fn(&(Run, Run)) -> f64| Spread::of(pairs.iter().map(of).collect());
        Self {
            layer,
            both_without,
            without,
            fan_outs_per_second: (
                spread(|(with, _)| with.load.per_second),
                spread(|(_, without)| without.load.per_second),
            ),
            throughput_ratio: spread(|(with, without)| {
                without.load.per_second / with.load.per_second
            }),
            cpu_us_per_leg: CpuSpread {
                relay: spread(|(with, without)| {
                    with.cpu_us_per_leg.relay - without.cpu_us_per_leg.relay
                }),
                gateway: spread(|(with, without)| {
                    with.cpu_us_per_leg.gateway - without.cpu_us_per_leg.gateway
                }),
                agents: spread(|(with, without)| {
                    with.cpu_us_per_leg.agents - without.cpu_us_per_leg.agents
                }),
            },
            pairs,
        }
    }

    /// Listings that failed or were not complete.
    fn amiss(&self) -> u64 {
        let runs = self
            .pairs
            .iter()
            .flat_map(|(with, without)| [with, without]);
        runs.map(|run| run.load.failed + run.load.incomplete).sum()
    }
}

fn line(cost: &LayerCost) -> String {
    let (with, without) = &cost.fan_outs_per_second;
    let ratio = &cost.throughput_ratio;
    let cpu = |name: &str, us: &Spread| {
        format!(
            "{name} {:+.2} ({:+.2} to {:+.2})",
            us.median, us.min, us.max
        )
    };
    format!(
        "{:<26} fan-outs/s {:>5.0} with, {:>5.0} without: {:.2}x ({:.2}-{:.2}) | costs us/leg {}, \
         {}, {} | amiss {}",
        cost.layer,
        with.median,
        without.median,
        ratio.median,
        ratio.min,
        ratio.max,
        cpu("relay", &cost.cpu_us_per_leg.relay),
        cpu("gateway", &cost.cpu_us_per_leg.gateway),
        cpu("agents", &cost.cpu_us_per_leg.agents),
        cost.amiss(),
    )
}
