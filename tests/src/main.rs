//! `innsyn-world`: the simulator's program under a name that the tests of this crate can start.

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

fn main() -> anyhow::Result<()> {
    run(Args::parse())
}
