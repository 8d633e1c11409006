//! `verify-uses`: what the registers' logs have about one person, and what of it was verified.
//!
//! Asks a running federation's gateway, as the person or somebody who acts for them, and checks
//! again here what the gateway says that it has checked, over what each register has signed. With
//! `--receipt FILE` the registers are held to the receipts of the reading before, which are in that
//! file, and the new ones take their place: run it twice, and whatever a register has taken back
//! meanwhile is found. Ends with 1 if a log does not hold; of that register the receipt stays.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1 as wire;
use rand::rngs::StdRng;

use crate::caller::Caller;
use crate::country::Role;
use crate::receipts;
use crate::world::World;

mod again;
mod said;

/// What `verify-uses` is asked.
#[derive(Debug, clap::Args)]
pub struct VerifyUsesArgs {
    /// The generator's number of the person; never an id.
    #[arg(long)]
    person: u32,
    /// Who asks.
    #[arg(long = "as", value_enum, default_value = "oneself")]
    role: Role,
    /// The world's folder.
    #[arg(long, value_name = "FOLDER")]
    world: PathBuf,
    /// The receipts of the reading before; those of this one are put in their place.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// Reads, prints what was checked, and fails if any log does not hold.
pub async fn main(args: VerifyUsesArgs) -> anyhow::Result<()> {
    let world = World::open(&args.world)?;
    let before = args.receipt.as_deref().map(read_receipts).transpose()?;
    let before = before.unwrap_or_default();
    let now = SystemClock.now();
    let asking = world.country.asking(args.person, args.role, None, now)?;
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random)?;
    let caller = Caller::connect(world.gateway(), world.gateway_ca().as_deref()).await?;
    let uses = caller.uses(&question, before.clone()).await?;
    let again = again::check_all(&before, &uses);
    said::registers(&uses, &again);
    said::checks(&uses, &again);
    if let Some(file) = &args.receipt {
        let kept = receipts::kept(&before, &uses);
        fs::write(file, serde_json::to_vec_pretty(&kept)?)
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
        said::kept(kept.len(), file);
    }
    let lies: Vec<String> = again::lies(&uses, &again).collect();
    anyhow::ensure!(
        lies.is_empty(),
        "what the gateway says of these does not hold when it is checked again: {}",
        lies.join("; ")
    );
    let wrong = said::names(&uses, wire::UsesOutcome::NotVerified);
    anyhow::ensure!(
        wrong.is_empty(),
        "what these registers show of their logs does not hold: {wrong}; their receipts are kept as \
         they were, so ask the register, and show them"
    );
    Ok(())
}

fn read_receipts(file: &Path) -> anyhow::Result<Vec<String>> {
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json)
            .with_context(|| format!("`{}` is not a file of receipts", file.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
    }
}
