//! `innsyn-world`: the simulator's program under a name that the tests of this crate can start.
//! It can also be a broker that leaks, a research gateway that lacks a protection, an agent that counts
//! everybody, or nothing but a ledger that is written to.

mod desks;
mod everybody;
mod forgetful;
mod leaky;
mod recorder;
mod research_gateway;
mod unaudited;

use std::ffi::OsString;

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

/// Begins the command line of the broker that leaks.
const LEAKY: &str = "leaky-broker";
/// Begins the command line of a research gateway that lacks something.
const WEAKENED: &str = "weakened-research-gateway";
/// Begins the command line of an agent that counts everybody.
const EVERYBODY: &str = "everybody-agent";
/// Begins that of the recorder of releases.
const RECORDER: &str = "record-releases";

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.first().and_then(|command| command.to_str()) {
        Some(LEAKY) => leaky::main(&leaky::Args::parse_from(args)),
        Some(WEAKENED) => research_gateway::main(&research_gateway::Args::parse_from(args)),
        Some(EVERYBODY) => everybody::main(&everybody::Args::parse_from(args)),
        Some(RECORDER) => recorder::main(&recorder::Args::parse_from(args)),
        _ => run(Args::parse()),
    }
}
