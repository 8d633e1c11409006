//! A research gateway that lacks a part of what protects persons, for tests that must see what it is
//! worth. It starts only where all national ids are synthetic.

use std::path::PathBuf;
use std::sync::Arc;

use innsyn_broker::config::Config;
use innsyn_broker::research::ResearchParts;
use innsyn_broker::{open_research_parts, run_research_gateway};
use innsyn_policy::{Clock, Environment};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use tokio_util::sync::CancellationToken;

use crate::desks;
use crate::forgetful::Forgetful;
use crate::unaudited::Unaudited;

/// Run a research gateway that lacks a protection.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// What it lacks.
    lacks: Lacks,
    /// The gateway's configuration file.
    #[arg(long)]
    config: PathBuf,
}

/// What a gateway can lack.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Lacks {
    /// All disclosure control: it shows every cell exactly, and compares nothing with earlier tables.
    Control,
    /// The complementary check.
    Check,
    /// The overlap audit.
    Audit,
}

/// Runs the gateway of the configuration without a part of it, until it is killed.
pub(crate) fn main(args: &Args) -> anyhow::Result<()> {
    let config = Config::load(&args.config)?;
    telemetry::start(&config.telemetry)?;
    let Some((config, federation)) = config.research_gateway else {
        anyhow::bail!("there is no research gateway in the configuration");
    };
    anyhow::ensure!(
        config.environment == Environment::Test,
        "with less than all protection, only synthetic people may be counted; set `environment` to \
         `test`"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = open_research_parts(&config, federation, &clock).await?;
        let parts = match args.lacks {
            Lacks::Control => ResearchParts {
                desk: desks::EXACT,
                ledger: Arc::new(Forgetful),
                ..parts
            },
            Lacks::Check => ResearchParts {
                desk: desks::UNCHECKED,
                ..parts
            },
            Lacks::Audit => ResearchParts {
                ledger: Arc::new(Unaudited(parts.ledger)),
                ..parts
            },
        };
        run_research_gateway(parts, config, CancellationToken::new()).await
    })
}
