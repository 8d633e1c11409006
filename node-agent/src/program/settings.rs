//! `innsyn-agent settings`: brings up an agent that came late, or gives what it needs to one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::export::Recipient;
use innsyn_proto::tls::{Authority, Credentials};
use rand::rngs::StdRng;

use crate::config::Config;
use crate::settings::transfer::{TransferDesk, TransferOutcome, own};

/// How long the agent is waited for until it begins; it imports nothing in its first ten seconds.
const BEGINS_WITHIN: Duration = Duration::from_secs(20);
/// How long it is waited for then.
const ENDS_WITHIN: Duration = Duration::from_hours(1);
/// The longest recipient's text that is read, in bytes.
const RECIPIENT_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// At the register whose agent came late: print who it is and what to seal to it with, for the
    /// register that exports. Run the agent first, so that gateways know it.
    Recipient {
        #[command(flatten)]
        register: RegisterArgs,
    },
    /// At a register whose agent is current: write everybody's settings of national definitions
    /// into a file that only the recipient's agent can open.
    Export {
        #[command(flatten)]
        register: RegisterArgs,
        /// What the recipient's `recipient` has printed.
        #[arg(long = "for", value_name = "FILE")]
        recipient: PathBuf,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// At the register whose agent came late: take such a file in. The agent goes on from there with
    /// what gateways send.
    Import {
        #[command(flatten)]
        register: RegisterArgs,
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        own: OwnArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct OwnArgs {
    /// The register's own list of what people have said of its own definitions: CSV with the columns
    /// `national_id`, `definition`, `says` (yes or no) and `since`.
    #[arg(long, value_name = "FILE")]
    own: Option<PathBuf>,
    /// There is nothing that people have said of the register's own definitions, or the agent has it.
    #[arg(long)]
    no_own: bool,
}

/// Does what `command` says.
pub(super) fn run(command: SettingsCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_command(command))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn run_command(command: SettingsCommand) -> anyhow::Result<()> {
    let said = match command {
        SettingsCommand::Recipient { register } => recipient(&register).await?,
        SettingsCommand::Export {
            register,
            recipient,
            out,
        } => export(&register, &recipient, &out).await?,
        SettingsCommand::Import {
            register,
            file,
            own,
        } => import(&register, &file, &own).await?,
    };
    print!("{said}");
    Ok(())
}

async fn recipient(register: &RegisterArgs) -> anyhow::Result<String> {
    let config = register.load()?;
    let node = Credentials::load(&config.tls.certificate, &config.tls.key)?;
    let desk = desk(&config).await?;
    let recipient = Recipient {
        register: config.register.id.clone(),
        key: desk.opening().public().clone(),
        at: SystemClock.now(),
    };
    desk.close().await;
    let signed = recipient.sign(&node)?;
    // What the exporting register would say, said here.
    let federation = Authority::load(&config.tls.federation_ca)?;
    Recipient::read(&signed, &federation, SystemClock.now())?;
    Ok(signed)
}

async fn export(register: &RegisterArgs, recipient: &Path, out: &Path) -> anyhow::Result<String> {
    let config = register.load()?;
    anyhow::ensure!(!out.exists(), "`{}` is there already", out.display());
    let mut text = String::new();
    File::open(recipient)
        .and_then(|file| file.take(RECIPIENT_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("`{}` cannot be read as text", recipient.display()))?;
    let federation = Authority::load(&config.tls.federation_ca)?;
    Recipient::read(&text, &federation, SystemClock.now())
        .with_context(|| format!("`{}`", recipient.display()))?;
    let mut desk = desk(&config).await?;
    let id = desk.ask_export(&text, SystemClock.now()).await?;
    let mut outcome = desk.outcome(&id, BEGINS_WITHIN).await?;
    if outcome == TransferOutcome::Waiting {
        desk.withdraw(&id).await?;
        anyhow::bail!(
            "nothing is exported: the agent does not run, and only it knows what is whole"
        );
    }
    if outcome == TransferOutcome::Begun {
        outcome = desk.outcome(&id, ENDS_WITHIN).await?;
    }
    let told = done(outcome)?;
    let collected = desk.collect(&id, out).await;
    desk.close().await;
    collected?;
    Ok(format!("{}: {told}\n", out.display()))
}

async fn import(register: &RegisterArgs, file: &Path, own: &OwnArgs) -> anyhow::Result<String> {
    let config = register.load()?;
    let section = config.settings.as_ref();
    let section = section
        .context("the agent takes no settings; its configuration has no `[settings]` section")?;
    let definitions = SettingDefinitions::load(&section.definitions)?;
    let federation = Authority::load(&config.tls.federation_ca)?;
    let (id, now) = (&config.register.id, SystemClock.now());
    let mut desk = desk(&config).await?;
    desk.look(file, id, &federation, now)?;
    let list = match &own.own {
        Some(path) => {
            fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?
        }
        None => Vec::new(),
    };
    let rows = || own::rows(&*list, &definitions, id, config.numbers, now);
    // All of it is looked at before any of it is asked for.
    rows().try_for_each(|row| row.map(drop))?;
    let word = desk.ask_import(file, rows(), now).await?;
    let mut outcome = desk.outcome(&word, BEGINS_WITHIN).await?;
    if outcome == TransferOutcome::Begun {
        outcome = desk.outcome(&word, ENDS_WITHIN).await?;
    }
    desk.close().await;
    if outcome == TransferOutcome::Waiting {
        return Ok(
            "kept: the agent does not run; it is imported when it does, and you need not say it \
             again\n"
                .to_owned(),
        );
    }
    Ok(format!("imported: {}\n", done(outcome)?))
}

fn done(outcome: TransferOutcome) -> anyhow::Result<String> {
    match outcome {
        TransferOutcome::Done(told) => Ok(told),
        TransferOutcome::Refused(why) => anyhow::bail!("not done: {why}"),
        TransferOutcome::Waiting | TransferOutcome::Begun => {
            anyhow::bail!("the agent is still at it, or tries again; its log says more")
        }
    }
}

async fn desk(config: &Config) -> anyhow::Result<TransferDesk> {
    let random: StdRng = rand::make_rng();
    Ok(TransferDesk::open(&config.records.folder, &config.records.key, random).await?)
}

impl RegisterArgs {
    fn load(&self) -> anyhow::Result<Config> {
        Config::load(&self.config).with_context(|| format!("cannot read {}", self.config.display()))
    }
}
