//! The command line of `innsyn-sim`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::country::{Country, Role};
use crate::demo::{self, DemoSpec};
use crate::faults::SlowDialler;
use crate::population::PopulationSpec;
use crate::registers::folder::Content;
use crate::world::{World, WorldSpec};

/// Where the demo's gateway listens.
const DEMO_GATEWAY: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// An invented Norway to try Innsyn on. Without a command: the demo.
#[derive(Debug, Parser)]
#[command(name = "innsyn-sim", version)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Invent a country, start 77 registers, show what citizens and researchers do, and stay up.
    Demo(DemoArgs),
    /// Write an invented country: catalogue, people, each register's data.
    Population {
        /// How many people live in it.
        #[arg(long)]
        persons: u32,
        /// The folder to write.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Everything random follows from this.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// With the views that registers publish for research.
        #[arg(long)]
        views: bool,
    },
    /// Print a citizen's or the invented researcher's token, good for five minutes.
    Token {
        /// The generator's number of the person asked about; never an id.
        #[arg(long, required_unless_present = "researcher")]
        person: Option<u32>,
        /// Who asks.
        #[arg(long = "as", value_enum, default_value = "oneself")]
        role: Role,
        /// The invented researcher's token.
        #[arg(long, conflicts_with_all = ["person", "role", "national_id_file"])]
        researcher: bool,
        /// The world's folder.
        #[arg(long, value_name = "FOLDER")]
        world: PathBuf,
        /// Write the id asked about into this file, for a client to read.
        #[arg(long, value_name = "FILE")]
        national_id_file: Option<PathBuf>,
    },
    /// Print the invented researcher's data permit over all registers and views, good for a year.
    Permit {
        /// The world's folder.
        #[arg(long, value_name = "FOLDER")]
        world: PathBuf,
    },
    /// Read what the registers' logs have about a person in a running demo, and verify it.
    VerifyUses(crate::verify_uses::VerifyUsesArgs),
    /// Load a gateway with listings and print a report as JSON.
    Load(crate::load::LoadArgs),
    /// Measure, with a naive design beside it in the same run.
    Bench {
        #[command(subcommand)]
        command: crate::bench::BenchCommand,
    },
    // These two have the help of the programs that they stand for.
    #[command(hide = true)]
    Broker(innsyn_broker::program::Args),
    #[command(hide = true)]
    Agent(innsyn_agent::program::Args),
    /// An agent that hears everything late.
    #[command(hide = true)]
    SlowAgent {
        #[arg(long)]
        delay_ms: u64,
        #[command(flatten)]
        agent: innsyn_agent::program::Args,
    },
    /// Many agents in one process.
    #[command(hide = true)]
    Agents {
        #[arg(long)]
        world: PathBuf,
        /// Their registers; all that have an agent if absent.
        #[arg(long, value_delimiter = ',')]
        registers: Vec<String>,
    },
    /// A part of the naive design.
    #[command(hide = true)]
    Naive {
        #[command(subcommand)]
        part: crate::bench::NaivePart,
    },
    /// The gateway without some layers.
    #[command(hide = true)]
    ReducedGateway {
        #[arg(long)]
        world: PathBuf,
        #[arg(long, value_delimiter = ',')]
        without: Vec<crate::bench::Layer>,
    },
    /// Many agents in one process, without some layers.
    #[command(hide = true)]
    ReducedAgents {
        #[arg(long)]
        world: PathBuf,
        #[arg(long, value_delimiter = ',')]
        registers: Vec<String>,
        #[arg(long, value_delimiter = ',')]
        without: Vec<crate::bench::Layer>,
    },
    /// The demo's gateway, with its page.
    #[command(hide = true)]
    DemoGateway {
        #[arg(long)]
        world: PathBuf,
    },
}

#[derive(Debug, Parser)]
struct DemoArgs {
    /// How many people live in the country.
    #[arg(long, default_value_t = 50_000)]
    persons: u32,
    /// Everything random follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End when all has been shown.
    #[arg(long)]
    once: bool,
    /// Keep the world in this folder; what an earlier demo left there is thrown away.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Where the gateway listens.
    #[arg(long, default_value_t = DEMO_GATEWAY)]
    listen: std::net::SocketAddr,
}

