//! Benchmarks: whole federations of processes, with a naive design beside them in the same run.

use clap::Subcommand;

mod naive;
mod usage;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Listings: fan-outs per second, latency, CPU per leg.
    Listing,
}

/// Does what `command` says.
pub async fn main(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Listing => anyhow::bail!("not yet"),
    }
}
