//! A research gateway with another release desk than a production gateway has. It starts only where
//! all national ids are synthetic.

use std::path::PathBuf;
use std::sync::Arc;

use innsyn_broker::config::Config;
use innsyn_broker::research::ResearchParts;
use innsyn_broker::research::desk::ReleaseDesk;
use innsyn_broker::{open_research_parts, run_research_gateway};
use innsyn_policy::{Clock, Environment};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use tokio_util::sync::CancellationToken;

/// Run a research gateway with a desk that only tests may have.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// The gateway's configuration file.
    #[arg(long)]
    config: PathBuf,
}

/// Runs the gateway of the configuration with `desk`, until it is killed.
pub(crate) fn main(args: &Args, desk: ReleaseDesk) -> anyhow::Result<()> {
    let config = Config::load(&args.config)?;
    telemetry::start(&config.telemetry)?;
    let Some((config, federation)) = config.research_gateway else {
        anyhow::bail!("there is no research gateway in the configuration");
    };
    anyhow::ensure!(
        config.environment == Environment::Test,
        "without disclosure control only synthetic people may be counted; set `environment` to \
         `test`"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = open_research_parts(&config, federation, &clock).await?;
        let parts = ResearchParts { desk, ..parts };
        run_research_gateway(parts, config, CancellationToken::new()).await
    })
}
