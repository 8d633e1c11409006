//! `bench settings`: changes of settings while the federation's parts are killed and started again.
//!
//! Relay, gateway and an agent for each register are processes. Changes are asked for at a fixed
//! rate, whether or not those before have been answered, and asked for again under their names
//! until they are answered. Meanwhile agents and the relay are killed at random moments and stay
//! away for a random while. At the end every agent is there; then each person's settings are held
//! against what they said last, and every agent's records against all that was said.
//!
//! What is measured: from when a change was asked for to when an agent took it. An agent that was
//! not there all that while is told apart; its time counts from when it was started again.

mod account;
mod drill;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use innsyn_proto::clock::SystemClock;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::world::{World, WorldSpec};
use account::Account;
use drill::Drill;

/// What `bench settings` is asked.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// Registers, each with an agent.
    #[arg(long, default_value_t = 70)]
    agents: usize,
    /// Changes a minute.
    #[arg(long, default_value_t = 1_000)]
    per_minute: u32,
    /// For so long.
    #[arg(long, default_value_t = 3)]
    minutes: u32,
    /// How many people change their settings.
    #[arg(long, default_value_t = 200)]
    citizens: u32,
    /// An agent is killed so often, in seconds; 0 for never.
    #[arg(long, default_value_t = 4)]
    agent_dies_every_s: u64,
    /// The relay is killed so often, in seconds; 0 for never.
    #[arg(long, default_value_t = 45)]
    relay_dies_every_s: u64,
    /// How long what was killed stays away at most, in seconds.
    #[arg(long, default_value_t = 20)]
    away_max_s: u64,
    /// Everything random follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the whole federation.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    folder: PathBuf,
}

impl SettingsArgs {
    const fn lasts(&self) -> Duration {
        Duration::from_mins(self.minutes as u64)
    }

    fn changes(&self) -> u32 {
        self.per_minute.saturating_mul(self.minutes)
    }
}

/// Measures, and prints the report as JSON. Fails where a change is lost or done twice.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: SettingsArgs) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir_in(&args.folder)
        .with_context(|| format!("nothing can be kept in `{}`", args.folder.display()))?;
    let mut spec = WorldSpec::new(args.citizens.max(500), args.seed);
    spec.settings = true;
    spec.live_only = Some(args.agents);
    "warn".clone_into(&mut spec.log_filter);
    let folder = temporary.path().join("world");
    let world = tokio::task::spawn_blocking(move || {
        World::build(&folder, &spec, &SystemClock, &ProgressBar::hidden())
    });
    let world = Arc::new(world.await??);
    let random = StdRng::seed_from_u64(args.seed);
    let mut drill = Drill::start(&world, random).await?;
    anyhow::ensure!(
        drill.registers().count() == args.agents,
        "no world has {} registers that can be asked",
        args.agents
    );
    let said = drill.run(&args).await?;
    drill.await_effect(&said).await?;
    let (gateway_cpu_us, relay_cpu_us) = drill.cpu_us()?;
    let away = drill.stop().await?;
    let mut account = Account::of(&world, &said, &away).await?;
    #[expect(clippy::cast_precision_loss, reason = "a count of items")]
    let items = (said.len() * args.agents) as f64;
    account.gateway_cpu_us_per_item = gateway_cpu_us / items;
    account.relay_cpu_us_per_item = relay_cpu_us / items;
    println!("{}", serde_json::to_string_pretty(&account)?);
    anyhow::ensure!(account.lost == 0, "{} changes were lost", account.lost);
    anyhow::ensure!(account.wrong == 0, "{} settings are wrong", account.wrong);
    Ok(())
}
