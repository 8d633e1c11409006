//! `innsyn-sim`: an invented Norway to try Innsyn on.

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

fn main() -> anyhow::Result<()> {
    run(Args::parse())
}
