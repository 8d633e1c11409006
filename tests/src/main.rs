//! `innsyn-world`: the simulator's program under a name that the tests of this crate can start.
//! It can also be a broker that leaks, or a research gateway without disclosure control.

mod desks;
mod leaky;
mod research_gateway;

use std::ffi::OsString;

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

/// Begins the command line of the broker that leaks.
const LEAKY: &str = "leaky-broker";
/// Begins the command line of a research gateway that shows everything.
const EXACT: &str = "exact-research-gateway";

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.first().and_then(|command| command.to_str()) {
        Some(LEAKY) => leaky::main(&leaky::Args::parse_from(args)),
        Some(EXACT) => {
            let args = research_gateway::Args::parse_from(args);
            research_gateway::main(&args, desks::exact)
        }
        _ => run(Args::parse()),
    }
}
