//! `verify-uses`: what the registers' logs have about one person, and what of it was verified.
//!
//! Asks a running federation's gateway, as the person or somebody who acts for them. With
//! `--receipt FILE` the registers are held to the receipts of the reading before, which are in that
//! file, and the new ones take their place: run it twice, and whatever a register has taken back
//! meanwhile is found.

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
use crate::world::World;

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

/// Reads, prints, and fails if any log does not check.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub async fn main(args: VerifyUsesArgs) -> anyhow::Result<()> {
    let world = World::open(&args.world)?;
    let receipts = args.receipt.as_deref().map(read_receipts).transpose()?;
    let now = SystemClock.now();
    let asking = world.country.asking(args.person, args.role, None, now)?;
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random)?;
    let caller = Caller::connect(world.gateway(), world.gateway_ca().as_deref()).await?;
    let uses = caller.uses(&question, receipts.unwrap_or_default()).await?;
    println!(
        "{:<14} {:<16} {:>5} {:>9} {:>9}  receipt",
        "register", "log", "uses", "entries", "witnessed"
    );
    for register in &uses.registers {
        println!("{}", line(register));
    }
    let wrong = uses
        .registers
        .iter()
        .filter(|register| register.outcome() == wire::UsesOutcome::NotVerified);
    let wrong: Vec<&str> = wrong
        .map(|register| register.register_id.as_str())
        .collect();
    anyhow::ensure!(
        wrong.is_empty(),
        "what these registers show of their logs does not check: {}; the receipts are left as they \
         were",
        wrong.join(", ")
    );
    if let Some(file) = &args.receipt {
        let receipts = uses
            .registers
            .iter()
            .map(|register| register.receipt.as_str());
        let receipts: Vec<&str> = receipts.filter(|receipt| !receipt.is_empty()).collect();
        fs::write(file, serde_json::to_vec_pretty(&receipts)?)
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
        println!("{} receipts are in {}", receipts.len(), file.display());
    }
    Ok(())
}

fn line(register: &wire::RegisterUses) -> String {
    let outcome = register.outcome().as_str_name();
    let outcome = outcome.strip_prefix("USES_OUTCOME_").unwrap_or(outcome);
    let id = &register.register_id;
    let Some(verified) = &register.verified else {
        return format!("{id:<14} {outcome:<16} {}", register.problem);
    };
    let continued = if verified.continues_receipt {
        "continued"
    } else {
        "-"
    };
    format!(
        "{id:<14} {outcome:<16} {:>5} {:>9} {:>9}  {continued}",
        register.uses.len(),
        verified.log_entries,
        verified.witnessed_entries,
    )
}

fn read_receipts(file: &Path) -> anyhow::Result<Vec<String>> {
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json)
            .with_context(|| format!("`{}` is not a file of receipts", file.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
    }
}
