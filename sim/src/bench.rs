//! Benchmarks: whole federations of processes, with a naive design beside them in the same run.
//!
//! A timing here is a ratio of two things measured in turns on one machine; a single figure says
//! little on a machine that others share.

mod disk;
mod federation;
mod flips;
mod hung;
mod layers;
mod listing;
mod naive;
mod report;
mod research;
mod settings;
mod timing;
mod usage;
mod uses;

use clap::Subcommand;

pub use hung::HungArgs;
pub use layers::{Layer, LayersArgs, reduced_agent, reduced_gateway};
pub use listing::ListingArgs;
pub use naive::{NaivePart, run as naive_part};

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Listings: fan-outs per second, latency, CPU per leg, against the naive design.
    Listing(ListingArgs),
    /// What each layer costs, by leaving it out once.
    Layers(LayersArgs),
    /// What registers that hang cost everybody else.
    Hung(HungArgs),
    /// Whether the time that an agent takes tells who is in its register.
    Timing(timing::TimingArgs),
    /// Whether every flipped bit of a large log of use is found, and how long that takes.
    Flips(flips::FlipsArgs),
    /// One agent's log of use with very many entries: writing, opening, finding, proving.
    Uses(uses::UsesArgs),
    /// Changes of settings, while agents and the relay are killed.
    Settings(settings::SettingsArgs),
    /// Researchers' queries over all registers, against DuckDB over the pooled data.
    Research(research::ResearchArgs),
}

/// Does what `command` says.
pub async fn main(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Listing(args) => Box::pin(listing::main(args)).await,
        BenchCommand::Layers(args) => Box::pin(layers::main(args)).await,
        BenchCommand::Hung(args) => Box::pin(hung::main(args)).await,
        BenchCommand::Timing(args) => Box::pin(timing::main(args)).await,
        BenchCommand::Flips(args) => Box::pin(flips::main(args)).await,
        BenchCommand::Uses(args) => Box::pin(uses::main(args)).await,
        BenchCommand::Settings(args) => Box::pin(settings::main(args)).await,
        BenchCommand::Research(args) => Box::pin(research::main(args)).await,
    }
}
