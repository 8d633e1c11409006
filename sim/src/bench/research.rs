//! `bench research`: a researcher's queries over all registers, against DuckDB over the pooled data.
//!
//! Ours is everything: gateway, relay, both layers of TLS and every agent, with data permit,
//! settings, log of use and disclosure control. DuckDB is the engine alone, over one Parquet file
//! with numbers for persons, and with nobody left out. Both are asked the same in turns, the
//! number of different persons in every cell included, and what we show is held against what
//! DuckDB counts of those who may be counted. A second federation over the same data, of whom
//! nobody has reserved themselves, tells what consent costs.
//!
//! With `--counts` it asks one small count again and again instead, and with `--memory` it watches
//! what the agents hold; both without DuckDB.

mod check;
mod data;
mod duckdb;
mod federation;
mod memory;
mod queries;
mod report;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use innsyn_proto::wire::research::v1 as wire;

use super::listing::load_average;
use data::{DataSpec, POOLED};
use duckdb::DuckDb;
use federation::Federation;
use queries::{Both, TABLE};
use report::{Bar, Counts, Pair, Report, Side};

/// Runs of each query that are not counted.
const WARM_UP: usize = 1;
/// The most that our time may be of DuckDB's.
const RATIO_MAX: f64 = 0.5;
/// The most that our time may be of the time without reservations.
const CONSENT_MAX: f64 = 1.1;
/// The most that the median small count may take, in milliseconds.
const COUNT_MS_MAX: f64 = 100.0;

/// What `bench research` is asked.
#[derive(Debug, Args)]
pub struct ResearchArgs {
    /// Events of all registers together.
    #[arg(long, default_value_t = 5_000_000)]
    rows: u64,
    /// Persons of all registers together.
    #[arg(long, default_value_t = 1_000_000)]
    persons: u32,
    /// Registers, which share the persons among them.
    #[arg(long, default_value_t = 10)]
    nodes: usize,
    /// Rounds of each query: with reservations, DuckDB, without.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// A Python that has what `requirements.txt` beside the script names: DuckDB.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["counts", "memory"])]
    python: Option<PathBuf>,
    /// Ask only the queries whose name has this in it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Ask so many small counts and nothing else.
    #[arg(long, conflicts_with = "memory")]
    counts: Option<usize>,
    /// Watch the agents' memory and nothing else.
    #[arg(long)]
    memory: bool,
    /// Where data, snapshots and logs are: a tmpfs for the cost of everything but the disk, which
    /// registers do not share in life.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    folder: PathBuf,
    /// Print every run as JSON; without it, one line for each query.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its report; fails if a bar does not hold.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: ResearchArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&args.folder)?;
    let mut report = Report {
        rows: args.rows,
        persons: args.persons,
        nodes: args.nodes,
        folder: args.folder.display().to_string(),
        fdatasync_us: super::disk::append_us(folder.path())?,
        load_average: (load_average()?, 0.0),
        ..Report::default()
    };
    if let Some(runs) = args.counts {
        let mut ours = ours(&args, folder.path(), None).await?;
        report.counts = Some(counts(&mut ours, runs).await?);
        ours.stop().await?;
    } else if args.memory {
        let mut ours = ours(&args, folder.path(), None).await?;
        report.memory = Some(memory::watch(&mut ours).await?);
        ours.stop().await?;
    } else {
        let python = args.python.as_deref().context("`--python` is missing")?;
        compare(&args, python, folder.path(), &mut report).await?;
    }
    report.load_average.1 = load_average()?;
    report.bars = bars(&report);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    let broken: Vec<String> = report.bars.iter().filter_map(Bar::broken).collect();
    anyhow::ensure!(broken.is_empty(), "{}", broken.join("; "));
    Ok(())
}

async fn ours(
    args: &ResearchArgs,
    folder: &Path,
    pooled: Option<PathBuf>,
) -> anyhow::Result<Federation> {
    let spec = DataSpec {
        rows: args.rows,
        persons: args.persons,
        with_reservations: true,
    };
    Federation::start(&folder.join("with"), args.nodes, spec, pooled).await
}

/// Every query, in turns by the three sides.
async fn compare(
    args: &ResearchArgs,
    python: &Path,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pooled = folder.join(POOLED);
    let mut with = ours(args, folder, Some(pooled.clone())).await?;
    let spec = DataSpec {
        rows: args.rows,
        persons: args.persons,
        with_reservations: false,
    };
    let mut without = Federation::start(&folder.join("without"), args.nodes, spec, None).await?;
    let mut duckdb = DuckDb::start(python, &pooled).await?;
    report.duckdb = Some(duckdb.about.clone());
    let wanted = queries::all().into_iter();
    for both in wanted.filter(|both| both.name.contains(&args.only)) {
        let cells_checked = checked(&both, &mut with, &mut duckdb).await?;
        let mut pairs = Vec::with_capacity(args.pairs);
        for round in 0..args.pairs.saturating_add(WARM_UP) {
            let pair = Pair {
                ours: side(&mut with, &both.query).await?,
                duckdb_ms: duckdb.ask(&both.sql.replace(TABLE, "events")).await?.ms,
                without_reservations: side(&mut without, &both.query).await?,
            };
            if round >= WARM_UP {
                pairs.push(pair);
            }
        }
        report.add(both.name, cells_checked, pairs);
    }
    with.stop().await?;
    without.stop().await
}

/// How many cells that we show are what DuckDB counts; fails if one is not.
async fn checked(both: &Both, ours: &mut Federation, duckdb: &mut DuckDb) -> anyhow::Result<usize> {
    let table = ours.ask(&both.query).await?.table;
    let truth = duckdb.ask(&both.sql.replace(TABLE, "included")).await?;
    check::agree(&table, &truth.rows, both.dimensions)
        .with_context(|| format!("the answers to `{}` differ", both.name))
}

/// One run of ours, and what it cost the agents.
async fn side(ours: &mut Federation, query: &wire::Query) -> anyhow::Result<Side> {
    let before = ours.agents()?;
    let asked = ours.ask(query).await?;
    let after = ours.agents()?;
    Ok(Side {
        ms: asked.ms,
        agents_cpu_ms: (after.cpu_us - before.cpu_us) / 1000.0,
    })
}

/// One count, again and again.
async fn counts(ours: &mut Federation, runs: usize) -> anyhow::Result<Counts> {
    let query = queries::count();
    let mut ms = Vec::with_capacity(runs);
    for run in 0..runs.saturating_add(WARM_UP) {
        let asked = ours.ask(&query).await?;
        if run >= WARM_UP {
            ms.push(asked.ms);
        }
    }
    Ok(Counts::of(ms))
}

/// What must hold of the report.
fn bars(report: &Report) -> Vec<Bar> {
    let mut bars = Vec::new();
    for query in &report.queries {
        bars.push(Bar::new(
            format!("{}: ours over DuckDB", query.name),
            query.ratio.median,
            RATIO_MAX,
        ));
    }
    if let Some(consent) = report.consent() {
        let what = "all queries: with reservations over without".to_owned();
        bars.push(Bar::new(what, consent, CONSENT_MAX));
    }
    if let Some(counts) = &report.counts {
        let what = "count: median in ms".to_owned();
        bars.push(Bar::new(what, counts.p50_ms, COUNT_MS_MAX));
    }
    if let Some(memory) = &report.memory {
        let what = "an agent's memory for queries over what is configured".to_owned();
        bars.push(Bar::new(what, memory.used_of_configured, 1.0));
    }
    bars
}
