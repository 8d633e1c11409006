//! `innsyn-world`: the simulator's program under a name that the tests of this crate can start.
//! It can also be a broker that leaks, or nothing but a ledger that is written to.

mod leaky;
mod recorder;

use std::ffi::OsString;

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

/// Begins the command line of the broker that leaks.
const LEAKY: &str = "leaky-broker";
/// Begins that of the recorder of releases.
const RECORDER: &str = "record-releases";

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = args.first().and_then(|command| command.to_str());
    match command {
        Some(LEAKY) => leaky::main(&leaky::Args::parse_from(args)),
        Some(RECORDER) => recorder::main(&recorder::Args::parse_from(args)),
        _ => run(Args::parse()),
    }
}
