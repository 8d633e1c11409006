//! `innsyn-agent`: answers for one register.

use clap::Parser as _;
use innsyn_agent::program::{Args, main as run};

fn main() -> anyhow::Result<()> {
    run(Args::parse())
}