/// Does what `args` say.
pub fn main(args: Args) -> anyhow::Result<()> {
    let demo = || Command::Demo(DemoArgs::parse_from(["demo"]));
    match args.command.unwrap_or_else(demo) {
        Command::Demo(args) => {
            let mut world = WorldSpec::new(args.persons, args.seed);
            world.gateway = args.listen;
            world.content = Content::Views;
            world.settings = true;
            world.notification = true;
            // Port 8080 may be taken; a demo that ends by itself needs no address one can guess.
            if args.once && args.listen == DEMO_GATEWAY {
                world.gateway.set_port(0);
            }
            let spec = DemoSpec {
                world,
                folder: args.folder,
                once: args.once,
            };
            block_on(async |stop| demo::run(spec, stop).await)
        }
        Command::Population {
            persons,
            out,
            seed,
            views,
        } => population(persons, seed, views, &out),
        Command::Token {
            person: Some(person),
            role,
            world,
            national_id_file,
            researcher: _,
        } => token(person, role, &world, national_id_file.as_deref()),
        Command::Token {
            person: None,
            world,
            ..
        } => researcher_token(&world),
        Command::Permit { world } => permit(&world),
        Command::VerifyUses(args) => block_on(async |_| crate::verify_uses::main(args).await),
        Command::Load(args) => block_on(async |_| crate::load::main(args).await),
        Command::Bench { command } => on_one_thread(async |_| crate::bench::main(command).await),
        Command::Broker(args) => innsyn_broker::program::main(args, axum::Router::new()),
        Command::Agent(args) => innsyn_agent::program::main(args),
        Command::SlowAgent { delay_ms, agent } => {
            let delay = Duration::from_millis(delay_ms);
            innsyn_agent::program::main_with(agent, Arc::new(SlowDialler { delay }))
        }
        Command::Agents { world, registers } => {
            block_on(async |stop| crate::processes::run_agents(&world, &registers, stop).await)
        }
        Command::Naive { part } => crate::bench::naive_part(part),
        Command::ReducedGateway { world, without } => {
            on_one_thread(async |stop| crate::bench::reduced_gateway(&world, &without, stop).await)
        }
        Command::ReducedAgents {
            world,
            registers,
            without,
        } => block_on(async |stop| {
            crate::processes::run_agents_as(&world, &registers, |config| {
                crate::bench::reduced_agent(config, without.clone(), stop.clone())
            })
            .await
        }),
        Command::DemoGateway { world } => {
            block_on(async |stop| demo::serve_gateway(&world, stop).await)
        }
    }
}

/// Runs `work` on all cores until it ends; SIGINT and SIGTERM cancel what it is given.
fn block_on(work: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>) -> anyhow::Result<()> {
    run_on(tokio::runtime::Builder::new_multi_thread(), work)
}

/// The same on one thread.
fn on_one_thread(
    work: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    run_on(tokio::runtime::Builder::new_current_thread(), work)
}

fn run_on(
    mut runtime: tokio::runtime::Builder,
    work: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    runtime.enable_all().build()?.block_on(async {
        let stop = CancellationToken::new();
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let told = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            told.cancel();
        });
        Box::pin(work(stop)).await
    })
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn population(persons: u32, seed: u64, views: bool, out: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let bar = ProgressBar::new(u64::from(persons));
    let content = if views {
        Content::Views
    } else {
        Content::Registrations
    };
    let country = Country::invent(PopulationSpec::new(persons, seed), 0)?;
    let written = country.write_with(out, content, &bar)?;
    bar.finish_and_clear();
    println!("{} registers' data are in {}", written.len(), out.display());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn token(
    person: u32,
    role: Role,
    world: &std::path::Path,
    national_id_file: Option<&std::path::Path>,
) -> anyhow::Result<()> {
    let world = World::open(world)?;
    let now = SystemClock.now();
    let asking = world.country.asking(person, role, None, now)?;
    let mut random: StdRng = rand::make_rng();
    println!("{}", world.sts.token(&asking.grant(), now, &mut random)?);
    if let Some(file) = national_id_file {
        std::fs::write(file, asking.subject.id.expose())
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn researcher_token(world: &std::path::Path) -> anyhow::Result<()> {
    let world = World::open(world)?;
    let mut random: StdRng = rand::make_rng();
    println!(
        "{}",
        world.researcher_token(SystemClock.now(), &mut random)?
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn permit(world: &std::path::Path) -> anyhow::Result<()> {
    let world = World::open(world)?;
    println!("{}", world.data_permit(SystemClock.now())?);
    Ok(())
}
