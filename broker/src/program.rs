//! The command line of `innsyn-broker`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use clap::{Parser, Subcommand};
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use innsyn_proto::telemetry;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::{dev, enrolment, run, shutdown};

mod data_permit;

/// How long a certificate is valid unless the command says otherwise, in days.
const CERTIFICATE_DAYS: u32 = 365;

/// Innsyn's broker: relay, citizen gateway, certificates.
#[derive(Debug, Parser)]
#[command(name = "innsyn-broker", version)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the roles that a configuration file names.
    Run {
        /// The configuration file.
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "dev",
            conflicts_with = "dev"
        )]
        config: Option<PathBuf>,
        /// Run relay and gateway in one process, with a CA made on the spot. For trying things out
        /// on one machine: the relay is not blind then.
        #[arg(long)]
        dev: bool,
        /// The folder that `--dev` keeps its files in.
        #[arg(
            long,
            value_name = "FOLDER",
            default_value = "innsyn-dev",
            requires = "dev"
        )]
        folder: PathBuf,
    },
    /// Make and use a certificate authority. Never runs inside a relay.
    Ca {
        #[command(subcommand)]
        command: CaCommand,
    },
    /// Sign, read and verify data permits.
    DataPermit {
        #[command(subcommand)]
        command: data_permit::DataPermitCommand,
    },
    /// Print the last head of a register's log of use that this gateway countersigned.
    Head {
        /// The configuration file of the gateway.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The register.
        register: String,
    },
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Make a federation CA (for nodes and gateways) and a relay CA.
    Init {
        /// The folder for both, which must hold none yet.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Issue a certificate.
    Issue {
        /// Whom it is for.
        #[arg(value_enum)]
        role: Role,
        /// A register's id, or a gateway's or relay's name.
        name: String,
        /// The folder of the CA.
        #[arg(long, value_name = "FOLDER")]
        ca: PathBuf,
        /// The folder to put the certificate, its key and the CAs' certificates in.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// A host name or IP address under which a relay is reached; may be repeated.
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// How long it is valid, in days.
        #[arg(long, default_value_t = CERTIFICATE_DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    Node,
    Gateway,
    Relay,
}

/// Does what `args` say. `extra` are routes that an embedder adds to the gateway's.
pub fn main(args: Args, extra: Router) -> anyhow::Result<()> {
    match args.command {
        Command::Run {
            config: Some(path), ..
        } => {
            let config = Config::load(&path)
                .with_context(|| format!("cannot start with {}", path.display()))?;
            telemetry::start(&config.telemetry)?;
            serve(config, extra)
        }
        Command::Run {
            config: None,
            folder,
            ..
        } => {
            let config = dev::prepare(&folder, &SystemClock)?;
            telemetry::start(&config.telemetry)?;
            dev::say_what_this_is(&folder);
            serve(config, extra)
        }
        Command::Ca { command } => ca(command),
        Command::DataPermit { command } => data_permit(command),
        Command::Head { config, register } => head(&config, &register),
    }
}

fn serve(config: Config, extra: Router) -> anyhow::Result<()> {
    let mut runtime = match config.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    runtime.enable_all().build()?.block_on(async {
        let stop = CancellationToken::new();
        shutdown::when_requested(stop.clone())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Box::pin(run::run(config, clock, extra, stop)).await
    })
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn ca(command: CaCommand) -> anyhow::Result<()> {
    match command {
        CaCommand::Init { out } => {
            enrolment::init(&out, &SystemClock)?;
            println!("federation CA and relay CA are in {}", out.display());
            println!("whoever reads their keys can pose as anybody: keep them off every server");
        }
        CaCommand::Issue {
            role,
            name,
            ca,
            out,
            hosts,
            days,
        } => {
            let identity = match role {
                Role::Node => Identity::Node(RegisterId::parse(&name)?),
                Role::Gateway => Identity::Gateway(name.parse()?),
                Role::Relay => Identity::Relay(name.parse()?),
            };
            let issued = enrolment::issue(&ca, &identity, &hosts, days, &out, &SystemClock)?;
            println!("{} is in {}", issued.identity, issued.certificate.display());
            println!("its key is in {}", issued.key.display());
            if matches!(role, Role::Gateway) {
                println!(
                    "agents that serve it pin it by: public_keys = [\"{}\"]",
                    issued.pin
                );
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn data_permit(command: data_permit::DataPermitCommand) -> anyhow::Result<()> {
    print!("{}", command.answer(SystemClock.now())?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn head(config: &Path, register: &str) -> anyhow::Result<()> {
    let config = Config::load(config)?;
    let (_, federation) = config
        .citizen_gateway
        .context("this configuration has no gateway, and only a gateway keeps heads")?;
    let register = RegisterId::parse(register)?;
    let head =
        crate::gateway::witness::head_in(&federation.heads, &register)?.with_context(|| {
            let folder = federation.heads.display();
            format!("no head of `{register}` is kept in {folder} yet")
        })?;
    print!("{}", String::from_utf8_lossy(head.note()));
    Ok(())
}
