//! `innsyn-world`: the simulator's program under a name that the tests of this crate can start.
//! It can also be a broker that leaks.

mod leaky;

use std::ffi::OsString;

use clap::Parser as _;
use innsyn_sim::program::{Args, main as run};

/// Begins the command line of the broker that leaks.
const LEAKY: &str = "leaky-broker";

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|command| command == LEAKY) {
        return leaky::main(&leaky::Args::parse_from(args));
    }
    run(Args::parse())
}
