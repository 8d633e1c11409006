//! The command line of `innsyn-agent`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use innsyn_policy::Clock;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::tunnel::{Dial, TcpDialler};
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::finding::Severity;
use crate::research::compute::{AuditedRecords, FOLDER};
use crate::sources::TerminalBar;
use crate::uselog::{AuditError, Entry, FsDisk, LogKeys, verify_each};
use crate::{check, run, shutdown};

mod cases;
mod clerk;
mod settings;
mod steward;

use cases::CasesCommand;
use clerk::ClerkCommand;
use settings::SettingsCommand;
use steward::StewardCommand;

/// Innsyn's agent: answers for one register, and logs every use.
#[derive(Debug, Parser)]
#[command(name = "innsyn-agent", version)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer for the register.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say in plain words what is wrong with configuration, certificate, clock, connection,
    /// rights or data. Exits with 1 if the agent could not serve.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// See which researchers' queries wait for the steward, and decide.
    Steward {
        #[command(subcommand)]
        command: StewardCommand,
    },
    /// See the dialogs that people have with the register, and answer them.
    Cases {
        #[command(subcommand)]
        command: CasesCommand,
    },
    /// Enter what people say on paper of the use of their data, and confirm what another clerk has
    /// entered.
    Clerk {
        #[command(subcommand)]
        command: ClerkCommand,
    },
    /// Bring up an agent that came late, or lost its records, with people's settings from another
    /// register's.
    Settings {
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// Look at the log of use.
    Uselog {
        #[command(subcommand)]
        command: UselogCommand,
    },
}

#[derive(Debug, Subcommand)]
enum UselogCommand {
    /// Recompute the whole log, hold the records of counted queries against it, and say what is
    /// wrong. Repairs nothing.
    Verify {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A head from elsewhere, as a gateway keeps it (`innsyn-broker head`): shows that a log
        /// is an older copy.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
}

/// Does what `args` say. Relays are dialled with `dialler`.
pub fn main_with(args: Args, dialler: Arc<dyn Dial>) -> anyhow::Result<()> {
    match args.command {
        Command::Run { config: path } => {
            let config = Config::load(&path)
                .with_context(|| format!("cannot start with {}", path.display()))?;
            telemetry::start(&config.telemetry)?;
            // One register's questions are answered faster by one thread than by several.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let stop = CancellationToken::new();
                shutdown::when_requested(stop.clone())?;
                let clock: Arc<dyn Clock> = Arc::new(SystemClock);
                run::run(config, dialler, clock, TerminalBar::new(), stop).await
            })
        }
        Command::Check { config } => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            if runtime.block_on(say_findings(&config, &*dialler)) {
                Ok(())
            } else {
                std::process::exit(1)
            }
        }
        Command::Steward { command } => steward::run(command),
        Command::Cases { command } => cases::run(command),
        Command::Clerk { command } => clerk::run(command),
        Command::Settings { command } => settings::run(command),
        Command::Uselog {
            command: UselogCommand::Verify { config, head },
        } => verify_log(&config, head.as_deref()),
    }
}

/// Does what `args` say, over TCP.
pub fn main(args: Args) -> anyhow::Result<()> {
    main_with(args, Arc::new(TcpDialler))
}

/// Prints what is wrong; whether the agent could serve.
#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn say_findings(path: &Path, dialler: &dyn Dial) -> bool {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let findings = Box::pin(check::check(path, dialler, &clock)).await;
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .count();
    match errors {
        0 => println!("the agent can serve"),
        1 => println!("the agent cannot serve: 1 error"),
        errors => println!("the agent cannot serve: {errors} errors"),
    }
    errors == 0
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn verify_log(path: &Path, head: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    let section = &config.use_log;
    anyhow::ensure!(
        section.folder.is_dir(),
        "there is no log of use in `{}` yet; the agent begins it at its first start",
        section.folder.display()
    );
    let mut random: StdRng = rand::make_rng();
    let keys = LogKeys::open(
        &section.keys(),
        &section.folder,
        &config.register.id,
        false,
        &mut random,
    )?;
    let given = head
        .map(|head| {
            std::fs::read(head).with_context(|| format!("`{}` cannot be read", head.display()))
        })
        .transpose()?;
    let disk = FsDisk::read_only(&section.folder);
    let key = innsyn_proto::head::HeadKey::parse(keys.public_text())?;
    let records = config.research.as_ref();
    let mut records = records.map(|it| AuditedRecords::in_folder(&it.folder.join(FOLDER)));
    let mut each = |number, entry: &Entry| {
        if let Some(records) = &mut records {
            records.look(number, entry);
        }
    };
    let countersigners = config.countersigners();
    let verified = verify_each(&disk, &key, &countersigners, given.as_deref(), &mut each);
    let report = match verified {
        Ok(report) => report,
        Err(AuditError::Fault(fault)) => {
            println!("the log of use does not hold: {fault}");
            std::process::exit(1);
        }
        Err(error) => return Err(error.into()),
    };
    println!(
        "the log of use holds: {} entries in {} commits",
        report.entries, report.commits
    );
    println!("root {}", hex::encode(report.root));
    for (head, size) in &report.heads {
        println!("agrees with {head}: {size} entries");
    }
    if report.unfinished_bytes > 0 {
        println!(
            "{} bytes after the last commit were never acknowledged; the agent cuts them when it starts",
            report.unfinished_bytes
        );
    }
    if let Some(entry) = report.hashes_missing_from {
        println!(
            "hashes from entry {entry} on are not stored yet; the agent adds them when it starts"
        );
    }
    if let Some(records) = records {
        say_records(&records);
    }
    Ok(())
}

/// Prints how the records of counted queries are; ends with 1 if one is not as its entry says.
#[expect(clippy::print_stdout, reason = "the command's answer")]
fn say_records(records: &AuditedRecords) {
    let AuditedRecords {
        whole,
        faults,
        told,
        ..
    } = records;
    println!("records of queries: {whole} hold");
    for fault in told {
        println!("{fault}");
    }
    if *faults > 0 {
        println!("records of queries: {faults} do not hold");
        std::process::exit(1);
    }
}
