//! An agent that counts everybody in its data, whoever has said no, for tests that must see a
//! promise broken. It starts only where all national ids are synthetic.

use std::path::PathBuf;
use std::sync::Arc;

use innsyn_agent::config::Config;
use innsyn_agent::engine::{Included, PersonSet, Snapshot};
use innsyn_agent::research::compute::{Countable, SettingsRead};
use innsyn_agent::sources::Silent;
use innsyn_agent::subjects::{MarkKey, Marks};
use innsyn_policy::{Environment, Timestamp, Use};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::tunnel::TcpDialler;
use innsyn_proto::wire::research::v1::View;
use tokio_util::sync::CancellationToken;

/// Run an agent that asks nobody's settings.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// The agent's configuration file.
    #[arg(long)]
    config: PathBuf,
}

/// The data behind it, of which everybody may be counted.
#[derive(Debug)]
struct Everybody(Arc<dyn Countable>);

impl Countable for Everybody {
    fn views(&self) -> &[View] {
        self.0.views()
    }

    fn snapshot(&self) -> &Snapshot {
        self.0.snapshot()
    }

    fn snapshot_name(&self) -> &[u8; 32] {
        self.0.snapshot_name()
    }

    fn marks(&self, key: &MarkKey) -> Marks {
        self.0.marks(key)
    }

    fn settings(&self, of: &Use, now: Timestamp) -> SettingsRead {
        let settings = self.0.settings(of, now);
        SettingsRead {
            seen_at: settings.seen_at.or(Some(now)),
            is_too_old: false,
            ..settings
        }
    }

    fn included(&self, _of: &Use, _now: Timestamp) -> Included {
        Included::new(PersonSet::everybody(self.0.snapshot().persons))
    }
}

/// Runs until it is killed.
pub(crate) fn main(args: &Args) -> anyhow::Result<()> {
    let config = Config::load(&args.config)?;
    telemetry::start(&config.telemetry)?;
    anyhow::ensure!(
        config.numbers.environment == Environment::Test,
        "only synthetic people may be counted without being asked; set `environment` to `test`"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(innsyn_agent::run_counting(
        config,
        |data| Arc::new(Everybody(data)),
        Arc::new(TcpDialler),
        Arc::new(SystemClock),
        Arc::new(Silent),
        CancellationToken::new(),
    ))
}
