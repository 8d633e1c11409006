//! `innsyn-broker`: relay, citizen gateway, certificates.

use clap::Parser as _;
use innsyn_broker::program::{Args, main as run};

fn main() -> anyhow::Result<()> {
    run(Args::parse(), axum::Router::new())
}
